"""`whitewire bench tick`: what it demands before the bench of the checkout takes over."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from whitewire.bench import tick
from whitewire.cli import main


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """What the bench would be started with."""
    found: list[SimpleNamespace] = []

    def run(options: SimpleNamespace) -> int:
        found.append(options)
        return 1

    program = ModuleType("program")
    program.__dict__.update(Options=SimpleNamespace, main=run)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "bench.tick.program", program)
    return found


def test_options_reach_the_bench_and_its_exit_code_comes_back(told: list[SimpleNamespace]) -> None:
    assert main(["bench", "tick", "--rounds", "3", "--tls", "--only", "floor,spin"]) == 1
    (options,) = told
    assert (options.rounds, options.transports, options.only) == (3, ["tls"], ["floor", "spin"])
    assert (options.minutes, options.short, options.json_file) == (0, False, None)


def test_both_transports_are_the_default(told: list[SimpleNamespace]) -> None:
    main(["bench", "tick", "--short", "--seed", "5"])
    assert told[0].transports == ["tls", "plain"]
    assert (told[0].short, told[0].seed) == (True, 5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rounds", "0"], "--rounds was 0"),
        (["--minutes", "-1"], "--minutes -1"),
        (["--json", "nowhere/at/all.json"], "cannot write nowhere/at/all.json"),
    ],
)
def test_senseless_options_are_refused(
    told: list[SimpleNamespace],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert main(["bench", "tick", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert told == []


def test_a_wheel_says_that_it_needs_the_checkout(
    told: list[SimpleNamespace],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tick, "__file__", str(tmp_path / "lib" / "whitewire" / "bench" / "a.py"))
    assert main(["bench", "tick"]) == 2
    assert "needs a checkout of the repository, and cargo" in capsys.readouterr().err
    assert told == []
