"""The command line: `whitewire COMMAND`.

Owns: arguments, exit codes, and one sentence for every error. Must not know: how commands work.
Invariant: data goes to stdout and talk to stderr; 0 done, 1 the job failed, 2 usage or
configuration; never a traceback for what a user can cause.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from whitewire._core import __version__
from whitewire.errors import StartupError, UsageError, WhitewireError

__all__ = ["main"]

DONE, FAILED, USAGE = 0, 1, 2

_EPILOG = """\
first steps:
  whitewire demo                           quote on the embedded venue, 10 seconds
  whitewire venue                          the embedded venue alone, for your own client
  whitewire check --config gateway.toml    is this configuration ready? places nothing
  whitewire run my_module:MyStrategy --config gateway.toml          rehearse on loopback
  whitewire run my_module:MyStrategy --config gateway.toml --live   trade

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


def _parser() -> argparse.ArgumentParser:
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
    check = commands.add_parser(
        "check",
        help="check a configuration without trading",
        description="Checks the file, this host, both routes and TLS, the clock, the markets and "
        "limits, and what each account's key may do; then lists every setting in effect. Places "
        "nothing.",
    )
    check.add_argument("--config", required=True, metavar="FILE", help="TOML configuration")
    check.add_argument("--json", action="store_true", help="print JSON instead of tables")
    cancel = commands.add_parser(
        "cancel-all",
        help="the red button: cancel every order of the account",
        description="Cancels every open order of the account, or of one market, and verifies "
        "that none is left. Positions stay.",
    )
    cancel.add_argument("--config", required=True, metavar="FILE", help="TOML configuration")
    cancel.add_argument("--market", metavar="M", help="only this market")
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
        choices=("pipelined", "bulk"),
        default="pipelined",
        help="how ladders travel (default pipelined)",
    )
    demo.add_argument(
        "--market", default="BTC_USDT", metavar="M", help="default BTC_USDT; BTC_PERP is futures"
    )
    demo.add_argument("--seed", type=int, default=1, metavar="N", help="of the market, default 1")
    demo.add_argument("--json", metavar="FILE", help="write the summary as JSON too")


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    try:
        return _COMMANDS[options.command](options)
    except (UsageError, StartupError) as error:
        print(f"whitewire: {error}", file=sys.stderr)
        return USAGE
    except WhitewireError as error:
        print(f"whitewire: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # the reader of our stdout went away; nothing more can be said to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _demo(options: argparse.Namespace) -> int:
    from whitewire import demo

    return demo.main(
        options.seconds,
        options.legs,
        options.transport,
        options.seed,
        options.json,
        options.market,
    )


def _venue(options: argparse.Namespace) -> int:
    from whitewire.venue import ReplayOptions, VenueConfig, serve
    from whitewire.venue.options import ServiceModel

    if not 0 <= options.port <= 65_533:
        raise UsageError(
            "venue-port",
            f"--port was {options.port}, and the venue needs that port and the next two",
            "choose one from 1 to 65533, or 0 for free ones",
        )
    if not 1 <= options.accounts <= 1_000 or not 0 <= options.sub_accounts <= 1_000:
        raise UsageError(
            "venue-accounts",
            f"--accounts was {options.accounts} and --sub-accounts {options.sub_accounts}",
            "choose 1 to 1000 accounts and 0 to 1000 sub-accounts of each",
        )
    if options.replay is None and (options.replay_loop or options.replay_speed != 1.0):
        raise UsageError("venue-arguments", "there is no recording to play", "give --replay FILE")
    if not 0 <= options.service_us <= 1_000_000:
        raise UsageError(
            "venue-service",
            f"--service-us was {options.service_us}",
            "choose from 0 to 1000000 microseconds",
        )
    config = VenueConfig(
        host=options.host,
        port=options.port,
        tls=not options.no_tls,
        seed=options.seed,
        scenario=options.scenario,
        markets=tuple(options.market or ("BTC_USDT",)),
        accounts=options.accounts,
        sub_accounts=options.sub_accounts,
        control=options.control,
        service_us=options.service_us,
        service_model=ServiceModel(options.service_model),
    )
    try:
        if options.replay is not None:
            replay = ReplayOptions(options.replay, options.replay_loop, options.replay_speed)
            config = dataclasses.replace(config, replay=replay)
        serve(config)
    except OSError as error:
        if error.filename is not None:
            raise UsageError(
                "venue-control",
                f"cannot make the control socket {error.filename}: {error.strerror}",
                "choose another --control",
            ) from None
        raise UsageError(
            "venue-port",
            f"cannot listen on {options.host} port {options.port}: "
            f"{os.strerror(error.errno) if error.errno else error}",
            "choose another --port, or 0 for free ones",
        ) from None
    except ValueError as error:
        raise UsageError("venue-arguments", str(error)) from None
    return DONE


def _run(options: argparse.Namespace) -> int:
    from whitewire import running

    return running.run_command(load_strategies(options.strategy), options.config, options.live)


def _check(options: argparse.Namespace) -> int:
    from whitewire import checking

    return checking.check_command(options.config, options.json)


def _cancel_all(options: argparse.Namespace) -> int:
    from whitewire import running

    return running.cancel_all_command(options.config, options.market)


def _arm(options: argparse.Namespace) -> int:
    from whitewire import running

    return running.arm_command(options.config, options.reason, options.account)


def _journal(options: argparse.Namespace) -> int:
    from whitewire import journal_command

    return journal_command.main(
        options.action, options.config, options.path, options.table, as_json=options.json
    )


def load_strategies(names: Sequence[str]) -> Any:
    """One strategy for the first account, or several by the names of their accounts.

    Raises:
        UsageError: one cannot be loaded, or it is not clear which account it is for.
    """
    if len(names) == 1 and "=" not in names[0]:
        return load_strategy(names[0])
    found: dict[str, Any] = {}
    for text in names:
        account, is_named, name = text.partition("=")
        if not is_named or not account:
            raise UsageError(
                "strategy-account", f"{text} names no account", "write ACCOUNT=MODULE:CLASS"
            )
        if account in found:
            raise UsageError("strategy-account", f"account {account} has two strategies")
        found[account] = load_strategy(name)
    return found


def load_strategy(name: str) -> Any:
    """An instance of MODULE:CLASS; the current folder is searched too.

    Raises:
        UsageError: there is no such module or class, or it cannot be made without arguments.
    """
    module_name, _, class_name = name.partition(":")
    if not module_name or not class_name:
        raise UsageError("strategy-name", f"the strategy was {name!r}", "write MODULE:CLASS")
    sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name.split(".")[0] and error.name != module_name:
            raise UsageError("strategy-import", f"{module_name} needs {error.name}") from error
        raise UsageError(
            "strategy-module", f"there is no module {module_name!r}", "run from its folder"
        ) from None
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise UsageError("strategy-class", f"{module_name} has no class {class_name!r}")
    try:
        return found()
    except TypeError as error:
        raise UsageError(
            "strategy-arguments", f"{name} cannot be made without arguments: {error}"
        ) from None


_COMMANDS = {
    "demo": _demo,
    "venue": _venue,
    "run": _run,
    "check": _check,
    "cancel-all": _cancel_all,
    "arm": _arm,
    "journal": _journal,
}
