"""The market on a virtual clock: hours in seconds, and to the byte the same from the same seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.venue.recordings import record
from tests.venue.virtual_time import Digest, run_venue
from whitewire.venue import ReplayOptions
from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.scenario import scenario_names
from whitewire.venue.values.model import VenueError
from whitewire.venue.values.requests import CancelAllRequest, KillSwitchRequest, LimitRequest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from tests.venue.virtual_time import run_venue
digest = run_venue(3600.0, seed=7, levels=10)
print(digest.hash.hexdigest(), digest.counts["depth_update"], digest.counts["trades_update"])
"""


class Quoter:
    """A client that quotes both sides of the touch, takes now and then, and forgets its orders."""

    def __init__(self) -> None:
        self.calls = 0
        self.refused = 0

    def __call__(self, exchange: Exchange, account: str) -> None:
        self.calls += 1
        top = exchange.top("BTC_USDT")
        try:
            if self.calls % 50 == 1:
                request = KillSwitchRequest(market="BTC_USDT", timeout="5")
                exchange.kill_switch(account, request)
            if self.calls % 7 == 0:
                exchange.cancel_all(account, CancelAllRequest(market="BTC_USDT"))
            for side, level in (("buy", top.bid), ("sell", top.ask)):
                price = "60000" if level is None else str(level.price)
                ioc = self.calls % 11 == 0
                exchange.place(account, LimitRequest("BTC_USDT", side, "0.002", price, ioc=ioc))
        except VenueError:
            self.refused += 1


@pytest.mark.slow
def test_an_hour_runs_in_seconds_and_is_the_same_in_every_process() -> None:
    """Two processes with different hashes of text, so that no order of a set is relied on."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": hash_seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for hash_seed in ("1", "2")
    ]
    first, second = (run.communicate(timeout=110)[0] for run in runs)
    assert [run.returncode for run in runs] == [0, 0]
    assert first == second
    looks, trades = map(int, first.split()[1:])
    assert 30_000 < looks < 36_002
    assert trades > 3_600


@pytest.mark.parametrize("scenario", scenario_names())
def test_a_scenario_is_its_seeds_alone(scenario: str) -> None:
    """With a client in it, its private channels included."""

    def run(seed: int) -> Digest:
        quoter = Quoter()
        digest = run_venue(20.0, seed=seed, scenario=scenario, levels=20, client=quoter)
        assert quoter.calls == 200
        assert quoter.refused == 0
        return digest

    first, again, other = run(3), run(3), run(4)
    assert first.counts == again.counts
    assert first.hash.digest() == again.hash.digest()
    assert first.hash.digest() != other.hash.digest()
    assert first.counts["ordersPending_update"] > 300
    assert first.counts["balanceSpot_update"] > 15
    assert first.counts["deals_update"] > 0


def test_a_replay_is_its_file_alone_with_a_client_in_it(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl.gz"
    record(path, 10.0, seed=2, ticker=True)
    replay = ReplayOptions(str(path), loop=True)
    first, again = (
        run_venue(30.0, seed=seed, scenario="calm", replay=replay, client=Quoter())
        for seed in (3, 3)
    )
    assert first.counts == again.counts
    assert first.hash.digest() == again.hash.digest()
    assert first.counts["deals_update"] > 10
    assert first.counts["trades_update"] > 300


def test_chance_faults_are_part_of_what_the_seed_decides(tmp_path: Path) -> None:
    scenario = tmp_path / "flaky.toml"
    scenario.write_text(
        '[[faults]]\nname = "gap"\nprobability = 0.1\nat = 5.0\nseconds = 30.0\n',
        encoding="utf-8",
    )
    flaky = [run_venue(60.0, seed=3, scenario=str(scenario)) for _ in range(2)]
    calm = run_venue(60.0, seed=3)
    assert flaky[0].hash.digest() == flaky[1].hash.digest()
    lost = calm.counts["depth_update"] - flaky[0].counts["depth_update"]
    assert 10 < lost < 60
    assert calm.counts["trades_update"] == flaky[0].counts["trades_update"]
