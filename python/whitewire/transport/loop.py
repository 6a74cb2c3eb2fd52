"""The event loop's process: uvloop, signals, a frozen heap.

Owns: what is done once to the process before and around the loop. Must not know: the venue.
Invariant: nothing here changes the process unless the caller asked for it.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop

__all__ = ["freeze_heap", "keep_frozen", "run", "stop_on_signals"]

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` on a new uvloop loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def freeze_heap() -> Callable[[], None]:
    """Collects once, then moves all that lives out of the collector's sight.

    A full collection of a warm process takes milliseconds; after this it takes next to nothing.

    Returns:
        What undoes it, or a gateway that has stopped could never be freed.
    """
    gc.collect()
    gc.freeze()
    _frozen.append(len(sys.modules))
    return _thaw


# One for each gateway of this process: how many modules there were. The heap thaws with the last.
_frozen: list[int] = []


def keep_frozen() -> None:
    """Freezes what was imported since the heap was frozen; call now and then.

    It does not collect: that would take the time which freezing saves.
    """
    if _frozen and len(sys.modules) != _frozen[-1]:
        _frozen[-1] = len(sys.modules)
        gc.freeze()


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
