"""Percentiles, paired ratios and verdicts, on histograms made by hand."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from bench.micro.measure import Ratio
from bench.tick.figures import Match, Tail, merged, quantile

_VALUES = st.lists(st.integers(1, 10**6), min_size=1, max_size=50)


@given(_VALUES, st.sampled_from([0.1, 0.5, 0.99, 0.999, 1.0]))
def test_a_quantile_is_that_of_the_sorted_list(values: list[int], share: float) -> None:
    histogram = merged([[(value, 1)] for value in values])
    found = quantile(histogram, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


@given(st.lists(_VALUES, min_size=1, max_size=4))
def test_merged_rounds_are_the_histogram_of_all(rounds: list[list[int]]) -> None:
    together = merged(merged([[(value, 1)] for value in each]) for each in rounds)
    everything = sorted(value for each in rounds for value in each)
    assert [value for value, count in together for _ in range(count)] == everything


def test_nothing_has_no_quantile() -> None:
    assert quantile([], 0.5) == 0


def _match(*promises: Ratio | Tail) -> Match:
    """A floor of 10, 20 and 40 µs, and a client that takes three times as long."""
    match = Match("title", promises)
    match.expect(["client", "floor"])
    source = random.Random(1)
    for slowness in (10_000, 20_000, 40_000):
        sides = [("floor", slowness), ("client", 3 * slowness)]
        source.shuffle(sides)
        for name, ns in sides:
            match.add(
                name, [(ns - 1, 1), (ns, 8), (10 * ns, 1)], {"ticks": 11, "folded": 2, "missed": 1}
            )
    return match


def test_ratios_are_of_rounds_and_a_promise_says_whether_it_is_kept() -> None:
    match = _match(
        Ratio("client", "floor", at_most=1.3),
        Ratio("client", "floor", at_least=2.5),
        Ratio("client", "absent", at_most=1),
        Tail("client", "floor", at_most=1.2),
    )
    found = [(round(value, 3), met) for _, value, _, met in match.ratios()]
    assert found == [(3.0, False), (3.0, True), (1.0, True)]
    text = "\n".join(match.lines())
    assert (
        "| client | 30.0   | 60.0   | 1,200.0 | 1,200.0  | 1,200.0 | 33    | 6      | 3      |"
        in text
    )
    assert "<= 1.3" in text
    assert "NO" in text


def test_json_has_what_the_tables_show() -> None:
    document = _match(Ratio("client", "floor", at_most=1.3)).as_json()
    (client, _), (ratio,) = document["clients"], document["ratios"]
    assert client["ns"]["p50"] == 60_000
    assert client["p50_ns_of_rounds"] == [30_000, 60_000, 120_000]
    assert (ratio["ratio"], ratio["met"]) == (3.0, False)
