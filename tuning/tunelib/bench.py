"""Does a setting help here: with it and without it, in turns.

Owns: the order of rounds, and what is kept of each. Must not know: how a setting is switched or a
round trip made. Invariant: both sides of a comparison are measured within seconds of each other,
each as often first as second (ABBA); the host is left as it was found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tunelib.stats import Interval, bootstrap, median, percentile, verdict

SHARES = (0.1, 0.5, 0.9, 0.99)


class Sample(NamedTuple):
    """One round: round trips and the longest absence, microseconds."""

    trips: Sequence[float]
    jitter: float


class Comparison(NamedTuple):
    """A setting's result.

    Attributes:
        change: of the median round trip, as a share; below zero is a gain.
        jitter_change: of the longest absence.
    """

    id: str
    verdict: str
    change: Interval
    jitter_change: Interval
    without: dict[str, float]
    applied: dict[str, float]
    blocks: int


def percentiles(samples: Sequence[Sample]) -> dict[str, float]:
    """Of all round trips, and the median of the longest absences."""
    trips = [trip for sample in samples for trip in sample.trips]
    found = {f"p{share * 100:g}": round(percentile(trips, share), 1) for share in SHARES}
    return {**found, "jitter": round(median([sample.jitter for sample in samples]), 1)}


def compare(
    id: str, blocks: int, measure: Callable[[], Sample], switch: Callable[[bool], None]
) -> Comparison:
    """Blocks of without, with, with, without.

    Args:
        measure: makes a round.
        switch: applies the setting or takes it back.
    """
    without: list[Sample] = []
    applied: list[Sample] = []
    is_on = False
    try:
        for _ in range(blocks):
            for wanted in (False, True, True, False):
                if wanted != is_on:
                    switch(wanted)
                    is_on = wanted
                (applied if wanted else without).append(measure())
    finally:
        if is_on:
            switch(False)
    found, change = verdict(_changes(without, applied, lambda sample: median(sample.trips)))
    jitters = bootstrap(_changes(without, applied, lambda sample: sample.jitter))
    return Comparison(
        id, found, change, jitters, percentiles(without), percentiles(applied), blocks
    )


def _changes(
    without: Sequence[Sample], applied: Sequence[Sample], value: Callable[[Sample], float]
) -> list[float]:
    """Of each block, from its two rounds a side."""
    changes = []
    for first in range(0, len(applied), 2):
        base = sum(map(value, without[first : first + 2]))
        changes.append((sum(map(value, applied[first : first + 2])) - base) / base)
    return changes


def as_row(result: Comparison) -> dict[str, Any]:
    """For JSON."""
    return {
        **result._asdict(),
        "change": result.change._asdict(),
        "jitter_change": result.jitter_change._asdict(),
    }
