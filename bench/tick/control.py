"""`python -m bench.tick.control`: a venue for every request that the referee does not take.

Owns: what this venue is like. Must not know: the referee, clients. Invariant: nobody trades on it
and it lifts rate limits, since a bench starts more clients in a minute than the venue gives tokens.

Its first line on stdout is JSON: `rest`, `key`, `secret`. It runs until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from decimal import Decimal

import uvloop

from whitewire.venue.options import VenueConfig, WireOptions
from whitewire.venue.server import VenueServer, configure_process
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import AccountSpec

__all__ = ["main"]

_FUNDS = Decimal(10) ** 12
_UNLIMITED = 1e6


async def _serve() -> None:
    account = AccountSpec(
        name="tick", key="tick-key", secret="tick-secret", balances={"BTC": _FUNDS, "USDT": _FUNDS}
    )
    server = VenueServer(
        VenueConfig(scenario="empty", markets=("BTC_USDT",), tls=False),
        wire=WireOptions(rate_scale=_UNLIMITED),
        markets=default_markets(),
        accounts=[account],
    )
    await server.start()
    configure_process()
    where = {
        "rest": json.loads(server.announcement())["public_rest"],
        "key": account.key,
        "secret": account.secret,
    }
    print(json.dumps(where), flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    loop.remove_reader(sys.stdin.fileno())
    await server.stop()


def main() -> None:
    """Runs it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())


if __name__ == "__main__":
    main()
