"""The arguments of `whitewire bench tick`, and their help.

Owns: names, choices and texts. Must not know: what the bench does. Invariant: importing this costs
next to nothing.
"""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add_tick"]

_EPILOG = """\
how to read it: times count from the send of a tick to the arrival of the complete order, whose
signature, payload and price are verified, at a referee process that spins on a CPU of its own. Each
client is a process pinned to another CPU. Ratios are of rounds in which both sides played.

ticks leave on a fixed schedule, whatever has arrived: every 0.2 to 1.2 ms for the gateway and the
native floor, every 1 to 2 ms where rivals play, which could not keep up otherwise. A client may
fold ticks that arrived together and answer the last; the others waited for that order, too.

examples:
  whitewire bench tick                             both, over TLS and over plain TCP
  whitewire bench tick --only floor,spin --tls     the gateway beside the floor
  whitewire bench tick --minutes 10 --tls          the tail: p99.9 over p50

needs a checkout of the repository, cargo, two CPUs, and for the rivals: pip install --group rivals
"""


def add_tick(kinds: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Adds it to the benches."""
    tick = kinds.add_parser(
        "tick",
        help="from a tick to its order, seen from outside, beside rivals",
        description="Tick-to-trade as a native referee sees it: of whitewire with a Python "
        "callback in each receive mode, of a native floor, and of rivals.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    tick.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="each client plays N times, default 5"
    )
    transport = tick.add_mutually_exclusive_group()
    transport.add_argument("--tls", action="store_true", help="over TLS only")
    transport.add_argument("--plain", action="store_true", help="over plain TCP only")
    tick.add_argument(
        "--only", metavar="A,B", help="clients whose name contains A or B: floor, spin, ccxt ..."
    )
    tick.add_argument(
        "--minutes", type=int, default=0, metavar="N",
        help="instead: the gateway and the floor for N minutes each, in turns, for their tails",
    )  # fmt: skip
    tick.add_argument("--short", action="store_true", help="a quarter of the ticks of each round")
    tick.add_argument("--seed", type=int, default=1, metavar="N", help="of schedules, default 1")
    tick.add_argument("--json", metavar="FILE", help="write figures and histograms as JSON too")
