"""`whitewire bench acks`: how soon each way to send a ladder is acknowledged, leg by leg.

Owns: the run from options to exit code. Must not know: how bursts are sent or figures made.
Invariant: real money is used only with `--live` and every cap; whatever was placed is canceled and
that is verified, or the exit code is 1.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from whitewire import _core
from whitewire.bench import options as chosen
from whitewire.bench.desk import Desk, Found, measure
from whitewire.bench.machine import facts
from whitewire.bench.options import Request
from whitewire.bench.page import page
from whitewire.bench.summary import summarize
from whitewire.bench.tables import tables
from whitewire.config import (
    Config,
    Credentials,
    MarketConfig,
    OrdersConfig,
    ProcessConfig,
    VenueConfig,
    load,
    split,
)
from whitewire.errors import UsageError
from whitewire.rehearsal import VenueProcess, cpus_apart
from whitewire.running import demand_live
from whitewire.transport.loop import run
from whitewire.transport.receive import demand_host

if TYPE_CHECKING:
    import argparse

    from whitewire.config_process import ReceiveMode

__all__ = ["acks_command", "embedded_config"]

DONE, FAILED = 0, 1
# In flight on one connection, so that a whole ladder fits on it.
IN_FLIGHT = chosen.MAX_LEGS
PROGRESS_EVERY = 10
MARKET = "BTC_USDT"
CONNECTIONS = 4
SHORT_LEGS, SHORT_ROUNDS = "1,5,20", 25
LEGS, ROUNDS = "1,2,5,10,20", 100


def acks_command(options: argparse.Namespace) -> int:
    """Runs the bench; 0 when it came to its end and nothing rests.

    Raises:
        UsageError: senseless options, a cap that is missing or would be passed.
    """
    if _core.build_profile != "release":
        raise UsageError(
            "debug-build", "this core is a debug build", "reinstall whitewire with pip or make"
        )
    json_file = chosen.writable("--json", options.json)
    html_file = chosen.writable("--html", options.html)
    data = _live(options) if options.live else _embedded(options)
    data["machine"] = facts()
    Console().print(tables(data))
    if json_file is not None:
        _write(json_file, json.dumps(data, indent=2) + "\n")
    if html_file is not None:
        _write(html_file, page(data))
    orders = data["orders"]
    is_good = orders["clean_stop"] and orders["whole_schedule"] and not orders["resting_at_end"]
    return DONE if is_good else FAILED


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    Console(stderr=True).print(f"written: {file}")


# ---- on the embedded venue ------------------------------------------------------------------


def _embedded(options: argparse.Namespace) -> dict[str, Any]:
    for option, value in (
        ("--config", options.config),
        ("--max-orders", options.max_orders),
        ("--max-notional", options.max_notional),
        ("--rate", options.rate),
    ):
        if value is not None:
            raise UsageError(
                "bench-not-live", f"{option} was given without --live", "leave it out, or add both"
            )
    request = replace(
        _request(options, options.connections or CONNECTIONS, options.receive or "block"),
        service=options.service,
        service_us=options.service_us,
        is_tls=not options.no_tls,
    )
    return run(_on_the_embedded_venue(request))


async def _on_the_embedded_venue(request: Request) -> dict[str, Any]:
    console = Console(stderr=True)
    how = f"{request.service_us} µs for each order, model {request.service}"
    words = f"embedded venue, {'TLS' if request.is_tls else 'plain'} on loopback, {how}"
    console.print(f"starting the {words} ...")
    cpu, others = cpus_apart()
    async with VenueProcess(_venue_arguments(request), others) as where:
        config, credentials = embedded_config(where, request, cpu)
        demand_host(config.process)
        found = await _measured(request, config, credentials, console)
    endpoint = {
        "kind": "embedded",
        "words": words,
        "service": request.service,
        "service_us": request.service_us,
        "tls": request.is_tls,
    }
    return {**summarize(request, found), "endpoint": endpoint}


def _venue_arguments(request: Request) -> list[str]:
    more = [] if request.is_tls else ["--no-tls"]
    return [
        "--market", request.market, "--seed", str(request.seed), *more,
        "--service-us", str(request.service_us), "--service-model", request.service,
    ]  # fmt: skip


def embedded_config(
    where: dict[str, Any], request: Request, cpu: int | None
) -> tuple[Config, Credentials]:
    """The gateway's configuration for a venue that said where it is."""
    account = where["accounts"][0]
    limits = MarketConfig(
        max_order_amount=Decimal(1_000_000),
        max_order_notional=Decimal(1_000_000),
        collar_percent=request.distance_percent * 2,
    )
    config = Config(
        venue=VenueConfig(
            rest=where["rest"], public_rest=where["public_rest"], ws=where["ws"], ca=where["ca"]
        ),
        orders=OrdersConfig(
            transport=request.transport, connections=request.connections, in_flight=IN_FLIGHT
        ),
        process=ProcessConfig(cpu=cpu, receive=request.receive),
        markets={request.market: limits},
    )
    return config, Credentials(key=account["key"], secret=account["secret"])


# ---- with real money ------------------------------------------------------------------------


