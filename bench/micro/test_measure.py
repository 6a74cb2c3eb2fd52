"""The harness itself: pairing, promises, calibration, the order of rounds."""

from __future__ import annotations

import gc
import time
from collections import Counter

import pytest

from bench.micro.measure import (
    Case,
    Quiet,
    Ratio,
    Suite,
    WrongAnswerError,
    expect,
    measure,
    paired,
    tenth,
)

_SLICE_NS = 100_000


def _busy(name: str, microseconds: int, items: int = 1) -> Case:
    def run(repetitions: int) -> None:
        for _ in range(repetitions):
            end = time.thread_time_ns() + 1000 * microseconds
            while time.thread_time_ns() < end:
                pass

    return Case(name, run, lambda: None, items)


def _measured(*cases: Case, rounds: int = 5) -> dict[str, list[float]]:
    return measure(cases, rounds, Quiet(0), _SLICE_NS)


def test_times_are_per_item() -> None:
    samples = _measured(_busy("one", 40), _busy("four", 40, items=4))
    assert 40_000 <= tenth(samples["one"]) < 80_000
    assert 10_000 <= tenth(samples["four"]) < 20_000


def test_every_case_has_one_sample_of_each_round() -> None:
    samples = _measured(_busy("a", 10), _busy("b", 20), rounds=7)
    assert {name: len(values) for name, values in samples.items()} == {"a": 7, "b": 7}


def test_waiting_does_not_count() -> None:
    asleep = Case("asleep", lambda repetitions: time.sleep(0.0005 * repetitions), lambda: None)
    samples = measure([asleep], 3, Quiet(0), slice_ns=20_000)
    assert max(samples["asleep"]) < 250_000


def test_rounds_visit_the_cases_in_different_orders() -> None:
    visits: list[str] = []

    def visited(name: str) -> Case:
        return Case(name, lambda repetitions: visits.append(name), lambda: None)

    cases = [visited(name) for name in "abc"]
    measure(cases, 12, Quiet(0), slice_ns=1)
    orders = {tuple(visits[at : at + 3]) for at in range(len(visits) - 36, len(visits), 3)}
    assert all(Counter(order) == Counter("abc") for order in orders)
    assert len(orders) > 1


def test_nothing_stays_frozen() -> None:
    before = gc.get_freeze_count()
    _measured(_busy("a", 10))
    assert gc.get_freeze_count() <= before


def test_a_drift_that_hits_both_cancels_out_of_a_paired_ratio() -> None:
    slow, fast = [10.0, 50.0, 20.0], [1.0, 5.0, 2.0]
    assert paired(slow, fast) == 10.0


@pytest.mark.parametrize(
    ("ratio", "value", "met", "target"),
    [
        (Ratio("a", "b", at_least=15), 15.0, True, ">= 15"),
        (Ratio("a", "b", at_least=15), 14.9, False, ">= 15"),
        (Ratio("a", "b", at_most=1.3), 1.3, True, "<= 1.3"),
        (Ratio("a", "b", at_most=1.3), 1.31, False, "<= 1.3"),
        (Ratio("a", "b"), 2.0, None, ""),
    ],
)
def test_a_promise_includes_its_bound(
    ratio: Ratio, value: float, met: bool | None, target: str
) -> None:
    assert ratio.met(value) is met
    assert ratio.target == target


def test_a_wrong_answer_names_suite_and_case() -> None:
    wrong = Case("wrong", lambda repetitions: None, lambda: expect(1 + 1 == 3, "it is 2"))
    suite = Suite("adding", "sum", [_busy("right", 1), wrong], [])
    with pytest.raises(WrongAnswerError, match="adding, wrong: it is 2"):
        suite.check()


def test_quiet_gives_up_when_its_budget_is_spent() -> None:
    quiet = Quiet(budget_s=0.02, longest_s=10)
    start = time.monotonic()
    for _ in range(50):
        quiet.wait()
    assert time.monotonic() - start < 1
