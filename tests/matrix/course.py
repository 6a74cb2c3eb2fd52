"""The life of one gateway at one venue, step by step, each with what has to be true after it.

Owns: starting, coming to rest, and stopping a gateway, with the questions of `audit`. Must not
know: faults, phases, schedules. Invariant: a step that returns left every invariant intact; one
that finds a broken one raises `Broken`.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec

from tests.matrix.audit import Audit
from tests.matrix.stage import ABILITIES, KILL_SWITCH_S, LIMITS, MARKET, Crowd, Quoter
from whitewire._bridge import now_ns
from whitewire.config import Credentials, ThrottleConfig
from whitewire.errors import WhitewireError
from whitewire.gateway import Gateway, GatewayState
from whitewire.lifecycle import Lifecycle
from whitewire.venue import Venue

__all__ = ["Broken", "Course"]

SETTLE_S = 6.0
START_S = 12.0
STOP_S = 14.0
START_TRIES = 3


class Broken(Exception):
    """An invariant does not hold."""


class Course:
    """See the module's documentation.

    Args:
        venue: running; a fault may be armed at any time.
        transport: how orders travel.
        ability: a value of that axis.
        limits_kept_in: folder of what was used of the venue's limits; a gateway that follows
            another then knows it, as on a real host. None: each begins with whole limits.

    Attributes:
        audit: the venue's word.
        quoter: the strategy of the present gateway.
        notes: what gateways said of themselves where they did not simply go on.
        is_final: nothing can be traded any more, so none has to come back.
        swallows: an order request may vanish before the venue executes it.
        start_s: how long a start may take; one waits for a token while others used the minute's.
        patience_s: how long `agree` waits, if not for `SETTLE_S`.
        longest_rest_s: how long it had to at most.
    """

    def __init__(
        self,
        venue: Venue,
        transport: str,
        ability: str = "plain",
        limits_kept_in: Path | None = None,
    ) -> None:
        self._venue = venue
        self._crowd = Crowd(venue)
        self.audit = Audit(venue, MARKET, LIMITS)
        self.quoter = Quoter()
        self.notes: list[str] = []
        self.is_final = False
        self.swallows = False
        self.start_s = START_S
        self.patience_s = 0.0
        self.longest_rest_s = 0.0
        self._config = ABILITIES[ability].config(venue, transport)
        if limits_kept_in is not None:
            kept = ThrottleConfig(directory=str(limits_kept_in))
            self._config = msgspec.structs.replace(self._config, throttle=kept)
        self._placed_before = 0
        self._lifecycle: Lifecycle | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def lifecycle(self) -> Lifecycle:
        """Of the present gateway."""
        assert self._lifecycle is not None
        return self._lifecycle

    @property
    def gateway(self) -> Gateway:
        """The present one."""
        return self.lifecycle.gateway

    @property
    def halt_reason(self) -> str:
        """Why the present gateway waits for a human, as it says itself; "" while it does not."""
        gateway = self.gateway
        if gateway.state is GatewayState.HALTED:
            return gateway.halt_reason
        state, reason = gateway.guard.state()  # of the account: a blind market is halted, too
        return f"gate: {reason}" if state == "halted" else ""

    async def try_start(self) -> Exception | None:
        """Starts a new gateway; what it says when it could not become ready."""
        spec = self._venue.accounts[0]
        self.quoter = Quoter()
        self.audit.begin()
        self._placed_before = self.audit.placed
        lifecycle = Lifecycle(
            self.quoter, self._config, Credentials(key=spec.key, secret=spec.secret)
        )
        self._lifecycle = lifecycle
        running = self._running = asyncio.get_running_loop().create_task(lifecycle.run())
        deadline = time.monotonic() + self.start_s
        while lifecycle.gateway.state is GatewayState.STARTING and not running.done():
            if time.monotonic() > deadline:
                raise Broken(f"neither started nor refused to within {self.start_s:g} s")
            await asyncio.sleep(0.005)
        if lifecycle.gateway.state is GatewayState.STOPPING:  # the start failed, it tidies up
            await asyncio.wait((running,), timeout=STOP_S)
            if not running.done():
                raise Broken(f"a start that failed did not end within {STOP_S:g} s")
        if running.done():
            return self._refusal(running)
        self._crowd.start()
        return None

    def _refusal(self, running: asyncio.Task[None]) -> Exception:
        error = running.exception()
        if not isinstance(error, WhitewireError):
            raise Broken(f"the start ended with {error!r}")
        if self.audit.placed > self._placed_before:
            raise Broken("it placed orders and then said that it could not start")
        self.notes.append(f"start refused ({error.code})")
        return error

    async def start(self) -> None:
        """Starts a gateway that has no reason not to; on a busy machine not always at once."""
        for _ in range(START_TRIES):
            error = await self.try_start()
            if error is None:
                return
            if getattr(error, "code", "") != "no-answer":
                break
        raise Broken(f"no start, though nothing was wrong yet: {error}")

    async def agree(self) -> None:
        """Everything comes to rest, and then the gateway's truth is the venue's (I1 to I5)."""
        self.quoter.is_busy = False
        await self._crowd.stop()
        began = time.monotonic()
        patience_s = self.patience_s or SETTLE_S
        while True:
            facts = await asyncio.to_thread(self.audit.facts)
            differences = self.audit.differences(self.gateway, facts)
            if not differences and self._is_at_ease():
                break
            if time.monotonic() - began > patience_s or self.audit.breaches:
                raise Broken("; ".join([*differences, self._how_it_stands()]))
            await asyncio.sleep(0.02)
        self.longest_rest_s = max(self.longest_rest_s, time.monotonic() - began)
        self._count()

    def resume(self) -> None:
        """Goes on quoting and trading after `agree`."""
        self.quoter.is_busy = True
        self._crowd.start()

    def _how_it_stands(self) -> str:
        gateway, now = self.gateway, now_ns()
        facts = {
            "blind": ", ".join(gateway.blind) or "none",
            "feed up": gateway.feed.is_up,
            "reconciled": gateway.is_reconciled,
            "in doubt": gateway.is_in_doubt,
            "gate": " ".join(gateway.guard.state(MARKET)),
            "in flight": sum(lane.pipeline.in_flight for lane in gateway.entry.lanes),
        }
        for name in ("open_orders", "executed_history", "websocket_token"):
            facts[f"s until {name}"] = gateway.throttle.try_take(name, now, False) / 1e9
        told = ", ".join(f"{name}: {value}" for name, value in facts.items())
        return f"{gateway.state}, {told}"

    def _is_at_ease(self) -> bool:
        """Whether it may quote again, or says why it never will."""
        return bool(self.halt_reason) or self.is_final or self.gateway.may_quote(MARKET)

    def _count(self) -> None:
        found = self.audit.count_differences(self.gateway, self._placed_before, self.swallows)
        if found:
            raise Broken(found[0])

    async def stop(self, reason: str = "the cell is over") -> None:
        """Stops the gateway (I6)."""
        lifecycle, gateway, running = self.lifecycle, self.gateway, self._running
        assert running is not None
        if reason_halted := self.halt_reason:
            self.notes.append(f"halted ({reason_halted})")
        lifecycle.stop(reason)
        await asyncio.wait((running,), timeout=STOP_S)
        await self._crowd.stop()
        if not running.done():
            raise Broken(f"no stop within {STOP_S:g} s")
        if running.exception() is not None:
            raise Broken(f"the stop raised {running.exception()!r}")
        if gateway.counts["internal-errors"] or gateway.callbacks.errors:
            raise Broken(f"an error of ours: {gateway.halt_reason}")
        facts = await asyncio.to_thread(self.audit.facts)
        if not lifecycle.is_clean:
            self.notes.append("stop not clean")
            await self.wait_for_kill_switch()
        elif facts.orders or facts.timers:
            raise Broken(f"I6: a clean stop left {sorted(facts.orders)} {facts.timers}")
        if self.audit.breaches:
            raise Broken(self.audit.breaches[0])
        self._count()

    async def check_books(self) -> None:
        """I3 and I4 after a clean stop; balances may have changed since the last push."""
        facts = await asyncio.to_thread(self.audit.facts)
        found = self.audit.differences(self.gateway, facts)
        wrong = [text for text in found if not text.startswith("I5")]
        if wrong:
            raise Broken("; ".join(wrong))

    async def wait_for_kill_switch(self) -> None:
        """I6 where nobody could cancel: the venue's timer does."""
        deadline = time.monotonic() + KILL_SWITCH_S + 1
        while (await asyncio.to_thread(self.audit.facts)).orders:
            if time.monotonic() > deadline:
                raise Broken(f"I6: orders rest {KILL_SWITCH_S + 1} s after a stop")
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Ends what a broken course has left running."""
        await self._crowd.stop()
        if self._running is not None and not self._running.done():
            self._running.cancel()
            await asyncio.wait((self._running,), timeout=STOP_S)
