"""What a cycle means beyond its own orders: reduce-only orders, groups, margin calls, liquidations.

Owns: the order in which these follow from each other. Must not know: requests, how matching or
margins work. Invariant: when a cycle ends, no reduce-only order is larger than the position that it
is against, and no account that holds a position has less than its maintenance.

Rules:
    A1  A reduce-only order larger than its position shrinks to it, without one it is ended as
        AUTO_CANCELED_REDUCE_ONLY.
    A2  An account below its maintenance loses all orders against collateral
        (AUTO_CANCELED_LIQUIDATION); then its positions are closed by market orders of the venue's,
        and what nobody takes is taken over by the venue at the mark price. What the account cannot
        pay is borne by the venue.
    A3  An account below a multiple of its maintenance gets one margin call for each position until
        it is above again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from whitewire.venue.collateral.clearing import CollateralClearing
from whitewire.venue.collateral.groups import Groups
from whitewire.venue.collateral.margin import Margins
from whitewire.venue.collateral.orders import product_of
from whitewire.venue.collateral.pool import Pool
from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.engine import Engine
from whitewire.venue.engine.matching import NewOrder
from whitewire.venue.engine.positions import Position
from whitewire.venue.values.events import Event, PositionEvent, PositionEventKind
from whitewire.venue.values.model import (
    MarketSpec,
    Order,
    OrderType,
    Product,
    Side,
    Status,
    VenueError,
)
from whitewire.venue.values.money import multiply

_MONEY = "USDT"


class CollateralAftermath:
    """Watches over everything that trades against collateral."""

    def __init__(
        self,
        engine: Engine,
        specs: Mapping[str, MarketSpec],
        accounts: Mapping[str, Account],
        clearing: CollateralClearing,
        margins: Margins,
        pool: Pool,
        groups: Groups,
        margin_call_multiple: Decimal,
        publish: Callable[[Event], None],
    ) -> None:
        self._engine = engine
        self._specs = specs
        self._accounts = accounts
        self._clearing = clearing
        self._margins = margins
        self._pool = pool
        self._groups = groups
        self._multiple = margin_call_multiple
        self._publish = publish

    def follow(self, touched: list[Order], now: float) -> None:
        """Carries out what orders mean for their groups and for reduce-only orders (A1)."""
        self._groups.react(touched, now)
        for name in dict.fromkeys(order.account for order in touched if order.deal_stock):
            self._fit_reduce_only(self._accounts[name], now)

    def activated(self, order: Order, now: float) -> None:
        """Ends the other leg of a stop's group before the stop needs funds or matches."""
        self._groups.react([order], now)

    def watch(self, now: float) -> None:
        """Looks at every account that has a position (A2, A3)."""
        for account in list(self._clearing.holders.values()):
            self._watch(account, now)

    def _fit_reduce_only(self, account: Account, now: float) -> None:
        """Brings reduce-only orders to what there is to reduce (A1)."""
        for order in [order for order in account.open_orders.values() if order.reduce_only]:
            room = self._clearing.reducible(order)
            if not room:
                self._engine.end(order, Status.AUTO_CANCELED_REDUCE_ONLY, now)
            elif order.left > room:
                self._engine.shrink(order, room, now)

    def _watch(self, account: Account, now: float) -> None:
        wallet = account.collateral
        equity, maintenance = self._margins.equity(wallet), self._margins.maintenance(wallet)
        if equity < maintenance:
            self._liquidate(account, now)
            return
        is_called = equity < multiply(maintenance, self._multiple)  # A3
        for position in wallet.positions.values():
            if is_called and position.state is None:
                position.state = "margin_call"
                self._tell(account, position, PositionEventKind.MARGIN_CALL)
            elif not is_called:
                position.state = None

    def _liquidate(self, account: Account, now: float) -> None:
        """Ends everything that an account has against its collateral (A2)."""
        for order in list(account.open_orders.values()):
            if order.product is not Product.SPOT and not order.is_finished:
                self._engine.end(order, Status.AUTO_CANCELED_LIQUIDATION, now)
        wallet = account.collateral
        for position in list(wallet.positions.values()):
            position.state = "liquidation"
            self._tell(account, position, PositionEventKind.LIQUIDATION)
            self._close(account, position, now)
            if position.amount:
                self._clearing.take_over(account, position, now)
        shortfall = self._margins.equity(wallet).copy_negate()
        if shortfall > 0:
            self._pool.bear(_MONEY, shortfall)
            wallet.credit(_MONEY, shortfall)

    def _close(self, account: Account, position: Position, now: float) -> None:
        spec = self._specs[position.market]
        order = NewOrder(
            account=account,
            spec=spec,
            side=Side.SELL if position.amount > 0 else Side.BUY,
            type=OrderType.MARKET,
            amount=position.amount.copy_abs(),
            product=product_of(spec),
            position_side=position.side,
            reduce_only=True,
            source="liquidation",
        )
        try:
            self._engine.enter(order, now)
        except VenueError:
            return  # nobody is there to take it: the venue does

    def _tell(self, account: Account, position: Position, kind: PositionEventKind) -> None:
        self._publish(PositionEvent(account.spec.name, kind, position.id))
