"""The whole venue as one synchronous object: every command, every query, every event.

Owns: the state of all markets and accounts and the order in which events leave. Must not know:
sockets, JSON, asyncio, a wall clock (it is handed one). Invariant: the same seed, the same clock
readings and the same calls give the same events, to the byte.

How to use it:
    * `account` arguments are account names (`AccountSpec.name`); an unknown name is a KeyError.
    * Request values come from `values/requests.py` (`LimitRequest.from_body(body)` and so on).
    * Every documented refusal is a `VenueError`; a refused request has changed nothing.
    * Every command first runs what was due before its own time (traders, kill switches), so the
      listener may see their events first. Queries do not; `tick` does nothing else.
    * `listeners` are called synchronously, in order, with each event. They must not call commands.
    * Orders, deals and trades that are returned or sent are never changed afterwards.
    * Order of events of one command, per market cycle: for each fill the deals (maker's, then
      taker's) and the maker's OrderEvent 2 or 3; then the taker's OrderEvent 1 or 3; then the
      TradeEvents; then, for each stop order that these trades activate, its second OrderEvent 1
      and the same again; then one BookEvent; then one BalanceEvent for each account touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from whitewire.venue.collateral.orders import Sight
from whitewire.venue.drivers.agenda import Agenda
from whitewire.venue.drivers.driver import DriverMaker, MarketDriver, MarketFloor
from whitewire.venue.drivers.traders import MAKER_NAME, TAKER_NAME, Traders, trader_accounts
from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.book import Book
from whitewire.venue.engine.listing import Listing, check_names
from whitewire.venue.engine.tape import MarketStatistics, Tape
from whitewire.venue.exchange.assembly import Assembly
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.orders import bulk, cancels, modify, place, queries, stops
from whitewire.venue.orders.kill_switch import KillSwitches, KillSwitchTimer
from whitewire.venue.orders.stops import Triggers
from whitewire.venue.values.events import Event
from whitewire.venue.values.model import (
    AccountSpec,
    Deal,
    Level,
    MarketSpec,
    Order,
    PublicTrade,
    Side,
    Status,
    Top,
    VenueError,
    Wallet,
)
from whitewire.venue.values.requests import (
    CancelAllRequest,
    CancelRequest,
    ExecutedHistoryQuery,
    KillSwitchRequest,
    LimitRequest,
    MarketRequest,
    ModifyRequest,
    OpenOrdersQuery,
    OrderDealsQuery,
    OrderHistoryQuery,
    StopRequest,
)


class Exchange:
    """A venue without a wire.

    Attributes:
        markets: name to spec, in listing order (all listed markets, traded or not).
        accounts: name to spec, internal accounts left out.
        options: how open questions are settled.
        listeners: called with every event, in order; append to it.
    """

    markets: dict[str, MarketSpec]
    accounts: dict[str, AccountSpec]
    options: ExchangeOptions
    listeners: list[Callable[[Event], None]]

    def __init__(
        self,
        markets: Iterable[MarketSpec],
        accounts: Iterable[AccountSpec],
        *,
        seed: int,
        clock: Callable[[], float],
        options: ExchangeOptions | None = None,
        drivers: Mapping[str, DriverMaker] | None = None,
    ) -> None:
        """Lists the markets, opens the accounts and fills the books of `options.traded_markets`.

        Default values: `markets.default_markets()` and `accounts.default_accounts(seed)`. Of the
        traded markets, those in `drivers` get what is made there instead of simulated traders.

        Raises:
            ValueError: a traded market is not listed, or an account name or key occurs twice.
        """
        self._listing = Listing(markets)
        self.markets = self._listing.all
        self.options = options if options is not None else ExchangeOptions()
        self.listeners = []
        specs = list(accounts)
        self._clock = clock
        self._now = round(clock(), 6)
        self._assets = self._listing.assets()
        traders = trader_accounts(self._assets)
        check_names((*specs, *traders), self.markets, self.options.traded_markets)
        self.accounts = {spec.name: spec for spec in specs}
        self._accounts = {
            spec.name: Account(
                spec,
                history_limit=self.options.history_limit,
                ids_span_markets=self.options.client_id_unique_per_account,
            )
            for spec in (*specs, *traders)
        }
        first = self.options.first_update_id
        self._books = {name: Book(name, first, self._now) for name in self.markets}
        self._tapes = {name: Tape(name, self.options.trade_limit) for name in self.markets}
        self._parts = Assembly(
            self._listing,
            self._accounts,
            self._books,
            self._tapes,
            self.options,
            self._publish,
            self._now,
        )
        self._engine = self._parts.engine
        self._kill_switches = KillSwitches()
        self._triggers = Triggers(self._last_price, self.options.activation_by_last_price)
        sight = Sight(self._listing.collateral, self._best, self._triggers)
        self.collateral = self._parts.open_desk(sight, self, self._assets)
        makers, takers = self._accounts[MAKER_NAME], self._accounts[TAKER_NAME]
        drive: list[MarketDriver] = []
        for name in self.options.traded_markets:
            spec, driver = self.markets[name], (drivers or {}).get(name)
            drive.append(
                Traders(
                    spec, self._engine, makers, takers,
                    seed=seed, now=self._now, options=self.options.traders,
                )
                if driver is None
                else driver(
                    MarketFloor(spec, self._engine, self._books[name], makers, takers, self._now)
                )
            )  # fmt: skip
        self._agenda = Agenda(drive)

    # Commands: all raise VenueError, and run what was due before they act.

    def place(self, account: str, request: LimitRequest | MarketRequest | StopRequest) -> Order:
        """order/new, the market and the stop endpoints: the order's state after the cycle."""
        now = self.advance()
        return self._place(self._accounts[account], request, now).snapshot()

    def place_bulk(
        self, account: str, items: object, stop_on_fail: object = None
    ) -> list[Order | VenueError]:
        """order/bulk: `orders` and `stopOnFail` as decoded; one result for each leg."""
        legs = bulk.read_legs(items, LimitRequest.from_body)
        stops = bulk.read_stop_on_fail(stop_on_fail)
        owner = self._accounts[account]
        self.advance()
        return bulk.run_legs(
            legs,
            lambda leg, gap_s: self._place(owner, leg, self.later(gap_s)).snapshot(),
            gap_s=self.options.bulk_leg_gap_us / 1_000_000,
            stops=stops,
            reports_failure=self.options.stop_on_fail_reports_failure,
        )

    def cancel(self, account: str, request: CancelRequest) -> Order:
        """order/cancel: the order's final state."""
        now = self.advance()
        owner = self._accounts[account]
        order = cancels.read_cancel(request, owner, self.markets)
        self._engine.cancel(order, now)
        return order.snapshot()

    def cancel_all(self, account: str, request: CancelAllRequest) -> list[Order]:
        """order/cancel/all: the orders that were ended, oldest first (the wire answers [])."""
        now = self.advance()
        chosen = cancels.read_cancel_all(request, self._accounts[account], self.markets)
        return self._cancel_each(chosen, now)

    def cancel_bulk(self, account: str, items: object) -> list[Order | VenueError]:
        """order/cancel/bulk: one result for each item (the wire prints only the ids)."""
        now = self.advance()
        owner = self._accounts[account]
        results: list[Order | VenueError] = []
        for item in cancels.read_cancel_items(items):
            try:
                order = cancels.read_cancel_item(item, owner, self.markets)
            except VenueError as refusal:
                results.append(refusal)
            else:
                self._engine.cancel(order, now)
                results.append(order.snapshot())
        return results

    def modify(self, account: str, request: ModifyRequest) -> Order:
        """order/modify: the replacement, with its new id, after matching."""
        now = self.advance()
        old, new = modify.read_modify(
            request, self._accounts[account], self.markets, self._triggers
        )
        return self._engine.replace(old, new, now).snapshot()

    def kill_switch(self, account: str, request: KillSwitchRequest) -> KillSwitchTimer | None:
        """order/kill-switch: the armed timer, or None when it was deleted (the wire answers [])."""
        now = self.advance()
        return self._kill_switches.apply(account, request, self.markets, now)

    def delist(self, market: str) -> None:
        """Takes a market off the list: its orders end as DELISTING and its traders go.

        Its book and its tape stay readable. An unlisted market is left alone.
        """
        if market not in self.markets:
            return
        now = self.advance()
        self._agenda.drop(market)
        for account in self._accounts.values():
            for order in cancels.orders_of(account, market, None):
                self._engine.end(order, Status.DELISTING, now)
        self._engine.finish_cycle(now)
        self._parts.close_market(market, now)
        self._listing.remove(market)

    def advance(self) -> float:
        """Runs what was due before now; returns the engine's time, epoch seconds."""
        self.tick(self._read_clock())
        return self._now

    def later(self, gap_s: float) -> float:
        """The engine's time so much later, with what is due until then; without a gap, as it is."""
        if gap_s:
            self.tick(round(self._read_clock() + gap_s, 6))
        return self._now

    def tick(self, now: float) -> None:
        """Expires kill switches and lets the traders act, in order of time, up to `now`."""
        self._agenda.skip_to(now - self.options.catch_up_limit_s)
        while (due := self.next_due()) <= now:
            self._now = max(self._now, due)
            switch_due = self._kill_switches.next_due()
            if switch_due is not None and switch_due <= due:
                self._expire_kill_switches(due)
            elif self._parts.funding.next_due() <= due:
                self._parts.settle_funding(due)
            else:
                self._agenda.act()
        self._now = max(self._now, now)

    def next_due(self) -> float:
        """When `tick` next has something to do, epoch seconds."""
        due = min(self._agenda.next_due(), self._parts.funding.next_due())
        switch_due = self._kill_switches.next_due()
        return due if switch_due is None else min(due, switch_due)

    # Private queries over raw request values: raise VenueError.

    def kill_switch_status(self, account: str, market: object = None) -> list[KillSwitchTimer]:
        """order/kill-switch/status: armed timers, of one market or of all."""
        return self._kill_switches.status(account, market, self.markets)

    def balance(self, account: str, ticker: object) -> Wallet:
        """trade-account/balance with `ticker`."""
        return queries.balance(self._accounts[account], ticker, self._assets)

    def balances(self, account: str) -> dict[str, Wallet]:
        """trade-account/balance: every asset of the venue, alphabetical, zeros included."""
        owner = self._accounts[account]
        return {asset: owner.wallet(asset) for asset in self._assets}

    def open_orders(self, account: str, query: OpenOrdersQuery) -> list[Order]:
        """POST orders: newest first, paged."""
        return queries.open_orders(self._accounts[account], query, self.markets)

    def order_deals(self, account: str, query: OrderDealsQuery) -> tuple[list[Deal], int, int]:
        """trade-account/order: records newest first, and the effective (limit, offset)."""
        return queries.order_deals(self._accounts[account], query)

    def executed_history(self, account: str, query: ExecutedHistoryQuery) -> list[Deal]:
        """trade-account/executed-history: newest first, paged over all markets together.

        The wire groups by market where the query has none.
        """
        visible_until = self._read_clock() - self.options.history_lag_ms / 1_000
        owner = self._accounts[account]
        return queries.executed_history(owner, query, self.markets, visible_until)

    def order_history(self, account: str, query: OrderHistoryQuery) -> list[Order]:
        """trade-account/order/history: finished orders newest first; the wire groups by market."""
        owner = self._accounts[account]
        return queries.order_history(owner, query, self.markets, self._read_clock())

    # Typed private readers, for the WebSocket: never raise VenueError.

    def open_orders_of(self, account: str, market: str | None = None) -> list[Order]:
        """All open orders, newest first."""
        return queries.of_market(reversed(self._accounts[account].open_orders.values()), market)

    def finished_orders_of(self, account: str, market: str | None = None) -> list[Order]:
        """All remembered finished orders, newest first."""
        return queries.of_market(reversed(self._accounts[account].finished), market)

    def deals_of(self, account: str, market: str | None = None) -> list[Deal]:
        """All remembered deals, newest first."""
        deals = reversed(self._accounts[account].deals)
        return [deal for deal in deals if market is None or deal.market == market]

    # Public readers: an unknown market is a KeyError.

    def depth(self, market: str, limit: int) -> tuple[list[Level], list[Level]]:
        """(bids, asks), best first, at most `limit` each, without RPI orders."""
        book = self._books[market]
        return book.levels(Side.BUY, limit), book.levels(Side.SELL, limit)

    def top(self, market: str) -> Top:
        """Best levels with the time and the counter of their last change."""
        return self._books[market].top

    def update_id(self, market: str) -> int:
        """The book's counter: plus one for each changed public level."""
        return self._books[market].update_id

    def book_time(self, market: str) -> float:
        """Engine time of the last change of the public book, epoch seconds."""
        return self._books[market].changed_at

    def recent_trades(self, market: str, limit: int) -> list[PublicTrade]:
        """The newest trades, newest first."""
        return self._tapes[market].newest(limit)

    def statistics(self, market: str) -> MarketStatistics:
        """Last and first price and volumes since the start."""
        return self._tapes[market].statistics()

    def fees_collected(self) -> dict[str, Decimal]:
        """What the venue has earned, asset to amount."""
        return dict(self._parts.fees.amounts)

    def _place(
        self, account: Account, request: LimitRequest | MarketRequest | StopRequest, now: float
    ) -> Order:
        if isinstance(request, LimitRequest):
            new = place.read_limit(request, account, self._listing.spot, self._best)
        elif isinstance(request, StopRequest):
            new = stops.read_stop_order(
                request, account, self._listing.spot, self._best, self._triggers
            )
        else:
            new = place.read_market_order(request, account, self._listing.spot)
        return self._engine.submit(new, now)

    def _cancel_each(self, chosen: list[Order], now: float) -> list[Order]:
        for order in chosen:
            if not order.is_finished:  # a leg may have taken it along
                self._engine.cancel(order, now)
        return [order.snapshot() for order in chosen]

    def _expire_kill_switches(self, now: float) -> None:
        for name, timer in self._kill_switches.pop_due(now):
            account = self._accounts[name]
            self._cancel_each(cancels.orders_of(account, timer.market, timer.types), now)

    def _best(self, market: str, side: Side) -> Level | None:
        return self._books[market].best(side)

    def _last_price(self, market: str) -> Decimal | None:
        return self._tapes[market].last_price

    def _read_clock(self) -> float:
        """Engine time never runs backwards, whatever the clock does."""
        return max(self._now, round(self._clock(), 6))

    def _publish(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)
