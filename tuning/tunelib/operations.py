"""The few things that are ever done to a host, and the same as shell.

Owns: doing them, and saying them. Must not know: why. Invariant: what a plan prints is what apply
does; a refusal by the kernel or a driver is told apart from a failure.
"""

from __future__ import annotations

import errno
import shlex
from dataclasses import dataclass
from typing import Union

from tunelib.errors import TuneError, Unsupported
from tunelib.host import Host

# The kernel's ways to say that this cannot be had here.
UNSUPPORTED = frozenset({errno.EIO, errno.EPERM, errno.EOPNOTSUPP, errno.ENXIO, errno.ENODEV})


@dataclass(frozen=True)
class Write:
    """Text into a file of the kernel.

    Attributes:
        unless_same: only if the file does not already say it.
    """

    path: str
    text: str
    unless_same: bool = False

    def do(self, host: Host) -> None:
        """Writes."""
        if not self.unless_same or (host.read(self.path) or "").split() != self.text.split():
            host.write(self.path, self.text)

    def shell(self) -> str:
        """As a line of shell."""
        return f"printf '%s\\n' {shlex.quote(self.text)} > {shlex.quote(self.path)}"


@dataclass(frozen=True)
class Run:
    """A program."""

    command: tuple[str, ...]

    def do(self, host: Host) -> None:
        """Runs it."""
        found = host.run(self.command)
        if found.code != 0:
            said = (found.err or found.out).strip().splitlines() or [f"exit code {found.code}"]
            if "not supported" in said[-1].lower():
                raise Unsupported(f"{self.command[0]}: {said[-1]}")
            raise failed(self.shell(), said[-1])

    def shell(self) -> str:
        """As a line of shell."""
        return " ".join(map(shlex.quote, self.command))


@dataclass(frozen=True)
class Replace:
    """A whole file."""

    path: str
    text: str

    def do(self, host: Host) -> None:
        """Writes it durably."""
        host.replace(self.path, self.text)

    def shell(self) -> str:
        """As lines of shell."""
        return f"cat > {shlex.quote(self.path)} <<'END'\n{self.text}END"


@dataclass(frozen=True)
class Remove:
    """A file that was not there before."""

    path: str

    def do(self, host: Host) -> None:
        """Removes it."""
        host.remove(self.path)

    def shell(self) -> str:
        """As a line of shell."""
        return f"rm -- {shlex.quote(self.path)}"


@dataclass(frozen=True)
class MakeFolder:
    """A folder."""

    path: str

    def do(self, host: Host) -> None:
        """Makes it."""
        host.make_folder(self.path)

    def shell(self) -> str:
        """As a line of shell."""
        return f"mkdir -p {shlex.quote(self.path)}"


@dataclass(frozen=True)
class RemoveFolder:
    """A folder that was not there before; one that is in use stays."""

    path: str

    def do(self, host: Host) -> None:
        """Removes it if it is empty."""
        try:
            host.remove_folder(self.path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EBUSY):
                raise

    def shell(self) -> str:
        """As a line of shell."""
        return f"rmdir {shlex.quote(self.path)}"


Operation = Union[Write, Run, Replace, Remove, MakeFolder, RemoveFolder]


def failed(what: str, why: str) -> TuneError:
    """A change that went wrong."""
    return TuneError("change-failed", f"{what}: {why}", "see the message; nothing is half done")


def do(host: Host, operation: Operation) -> None:
    """Does it.

    Raises:
        Unsupported: the kernel or a program says that this host cannot.
        TuneError: `change-failed`.
    """
    try:
        operation.do(host)
    except OSError as error:
        if error.errno in UNSUPPORTED:
            raise Unsupported(f"{operation.shell()}: {error.strerror}") from error
        raise failed(operation.shell(), error.strerror or str(error)) from error
