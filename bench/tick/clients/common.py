"""What every Python client is told, and what the rivals share.

Owns: the program's argument, pinning. Must not know: any client's libraries. Invariant: nothing
here runs between a tick and its order.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

__all__ = ["AMOUNT", "MARKET", "SUBSCRIBE", "WARM_UP_LADDERS", "Told", "run", "told"]

MARKET = "BTC_USDT"
AMOUNT = "0.01"
WARM_UP_LADDERS = 20
"""A client that times its own ladders leaves so many out; as many as bin/floor.rs."""
SUBSCRIBE = json.dumps({"id": 1, "method": "depth_subscribe", "params": [MARKET, 100, "0", True]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Where to trade, and as whom.

    Attributes:
        rest: base URL of the referee, which takes orders.
        ws: URL of its feed.
        control: base URL of a venue that takes every other request.
        ca: PEM file of the referee's authority; None without TLS.
        key, secret: of the account.
        cpu: CPU to run on; None is any.
        receive: how whitewire waits.
        legs: orders for each tick.
        connections: of whitewire, for orders.
    """

    rest: str
    ws: str
    control: str
    ca: str | None
    key: str
    secret: str
    cpu: int | None = None
    receive: str = "block"
    legs: int = 1
    connections: int = 1

    def tls(self) -> ssl.SSLContext | None:
        """A context that trusts the referee; None without TLS."""
        return ssl.create_default_context(cafile=self.ca) if self.ca else None


def told() -> Told:
    """The program's argument."""
    return Told(**json.loads(sys.argv[1]))


def run(work: Callable[[Told], Coroutine[object, object, None]]) -> None:
    """Runs a rival on its CPU and on the fastest loop, as its users may."""
    import uvloop

    what = told()
    if what.cpu is not None:
        os.sched_setaffinity(0, {what.cpu})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(what))
