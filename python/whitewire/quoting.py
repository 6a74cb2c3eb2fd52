"""Desired-state quoting of one market, and the handle of a ladder placed once.

Owns: the slots of a ladder and the sending of its differences. Must not know: how a difference
is found (see `protocol.quotes`) or how bytes leave. Invariant: a slot holds at most one live
order, and what the strategy wanted last is what is taken up when the slot settles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from whitewire.market import Market, Side
from whitewire.protocol import quotes
from whitewire.protocol.quotes import Level, Slots

if TYPE_CHECKING:
    from whitewire.gateway import Gateway
    from whitewire.protocol.orders import Order, Reject

__all__ = ["Ladder", "QuoteSet"]


class QuoteSet:
    """Orders of one `quote` call.

    Attributes:
        orders: handles, bids first, in the order given.
    """

    __slots__ = ("orders",)

    def __init__(self, orders: tuple[Order, ...]) -> None:
        self.orders = orders

    @property
    def all_acked(self) -> bool:
        """Whether every leg was answered."""
        return all(order.t_ack_ns or order.is_done for order in self.orders)

    @property
    def first_ack_ns(self) -> int:
        """From submission to the first answer, ns; 0 until there is one."""
        return min(self._acks(), default=0)

    @property
    def last_ack_ns(self) -> int:
        """From submission to the last answer so far, ns; 0 until there is one."""
        return max(self._acks(), default=0)

    @property
    def errors(self) -> list[tuple[Order, Reject]]:
        """Legs that were refused, with why."""
        return [(order, order.reject) for order in self.orders if order.reject is not None]

    def _acks(self) -> list[int]:
        return [order.t_ack_ns - order.t_submit_ns for order in self.orders if order.t_ack_ns]


class Ladder:
    """The quotes that should rest in one market.

    Args:
        gateway: sends orders.
        market: the market.
    """

    def __init__(self, gateway: Gateway, market: Market) -> None:
        self.market = market
        self._gateway = gateway
        self._slots = Slots()
        self._tolerance = 0

    def want(
        self,
        bids: Sequence[tuple[int, int]],
        asks: Sequence[tuple[int, int]],
        tolerance_ticks: int,
    ) -> None:
        """Takes (ticks, lots) per side, best first, and sends the difference."""
        self._tolerance = tolerance_ticks
        if not self._gateway.may_quote(self.market.name):
            # nothing may be placed: what rests is being pulled, nothing is remembered
            self._gateway.counts["quotes-ignored"] += 1
            return
        wanted = [[Level(*level) for level in side] for side in (bids, asks)]
        self._gateway.path.enter()
        try:
            self._perform(quotes.diff(self._slots, wanted[0], wanted[1], tolerance_ticks))
        finally:
            self._gateway.path.leave()

    def settle(self) -> None:
        """Takes up what waited for an order of this market; after any event of one."""
        if self._slots.has_waiting and self._gateway.may_quote(self.market.name):
            self._perform(quotes.settle(self._slots, self._tolerance))

    def clear(self) -> None:
        """Forgets what was wanted; the orders are being canceled by the caller."""
        for slot in (*self._slots.bids, *self._slots.asks):
            slot.wanted = None

    def _perform(self, actions: Sequence[quotes.Action]) -> None:
        places: list[quotes.Place] = []
        for action in actions:
            if isinstance(action, quotes.Place):
                places.append(action)
            elif isinstance(action, quotes.Modify):
                order = action.slot.order
                level, ordering = action.level, self._gateway.ordering
                if order is not None and not ordering.modify(
                    order, level.price_ticks, level.amount_lots
                ):
                    # what may not move may not stay; the wish is taken up once it is gone
                    ordering.cancel(order)
                    action.slot.is_waiting = True
            elif isinstance(action, quotes.Cancel):
                if action.slot.order is not None:
                    self._gateway.ordering.cancel(action.slot.order)
            elif isinstance(action, quotes.Drop):
                self._gateway.counts["quotes-dropped"] += 1
        if places:
            self._place(places)

    def _place(self, places: list[quotes.Place]) -> None:
        legs = [
            (Side(place.slot.side), place.level.price_ticks, place.level.amount_lots)
            for place in places
        ]
        ordering = self._gateway.ordering
        orders = ordering.place_many(ordering.quotes(self.market, legs))
        for place, order in zip(places, orders, strict=True):
            place.slot.order = order
