"""The market on a virtual clock: hours in seconds, and to the byte the same from the same seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.venue.virtual_time import run_venue
from whitewire.venue.scenario import scenario_names

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from tests.venue.virtual_time import run_venue
digest = run_venue(3600.0, seed=7, levels=10)
print(digest.hash.hexdigest(), digest.counts["depth_update"], digest.counts["trades_update"])
"""


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
    first, again = (run_venue(20.0, seed=3, scenario=scenario) for _ in range(2))
    other = run_venue(20.0, seed=4, scenario=scenario)
    assert first.counts == again.counts
    assert first.hash.digest() == again.hash.digest()
    assert (first.hash.digest() == other.hash.digest()) is (scenario == "empty")


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
