"""The rules that a strategy can leave to the core: what it declares, as values.

Owns: the words of a rule and what makes it usable. Must not know: how it is kept or acted on (see
`reflexes` and native/src/reflex.rs, whose F1 to F5 say what a rule means). Invariant: a rule is a
value; it can be declared for any market, any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass

from whitewire.errors import UsageError
from whitewire.market import Number, Side

__all__ = ["Follow", "Pull"]

# Distances beyond this are mistakes; the core's arithmetic would bear more.
MAX_TICKS = 10**12


@dataclass(slots=True, frozen=True, kw_only=True)
class Pull:
    """Cancels quotes of one side when the market comes at them; each condition suffices.

    The top is that of others: a level which holds no more than our own orders is not counted.

    Attributes:
        side: of the quotes: BUY for bids, SELL for asks.
        through: money per stock; bids go once the best bid is at or below it or nobody bids, asks
            once the best ask is at or above it or nobody asks.
        within_ticks: a bid goes once the best ask is no more than so many ticks above it, an ask
            once the best bid is no more than so many below it.

    Raises:
        UsageError: no condition, or a number that cannot be meant.
    """

    side: Side
    through: Number | None = None
    within_ticks: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "side", Side(self.side))
        if self.through is None and self.within_ticks is None:
            raise UsageError(
                "reflex-rule", "Pull has no condition", "give through, within_ticks or both"
            )
        if self.within_ticks is not None:
            _check_ticks("within_ticks", self.within_ticks, 0)


@dataclass(slots=True, frozen=True, kw_only=True)
class Follow:
    """Keeps quotes of one side at a distance from the top of others.

    A move is a modification: it passes the gate, waits while something about the order is in
    flight, loses priority, and carries what is left of the order. What `set_quotes` wishes next
    counts as before, so wish for quotes where the rule keeps them.

    Attributes:
        side: of the quotes.
        distance_ticks: from the top followed to the quote, away from the market; below 0 before it.
        worst_price: money per stock; bids are never moved above it, asks never below it.
        tolerance_ticks: a quote that is off by no more stays where it is.
        opposite: follow the other side's top; otherwise the top of the quotes' own side.

    Raises:
        UsageError: a number that cannot be meant.
    """

    side: Side
    distance_ticks: int
    worst_price: Number
    tolerance_ticks: int = 0
    opposite: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "side", Side(self.side))
        _check_ticks("distance_ticks", self.distance_ticks, -MAX_TICKS)
        _check_ticks("tolerance_ticks", self.tolerance_ticks, 0)


def _check_ticks(name: str, ticks: int, least: int) -> None:
    if isinstance(ticks, bool) or not isinstance(ticks, int) or not least <= ticks <= MAX_TICKS:
        raise UsageError(
            "reflex-rule", f"{name} was {ticks!r}", f"give a whole number from {least} on"
        )
