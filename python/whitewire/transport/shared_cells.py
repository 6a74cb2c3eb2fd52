"""The throttle's numbers in a file that every process on this host maps.

Owns: the file, its head, who may use it, and the lock around one update. Must not know: what the
numbers mean (see `protocol.throttle`). Invariant: a process that ends, however it ends, keeps
nobody out; a file that is not ours, or not of this layout, is refused and left as it is.

One file holds one venue host, since the venue counts per address and host:

    head     64 bytes: magic, digest of the layout, boot id, check sum of the three
    numbers  int64 each, ns of CLOCK_MONOTONIC, which all processes of a boot have in common

The kernel drops both locks with their last descriptor. `flock` is held for the length of an update,
without ever waiting for it (the cheapest there is, a system call each way); a range lock is held
shared by each user for as long as it lives. Whoever finds nobody there starts a file of another
layout or of an earlier boot anew; while somebody is there, that file is refused.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import random
import re
import stat
import struct
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from whitewire.endpoints import LIMITED, Endpoint
from whitewire.errors import ConfigError
from whitewire.protocol.throttle import Numbers, Throttle, cells_for
from whitewire.transport.link import Address

if TYPE_CHECKING:
    from whitewire.config import Config

__all__ = ["SharedCells", "default_directory", "throttle_for"]

_MAGIC = b"whitewire-limits"
_HEAD = struct.Struct("<16s16s16s16s")
_CELL_BYTES = 8
# No bucket is ever further from full than this; numbers beyond it are damage.
_FARTHEST_NS = 120_000_000_000
_SPINS = 20
_UPDATE, _RELEASE = fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_UN
_flock = fcntl.flock


def default_directory() -> Path:
    """The user's run-time directory, or the system's temporary one."""
    return Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())


def throttle_for(config: Config) -> Throttle:
    """The throttle of this host's address at a venue; give it to every account of the process.

    Its file, if it shares one, stays open until the process ends.

    Raises:
        ConfigError: the shared file cannot be used.
    """
    wanted = config.throttle
    cells = None
    if wanted.shared and (wanted.directory is not None or not config.is_loopback):
        directory = default_directory() if wanted.directory is None else Path(wanted.directory)
        cells = SharedCells(directory, Address(config.venue.rest).header, LIMITED)
    return Throttle(LIMITED, random.Random(), cells)


class SharedCells:
    """Implements `protocol.throttle.Cells`. See the module's documentation.

    Args:
        directory: where the file is, or is made; of this user or of root.
        host: the venue's host and port.
        endpoints: the table whose buckets it holds.

    Attributes:
        numbers: the mapped numbers.
        lock: descriptor of the lock around one update.
        path: the file.

    Raises:
        ConfigError: the file cannot be made, is somebody else's, damaged, or in use by processes
            that count otherwise.
    """

    def __init__(self, directory: Path, host: str, endpoints: Iterable[Endpoint]) -> None:
        table = list(endpoints)
        self.path = directory / f"whitewire-limits-{re.sub(r'[^A-Za-z0-9.-]', '_', host)}"
        self._size = _HEAD.size + _CELL_BYTES * cells_for(table)
        self._head = _head(table)
        self._file = self.lock = self._open()
        try:
            self._join()
            self._map = mmap.mmap(self._file, self._size)
        except BaseException:
            os.close(self._file)
            raise
        self._view = memoryview(self._map)[_HEAD.size :].cast("q")
        self.numbers: Numbers = self._view

    def enter(self) -> bool:
        """Keeps other processes out of the numbers; False when one of them is there."""
        try:
            _flock(self._file, _UPDATE)
        except BlockingIOError:
            return self._spin()
        return True

    def _spin(self) -> bool:
        """An update takes a microsecond: who holds the lock much longer was stopped within one."""
        for _ in range(_SPINS):
            try:
                _flock(self._file, _UPDATE)
            except BlockingIOError:
                continue
            return True
        return False

    def leave(self) -> None:
        """Lets them in again."""
        _flock(self._file, _RELEASE)

    def close(self) -> None:
        """Ends the use of the file; it stays for the next process."""
        self._view.release()
        self._map.close()
        os.close(self._file)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            file = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise self._refusal(f"cannot be opened ({error.strerror})") from error
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            os.close(file)
            raise self._refusal(f"is of user {status.st_uid}, or no plain file")
        return file

    def _join(self) -> None:
        """Becomes a user of the file; the first one may start it anew."""
        is_alone = self._try_lock(fcntl.F_WRLCK)
        deadline = time.monotonic() + 1.0
        while not is_alone and not self._try_lock(fcntl.F_RDLCK):
            if time.monotonic() > deadline:  # a newcomer holds it for microseconds only
                raise self._refusal("is being started by another process that does not go on")
        content = os.pread(self._file, self._size + 1, 0)
        if not content or (is_alone and self._is_outdated(content)):
            content = self._head.ljust(self._size, b"\0")
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, content, 0)
        self._check(content)
        if is_alone and not self._try_lock(fcntl.F_RDLCK):
            raise self._refusal("cannot be shared; its file system has no locks")

    def _try_lock(self, kind: int) -> bool:
        try:
            request = struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 1, 0)
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, request)
        except BlockingIOError:
            return False
        except OSError as error:
            raise self._refusal(f"cannot be locked ({error.strerror})") from error
        return True

    def _is_outdated(self, content: bytes) -> bool:
        """Whether it is ours and whole, but of another layout or an earlier boot."""
        if len(content) < _HEAD.size:
            return False
        magic, layout, boot, check = _HEAD.unpack_from(content)
        is_whole = magic == _MAGIC and check == _digest(magic + layout + boot)
        return is_whole and content[: _HEAD.size] != self._head

    def _check(self, content: bytes) -> None:
        if content[: len(_MAGIC)] != _MAGIC:
            raise self._refusal("is not a file of whitewire's rate limits")
        if content[: _HEAD.size] != self._head:
            raise self._refusal("is damaged, or in use by another version of whitewire")
        if len(content) != self._size:
            raise self._refusal(f"is damaged: {len(content)} bytes instead of {self._size}")
        farthest = time.monotonic_ns() + _FARTHEST_NS
        numbers = struct.unpack_from(f"<{(self._size - _HEAD.size) // _CELL_BYTES}q", content, 64)
        for number in numbers:
            if not 0 <= number <= farthest:
                raise self._refusal(f"is damaged: it holds the time {number} ns")

    def _refusal(self, what: str) -> ConfigError:
        return ConfigError(
            "config-throttle",
            f"{self.path} {what}",
            "stop other gateways and remove it, or name another throttle.directory",
        )


def _head(table: list[Endpoint]) -> bytes:
    rows = [(e.name, e.method, e.limit, e.per_seconds, e.is_cancel) for e in table]
    parts = _MAGIC + _digest(repr(rows).encode()) + _boot_id()
    return parts + _digest(parts)


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()[:16]


def _boot_id() -> bytes:
    return bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().replace("-", ""))
