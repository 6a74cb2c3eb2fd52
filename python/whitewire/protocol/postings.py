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
    least: dict[str, Decimal] = {}
    most: dict[str, Decimal] = {}

    def add(asset: str, low: Decimal, high: Decimal) -> None:
        least[asset] = least.get(asset, _ZERO) + low
        most[asset] = most.get(asset, _ZERO) + high

    for order in orders:
        asset = order.market.money if order.side is Side.BUY else order.market.stock
        now = _frozen(order, order.price_ticks, order.left_lots)
        then = _frozen(order, order.target_ticks, order.target_lots)
        is_sure = order.state in (OrderState.OPEN, OrderState.MODIFYING)
        add(asset, min(now, then) if is_sure else _ZERO, max(now, then))
    for asset, amount in foreign:
        add(asset, amount, amount)
    return {asset: Held(least[asset], most[asset] * _FEE_ROOM) for asset in most}


def foreign_hold(update: OrderUpdate, market: Market) -> tuple[str, Decimal] | None:
    """What somebody else's limit order freezes by this push, as (asset, amount); None: nothing."""
    if update.event == _FINISHED or update.order_type != _LIMIT:
        return None
    left = Decimal(update.left)
    if update.side == _SELL:
        return (market.stock, left)
    return (market.money, left * Decimal(update.price))


def _frozen(order: Order, ticks: int, lots: int) -> Decimal:
    amount = order.market.amount(lots)
    return amount if order.side is Side.SELL else order.market.price(ticks) * amount
