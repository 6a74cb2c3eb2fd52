"""The figures in words: they advise what is soonest, and claim nothing that is not clear."""

from __future__ import annotations

import re

import pytest

from tests.bench_data import data, found, request
from whitewire.bench.summary import summarize
from whitewire.bench.verdict import duration, times


@pytest.mark.parametrize(
    ("us", "text"),
    [(0, "0 µs"), (386.4, "386 µs"), (999.6, "1 ms"), (4_130, "4.13 ms"), (-52, "-52 µs"),
     (17_226, "17.2 ms"), (143_000, "143 ms"), (5_000_000, "5 s")],
)  # fmt: skip
def test_durations_are_short(us: float, text: str) -> None:
    assert duration(us) == text


def test_ratios_have_the_digits_that_they_deserve() -> None:
    row = {"ratio_low": 7.61, "ratio": 8.1, "ratio_high": 8.73}
    assert times(row) == "8.1x (7.6-8.7)"
    assert times({"ratio_low": 0.981, "ratio": 1.02, "ratio_high": 123.4}) == "1.02x (0.98-123)"


def test_the_largest_ladder_comes_first_and_bulk_is_compared_first() -> None:
    first, middle, last = data()["verdicts"]
    assert first.startswith("20 legs: pipelined on 4 connections acknowledges the last leg after ")
    assert re.search(r"after [\d.]+ ms, [\d.]+x \([\d.]+-[\d.]+\) sooner than bulk, ", first)
    assert "; the first answer comes after " in first
    assert first.endswith("; choose pipelined on 4 connections.")
    assert middle.startswith("5 legs: ")
    assert last.startswith("1 leg: ")


def test_what_is_not_clear_is_not_claimed() -> None:
    # every way takes as long with a single leg, but for the luck of each burst
    assert data(legs=(1,))["verdicts"][0].startswith("1 leg: no clear difference between ")
    # without service there is nothing between one connection, four, and one request
    asked = request(legs=(5,))
    (sentence,) = summarize(asked, found(asked, service_us=0))["verdicts"]
    assert re.search(r"than sequential, with no clear difference to .*; choose .* or ", sentence)


def test_bursts_that_began_late_weaken_the_verdict() -> None:
    asked = request(legs=(1,))
    run = found(asked)
    for outcome in run.outcomes[:60]:
        object.__setattr__(outcome, "is_late", True)
    assert "began late" in summarize(asked, run)["verdicts"][-1]
