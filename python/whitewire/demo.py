"""The demo: the embedded venue in a process of its own, and a ladder quoted on it.

Owns: the demonstration strategy and its run. Must not know: how the venue works (it is another
process). Invariant: the demo ends with the summary of a stopped gateway.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from whitewire import _core
from whitewire.config import (
    Config,
    Credentials,
    MarketConfig,
    OrdersConfig,
    ProcessConfig,
    VenueConfig,
)
from whitewire.errors import UsageError
from whitewire.lifecycle import Lifecycle
from whitewire.rehearsal import VenueProcess, cpus_apart
from whitewire.report import live_table, rss_bytes, summary, summary_tables
from whitewire.strategy import Strategy
from whitewire.transport.loop import run, stop_on_signals
from whitewire.transport.receive import demand_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whitewire._core import Book
    from whitewire.config_process import ReceiveMode
    from whitewire.gateway import Gateway
    from whitewire.protocol.orders import Fill

__all__ = ["DemoQuoter", "main"]

log = logging.getLogger("whitewire")

MARKET = "BTC_USDT"
WARM_UP_S = 10.0


class DemoQuoter(Strategy):
    """Quotes `legs` levels a side around the mid and leans against its inventory."""

    def __init__(self, legs: int, market: str = MARKET) -> None:
        self.legs = legs
        self.market = market
        self.markets = (market,)
        self.amount = Decimal("0.002")
        self.gateway: Gateway | None = None
        self.quoted = Decimal(0)

    def on_start(self, gw: Gateway) -> None:
        """Keeps the gateway and quotes at once."""
        self.gateway = gw
        self.on_book(gw.book(self.market))

    def on_book(self, book: Book) -> None:
        """Requotes when the mid moved by more than half a spread step."""
        mid, gateway = book.mid, self.gateway
        if mid is None or gateway is None:
            return
        step = mid / 20_000
        inventory = gateway.inventory(self.market).stock
        center = mid - inventory / self.amount * step / 2
        if abs(center - self.quoted) < step / 2:
            return
        self.quoted = center
        best_bid, best_ask = book.best_bid, book.best_ask
        if best_bid is None or best_ask is None:
            return
        # join the touch at best: a quote through it would be refused as a taker
        top_bid, top_ask = min(center, best_bid[0]), max(center, best_ask[0])
        gateway.set_quotes(
            self.market,
            bids=[(top_bid - step * i, self.amount) for i in range(self.legs)],
            asks=[(top_ask + step * i, self.amount) for i in range(self.legs)],
            tolerance_ticks=50,
        )

    def on_fill(self, fill: Fill) -> None:
        """Requotes with the new inventory."""
        self.quoted = Decimal(0)


def _config(
    where: dict[str, Any], market: str, transport: str, process: ProcessConfig
) -> tuple[Config, Credentials]:
    account = where["accounts"][0]
    config = Config(
        venue=VenueConfig(
            rest=where["rest"], public_rest=where["public_rest"], ws=where["ws"], ca=where["ca"]
        ),
        orders=OrdersConfig(transport=transport),  # type: ignore[arg-type]
        process=process,
        markets={
            market: MarketConfig(
                max_order_amount=Decimal("0.1"), max_order_notional=Decimal(20_000)
            )
        },
    )
    return config, Credentials(key=account["key"], secret=account["secret"])


class _Watcher:
    """Draws the live table and keeps the memory readings while the demo runs."""

    def __init__(self, lifecycle: Lifecycle, seconds: float, console: Console) -> None:
        self._lifecycle = lifecycle
        self._lag = lifecycle.shared.reception.lag
        self._seconds = seconds
        self._console = console
        self.memory: list[tuple[float, int]] = []
        self.ran_s = 0.0

    async def run(self) -> None:
        gateway = self._lifecycle.gateway
        while gateway.state == "starting":
            await asyncio.sleep(0.02)
        began = time.monotonic()
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                self.ran_s = time.monotonic() - began
                if self.ran_s >= self._seconds:
                    break
                self.memory.append((self.ran_s, rss_bytes()))
                if self._console.is_terminal:
                    live.update(self._table(), refresh=True)
                elif len(self.memory) % 4 == 1:
                    self._console.print(self._table())
                await asyncio.sleep(min(0.5, max(0.0, self._seconds - self.ran_s)))
                if gateway.state == "stopping":
                    return
        self._lifecycle.stop("the demo's time is up")

    def _table(self) -> Table:
        return live_table(self._lifecycle.gateway, self._seconds - self.ran_s, self._lag.take())


async def _demo(
    seconds: float, legs: int, transport: str, seed: int, market: str, receive: ReceiveMode
) -> dict[str, Any]:
    console = Console(stderr=True)
    console.print("starting the embedded venue (TLS on loopback) in its own process ...")
    cpu, others = cpus_apart()
    process = ProcessConfig(cpu=cpu, receive=receive)
    demand_host(process)
    venue = VenueProcess(["--seed", str(seed), "--market", market], others)
    async with venue as where:
        config, credentials = _config(where, market, transport, process)
        lifecycle = Lifecycle(DemoQuoter(legs, market), config, credentials)
        stop_on_signals(lifecycle.stop)
        watcher = _Watcher(lifecycle, seconds, console)
        console.print(f"quoting {legs} legs a side on {market} at {where['rest']} ...")
        watch = asyncio.get_running_loop().create_task(watcher.run())
        try:
            await lifecycle.run()
        finally:
            watch.cancel()
        lag = lifecycle.shared.reception.lag.total
        data = summary(lifecycle.gateway, watcher.ran_s, lifecycle.is_clean, lag)
    data["memory"] = _memory(watcher.memory)
    return data


def _memory(readings: Sequence[tuple[float, int]]) -> dict[str, float | None]:
    mib = 1024.0 * 1024.0
    warm = [size for at, size in readings if at >= WARM_UP_S]
    end = readings[-1][1] if readings else rss_bytes()
    growth = None if not warm else (max(warm) - warm[0]) / warm[0]
    return {
        "end_mib": end / mib,
        "after_warm_up_mib": warm[0] / mib if warm else None,
        "growth_after_warm_up": growth,
    }


def main(
    seconds: float,
    legs: int,
    transport: str,
    seed: int,
    json_file: str | None,
    market: str,
    receive: ReceiveMode | None,
) -> int:
    """Runs the demo; 0 when it ended cleanly.

    Raises:
        UsageError: a debug build of the core, or senseless arguments.
    """
    if _core.build_profile != "release":
        raise UsageError(
            "debug-build", "this core is a debug build", "reinstall whitewire with pip or make"
        )
    if not 1 <= legs <= 20 or not 0 < seconds <= 86_400:
        raise UsageError(
            "demo-arguments",
            f"--legs was {legs} and --seconds {seconds:g}",
            "legs are 1 to 20, seconds up to 86400",
        )
    if json_file is not None and not os.access(Path(json_file).resolve().parent, os.W_OK):
        raise UsageError("demo-json", f"cannot write {json_file}", "choose another folder")
    data = run(_demo(seconds, legs, transport, seed, market, receive or "block"))
    Console().print(summary_tables(data))
    if json_file is not None:
        Path(json_file).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return 0 if data["clean_stop"] and not data["callback_errors"] else 1
