"""A venue on a clock of its own, without sockets: hours of it run in seconds.

Owns: a timer queue in the place of an event loop, and a subscriber that digests what it is sent.
Must not know: what the venue does with its timers. Invariant: time moves only from timer to timer;
the engine has done what was due before a timer runs.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import itertools
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from whitewire.venue.channels import Channels, Interest
from whitewire.venue.depth_stream import DepthStreams, Window
from whitewire.venue.options import VenueConfig
from whitewire.venue.server import VenueServer

MARKET = "BTC_USDT"
START = 1_785_730_130.0


class Timer:
    """A callback that waits, as the loop's handles do."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualLoop:
    """As much of an event loop as the venue's timers use."""

    def __init__(self) -> None:
        self.now = START
        self.queue: list[tuple[float, int, Timer]] = []
        self.sequence = itertools.count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., None], *args: Any) -> Timer:
        timer = Timer(lambda: callback(*args))
        heapq.heappush(self.queue, (when, next(self.sequence), timer))
        return timer

    def call_later(self, delay: float, callback: Callable[..., None], *args: Any) -> Timer:
        return self.call_at(self.now + delay, callback, *args)

    def call_soon(self, callback: Callable[..., None], *args: Any) -> Timer:
        return self.call_at(self.now, callback, *args)


class Digest:
    """A subscriber who keeps a hash and a count of everything that it was sent."""

    def __init__(self) -> None:
        self.account: str | None = None
        self.hash = hashlib.sha256()
        self.counts: dict[str, int] = {}

    def push(self, method: str, frame: str) -> None:
        self.hash.update(frame.encode())
        self.hash.update(b"\n")
        self.counts[method] = self.counts.get(method, 0) + 1


def run_venue(seconds: float, *, seed: int, scenario: str = "calm", levels: int = 100) -> Digest:
    """Lets a market live for a while under the eyes of one subscriber of every public channel."""
    virtual = VirtualLoop()
    loop = cast("asyncio.AbstractEventLoop", virtual)
    config = VenueConfig(tls=False, seed=seed, scenario=scenario, markets=(MARKET,))
    server = VenueServer(config, clock=virtual.time)
    channels = Channels(server.core, loop, random.Random(seed))
    depth = DepthStreams(server.core, loop)
    digest = Digest()
    channels.add_book_ticker(digest, MARKET)
    channels.add_trades(digest, Interest(frozenset({MARKET})))
    depth.subscribe(digest, Window(MARKET, levels, Decimal(0)), keep_others=True)
    end = START + seconds
    while virtual.queue[0][0] <= end:
        virtual.now, _, timer = heapq.heappop(virtual.queue)
        server.exchange.tick(virtual.now)
        if timer.callback is not None:
            timer.callback()
    return digest
