"""Time that moves when it is told to: an hour of the venue in seconds.

Owns: the moment, and the queue of what waits for a later one. Must not know: what waits there, or
the venue. Invariant: time moves from one waiting callback to the next and never backwards; at
equal moments they run in the order in which they were asked for.

Rules:

* T1  What is the venue's runs in virtual time: the market, replays, depth looks, balances and last
      prices each second, keepalives, kill switches, late private pushes, faults with `at` and
      `seconds`, nonces, tokens and rate limits.
* T2  What is a connection's runs in real time, since its client does: the idle clocks of HTTP and
      WebSocket, modelled service time, slow acks. Requests are executed whenever they come, at the
      virtual moment that it is then.
* T3  A client that does something, advances the clock, reads what has arrived and goes on like
      this gets the same bytes in every run with the same seed. Clients that run by themselves
      while time moves meet it wherever it is.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

__all__ = ["VirtualClock"]


class _Timer:
    """A callback that waits; None once it was cancelled."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Forgets it."""
        self.callback = None


class VirtualClock:
    """A clock for `Venue(clock=...)` that `advance` moves.

        clock = VirtualClock()
        with Venue(clock=clock, scenario="fast", seed=7) as venue:
            ...                     # connect, subscribe, place
            clock.advance(0.1)      # everything that the venue does in a tenth of a second
            ...                     # read what it said, place again

    A client makes its nonces from this clock: `int(clock() * 1000)`.
    """

    def __init__(self, start: float = 1_785_730_130.0) -> None:
        """Stands at `start`, epoch seconds."""
        self._now = start
        self._queue: list[tuple[float, int, _Timer]] = []
        self._sequence = itertools.count()
        self._driver: Callable[[float], None] | None = None

    def __call__(self) -> float:
        """Now, epoch seconds."""
        return self._now

    def time(self) -> float:
        """Now, epoch seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves time on; whatever is due until then happens, each thing at its moment.

        May be called from any thread but the venue's own. Returns when all of it has happened and
        what was said is on its way to the clients; a client that does not read is waited for
        briefly and then treated as the venue treats a slow one.

        Raises:
            ValueError: time does not run backwards.
            RuntimeError: this is the venue's own thread.
        """
        if not seconds >= 0:
            raise ValueError(f"the clock cannot advance by {seconds!r} seconds")
        if self._driver is not None:
            self._driver(seconds)
            return
        end = self._now + seconds
        while self.step(end):
            pass

    def step(self, end: float) -> bool:
        """Moves on to the next waiting callback and runs it.

        Args:
            end: not beyond this moment, epoch seconds.

        Returns:
            False if nothing more waits until then; it is then that moment.
        """
        while self._queue and self._queue[0][0] <= end:
            when, _, timer = heapq.heappop(self._queue)
            if timer.callback is not None:
                self._now = max(self._now, when)
                timer.callback()
                return True
        self._now = max(self._now, end)
        return False

    def call_at(self, when: float, callback: Callable[..., object], /, *args: Any) -> _Timer:
        """Calls `callback` at a moment, epoch seconds."""
        timer = _Timer(lambda: callback(*args))
        heapq.heappush(self._queue, (when, next(self._sequence), timer))
        return timer

    def call_later(self, delay: float, callback: Callable[..., object], /, *args: Any) -> _Timer:
        """Calls `callback` after `delay` seconds of this clock."""
        return self.call_at(self._now + delay, callback, *args)

    def drive_by(self, driver: Callable[[float], None] | None) -> None:
        """Lets `driver` carry out `advance`, where the callbacks belong to another thread.

        Raises:
            RuntimeError: somebody else does so already.
        """
        if driver is not None and self._driver is not None:
            raise RuntimeError("this clock belongs to a venue already")
        self._driver = driver