def _live(options: argparse.Namespace) -> dict[str, Any]:
    """At the venue of a configuration, within the caps."""
    notional = chosen.decimal_of("--max-notional", options.max_notional)
    caps = chosen.caps_of(options.max_orders, notional, options.rate)
    if options.config is None:
        raise UsageError(
            "bench-config", "--live needs a configuration", "give --config FILE, as for run"
        )
    config = _account_of(options.config, options.account)
    demand_live(config, {config.account.name: config}, True)
    pool = config.orders.connections
    connections = options.connections or (pool if isinstance(pool, int) else CONNECTIONS)
    receive = options.receive or config.process.receive
    request = replace(_request(options, connections, receive), caps=caps)
    limits = config.markets.get(request.market)
    if limits is None:
        raise UsageError(
            "bench-market",
            f"{request.market} is not in the configuration",
            f"choose --market from {', '.join(config.markets)}",
        )
    if request.distance_percent >= limits.collar_percent:
        raise UsageError(
            "bench-collar",
            f"orders {request.distance_percent:f} % away are beyond the collar of "
            f"{limits.collar_percent:f} %",
            f"lower --distance-percent, or raise markets.{request.market}.collar_percent",
        )
    caps.demand(request.plan(), Decimal(0))
    credentials = Credentials.from_environment(config.account)
    return run(_at_the_real_venue(request, _within_caps(config, request), credentials))


def _account_of(file: str, account: str | None) -> Config:
    accounts = split(load(file))
    name = account or next(iter(accounts))
    if name not in accounts or (account is None and len(accounts) > 1):
        raise UsageError(
            "bench-account",
            f"the account was {account}",
            f"choose --account from {', '.join(accounts)}",
        )
    return accounts[name]


def _within_caps(config: Config, request: Request) -> Config:
    """The gateway's own gate holds the rate, too; whole ladders fit on one connection."""
    if request.caps is None:
        return config
    rate = request.caps.orders_per_s
    limits = msgspec.structs.replace(
        config.limits,
        orders_per_s=min(rate, config.limits.orders_per_s or rate),
        # the schedule keeps the rate to the millisecond; this is the net under it
        order_burst=2 * max(request.legs),
    )
    orders = msgspec.structs.replace(
        config.orders,
        transport=request.transport,
        connections=request.connections,
        in_flight=IN_FLIGHT,
    )
    process = msgspec.structs.replace(config.process, receive=request.receive)
    demand_host(process)
    return msgspec.structs.replace(
        config,
        limits=limits,
        orders=orders,
        process=process,
        markets={request.market: config.markets[request.market]},
    )


async def _at_the_real_venue(
    request: Request, config: Config, credentials: Credentials
) -> dict[str, Any]:
    console = Console(stderr=True)
    place = "rehearsal" if config.is_loopback else "LIVE, with real money,"
    words = f"{place} at {config.venue.rest}"
    orders = sum(due.cell.legs for due in request.plan())
    console.print(f"{words}: up to {orders} post-only orders in {request.market} ...")
    found = await _measured(request, config, credentials, console)
    endpoint = {"kind": "live", "words": words, "rest": config.venue.rest}
    return {**summarize(request, found), "endpoint": endpoint}


# ---- both -----------------------------------------------------------------------------------


def _request(options: argparse.Namespace, connections: int, receive: ReceiveMode) -> Request:
    """The options that both kinds of runs have in common."""
    legs = chosen.legs_of(options.legs or (SHORT_LEGS if options.short else LEGS))
    rounds = options.rounds or (SHORT_ROUNDS if options.short else ROUNDS)
    if not 1 <= rounds <= 100_000 or not 1 <= connections <= 64:
        raise UsageError(
            "bench-arguments",
            f"--rounds was {options.rounds} and --connections {connections}",
            "choose 1 to 100000 rounds and 1 to 64 connections",
        )
    distance = chosen.decimal_of("--distance-percent", options.distance_percent)
    if distance is None or not 1 <= distance <= 90:
        raise UsageError(
            "bench-distance",
            f"--distance-percent was {options.distance_percent}",
            "choose from 1 to 90; nearer orders might be filled",
        )
    return Request(
        ways=chosen.chosen_ways(options.transport, connections),
        legs=legs,
        rounds=rounds,
        connections=connections,
        interval_ms=chosen.interval_of(
            options.interval_ms, max(legs), options.service_us, options.live
        ),
        distance_percent=distance,
        market=options.market,
        seed=options.seed,
        receive=receive,
    )


async def _measured(
    request: Request, config: Config, credentials: Credentials, console: Console
) -> Found:
    plan = request.plan()
    seconds = plan[-1].at_ns / 1e9
    console.print(f"{len(plan)} bursts in about {seconds:.0f} s ...")
    columns = (TextColumn("bursts"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # a thread that draws would take its time from what is measured
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        told = _teller(progress, len(plan))
        desk = Desk(request.market, plan, request.distance_percent, request.caps, told)
        return await measure(desk, config, credentials)


def _teller(progress: Progress, total: int) -> Callable[[int], None]:
    task = progress.add_task("bursts", total=total)

    def tell(done: int) -> None:
        if done % PROGRESS_EVERY == 0 or done == total:
            progress.update(task, completed=done, refresh=True)

    return tell
