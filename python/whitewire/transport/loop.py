"""The event loop's process: uvloop, CPU pinning, a frozen heap.

Owns: what is done once to the process before and around the loop. Must not know: the venue.
Invariant: nothing here changes the process unless the caller asked for it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop

from whitewire.errors import ConfigError

__all__ = ["freeze_heap", "pin", "run", "stop_on_signals"]

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` on a new uvloop loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def pin(cpu: int) -> None:
    """Pins the calling thread to one CPU.

    Raises:
        ConfigError: this process may not run there.
    """
    allowed = os.sched_getaffinity(0)
    if cpu not in allowed:
        raise ConfigError(
            "config-cpu",
            f"process.cpu was {cpu}",
            f"this process may use {', '.join(map(str, sorted(allowed)))}",
        )
    os.sched_setaffinity(0, {cpu})


def freeze_heap() -> Callable[[], None]:
    """Collects once, then moves all that lives out of the collector's sight.

    A full collection of a warm process takes milliseconds; after this it takes next to nothing.

    Returns:
        What undoes it, or a gateway that has stopped could never be freed.
    """
    gc.collect()
    gc.freeze()
    _frozen.append(None)
    return _thaw


# One for each gateway of this process; the heap thaws with the last one.
_frozen: list[None] = []


def _thaw() -> None:
    _frozen.pop()
    if not _frozen:
        gc.unfreeze()


def stop_on_signals(stop: Callable[[str], None]) -> None:
    """Calls `stop(reason)` on SIGINT and SIGTERM; a second SIGINT kills as usual."""
    loop = asyncio.get_running_loop()

    def first(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        stop(number.name)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, first, number)
