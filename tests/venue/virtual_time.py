"""A venue on a virtual clock, without sockets: hours of it run in seconds.

Owns: a venue's channels under the eyes of a subscriber that digests what it is sent. Must not
know: what the venue does with its timers. Invariant: the engine has done what was due before
anybody looks.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from whitewire.venue import ReplayOptions, VirtualClock
from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.options import VenueConfig
from whitewire.venue.server import VenueServer
from whitewire.venue.streams.channels import Channel, Channels, Interest
from whitewire.venue.streams.depth import DepthStreams, Window

MARKET = "BTC_USDT"


class TickedClock(VirtualClock):
    """Before each callback the engine catches up; so it does what the server's timer does."""

    exchange: Exchange | None = None

    def call_at(self, when: float, callback: Callable[..., object], /, *args: Any) -> Any:
        def run() -> None:
            if self.exchange is not None:
                self.exchange.tick(self())
            callback(*args)

        return super().call_at(when, run)

    def call_soon(self, callback: Callable[..., object], *args: Any) -> Any:
        """As an event loop has it."""
        return self.call_at(self(), callback, *args)


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


Client = Callable[[Exchange, str], None]


def run_venue(
    seconds: float,
    *,
    seed: int,
    scenario: str = "calm",
    levels: int = 100,
    replay: ReplayOptions | None = None,
    client: Client | None = None,
    every_s: float = 0.1,
) -> Digest:
    """Lets a market live for a while under the eyes of one subscriber of its channels.

    A client, if there is one, is called each `every_s` seconds with the exchange and an account,
    whose private channels are watched too.
    """
    clock = TickedClock()
    config = VenueConfig(tls=False, seed=seed, scenario=scenario, markets=(MARKET,), replay=replay)
    server = VenueServer(config, clock=clock)
    clock.exchange = server.exchange
    loop = cast("asyncio.AbstractEventLoop", clock)
    channels = Channels(server.core, loop, random.Random(seed), clock)
    depth = DepthStreams(server.core, clock)
    digest = Digest()
    channels.add_book_ticker(digest, MARKET)
    channels.add_trades(digest, Interest(frozenset({MARKET})))
    channels.subscribe(Channel.LAST_PRICE, digest, Interest())
    depth.subscribe(digest, Window(MARKET, levels, Decimal(0)), keep_others=True)
    if client is None:
        clock.advance(seconds)
        return digest
    digest.account = next(iter(server.exchange.accounts))
    for channel in (
        Channel.ORDERS_PENDING, Channel.ORDERS_EXECUTED, Channel.DEALS, Channel.BALANCE
    ):  # fmt: skip
        channels.subscribe(channel, digest, Interest())
    for _ in range(round(seconds / every_s)):
        clock.advance(every_s)
        channels.begin_request()
        client(server.exchange, digest.account)
        channels.end_request()
    return digest
