"""Many cells at once, and their verdicts in words.

Owns: how many cells run side by side, and what each verdict means. Must not know: what a cell
does. Invariant: every cell that was asked for has an outcome; an error that asyncio would only
log fails the run.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import uvloop

from tests.matrix.catalogue import PHASES, ROWS, SOCKET_ROWS
from tests.matrix.cell import Cell, Verdict, run_cell
from tests.matrix.stage import ABILITIES, impatience

__all__ = ["TRANSPORTS", "Outcome", "all_cells", "diagonal", "run_cells", "run_in_processes"]

REST_TRANSPORTS = ("pipelined", "bulk")
TRANSPORTS = (*REST_TRANSPORTS, "websocket")
SIDE_BY_SIDE = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """A cell and how it ended."""

    cell: Cell
    verdict: Verdict

    @property
    def word(self) -> str:
        """ok, quiet (no occasion) or FAIL."""
        if self.verdict.reason:
            return "FAIL"
        return "quiet" if "no occasion" in self.verdict.note else "ok"

    @property
    def is_bad(self) -> bool:
        """Whether the matrix fails by it."""
        return self.word == "FAIL"

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        cell, verdict = self.cell, self.verdict
        return {
            "fault": cell.row.name,
            "phase": cell.phase,
            "transport": cell.transport,
            "ability": cell.ability,
            "outcome": self.word,
            "reason": verdict.reason,
            "note": verdict.note,
            "seconds": round(verdict.seconds, 2),
        }


def all_cells(only: str = "", abilities: Sequence[str] = tuple(ABILITIES)) -> list[Cell]:
    """Every combination whose name holds `only`."""
    cells = [
        Cell(row, phase, transport, ability)
        for ability in abilities
        for rows, transports in ((ROWS, REST_TRANSPORTS), (SOCKET_ROWS, ("websocket",)))
        for row in rows
        for phase in PHASES
        for transport in transports
    ]
    return [cell for cell in cells if only in cell.name]


def diagonal() -> list[Cell]:
    """Each row once, with phases and transports that take turns."""
    by_rest = [
        Cell(row, PHASES[index % 4], REST_TRANSPORTS[index // 4 % 2])
        for index, row in enumerate(ROWS)
    ]
    return by_rest + [
        Cell(row, PHASES[index % 4], "websocket") for index, row in enumerate(SOCKET_ROWS)
    ]


def run_cells(cells: Sequence[Cell], side_by_side: int = SIDE_BY_SIDE) -> list[Outcome]:
    """Runs cells on one loop, each on a venue of its own."""
    unhandled: list[dict[str, Any]] = []

    async def main() -> list[Outcome]:
        asyncio.get_running_loop().set_exception_handler(lambda _, text: unhandled.append(text))
        turns = asyncio.Semaphore(side_by_side)

        async def one(cell: Cell) -> Outcome:
            async with turns:
                verdict = await run_cell(cell)
            return Outcome(cell, verdict)

        return await asyncio.gather(*(one(cell) for cell in cells))

    with impatience(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcomes = runner.run(main())
    if unhandled:
        seen = [(c.get("message"), repr(c.get("exception"))) for c in unhandled]
        raise AssertionError(f"errors that nobody heard: {seen}")
    return outcomes


def run_in_processes(cells: Sequence[Cell], processes: int) -> list[Outcome]:
    """The same in several processes; outcomes in the order of the cells."""
    if processes == 1:
        return run_cells(cells)
    shares = [list(cells[number::processes]) for number in range(processes)]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context) as pool:
        parts = list(pool.map(run_cells, shares))
    by_name = {outcome.cell.name: outcome for part in parts for outcome in part}
    return [by_name[cell.name] for cell in cells]
