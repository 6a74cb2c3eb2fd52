"""Trading against collateral: leverage, margin balances, and our positions beside the venue's.

Owns: what a market that is not spot needs besides orders. Must not know: how orders travel, how a
position is computed (`protocol.positions`) or a difference judged (`protocol.position_watch`).
Invariants: nothing is traded in hedge mode, or at another leverage than the configured one; a
market whose position is in danger, or not what the venue shows, is reducing: what would enlarge
the position is refused here, what rests is canceled.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from whitewire._bridge import now_ns
from whitewire.endpoints import ENDPOINTS
from whitewire.errors import StartupError, WhitewireError
from whitewire.market import Market, Product
from whitewire.protocol.events import Danger, EventKind, MarginBalanceRow, PositionRow
from whitewire.protocol.order_flags import Flags
from whitewire.protocol.position_watch import PositionWatch, Silence, Verdict
from whitewire.protocol.positions import LIQUIDATION, MarginPosition
from whitewire.protocol.replies_collateral import CollateralAsset
from whitewire.protocol.replies_reading import convert

if TYPE_CHECKING:
    from whitewire.gateway import Gateway
    from whitewire.protocol.orders import Order

__all__ = ["COLLATERAL_KINDS", "Collateral"]

log = logging.getLogger("whitewire")

COLLATERAL_KINDS = frozenset({EventKind.MARGIN_BALANCES, EventKind.POSITIONS, EventKind.DANGER})
FUNDING_POLL_NS = 10_000_000_000
PAGE = 100
_DANGERS = {1: "margin_call", 2: LIQUIDATION}
_MISMATCH = "the position is not what the venue shows"


class Collateral:
    """See the module's documentation.

    Args:
        gateway: whose markets and positions.

    Attributes:
        balances: the collateral account by asset, as the venue showed it last.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.balances: dict[str, CollateralAsset] = {}
        self._positions: dict[str, MarginPosition] = {}
        self._watches: dict[str, PositionWatch] = {}
        self._silence = Silence()
        self._settled: set[tuple[str, str]] = set()  # market and time of known funding
        self._next_poll_ns = 0
        self._is_polling = False

    @property
    def is_used(self) -> bool:
        """Whether a market is traded against collateral."""
        return any(market.is_collateral for market in self._gateway.markets.values())

    def assets(self) -> tuple[str, ...]:
        """Assets of the collateral account that our markets need and the venue knows."""
        wanted: dict[str, None] = {}
        for market in self._gateway.markets.values():
            if market.is_collateral:
                wanted[market.money] = None
            if market.product is Product.MARGIN:
                wanted[market.stock] = None
        return tuple(asset for asset in wanted if asset in self.balances)

    # ---- start ------------------------------------------------------------------------------

    def route_orders(self, market: Market, index: int) -> None:
        """Tells the core where placements of a market go."""
        if market.is_collateral:
            place, bulk = ENDPOINTS["collateral_limit"].path, ENDPOINTS["collateral_bulk"].path
            self._gateway.engine.route_orders(index, place, bulk)

    async def start(self) -> None:
        """Checks mode and leverage, and takes over what the account holds.

        Raises:
            StartupError: hedge mode, or a leverage that cannot be had.
            VenueRefusal: the venue refused a question.
        """
        gateway = self._gateway
        self._check_leverage_is_possible()
        if not self.is_used:
            return
        rest = gateway.rest
        if (await rest.hedge_mode()).hedge_mode:
            raise StartupError(
                "hedge-mode",
                "the account is in hedge mode, which whitewire does not trade in",
                "close positions and orders, then switch it to one-way mode at the venue",
            )
        await self._set_leverage()
        self.balances = {row.asset: row for row in await rest.collateral_assets()}
        held = {row.market: row for row in await rest.positions()}
        for name, position in gateway.positions.items():
            if isinstance(position, MarginPosition):
                row = held.get(name)
                if row is not None and row.amount:
                    position.take_over(row.amount, row.entry)
                    log.warning("%s: the account holds %f already", name, row.amount)
                elif position.amount:  # fills between sessions; it is closed by now
                    position.take_over(Decimal(0), None)
                gateway.guard.set_position(name, position.amount)
                self._positions[name] = position
                self._watches[name] = PositionWatch(position.amount)
        await self._read_funding(is_news=False)

    def _check_leverage_is_possible(self) -> None:
        for name, market in self._gateway.markets.items():
            if self._gateway.config.markets[name].leverage and not market.is_collateral:
                raise StartupError(
                    "leverage-spot",
                    f"{name} is traded spot and has a leverage",
                    f'remove markets.{name}.leverage, or set product = "margin"',
                )

    async def _set_leverage(self) -> None:
        gateway, rest = self._gateway, self._gateway.rest
        configured = [gateway.config.markets[name].leverage for name in gateway.markets]
        wanted = next((leverage for leverage in configured if leverage), None)
        leverage = (await rest.collateral_summary()).leverage
        if wanted is None or leverage == wanted:
            log.info("leverage of the account: %d", leverage)
            return
        log.warning("leverage of the whole account: %d, was %d", wanted, leverage)
        await rest.set_leverage(wanted)
        shown = (await rest.collateral_summary()).leverage
        if shown != wanted:
            raise StartupError(
                "leverage-unverified",
                f"the account's leverage is {shown} after it was set to {wanted}",
                "check the key's permissions, and what else changes it",
            )

    # ---- while it runs ----------------------------------------------------------------------

    def on_event(self, kind: int, event: Any, now: int) -> None:
        """A message of the collateral channels."""
        if kind == EventKind.MARGIN_BALANCES:
            for values in event:
                row = MarginBalanceRow(*values)
                self.balances[row.asset] = _asset(row)
        elif kind == EventKind.POSITIONS:
            self._on_positions([PositionRow(*values) for values in event], now)
        else:
            self._on_danger(Danger(*event))

    def _on_positions(self, rows: list[PositionRow], now: int) -> None:
        gateway = self._gateway
        self._silence.heard(now)
        shown = {row.market: row for row in rows}
        is_settled = not gateway.is_in_doubt and not gateway.store.unknown_orders()
        for name, position in self._positions.items():
            row, watch = shown.get(name), self._watches[name]
            is_news = position.show(row)
            watch.held(position.amount, now)
            theirs = Decimal(row.amount) if row is not None else Decimal(0)
            verdict = watch.compare(theirs, is_settled, now)
            if verdict is Verdict.ALARM:
                gateway.counts["position-alarms"] += 1
                log.error("%s: we hold %f, the venue shows %f", name, position.amount, theirs)
                gateway.is_in_doubt = True
            elif verdict is Verdict.TAKE_OVER:
                gateway.counts["positions-taken-over"] += 1
                log.error("%s: taking over the venue's %f, ours was %f",
                          name, theirs, position.amount)  # fmt: skip
                price = Decimal(row.base_price) if row is not None and row.base_price else None
                position.take_over(theirs, price)
                gateway.guard.set_position(name, theirs)
                watch.held(theirs, now)
                watch.compare(theirs, is_settled, now)
                is_news = True
            self._judge(name)
            if is_news:
                gateway.callbacks.on_position(position)

    def on_fill(self, market: str, now: int) -> None:
        """A fill changed a position."""
        watch = self._watches.get(market)
        if watch is not None:
            watch.held(self._positions[market].amount, now)

    def _on_danger(self, event: Danger) -> None:
        gateway = self._gateway
        row = PositionRow(*event.position)
        kind = _DANGERS[event.event]
        gateway.counts[kind.replace("_", "-")] += 1
        log.error("%s: %s of a position of %s", row.market, kind, row.amount)
        position = self._positions.get(row.market)
        if position is None:
            return  # somebody else's market, but the collateral is shared: it was told
        position.show(row)
        position.danger = kind
        self._judge(row.market)
        gateway.callbacks.on_position(position)

    def _judge(self, name: str) -> None:
        """A market is reducing while its position is in danger or not the venue's."""
        danger = self._positions[name].danger
        reason = danger or (_MISMATCH if self._watches[name].is_alarmed else "")
        reducing = self._gateway.reducing
        if reason and name not in reducing:
            log.error("%s: reducing, quotes pulled: %s", name, reason)
            reducing[name] = reason
            self._gateway.cancel_all(name)
        elif reason:
            reducing[name] = reason
        elif reducing.pop(name, None):
            log.info("%s: not reducing any more", name)

    def allows(self, order: Order, lots: int) -> bool:
        """Whether an order of `lots` may be sent although a market is reducing."""
        market = order.market
        if market.name not in self._gateway.reducing or order.flags & Flags.REDUCE_ONLY:
            return True
        position = self._positions[market.name]
        if position.side is not order.side.opposite:
            return False
        others = sum(
            other.amount_lots
            for other in self._gateway.store.open_orders(market.name)
            if other.side is order.side and other is not order
        )
        return market.amount(lots + others) <= abs(position.amount)

    def check(self, now: int) -> None:
        """Housekeeping; call about ten times a second."""
        if self._watches and self._silence.check(self._gateway.feed.is_up, now):
            self._gateway.counts["position-silence"] += 1
            self._gateway.is_in_doubt = True
            log.error("the venue shows no positions any more")

    def tell_remaining(self) -> None:
        """Says which positions stay when the gateway goes; it closes none by itself."""
        for name, position in self._positions.items():
            if position.amount:
                log.warning("%s: a position of %f stays", name, position.amount)

    # ---- funding ----------------------------------------------------------------------------

    def is_due(self, now: int) -> bool:
        """Whether the history of funding has to be asked for."""
        return bool(self._watches) and not self._is_polling and now >= self._next_poll_ns

    async def poll(self) -> None:
        """Adds settlements of funding that are new; a failure is made up for next time."""
        self._is_polling = True
        try:
            await self._read_funding(is_news=True)
        except WhitewireError as error:
            self._gateway.counts["funding-unread"] += 1
            log.warning("funding: %s", error)
        finally:
            self._is_polling = False
            self._next_poll_ns = now_ns() + FUNDING_POLL_NS

    async def _read_funding(self, *, is_news: bool) -> None:
        page = await self._gateway.rest.funding_history(limit=PAGE)
        for row in reversed(page.records):
            key = (row.market, row.funding_time)
            position = self._positions.get(row.market)
            if key in self._settled:
                continue
            self._settled.add(key)
            if is_news and position is not None:
                position.funding += row.funding_amount
                self._gateway.counts["fundings"] += 1
                self._gateway.callbacks.on_position(position)


def _asset(row: MarginBalanceRow) -> CollateralAsset:
    fields = {
        "asset": row.asset,
        "balance": row.balance,
        "borrow": row.borrow,
        "availableWithoutBorrow": row.available,
        "availableWithBorrow": row.available_with_borrow,
    }
    return convert(fields, CollateralAsset)
