"""The command line: exit codes, one sentence per error, strategies by name."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from whitewire.cli import load_strategies, load_strategy, main
from whitewire.errors import PeerError, UsageError

STRATEGIES = """
from whitewire import Strategy

class Good(Strategy):
    def on_book(self, book): ...

class NeedsArguments(Strategy):
    def __init__(self, size): ...

value = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "author_module.py").write_text(STRATEGIES)
    (tmp_path / "author_broken.py").write_text("import no_such_dependency\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delitem(sys.modules, "author_module", raising=False)
    return "author_module"


def test_a_strategy_is_found_in_the_current_folder(module: str) -> None:
    assert type(load_strategy(f"{module}:Good")).__name__ == "Good"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("author_module", "write MODULE:CLASS"),
        (":Good", "write MODULE:CLASS"),
        ("author_module:Bad", "has no class 'Bad'"),
        ("author_module:value", "has no class 'value'"),
        ("author_module:NeedsArguments", "cannot be made without arguments"),
        ("author_nothing:Good", "there is no module 'author_nothing'"),
        ("author_broken:Good", "needs no_such_dependency"),
    ],
)
@pytest.mark.usefixtures("module")
def test_a_strategy_that_cannot_be_had_is_explained(name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load_strategy(name)


def test_a_usage_error_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["check", "--config", str(tmp_path / "none.toml")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("whitewire: ")
    assert len(told.err.splitlines()) == 1


def test_strategies_are_given_by_account(module: str) -> None:
    alone = load_strategies([f"{module}:Good"])
    assert type(alone).__name__ == "Good"
    found = load_strategies([f"main={module}:Good", f"hedge={module}:Good"])
    assert list(found) == ["main", "hedge"]
    assert found["main"] is not found["hedge"]
    assert list(load_strategies([f"main={module}:Good"])) == ["main"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["m:Good", "m:Good"], "m:Good names no account; write ACCOUNT=MODULE:CLASS"),
        (["a=m:Good", "m:Good"], "m:Good names no account"),
        (["=m:Good"], "=m:Good names no account"),
        (["a=m:Good", "a=m:Good"], "account a has two strategies"),
        (["a="], "write MODULE:CLASS"),
        (["a=m:Bad"], "has no class 'Bad'"),
    ],
)
def test_what_is_no_strategy_of_an_account(module: str, names: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told.replace("m:", f"{module}:")):
        load_strategies([name.replace("m:", f"{module}:") for name in names])


def test_a_job_that_fails_is_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise PeerError("no-answer", "the venue did not answer")

    monkeypatch.setattr("whitewire.checking.check_command", fail)
    assert main(["check", "--config", "x.toml"]) == 1
    assert capsys.readouterr().err == "whitewire: the venue did not answer\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--port", "70000"), "--port was 70000"),
        (("--port", "-1"), "--port was -1"),
        (("--market", "FOO_BAR"), "FOO_BAR"),
        (("--scenario", "monsoon"), "monsoon"),
    ],
)
def test_a_venue_that_cannot_be_is_explained(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert main(["venue", *arguments]) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.out == ""


def test_a_port_in_use_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = min(taken.getsockname()[1], 65_533)
        assert main(["venue", "--port", str(port)]) == 2
    assert f"port {port}: Address already in use" in capsys.readouterr().err


def test_the_module_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "whitewire", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("whitewire ")


@pytest.mark.parametrize(
    "arguments",
    [["--service-us", "-1"], ["--service-us", "1000001"]],
)
def test_a_service_time_out_of_bounds_is_explained(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["venue", *arguments]) == 2
    assert "--service-us was" in capsys.readouterr().err


def test_the_service_model_reaches_the_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    import whitewire.venue as package

    served: list[package.VenueConfig] = []
    monkeypatch.setattr(package, "serve", served.append)
    assert main(["venue", "--service-us", "200", "--service-model", "engine"]) == 0
    assert main(["venue"]) == 0
    assert [(each.service_us, str(each.service_model)) for each in served] == [
        (200, "engine"),
        (0, "serial"),
    ]
