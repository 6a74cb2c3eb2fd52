"""The start, which is a recovery: every session begins as if the one before had crashed.

Owns: the order in which everything is opened. Must not know: stop and housekeeping (see
`lifecycle`), what is recorded (see `bookkeeping`), what of the past is believed (see `resumption`).
Invariant: no order is placed before the past is settled: this account is ours alone, recorded
orders are known, fills that nobody heard of are booked, and the venue agrees.

    lock -> replay -> session recorded -> clock -> markets -> kill switches of markets where
    something may rest -> leftovers ended -> deals since the last one -> reconciled -> balances
    -> probe, where asked for -> order lanes -> order socket, where asked for -> feed -> books
    fresh -> every kill switch armed and verified -> heap frozen -> gate open -> the other accounts
    of the process are ready, too, or failed -> on_start -> fills that happened between sessions,
    then on_recovered
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from whitewire._bridge import now_ns
from whitewire.errors import StartupError
from whitewire.gateway import Gateway, GatewayState
from whitewire.journal.failpoints import FAILPOINT, hit
from whitewire.market import Market, Side
from whitewire.markets import engine_limits, read_markets
from whitewire.protocol import control_replies as read
from whitewire.protocol.order_flags import Flags
from whitewire.resumption import Resumption
from whitewire.strategy import Recovered
from whitewire.subscriptions import session_plan
from whitewire.transport.control import naming
from whitewire.transport.feed import Feed
from whitewire.transport.lines import Lines
from whitewire.transport.link import Address
from whitewire.transport.loop import freeze_heap
from whitewire.transport.order_entry import OrderEntry
from whitewire.transport.probe import probe
from whitewire.transport.token_desk import TokenDesk
from whitewire.warming import Warming, book_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from whitewire import _core
    from whitewire.lifecycle import Lifecycle
    from whitewire.protocol.orders import Fill

__all__ = ["Startup"]

TICK_S = 0.1
BOOKS_TIMEOUT_S = 15.0


class Startup:
    """Opens one gateway.

    Args:
        gateway: what to open.
        lifecycle: keeps house from the feed's opening on.
        signer: of the account.

    Attributes:
        resumption: what an earlier session left.
    """

    def __init__(self, gateway: Gateway, lifecycle: Lifecycle, signer: _core.Signer) -> None:
        self.gateway = gateway
        self._config = gateway.config
        self._lifecycle = lifecycle
        self._signer = signer
        self.recovery = lifecycle.recovery
        self.switches = lifecycle.switches
        self.resumption = Resumption(gateway, self.recovery)
        self._is_house_kept = False
        self._missed: list[Fill] = []
        self._began_ns = now_ns()

    async def run(self, opened: contextlib.AsyncExitStack, session: int) -> None:
        """Opens everything, in the order in which it makes quoting safe.

        Args:
            opened: closes it again.
            session: number of this session.
        """
        gateway, config = self.gateway, self._config
        self._began_ns = now_ns()
        opened.callback(gateway.journal.close)
        gateway.journal.open(session, self._lifecycle.on_breach, gateway.engine.halt)
        reception = self._lifecycle.shared.reception
        await reception.begin()
        opened.callback(reception.end)
        context = self._lifecycle.shared.context()
        opened.push_async_callback(asyncio.sleep, 0)  # lets closed connections say goodbye
        shared = (gateway.path, self._signer, gateway.nonces, gateway.throttle, gateway.clock)
        lines = Lines(config, context, *shared)
        opened.callback(lines.close)
        opened.push_async_callback(self._lifecycle.end_tasks)
        gateway.control = lines.control()
        gateway.control.on_held = gateway.reactions.on_held
        self.switches.open(lines)
        self._lifecycle.emergency.open(lines)
        await gateway.control.open()
        await self._lifecycle.timekeeper.start()
        await self._add_markets()
        await self._settle()
        with naming("the account's balance"):
            await self._read_balances()
        with naming("the collateral account"):
            await gateway.collateral.start()
        await self._open_streams(opened, context)
        await self._wait_for_books()
        await gateway.money.open()
        await self.switches.arm(gateway.markets)
        gateway.journal.flush()
        opened.callback(freeze_heap())
        self._open_gate()
        await self._lifecycle.shared.wait_for_all(gateway.name)
        self._begin()

    async def _settle(self) -> None:
        """Ends the past, with the kill switches armed where something of ours may rest."""
        gateway = self.gateway
        gateway.callbacks.on_fill = self._missed.append
        may_rest = self.resumption.restore()
        if may_rest:
            self._lifecycle.spawn(self._keep_switches())
            await self.switches.arm(may_rest)
            if FAILPOINT:
                hit("after_arm")
        with naming("the list of open orders"):
            is_keeping = self._config.start.leftovers == "keep"
            await self.resumption.settle(is_keeping=is_keeping)

    async def _keep_switches(self) -> None:
        """Renews armed kill switches until housekeeping does."""
        while not self._is_house_kept:
            self.switches.check(now_ns())
            await asyncio.sleep(TICK_S)

    async def _open_streams(self, opened: contextlib.AsyncExitStack, context: Any) -> None:
        gateway, config = self.gateway, self._config
        address = Address(config.venue.rest)
        measured = None
        if config.orders.needs_probe:
            measured = await probe(gateway.control, address, context, gateway.path)
        gateway.entry = OrderEntry(
            *(address, context, gateway.path, config.orders, gateway.reactions, now_ns, measured)
        )
        opened.push_async_callback(gateway.entry.close)
        await gateway.entry.open()
        tokens = TokenDesk(gateway.control.websocket_token, now_ns)
        if config.orders.needs_socket:
            await gateway.entry.open_socket(config, tokens)
        gateway.feed = Feed(
            config,
            context,
            gateway.path,
            session_plan(gateway),
            len(gateway.markets),
            tokens,
            gateway.reactions,
            now_ns,
            self._lifecycle.shared.reception,
        )
        opened.push_async_callback(gateway.feed.close)
        opened.push_async_callback(self._lifecycle.end_tasks)  # before what the tasks use
        self._watch_books()
        reception, warming = self._lifecycle.shared.reception, Warming(gateway)
        reception.keep_warm(warming)
        opened.callback(reception.let_cool, warming)
        self._is_house_kept = True
        self._lifecycle.spawn(self._lifecycle.keep_house())
        await gateway.feed.open()

    def _open_gate(self) -> None:
        gateway = self.gateway
        if gateway.state is not GatewayState.STARTING:
            raise StartupError("start-halted", f"halted during the start: {gateway.halt_reason}")
        gateway.state = GatewayState.ACTIVE
        gateway.engine.halt(False)
        gateway.guard.restore()
        self.switches.check(now_ns())
        for name in gateway.markets:
            gateway.refresh_gate(name)
        gateway.has_started = True

    def _begin(self) -> None:
        gateway = self.gateway
        gateway.callbacks.open()
        gateway.path.enter()
        try:
            gateway.callbacks.on_start(gateway)
            self.switches.tell_states()
            self._tell_the_past()
        finally:
            gateway.path.leave()

    def _tell_the_past(self) -> None:
        """Fills between sessions, then `on_recovered`; positions had them before `on_start`."""
        gateway = self.gateway
        for fill in self._missed:
            gateway.callbacks.on_fill(fill)
            gateway.callbacks.on_position(gateway.positions[fill.market.name])
        if self._missed or self.resumption.resolved:
            took_ns = now_ns() - self._began_ns
            gateway.callbacks.on_recovered(Recovered(None, took_ns, self.resumption.resolved))
        self._missed = []

    async def _add_markets(self) -> None:
        gateway = self.gateway
        body = await self._lifecycle.shared.market_list(gateway.control)
        names = self._lifecycle.strategy.markets or tuple(self._config.markets)
        for index, market in enumerate(read_markets(body, names, self._config.markets)):
            limits = self._config.markets.get(market.name)
            if limits is None:
                raise StartupError(
                    "market-no-limits",
                    f"the strategy trades {market.name}, which has no limits",
                    f"add [markets.{market.name}] to the configuration",
                )
            added = gateway.engine.add_market(
                market.name,
                market.price_decimals,
                market.amount_decimals,
                self._config.feed.depth,
                engine_limits(market, limits),
            )
            if added != index:
                raise StartupError("core-index", f"{market.name} got index {added}, not {index}")
            gateway.collateral.route_orders(market, index)
            self._prepare(market)
            gateway.add_market(market, gateway.engine.book(index, market.name))
            gateway.journal.market(market)
        gateway.guard.set_limits()

    def _prepare(self, market: Market) -> None:
        """Builds the templates of ordinary quotes before the first one needs them."""
        for side in Side:
            flags = Flags.of(side, True, False, False, self._config.orders.stp)
            self.gateway.engine.prepare(market.index, flags)

    async def _read_balances(self) -> None:
        asked = now_ns()
        rows = read.read_balances(*await self.gateway.control.call("balance"))
        self.gateway.balances.apply_query(rows, asked)

    def _watch_books(self) -> None:
        wants_ticker = self.gateway.callbacks.wants("on_ticker")
        for market in self.gateway.markets.values():
            on_ticker = self._ticker_target(market) if wants_ticker else None
            self.gateway.feed.listener.watch(market.index, self._book_target(market), on_ticker)

    def _book_target(self, market: Market) -> Callable[[], None]:
        gateway, book = self.gateway, self.gateway.books[market.index]
        can_see = self.recovery.can_see
        return book_target(market.name, book, gateway.callbacks, gateway.blind, can_see)

    def _ticker_target(self, market: Market) -> Callable[[], None]:
        reactions, callbacks = self.gateway.reactions, self.gateway.callbacks

        def target() -> None:
            ticker = reactions.ticker(market)
            if ticker is not None:
                callbacks.on_ticker(ticker)

        return target

    async def _wait_for_books(self) -> None:
        gateway = self.gateway
        try:
            async with asyncio.timeout(BOOKS_TIMEOUT_S):
                while gateway.blind:
                    gateway.sight.clear()
                    await gateway.sight.wait()
        except TimeoutError:
            names = ", ".join(gateway.blind)
            raise StartupError(
                "books-missing",
                f"no usable book of {names} within {BOOKS_TIMEOUT_S:g} s",
                "check the market's state at the venue",
            ) from None
