"""What measured rounds prove."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunelib import bench, stats
from tunelib.bench import Sample

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


@given(VALUES)
def test_percentiles_agree_with_the_standard_library(values: list[float]) -> None:
    assert stats.median(values) == pytest.approx(statistics.median(values))
    assert stats.percentile(values, 0) == min(values)
    assert stats.percentile(values, 1) == max(values)
    if len(values) > 1:
        cuts = statistics.quantiles(values, n=10, method="inclusive")
        assert stats.percentile(values, 0.1) == pytest.approx(cuts[0], abs=1e-6)


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError):
        stats.percentile([], 0.5)


def noisy(middle: float, spread: float, count: int = 20) -> list[float]:
    """Changes around a middle."""
    source = random.Random(3)
    return [source.gauss(middle, spread) for _ in range(count)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (noisy(-0.10, 0.02), "keep"),
        (noisy(0.10, 0.02), "revert"),
        (noisy(0.0, 0.05), "undecided"),
        (noisy(-0.10, 0.02, count=4), "undecided"),
        ([-0.001] * 20, "undecided"),  # certain, and not worth it
        ([0.001] * 20, "revert"),
    ],
)
def test_verdicts(changes: list[float], expected: str) -> None:
    found, interval = stats.verdict(changes)
    assert found == expected
    assert interval.low <= interval.middle <= interval.high


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    source = random.Random(5)
    inside = 0
    for _ in range(30):
        found = stats.bootstrap([source.gauss(1.0, 1.0) for _ in range(25)])
        inside += found.low <= 1.0 <= found.high
    assert inside >= 25


class Switched:
    """A host whose round trip depends on a setting, and drifts."""

    def __init__(self, gain: float) -> None:
        self.is_on = False
        self.history: list[bool] = []
        self._gain = gain
        self._drift = 100.0
        self._source = random.Random(7)

    def switch(self, wanted: bool) -> None:
        """Applies or takes back."""
        assert wanted != self.is_on
        self.is_on = wanted

    def measure(self) -> Sample:
        """A round; everything becomes slower all the time."""
        self.history.append(self.is_on)
        self._drift *= 1.01
        trip = self._drift * (1 - self._gain if self.is_on else 1)
        return Sample([trip * self._source.uniform(0.98, 1.02) for _ in range(5)], trip)


@pytest.mark.parametrize(("gain", "expected"), [(0.2, "keep"), (-0.2, "revert"), (0, "undecided")])
def test_turns_cancel_a_drift(gain: float, expected: str) -> None:
    host = Switched(gain)
    found = bench.compare("S1", 10, host.measure, host.switch)
    assert found.verdict == expected
    assert found.change.middle == pytest.approx(-gain, abs=0.02)
    assert host.history == [False, True, True, False] * 10
    assert not host.is_on


def test_the_setting_is_taken_back_when_measuring_fails() -> None:
    host = Switched(0.1)

    def failing() -> Sample:
        if len(host.history) == 2:
            raise OSError("unplugged")
        return host.measure()

    with pytest.raises(OSError, match="unplugged"):
        bench.compare("S1", 10, failing, host.switch)
    assert not host.is_on
