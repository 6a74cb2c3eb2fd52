"""Records on their way to the disk: a bounded queue, and the thread that commits it.

Owns: the writer thread, group commit, rotation. Must not know: what records mean, who appends.
Invariants: `append` never waits and never touches a file; a frame is acknowledged when it is
durable; after the first failure nothing is written any more, and the owner knows (fail closed).
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from whitewire.errors import JournalError
from whitewire.journal.failpoints import FAILPOINT, hit
from whitewire.journal.layout import Header, frame_of, header
from whitewire.journal.reader import segment_name
from whitewire.journal.records import Record, encode

__all__ = ["Writer"]

# The interpreter's lock is let go after so many encodings: the hot thread waits no longer.
SLICE = 32
MAX_BATCH = 1024


class Writer:
    """The thread runs from construction to `close`.

    Args:
        folder: where the segments are.
        session: number of this session; larger than any before.
        durable_ms: how long a record waits at most until its commit begins.
        segment_bytes: a segment that is longer is followed by another.
        queue_limit: more records than these waiting are a breach.
        on_breach: called once with the reason, on the thread on which it happened.

    Attributes:
        failure: why nothing is written any more, "" while all is well.
        committed: records that are durable.
        commits, sync_ns, slowest_sync_ns: number of commits, and the time the disk took for them.

    Raises:
        JournalError: the first segment cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        session: int,
        *,
        durable_ms: int,
        segment_bytes: int,
        queue_limit: int,
        on_breach: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._session = session
        self._period_s = durable_ms / 1000
        self._segment_bytes = segment_bytes
        self._limit = queue_limit
        self._on_breach = on_breach
        self._queue: deque[Record] = deque()
        self._wake = threading.Event()
        self._is_closing = False
        self._progress = threading.Condition()
        self._appended = 0
        self._index = -1
        self._size = 0
        self._file = -1
        self.failure = ""
        self.committed = 0
        self.commits = self.sync_ns = self.slowest_sync_ns = 0
        try:
            self._next_segment()
        except OSError as error:
            raise JournalError(
                "journal-unusable",
                f"no journal can be written in {folder}: {error.strerror}",
                "check the disk and its permissions, or choose another journal.path",
            ) from None
        self._thread = threading.Thread(target=self._run, name="whitewire-journal", daemon=True)
        self._thread.start()

    def append(self, record: Record) -> None:
        """Hands over a record, which must not change any more. Called by one thread only."""
        queue = self._queue
        if len(queue) >= self._limit:
            self._fail(f"{self._limit} records wait for the disk")
            return
        queue.append(record)
        self._appended += 1

    def flush(self, timeout_s: float = 10.0) -> None:
        """Waits until all that was appended is durable; not for the hot path.

        Raises:
            JournalError: it cannot be made durable.
        """
        wanted = self._appended
        self._wake.set()
        with self._progress:
            is_done = self._progress.wait_for(
                lambda: self.failure or self.committed >= wanted, timeout_s
            )
        if self.failure or not is_done:
            raise JournalError(
                "journal-failed",
                self.failure or f"the disk did not take the journal within {timeout_s:g} s",
                "check the disk",
            )

    def close(self) -> None:
        """Commits what waits and ends the thread; harmless when repeated."""
        self._is_closing = True
        self._wake.set()
        self._thread.join()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # ---- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while True:
                is_last = self._is_closing
                while self._queue and not self.failure:
                    self._commit()
                if is_last or self.failure:
                    return
                self._wake.wait(self._period_s)
                self._wake.clear()
        except OSError as error:
            self._fail(f"the disk refused the journal: {error.strerror}")
        except Exception as error:  # whatever it is, the book of record ends here
            self._fail(f"the journal failed: {error!r}")

    def _commit(self) -> None:
        """Makes up to `MAX_BATCH` records durable as one frame."""
        queue, encoded = self._queue, list[bytes]()
        while queue and len(encoded) < MAX_BATCH:
            encoded.append(encode(queue.popleft()))
            if len(encoded) % SLICE == 0:
                time.sleep(0)
        if self._size >= self._segment_bytes:
            self._next_segment()
        data = frame_of(time.time_ns(), encoded)
        if FAILPOINT:
            self._write(data[: len(data) // 2])
            hit("in_commit")
            data = data[len(data) // 2 :]
        self._write(data)
        began = time.monotonic_ns()
        os.fdatasync(self._file)
        took = time.monotonic_ns() - began
        self.commits += 1
        self.sync_ns += took
        self.slowest_sync_ns = max(self.slowest_sync_ns, took)
        with self._progress:
            self.committed += len(encoded)
            self._progress.notify_all()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._file, view)
            self._size += written
            view = view[written:]

    def _next_segment(self) -> None:
        self._index += 1
        name = segment_name(Header(self._session, self._index))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        file = os.open(self._folder / name, flags, 0o600)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._size = file, 0
        if FAILPOINT and self._index:
            hit("in_rotation")
        self._write(header(self._session, self._index))
        os.fdatasync(file)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _fail(self, reason: str) -> None:
        with self._progress:
            is_first = not self.failure
            self.failure = self.failure or reason
            self._progress.notify_all()
        if is_first:
            self._on_breach(reason)
