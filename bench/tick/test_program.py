"""The programs: who plays, on which schedule, exit codes and JSON; on a stage without processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import pytest

from bench.micro.measure import CannotMeasureError, WrongAnswerError
from bench.tick import legs, program
from bench.tick.native import build
from bench.tick.program import FLOOR, Options, best_gateway, main
from bench.tick.stage import Client, Found, Plan


class _Stage:
    """Answers at once: the floor takes 10 µs, everything else 10 times as long."""

    played: list[tuple[str, Plan, int]]
    has_c_floor = False
    error: Exception | None = None

    def __init__(self, tls: bool) -> None:
        self.is_tls = tls

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def play(self, client: Client, plan: Plan, seed: int) -> Found:
        if self.error is not None:
            raise self.error
        self.played.append((client.name, plan, seed))
        pairs = [(10_000 if client.name == FLOOR else 100_000, plan.ticks)]
        report = {"tick_to_order": pairs, "ticks": plan.ticks, "folded": 0, "missed": 0}
        return Found(report, pairs if plan.legs > 1 else [])


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Plan, int]]:
    monkeypatch.setattr(program, "Stage", _Stage)
    monkeypatch.setattr(_Stage, "played", [], raising=False)
    monkeypatch.setattr(_Stage, "error", None)
    return _Stage.played


def _document(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def test_each_client_plays_each_round_on_its_schedule(
    played: list[tuple[str, Plan, int]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out.json"
    assert main(Options(rounds=3, json_file=str(file), seed=7)) == 0
    # each match on each transport; the seed of a round is the same for all who play it
    for name in (FLOOR, "ccxt.pro", "careful asyncio", "the guide's code, one session"):
        assert [seed for who, _, seed in played if who == name] == [7, 8, 9, 7, 8, 9]
    gaps = {who: plan.gap_us for who, plan, _ in played}
    assert gaps[FLOOR] == (200, 1_200)
    assert gaps["ccxt.pro"] == (1_000, 2_000)
    document = _document(file)
    assert [match["title"].split(":")[0] for match in document["matches"]] == [
        "tick to trade, tls",
        "tick to trade beside rivals, tls",
        "tick to trade, plain",
        "tick to trade beside rivals, plain",
    ]
    assert document["environment"]["whitewire"] != "absent"
    assert "## tick to trade, tls" in capsys.readouterr().out


def test_only_names_who_plays(played: list[tuple[str, Plan, int]]) -> None:
    assert main(Options(rounds=1, transports=["tls"], only=["floor", "ccxt"])) == 0
    assert {who for who, *_ in played} == {FLOOR, "ccxt.pro"}


def test_a_tail_run_is_rounds_of_a_minute(
    played: list[tuple[str, Plan, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(Options(transports=["plain"], minutes=2)) == 0
    assert len(played) == 4
    assert {who for who, *_ in played} == {FLOOR, best_gateway()}
    assert all(55 < plan.seconds < 65 for _, plan, _ in played)
    assert "p99.9 / p50" in capsys.readouterr().out


def test_ladders_are_timed_by_their_clients(
    played: list[tuple[str, Plan, int]], tmp_path: Path
) -> None:
    file = tmp_path / "out.json"
    assert legs.main(["--rounds", "2", "--ladders", "30", "--json", str(file)]) == 0
    assert {(plan.legs, plan.service_us) for _, plan, _ in played} == {(20, 200)}
    (match,) = _document(file)["matches"]
    assert match["ratios"][-1]["ratio"] == pytest.approx(10)
    assert match["ratios"][-1]["met"] is False


@pytest.mark.parametrize(
    ("error", "code"), [(WrongAnswerError("forged"), 1), (CannotMeasureError("no CPU"), 2)]
)
def test_what_went_wrong_is_said_and_no_table_printed(
    played: list[tuple[str, Plan, int]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
) -> None:
    monkeypatch.setattr(_Stage, "error", error)
    assert main(Options(rounds=1)) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert str(error) in said.err
    assert played == []


@pytest.mark.parametrize("argv", [["--legs", "1"], ["--legs", "21"], ["--rounds", "0"]])
def test_usage_errors(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        legs.main(argv)
    assert stop.value.code == 2


def test_missing_cargo_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotMeasureError, match="cargo is missing"):
        build()
