"""Our rate limits against the venue's windows."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whitewire.endpoints import ENDPOINTS, Endpoint, Route
from whitewire.protocol.throttle import Throttle

SECOND = 1_000_000_000


def make(*endpoints: Endpoint) -> Throttle:
    return Throttle(endpoints or ENDPOINTS.values(), random.Random(1))


def greedy(throttle: Throttle, name: str, is_cancel: bool, until_ns: int) -> list[int]:
    """Times of the calls of a caller that calls whenever it may."""
    now, calls = 0, []
    while now < until_ns:
        wait_ns = throttle.try_take(name, now, is_cancel)
        if wait_ns == 0:
            calls.append(now)
        now += wait_ns
    return calls


def busiest(calls: list[int], window_ns: int) -> int:
    """Most calls in any window."""
    first, most = 0, 0
    for last, at in enumerate(calls):
        while calls[first] <= at - window_ns:
            first += 1
        most = max(most, last - first + 1)
    return most


@settings(deadline=None, max_examples=30)
@given(limit=st.integers(10, 300), seconds=st.integers(1, 60))
def test_no_window_wherever_it_starts_exceeds_the_venues_limit(limit: int, seconds: int) -> None:
    throttle = make(Endpoint("x", "POST", "/x", Route.PUBLIC, limit, seconds))
    calls = greedy(throttle, "x", True, 3 * seconds * SECOND)
    assert busiest(calls, seconds * SECOND) <= limit
    assert len(calls) >= 2 * limit  # most of the limit can be used


@given(pauses=st.lists(st.integers(0, 3 * SECOND), max_size=60))
@settings(deadline=None)
def test_pauses_and_bursts_do_not_break_the_limit(pauses: list[int]) -> None:
    throttle = make(Endpoint("x", "POST", "/x", Route.PUBLIC, 20, 10))
    now, calls = 0, []
    for pause in pauses:
        now += pause
        while throttle.try_take("x", now, False) == 0:
            calls.append(now)
    assert not calls or busiest(calls, 10 * SECOND) <= 20


def test_cancels_keep_a_fifth_that_placements_cannot_use() -> None:
    throttle = make()
    placed = 0
    while throttle.try_take("place", 0, False) == 0:
        placed += 1
    canceled = 0
    while throttle.try_take("cancel", 0, True) == 0:
        canceled += 1
    assert (placed, canceled) == (800, 200)


def test_sustained_placements_leave_cancels_their_share() -> None:
    throttle, now, cancels = make(), 0, 0
    while now < 20 * SECOND:
        while throttle.try_take("place", now, False) == 0:
            pass
        cancels += throttle.try_take("cancel", now, True) == 0
        now += 10_000_000
    assert cancels >= 1_900  # nearly one each 10 ms


def test_the_wait_is_exact() -> None:
    throttle = make(Endpoint("x", "POST", "/x", Route.PUBLIC, 10, 10))
    assert throttle.try_take("x", 0, False) == 0
    wait_ns = throttle.try_take("x", 0, False)
    assert throttle.try_take("x", wait_ns - 1, False) == 1
    assert throttle.try_take("x", wait_ns, False) == 0


def test_the_scope_is_shared_by_everything_signed_and_not_with_public_data() -> None:
    throttle = make()
    while throttle.try_take("place", 0, False) == 0:
        pass
    assert throttle.try_take("modify", 0, False) > 0
    assert throttle.try_take("open_orders", 0, False) > 0
    assert throttle.try_take("markets", 0, False) == 0


def test_status_429_stops_everything_but_cancels_and_doubles() -> None:
    throttle = make()
    now, waits = 0, []
    for _ in range(8):
        wait_ns = throttle.on_429("place", now)
        waits.append(wait_ns)
        assert throttle.try_take("bulk", now, False) == wait_ns
        assert throttle.try_take("cancel", now, True) == 0
        now += wait_ns
        assert throttle.try_take("bulk", now, False) == 0
    for attempt, wait_ns in enumerate(waits):
        full = min(SECOND << attempt, 30 * SECOND)
        assert full // 2 <= wait_ns <= full


def test_answers_to_one_burst_count_once() -> None:
    throttle = make()
    first = throttle.on_429("place", 0)
    assert throttle.on_429("modify", 10) == first - 10


def test_a_429_on_a_cancel_stops_that_endpoint_alone() -> None:
    throttle = make()
    throttle.on_429("cancel", 0)
    assert throttle.try_take("cancel", 0, True) > 0
    assert throttle.try_take("kill_switch", 0, True) == 0
    assert throttle.try_take("place", 0, False) == 0


def test_a_minute_of_quiet_forgets() -> None:
    throttle = make()
    now = 0
    for _ in range(5):
        now += throttle.on_429("place", now)
    assert throttle.on_429("place", now + 61 * SECOND) <= SECOND


def test_an_endpoint_that_is_not_in_the_table_is_an_error() -> None:
    with pytest.raises(KeyError):
        make().try_take("withdraw", 0, False)
