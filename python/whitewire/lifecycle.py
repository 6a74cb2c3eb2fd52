"""Start, supervision and stop of a gateway.

Owns: the order of steps that make quoting safe, and of those that end it. Must not know: how
orders are sent or matched. Invariants: nothing is placed before balances, open orders and books
are known and the kill switch is armed and verified; a clean stop ends with nothing of ours
resting, or says so and leaves the kill switch armed; housekeeping goes on until the very end.

    start   markets -> account -> order lanes -> leftovers canceled -> feed -> books fresh
            -> kill switch armed and verified -> heap frozen -> on_start
    stop    gate shut -> on_stop -> cancel -> verified empty -> kill switch disarmed -> closed
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from whitewire import _core
from whitewire._bridge import epoch_ms, now_ns
from whitewire.endpoints import ENDPOINTS
from whitewire.errors import StartupError, WhitewireError
from whitewire.freshness import Freshness
from whitewire.gateway import Gateway, GatewayState
from whitewire.market import Market, Side
from whitewire.markets import engine_limits, read_markets
from whitewire.ordering import Flags
from whitewire.protocol import control_replies as read
from whitewire.protocol.balances import Balances
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.session import SessionPlan
from whitewire.recovery import Recovery
from whitewire.strategy import Strategy, check
from whitewire.switches import Switches
from whitewire.timekeeping import Timekeeper
from whitewire.transport.control import Control, naming
from whitewire.transport.feed import Feed
from whitewire.transport.link import Address, tls_context
from whitewire.transport.loop import freeze_heap, pin
from whitewire.transport.order_entry import OrderEntry
from whitewire.transport.shared_cells import throttle_for
from whitewire.transport.token_desk import TokenDesk

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from whitewire.config import Config, Credentials
    from whitewire.protocol.throttle import Throttle

__all__ = ["Lifecycle"]

log = logging.getLogger("whitewire")

TICK_S = 0.1
BOOKS_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 10.0
STOP_POLL_S = 0.05
# After a start that failed nothing rests, and all there is to do is to disarm what was armed.
GIVE_UP_TIMEOUT_S = 1.0

# Milliseconds at which the sessions of this process began, each only once.
_session_times = NonceAllocator()


def _session_id() -> str:
    """Letters and digits that no other session of this account uses: milliseconds, base 36."""
    digits, text = "0123456789abcdefghijklmnopqrstuvwxyz", ""
    number = _session_times.next(epoch_ms())
    while number:
        number, rest = divmod(number, 36)
        text = digits[rest] + text
    return text


class Lifecycle:
    """Runs one strategy on one gateway.

    Args:
        strategy: what to run; checked here.
        config: checked configuration.
        credentials: the account's key.
        throttle: the one of this host's address, where accounts share it; a new one when None.

    Attributes:
        gateway: the gateway that the strategy gets.
        is_clean: after `run`: nothing of ours rests, by the venue's word.

    Raises:
        UsageError: the strategy cannot be run, or the key cannot be used.
    """

    def __init__(
        self,
        strategy: Strategy,
        config: Config,
        credentials: Credentials,
        throttle: Throttle | None = None,
    ) -> None:
        self._strategy = check(strategy)
        self._config = config
        self._rest = Address(config.venue.rest)
        self._signer = _core.Signer(credentials.key, credentials.secret)
        prefix = f"{config.orders.id_prefix}-"
        paths = [ENDPOINTS[name].path for name in ("place", "cancel", "modify", "bulk")]
        engine = _core.Engine(
            key=credentials.key,
            secret=credentials.secret,
            host=self._rest.header,
            paths=(paths[0], paths[1], paths[2], paths[3]),
            id_base=f"{prefix}{_session_id()}-",
        )
        self.gateway = Gateway(
            self._strategy,
            config,
            engine,
            id_prefix=prefix,
            nonces=NonceAllocator(),
            throttle=throttle or throttle_for(config),
            balances=Balances(),
        )
        self.switches = Switches(self.gateway, self._spawn)
        self.recovery = Recovery(self.gateway)
        self.timekeeper = Timekeeper(self.gateway, self._spawn)
        self.freshness = Freshness(self.gateway)
        self.is_clean = False
        self._stop_reason = ""
        self._stop_requested = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None
        self._has_started = False
        self._tasks: set[asyncio.Task[object]] = set()

    async def run(self) -> None:
        """Starts, works until `stop` is called, stops.

        Raises:
            WhitewireError: the start failed; everything that was opened is closed again.
        """
        async with contextlib.AsyncExitStack() as opened:
            self._starting = asyncio.get_running_loop().create_task(self._start(opened))
            try:
                await self._starting
                await self._stop_requested.wait()
            except asyncio.CancelledError:
                if not self._stop_requested.is_set():
                    raise
            finally:
                await self._stop()

    def stop(self, reason: str) -> None:
        """Asks for a clean stop; a start that is under way is given up."""
        self._stop_reason = self._stop_reason or reason
        self._stop_requested.set()
        if self._starting is not None:
            self._starting.cancel()

    # ---- start ------------------------------------------------------------------------------

    async def _start(self, opened: contextlib.AsyncExitStack) -> None:
        """Opens everything, in the order in which it makes quoting safe."""
        gateway, config = self.gateway, self._config
        if config.process.cpu is not None:
            pin(config.process.cpu)
        context = tls_context(config.venue.ca)
        opened.push_async_callback(asyncio.sleep, 0)  # lets closed connections say goodbye
        gateway.control = Control(
            config,
            context,
            gateway.path,
            self._signer,
            gateway.nonces,
            gateway.throttle,
            now_ns,
            gateway.clock,
        )
        gateway.control.on_held = gateway.reactions.on_held
        opened.callback(gateway.control.close)
        await gateway.control.open()
        await self.timekeeper.start()
        await self._add_markets()
        with naming("the account's balance"):
            await self._read_balances()
        gateway.entry = OrderEntry(
            self._rest, context, gateway.path, config.orders, gateway.reactions, now_ns
        )
        opened.push_async_callback(gateway.entry.close)
        await gateway.entry.open()
        with naming("the list of open orders"):
            await self.recovery.clear_leftovers()
        gateway.feed = Feed(
            config,
            context,
            gateway.path,
            self._plan(),
            len(gateway.markets),
            TokenDesk(gateway.control.websocket_token, now_ns),
            gateway.reactions,
            now_ns,
        )
        opened.push_async_callback(gateway.feed.close)
        opened.push_async_callback(self._end_tasks)
        self._watch_books()
        self._spawn(self._keep_house())
        await gateway.feed.open()
        await self._wait_for_books()
        await self.switches.arm()
        opened.callback(freeze_heap())
        self._activate()

    def _activate(self) -> None:
        gateway = self.gateway
        gateway.state = GatewayState.ACTIVE
        gateway.engine.halt(False)
        gateway.guard.restore()
        self.switches.check(now_ns())
        for name in gateway.markets:
            gateway.refresh_gate(name)
        self._has_started = True
        gateway.callbacks.open()
        gateway.path.enter()
        try:
            gateway.callbacks.on_start(gateway)
        finally:
            gateway.path.leave()

    async def _add_markets(self) -> None:
        gateway = self.gateway
        status, body = await gateway.control.call("markets")
        if status != 200:
            raise StartupError("markets-unavailable", f"the market list came with HTTP {status}")
        names = self._strategy.markets or tuple(self._config.markets)
        for index, market in enumerate(read_markets(body, names)):
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
            self._prepare(market)
            gateway.add_market(market, gateway.engine.book(index, market.name))
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

    def _plan(self) -> SessionPlan:
        gateway = self.gateway
        names = tuple(gateway.markets)
        assets = {m.stock: None for m in gateway.markets.values()}
        assets |= {m.money: None for m in gateway.markets.values()}
        wants = gateway.callbacks.wants
        return SessionPlan(
            depth=dict.fromkeys(names, self._config.feed.depth),
            tickers=names if wants("on_ticker") else (),
            trades=names if wants("on_trade") else (),
            assets=tuple(assets),
            order_markets=names,
            deal_markets=names,
        )

    def _watch_books(self) -> None:
        wants_ticker = self.gateway.callbacks.wants("on_ticker")
        for market in self.gateway.markets.values():
            on_ticker = self._ticker_target(market) if wants_ticker else None
            self.gateway.feed.listener.watch(market.index, self._book_target(market), on_ticker)

    def _book_target(self, market: Market) -> Callable[[], None]:
        gateway, book, name = self.gateway, self.gateway.books[market.index], market.name
        blind, callbacks, can_see = gateway.blind, gateway.callbacks, self.recovery.can_see

        def target() -> None:
            if name not in blind or can_see(name, book):
                callbacks.on_book(book)

        return target

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

    # ---- housekeeping -----------------------------------------------------------------------

    async def _keep_house(self) -> None:
        while True:
            self._tick(now_ns())
            await asyncio.sleep(TICK_S)

    def _tick(self, now: int) -> None:
        gateway = self.gateway
        gateway.path.enter()
        try:
            gateway.feed.check(now)
            gateway.entry.check(now)
            self.switches.check(now)
            gateway.guard.check(now)
            self.timekeeper.check(now)
            self.freshness.check(now)
            gateway.ordering.send_waiting_cancels()
            gateway.pull_again()
        finally:
            gateway.path.leave()
        if self.recovery.is_due(now):
            self._spawn(self.recovery.run())
        if gateway.state in (GatewayState.HALTED, GatewayState.KILLED):
            self.switches.disarm_if_empty()

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # an error of ours: nothing can be relied on, so nothing may go on resting
            log.error("internal task failed", exc_info=task.exception())
            self.gateway.counts["internal-errors"] += 1
            self.gateway.halt(f"an internal task failed: {task.exception()!r}")
            self.stop("an internal task failed")

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- stop -------------------------------------------------------------------------------

    async def _stop(self) -> None:
        gateway = self.gateway
        gateway.state = GatewayState.STOPPING
        gateway.stop_timers()
        gateway.engine.halt(True)
        timeout_s = STOP_TIMEOUT_S if self._has_started else GIVE_UP_TIMEOUT_S
        try:
            async with asyncio.timeout(timeout_s):
                if self._has_started:
                    gateway.callbacks.on_stop(gateway, self._stop_reason or "stopped")
                    gateway.cancel_all()
                    await self._wait_until_nothing_rests()
                await self.switches.disarm()
            self.is_clean = True
        except TimeoutError:
            log.error(
                "not verified within %g s: %s; the kill switch may stay armed and cancels within "
                "%d s",
                timeout_s,
                "that nothing rests" if self._has_started else "that the kill switch is disarmed",
                self._config.kill_switch.timeout_s,
            )
        gateway.callbacks.close()

    async def _wait_until_nothing_rests(self) -> None:
        while True:
            try:
                if await self.recovery.nothing_rests():
                    return
            except WhitewireError as error:
                log.warning("open orders cannot be verified: %s", error)
            await asyncio.sleep(STOP_POLL_S)
