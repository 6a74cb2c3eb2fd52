"""Callbacks on time: at a moment finer than the event loop's timer, or again and again.

Owns: a queue of due callbacks on one event loop, free-running timers with what those need of an
event loop or of a virtual clock, and the queue in front of somebody who serves one thing at a time.
Must not know: what they do. Invariant: queued callbacks run in order of their moment, equal moments
in order of arrival, and never early; a timer keeps its phase however late one of its turns was.

The event loop's timers have a millisecond's grain; a modelled service time is a fraction of
that. Close to a moment the pacer therefore asks again on every turn of the loop, which costs a
core for that long and only then.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

__all__ = ["Pacer", "Periodic", "Queue", "Timer", "Timers", "spread_phases"]

_GRAIN_S = 0.002
_GOLDEN_RATIO = 0.6180339887498949


class Timer(Protocol):
    """A callback that waits."""

    def cancel(self) -> None:
        """Forgets it; harmless where it has run."""


class Timers(Protocol):
    """Where the venue's own time runs: an event loop is one, a `VirtualClock` another."""

    def time(self) -> float:
        """Now, in seconds since whenever."""

    def call_at(self, when: float, callback: Callable[..., object], /, *args: Any) -> Timer:
        """Calls `callback` at a moment of `time`."""

    def call_later(self, delay: float, callback: Callable[..., object], /, *args: Any) -> Timer:
        """Calls `callback` after `delay` seconds."""


class Pacer:
    """Runs callbacks on time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = itertools.count()
        self._handle: asyncio.Handle | None = None
        self._wakes_at = 0.0

    def at(self, moment: float, callback: Callable[[], None]) -> None:
        """Calls `callback` at `moment`, in seconds of `time.monotonic`."""
        heapq.heappush(self._queue, (moment, next(self._sequence), callback))
        if self._handle is None or moment < self._wakes_at:
            self._arm()

    def close(self) -> None:
        """Forgets what has not run."""
        self._queue.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._wakes_at = self._queue[0][0]
        wait = self._wakes_at - time.monotonic()
        if wait > _GRAIN_S:
            self._handle = self._loop.call_later(wait - _GRAIN_S, self._run)
        else:
            self._handle = self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._handle = None
        while self._queue and self._queue[0][0] <= time.monotonic():
            heapq.heappop(self._queue)[2]()
        if self._queue and self._handle is None:
            self._arm()


class Queue:
    """One who serves one thing at a time: each starts when the one before it is done."""

    def __init__(self) -> None:
        self._busy_until = 0.0

    def admit(self, now: float, service_s: float) -> float:
        """When something that arrives now and takes so long will be done, seconds."""
        self._busy_until = max(now, self._busy_until) + service_s
        return self._busy_until


def spread_phases() -> Iterator[float]:
    """Parts of an interval, 1 first: however many are taken, they lie evenly spread in it."""
    return (1 - number * _GOLDEN_RATIO % 1 for number in itertools.count())


class Periodic:
    """Calls back every `interval_s` seconds, in phase with its start, until closed."""

    def __init__(
        self,
        timers: Timers,
        interval_s: float,
        callback: Callable[[], None],
        *,
        first_s: float | None = None,
    ) -> None:
        """Starts.

        Args:
            first_s: how long until the first call; an interval, if not given.
        """
        self._timers = timers
        self._interval_s = interval_s
        self._callback = callback
        self._next = timers.time() + (interval_s if first_s is None else first_s)
        self._handle = timers.call_at(self._next, self._run)

    def close(self) -> None:
        """Stops."""
        self._handle.cancel()

    def _run(self) -> None:
        missed = max(0.0, self._timers.time() - self._next) // self._interval_s
        self._next += (missed + 1) * self._interval_s
        self._handle = self._timers.call_at(self._next, self._run)
        self._callback()
