"""One cell of the matrix: one fault, in one phase of one gateway, and what is true afterwards.

Owns: the course of a cell and its verdict. Must not know: how a gateway is built (see `stage`),
what agreement means (see `audit`). Invariant: a cell that says ok was asked every question of
`audit`; a cell whose fault found no occasion says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.matrix.audit import Audit
from tests.matrix.catalogue import Row
from tests.matrix.stage import ABILITIES, KILL_SWITCH_S, LIMITS, MARKET, WIRE, Crowd, Quoter
from whitewire.config import Credentials
from whitewire.errors import WhitewireError
from whitewire.gateway import GatewayState
from whitewire.lifecycle import Lifecycle
from whitewire.venue import Venue
from whitewire.venue.exchange import Exchange
from whitewire.venue.requests import LimitRequest

__all__ = ["Cell", "Verdict", "run_cell"]

QUOTING_S = 0.35
IDLE_S = 0.4
SETTLE_S = 6.0
START_S = 12.0
STOP_S = 14.0
# Faults that hold for a while and strike nothing.
STATES = ("clock_skew", "maintenance")
LEFTOVER = "ww-earlier-0000000001"


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a row meets a phase, a transport and an ability."""

    row: Row
    phase: str
    transport: str
    ability: str = "plain"

    @property
    def name(self) -> str:
        """As tests and tables call it."""
        extra = "" if self.ability == "plain" else f" {self.ability}"
        return f"{self.row.name}, {self.phase}, {self.transport}{extra}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a cell ended.

    Attributes:
        reason: "" when every invariant held, otherwise what did not.
        note: what the gateway said of itself where it did not simply go on.
        seconds: how long it took.
    """

    reason: str
    note: str
    seconds: float


class _Broken(Exception):
    """An invariant does not hold."""


async def run_cell(cell: Cell) -> Verdict:
    """Runs a cell on a venue of its own; call under `stage.impatience`."""
    began = time.monotonic()
    venue = Venue((MARKET,), traders=False, wire=WIRE)
    await asyncio.to_thread(venue.start)
    course = _Course(cell, venue)
    reason = ""
    try:
        await course.run()
    except _Broken as error:
        reason = str(error)
    finally:
        await course.close()
        await asyncio.to_thread(venue.stop)
    return Verdict(reason, ", ".join(course.notes), time.monotonic() - began)


class _Course:
    """The course of one cell."""

    def __init__(self, cell: Cell, venue: Venue) -> None:
        self._cell = cell
        self._venue = venue
        self.notes: list[str] = []
        if cell.phase == "starting":
            venue.call(self._leave_over)
        self._crowd = Crowd(venue)
        self._audit = Audit(venue, MARKET, LIMITS)
        self._config = ABILITIES[cell.ability].config(venue, cell.transport)
        self._placed_before = 0
        self._lifecycle: Lifecycle | None = None
        self._running: asyncio.Task[None] | None = None
        self._quoter = Quoter()

    def _leave_over(self, exchange: Exchange) -> None:
        """An order that an earlier session of this gateway has left behind."""
        request = LimitRequest(
            market=MARKET, side="buy", price="58500", amount="0.001", client_order_id=LEFTOVER
        )
        exchange.place(self._venue.accounts[0].name, request)

    async def run(self) -> None:
        """The phases; raises `_Broken`."""
        phases: dict[str, Callable[[], Awaitable[None]]] = {
            "quoting": self._quoting,
            "idle": self._idle,
            "starting": self._starting,
            "stopping": self._stopping,
        }
        await phases[self._cell.phase]()
        row = self._cell.row
        struck = await asyncio.to_thread(self._venue.strikes)
        if row.fault in STATES or struck.get(row.fault):
            return
        self.notes.append("no occasion")
        if self._cell.phase not in row.quiet_in:
            raise _Broken("the fault found no occasion")

    async def _quoting(self) -> None:
        await self._start()
        await asyncio.sleep(QUOTING_S / 2)
        await self._fault()
        await asyncio.sleep(QUOTING_S + self._cell.row.lasts_s)
        await self._agree()
        await self._stop()

    async def _idle(self) -> None:
        await self._start()
        await asyncio.sleep(QUOTING_S / 2)
        self._quoter.is_busy = False
        await self._fault()
        await asyncio.sleep(IDLE_S)  # a fault that lasts is still there when it wakes up
        self._quoter.is_busy = True
        await asyncio.sleep(QUOTING_S + self._cell.row.lasts_s)
        await self._agree()
        await self._stop()

    async def _starting(self) -> None:
        await self._fault()
        error = await self._try_start()
        if error is not None:
            self.notes.append(f"start refused ({getattr(error, 'code', type(error).__name__)})")
            if self._audit.placed:
                raise _Broken("it placed orders and then said that it could not start")
            await asyncio.sleep(self._cell.row.lasts_s)
            error = await self._try_start()
            if error is None and self._cell.row.is_final:
                raise _Broken("it started on a market that is no longer there")
            if error is not None and self._cell.row.is_final:
                return
            for _ in range(8):  # a fault may have occasions left
                if error is None:
                    break
                error = await self._try_start()
            if error is not None:
                raise _Broken(f"no start after the fault: {error}")
        await asyncio.sleep(QUOTING_S)
        await self._agree()
        await self._stop()

    async def _stopping(self) -> None:
        await self._start()
        await asyncio.sleep(QUOTING_S / 2)
        await self._fault()
        await self._stop()

    # ---- steps ------------------------------------------------------------------------------

    async def _fault(self) -> None:
        row = self._cell.row
        await asyncio.to_thread(lambda: self._venue.fault(row.fault, **row.args))

    async def _try_start(self) -> Exception | None:
        spec = self._venue.accounts[0]
        self._quoter = Quoter()
        self._audit.begin()
        self._placed_before = self._audit.placed
        lifecycle = Lifecycle(
            self._quoter, self._config, Credentials(key=spec.key, secret=spec.secret)
        )
        self._lifecycle = lifecycle
        running = self._running = asyncio.get_running_loop().create_task(lifecycle.run())
        deadline = time.monotonic() + START_S
        while lifecycle.gateway.state is GatewayState.STARTING and not running.done():
            if time.monotonic() > deadline:
                raise _Broken(f"neither started nor refused to within {START_S:g} s")
            await asyncio.sleep(0.005)
        if running.done():
            error = running.exception()
            if error is not None and not isinstance(error, WhitewireError):
                raise _Broken(f"the start ended with {error!r}")
            if error is not None:
                return error
        if lifecycle.gateway.state is GatewayState.STOPPING:
            await asyncio.wait((running,), timeout=STOP_S)
            error = running.exception() if running.done() else None
            return error if isinstance(error, Exception) else RuntimeError("stopped by itself")
        self._crowd.start()
        return None

    async def _start(self) -> None:
        error = await self._try_start()
        if error is not None:
            raise _Broken(f"no start, though nothing was wrong yet: {error}")

    async def _agree(self) -> None:
        """Everything comes to rest, and then the gateway's truth is the venue's."""
        lifecycle = self._lifecycle
        assert lifecycle is not None
        gateway = lifecycle.gateway
        self._quoter.is_busy = False
        await self._crowd.stop()
        deadline = time.monotonic() + SETTLE_S
        while True:
            facts = await asyncio.to_thread(self._audit.facts)
            differences = self._audit.differences(gateway, facts)
            if not differences and self._is_at_ease():
                break
            if time.monotonic() > deadline:
                if not differences:
                    differences = [f"not quoting again: {sorted(gateway.blind)} blind, "
                                   f"{gateway.state}"]  # fmt: skip
                raise _Broken("; ".join(differences))
            await asyncio.sleep(0.02)
        found = self._audit.count_differences(
            gateway, self._placed_before, self._cell.row.swallows
        )
        if found:
            raise _Broken(found[0])

    def _is_at_ease(self) -> bool:
        """Whether it may quote again, or says why it never will."""
        assert self._lifecycle is not None
        gateway = self._lifecycle.gateway
        if gateway.state is GatewayState.HALTED:
            return True
        return self._cell.row.is_final or gateway.may_quote(MARKET)

    async def _stop(self) -> None:
        lifecycle, running = self._lifecycle, self._running
        assert lifecycle is not None
        assert running is not None
        gateway = lifecycle.gateway
        if gateway.state is GatewayState.HALTED:
            self.notes.append(f"halted ({gateway.halt_reason})")
        lifecycle.stop("the cell is over")
        await asyncio.wait((running,), timeout=STOP_S)
        await self._crowd.stop()
        if not running.done():
            raise _Broken(f"no stop within {STOP_S:g} s")
        if running.exception() is not None:
            raise _Broken(f"the stop raised {running.exception()!r}")
        if gateway.counts["internal-errors"] or gateway.callbacks.errors:
            raise _Broken(f"an error of ours: {gateway.halt_reason}")
        facts = await asyncio.to_thread(self._audit.facts)
        if lifecycle.is_clean:
            if facts.orders or facts.timers:
                raise _Broken(f"I6: a clean stop left {sorted(facts.orders)} {facts.timers}")
        else:
            self.notes.append("stop not clean")
            await self._wait_for_kill_switch()
        if self._audit.breaches:
            raise _Broken(self._audit.breaches[0])
        found = self._audit.count_differences(
            gateway, self._placed_before, self._cell.row.swallows
        )
        if found:
            raise _Broken(found[0])
        if self._cell.phase == "stopping" and lifecycle.is_clean:
            self._check_books()

    def _check_books(self) -> None:
        """I3 and I4 after a clean stop; balances may have changed since the last push."""
        assert self._lifecycle is not None
        found = self._audit.differences(self._lifecycle.gateway, self._audit.facts())
        wrong = [text for text in found if not text.startswith("I5")]
        if wrong:
            raise _Broken("; ".join(wrong))

    async def _wait_for_kill_switch(self) -> None:
        deadline = time.monotonic() + KILL_SWITCH_S + 1
        while True:
            facts = await asyncio.to_thread(self._audit.facts)
            if not facts.orders:
                return
            if time.monotonic() > deadline:
                raise _Broken(f"I6: {len(facts.orders)} orders rest {KILL_SWITCH_S + 1} s later")
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Ends what a broken cell has left running."""
        await self._crowd.stop()
        if self._running is not None and not self._running.done():
            self._running.cancel()
            await asyncio.wait((self._running,), timeout=STOP_S)
