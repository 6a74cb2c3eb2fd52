"""SIGKILL at every labelled point: nothing is lost, doubled, orphaned or reused after a restart.

The gateway is a process of its own, the venue is this one; somebody trades with its quotes all the
time, and with what it left behind while it is dead.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.gateway_rig import MARKET, Recorder, Truth, config_for, credentials_of, gateway, live
from whitewire.bookkeeping import Bookkeeper
from whitewire.config import Config, JournalConfig, OrdersConfig
from whitewire.journal.failpoints import POINTS
from whitewire.journal.projection import Projection
from whitewire.journal.reader import frames, replay, soundness
from whitewire.journal.records import FillFact, Placed, SessionStart
from whitewire.venue import Venue

pytestmark = pytest.mark.usefixtures("impatient")

PROGRAM = """
import sys
import msgspec
from whitewire import Strategy, run
from whitewire.config import Config, JournalConfig

class Restless(Strategy):
    "Quotes, moves and pulls, without end."

    def on_start(self, gw):
        self.gw, self.turn = gw, 0
        gw.every(0.005)
        self.on_timer(0)

    def on_timer(self, now_ns):
        self.turn += 1
        step = self.turn % 4
        if step == 0 and sys.argv[2] != "steady":
            self.gw.set_quotes("BTC_USDT", [], [])
        else:
            bids = [(60000 - step, "0.01"), (59990 - step, "0.01")]
            self.gw.set_quotes("BTC_USDT", bids, [(60100 + step, "0.01")])

config = msgspec.json.decode(sys.argv[1], type=Config)
if sys.argv[2] == "rotate":  # with every commit
    config = msgspec.structs.replace(
        config, journal=JournalConfig(path=config.journal.path, durable_ms=1, segment_mib=0)
    )
