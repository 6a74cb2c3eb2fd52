"""What can be concluded from measured rounds.

Owns: percentiles, the bootstrap, the verdict. Must not know: what was measured. Invariant: the same
numbers give the same verdict; too few rounds are undecided.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

RESAMPLES = 2_000
CONFIDENCE = 0.95
FEWEST = 5
# A gain below this is not worth a setting.
WORTH = 0.01


class Interval(NamedTuple):
    """The median and where it lies with 95 % confidence."""

    low: float
    middle: float
    high: float


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies, between two neighbours in proportion.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def median(values: Sequence[float]) -> float:
    """The middle."""
    return percentile(values, 0.5)


def bootstrap(values: Sequence[float], seed: int = 1) -> Interval:
    """The median of values, and its interval by resampling."""
    source = random.Random(seed)
    medians = [median(source.choices(values, k=len(values))) for _ in range(RESAMPLES)]
    edge = (1 - CONFIDENCE) / 2
    return Interval(percentile(medians, edge), median(values), percentile(medians, 1 - edge))


def verdict(changes: Sequence[float]) -> tuple[str, Interval]:
    """keep, revert or undecided.

    Args:
        changes: of each block, (with the setting - without) / without; below zero is a gain.
    """
    interval = bootstrap(changes)
    if len(changes) < FEWEST:
        return "undecided", interval
    if interval.high < 0 and interval.middle <= -WORTH:
        return "keep", interval
    if interval.low > 0:
        return "revert", interval
    return "undecided", interval
