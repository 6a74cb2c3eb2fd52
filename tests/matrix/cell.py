"""One cell of the matrix: one fault, in one phase of one gateway, and what is true afterwards.

Owns: when the fault is armed, and the verdict. Must not know: what has to be true after a step
(see `course` and `audit`). Invariant: a cell that says ok was asked every question; a cell whose
fault found no occasion says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.matrix.catalogue import Row
from tests.matrix.course import Broken, Course
from tests.matrix.stage import MARKET, WIRE
from whitewire.venue import Venue
from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.values.requests import LimitRequest

__all__ = ["Cell", "Verdict", "run_cell"]

QUOTING_S = 0.35
IDLE_S = 0.4
STARTS = 8
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
        extra = "" if self.ability == "plain" else f", {self.ability}"
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


async def run_cell(cell: Cell) -> Verdict:
    """Runs a cell on a venue of its own; call under `stage.impatience`."""
    began = time.monotonic()
    venue = Venue((MARKET,), traders=False, wire=WIRE)
    await asyncio.to_thread(venue.start)
    if cell.phase == "starting":
        venue.call(lambda exchange: _leave_over(exchange, venue.accounts[0].name))
    phases = _Phases(cell, venue)
    reason = ""
    try:
        await phases.run()
    except Broken as error:
        reason = str(error)
    except Exception as error:  # of the gateway or of the cell: either way it did not hold
        reason = f"{type(error).__name__}: {error}"
    finally:
        await phases.course.close()
        await asyncio.to_thread(venue.stop)
    return Verdict(reason, ", ".join(phases.course.notes), time.monotonic() - began)


def _leave_over(exchange: Exchange, account: str) -> None:
    """An order that an earlier session of this gateway has left behind."""
    request = LimitRequest(
        market=MARKET, side="buy", price="58500", amount="0.001", client_order_id=LEFTOVER
    )
    exchange.place(account, request)


class _Phases:
    def __init__(self, cell: Cell, venue: Venue) -> None:
        self._cell = cell
        self._venue = venue
        self.course = Course(venue, cell.transport, cell.ability)
        self.course.is_final = cell.row.is_final
        self.course.swallows = cell.row.swallows

    async def run(self) -> None:
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
        self.course.notes.append("no occasion")
        if self._cell.phase not in row.quiet_in:
            raise Broken("the fault found no occasion")

    async def _fault(self) -> None:
        row = self._cell.row
        await asyncio.to_thread(lambda: self._venue.fault(row.fault, **row.args))

    async def _quoting(self) -> None:
        await self.course.start()
        await asyncio.sleep(QUOTING_S / 2)
        await self._fault()
        await asyncio.sleep(QUOTING_S + self._cell.row.lasts_s)
        await self.course.agree()
        await self.course.stop()

    async def _idle(self) -> None:
        await self.course.start()
        await asyncio.sleep(QUOTING_S / 2)
        self.course.quoter.is_busy = False
        await self._fault()
        lasts_s = self._cell.row.lasts_s  # a fault that lasts is still there when it wakes up
        await asyncio.sleep(lasts_s / 3 if lasts_s else IDLE_S)
        self.course.quoter.is_busy = True
        await asyncio.sleep(QUOTING_S + self._cell.row.lasts_s)
        await self.course.agree()
        await self.course.stop()

    async def _starting(self) -> None:
        await self._fault()
        error = await self.course.try_start()
        if error is not None:
            await asyncio.sleep(self._cell.row.lasts_s)
        for _ in range(STARTS):  # a fault may have occasions left
            if error is None or self.course.is_final:
                break
            error = await self.course.try_start()
        if self.course.is_final and error is not None:
            return
        if self.course.is_final:
            raise Broken("it started on a market that is no longer there")
        if error is not None:
            raise Broken(f"no start after the fault: {error}")
        await asyncio.sleep(QUOTING_S)
        await self.course.agree()
        await self.course.stop()

    async def _stopping(self) -> None:
        await self.course.start()
        await asyncio.sleep(QUOTING_S / 2)
        await self._fault()
        await self.course.stop()
        if self.course.lifecycle.is_clean:
            await self.course.check_books()
