"""Rolling medians against sorted lists, what a meter keeps, and which connection lags behind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.order_desk import new_order, new_store
from whitewire.protocol.pace import FRESH_NS, LEAST, WINDOW, Pace, bucket_of, floor_of, laggard
from whitewire.protocol.pipeline import Pipeline, Request
from whitewire.protocol.replies import RequestKind

PLACE, OTHER, BULK = RequestKind.PLACE, RequestKind.OTHER, RequestKind.BULK


@given(ns=st.integers(0, 2**55))
def test_a_bucket_is_an_eighth_wide(ns: int) -> None:
    bucket = bucket_of(ns)
    assert floor_of(bucket) <= ns < floor_of(bucket + 1)
    assert (ns - floor_of(bucket)) * 8 <= ns


@given(durations=st.lists(st.integers(0, 2**40), min_size=1, max_size=3 * WINDOW))
def test_the_median_is_that_of_the_newest(durations: list[int]) -> None:
    pace = Pace()
    for at, duration in enumerate(durations):
        pace.add(duration, at)
        window = sorted(durations[max(0, at + 1 - WINDOW) : at + 1])
        assert pace.median_ns == floor_of(bucket_of(window[(len(window) - 1) // 2]))
        assert pace.count == len(window)


def test_a_verdict_does_not_outlive_its_evidence() -> None:
    pace = Pace()
    assert pace.recent_ns(0) is None
    pace.add(5, 100)
    assert pace.recent_ns(100 + FRESH_NS) == 5
    assert pace.recent_ns(101 + FRESH_NS) is None


def filled(ns: int, count: int = LEAST) -> Pace:
    pace = Pace()
    for _ in range(count):
        pace.add(ns, 1)
    return pace


@pytest.mark.parametrize(
    ("medians", "worst"),
    [
        ([], None),
        ([100], None),
        ([100, 100, 100, 100], None),
        ([100, 100, 100, 190], None),
        ([100, 100, 100, 300], 3),
        ([300, 100, 90, 110], 0),
        ([100, 300], 1),
        ([100, 300, 300, 300], None),  # the pool is like that; one is better
        ([50, 500, 60, 400], 1),  # one at a time, the worst first
    ],
)
def test_a_lane_lags_behind_the_pool(medians: list[int], worst: int | None) -> None:
    assert laggard([filled(ns) for ns in medians]) == worst


def test_a_lane_is_judged_after_enough_answers() -> None:
    paces = [filled(100), filled(100), filled(900, LEAST - 1)]
    assert laggard(paces) is None
    paces[2].add(900, 1)
    assert laggard(paces) == 2


class Line:
    """One pipeline, and requests that are sent and answered at given times."""

    def __init__(self) -> None:
        self.store = new_store()
        self.pipeline = Pipeline(64, 0)
        self.number = 0

    def send(self, at: int, kind: RequestKind = PLACE, legs: int = 1) -> Request:
        orders = []
        for _ in range(legs):
            self.number += 1
            orders.append(new_order(self.store, f"ww-{self.number}"))
        request = Request(kind, tuple(orders), t_sent_ns=at)
        self.pipeline.push(request)
        return request

    def answer(self, *moments: int) -> None:
        for at in moments:
            self.pipeline.match(at)

    @property
    def medians(self) -> tuple[int, int, int]:
        meter = self.pipeline.meter
        return meter.alone.median_ns, meter.behind.median_ns, meter.bulk_leg.median_ns


def test_a_burst_tells_of_its_first_and_of_those_behind() -> None:
    line = Line()
    for _ in range(4):
        line.send(1_000)
    line.answer(1_008, 1_012, 1_012, 1_023)
    assert line.medians == (8, 5, 0)


def test_what_is_sent_later_says_nothing_about_waiting() -> None:
    line = Line()
    line.send(1_000)
    line.send(1_000)
    line.answer(1_008)
    line.send(1_011)
    line.answer(1_012, 1_900)
    assert line.medians == (8, 0, 0)
    line.send(2_000)
    line.answer(2_010)
    assert line.pipeline.meter.alone.count == 2


def test_a_bulk_tells_of_its_further_legs() -> None:
    line = Line()
    line.send(1_000, BULK, 5)
    line.answer(1_050)  # nothing to compare with
    line.send(2_000)
    line.answer(2_010)
    line.send(3_000, BULK, 5)
    line.answer(3_050)
    assert line.medians == (10, 0, 10)
    line.send(4_000, BULK, 1)
    line.answer(4_050)
    assert line.pipeline.meter.bulk_leg.count == 1


def test_a_ping_and_a_loss_say_nothing() -> None:
    line = Line()
    line.send(1_000, OTHER, 0)
    line.send(1_000)
    line.answer(1_009, 1_019)
    line.send(2_000)
    line.send(2_000)
    line.answer(2_010)
    line.pipeline.on_close()
    line.send(3_000)
    line.answer(3_012)
    assert line.pipeline.meter.alone.count == 2
    assert line.pipeline.meter.behind.count == 0
