"""The page in memory that a gateway beats in and others watch, and facts about its process.

Owns: the file, its mapping, process identities. Must not know: what silence means (see
`protocol.heartbeat`). Invariant: a beat is a store into memory, no system call; a page appears
under its name only when it is whole; a signal goes only to the very process that wrote the page.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from whitewire._bridge import now_ns
from whitewire.errors import ConfigError, StartupError
from whitewire.protocol.heartbeat import SIZE, Beat, BeatState, Word, pack, unpack

if TYPE_CHECKING:
    from whitewire.config import Config

__all__ = [
    "HeartbeatReader",
    "HeartbeatWriter",
    "boot_id",
    "heartbeat_path",
    "is_running",
    "kill",
]


def heartbeat_path(config: Config) -> Path:
    """Where the gateway of a configuration beats: as told, or in the runtime directory.

    By default the name comes from the host, the account's name and the prefix of client order
    ids; the directory is systemd's, the session's, or one in shared memory.
    """
    if config.watchdog.heartbeat is not None:
        return Path(config.watchdog.heartbeat)
    parts = (config.venue.rest, config.account.name, config.orders.id_prefix)
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return _runtime_directory() / f"{name}.beat"


def _runtime_directory() -> Path:
    told = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if told:
        return Path(told)
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session:
        return Path(session) / "whitewire"
    shared = Path("/dev/shm")
    base = shared if shared.is_dir() else Path(tempfile.gettempdir())
    return base / f"whitewire-{os.getuid()}"


def boot_id() -> bytes:
    """16 bytes that differ from boot to boot."""
    text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    return bytes.fromhex(text.strip().replace("-", ""))


def _namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def _started(pid: int) -> int | None:
    """When a living process began, clock ticks after the boot; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def is_running(beat: Beat) -> bool | None:
    """Whether the process that wrote the page lives; None when it cannot be seen from here."""
    if beat.namespace != _namespace():
        return None
    return _started(beat.pid) == beat.started


def kill(beat: Beat) -> bool:
    """Ends the process that wrote the page with SIGKILL; False when it is gone or out of sight."""
    if not is_running(beat):
        return False
    try:
        handle = os.pidfd_open(beat.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_running(beat):  # the number may have changed hands before it was held
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


class HeartbeatWriter:
    """The gateway's end.

    Args:
        path: the page's file; replaced when it exists.
        session: at most 16 letters and digits.

    Raises:
        StartupError: the file cannot be made.
    """

    def __init__(self, path: Path, session: str) -> None:
        self._path = path
        started = _started(os.getpid())
        first = Beat(
            os.getpid(),
            started or 0,
            _namespace(),
            boot_id(),
            session,
            now_ns(),
            BeatState.STARTING,
        )
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                os.write(handle, pack(first))
                self._inode = os.fstat(handle).st_ino
                self._map = mmap.mmap(handle, SIZE)
            finally:
                os.close(handle)
            Path(name).replace(path)
        except OSError as error:
            raise StartupError(
                "heartbeat-file",
                f"the heartbeat {path} cannot be made: {error.strerror}",
                "name another file as watchdog.heartbeat",
            ) from error
        self._words = memoryview(self._map).cast("q")

    def beat(self, now_ns: int, state: BeatState, open_orders: int) -> None:
        """A sign of life: three stores."""
        words = self._words
        words[Word.STATE] = state
        words[Word.OPEN_ORDERS] = open_orders
        words[Word.BEAT] = now_ns

    @property
    def is_halt_asked(self) -> bool:
        """Whether a red button wants this gateway to halt."""
        return bool(self._words[Word.HALT])

    def close(self, state: BeatState) -> None:
        """Says goodbye; after a clean end the file goes too, whoever has it open can still read."""
        self._words[Word.STATE] = state
        self._words.release()
        self._map.close()
        if state is not BeatState.ENDED:
            return
        try:
            if self._path.stat().st_ino == self._inode:  # or another gateway has taken the name
                self._path.unlink()
        except FileNotFoundError:
            return


class HeartbeatReader:
    """The watcher's end; keeps to the page that it has while no newer one has taken its name.

    Args:
        path: the page's file, which need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode = -1
        self._map: mmap.mmap | None = None

    def read(self) -> Beat | None:
        """What the page says; None when there is none, or the file is not one.

        Raises:
            ConfigError: the file may not be read.
        """
        try:
            inode = self.path.stat().st_ino
        except FileNotFoundError:
            inode = self._inode
        except OSError as error:
            raise self._unreadable(error) from error
        if inode != self._inode:
            self._open()
        return None if self._map is None else unpack(self._map[:])

    def _open(self) -> None:
        self.close()
        try:
            with self.path.open("r+b") as file:
                status = os.fstat(file.fileno())
                if status.st_size == SIZE:
                    self._map = mmap.mmap(file.fileno(), SIZE)
                self._inode = status.st_ino
        except FileNotFoundError:
            return  # it went between two looks
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> ConfigError:
        return ConfigError(
            "heartbeat-unreadable",
            f"the heartbeat {self.path} cannot be read: {error.strerror}",
            "run as the gateway's user, and check watchdog.heartbeat",
        )

    def set(self, word: Word) -> None:
        """Sets `HALT` or `HANDLED` in the page."""
        if self._map is not None:
            with memoryview(self._map).cast("q") as words:
                words[word] = 1

    def close(self) -> None:
        """Lets the page go."""
        if self._map is not None:
            self._map.close()
        self._map, self._inode = None, -1
