"""A gateway as a process of its own: what a signal leaves behind; and half a minute of quoting."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway_rig import MARKET, Truth, gateway, live
from whitewire import Strategy
from whitewire.gateway import Gateway
from whitewire.venue import Venue
from whitewire.venue.values.events import OrderEvent

STRATEGY = """
from whitewire import Strategy

class Quoter(Strategy):
    def on_start(self, gw):
        gw.set_quotes("BTC_USDT", [(60000, "0.01")], [(60100, "0.01")])
"""


@contextmanager
def child(venue: Venue, folder: Path, timeout_s: int = 30) -> Iterator[subprocess.Popen[str]]:
    """`whitewire run` on a strategy that quotes both sides."""
    (folder / "my_quoter.py").write_text(STRATEGY)
    text = f"""
[venue]
rest = "{venue.rest}"
public_rest = "{venue.public_rest}"
ws = "{venue.ws}"
ca = "{venue.ca}"
[kill_switch]
timeout_s = {timeout_s}
[markets.BTC_USDT]
max_order_amount = "1"
max_order_notional = "100000"
"""
    (folder / "gateway.toml").write_text(text)
    spec = venue.accounts[0]
    environment = os.environ | {"WHITEWIRE_KEY": spec.key, "WHITEWIRE_SECRET": spec.secret}
    process = subprocess.Popen(
        [sys.executable, "-m", "whitewire", "run", "my_quoter:Quoter", "--config", "gateway.toml"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Any, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing_resting_and_no_timer(
    venue: Venue, truth: Truth, tmp_path: Path, number: signal.Signals
) -> None:
    with child(venue, tmp_path) as process:
        wait_for(lambda: len(truth.orders()) == 2, 20)
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "clean stop" in output
    assert (truth.orders(), truth.timers()) == ([], [])


@pytest.mark.slow
def test_after_kill_9_the_venues_timer_cancels_what_rests(
    venue: Venue, truth: Truth, tmp_path: Path
) -> None:
    with child(venue, tmp_path, timeout_s=5) as process:
        wait_for(lambda: len(truth.orders()) == 2, 20)
        time.sleep(1.5)  # at least one renewal
        process.kill()
        process.wait()
        killed = time.monotonic()
        time.sleep(0.3)
        assert len(truth.orders()) == 2
        wait_for(lambda: not truth.orders(), 8)
        assert time.monotonic() - killed > 2
    assert truth.timers() == []
    assert all(event.event == 3 for event in last_events(truth))


def last_events(truth: Truth) -> list[OrderEvent]:
    mine = [e for e in truth.events if isinstance(e, OrderEvent) and e.account == truth.me]
    return mine[-2:]


class Busy(Strategy):
    """Requotes with every book."""

    def on_start(self, gw: Gateway) -> None:
        self.gw = gw

    def on_book(self, book: Any) -> None:
        mid = book.mid
        if mid is not None:
            asks = [(mid + 5 + i, "0.01") for i in range(3)]
            bids = [(mid - 5 - i, "0.01") for i in range(3)]
            self.gw.set_quotes(MARKET, bids, asks)


@pytest.mark.slow
def test_half_a_minute_of_quoting_leaks_nothing() -> None:
    tasks: list[int] = []

    @live
    async def run(venue: Venue) -> None:
        async with gateway(venue, Busy()) as rig:
            began = time.monotonic()
            while time.monotonic() - began < 30:
                await asyncio.sleep(0.5)
                tasks.append(len(asyncio.all_tasks()))
                assert len(rig.gw.open_orders()) <= 6
                assert len(rig.truth.orders()) <= 6
            assert rig.gw.counts["modifies"] > 100
            assert rig.gw.counts["unknown"] == 0
            assert rig.gw.counts["illegal"] == 0
            assert rig.gw.store.foreign == 0

    with Venue() as venue:
        run(venue)
    assert max(tasks) <= 8
