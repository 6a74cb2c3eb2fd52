"""What `whitewire journal` answers: is it sound, what does it hold.

Owns: the answers as plain rows. Must not know: arguments, how the rows are shown. Invariant: the
journal itself is only read; a gateway may go on writing it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whitewire.errors import JournalError, UsageError
from whitewire.journal.projection import Projection
from whitewire.journal.reader import segments, soundness
from whitewire.journal.state import JournalState

__all__ = ["TABLES", "journals", "rebuild", "show", "verify"]

TABLES = ("sessions", "orders", "fills", "incidents")
Row = dict[str, Any]


def journals(path: Path) -> list[Path]:
    """The journals in a folder, or the one that it is.

    Raises:
        UsageError: there is none.
    """
    found = [path] if segments(path) else []
    if not found and path.is_dir():
        found = [folder for folder in sorted(path.iterdir()) if segments(folder)]
    if not found:
        raise UsageError(
            "journal-none", f"there is no journal in {path}", "give --path, or start the gateway"
        )
    return found


def verify(folder: Path) -> list[Row]:
    """A row for each segment: its commits, records and torn tail; every checksum was looked at.

    Raises:
        JournalError: a segment is corrupt; the text names the offset.
    """
    rows, state = list[Row](), JournalState()
    for path, segment in soundness(folder):
        records = [record for frame in segment.frames for record in frame.records]
        state.fold_all(records)
        rows.append(
            {
                "segment": path.name,
                "bytes": segment.size,
                "commits": len(segment.frames),
                "records": len(records),
                "torn": segment.size - segment.sound,
            }
        )
    if state.duplicates:
        raise JournalError(
            "journal-duplicates",
            f"{folder} holds {state.duplicates} fills more than once",
            "they count once; report this with a copy of the journal",
        )
    return rows


def rebuild(folder: Path) -> list[Row]:
    """Makes the projection anew; one row that says of how many records."""
    with Projection(folder) as projection:
        return [{"projection": str(projection.path), "records": projection.rebuild()}]


def show(folder: Path, table: str) -> list[Row]:
    """The rows of a table, with all that is in the journal by now."""
    with Projection(folder) as projection:
        projection.update()
        return list(_readable(projection.rows(table)))


def _readable(rows: list[Row]) -> Iterator[Row]:
    for row in rows:
        yield {name: value for name, value in row.items() if name != "offset_ns"}