print("running", flush=True)
sys.exit(run(Restless(), config))
"""
# At which passage, and what the process does when it dies there.
CASES = {
    "before_journal": 9,
    "after_journal_before_send": 9,
    "after_send": 9,
    "after_ack": 20,
    "in_commit": 12,
    "in_rotation": 60,
    "during_start_replay": 1,
    "after_arm": 1,
    "during_stop": 1,
}


class Scene:
    """One account's gateways, one after the other."""

    def __init__(self, venue: Venue, truth: Truth, folder: Path, transport: str) -> None:
        self.venue, self.truth = venue, truth
        orders = OrdersConfig(transport="bulk" if transport == "bulk" else "pipelined")
        self.config: Config = config_for(
            venue, orders=orders, journal=JournalConfig(path=str(folder), durable_ms=2)
        )
        found = Bookkeeper(self.config, venue.accounts[0].key).folder
        assert found is not None
        self.folder = found
        self.stock = truth.stock()

    def child(self, point: str = "", mode: str = "plain") -> subprocess.Popen[str]:
        """Starts a gateway that dies at `point`."""
        key = credentials_of(self.venue)
        more = {"WHITEWIRE_KEY": key.key, "WHITEWIRE_SECRET": key.secret}
        more["WHITEWIRE_FAILPOINT"] = point
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, msgspec.json.encode(self.config).decode(), mode],
            env=os.environ | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def trade_until(self, is_over: Callable[[], object], timeout_s: float = 20) -> None:
        """Trades with whatever rests, a bit at a time."""
        deadline = time.monotonic() + timeout_s
        while not is_over():
            assert time.monotonic() < deadline
            self.trade("0.003")
            time.sleep(0.002)  # the pace of the other trader

    def trade(self, amount: str) -> None:
        """Hits our best bid and our best ask, and nobody else's."""
        self.truth.make("sell", 59_900, amount, ioc=True)
        self.truth.make("buy", 60_200, amount, ioc=True)

    def run_and_kill(self, point: str, mode: str = "plain") -> None:
        """A gateway quotes, is traded with, and dies at `point`, or of a signal without one."""
        with self.child(point, mode) as process:
            try:
                if not point or point.startswith("during_stop"):
                    self.trade_until(lambda: len(self.truth.deals()) > 8)
                    if mode == "steady":
                        self.trade_until(lambda: self.is_stopped_with_orders(process))
                    process.send_signal(signal.SIGTERM if point else signal.SIGKILL)
                if mode == "steady":
                    process.wait()
                self.trade_until(lambda: process.poll() is not None)
            finally:
                process.kill()
                _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors

    def is_stopped_with_orders(self, process: subprocess.Popen[str]) -> bool:
        """Holds the process where several orders rest; lets it go on where they do not."""
        process.send_signal(signal.SIGSTOP)
        looks = [len(self.truth.orders()) for _ in range(20)]  # what is on its way arrives
        if min(looks) >= 2:
            return True
        process.send_signal(signal.SIGCONT)
        return False

    def deals(self) -> set[tuple[int, int]]:
        """(deal id, order id) of all our deals, by the venue."""
        return {(deal.id, deal.order_id) for deal in self.truth.deals()}

    async def check_recovery(self) -> None:
        """The next gateway knows all, and nothing of the old one is left."""
        seen = Recorder()
        async with gateway(self.venue, seen, self.config, truth=self.truth) as rig:
            assert self.truth.orders() == []
            assert rig.gw.open_orders() == []
            position = rig.gw.inventory(MARKET)
            assert position.stock == self.truth.stock() - self.stock
            assert position.fills == len(self.deals())
            told = [(found.deal_id, found.venue_id) for found in seen.fills]
            assert len(told) == len(set(told))
            order = await rig.resting("buy", 59_950)
        self.check_journal(order.client_id)

    def check_journal(self, newest: str) -> None:
        """Every fill is recorded once; every placement at the venue has an id of its own."""
        records = [record for _, frame in frames(self.folder) for record in frame.records]
        fills = [(r.deal_id, r.venue_id) for r in records if isinstance(r, FillFact)]
        assert len(fills) == len(set(fills))
        assert set(fills) == self.deals()
        sessions = [r.number for r in records if isinstance(r, SessionStart)]
        assert sessions == sorted(set(sessions))
        ids = [record.client_id for record in records if isinstance(record, Placed)]
        assert len(ids) == len(set(ids))
        session = newest.split("-")[1]
        assert [name for name in ids if name.split("-")[1] == session] == [newest]
        venue_ids = {order.client_order_id for order in self.truth.finished()}
        assert venue_ids <= set(ids)
        state = replay(self.folder)
        assert (state.orders, state.duplicates) == ({}, 0)
        assert sum(s.size - s.sound for _, s in soundness(self.folder)) == 0
        with Projection(self.folder) as projection:
            projection.update()
            assert len(projection.rows("fills")) == len(fills)
            bought = [r["amount"] for r in projection.rows("fills") if r["side"] == "buy"]
            assert sum(map(Decimal, bought)) == state.positions[MARKET].bought


def test_every_point_has_a_case() -> None:
    assert tuple(CASES) == POINTS


@pytest.mark.parametrize("point", CASES)
@live
async def test_a_death_at_a_labelled_point_costs_nothing(
    venue: Venue, truth: Truth, tmp_path: Path, point: str
) -> None:
    scene = Scene(venue, truth, tmp_path / "state", "pipelined")
    if point in ("during_start_replay", "after_arm"):
        scene.run_and_kill("", "steady")
        scene.trade("0.004")
        assert scene.truth.orders(), "something is left to recover"
    mode = "rotate" if point == "in_rotation" else "plain"
    scene.run_and_kill(f"{point}:{CASES[point]}", mode)
    scene.trade("0.004")
    await scene.check_recovery()


@pytest.mark.parametrize("transport", ["pipelined", "bulk"])
@live
async def test_two_deaths_while_quoting_cost_nothing(
    venue: Venue, truth: Truth, tmp_path: Path, transport: str
) -> None:
    scene = Scene(venue, truth, tmp_path / "state", transport)
    scene.run_and_kill("")
    scene.trade("0.004")
    count = len(truth.deals())
    with scene.child() as process:  # a second one begins where the first one ended
        scene.trade_until(lambda: len(truth.deals()) > count + 8)
        process.kill()
        process.communicate()
    scene.trade("0.02")
    await scene.check_recovery()
