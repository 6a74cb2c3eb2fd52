"""The slow twin of the core's reflexes: a rule, a book and our orders in Decimals, all loops.

Owns: the meaning of `Pull` and `Follow`, written a second time (F1 to F5 of native/src/reflex.rs).
Must not know: the core. Invariant: nothing is remembered; every answer is found from what is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from whitewire import Follow, Order, OrderState, Pull, Side

Levels = Sequence[tuple[Decimal, Decimal]]
WATCHED = (OrderState.SENT, OrderState.OPEN, OrderState.MODIFYING)


class Todo(NamedTuple):
    """What is to be done about an order; no price is a cancel."""

    order: Order
    price: Decimal | None
    amount: Decimal


def prices_of(order: Order) -> set[Decimal]:
    """Where it rests, and where a modification in flight takes it."""
    found = {order.price}
    if order.is_replacement_due:
        found.add(order.market.price(order.target_ticks))
    return found


def amount_of(order: Order) -> Decimal:
    """Most that it may have at any of its prices."""
    due = order.market.amount(order.target_lots) if order.is_replacement_due else Decimal(0)
    return max(order.left, due)


def best_of_others(levels: Levels, side: Side, orders: Sequence[Order]) -> Decimal | None:
    """The best price that is not all ours; None for none (F1)."""
    for price, amount in sorted(levels, reverse=side is Side.BUY):
        ours = [o for o in orders if o.side is side and not o.is_done and price in prices_of(o)]
        if amount > sum(amount_of(order) for order in ours):
            return price
    return None


def pulls(rule: Pull, order: Order, own: Decimal | None, other: Decimal | None) -> bool:
    """F2."""
    is_bid, tick = order.side is Side.BUY, order.market.price(1)
    if rule.through is not None:
        limit = Decimal(str(rule.through))
        if own is None or (own <= limit if is_bid else own >= limit):
            return True
    if rule.within_ticks is None or other is None:
        return False
    near = max(prices_of(order)) if is_bid else min(prices_of(order))
    return abs_distance(other, near, is_bid) <= rule.within_ticks * tick


def abs_distance(other: Decimal, near: Decimal, is_bid: bool) -> Decimal:
    """From an order to the other side's top; negative where it has been passed."""
    return other - near if is_bid else near - other


def moves(rule: Follow, order: Order, own: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Where to, or None to stay (F3)."""
    market, is_bid = order.market, order.side is Side.BUY
    top = other if rule.opposite else own
    if top is None:
        return None
    tick, sign = market.price(1), -1 if is_bid else 1
    nearest = min if is_bid else max
    bounds = [top + sign * rule.distance_ticks * tick, Decimal(str(rule.worst_price))]
    if other is not None:
        bounds.append(other + sign * tick)
    grid = market.tick_size * tick
    rounding = ROUND_FLOOR if is_bid else ROUND_CEILING
    wanted = [(bound / grid).to_integral_value(rounding) * grid for bound in bounds]
    target = further_of(wanted, is_bid)
    worst = nearest(wanted[1], bounds[1])
    is_beyond = order.price > worst if is_bid else order.price < worst
    is_off = abs(order.price - target) > rule.tolerance_ticks * tick
    if target <= 0 or target == order.price or not (is_off or is_beyond):
        return None
    return target


def further_of(prices: Sequence[Decimal], is_bid: bool) -> Decimal:
    """The one furthest from the market."""
    return min(prices) if is_bid else max(prices)


def todo(
    rules: Sequence[tuple[Pull | Follow, set[Order] | None]],
    orders: Sequence[Order],
    bids: Levels,
    asks: Levels,
) -> list[Todo]:
    """All that a top asks for, pulls first, by the order in which orders were made (F4, F5)."""
    best = {
        Side.BUY: best_of_others(bids, Side.BUY, orders),
        Side.SELL: best_of_others(asks, Side.SELL, orders),
    }
    cancels, changes = [], []
    for order in orders:
        if order.state not in WATCHED:
            continue
        own, other = best[order.side], best[order.side.opposite]
        mine = [r for r, named in rules if r.side is order.side and (not named or order in named)]
        if any(isinstance(rule, Pull) and pulls(rule, order, own, other) for rule in mine):
            cancels.append(Todo(order, None, Decimal(0)))
            continue
        prices = [moves(rule, order, own, other) for rule in mine if isinstance(rule, Follow)]
        found = [price for price in prices if price is not None]
        if found and order.can_modify and order.left > 0:
            changes.append(Todo(order, found[0], order.left))
    return cancels + changes
