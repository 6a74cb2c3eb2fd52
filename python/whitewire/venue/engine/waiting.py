"""One market's stop orders that have not been activated.

Owns: which orders wait, and in which order they go. Must not know: books, funds, events. Invariant:
an order is in here exactly as long as it is open and waits; it is never in a book at that time.
"""

from __future__ import annotations

from decimal import Decimal

from whitewire.venue.values.model import Order


class WaitingOrders:
    """Stop orders by arrival."""

    __slots__ = ("_orders",)

    def __init__(self) -> None:
        self._orders: dict[int, Order] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def add(self, order: Order) -> None:
        """Takes in an order; it is the newest."""
        self._orders[order.id] = order

    def remove(self, order: Order) -> None:
        """Takes out an order that is being activated or never will be."""
        del self._orders[order.id]

    def met(self, lowest: Decimal, highest: Decimal) -> list[Order]:
        """The orders that trades between these prices activate, earliest arrival first.

        Both prices must have been traded at: every price in between then meets no other order.
        """
        return [
            order
            for order in self._orders.values()
            if order.activation is not None and order.activation.is_met(lowest, highest)
        ]
