"""The gateway: what a strategy can do, and where everything that happens is brought together.

Owns: placing, changing and canceling orders; turning answers and events into callbacks; the
decision whether a market may be quoted. Must not know: sockets' bytes (see `transport`), the
rules of order states (see `protocol.orders`), how an order is sent (see `ordering`), start and
stop (see `lifecycle`). Invariant: a placement leaves only while the gateway is ACTIVE, the market
is not blind and its kill switch is armed; the core's gate enforces it, cancels always pass.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from time import time_ns
from typing import TYPE_CHECKING, Literal

from whitewire._bridge import OrderTicket, Path, now_ns
from whitewire.allowance import Allowance
from whitewire.callbacks import Callbacks
from whitewire.collateral import Collateral
from whitewire.counts import Counts
from whitewire.errors import UsageError
from whitewire.gateway_states import Blindness, GatewayState
from whitewire.guard import Guard
from whitewire.market import Market, Number, Side
from whitewire.money import Money
from whitewire.ordering import Ordering
from whitewire.protocol.clock import VenueClock
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.order_table import OrderStore
from whitewire.protocol.orders import Order, OrderState
from whitewire.protocol.positions import Position, position_in
from whitewire.quoting import Ladder, QuoteSet
from whitewire.reactions import Reactions
from whitewire.reflexes import Reflex, Reflexes, Rule
from whitewire.siblings import Siblings
from whitewire.strategy import Strategy
from whitewire.timers import Timers
from whitewire.transport.rest import Rest
from whitewire.units import amount_lots, price_ticks

if TYPE_CHECKING:
    from whitewire import _core
    from whitewire.bookkeeping import Bookkeeper
    from whitewire.config import Config
    from whitewire.protocol.balances import Balances
    from whitewire.protocol.throttle import Throttle
    from whitewire.transport.control import Control
    from whitewire.transport.feed import Feed
    from whitewire.transport.order_entry import OrderEntry

__all__ = ["Blindness", "Gateway", "GatewayState"]

log = logging.getLogger("whitewire")

Quote = tuple[Number, Number]


class Gateway:
    """See the module's documentation; built and driven by `lifecycle.Lifecycle`.

    Attributes:
        name, account: of its account; `account(name)` is the gateway of another one.
        state: see `GatewayState`; `halt_reason` says why it is HALTED.
        markets, by_index: by name and in the order of the core.
        blind: markets that cannot be seen, by name.
        shut: markets with an order that has been Unknown for too long.
        is_reconciled: False from a loss of the feed until the venue was asked about our orders.
        is_in_doubt: an event contradicted what is known here: the venue has to be asked.
        counts: how often things happened, by name.
        sight: set when a market can be seen again; on_halt: called at the end of `halt`.
        collateral: leverage, margin balances and the venue's positions.
        reducing: markets in which only what lessens the position may be placed, and why.
    """

    control: Control
    entry: OrderEntry
    feed: Feed

    def __init__(
        self,
        strategy: Strategy,
        config: Config,
        engine: _core.Engine,
        journal: Bookkeeper,
        *,
        id_prefix: str,
        nonces: NonceAllocator,
        throttle: Throttle,
        balances: Balances,
    ) -> None:
        self.config = config
        self.name = config.account.name
        self.account = Siblings({self.name: self})
        self.engine, self.journal = engine, journal
        self.path = Path(engine)
        self.state = GatewayState.STARTING
        self.halt_reason, self.has_started = "", False
        self.callbacks = Callbacks(strategy, self._callback_failed)
        self.nonces = nonces
        self.clock = VenueClock(time_ns(), now_ns())
        self.throttle = throttle
        self.balances = balances
        self.id_prefix = id_prefix
        self.guard = Guard(self)
        self.store = OrderStore(id_prefix, self, self.guard.order_changed)
        self.markets: dict[str, Market] = {}
        self.by_index: list[Market] = []
        self.books: list[_core.Book] = []
        self.ladders: dict[str, Ladder] = {}
        self.positions: dict[str, Position] = {}
        self.blind: dict[str, Blindness] = {}
        self.shut: set[str] = set()
        self.is_reconciled = True
        self.is_in_doubt = False
        self.counts = Counts()
        self.sight = asyncio.Event()
        self.on_halt: Callable[[], None] = lambda: None
        self._armed: set[str] = set()
        self.timers = Timers(self.path, self.callbacks)
        self.reducing: dict[str, str] = {}
        self.money = Money(self)
        self.fees = self.money.fees
        self.collateral = Collateral(self)
        self.allowance = Allowance(self)
        self.ordering = Ordering(self)
        self.reactions = Reactions(self)
        self.reflexes = Reflexes(self)

    def add_market(self, market: Market, book: _core.Book) -> None:
        """Registers a market that the engine knows; called at start."""
        self.markets[market.name] = market
        self.by_index.append(market)
        self.books.append(book)
        self.ladders[market.name] = Ladder(self, market)
        self.positions[market.name] = position_in(market)
        self.go_blind(market.name)

    # ---- what a strategy can ask for --------------------------------------------------------

    @property
    def rest(self) -> Rest:
        """Awaited, typed calls to the venue, for what is not on the hot path."""
        return Rest(self.control)

    def market(self, market: str | Market) -> Market:
        """A market of this gateway.

        Raises:
            UsageError: it is not in the configuration.
        """
        name = market if market.__class__ is str else str(getattr(market, "name", market))
        found = self.markets.get(name)
        if found is None:
            raise UsageError(
                "market-unknown", f"{name} is not traded here", f"known: {', '.join(self.markets)}"
            )
        return found

    def book(self, market: str | Market) -> _core.Book:
        """The live book of a market."""
        return self.books[self.market(market).index]

    def limit(
        self,
        market: str | Market,
        side: Side | str,
        price: Number,
        amount: Number,
        *,
        post_only: bool | None = None,
        stp: str | None = None,
        rpi: bool = False,
        ioc: bool = False,
        reduce_only: bool = False,
        tag: object = None,
    ) -> Order:
        """Places a limit order and returns its handle at once; the ack is an event.

        Price and amount must be on the market's grid. Post-only, unless `ioc` or `rpi` (post-only
        by itself, met by retail only) or you say otherwise. `reduce_only` needs a position; the
        venue shrinks it to that. A refusal here is an order in state REJECTED, and `on_reject`.

        Raises:
            UsageError: unknown market, excluded flags, or (NumberError) a number off the grid.
        """
        where = self.market(market)
        ticks, lots = price_ticks(where, price), amount_lots(where, amount)
        asked = (side, post_only, stp, rpi, ioc, reduce_only)
        return self.ordering.place(self.ordering.ticket(where, asked), ticks, lots, tag)

    def ticket(
        self,
        market: str | Market,
        side: Side | str,
        *,
        post_only: bool | None = None,
        stp: str | None = None,
        rpi: bool = False,
        ioc: bool = False,
        reduce_only: bool = False,
    ) -> OrderTicket:
        """Prepares limit orders of one kind, told as to `limit`; find it once, in `on_start`.

        `ticket.limit(price_ticks, amount_lots)` is the quickest way to place from a callback.

        Raises:
            UsageError: unknown market, or excluded flags.
        """
        asked = (side, post_only, stp, rpi, ioc, reduce_only)
        return self.ordering.ticket(self.market(market), asked)

    def quote(
        self,
        market: str | Market,
        bids: Iterable[Quote],
        asks: Iterable[Quote],
        *,
        mode: Literal["auto", "bulk", "pipelined", "websocket"] = "auto",
    ) -> QuoteSet:
        """Places a ladder once, post-only; bids round down and asks up to the grid.

        Args:
            mode: `bulk` sends one request, `pipelined` one per leg, `websocket` one call per leg;
                `auto` as configured. UsageError where it is not open.
        """
        where = self.market(market)
        buy, sell = Side.BUY, Side.SELL
        legs = [(buy, *self._level(where, buy, quote)) for quote in bids]
        legs += [(sell, *self._level(where, sell, quote)) for quote in asks]
        transport = self.ordering.choosing.named(mode, len(legs))
        rows = self.ordering.quotes(where, legs)
        return QuoteSet(tuple(self.ordering.place_many(rows, None, transport)))

    def set_quotes(
        self,
        market: str | Market,
        bids: Sequence[Quote],
        asks: Sequence[Quote],
        *,
        tolerance_ticks: int = 0,
    ) -> None:
        """States the ladder that should rest; the difference is sent.

        The i-th quote of a side is slot i: a moved price is one modification, a missing quote a
        cancel, a new one a placement. Bids round down and asks up to the grid; amounts round
        down. A quote that moved by no more than `tolerance_ticks` is kept.
        """
        where = self.market(market)
        wanted_bids = [self._level(where, Side.BUY, quote) for quote in bids]
        wanted_asks = [self._level(where, Side.SELL, quote) for quote in asks]
        self.ladders[where.name].want(wanted_bids, wanted_asks, tolerance_ticks)

    def reflex(
        self, market: str | Market, rule: Rule, orders: Iterable[Order] | None = None
    ) -> Reflex:
        """Declares a rule that the core acts on at each new top, before any callback is called.

        Tops are those of the depth channel, and of the faster tickers where there is `on_ticker`.

        Args:
            rule: `Pull` or `Follow`.
            orders: what it covers; None for every order of its side, those placed later too.

        Raises:
            UsageError: unknown market, too many rules, or a second `Follow` for the same order.
        """
        return self.reflexes.arm(self.market(market), rule, orders)

    def cancel(self, order: Order) -> None:
        """Cancels an order; the outcome is an event. Harmless when it is done."""
        self.cancel_order(order)

    def modify_order(self, order: Order, price: Number | None, amount: Number | None) -> None:
        """Replaces price, amount or both of a resting order (implements the handle's actions)."""
        ticks = order.price_ticks if price is None else price_ticks(order.market, price)
        lots = order.amount_lots if amount is None else amount_lots(order.market, amount)
        self.path.enter()
        try:
            self.ordering.modify(order, ticks, lots)
        finally:
            self.path.leave()

    def cancel_order(self, order: Order) -> None:
        """Cancels by client id (implements the handle's actions)."""
        self.path.enter()
        try:
            self.ordering.cancel(order)
        finally:
            self.path.leave()

    def cancel_all(self, market: str | Market | None = None) -> int:
        """Cancels all our orders, or those of one market; how many were not finished."""
        name = None if market is None else self.market(market).name
        for ladder in self.ladders.values():
            if name in (None, ladder.market.name):
                ladder.clear()
        orders = self.store.open_orders(name)
        self.path.enter()
        try:
            for order in orders:
                self.ordering.cancel(order)
        finally:
            self.path.leave()
        return len(orders)

    def halt(self, reason: str) -> None:
        """Stops placing for good and presses the red button (see `emergency`)."""
        if self.state not in (GatewayState.ACTIVE, GatewayState.STARTING):
            return
        self.state, self.halt_reason = GatewayState.HALTED, reason
        log.error("halted: %s", reason)
        self.journal.halted(reason)
        self.engine.halt(True)
        self.cancel_all()
        self.on_halt()

    def kill(self, reason: str) -> None:
        """As `halt`, across restarts: only `whitewire arm` makes the account startable again."""
        self.engine.guard.kill()
        self.halt(f"KILLED: {reason}")
        if self.state is GatewayState.HALTED:
            self.state = GatewayState.KILLED
        self.guard.poll()

    def resume(self, market: str | Market | None = None) -> None:
        """Lifts what the gate halted or reduced and what asks for no human, as a fill burst."""
        self.guard.reset(None if market is None else self.market(market).name)

    def every(self, seconds: float) -> None:
        """Calls `on_timer` every `seconds` from now until the stop.

        Raises:
            UsageError: the period is not positive, or the gateway is stopping.
        """
        self.timers.add(seconds, is_late=self.state is GatewayState.STOPPING)

    def open_orders(self, market: str | Market | None = None) -> list[Order]:
        """Our orders that are not finished, Unknown ones included."""
        return self.store.open_orders(None if market is None else self.market(market).name)

    def inventory(self, market: str | Market) -> Position:
        """What our fills changed since the journal began; without one, since the start."""
        return self.positions[self.market(market).name]

    def _level(self, market: Market, side: Side, quote: Quote) -> tuple[int, int]:
        price, amount = quote
        return price_ticks(market, price, side), amount_lots(market, amount, exact=False)

    # ---- may a market be quoted -------------------------------------------------------------

    def go_blind(self, market: str) -> None:
        """Shuts a market whose book or orders cannot be trusted any longer."""
        known = self.blind.get(market)
        self.blind[market] = Blindness(known.since_ns if known else now_ns())
        self.refresh_gate(market)

    def set_armed(self, market: str, armed: bool) -> None:
        """Says whether the market's kill switch allows quoting."""
        if armed == (market in self._armed):
            return
        (self._armed.add if armed else self._armed.discard)(market)
        self.refresh_gate(market)
        if not armed and self.state is GatewayState.ACTIVE:
            log.error("%s: the kill switch is not armed; quotes pulled", market)
            self.cancel_all(market)

    def pull_again(self) -> None:
        """Cancels what still rests where nothing may; call about ten times a second.

        A cancel can be refused, and an Unknown order can turn out to rest after all. What a start
        keeps of an earlier session may rest until the market is in sight.
        """
        if self.state is GatewayState.STARTING:
            return
        for market in self.markets:
            if not self.may_quote(market):
                for order in self.store.open_orders(market):
                    if order.state is OrderState.OPEN:
                        self.ordering.cancel(order)

    def may_quote(self, market: str) -> bool:
        """ACTIVE, the clock safe, the kill switch armed, the market seen, the core's gate open."""
        return self._is_open(market) and self.guard.allows(market)

    def _is_open(self, market: str) -> bool:
        is_in_sight = market not in self.blind and market not in self.shut
        is_open = self.state is GatewayState.ACTIVE and self.clock.is_safe
        return is_open and market in self._armed and is_in_sight

    def refresh_gate(self, market: str) -> None:
        """Hands the decision to the core, which enforces it and has states of its own."""
        self.engine.halt_market(self.markets[market].index, not self._is_open(market))

    def _callback_failed(self, name: str, error: Exception) -> None:
        self.counts[f"raised-{name}"] += 1
        if self.counts[f"raised-{name}"] == 1:  # it may go on raising at the rate of the feed
            log.error("%s raised %s: %s", name, type(error).__name__, error, exc_info=error)
        self.halt(f"{name} raised {type(error).__name__}: {error}")
