"""Start, supervision and stop of a gateway.

Owns: the order of steps that make quoting safe, and of those that end it. Must not know: how
orders are sent or matched. Invariants: nothing is placed before balances, open orders and books
are known and the kill switch is armed and verified; a clean stop ends with nothing of ours
resting, or says so and leaves the kill switch armed.

    start   markets -> order lanes -> leftovers canceled -> feed -> books fresh -> kill switch
            armed and verified -> heap frozen -> on_start
    stop    gate shut -> on_stop -> cancel -> verified empty -> kill switch disarmed -> closed
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING, Any

from whitewire import _core
from whitewire._bridge import Path, now_ns
from whitewire.endpoints import ENDPOINTS
from whitewire.errors import PeerError, StartupError, VenueRefusal
from whitewire.gateway import Gateway, GatewayState
from whitewire.market import Market, Side
from whitewire.markets import engine_limits, read_markets
from whitewire.ordering import Flags
from whitewire.protocol import control_replies as read
from whitewire.protocol.balances import Balances
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.session import SessionPlan
from whitewire.protocol.throttle import Throttle
from whitewire.recovery import Recovery
from whitewire.strategy import Strategy, check
from whitewire.switches import Switches
from whitewire.transport.control import Control
from whitewire.transport.feed import Feed
from whitewire.transport.link import Address, tls_context
from whitewire.transport.loop import freeze_heap, pin
from whitewire.transport.order_entry import OrderEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from whitewire.config import Config, Credentials

__all__ = ["Lifecycle"]

log = logging.getLogger("whitewire")

TICK_S = 0.1
BOOKS_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 10.0
# A snapshot whose book state is older than this when it was sent is not quoted from.
SNAPSHOT_AGE_NS = 2_000_000_000


def _session_id() -> str:
    """Letters and digits that no other session of this account uses: milliseconds, base 36."""
    digits, number, text = "0123456789abcdefghijklmnopqrstuvwxyz", time.time_ns() // 1_000_000, ""
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

    Raises:
        UsageError: the strategy cannot be run.
    """

    def __init__(self, strategy: Strategy, config: Config, credentials: Credentials) -> None:
        self.strategy = check(strategy)
        self.config = config
        self.gateway = Gateway(
            self.strategy,
            config,
            credentials,
            nonces=NonceAllocator(),
            throttle=Throttle(ENDPOINTS.values(), random.Random()),
            balances=Balances(),
            session=_session_id(),
        )
        self.switches = Switches(self.gateway, self._spawn)
        self.recovery = Recovery(self.gateway)
        self.stop_requested = asyncio.Event()
        self.stop_reason = ""
        self.is_clean = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Starts, supervises until `stop` is called, stops.

        Raises:
            WhitewireError: the start failed; everything that was opened is closed again.
        """
        try:
            await self._start()
            await self._supervise()
        finally:
            await self._stop()

    def stop(self, reason: str) -> None:
        """Asks for a clean stop."""
        self.stop_reason = self.stop_reason or reason
        self.stop_requested.set()

    # ---- start ------------------------------------------------------------------------------

    async def _start(self) -> None:
        gateway, config = self.gateway, self.config
        if config.process.cpu is not None:
            pin(config.process.cpu)
        context = tls_context(config.venue.ca)
        rest = Address(config.venue.rest)
        gateway.engine = engine = self._engine(rest)
        gateway.path = path = Path(engine)
        signer = _core.Signer(gateway.credentials.key, gateway.credentials.secret)
        gateway.control = Control(
            config, context, path, signer, gateway.nonces, gateway.throttle, now_ns
        )
        await gateway.control.open()
        await self._add_markets()
        await self._check_account()
        gateway.entry = OrderEntry(rest, context, path, config.orders, gateway.reactions, now_ns)
        await gateway.entry.open()
        await self.recovery.clear_leftovers()
        gateway.feed = Feed(
            config,
            context,
            path,
            self._plan(),
            len(gateway.markets),
            self._token,
            gateway.reactions,
            now_ns,
        )
        self._watch_books()
        await gateway.feed.open()
        await self._wait_for_books()
        await self.switches.arm()
        freeze_heap()
        gateway.state = GatewayState.ACTIVE
        engine.halt(False)
        for name in gateway.markets:
            gateway.refresh_gate(name)
        path.enter()
        try:
            gateway.callbacks.on_start(gateway)
        finally:
            path.leave()

    def _engine(self, rest: Address) -> _core.Engine:
        gateway = self.gateway
        paths = tuple(ENDPOINTS[name].path for name in ("place", "cancel", "modify", "bulk"))
        return _core.Engine(
            key=gateway.credentials.key,
            secret=gateway.credentials.secret,
            host=rest.header,
            paths=(paths[0], paths[1], paths[2], paths[3]),
            id_base=f"{gateway.id_prefix}{gateway.session}-",
        )

    async def _add_markets(self) -> None:
        gateway = self.gateway
        status, body = await gateway.control.call("markets")
        if status != 200:
            raise StartupError("markets-unavailable", f"the market list came with HTTP {status}")
        names = self.strategy.markets or tuple(self.config.markets)
        for index, market in enumerate(read_markets(body, names)):
            limits = self.config.markets.get(market.name)
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
                self.config.feed.depth,
                engine_limits(market, limits),
            )
            if added != index:
                raise StartupError("core-index", f"{market.name} got index {added}, not {index}")
            self._prepare(market)
            gateway.add_market(market, gateway.engine.book(index, market.name))
            gateway.blind[market.name] = now_ns()

    def _prepare(self, market: Market) -> None:
        """Builds the templates of ordinary quotes before the first one needs them."""
        for side in Side:
            flags = Flags.of(side, True, False, False, self.config.orders.stp)
            self.gateway.engine.prepare(market.index, flags)

    async def _check_account(self) -> None:
        try:
            asked = now_ns()
            rows = read.read_balances(*await self.gateway.control.call("balance"))
        except VenueRefusal as error:
            raise StartupError(
                "account-refused",
                f"the venue refused the key: {error}",
                "check the key, its secret, its allowed IPs and this host's clock",
            ) from error
        self.gateway.balances.apply_query(rows, asked)

    async def _token(self) -> str:
        return read.read_websocket_token(*await self.gateway.control.call("websocket_token"))

    def _plan(self) -> SessionPlan:
        gateway = self.gateway
        names = tuple(gateway.markets)
        assets = {m.stock: None for m in gateway.markets.values()}
        assets |= {m.money: None for m in gateway.markets.values()}
        wants = gateway.callbacks.wants
        return SessionPlan(
            depth=dict.fromkeys(names, self.config.feed.depth),
            tickers=names if wants("on_ticker") else (),
            trades=names if wants("on_trade") else (),
            assets=tuple(assets),
            order_markets=names,
            deal_markets=names,
        )

    def _watch_books(self) -> None:
        for market in self.gateway.markets.values():
            on_ticker = self._ticker_target(market)
            self.gateway.feed.listener.watch(market.index, self._book_target(market), on_ticker)

    def _book_target(self, market: Market) -> Callable[[], None]:
        gateway, book, name = self.gateway, self.gateway.books[market.index], market.name
        on_book, blind, seen = gateway.callbacks.on_book, gateway.blind, [0]

        def target() -> None:
            if name in blind:
                # Rule 10 of the depth channel: a first snapshot can be seconds old, so sight is
                # back with the first message that chains to it, or with a snapshot that is young.
                age = book.ts_exch_ns - book.ts_book_ns
                if seen[0] == 0 and age > SNAPSHOT_AGE_NS:
                    seen[0] = book.update_id
                    return
                seen[0] = 0
                self.recovery.book_is_back(name)
            on_book(book)

        return target

    def _ticker_target(self, market: Market) -> Callable[[], None] | None:
        gateway = self.gateway
        if not gateway.callbacks.wants("on_ticker"):
            return None

        def target() -> None:
            gateway.callbacks.on_ticker(gateway.reactions.ticker(market))

        return target

    async def _wait_for_books(self) -> None:
        gateway = self.gateway
        try:
            async with asyncio.timeout(BOOKS_TIMEOUT_S):
                while gateway.blind:
                    gateway.wake.clear()
                    await gateway.wake.wait()
        except TimeoutError:
            names = ", ".join(gateway.blind)
            raise StartupError(
                "books-missing",
                f"no usable book of {names} within {BOOKS_TIMEOUT_S:g} s",
                "check the market's state at the venue",
            ) from None

    # ---- supervision ------------------------------------------------------------------------

    async def _supervise(self) -> None:
        gateway = self.gateway
        next_tick = now_ns()
        while not self.stop_requested.is_set():
            next_tick += int(TICK_S * 1e9)
            now = now_ns()
            gateway.feed.check(now)
            gateway.entry.check(now)
            gateway.ordering.send_waiting_cancels()
            self.switches.check(now)
            if self.recovery.is_due(now):
                self._spawn(self.recovery.run())
            if gateway.state is GatewayState.HALTED:
                self.switches.disarm_if_empty()
            delay = max(0.0, (next_tick - now_ns()) / 1e9)
            try:
                async with asyncio.timeout(delay):
                    await self.stop_requested.wait()
            except TimeoutError:
                continue

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("internal task failed", exc_info=task.exception())
            self.gateway.halt(f"an internal task failed: {task.exception()!r}")

    # ---- stop -------------------------------------------------------------------------------

    async def _stop(self) -> None:
        gateway = self.gateway
        started = gateway.state is not GatewayState.STARTING
        gateway.state = GatewayState.STOPPING
        gateway.stop_timers()
        if hasattr(gateway, "engine"):
            gateway.engine.halt(True)
        try:
            if started:
                gateway.callbacks.on_stop(gateway, self.stop_reason or "stopped")
                self.is_clean = await self._leave_nothing_resting()
        finally:
            for task in list(self._tasks):
                task.cancel()
            if hasattr(gateway, "feed"):
                await gateway.feed.close()
            if hasattr(gateway, "entry"):
                gateway.entry.close()
            if hasattr(gateway, "control"):
                gateway.control.close()
            # let the transports deliver their last events
            await asyncio.sleep(0.05)

    async def _leave_nothing_resting(self) -> bool:
        gateway = self.gateway
        gateway.cancel_all()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                while not await self.recovery.nothing_rests():
                    gateway.cancel_all()
                    await asyncio.sleep(0.05)
                await self.switches.disarm()
        except (TimeoutError, PeerError, VenueRefusal, StartupError) as error:
            log.error(
                "could not verify that nothing rests (%s); the kill switch stays armed and "
                "cancels within %d s",
                str(error) or "timeout",
                self.config.kill_switch.timeout_s,
            )
            return False
        return True
