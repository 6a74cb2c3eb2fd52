"""Start, supervision and stop of a gateway.

Owns: the order of steps that make quoting safe, and of those that end it. Must not know: how
orders are sent or matched. Invariants: nothing is placed before balances, open orders and books
are known and the kill switch is armed and verified; a clean stop ends with nothing of ours
resting, or says so and leaves the kill switch armed; housekeeping goes on until the very end.

    start   see `startup`
    stop    gate shut -> on_stop -> cancel -> verified empty -> kill switch disarmed -> closed
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from whitewire import _core
from whitewire._bridge import epoch_ms, now_ns
from whitewire.bookkeeping import Bookkeeper
from whitewire.emergency import Emergency
from whitewire.endpoints import ENDPOINTS
from whitewire.errors import WhitewireError
from whitewire.freshness import Freshness
from whitewire.gateway import Gateway, GatewayState
from whitewire.journal.failpoints import FAILPOINT, hit
from whitewire.protocol.balances import Balances
from whitewire.protocol.nonce import NonceAllocator, nonces_of
from whitewire.pulse import Pulse
from whitewire.recovery import Recovery
from whitewire.sharing import Shared
from whitewire.startup import Startup
from whitewire.strategy import Strategy, check
from whitewire.switches import Switches
from whitewire.timekeeping import Timekeeper
from whitewire.transport.link import Address
from whitewire.transport.loop import keep_frozen

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from whitewire.config import Config, Credentials

__all__ = ["Lifecycle"]

log = logging.getLogger("whitewire")

TICK_S = 0.1
STOP_TIMEOUT_S = 10.0
STOP_POLL_S = 0.05
HALTED = (GatewayState.HALTED, GatewayState.KILLED)
# After a start that failed nothing rests, and all there is to do is to disarm what was armed.
GIVE_UP_TIMEOUT_S = 1.0

# Milliseconds at which the sessions of this process began, each only once.
_session_times = NonceAllocator()


def _session_number(newest: int) -> int:
    """A number that no other session of this account used: milliseconds, or one more than it."""
    return max(_session_times.next(epoch_ms()), newest + 1)


def _session_id(number: int) -> str:
    """Letters and digits of a session's number, base 36."""
    digits, text = "0123456789abcdefghijklmnopqrstuvwxyz", ""
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
        shared: with the other accounts of this process; None when it is alone.

    Attributes:
        gateway: the gateway that the strategy gets.
        shared: as given, or of its own.
        is_clean: after `run`: nothing of ours rests, by the venue's word.

    Raises:
        UsageError: the strategy cannot be run, or the key cannot be used.
    """

    def __init__(
        self,
        strategy: Strategy,
        config: Config,
        credentials: Credentials,
        shared: Shared | None = None,
    ) -> None:
        self.strategy = check(strategy)
        self.shared = shared or Shared(config)
        self._config = config
        signer = _core.Signer(credentials.key, credentials.secret)
        journal = Bookkeeper(config, credentials.key)
        self._session = _session_number(journal.newest_session())
        prefix, session = f"{config.orders.id_prefix}-", _session_id(self._session)
        paths = [ENDPOINTS[name].path for name in ("place", "cancel", "modify", "bulk")]
        engine = _core.Engine(
            key=credentials.key,
            secret=credentials.secret,
            host=Address(config.venue.rest).header,
            paths=(paths[0], paths[1], paths[2], paths[3]),
            id_base=f"{prefix}{session}-",
            pad_requests=config.orders.pad_requests,
        )
        self.gateway = Gateway(
            self.strategy,
            config,
            engine,
            journal,
            id_prefix=prefix,
            nonces=nonces_of(credentials.key, config.venue.rest),
            throttle=self.shared.throttle,
            balances=Balances(),
        )
        self.switches = Switches(self.gateway, self.spawn)
        self.emergency = Emergency(self.gateway, self.switches, self.spawn)
        self.pulse = Pulse(self.gateway, session, self.shared.announcer)
        self.recovery = Recovery(self.gateway)
        self.timekeeper = Timekeeper(self.gateway, self.spawn)
        self.freshness = Freshness(self.gateway)
        self._startup = Startup(self.gateway, self, signer)
        self.is_clean = False
        self._stop_reason = ""
        self._stop_requested = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[object]] = set()

    async def run(self) -> None:
        """Starts, works until `stop` is called, stops.

        Raises:
            WhitewireError: the start failed; everything that was opened is closed again.
        """
        async with contextlib.AsyncExitStack() as opened:
            self.pulse.begin()
            opened.callback(lambda: self.pulse.end(self.is_clean))
            self._starting = asyncio.get_running_loop().create_task(
                self._startup.run(opened, self._session)
            )
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

    # ---- housekeeping -----------------------------------------------------------------------

    def on_breach(self, reason: str) -> None:
        """A safety check failed: nothing may be placed; during a start, the start finds out."""
        if self.gateway.has_started:
            self.gateway.halt(reason)

    async def keep_house(self) -> None:
        """Looks after connections, switches and orders, ten times a second."""
        while True:
            self._tick(now_ns())
            await asyncio.sleep(TICK_S)

    def _tick(self, now: int) -> None:
        gateway = self.gateway
        gateway.path.enter()
        try:
            gateway.feed.check(now)
            gateway.entry.check(now)
            gateway.ordering.choosing.check(now)
            self.switches.check(now)
            gateway.guard.check(now)
            self.timekeeper.check(now)
            self.freshness.check(now)
            gateway.collateral.check(now)
            gateway.allowance.check(now)
            gateway.ordering.send_waiting_cancels()
            gateway.ordering.presigning.check(now)
            gateway.pull_again()
        finally:
            gateway.path.leave()
        self.shared.reception.check(now)
        keep_frozen()
        gateway.money.check(now)
        if gateway.collateral.is_due(now):
            self.spawn(gateway.collateral.poll())
        if self.recovery.is_due(now):
            self.spawn(self.recovery.run())
        is_over = gateway.has_started and gateway.state in HALTED
        if is_over and self.emergency.is_verified:
            self.switches.disarm_if_empty()

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Runs `work` beside the caller; its failure stops the gateway."""
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

    async def end_tasks(self) -> None:
        """Ends what `spawn` began."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- stop -------------------------------------------------------------------------------

    async def _stop(self) -> None:
        gateway = self.gateway
        gateway.state = GatewayState.STOPPING
        gateway.timers.stop()
        gateway.engine.halt(True)
        timeout_s = STOP_TIMEOUT_S if gateway.has_started else GIVE_UP_TIMEOUT_S
        try:
            async with asyncio.timeout(timeout_s):
                if gateway.has_started:
                    gateway.callbacks.on_stop(gateway, self._stop_reason or "stopped")
                    gateway.cancel_all()
                    if FAILPOINT:
                        asyncio.get_running_loop().call_soon(hit, "during_stop")
                    await self._wait_until_nothing_rests()
                if self._startup.resumption.is_settled:
                    await self.switches.disarm()
                    self.is_clean = True
            if self.is_clean:
                gateway.journal.clean_stop(self._stop_reason)
        except TimeoutError:
            log.error(
                "not verified within %g s: %s; the kill switch may stay armed and cancels within "
                "%d s",
                timeout_s,
                "that nothing rests" if gateway.has_started else "that the kill switch is disarmed",
                self._config.kill_switch.timeout_s,
            )
        gateway.guard.note_standing()
        gateway.collateral.tell_remaining()
        gateway.callbacks.close()

    async def _wait_until_nothing_rests(self) -> None:
        while True:
            try:
                if await self.recovery.nothing_rests():
                    return
            except WhitewireError as error:
                log.warning("open orders cannot be verified: %s", error)
            await asyncio.sleep(STOP_POLL_S)
