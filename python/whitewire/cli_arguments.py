"""The arguments of every command, and their help.

Owns: names, choices and texts. Must not know: what a command does. Invariant: what takes long to
import is read only when its help is asked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from whitewire._core import __version__
from whitewire.bench.arguments import add_bench
from whitewire.config_process import RECEIVE_MODES
from whitewire.ops.arguments import add_guards

__all__ = ["parser"]

_EPILOG = """\
first steps:
  whitewire demo                           quote on the embedded venue, 10 seconds
  whitewire venue                          the embedded venue alone, for your own client
  whitewire check --config gateway.toml    is this configuration ready? places nothing
  whitewire run my_module:MyStrategy --config gateway.toml          rehearse on loopback
  whitewire run my_module:MyStrategy --config gateway.toml --live   trade
  whitewire watchdog --config gateway.toml                          beside it, in its own process
  whitewire cancel-all --config gateway.toml                        the red button
  whitewire bench acks --html acks.html    which order transport answers soonest?
  whitewire bench tick                     tick-to-trade on this host, beside rivals

exit codes: 0 done, 1 the job failed, 2 usage or configuration
"""


class _Formatter(argparse.HelpFormatter):
    """Fills paragraphs, and leaves a text of several lines as it is."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


class _Parser(argparse.ArgumentParser):
    """A parser whose help may end with something that is read only when help is asked for."""

    late_epilog: Callable[[], str] | None = None

    def format_help(self) -> str:
        """The help text."""
        if self.late_epilog is not None:
            self.epilog = self.late_epilog()
        return super().format_help()


