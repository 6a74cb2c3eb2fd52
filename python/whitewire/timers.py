"""The timers that a strategy asks for.

Owns: their handles and periods. Must not know: what a callback does. Invariant: none fires after
`stop`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from whitewire._bridge import now_ns
from whitewire.errors import UsageError

if TYPE_CHECKING:
    from whitewire._bridge import Path
    from whitewire.callbacks import Callbacks

__all__ = ["Timers"]


class Timers:
    """See the module's documentation.

    Args:
        path: entered around each callback.
        callbacks: whose `on_timer` is called.
    """

    def __init__(self, path: Path, callbacks: Callbacks) -> None:
        self._path = path
        self._callbacks = callbacks
        self._handles: list[asyncio.TimerHandle] = []

    def add(self, seconds: float, *, is_late: bool) -> None:
        """Calls `on_timer` every `seconds` from now until `stop`.

        Raises:
            UsageError: the period is not positive, or it is too late for a timer.
        """
        if not seconds > 0:
            raise UsageError("timer-period", f"the period was {seconds!r} s", "give more than 0")
        if is_late:
            raise UsageError("timer-late", "a timer was asked for while the gateway stops")
        loop = asyncio.get_running_loop()
        slot = len(self._handles)

        def fire() -> None:
            self._handles[slot] = loop.call_later(seconds, fire)
            self._path.enter()
            try:
                self._callbacks.on_timer(now_ns())
            finally:
                self._path.leave()

        self._handles.append(loop.call_later(seconds, fire))

    def stop(self) -> None:
        """Ends every timer."""
        for handle in self._handles:
            handle.cancel()
