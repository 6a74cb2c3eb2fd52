"""The arguments of `whitewire bench acks`, and their help.

Owns: names, choices and texts. Must not know: what the bench does. Invariant: importing this costs
next to nothing.
"""

from __future__ import annotations

import argparse
from typing import Any

from whitewire.config_process import RECEIVE_MODES

__all__ = ["add_acks"]

_EPILOG = """\
on a venue of your own, which takes 1000 us for an order, one after the other on a connection:
  whitewire bench acks --html acks.html
how it would be with an engine that serves one order at a time, whoever sent it:
  whitewire bench acks --service engine --service-us 50 --connections 8
at the exchange, with real money that is not meant to be spent:
  whitewire bench acks --live --config gateway.toml --market BTC_USDT --legs 1,5,20 \\
      --rounds 20 --max-orders 3000 --max-notional 200 --rate 50 --html acks.html

how to read it: times count from the moment at which a burst was due on a schedule that no answer
moves. What decides is when the last leg is known to rest; what reacts first needs the first.

transports: sequential, pipelined-1, pipelined-K (with --connections K), bulk, websocket.
"""


def add_acks(kinds: Any, formatter: type[argparse.HelpFormatter]) -> None:
    """Adds it to the benches."""
    acks = kinds.add_parser(
        "acks",
        help="which order transport acknowledges a ladder soonest",
        description="Sends ladders of post-only orders far from the market in each way there is, "
        "in random order on a fixed schedule, and says when each leg is acknowledged. Cancels and "
        "verifies everything it placed. Without --live on an embedded venue that it starts.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    _add_what(acks)
    _add_where(acks)
    _add_live(acks)


def _add_what(acks: argparse.ArgumentParser) -> None:
    acks.add_argument(
        "--legs", metavar="LIST", help="orders in a burst, default 1,2,5,10,20; at most 20"
    )
    acks.add_argument(
        "--transport", action="append", metavar="NAME", help="repeatable; default all"
    )
    acks.add_argument(
        "--connections", type=int, metavar="K",
        help="order connections, default 4 or as configured",
    )  # fmt: skip
    acks.add_argument(
        "--receive", choices=RECEIVE_MODES,
        help="how the loop waits for the venue, default block or as configured",
    )  # fmt: skip
    acks.add_argument("--rounds", type=int, metavar="N", help="default 100")
    acks.add_argument(
        "--interval-ms", type=float, metavar="MS",
        help="between two bursts; default is enough for the slowest, with --live 500",
    )  # fmt: skip
    acks.add_argument(
        "--short", action="store_true", help="1,5,20 legs, 25 rounds: less than a minute"
    )
    acks.add_argument("--market", default="BTC_USDT", metavar="M", help="default BTC_USDT")
    acks.add_argument(
        "--distance-percent", default="10", metavar="P",
        help="how far below the best bid the orders are, default 10",
    )  # fmt: skip
    acks.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of the order of bursts, default 1"
    )
    acks.add_argument("--json", metavar="FILE", help="write every figure and sample as JSON")
    acks.add_argument("--html", metavar="FILE", help="write a page with charts that needs no net")


def _add_where(acks: argparse.ArgumentParser) -> None:
    group = acks.add_argument_group("the embedded venue")
    group.add_argument(
        "--service", choices=("serial", "concurrent", "engine"), default="serial",
        help="which orders wait for each other: those of one connection (default), none, or all",
    )  # fmt: skip
    group.add_argument(
        "--service-us", type=int, default=1000, metavar="N",
        help="time of the engine for each order and each leg of a bulk, default 1000 microseconds; "
        "the venue itself takes 100 to 200 of its processor's",
    )  # fmt: skip
    group.add_argument("--no-tls", action="store_true", help="plain HTTP and WebSocket")


def _add_live(acks: argparse.ArgumentParser) -> None:
    group = acks.add_argument_group("a real endpoint")
    group.add_argument(
        "--live", action="store_true",
        help="at the venue of --config, with real money; needs all three caps",
    )  # fmt: skip
    group.add_argument("--config", metavar="FILE", help="TOML configuration, as for run")
    group.add_argument("--account", metavar="NAME", help="which one, where there are several")
    group.add_argument(
        "--max-orders", type=int, metavar="N", help="placements of the whole run, at most"
    )
    group.add_argument(
        "--max-notional", metavar="MONEY", help="price times amount resting at a time, at most"
    )
    group.add_argument(
        "--rate", type=int, metavar="N",
        help="placements a second, at most; never above the venue's own limit",
    )  # fmt: skip
