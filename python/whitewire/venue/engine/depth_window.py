"""A window on one side of a book: grouping its prices, and what changed since the last look.

Owns: two pure functions over lists of levels. Must not know: subscriptions, time, text.
Invariant: levels go in and come out best first; a size is absolute and zero means gone.

Rules:

* D1  Prices are grouped to multiples of a step, asks upward and bids downward; the size of a
      group is the sum of its levels.
* D2  A level that left the window is reported as gone, best first among the others.
* D3  In the ancestor's silent style, a level that better ones pushed out of a full window is not
      reported; one that was really taken away is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import groupby

from whitewire.venue.values.model import ZERO, Level

__all__ = ["WHOLE_BOOK", "changed_levels", "group_levels"]

# How many levels are compared at once.
_RUN = 8

# A number of levels that no book reaches: grouping needs every level, not a window of them.
WHOLE_BOOK = 1_000_000_000


def group_levels(levels: Collection[Level], step: Decimal, *, upward: bool) -> list[Level]:
    """Sums levels into multiples of `step` (D1); upward for asks."""
    rounding = ROUND_CEILING if upward else ROUND_FLOOR

    def bucket(level: Level) -> Decimal:
        return (level.price / step).to_integral_value(rounding) * step

    return [
        Level(price, sum((level.amount for level in members), ZERO))
        for price, members in groupby(levels, key=bucket)
    ]


def changed_levels(
    before: Sequence[Level],
    after: Sequence[Level],
    *,
    is_bid: bool,
    silent_beyond: Decimal | None = None,
) -> list[Level]:
    """The net difference between two windows of one side.

    Args:
        before: the window at the last look.
        after: the window now.
        is_bid: whether best first means highest first.
        silent_beyond: the worst price of a window that is full, in the silent style (D3); what
            left the window beyond it is not reported. None reports everything (D2).

    Returns:
        Changed and new levels with their sizes and vanished ones with size zero, best first.
    """
    changes: list[Level] = []
    old = new = 0
    while new < len(after):
        # Nearly all levels are the same objects as before, in long runs.
        if before[old : old + _RUN] == after[new : new + _RUN]:
            old, new = old + _RUN, new + _RUN
            continue
        level = after[new]
        while old < len(before) and _is_better(before[old].price, level.price, is_bid=is_bid):
            changes.append(Level(before[old].price, ZERO))
            old += 1
        if old == len(before) or before[old].price != level.price:
            changes.append(level)
        else:
            if before[old].amount != level.amount:
                changes.append(level)
            old += 1
        new += 1
    for gone in before[old:]:
        if silent_beyond is None or _is_better(gone.price, silent_beyond, is_bid=is_bid):
            changes.append(Level(gone.price, ZERO))
    return changes


def _is_better(price: Decimal, than: Decimal, *, is_bid: bool) -> bool:
    return price > than if is_bid else price < than
