"""Quantiles and paired comparisons against their definitions."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whitewire.bench import estimates
from whitewire.bench.estimates import compare, cumulative, median, quantile

TIMES = st.floats(min_value=0.001, max_value=1e7)
SAMPLES = st.lists(TIMES, min_size=1, max_size=60)


@given(SAMPLES)
def test_the_median_is_the_one_of_the_standard_library(samples: list[float]) -> None:
    assert median(samples) == pytest.approx(statistics.median(samples))


@given(SAMPLES, st.floats(0, 1), st.floats(0, 1))
def test_quantiles_grow_with_their_share_and_stay_between_the_ends(
    samples: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    # between two neighbours a last digit may be lost
    slack = max(samples) * 1e-12
    assert quantile(samples, low) <= quantile(samples, high) + slack
    assert quantile(samples, 0) == min(samples)
    assert quantile(samples, 1) == max(samples)


@given(SAMPLES)
def test_the_cumulative_share_counts_what_is_not_larger(samples: list[float]) -> None:
    for value, share in cumulative(samples):
        assert share <= sum(sample <= value for sample in samples) / len(samples)
    assert cumulative(samples)[-1] == (max(samples), 1.0)


def test_no_samples_have_no_quantile_and_no_comparison() -> None:
    with pytest.raises(ValueError, match="no samples"):
        quantile([], 0.5)
    with pytest.raises(ValueError, match="paired"):
        compare([], [])
    with pytest.raises(ValueError, match="1 and 2 samples"):
        compare([1.0], [1.0, 2.0])


@settings(max_examples=10, deadline=None)
@given(st.lists(TIMES, min_size=8, max_size=30), st.floats(1.02, 20))
def test_a_constant_factor_is_found_exactly(fast: list[float], factor: float) -> None:
    found = compare(fast, [sample * factor for sample in fast])
    for ratio in (found.ratio_low, found.ratio, found.ratio_high):
        assert ratio == pytest.approx(factor)
    assert found.is_clear


@settings(max_examples=10, deadline=None)
@given(st.lists(TIMES, min_size=3, max_size=30))
def test_what_is_equal_is_not_clear(samples: list[float]) -> None:
    found = compare(samples, samples)
    assert (found.difference, found.ratio) == (0, 1)
    assert not found.is_clear


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(TIMES, TIMES), min_size=2, max_size=30))
def test_the_interval_is_mirrored_when_the_two_change_places(
    pairs: list[tuple[float, float]],
) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    there, back = compare(one, other), compare(other, one)
    assert there.difference == pytest.approx(-back.difference)
    assert there.difference_low == pytest.approx(-back.difference_high)


def test_a_handful_of_samples_is_never_clear() -> None:
    assert not compare([1.0] * 7, [100.0] * 7).is_clear
    assert compare([1.0] * 8, [100.0] * 8).is_clear


def test_pairing_sees_through_what_slows_both_down(monkeypatch: pytest.MonkeyPatch) -> None:
    # the host is up to nine times as slow for whole rounds; the second is 1.2 times as slow
    fast = [100.0 * (1 + number % 9) for number in range(45)]
    slow = [sample * 1.2 for sample in fast]
    found = compare(fast, slow)
    assert found.is_clear
    assert found.ratio_high - found.ratio_low < 1e-9
    # whoever forgets the rounds cannot tell
    monkeypatch.setattr(estimates, "RESAMPLES", 200)
    assert not compare(fast, [*slow[20:], *slow[:20]]).is_clear


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_the_same_seed_draws_the_same(seed: int) -> None:
    fast, slow = [1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 5.0, 4.0]
    assert compare(fast, slow, seed=seed) == compare(fast, slow, seed=seed)
