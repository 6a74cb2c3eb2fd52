"""`python -m bench.tick.legs`: a ladder on many connections, against a front serial on each.

Owns: the program. Must not know: how anything is measured. Invariant: both sides send as many
orders, each on a connection of its own, to a front that takes one at a time on each.

The time is a client's own: from the decision to send the ladder until its last leg was answered.
Tables go to stdout, talk to stderr. Exit codes as of `bench.tick.program`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial

from bench.micro.measure import Ratio
from bench.tick.clients.common import WARM_UP_LADDERS
from bench.tick.figures import Match
from bench.tick.program import FLOOR, Options, best_gateway, gateways, measure, meet
from bench.tick.stage import Plan, Stage, native_client

__all__ = ["main"]

_TARGET = 1.15
_MOST_LEGS = 20
# 20 orders every 25 to 35 ms stay below the venue's 1,000 a second.
_GAP_US = (25_000, 35_000)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; an exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.tick.legs", description=__doc__)
    parser.add_argument("--legs", type=int, default=20, metavar="N", help="orders of a ladder")
    parser.add_argument("--service-us", type=int, default=200, metavar="N", help="for one order")
    parser.add_argument("--ladders", type=int, default=100, metavar="N", help="in each round")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--tls", action="store_true", help="over TLS")
    parser.add_argument("--json", metavar="FILE", help="also written there")
    chosen = parser.parse_args(arguments)
    if not 2 <= chosen.legs <= _MOST_LEGS or min(chosen.rounds, chosen.ladders) < 1:
        parser.error(f"choose 2 to {_MOST_LEGS} legs, and at least one ladder and round")
    plan = Plan(
        ticks=chosen.ladders,
        warm_up=WARM_UP_LADDERS,
        gap_us=_GAP_US,
        legs=chosen.legs,
        service_us=chosen.service_us,
    )
    options = Options(
        rounds=chosen.rounds,
        transports=["tls" if chosen.tls else "plain"],
        json_file=chosen.json,
    )
    return measure(partial(_match, plan), options)


def _match(plan: Plan, stage: Stage, transport: str, options: Options) -> Iterator[Match]:
    match = Match(
        f"last answer of {plan.legs} legs on as many connections, {transport}: "
        f"{plan.service_us} µs an order, one at a time on each",
        [
            Ratio(name, FLOOR, at_most=_TARGET if name == best_gateway() else None)
            for name in gateways()
        ],
    )
    floor = {FLOOR: native_client(FLOOR, connections=plan.legs)}
    meet(match, stage, floor | gateways(connections=plan.legs), plan, options)
    yield match


if __name__ == "__main__":
    sys.exit(main())
