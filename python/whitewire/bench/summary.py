"""What a run found, as plain data: the one source of tables, JSON and pages.

Owns: the figures of each cell and their comparison. Must not know: how they are shown. Invariant:
a burst with a refused leg is in no figure and in a count; a leg that was never answered counts as
the patience with it, so that what is slowest is not what is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from whitewire import _core
from whitewire.bench.burst import Outcome
from whitewire.bench.desk import ANSWER_S, Found
from whitewire.bench.estimates import compare, median, quantile
from whitewire.bench.options import Request
from whitewire.bench.plan import Cell
from whitewire.bench.verdict import verdicts

__all__ = ["summarize"]

QUANTILES = (("p10", 0.1), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999))
US = 1000
PATIENCE_US = ANSWER_S * 1e6


def summarize(request: Request, found: Found) -> dict[str, Any]:
    """The figures of a run; times in microseconds, money as decimal text."""
    cells = [_cell(cell, found.outcomes) for cell in request.cells]
    comparisons = _comparisons(cells)
    return {
        "run": {
            "market": request.market,
            "rounds": request.rounds,
            "interval_ms": request.interval_ms,
            "connections": request.connections,
            "receive": request.receive,
            "distance_percent": f"{request.distance_percent:f}",
            "amount": f"{found.amount:f}",
            "best_bid": f"{found.best_bid:f}",
            "seed": request.seed,
        },
        "cells": cells,
        "comparisons": comparisons,
        "verdicts": verdicts(cells, comparisons),
        "sent_late_us": _quantiles([o.sent / US for o in found.outcomes]),
        "orders": {
            "placed": found.placed,
            "skipped_bursts": found.skipped,
            "resting_at_end": found.resting,
            "clean_stop": found.is_clean,
            "whole_schedule": found.is_whole,
        },
    }


def _cell(cell: Cell, outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """One way with so many legs."""
    mine = [o for o in outcomes if o.due.cell == cell and o.due.round >= 0]
    legs = [leg for outcome in mine for leg in outcome.legs]
    whole = [outcome for outcome in mine if not any(leg.refusal for leg in outcome.legs)]
    times = {outcome.due.round: _times(outcome) for outcome in whole}
    ordered = [sorted(row) for row in times.values()]
    events = [leg.event / US for leg in legs if leg.event is not None]
    return {
        "transport": cell.way.name,
        "words": cell.way.words,
        "legs": cell.legs,
        "bursts": len(mine),
        "whole": len(whole),
        "late": sum(outcome.is_late for outcome in mine),
        "refused": dict(Counter(leg.refusal for leg in legs if leg.refusal)),
        "unknown": sum(leg.is_unknown for leg in legs),
        "unanswered": sum(leg.ack is None and not leg.refusal for leg in legs),
        "first_us": _quantiles([row[0] for row in ordered]),
        "median_us": _quantiles([median(row) for row in ordered]),
        "last_us": _quantiles([row[-1] for row in ordered]),
        "leg_us": [_quantiles([row[i] for row in times.values()]) for i in range(cell.legs)],
        "any_us": _histogram(leg.ack for leg in legs if leg.ack is not None),
        "event_us": _quantiles(events),
        "event_first": sum(event < 0 for event in events) / len(events) if events else None,
        "rounds": {
            str(number): {"first_us": min(row), "last_us": max(row)}
            for number, row in sorted(times.items())
        },
    }


def _times(outcome: Outcome) -> list[float]:
    """When each leg was answered, by leg, µs."""
    return [PATIENCE_US if leg.ack is None else leg.ack / US for leg in outcome.legs]


def _quantiles(samples: Sequence[float]) -> dict[str, float] | None:
    if not samples:
        return None
    found = {name: quantile(samples, share) for name, share in QUANTILES}
    return {**found, "max": max(samples)}


def _histogram(samples: Iterable[int]) -> dict[str, float] | None:
    """The same of every leg together, from a log-linear histogram (error below 0.8 %)."""
    histogram = _core.Histogram()
    for sample in samples:
        histogram.record(max(sample, 0))
    if not histogram.count:
        return None
    found = {name: histogram.value_at(share) / US for name, share in QUANTILES}
    return {**found, "max": histogram.max / US, "count": histogram.count}


def _comparisons(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The soonest way of each number of legs beside every other, by the first and last ack."""
    found = []
    for legs in sorted({cell["legs"] for cell in cells}):
        mine = [cell for cell in cells if cell["legs"] == legs and cell["rounds"]]
        for which in ("first_us", "last_us") if legs > 1 else ("last_us",):
            ranked = sorted(mine, key=lambda cell: cell[which]["p50"])
            for other in ranked[1:]:
                row = paired(ranked[0], other, which)
                if row is not None:
                    found.append({"legs": legs, "which": which, **row})
    return found


def paired(fast: dict[str, Any], slow: dict[str, Any], which: str) -> dict[str, Any] | None:
    """Two cells compared in the rounds that both have; None where there are none."""
    both = [number for number in fast["rounds"] if number in slow["rounds"]]
    if not both:
        return None
    samples = ([cell["rounds"][number][which] for number in both] for cell in (fast, slow))
    result = compare(*samples)
    return {
        "fast": fast["transport"],
        "slow": slow["transport"],
        "is_clear": result.is_clear,
        **result._asdict(),
    }
