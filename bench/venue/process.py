"""The venue under load, as a process: started, watched from outside, stopped.

Owns: the child process, what it announced, its CPU time and its memory. Must not know: requests.
Invariant: after the `with` block the process is gone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

__all__ = ["Child", "VenueProcess"]

_STOP_S = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Child:
    """A module of this package as a process that ends when its input does.

    Attributes:
        module: its name within the package.
        arguments: of its command line.
        first_line: what it announced, decoded.
    """

    module: str
    arguments: list[str]
    first_line: dict[str, Any] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Starts it and waits for its first line.

        Raises:
            OSError: it ended instead.
        """
        command = [sys.executable, "-m", f"bench.venue.{self.module}", *self.arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._process = process
        self.first_line = self.read_line()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends its input and waits for it."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        process.stdin.close()  # harmless where `last_line` has done it
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def read_line(self) -> dict[str, Any]:
        """The next line that it prints, decoded.

        Raises:
            OSError: it ended instead.
        """
        process = self._process
        line = process.stdout.readline() if process and process.stdout else b""
        if not line:
            raise OSError(f"bench.venue.{self.module} ended before it said anything")
        decoded: dict[str, Any] = json.loads(line)
        return decoded

    def tell(self) -> None:
        """Sends it an empty line."""
        if self._process and self._process.stdin:
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()

    def last_line(self) -> dict[str, Any]:
        """Ends its input and returns what it prints at the end.

        Raises:
            OSError: it printed nothing.
        """
        if self._process and self._process.stdin:
            self._process.stdin.close()
        return self.read_line()


class VenueProcess(Child):
    """A venue in a process of its own."""

    @property
    def keys(self) -> list[tuple[str, str]]:
        """(public, secret) of each API key."""
        return [(public, secret) for public, secret in self.first_line["keys"]]

    def cpu_s(self) -> float:
        """CPU time that the process has used, seconds, in steps of 10 ms."""
        with open(f"/proc/{self.first_line['pid']}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_mib(self) -> float:
        """Resident memory, MiB."""
        with open(f"/proc/{self.first_line['pid']}/statm", encoding="ascii") as statm:
            pages = int(statm.read().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
