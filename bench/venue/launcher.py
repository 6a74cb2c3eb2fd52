"""`python -m bench.venue.launcher`: one venue on one CPU, made for load, until its input ends.

Owns: what the venue under load is like. Must not know: the load. Invariant: only what the load
cannot do without differs from `whitewire venue`: rate limits are lifted (one address may send
1,000 orders a second), there are more API keys (one key has a thousand nonces a second) and more
markets, and the colocation listener serves cancel-bulk, as the newest guide has it.

The first line on stdout is JSON: `rest`, `ws`, `ca`, `markets`, `keys` and `pid`.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import os
import sys
from collections.abc import Sequence
from decimal import Decimal

import uvloop

from whitewire.venue.access.auth import ApiKey
from whitewire.venue.options import ServiceModel, VenueConfig, WireOptions
from whitewire.venue.server import VenueServer, configure_process
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import AccountSpec
from whitewire.venue.values.synthetic_markets import synthetic_markets

__all__ = ["main"]

_ACCOUNT = "load"
_FUNDS = Decimal(10) ** 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a venue until standard input ends."""
    options = _parser().parse_args(arguments)
    if options.cpu is not None:
        os.sched_setaffinity(0, {options.cpu})
    profile = cProfile.Profile() if options.profile else None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(options, profile))
    if profile is not None:
        profile.dump_stats(options.profile)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.venue.launcher", description=__doc__)
    parser.add_argument("--cpu", type=int, metavar="N", help="run on this CPU only")
    parser.add_argument("--scenario", default="calm", metavar="NAME|FILE")
    parser.add_argument("--synthetic", type=int, default=0, metavar="N", help="N more markets")
    parser.add_argument("--keys", type=int, default=1, metavar="N", help="API keys of the account")
    parser.add_argument("--service-us", type=int, default=0, metavar="N", help="per order")
    parser.add_argument(
        "--service-model", default=ServiceModel.SERIAL, choices=[str(each) for each in ServiceModel]
    )
    parser.add_argument("--profile", metavar="FILE", help="write a cProfile of the load there")
    return parser


def _server(options: argparse.Namespace) -> VenueServer:
    more = synthetic_markets(options.synthetic) if options.synthetic else ()
    account = AccountSpec(
        name=_ACCOUNT, key="k0", secret="s0", balances={"BTC": _FUNDS, "USDT": _FUNDS}
    )
    server = VenueServer(
        VenueConfig(scenario=options.scenario, markets=("BTC_USDT", *(spec.name for spec in more))),
        wire=WireOptions(
            rate_scale=1e6,
            service_us=options.service_us,
            service_model=ServiceModel(options.service_model),
            colocation_extra=frozenset({"/api/v4/order/cancel/bulk"}),
        ),
        markets=default_markets() + more,
        accounts=[account],
    )
    keys = server.core.authenticator.keys
    for number in range(options.keys):
        keys[f"k{number}"] = ApiKey(f"k{number}", f"s{number}", _ACCOUNT)
    return server


async def _serve(options: argparse.Namespace, profile: cProfile.Profile | None) -> None:
    server = _server(options)
    await server.start()
    configure_process()
    announcement = json.loads(server.announcement())
    announcement["keys"] = [
        [entry.key, entry.secret] for entry in server.core.authenticator.keys.values()
    ]
    announcement["pid"] = os.getpid()
    print(json.dumps(announcement), flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    if profile is not None:
        profile.enable()
    await ended.wait()
    if profile is not None:
        profile.disable()
    loop.remove_reader(sys.stdin.fileno())
    await server.stop()


if __name__ == "__main__":
    sys.exit(main())
