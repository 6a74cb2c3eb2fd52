"""The instructions of the hot jobs, held to their baseline; and how the two are compared."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench import instructions
from bench.instructions import drift, main

_JOBS = {"cancel", "depth", "gate", "http", "private", "sign", "ticker"}


@pytest.mark.slow
@pytest.mark.timeout(600)  # it may have to build the driver
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_no_job_has_drifted_from_its_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0, capsys.readouterr().out
    out = capsys.readouterr().out
    assert all(job in out for job in _JOBS)


def test_the_baseline_has_every_job() -> None:
    baseline = json.loads(instructions.BASELINE.read_text(encoding="utf-8"))
    assert baseline["instructions"].keys() == _JOBS
    assert min(baseline["instructions"].values()) > 100_000
    assert baseline["compiler"].startswith("rustc ")


def _counted(
    monkeypatch: pytest.MonkeyPatch, folder: Path, found: Mapping[str, int], compiler: str = "rustc"
) -> None:
    baseline = folder / "baseline.json"
    document = {"compiler": "rustc", "instructions": {"depth": 10_000, "sign": 500}}
    baseline.write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.setattr(instructions, "BASELINE", baseline)
    monkeypatch.setattr(instructions, "count", lambda: dict(found))
    monkeypatch.setattr(instructions, "toolchain", lambda: compiler)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({"depth": 10_000, "sign": 500}, 0),
        ({"depth": 10_100, "sign": 495}, 0),
        ({"depth": 10_101, "sign": 500}, 1),
        ({"depth": 9_899, "sign": 500}, 1),
        ({"depth": 10_000}, 1),
        ({"depth": 10_000, "sign": 500, "new": 1}, 1),
    ],
)
def test_a_hundredth_is_the_limit_in_both_directions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: dict[str, int], code: int
) -> None:
    _counted(monkeypatch, tmp_path, found)
    assert main([]) == code


def test_another_compiler_is_told_and_not_judged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _counted(monkeypatch, tmp_path, {"depth": 20_000, "sign": 500}, compiler="rustc 9")
    assert main([]) == 0
    assert "not judged: the baseline is of rustc, this is rustc 9" in capsys.readouterr().out


def test_an_update_makes_the_counts_the_baseline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _counted(monkeypatch, tmp_path, {"depth": 20_000, "sign": 500}, compiler="rustc 9")
    assert main(["--update"]) == 0
    document = json.loads(instructions.BASELINE.read_text(encoding="utf-8"))
    assert document == {"compiler": "rustc 9", "instructions": {"depth": 20_000, "sign": 500}}


def test_what_is_missing_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("bench: rustc is missing")


def test_a_drift_is_a_share_of_the_baseline() -> None:
    assert drift({"a": 99, "b": 1}, {"a": 100}) == {"a": pytest.approx(-0.01), "b": float("inf")}
