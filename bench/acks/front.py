"""The native order front as a process: built on demand, started, asked what is left at its end.

Owns: building and the child process. Must not know: who is served. Invariant: what runs was built
from the sources as they are now, optimised; after the `with` block it is gone.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["CannotMeasureError", "Front", "built"]

_MANIFEST = Path(__file__).parent / "native" / "Cargo.toml"
_NAME = "whitewire_front"
_STOP_S = 10.0


class CannotMeasureError(Exception):
    """Something that the measurement needs is missing; the text says what and how to get it."""


def built() -> Path:
    """The program, built where sources changed (cargo decides, and talks on stderr).

    Raises:
        CannotMeasureError: cargo is missing or failed.
    """
    command = ["cargo", "build", "--release", "--manifest-path", str(_MANIFEST)]
    command.append("--message-format=json-render-diagnostics")
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    except FileNotFoundError as error:
        raise CannotMeasureError(
            "cargo is missing; install Rust with rustup (rustup.rs)"
        ) from error
    if done.returncode == 0:
        for line in done.stdout.splitlines():
            message = json.loads(line)
            if message.get("target", {}).get("name") == _NAME and message.get("executable"):
                return Path(message["executable"])
    raise CannotMeasureError(f"cargo could not build {_MANIFEST.parent}; see above")


class Front:
    """A front that takes so long for each order.

    Args:
        service_us: for each order, one after the other on each connection.
        cpus: where it may run.

    Attributes:
        port: where it listens on 127.0.0.1, plain HTTP.
        counts: once stopped: `placed`, `canceled`, `resting`.
    """

    def __init__(self, service_us: int, cpus: set[int]) -> None:
        self.port = 0
        self.counts: dict[str, int] = {}
        self._command = [str(built()), str(service_us)]
        self._cpus = cpus
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Starts it."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        os.sched_setaffinity(self._process.pid, self._cpus)
        self.port = self._line()["port"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends its input, reads its counts and waits for it."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        process.stdin.close()
        try:
            self.counts = self._line()
            process.wait(_STOP_S)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def _line(self) -> dict[str, int]:
        line = self._process.stdout.readline() if self._process and self._process.stdout else b""
        if not line:
            raise CannotMeasureError(f"{_NAME} ended before it said anything")
        found: dict[str, int] = json.loads(line)
        return found
