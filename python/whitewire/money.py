"""The account's money: is it what our deals explain, and what do fills cost.

Owns: feeding `protocol.expected` and `protocol.fees`, and telling what they find. Must not know:
the rules of either, sockets. Invariant: a balance that our deals do not explain is told, and puts
the gateway in doubt, so that the venue is asked; what it was is told after that.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from whitewire._bridge import now_ns
from whitewire.errors import StartupError, UsageError, VenueRefusal, WhitewireError
from whitewire.market import Market
from whitewire.protocol import control_replies as read
from whitewire.protocol.events import BalanceRow, Deal, OrderUpdate, side_of
from whitewire.protocol.expected import Drift, Verdict, Wallet
from whitewire.protocol.fees import FeeTable, MarketFees, read_market_fees
from whitewire.protocol.order_flags import Flags
from whitewire.protocol.postings import deal_key, foreign_hold, holds, spot_deal

if TYPE_CHECKING:
    from whitewire.gateway import Gateway
    from whitewire.protocol.orders import Fill

__all__ = ["Money"]

log = logging.getLogger("whitewire")

SPOT = "spot"
SECOND_NS = 1_000_000_000
# What our orders freeze is summed up this often: often enough within the lag of a balance.
HOLD_EVERY_NS = 250_000_000
FEES_RETRY_NS = 10 * SECOND_NS


class Money:
    """See the module's documentation.

    Args:
        gateway: whose deals, orders and balances.

    Attributes:
        wallets: the expectations by wallet; another module may add and feed one of its own.
        queries: what `refresh` awaits before the verdicts, so that such a wallet is seen, too.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._settings = gateway.config.recovery
        self._fees = FeeTable()
        self._fees_due_ns = 0
        self._held_ns = 0
        self._baseline_deal: dict[str, int] = {}
        self._deals: list[tuple[Deal, int]] = []
        self._fills: list[Fill] = []
        self._foreign: dict[int, tuple[str, Decimal]] = {}
        self.wallets = {SPOT: self.new_wallet(SPOT)}
        self.queries: list[Callable[[], Awaitable[None]]] = []

    def new_wallet(self, name: str) -> Wallet:
        """An empty expectation with the configured lag and tolerance."""
        lag_ns = self._settings.drift_lag_ms * 1_000_000
        return Wallet(name, lag_ns=lag_ns, tolerance=self._settings.drift_tolerance)

    def fees(self, market: str | Market) -> MarketFees:
        """The account's effective fees in a market, as ratios.

        Raises:
            UsageError: the market is not traded here, or the venue has not told them yet.
        """
        name = self._gateway.market(market).name
        fees = self._fees.of(name)
        if fees is None:
            raise UsageError("fees-unknown", f"the fees of {name} are not known yet")
        return fees

    async def open(self) -> None:
        """Reads the fees and takes the baseline, once the private stream is subscribed.

        Raises:
            WhitewireError: the venue does not say.
        """
        try:
            await self._read_fees()
        except VenueRefusal as error:
            raise StartupError(
                "venue-refused",
                f"the venue refused the account's fees: {error}",
                "check that the key may call market/fee",
            ) from error
        await self._read_baseline_deals()
        self._deals.clear()  # of the past: the baseline has them
        rows = read.read_balances(*await self._gateway.control.call("balance"))
        spot, now = self.wallets[SPOT], now_ns()
        by_asset = {row.asset: row for row in rows}
        for asset in self._assets():
            row = by_asset.get(asset, BalanceRow(asset, "0", "0"))
            frozen = Decimal(row.freeze)
            spot.watch(asset, Decimal(row.available) + frozen, now, frozen=frozen)

    def _assets(self) -> dict[str, None]:
        markets = [m for m in self._gateway.markets.values() if not m.is_collateral]
        return dict.fromkeys(asset for market in markets for asset in (market.stock, market.money))

    # ---- what is heard ----------------------------------------------------------------------

    def on_deal(self, deal: Deal, now: int) -> None:
        """A deal of the account, ours or not, from the stream or from a history."""
        self._deals.append((deal, now))  # worked off later: a fill's answer must not wait for it

    def on_fill(self, fill: Fill) -> None:
        """A fill of ours: its fee will be compared with what it should be."""
        self._fills.append(fill)

    def _work_off(self) -> None:
        deals, self._deals = self._deals, []
        fills, self._fills = self._fills, []
        for deal, heard_ns in deals:
            self._post(deal, heard_ns)
        for fill in fills:
            self._check_fee(fill)

    def _post(self, deal: Deal, now: int) -> None:
        market = self._gateway.markets.get(deal.market)
        if market is None or market.is_collateral:
            return  # a collateral wallet has postings of its own
        is_ours = deal.client_id.startswith(self._gateway.id_prefix)
        about = f"deal {deal.deal_id}" if is_ours else f"foreign deal {deal.deal_id}"
        is_new = self.wallets[SPOT].post(deal_key(deal), spot_deal(deal, market), about, now)
        if is_new and not is_ours:
            self._gateway.counts["foreign-deals"] += 1
            log.warning(
                "%s: deal %d is not ours: %s %s at %s",
                deal.market, deal.deal_id, side_of(deal.side), deal.amount, deal.price,
            )  # fmt: skip

    def _check_fee(self, fill: Fill) -> None:
        market = fill.market
        is_stock_fee = fill.fee_asset == market.stock
        surprise = self._fees.check(
            market.name,
            fill.deal_id,
            fill.fee,
            fill.amount if is_stock_fee else fill.price * fill.amount,
            is_maker=fill.liquidity == "maker",
            is_rpi=bool(fill.order.flags & Flags.RPI),
        )
        fees = self._fees.of(market.name)
        if surprise is None or fees is None:
            return
        self._gateway.counts["fee-surprises"] += 1
        self._fees_due_ns = 0  # they may have changed with the traded volume: asked for at once
        self._gateway.is_in_doubt = True
        log.error(
            "%s: deal %d as %s cost %s of the fill, not %s",
            market.name, fill.deal_id, surprise.role, surprise.actual, surprise.expected,
        )  # fmt: skip
        self._gateway.callbacks.on_fees(fees, surprise)

    def on_balances(self, rows: Iterable[BalanceRow], now: int) -> None:
        """The spot wallet as the venue sees it, pushed or asked for."""
        for row in rows:
            frozen = Decimal(row.freeze)
            total = Decimal(row.available) + frozen
            self.wallets[SPOT].see(row.asset, total, now, frozen=frozen)

    def on_foreign_order(self, update: OrderUpdate) -> None:
        """An order of the account that is not ours freezes money, too."""
        market = self._gateway.markets.get(update.market)
        is_spot = market is not None and not market.is_collateral
        held = foreign_hold(update, market) if market is not None and is_spot else None
        if held is None:
            self._foreign.pop(update.venue_id, None)
        else:
            self._foreign[update.venue_id] = held

    def on_stream_lost(self) -> None:
        """Until the venue was asked, nothing can be judged."""
        for wallet in self.wallets.values():
            wallet.suspend()

    # ---- what follows -----------------------------------------------------------------------

    def check(self, now: int) -> None:
        """Judges the balances and fees; call it about ten times a second."""
        self._work_off()
        if now - self._held_ns >= HOLD_EVERY_NS:
            self._hold(now)
        for wallet in self.wallets.values():
            for drift in wallet.check(now):
                self._gateway.is_in_doubt = True
                self._tell(drift)

    def _hold(self, now: int) -> None:
        self._held_ns = now
        orders = [o for o in self._gateway.store.open_orders() if not o.market.is_collateral]
        ours = holds(orders, self._foreign.values())
        self.wallets[SPOT].hold(ours, now)

    def on_history(self, deals: Sequence[Deal], now: int) -> None:
        """Deals of a history; those of others that the stream did not tell are posted."""
        for deal in deals:
            if deal.deal_id > self._baseline_deal.get(deal.market, 0):
                self.on_deal(deal, now)

    async def refresh(self) -> None:
        """After the orders and deals were asked for: the balances, the verdicts, the fees.

        Raises:
            WhitewireError: the venue does not say.
        """
        gateway = self._gateway
        asked = now_ns()
        rows = read.read_balances(*await gateway.control.call("balance"))
        gateway.reactions.tell_balances(gateway.balances.apply_query(rows, asked))
        now = now_ns()
        for asset in self._assets():  # a push may have been later than this answer
            latest = gateway.balances.get(asset)
            self.wallets[SPOT].see(asset, latest.total, now, frozen=latest.freeze)
        for query in self.queries:
            await query()
        self._work_off()
        self._hold(now)
        for wallet in self.wallets.values():
            for drift in wallet.conclude(now_ns()):
                self._tell(drift)
        if now >= self._fees_due_ns:
            await self._refresh_fees()

    def on_reconciled(self) -> None:
        """The stream is back, and what it missed is known."""
        for wallet in self.wallets.values():
            wallet.resume(now_ns())

    def _tell(self, drift: Drift) -> None:
        self._gateway.counts[f"drift-{drift.verdict}"] += 1
        level = logging.WARNING if drift.verdict is Verdict.EXPLAINED else logging.ERROR
        log.log(
            level,
            "%s wallet: %s %s is %s, expected %s (%s); before it: %s",
            drift.wallet, drift.part, drift.asset, drift.seen, drift.expected, drift.verdict,
            ", ".join(drift.postings) or "nothing",
        )  # fmt: skip
        self._gateway.callbacks.on_drift(drift)

    async def _refresh_fees(self) -> None:
        """Orders and balances do not wait for an answer about fees: it is asked for again later."""
        try:
            await self._read_fees()
        except WhitewireError as error:
            self._fees_due_ns = now_ns() + FEES_RETRY_NS
            log.warning("fees: %s", error)

    async def _read_fees(self) -> None:
        gateway = self._gateway
        answer = await gateway.control.call("market_fee")
        self._fees_due_ns = now_ns() + self._settings.fees_every_s * SECOND_NS
        for old, new in self._fees.update(read_market_fees(*answer, gateway.markets)):
            gateway.counts["fee-changes"] += 1
            log.warning(
                "%s: the fees are %s maker and %s taker now, before %s and %s",
                new.market, new.maker, new.taker, old.maker, old.taker,
            )  # fmt: skip
            gateway.callbacks.on_fees(new, None)

    async def _read_baseline_deals(self) -> None:
        """What is older than these is in the baseline already."""
        for name in self._gateway.markets:
            fields = {"market": name, "limit": 1}
            answer = await self._gateway.control.call("executed_history", fields)
            for deal in read.read_executed_history(*answer, name):
                self._baseline_deal[name] = deal.deal_id
