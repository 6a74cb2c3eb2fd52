"""`whitewire journal`: answers about the book of record, as tables or JSON.

Owns: where the journal is and how its rows are shown. Must not know: arguments, files' bytes.
Invariant: data goes to stdout; a journal that is not sound is exit code 1 and names the place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from whitewire.config import load
from whitewire.errors import UsageError
from whitewire.journal import questions

__all__ = ["main"]


def main(action: str, config: str | None, path: str | None, table: str, *, as_json: bool) -> int:
    """Answers; 0 when there was an answer.

    Raises:
        UsageError: there is no journal.
        JournalError: it is not sound.
    """
    where = path if path is not None else load(config or "").journal.path
    if where in (None, "none"):
        raise UsageError("journal-none", f"{config} keeps no journal", "set journal.path")
    console = Console(soft_wrap=as_json)
    for folder in questions.journals(Path(where or "")):
        if action == "verify":
            rows = questions.verify(folder)
        elif action == "rebuild":
            rows = questions.rebuild(folder)
        else:
            rows = questions.show(folder, table)
        title = f"{action} {folder.name}" if action != "show" else f"{table} of {folder.name}"
        if as_json:
            console.out(msgspec.json.encode({"journal": folder.name, "rows": rows}).decode())
        elif rows:
            console.print(_table(title, rows))
        else:
            console.print(f"{title}: nothing")
    return 0


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    return table
