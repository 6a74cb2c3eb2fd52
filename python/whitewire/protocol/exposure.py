"""What one order may still do to its account, as the core's gate counts it.

Owns: the reading of an order's facts as an exposure, and the sums of many, which are the slow twin
of the core's. Must not know: the core, limits, connections. Invariant: whatever the venue may have
done and nobody told yet is counted against us; a fill moves from its order to the position in the
moment in which it is booked, so nothing is counted twice and nothing is missed.

Rules:
    X1  An order that may rest may be filled by what is left of it.
    X2  While a modify is in flight the old leg may be filled before it is replaced: lots add up.
        Only one of the two rests at a time: of the notional the larger counts.
    X3  What the venue says was filled and no deal has booked yet counts with its order, done or
        not.
        The old leg of a replaced order counts whole until its end was told, or the venue was asked
        for our deals (`OrderStore.forget_old_legs`); the order's own end does not tell it.
    X4  The price of an order is the one of its legs that is nearest to the other side.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from whitewire.market import Side
from whitewire.protocol.order_states import DONE
from whitewire.protocol.orders import Order

__all__ = ["Exposure", "SideSums", "counted", "exposure_of", "sums_of"]


class Exposure(NamedTuple):
    """Most that an order may still do.

    Attributes:
        lots: added to the position by it.
        notional: held at the venue, ticks times lots.
        price: ticks (X4).
        is_open: it may rest.
    """

    lots: int
    notional: int
    price: int
    is_open: bool


class SideSums(NamedTuple):
    """Open orders, lots, notional and best price of one side of a market."""

    open: int
    lots: int
    notional: int
    best: int


def exposure_of(order: Order) -> Exposure:
    """The exposure of an order by its present facts."""
    return Exposure(*counted(order))


def counted(order: Order) -> tuple[int, int, int, bool]:
    """The fields of `exposure_of`, which every fact asks for."""
    price, current, unbooked = order.price_ticks, order.current, 0
    for leg in order.legs:
        known, booked = leg.dealt_lots, leg.fill_lots
        if leg.amount_lots > known and leg is not current and leg.finish is None:
            known = leg.amount_lots  # nobody told how it ended
        if known > booked:
            unbooked += known - booked
    if order.past is not None:
        unbooked += max(order.past.dealt_lots - order.past.fill_lots, 0)
    if order.state in DONE:
        return unbooked, 0, price, False  # X3
    lots = order.amount_lots
    if current is not None:
        known, booked = current.dealt_lots, current.fill_lots
        lots -= known if known > booked else booked
        if lots < 0:
            lots = 0
    notional = price * lots
    if order.is_replacement_due:  # X2
        lots += order.target_lots
        notional = max(notional, order.target_ticks * order.target_lots)
        nearest = max if order.side is Side.BUY else min
        price = nearest(price, order.target_ticks)
    return lots + unbooked, notional, price, True


def sums_of(orders: Iterable[Order], market: str, side: Side) -> SideSums:
    """The sums of one side of a market, from every order that is remembered."""
    found = [exposure_of(o) for o in orders if o.market.name == market and o.side is side]
    prices = [one.price for one in found if one.is_open]
    best = (max if side is Side.BUY else min)(prices, default=0)
    return SideSums(
        len(prices), sum(one.lots for one in found), sum(one.notional for one in found), best
    )
