"""The command line of tune.

Owns: arguments, exit codes, where output goes. Must not know: how anything is done. Invariant:
data on stdout, talk on stderr; without --yes nothing is changed.

Exit codes: topology 0; check 0, 1 something fails (or warns, with --strict), 3 cannot judge; plan
0 nothing to do, 2 changes wait, 1 error; apply 0, 1 failed and undone or refused; revert 0, 1
something was left; confirm 0, 1 nothing waits; verify 0, 1; bench 0; files 0; snapshot 0. A mistake
in the arguments is 2, for plan 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from tunelib import commands, profile
from tunelib.errors import TuneError, Unsupported
from tunelib.export import FORMATS

DESCRIPTION = (
    "Makes a host ready for low latency, measured and reversible. Changes nothing by default."
)


class Mistake(Exception):
    """In the arguments; what is wrong, and how they go."""


class Parser(argparse.ArgumentParser):
    """Leaves the exit code of a mistake to `main`."""

    def error(self, message: str) -> NoReturn:
        """A mistake."""
        raise Mistake(f"{self.format_usage()}tune: {message}")


def parser() -> argparse.ArgumentParser:
    """All commands."""
    top = Parser(prog="tune", description=DESCRIPTION)
    top.add_argument("--root", default="/", help="folder with a fake or recorded host")
    of = top.add_subparsers(dest="command", required=True, parser_class=Parser)
    add = {
        name: of.add_parser(name, help=text, description=text)
        for name, text in (
            ("topology", "CPUs, cores, cards, and who should run where"),
            ("check", "what stands between this host and low latency"),
            ("plan", "what apply would change, in order"),
            ("apply", "change it; without --yes the same as plan"),
            ("confirm", "keep what apply --confirm-within changed"),
            ("revert", "restore what apply found"),
            ("verify", "counters of the host before and after some seconds"),
            ("bench", "measure each setting here: with it, without it, in turns"),
            ("files", "the same for other tools: units, TuneD, sysctl.d, GRUB, cloud-init"),
            ("snapshot", "what the host shows, without names and addresses, as a fake host"),
        )
    }
    for name in ("topology", "check", "plan", "apply", "verify", "bench", "files"):
        _where(add[name])
    add["topology"].add_argument("--format", choices=("text", "json", "whitewire"), default="text")
    add["check"].add_argument("--format", choices=("text", "json", "prom"), default="text")
    add["plan"].add_argument("--format", choices=("text", "json", *FORMATS), default="text")
    for name in ("topology", "check", "plan", "apply", "revert", "verify", "bench", "files"):
        add[name].add_argument("--json", action="store_true", help="the same as --format json")
    add["check"].add_argument("--strict", action="store_true", help="a warning is a failure")
    add["check"].add_argument("--all", action="store_true", help="every row")
    add["check"].add_argument("-o", "--output", metavar="FILE", help="write there, in one piece")
    for name in ("plan", "apply", "revert", "bench"):
        add[name].add_argument("--only", nargs="+", default=[], metavar="ID", help="these entries")
    _changing(add["apply"])
    add["apply"].add_argument("--yes", action="store_true", help="do it")
    add["apply"].add_argument("--tier", choices=("T0", "T1", "T2"), help="nothing above")
    add["apply"].add_argument("--confirm-within", type=_seconds, metavar="S",
                              help="undo it after S seconds unless confirmed")  # fmt: skip
    _changing(add["revert"])
    add["verify"].add_argument("--seconds", type=_seconds, default=10.0)
    _bench(add["bench"])
    _changing(add["bench"])
    add["snapshot"].add_argument("-o", "--output", required=True, metavar="FILE.tar.gz")
    add["files"].add_argument("--write", metavar="DIR", help="below this folder, not this host's /")
    of.add_parser("docs", description="print tuning/README.md, rendered from the catalogue")
    watch = of.add_parser("watch", description="undo a run that is not confirmed")
    watch.add_argument("run")
    return top


def _where(command: argparse.ArgumentParser) -> None:
    command.add_argument("--profile", default=profile.DEFAULT, help="default: %(default)s")
    command.add_argument("--interface", metavar="IF", help="the trading interface")
    command.add_argument(
        "--venue", default="", metavar="ADDRESS", help="its flows are steered (N4)"
    )


def _changing(command: argparse.ArgumentParser) -> None:
    command.add_argument("--force", action="store_true", help="overwrite what others changed since")
    command.add_argument("--while-trading", action="store_true", help="even with orders resting")
    command.add_argument("--allow-mgmt-iface", action="store_true",
                         help="even if the card of this session stops for a moment")  # fmt: skip
    command.add_argument("--beside-tuned", action="store_true", help="even if TuneD sets the same")


def _bench(command: argparse.ArgumentParser) -> None:
    command.add_argument("--target", metavar="URL", help="asked at a bounded rate, TLS or not")
    command.add_argument("--ca", metavar="FILE", help="certificate authority of the target")
    command.add_argument("--rounds", type=int, default=20, help="of each setting")
    command.add_argument("--pings", type=int, default=20, help="in a round")
    command.add_argument("--rate", type=float, default=20.0, help="pings a second, at most")
    command.add_argument("--yes", action="store_true", help="switch settings; else measure only")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("0 to 3600 seconds")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = parser().parse_args(words)
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return commands.exit_code("plan" if "plan" in words else "", "usage")
    if getattr(options, "json", False):
        options.format = "json"
    try:
        return commands.COMMANDS[options.command](options)
    except (TuneError, Unsupported) as error:
        code = getattr(error, "code", "unsupported")
        print(f"tune: {error} [{code}]", file=sys.stderr)
        return commands.exit_code(options.command, code)
