"""The program: its arguments, exit codes, tables and JSON; on suites that take no time."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from bench.micro import ratios
from bench.micro.measure import CannotMeasureError, Case, Ratio, Suite, expect
from bench.micro.native import Library
from bench.micro.ratios import main
from whitewire import _core


def _spin(turns: int) -> Case:
    def run(repetitions: int) -> None:
        for _ in range(turns * repetitions):
            pass

    return Case(f"{turns} turns", run, lambda: None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    promises = [
        Ratio("9000 turns", "300 turns", at_least=2),
        Ratio("9000 turns", "300 turns", at_most=2),
    ]
    suite = Suite("spinning", "spin", [_spin(9000), _spin(300)], promises)
    monkeypatch.setattr(ratios, "Library", object)
    monkeypatch.setattr(ratios, "suites", lambda library, floor: [suite])
    monkeypatch.delenv("WHITEWIRE_FLOOR", raising=False)


@pytest.mark.usefixtures("quick")
def test_tables_and_json_say_what_was_met(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out.json"
    assert main(["--rounds", "3", "--json", str(file)]) == 0
    out = capsys.readouterr().out
    assert "## spinning" in out
    assert ">= 2   | yes |" in out
    assert "<= 2   | NO  |" in out
    assert "WHITEWIRE_FLOOR" in out
    document = json.loads(file.read_text(encoding="utf-8"))
    (suite,) = document["suites"]
    assert [row["met"] for row in suite["ratios"]] == [True, False]
    assert suite["ratios"][0]["ratio"] > 2
    assert suite["ratios"][0]["undisturbed"] > 2
    assert {row["case"] for row in suite["cases"]} == {"9000 turns", "300 turns"}
    assert document["environment"]["whitewire"]


@pytest.mark.usefixtures("quick")
def test_a_wrong_answer_prints_no_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = Case("wrong", lambda repetitions: None, lambda: expect(False, "no"))
    monkeypatch.setattr(
        ratios, "suites", lambda library, floor: [Suite("adding", "sum", [wrong], [])]
    )
    assert main(["--rounds", "3"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "wrong answer: adding, wrong: no" in captured.err


@pytest.mark.usefixtures("quick")
def test_a_debug_build_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_core, "build_profile", "debug")
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "debug build" in captured.err


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("age_s", "warned"), [(-3600, False), (10 * 365 * 86_400, True)])
def test_a_core_older_than_its_sources_is_told(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    age_s: int,
    warned: bool,
) -> None:
    core = tmp_path / "core.so"
    core.touch()
    os.utime(core, (time.time() - age_s,) * 2)
    monkeypatch.setattr(_core, "__file__", str(core))
    assert main(["--rounds", "3"]) == 0
    assert ("older than native/" in capsys.readouterr().err) is warned


@pytest.mark.usefixtures("quick")
def test_a_floor_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHITEWIRE_FLOOR", str(tmp_path))
    assert main([]) == 2
    assert "sign.c does not compile" in capsys.readouterr().err


def test_missing_cargo_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotMeasureError, match="cargo is missing"):
        Library()


@pytest.mark.parametrize("argv", [["--rounds", "2"], ["--nonsense"]])
def test_usage_errors(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
