"""A journal's folder, read: segments in their order, recovery of a torn tail, replay.

Owns: which files make up a journal and what is believed of them. Must not know: the bytes of a
frame (`layout`), what records mean (`state`). Invariant: only `recover` changes a file, and it only
cuts off what no commit had acknowledged.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from whitewire.errors import JournalError
from whitewire.journal.failpoints import FAILPOINT, hit
from whitewire.journal.layout import HEADER_SIZE, Frame, Header, Segment, parse
from whitewire.journal.records import Carry, Record
from whitewire.journal.state import JournalState

__all__ = [
    "Torn",
    "frames",
    "newest_session",
    "recover",
    "replay",
    "segment_name",
    "segments",
    "soundness",
]

_NAME = re.compile(r"(\d{16})-(\d{6})\.journal")


class Torn(NamedTuple):
    """A tail that a crash left: which file, from where, how many bytes."""

    path: Path
    offset: int
    size: int

    def __str__(self) -> str:
        return f"{self.path.name}: {self.size} bytes at offset {self.offset} were not committed"


def segment_name(header: Header) -> str:
    """The file name of a segment; names sort as the journal goes."""
    return f"{header.session:016d}-{header.number:06d}.journal"


def segments(folder: Path) -> list[Path]:
    """The segments of a journal, oldest first; none when there is no journal."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def newest_session(folder: Path) -> int:
    """Number of the newest session, 0 when there was none."""
    paths = segments(folder)
    return int(paths[-1].name[:16]) if paths else 0


def recover(folder: Path) -> list[Torn]:
    """Cuts off the torn tail of the newest segment; call it with the lock held.

    Raises:
        JournalError: the newest segment is corrupt, or cannot be mended.
    """
    paths = segments(folder)
    if not paths:
        return []
    path = paths[-1]
    segment = _read(path, is_newest=True)
    if segment.sound == segment.size and segment.header is not None:
        return []
    torn = Torn(path, segment.sound, segment.size - segment.sound)
    try:
        if segment.header is None:
            path.unlink()
        else:
            with path.open("r+b") as file:
                file.truncate(segment.sound)
                os.fsync(file.fileno())
    except OSError as error:
        raise _unusable(path, error) from None
    return [torn]


def replay(folder: Path) -> JournalState:
    """What the journal amounts to; reads no more segments than a start needs.

    Raises:
        JournalError: what it reads is corrupt.
    """
    batches: list[list[Record]] = []
    paths = segments(folder)
    for path in reversed(paths):
        if FAILPOINT:
            hit("during_start_replay")
        segment = _read(path, is_newest=path is paths[-1])
        records = [record for frame in segment.frames for record in frame.records]
        batches.append(records)
        if any(isinstance(record, Carry) for record in records[:2]):
            break
    state = JournalState()
    for records in reversed(batches):
        state.fold_all(records)
    return state


def frames(folder: Path, name: str = "", offset: int = HEADER_SIZE) -> Iterator[tuple[Path, Frame]]:
    """Every sound frame behind a place in the journal, with its segment; a torn tail is left.

    Args:
        folder: the journal.
        name: the segment in which to begin, "" for the oldest.
        offset: where in it.

    Raises:
        JournalError: a segment is corrupt, or ends within a frame although others follow it.
    """
    paths = segments(folder)
    if name and name not in [path.name for path in paths]:
        raise JournalError(
            "journal-gone",
            f"{name}, up to which the journal was read, is not in {folder}",
            "make the projection anew: whitewire journal rebuild",
        )
    for path in paths:
        if path.name >= name:
            since = offset if path.name == name else HEADER_SIZE
            segment = _read(path, is_newest=path is paths[-1], since=since)
            for frame in segment.frames:
                yield path, frame


def soundness(folder: Path) -> Iterator[tuple[Path, Segment]]:
    """Every segment, read whole.

    Raises:
        JournalError: one is corrupt, or ends within a frame although others follow it.
    """
    paths = segments(folder)
    for path in paths:
        yield path, _read(path, is_newest=path is paths[-1])


def _read(path: Path, *, is_newest: bool, since: int = HEADER_SIZE) -> Segment:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unusable(path, error) from None
    segment = parse(data, path.name, since=since)
    if segment.header is not None and segment_name(segment.header) != path.name:
        raise JournalError(
            "journal-name",
            f"{path.name} holds {segment_name(segment.header)}",
            "give the file its own name back",
        )
    if not is_newest and (segment.sound < segment.size or segment.header is None):
        raise JournalError(
            "journal-corrupt",
            f"{path.name} is damaged at offset {segment.sound}, and other segments follow it",
            "keep a copy, and restore the file; or move the folder away and reconcile by hand",
        )
    return segment


def _unusable(path: Path, error: OSError) -> JournalError:
    return JournalError(
        "journal-unusable", f"{path}: {error.strerror}", "check the disk and its permissions"
    )
