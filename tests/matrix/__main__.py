"""The fault matrix as a table: `make matrix`.

Owns: arguments, the table, the exit code. Must not know: how a cell runs. Invariant: 0 only when
every cell ended as it should; no cell is left out of the table.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.matrix.catalogue import NOT_APPLICABLE, PHASES
from tests.matrix.runner import TRANSPORTS, Outcome, all_cells, diagonal, run_in_processes
from tests.matrix.stage import ABILITIES

STYLES = {"ok": "green", "quiet": "dim", "FAIL": "bold red"}


def table_of(outcomes: Sequence[Outcome], ability: str) -> Table:
    """One row per fault, one column per phase and transport."""
    table = Table(title=f"fault matrix ({ability})", caption="quiet: the fault found no occasion")
    table.add_column("fault", no_wrap=True)
    columns = [(phase, transport) for phase in PHASES for transport in TRANSPORTS]
    for phase, transport in columns:
        table.add_column(f"{phase}\n{transport}", justify="center")
    words: dict[str, dict[tuple[str, str], str]] = {}
    for outcome in outcomes:
        cell = outcome.cell
        if cell.ability == ability:
            words.setdefault(cell.row.name, {})[cell.phase, cell.transport] = outcome.word
    for name, row in words.items():
        cells = (row.get(column, "") for column in columns)
        table.add_row(name, *(f"[{STYLES[word]}]{word}[/]" if word else "" for word in cells))
    for name in NOT_APPLICABLE:
        table.add_row(name, *("[dim]n/a[/]" for _ in columns))
    return table


def report(outcomes: Sequence[Outcome], console: Console) -> None:
    """The tables, and below them the reasons."""
    for ability in dict.fromkeys(outcome.cell.ability for outcome in outcomes):
        console.print(table_of(outcomes, ability))
    for name, why in NOT_APPLICABLE.items():
        console.print(f"n/a    {name}: {why}", markup=False)
    for outcome in outcomes:
        if outcome.is_bad:
            reason = outcome.verdict.reason
            console.print(f"{outcome.word:6} {outcome.cell.name}: {reason}", markup=False)
    counts = Counter(outcome.word for outcome in outcomes)
    console.print(", ".join(f"{count} {word}" for word, count in counts.most_common()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the matrix; 1 when a cell failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--only", default="", help="cells whose name holds this text")
    parser.add_argument("--diagonal", action="store_true", help="each fault once, as in make test")
    parser.add_argument("--ability", choices=sorted(ABILITIES), help="this one only")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", metavar="FILE", help="write every outcome there")
    options = parser.parse_args(arguments)
    chosen = (options.ability,) if options.ability else tuple(ABILITIES)
    cells = diagonal() if options.diagonal else all_cells(options.only, chosen)
    if not cells:
        print(f"no cell is named like {options.only!r}", file=sys.stderr)
        return 2
    began = time.monotonic()
    outcomes = run_in_processes(cells, max(1, min(options.processes, len(cells))))
    console = Console(width=None if sys.stdout.isatty() else 150)
    report(outcomes, console)
    console.print(f"{len(cells)} cells in {time.monotonic() - began:.0f} s")
    if options.json:
        text = json.dumps([outcome.as_json() for outcome in outcomes], indent=1)
        Path(options.json).write_text(text + "\n", encoding="utf-8")
    return 1 if any(outcome.is_bad for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
