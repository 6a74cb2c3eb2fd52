"""The command that trades: run.

Owns: what it does from configuration to exit code. Must not know: arguments. Invariant:
nothing is placed at a venue that is not on this machine without `live`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from whitewire.config import Config, Credentials, load, split
from whitewire.errors import ConfigError, UsageError
from whitewire.fleet import Fleet
from whitewire.lifecycle import Lifecycle
from whitewire.report import fleet_summary, summary, summary_tables
from whitewire.strategy import Strategy, check
from whitewire.transport import loop
from whitewire.transport.topology import demand_pinning

if TYPE_CHECKING:
    from whitewire.config_process import ReceiveMode

__all__ = ["demand_live", "run", "run_command"]

log = logging.getLogger("whitewire")


def run(
    strategy: Strategy | Mapping[str, Strategy],
    config: str | FilePath | Config,
    *,
    live: bool = False,
    receive: ReceiveMode | None = None,
) -> int:
    """Runs a strategy until SIGINT or SIGTERM.

    Args:
        strategy: an instance of your `Strategy`; with several accounts, one for each by name. A
            single one runs on the first account. An account without one is reached through
            `gw.account`.
        config: path of a TOML file, or a `Config`.
        live: required for a venue that is not on this machine.
        receive: how the loop waits for the venue, in place of the configuration's
            process.receive; None leaves that.

    Returns:
        0 after a clean stop; 1 when it could not be verified that nothing rests, or when a
        callback, an account or whitewire itself failed.

    Raises:
        UsageError: the strategy or configuration cannot be used.
        StartupError: the gateway could not become ready. Of several accounts, those that could
            go on, and the run returns 1 at its end.
    """
    if not isinstance(strategy, Mapping):
        check(strategy)
    settings = config if isinstance(config, Config) else load(config)
    if receive is not None:
        process = msgspec.structs.replace(settings.process, receive=receive)
        settings = msgspec.structs.replace(settings, process=process)
    configs = split(settings)
    strategies = _by_account(strategy, configs)
    demand_live(settings, configs, live)
    for objection in demand_pinning(settings.process):
        log.warning("%s; %s", objection.what, objection.advice)
    credentials = {name: Credentials.from_environment(own.account) for name, own in configs.items()}
    log.log(
        logging.INFO if settings.is_loopback else logging.WARNING,
        _start_message(strategies, settings, configs),
    )
    ((first, alone), *others) = configs.items()
    if not others:
        return loop.run(_run(strategies[first], alone, credentials[first]))
    return loop.run(_run_fleet(Fleet(strategies, settings, credentials)))


def _by_account(
    strategy: Strategy | Mapping[str, Strategy], configs: Mapping[str, Config]
) -> dict[str, Strategy]:
    """Checked strategies by account."""
    if not isinstance(strategy, Mapping):
        return {next(iter(configs)): strategy}
    for name in strategy:
        if name not in configs:
            raise UsageError(
                "account-unknown",
                f"there is no account {name} to run a strategy on",
                f"the configuration has {', '.join(configs)}",
            )
    if not strategy:
        raise UsageError("strategy-none", "no account has a strategy", "give at least one")
    return {name: check(one) for name, one in strategy.items()}


def demand_live(config: Config, configs: Mapping[str, Config], live: bool) -> None:
    """Checks what a venue that is not on this machine demands.

    Raises:
        ConfigError: `live` was not given, or a limit is missing; all that are, are named.
    """
    if not config.is_loopback and not live:
        raise ConfigError(
            "not-live",
            f"{config.venue.rest} is not on this machine, and --live was not given",
            "add --live to trade there with real money",
        )
    missing: list[str] = []
    for name, own in {} if config.is_loopback else configs.items():
        whose = f"accounts.{name}." if config.accounts else ""
        missing += [f"{whose}{limit}" for limit in own.missing_limits]
    if missing:
        raise ConfigError(
            "config-limits-missing",
            f"live trading has no default for {', '.join(missing)}",
            "decide each and add it to the configuration; whitewire/config_limits.py explains them",
        )


def _start_message(
    strategies: Mapping[str, Strategy], config: Config, configs: Mapping[str, Config]
) -> str:
    """What is about to trade where: every account, whether it has a strategy or not."""
    accounts = []
    for name, own in configs.items():
        strategy = strategies.get(name)
        runs = f"runs {type(strategy).__name__}" if strategy else "has no strategy"
        markets = (strategy.markets if strategy else ()) or own.markets
        accounts.append(f"account {name} {runs} ({', '.join(markets)})")
    where = f"rehearsal at {config.venue.rest}" if config.is_loopback else "LIVE, with real money"
    where += "" if config.is_loopback else f", at {config.venue.rest}"
    return f"{where}: {'; '.join(accounts)}"


async def _run(strategy: Strategy, config: Config, credentials: Credentials) -> int:
    lifecycle = Lifecycle(strategy, config, credentials)
    loop.stop_on_signals(lifecycle.stop)
    began = time.monotonic()
    await lifecycle.run()
    gateway = lifecycle.gateway
    lag = lifecycle.shared.reception.lag.total
    data = summary(gateway, time.monotonic() - began, lifecycle.is_clean, lag)
    Console().print(summary_tables(data))
    has_failed = gateway.callbacks.errors or gateway.counts["internal-errors"]
    return 0 if lifecycle.is_clean and not has_failed else 1


async def _run_fleet(fleet: Fleet) -> int:
    loop.stop_on_signals(fleet.stop)
    await fleet.run()
    console = Console()
    for name, data in fleet_summary(fleet)["accounts"].items():
        console.print(summary_tables(data, name))
    return 0 if fleet.is_clean else 1


def run_command(
    strategy: Strategy | Mapping[str, Strategy],
    config: str,
    live: bool,
    receive: ReceiveMode | None = None,
) -> int:
    """`whitewire run`."""
    logging.getLogger("whitewire").setLevel(logging.INFO)
    return run(strategy, config, live=live, receive=receive)
