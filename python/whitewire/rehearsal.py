"""The embedded venue in a process of its own, for commands that bring it along.

Owns: starting and ending that process, and which CPU is whose. Must not know: how the venue works.
Invariant: the venue's process never outlives the block that started it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any

from whitewire.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["VenueProcess", "cpus_apart"]

START_S = 20.0
STOP_S = 5.0


def cpus_apart() -> tuple[int | None, set[int]]:
    """The gateway's CPU and the venue's; on one CPU each would preempt the other's answers."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[-1], set(usable[:-1])) if len(usable) > 1 else (None, set(usable))


class VenueProcess:
    """`whitewire venue` as a child process; its first line says where it listens.

    Args:
        arguments: of its command line.
        cpus: where it may run.
    """

    def __init__(self, arguments: Sequence[str], cpus: set[int]) -> None:
        self._arguments = arguments
        self._cpus = cpus
        self._process: asyncio.subprocess.Process | None = None
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __aexit__

    async def __aenter__(self) -> dict[str, Any]:
        """Starts it and returns its first line, decoded.

        Raises:
            StartupError: it did not start.
        """
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "whitewire", "venue", *self._arguments,
            stdout=asyncio.subprocess.PIPE, stderr=self._errors, start_new_session=True,
        )  # fmt: skip
        os.sched_setaffinity(self._process.pid, self._cpus)
        if self._process.stdout is None:
            raise StartupError("venue-no-output", "the venue's process has no output")
        try:
            async with asyncio.timeout(START_S):
                line = await self._process.stdout.readline()
            where: dict[str, Any] = json.loads(line)
        except (TimeoutError, ValueError):
            await self.__aexit__()
            raise StartupError(
                "venue-not-started", "the embedded venue did not start", "try: whitewire venue"
            ) from None
        return where

    async def __aexit__(self, *_: object) -> None:
        """Ends it."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_S):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._errors.close()
