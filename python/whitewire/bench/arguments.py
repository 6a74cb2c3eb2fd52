"""The arguments of `whitewire bench`, and their help.

Owns: names, choices and texts. Must not know: what a bench does. Invariant: importing this costs
next to nothing.
"""

from __future__ import annotations

import argparse
from typing import Any

from whitewire.bench.acks_arguments import add_acks
from whitewire.bench.tick_arguments import add_tick

__all__ = ["add_bench"]


def add_bench(commands: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Adds `bench` and what belongs to it."""
    bench = commands.add_parser(
        "bench",
        help="measure on your host, at your endpoint",
        description="Measurements of whitewire on your own host and at your own endpoint.",
    )
    kinds = bench.add_subparsers(dest="bench", required=True, metavar="BENCH")
    add_acks(kinds, formatter)
    add_tick(kinds, formatter)
