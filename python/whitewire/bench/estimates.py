"""Figures of samples: quantiles, and how much one way is sooner than another, with its doubt.

Owns: the statistics. Must not know: what was measured. Invariant: the same samples give the same
figures; nothing is drawn from a distribution that was assumed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Comparison", "compare", "cumulative", "median", "quantile"]

RESAMPLES = 1_000
# Several comparisons are made of one run, and the soonest is chosen by the same figures.
LEVEL = 0.99
# A smaller ratio is nobody's reason to choose.
TRIFLE = 1.01
# Fewer samples repeat themselves in every draw, whatever they are.
FEWEST = 8


def quantile(samples: Sequence[float], share: float) -> float:
    """The value below which this share of the samples lies, between the two nearest of them.

    Raises:
        ValueError: there is no sample.
    """
    if not samples:
        raise ValueError("no samples")
    return _of_sorted(sorted(samples), share)


def median(samples: Sequence[float]) -> float:
    """The middle of the samples."""
    return quantile(samples, 0.5)


def _of_sorted(ordered: Sequence[float], share: float) -> float:
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def cumulative(samples: Sequence[float]) -> list[tuple[float, float]]:
    """(value, share of the samples up to it), by value."""
    ordered = sorted(samples)
    return [(value, (i + 1) / len(ordered)) for i, value in enumerate(ordered)]


class Comparison(NamedTuple):
    """How two ways compare, from the medians of paired samples; each with its interval of 99 %.

    Attributes:
        samples: how many pairs.
        difference, difference_low, difference_high: slow minus fast, in the samples' unit.
        ratio, ratio_low, ratio_high: slow over fast.
    """

    samples: int
    difference: float
    difference_low: float
    difference_high: float
    ratio: float
    ratio_low: float
    ratio_high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves no doubt which one is sooner, by more than a trifle."""
        is_beyond = self.ratio_low > TRIFLE or self.ratio_high < 1 / TRIFLE
        return is_beyond and self.samples >= FEWEST


def compare(fast: Sequence[float], slow: Sequence[float], *, seed: int = 1) -> Comparison:
    """Compares two ways by a bootstrap over rounds.

    Args:
        fast, slow: one sample for each round, of the same rounds in the same order. Whole rounds
            are drawn, so that what slowed both down in one round cancels out.
        seed: of the draws.

    Raises:
        ValueError: no samples, or not as many of one as of the other.
    """
    if len(fast) != len(slow) or not fast:
        raise ValueError(f"{len(fast)} and {len(slow)} samples cannot be paired")
    dice = random.Random(seed)
    rounds = range(len(fast))
    differences, ratios = [], []
    for _ in range(RESAMPLES):
        drawn = dice.choices(rounds, k=len(rounds))
        a, b = median([fast[i] for i in drawn]), median([slow[i] for i in drawn])
        differences.append(b - a)
        ratios.append(b / a)
    a, b = median(fast), median(slow)
    return Comparison(len(fast), b - a, *_interval(differences), b / a, *_interval(ratios))


def _interval(draws: list[float]) -> tuple[float, float]:
    ordered, tail = sorted(draws), (1 - LEVEL) / 2
    return _of_sorted(ordered, tail), _of_sorted(ordered, 1 - tail)
