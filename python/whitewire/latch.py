"""What a restart must not forget: that the account was killed, or halted until a human looked.

Owns: a small file of JSON beside the gateway, written whole or not at all. Must not know: limits,
orders, the core. Invariant: a file that cannot be read or understood counts as KILLED; only `arm`,
with a reason, makes an account that is not ACTIVE startable again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from whitewire.errors import ConfigError, UsageError

__all__ = ["Latch", "LatchFile"]


class Latch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What the file says.

    Attributes:
        state: `killed`, `halted` (until a human arms it) or `armed`.
        reason: why; of `armed`, what the human said.
        at_utc_ms: when, milliseconds since the epoch.
        before: state and reason before it was armed.
    """

    state: Literal["armed", "halted", "killed"] = "armed"
    reason: str = ""
    at_utc_ms: int = 0
    before: str = ""


class LatchFile:
    """One account's file.

    Args:
        path: where; None remembers nothing (a rehearsal).
    """

    def __init__(self, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        self._stamp: tuple[int, int] | None = None

    def read(self) -> Latch:
        """What the file says; armed where there is none."""
        if self.path is None:
            return Latch()
        try:
            text = self.path.read_bytes()
            self._stamp = self._now()
            return msgspec.json.decode(text, type=Latch)
        except FileNotFoundError:
            return Latch()
        except (OSError, msgspec.DecodeError) as error:
            return Latch(state="killed", reason=f"{self.path} cannot be understood: {error}")

    def write(self, latch: Latch) -> None:
        """Replaces the file, durably.

        Raises:
            OSError: it cannot be written.
        """
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(latch) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._stamp = self._now()

    def has_changed(self) -> bool:
        """Whether somebody else wrote the file since it was read or written here."""
        return self.path is not None and self._now() != self._stamp

    def _now(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path) if self.path is not None else None
        except OSError:
            return None
        return None if found is None else (found.st_mtime_ns, found.st_ino)

    def arm(self, reason: str, now_utc_ms: int) -> Latch:
        """The human command; what it was before.

        Raises:
            ConfigError: there is no file to write.
            UsageError: no reason was given, or the file cannot be written.
        """
        if self.path is None:
            raise ConfigError(
                "config-no-state",
                "there is no journal, and limits.state_file is not set",
                "name a file in [limits]",
            )
        if not reason.strip():
            raise UsageError("arm-reason", "the reason is empty", "say why it is safe to trade")
        before = self.read()
        said = f"{before.state}: {before.reason}"
        try:
            self.write(Latch(reason=reason.strip(), at_utc_ms=now_utc_ms, before=said))
        except OSError as error:
            raise UsageError(
                "arm-unwritable", f"{self.path}: {error.strerror}", "check the folder's permissions"
            ) from None
        return before
