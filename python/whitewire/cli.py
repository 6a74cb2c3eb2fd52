"""The command line: `whitewire COMMAND`.

Owns: exit codes, and one sentence for every error. Must not know: arguments (see
`cli_arguments`), how commands work. Invariant: data goes to stdout and talk to stderr; 0 done,
1 the job failed, 2 usage or configuration; never a traceback for what a user can cause.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from whitewire.cli_arguments import parser
from whitewire.errors import StartupError, UsageError, WhitewireError

__all__ = ["main"]

DONE, FAILED, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code."""
    options = parser().parse_args(arguments)
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
        options.receive,
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

    return running.run_command(
        load_strategies(options.strategy), options.config, options.live, options.receive
    )


def _check(options: argparse.Namespace) -> int:
    from whitewire import checking

    return checking.check_command(options.config, options.json)


def _cancel_all(options: argparse.Namespace) -> int:
    from whitewire.ops import red_button

    return red_button.cancel_all_command(
        options.config, options.market, options.account, options.json
    )


def _watchdog(options: argparse.Namespace) -> int:
    from whitewire.ops import watchdog

    return watchdog.watchdog_command(options.config, options.account, options.stay)


def _arm(options: argparse.Namespace) -> int:
    from whitewire import arming

    return arming.arm_command(options.config, options.reason, options.account)


def _journal(options: argparse.Namespace) -> int:
    from whitewire import journal_command

    return journal_command.main(
        options.action, options.config, options.path, options.table, as_json=options.json
    )


def _bench(options: argparse.Namespace) -> int:
    from whitewire.bench import acks, tick

    return acks.acks_command(options) if options.bench == "acks" else tick.tick_command(options)


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
    "watchdog": _watchdog,
    "journal": _journal,
    "bench": _bench,
}
