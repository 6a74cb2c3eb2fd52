"""A little of the fuzz in every run of the tests; `make fuzz` runs more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests import fuzz_core


def test_a_short_run_finds_nothing() -> None:
    done = fuzz_core.fuzz(seed=1, seconds=30.0, most=400)
    assert set(done.values()) == {400}
    assert set(done) == set(fuzz_core.targets())


def test_the_same_seed_does_the_same_damage() -> None:
    frame = b'{"method": "depth_update"}' * 3
    damaged = [fuzz_core.mutate(frame, Random("7/3")) for _ in range(2)]
    assert damaged[0] == damaged[1] != frame


def test_a_finding_says_how_to_repeat_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(random: Random) -> None:
        raise AssertionError("found")

    monkeypatch.setattr(fuzz_core, "targets", lambda: {"broken": find})
    with pytest.raises(AssertionError) as caught:
        fuzz_core.fuzz(seed=42, seconds=5.0)
    assert caught.value.__notes__ == ["target broken, seed 42, iteration 0"]


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    program = Path(fuzz_core.__file__)
    run = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        env=os.environ | {"WHITEWIRE_FUZZ_SECONDS": "0.2", "WHITEWIRE_FUZZ_SEED": "5"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert "seed 5" in run.stdout
    assert "book: " in run.stdout
