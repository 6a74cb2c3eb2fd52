"""The commands that meet a venue: run, check, cancel-all.

Owns: what each of them does from configuration to exit code. Must not know: arguments. Invariant:
nothing is placed at a venue that is not on this machine without `live`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import random
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path as FilePath
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from whitewire import _core
from whitewire._bridge import Path, epoch_ms, now_ns
from whitewire.config import Config, Credentials, load
from whitewire.endpoints import ENDPOINTS
from whitewire.errors import ConfigError, StartupError, WhitewireError
from whitewire.latch import LatchFile
from whitewire.lifecycle import Lifecycle
from whitewire.markets import engine_limits, read_markets
from whitewire.protocol import control_replies as read
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.rate_verdict import RateVerdict, rate_verdict
from whitewire.protocol.throttle import Throttle
from whitewire.report import summary, summary_tables
from whitewire.strategy import Strategy, check
from whitewire.transport import loop
from whitewire.transport.control import Control
from whitewire.transport.link import is_tls_direct, tls_context
from whitewire.transport.shared_cells import throttle_for

__all__ = ["arm_command", "cancel_all_command", "check_command", "run", "run_command"]

log = logging.getLogger("whitewire")

T = TypeVar("T")
CANCEL_TIMEOUT_S = 10.0


def run(strategy: Strategy, config: str | FilePath | Config, *, live: bool = False) -> int:
    """Runs a strategy until SIGINT or SIGTERM.

    Args:
        strategy: an instance of your `Strategy`.
        config: path of a TOML file, or a `Config`.
        live: required for a venue that is not on this machine.

    Returns:
        0 after a clean stop; 1 when it could not be verified that nothing rests, or when a
        callback or whitewire itself failed.

    Raises:
        UsageError: the strategy or configuration cannot be used.
        StartupError: the gateway could not become ready.
    """
    checked = check(strategy)
    settings = config if isinstance(config, Config) else load(config)
    _demand_live(settings, live)
    return loop.run(_run(checked, settings, Credentials.from_environment(settings.account)))


def _demand_live(config: Config, live: bool) -> None:
    if not config.is_loopback and not live:
        raise ConfigError(
            "not-live",
            f"{config.venue.rest} is not on this machine, and --live was not given",
            "add --live to trade there with real money",
        )
    if not config.is_loopback and config.missing_limits:
        raise ConfigError(
            "config-limits-missing",
            f"live trading has no default for {', '.join(config.missing_limits)}",
            "decide each and add it to the configuration; whitewire/config.py explains them",
        )


async def _run(strategy: Strategy, config: Config, credentials: Credentials) -> int:
    lifecycle = Lifecycle(strategy, config, credentials)
    loop.stop_on_signals(lifecycle.stop)
    began = time.monotonic()
    await lifecycle.run()
    gateway = lifecycle.gateway
    data = summary(gateway, time.monotonic() - began, lifecycle.is_clean)
    Console().print(summary_tables(data))
    has_failed = gateway.callbacks.errors or gateway.counts["internal-errors"]
    return 0 if lifecycle.is_clean and not has_failed else 1


def run_command(strategy: Strategy, config: str, live: bool) -> int:
    """`whitewire run`."""
    logging.getLogger("whitewire").setLevel(logging.INFO)
    return run(strategy, config, live=live)


# ---- check ----------------------------------------------------------------------------------


def check_command(path: str) -> int:
    """`whitewire check`: a row per question; 1 when any answer is no."""
    config = load(path)
    rows = _host_rows(config) + loop.run(_venue_rows(config))
    table = Table("check", "state", "detail", title=f"whitewire check {path}")
    for name, state, detail in rows:
        table.add_row(name, state, detail)
    Console().print(table)
    return 1 if any(state == "FAIL" for _, state, _ in rows) else 0


Row = tuple[str, str, str]


def _host_rows(config: Config) -> list[Row]:
    profile = _core.build_profile
    direct = is_tls_direct()
    cpus = sorted(os.sched_getaffinity(0))
    rows = [
        ("core", "ok" if profile == "release" else "FAIL", f"{profile} build"),
        ("python", "ok", f"{platform.python_implementation()} {platform.python_version()}"),
        (
            "TLS path",
            "ok" if direct else "slow",
            "aiofastnet calls OpenSSL directly"
            if direct
            else "this Python links its own OpenSSL statically: a slower fallback is used",
        ),
        ("CPUs", "ok" if len(cpus) >= 4 else "few", f"{len(cpus)} usable, 4 or more are better"),
    ]
    if config.process.cpu is not None:
        usable = config.process.cpu in cpus
        rows.append(("pinning", "ok" if usable else "FAIL", f"process.cpu = {config.process.cpu}"))
    return rows


async def _venue_rows(config: Config) -> list[Row]:
    credentials = Credentials.from_environment(config.account)
    control = _control(config, credentials, throttle_for(config))
    rows: list[Row] = []

    async def ask(name: str, question: Callable[[], Awaitable[str]]) -> bool:
        try:
            rows.append((name, "ok", await question()))
        except WhitewireError as error:
            rows.append((name, "FAIL", str(error)))
        return rows[-1][1] == "ok"

    async def hosts() -> str:
        await control.open()
        return f"{config.venue.rest} and {config.venue.public_rest}"

    async def clock() -> str:
        await control.ask_time()
        if not control.clock.is_safe:
            raise StartupError(
                "clock-off", control.clock.describe(now_ns()), "synchronize this host's clock"
            )
        return control.clock.describe(now_ns())

    async def markets() -> str:
        status, body = await control.call("markets")
        if status != 200:
            raise StartupError("markets-unavailable", f"the market list came with HTTP {status}")
        for market in read_markets(body, config.markets):
            engine_limits(market, config.markets[market.name])
        return ", ".join(config.markets)

    async def account() -> str:
        balances = read.read_balances(*await control.call("balance"))
        held = [row.asset for row in balances if Decimal(row.available) or Decimal(row.freeze)]
        return f"the key works; it holds {', '.join(held) or 'nothing'}"

    async def token() -> str:
        read.read_websocket_token(*await control.call("websocket_token"))
        return "private channels can be authorized"

    try:
        if await ask("hosts and TLS", hosts):
            await ask("clock", clock)
            await ask("markets and limits", markets)
            if await ask("account", account):
                await ask("websocket token", token)
    finally:
        control.close()
        await asyncio.sleep(0.05)
    return rows


# ---- arm ------------------------------------------------------------------------------------


def arm_command(path: str, reason: str) -> int:
    """`whitewire arm`: a human says that a killed or halted account may trade again."""
    before = LatchFile(load(path).limits.state_file).arm(reason, epoch_ms())
    was = f"it was {before.state}: {before.reason}" if before.reason else f"it was {before.state}"
    print(f"armed; {was}")
    return 0


# ---- cancel-all -----------------------------------------------------------------------------


def cancel_all_command(path: str, market: str | None) -> int:
    """`whitewire cancel-all`: 0 only when the venue shows nothing open."""
    config = load(path)
    left = loop.run(_cancel_all(config, market))
    where = market or "the account"
    print(f"{left} orders open on {where}" if left else f"no order is open on {where}")
    return 1 if left else 0


async def _cancel_all(config: Config, market: str | None) -> int:
    # its own buckets: nothing that a file of other processes may hold can keep it from working
    throttle = Throttle(ENDPOINTS.values(), random.Random())
    control = _control(config, Credentials.from_environment(config.account), throttle)
    fields = {} if market is None else {"market": market}
    deadline = now_ns() + int(CANCEL_TIMEOUT_S * 1e9)
    has_compared = False
    try:
        await control.open()
        while True:
            status, body = await control.call("cancel_all", fields)
            if rate_verdict(status, body) is RateVerdict.NONCE and not has_compared:
                has_compared = True
                await _compare_clocks(control)
                continue
            if status != 200:
                raise read.refusal(status, body)
            # without a market the venue lists the open orders of all markets
            rows = read.read_open_orders(*await control.call("open_orders", fields))
            if not rows or now_ns() > deadline:
                return len(rows)
            await asyncio.sleep(0.2)
    finally:
        control.close()
        await asyncio.sleep(0.05)


async def _compare_clocks(control: Control) -> None:
    """Lets nonces follow the venue's clock; where that fails this host's has to do."""
    try:
        await control.ask_time()
    except WhitewireError as error:
        log.warning("the venue does not tell its time: %s", error)


def _control(config: Config, credentials: Credentials, throttle: Throttle) -> Control:
    engine = _core.Engine(host="", paths=("", "", "", ""), id_base="")
    return Control(
        config,
        tls_context(config.venue.ca),
        Path(engine),
        _core.Signer(credentials.key, credentials.secret),
        NonceAllocator(),
        throttle,
        now_ns,
    )
