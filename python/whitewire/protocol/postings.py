"""What a deal and an order of ours do to a wallet.

Owns: the signs and assets of a spot deal and of what spot orders freeze. Must not know: what a
wallet holds (`expected`), connections, clocks. Invariant: exact; the fee is taken from the asset
that the venue names, never from the one that is usual.

Rules
-----
1. A buy brings stock and takes price times amount of money, a sell the reverse; the fee is extra.
2. An order freezes what it pays: a buy price times what is left, a sell what is left. A modified
   order freezes by its old or its new leg. One that may be gone, or may not have come, may freeze
   nothing.
3. How much of the fee a real venue freezes on top is not documented: the most allows for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from whitewire.market import Market, Side
from whitewire.protocol.events import Deal, OrderUpdate
from whitewire.protocol.expected import Held
from whitewire.protocol.orders import Order, OrderState

__all__ = ["deal_key", "foreign_hold", "holds", "spot_deal"]

_SELL = 1
_FINISHED = 3
_LIMIT = 1
_FEE_ROOM = Decimal("1.01")
_ZERO = Decimal(0)
_SURE = (OrderState.OPEN, OrderState.MODIFYING)


def deal_key(deal: Deal) -> tuple[str, int, int]:
    """Identity of a deal: a deal with oneself is two, one of each order."""
    return ("deal", deal.deal_id, deal.venue_id)


def spot_deal(deal: Deal, market: Market) -> list[tuple[str, Decimal]]:
    """What a deal moves, as (asset, amount) (rule 1)."""
    stock = Decimal(deal.amount)
    money = Decimal(deal.price) * stock
    if deal.side == _SELL:
        moved = [(market.stock, -stock), (market.money, money)]
    else:
        moved = [(market.stock, stock), (market.money, -money)]
    return [*moved, (deal.fee_asset, -Decimal(deal.fee))]


def holds(
    orders: Iterable[Order], foreign: Iterable[tuple[str, Decimal]] = ()
) -> Mapping[str, Held]:
    """The range of what living orders freeze, by asset (rules 2 and 3).

    Args:
        orders: ours that are not done.
        foreign: (asset, amount) of each living order of others in the account.
    """
    sums: dict[tuple[str, Side], tuple[Market, int, int]] = {}
    for order in orders:  # integers: in lots, or in ticks times lots, which are exact, too
        side = order.side
        now, then = order.left_lots, order.target_lots
        if side is Side.BUY:
            now, then = now * order.price_ticks, then * order.target_ticks
        is_sure = order.state in _SURE
        market, low, high = sums.get((order.market.name, side), (order.market, 0, 0))
        low += (now if now < then else then) if is_sure else 0
        sums[market.name, side] = (market, low, high + (now if now > then else then))
    least: dict[str, Decimal] = {}
    most: dict[str, Decimal] = {}
    for (_, side), (market, low, high) in sums.items():
        unit = market.amount(1) * market.price(1) if side is Side.BUY else market.amount(1)
        asset = market.money if side is Side.BUY else market.stock
        least[asset] = least.get(asset, _ZERO) + low * unit
        most[asset] = most.get(asset, _ZERO) + high * unit
    for asset, amount in foreign:
        least[asset] = least.get(asset, _ZERO) + amount
        most[asset] = most.get(asset, _ZERO) + amount
    return {asset: Held(least[asset], most[asset] * _FEE_ROOM) for asset in most}


def foreign_hold(update: OrderUpdate, market: Market) -> tuple[str, Decimal] | None:
    """What somebody else's limit order freezes by this push, as (asset, amount); None: nothing."""
    if update.event == _FINISHED or update.order_type != _LIMIT:
        return None
    left = Decimal(update.left)
    if update.side == _SELL:
        return (market.stock, left)
    return (market.money, left * Decimal(update.price))
