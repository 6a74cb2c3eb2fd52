"""The clock guard at work: asks the venue's time, and stops quoting while clocks cannot be trusted.

Owns: when this host's clocks are looked at, and what follows from the verdict. Must not know: the
rules of the verdict (see `protocol.clock`). Invariant: while the clock is not safe every market's
gate is shut and its quotes are pulled; cancels keep passing.
"""

from __future__ import annotations

import asyncio
import logging
from time import time_ns
from typing import TYPE_CHECKING

from whitewire._bridge import now_ns
from whitewire.errors import StartupError, WhitewireError
from whitewire.protocol.clock import ClockState

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from whitewire.gateway import Gateway

__all__ = ["Timekeeper"]

START_QUESTIONS = 4
# Two clocks that were read farther apart, since the thread was set aside, are not compared.
TOGETHER_NS = 1_000_000

log = logging.getLogger("whitewire")


class Timekeeper:
    """See the module's documentation.

    Args:
        gateway: whose clock, and what is stopped.
        spawn: runs a task under supervision.
    """

    def __init__(
        self, gateway: Gateway, spawn: Callable[[Coroutine[Any, Any, object]], None]
    ) -> None:
        self._gateway = gateway
        self._spawn = spawn
        self._is_asking = False
        self._told = ClockState.UNKNOWN

    async def start(self) -> None:
        """Learns the venue's time for the first time.

        Raises:
            StartupError: this host's clock is too far away for the venue's nonce window.
            WhitewireError: the venue does not tell.
        """
        clock = self._gateway.clock
        for _ in range(START_QUESTIONS):  # each halves the bounds
            await asyncio.sleep(max(clock.best_moment_ns(now_ns()) - now_ns(), 0) / 1e9)
            await self._gateway.control.ask_time()
            if clock.is_safe:
                break
        self._told = clock.state
        if not clock.is_safe:
            raise StartupError(
                "clock-off",
                clock.describe(now_ns()),
                "synchronize this host's clock (chronyc tracking) and start again",
            )

    def check(self, now: int) -> None:
        """Looks at the clocks and at what the feed says of the venue's; ten times a second."""
        gateway, clock = self._gateway, self._gateway.clock
        steps = clock.steps
        before = now_ns()
        wall_ns, after = time_ns(), now_ns()
        if after - before < TOGETHER_NS:
            clock.on_tick(wall_ns, after)
        if clock.steps != steps:
            gateway.counts["clock-steps"] += 1
            log.warning("this host's clock was stepped, or the host slept")
        if gateway.feed.is_up:
            for book in gateway.books:
                if not book.is_stale and book.ts_exch_ns:
                    clock.on_push(book.ts_exch_ns, book.ts_recv_ns)
        self._follow(now)
        if clock.is_due(now) and not self._is_asking:
            self._is_asking = True
            self._spawn(self._ask(clock.best_moment_ns(now)))

    async def _ask(self, moment_ns: int) -> None:
        self._gateway.clock.asked(moment_ns)
        try:
            await asyncio.sleep(max(moment_ns - now_ns(), 0) / 1e9)
            await self._gateway.control.ask_time()
        except WhitewireError as error:
            log.warning("the venue does not tell its time: %s", error)
        finally:
            self._is_asking = False
        self._follow(now_ns())

    def _follow(self, now: int) -> None:
        """Carries a new verdict out, once."""
        gateway, clock = self._gateway, self._gateway.clock
        state, before = clock.state, self._told
        if state is before:
            return
        self._told = state
        gateway.counts[f"clock-{state}"] += 1
        safe = (ClockState.GOOD, ClockState.OFF)
        if state is not ClockState.GOOD:
            log.warning("clock %s: %s", state, clock.describe(now))
        if (state in safe) is not (before in safe):
            for name in gateway.markets:
                gateway.refresh_gate(name)
            if state not in safe:
                gateway.cancel_all()
            gateway.callbacks.on_connection("clock", "up" if state in safe else "down")
        if state is ClockState.LOST:
            gateway.halt(f"clock: {clock.describe(now)}")