def _scenarios() -> str:
    from whitewire.venue.scenario import descriptions

    rows = descriptions()
    width = max(map(len, rows))
    return "\n".join(
        ["scenarios:", *(f"  {name:<{width}}  {text}" for name, text in sorted(rows.items()))]
    )


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(
        prog="whitewire",
        description="Low-latency market-making gateway for WhiteBIT.",
        epilog=_EPILOG,
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action="version", version=f"whitewire {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_venue(commands)
    run = commands.add_parser(
        "run",
        help="run a strategy",
        description="Runs a strategy until SIGINT or SIGTERM, then cancels what rests, verifies "
        "it, and disarms the kill switch.",
    )
    run.add_argument(
        "strategy", nargs="+", metavar="[ACCOUNT=]MODULE:CLASS",
        help="as my_module:MyStrategy; with several accounts, one for each by name",
    )  # fmt: skip
    run.add_argument("--config", required=True, metavar="FILE", help="TOML configuration")
    run.add_argument(
        "--live", action="store_true", help="required for a venue that is not on this machine"
    )
    _add_receive(run, "instead of the configuration's process.receive")
    check = commands.add_parser(
        "check",
        help="check a configuration without trading",
        description="Checks the file, this host and the receive modes that it supports, both "
        "routes and TLS, the clock, the markets and limits, what each account's key may do, "
        "and how the order endpoint serves; then lists every setting in effect. Places nothing.",
    )
    check.add_argument("--config", required=True, metavar="FILE", help="TOML configuration")
    check.add_argument("--json", action="store_true", help="print JSON instead of tables")
    add_guards(commands)
    arm = commands.add_parser(
        "arm",
        help="let a killed account trade again",
        description="Says that a human looked: an account that was KILLED (a loss beyond its "
        "limit) may be started again, and one that was HALTED for repeated executions goes on.",
    )
    arm.add_argument("--config", required=True, metavar="FILE", help="TOML configuration")
    arm.add_argument("--reason", required=True, metavar="TEXT", help="why it is safe to trade")
    arm.add_argument("--account", metavar="NAME", help="which one, where there are several")
    _add_journal(commands)
    add_bench(commands, _Formatter)
    return parser


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser(
        "demo",
        help="quote on the embedded venue",
        description="Starts the embedded venue in its own process (TLS on loopback), connects, "
        "arms the kill switch and quotes a ladder on both sides of a moving book.",
    )
    demo.add_argument("--seconds", type=float, default=10.0, metavar="N", help="default 10")
    demo.add_argument("--legs", type=int, default=3, metavar="N", help="per side, default 3")
    demo.add_argument(
        "--transport",
        choices=("pipelined", "bulk", "websocket", "auto"),
        default="pipelined",
        help="how ladders travel (default pipelined)",
    )
    demo.add_argument(
        "--market", default="BTC_USDT", metavar="M", help="default BTC_USDT; BTC_PERP is futures"
    )
    demo.add_argument("--seed", type=int, default=1, metavar="N", help="of the market, default 1")
    _add_receive(demo, "default block")
    demo.add_argument("--json", metavar="FILE", help="write the summary as JSON too")


def _add_receive(command: Any, default: str) -> None:
    command.add_argument(
        "--receive", choices=RECEIVE_MODES,
        help="how the loop waits for the venue: block sleeps until the kernel wakes it, busy_poll "
        "lets the kernel poll the network card first, spin never sleeps and takes all of one CPU; "
        + default,
    )  # fmt: skip


def _add_venue(commands: Any) -> None:
    venue = commands.add_parser(
        "venue",
        help="run the embedded venue",
        description="A WhiteBIT on your desk: REST and WebSocket over TLS, a matching engine and "
        "simulated traders. The first line on stdout is JSON and says where it listens and with "
        "which keys; it runs until SIGINT or SIGTERM.",
        formatter_class=_Formatter,
    )
    venue.late_epilog = _scenarios
    venue.add_argument("--host", default="127.0.0.1", metavar="H", help="default 127.0.0.1")
    venue.add_argument(
        "--port", type=int, default=0, metavar="P",
        help="colocation REST on P, public REST on P+1, WebSocket on P+2; 0 takes free ones",
    )  # fmt: skip
    venue.add_argument("--no-tls", action="store_true", help="plain HTTP and WebSocket")
    venue.add_argument("--seed", type=int, default=1, metavar="N", help="same seed, same market")
    venue.add_argument(
        "--scenario", default="calm", metavar="NAME|FILE",
        help="one of those below (default calm), or a TOML file",
    )  # fmt: skip
    venue.add_argument(
        "--replay", metavar="FILE",
        help="a recorded feed, lines of {t, frame}, .gz or not, drives the markets that it holds",
    )  # fmt: skip
    venue.add_argument(
        "--replay-speed", type=float, default=1.0, metavar="X",
        help="how much faster than it was recorded, default 1",
    )  # fmt: skip
    venue.add_argument(
        "--replay-loop", action="store_true", help="begin the recording anew at its end"
    )
    venue.add_argument(
        "--control", metavar="PATH", help="make a Unix socket there that arms faults"
    )
    venue.add_argument(
        "--accounts", type=int, default=2, metavar="N", help="how many accounts, default 2"
    )
    venue.add_argument(
        "--sub-accounts", type=int, default=0, metavar="N",
        help="sub-accounts of each account, with keys and funds of their own, default 0",
    )  # fmt: skip
    venue.add_argument(
        "--market", action="append", metavar="M", help="repeatable; default BTC_USDT"
    )
    venue.add_argument(
        "--service-us", type=int, default=0, metavar="N",
        help="modelled time of the engine for each order, each leg of a bulk, in microseconds",
    )  # fmt: skip
    venue.add_argument(
        "--service-model", choices=("serial", "concurrent", "engine"), default="serial",
        help="which orders wait for each other: those of one connection (default), none, or all",
    )  # fmt: skip


def _add_journal(commands: Any) -> None:
    journal = commands.add_parser(
        "journal",
        help="read the book of record",
        description="Verifies every checksum of the journal, shows a table of it, or rebuilds the "
        "SQLite file that such questions are asked of. Never writes the journal itself.",
    )
    journal.add_argument("action", choices=("verify", "show", "rebuild"), help="what to do")
    where = journal.add_mutually_exclusive_group(required=True)
    where.add_argument("--config", metavar="FILE", help="TOML configuration that names it")
    where.add_argument("--path", metavar="DIR", help="the folder of one or of all journals")
    journal.add_argument(
        "--table", choices=("sessions", "orders", "fills", "incidents"), default="sessions",
        help="what show shows, default sessions",
    )  # fmt: skip
    journal.add_argument("--json", action="store_true", help="print JSON instead of a table")
