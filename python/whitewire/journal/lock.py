"""One gateway per account: a lock file that names its holder.

Owns: the lock. Must not know: what it protects. Invariant: the kernel releases it with the
process, however that ends, so there is no stale lock and nothing to clean up.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from whitewire.errors import StartupError

__all__ = ["Lock"]


class Lock:
    """Held from construction to `release`.

    Args:
        path: the lock file; made when missing, and never removed.

    Raises:
        StartupError: another process holds it, or it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartupError(
                "lock-unusable", f"{path}: {error.strerror}", "choose another journal.path"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            raise StartupError(
                "already-running",
                f"this account is traded already, by process {holder or '(starting)'} ({path})",
                "stop that one first; one account has one gateway",
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Lets another process have it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
