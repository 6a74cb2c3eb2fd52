"""The loop-lag gauge: how late the loop runs what is due.

Owns: a timer of the kernel and the histogram of its delays. Must not know: who else uses the loop.
Invariants: what was due while the loop hung counts, each with its own delay (no coordinated
omission); nothing of it runs on the way from a frame to an order.

The loop's own timers are no measure: uvloop rounds them to milliseconds.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time

from whitewire import _core
from whitewire.errors import StartupError

__all__ = ["LagGauge"]

PERIOD_NS = 10_000_000
_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("first", _Timespec))


class LagGauge:
    """See the module's documentation.

    Attributes:
        file: the timer's descriptor, which the loop watches; -1 while stopped.
    """

    def __init__(self) -> None:
        self.file = -1
        self._due_ns = 0
        self._interval = _core.Histogram()
        self._before = _core.Histogram()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Measures the running loop from now on.

        Raises:
            StartupError: the kernel gives no timer.
        """
        self._loop = asyncio.get_running_loop()
        libc = ctypes.CDLL(None, use_errno=True)
        self.file = libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        self._due_ns = time.monotonic_ns() + PERIOD_NS
        times = _Itimerspec(_Timespec(0, PERIOD_NS), _Timespec(*divmod(self._due_ns, 10**9)))
        if self.file < 0 or libc.timerfd_settime(self.file, _ABSOLUTE, ctypes.byref(times), None):
            raise StartupError(
                "no-timer", f"the kernel gives no timer: {os.strerror(ctypes.get_errno())}"
            )
        self._loop.add_reader(self.file, self._on_due)

    def _on_due(self) -> None:
        now = time.monotonic_ns()
        try:
            count = int.from_bytes(os.read(self.file, 8), sys.byteorder)
        except BlockingIOError:  # told twice
            return
        for _ in range(count):
            self._interval.record(now - self._due_ns)
            self._due_ns += PERIOD_NS

    def stop(self) -> None:
        """Ends it; what was measured stays. Harmless when repeated."""
        if self._loop is not None and self.file >= 0:
            self._loop.remove_reader(self.file)
            os.close(self.file)
        self.file = -1

    def take(self) -> _core.Histogram:
        """The delays since it was last taken, ns."""
        taken, self._interval = self._interval, _core.Histogram()
        self._before.merge(taken)
        return taken

    @property
    def total(self) -> _core.Histogram:
        """All delays so far, ns."""
        both = _core.Histogram()
        both.merge(self._before)
        both.merge(self._interval)
        return both
