"""What makes a stop order enter the market.

Owns: the price, the comparison and the moment of an activation. Must not know: orders, books, or
where the trade prices come from. Invariant: an activation is a value; one that has happened is
another value, with a time.

Rules:
    T1  The price of trades decides, nothing else.
    T2  `gte` is met by a trade at or above the activation price, `lte` by one at or below it.
    T3  The wire says gte and lte while an order is open, and >= and <= in its history.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum


class Condition(Enum):
    """How trade prices are compared; the value is the text of open orders (T3)."""

    GTE = "gte"
    LTE = "lte"

    @property
    def sign(self) -> str:
        """The text of the history (T3)."""
        return ">=" if self is Condition.GTE else "<="


@dataclass(frozen=True, slots=True)
class Activation:
    """The trigger of one stop order.

    Attributes:
        time: when it happened, epoch seconds; None while the order waits.
    """

    price: Decimal
    condition: Condition
    time: float | None = None

    def is_met(self, lowest: Decimal, highest: Decimal) -> bool:
        """Whether one of the trades between these two prices, both traded at, meets it (T2)."""
        if self.condition is Condition.GTE:
            return highest >= self.price
        return lowest <= self.price
