"""The command line's face: commands, options, exit codes, and help that fits a terminal."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests import source_tree as source
from whitewire import __version__
from whitewire.cli import main

# The stable face: what users type and scripts depend on.
OPTIONS = {
    "demo": {"--seconds", "--legs", "--transport", "--market", "--seed", "--receive", "--json"},
    "venue": {
        *("--host", "--port", "--no-tls", "--seed", "--scenario", "--market", "--control"),
        *("--replay", "--replay-speed", "--replay-loop", "--accounts", "--sub-accounts"),
        *("--service-us", "--service-model"),
    },
    "run": {"--config", "--live", "--receive"},
    "check": {"--config", "--json"},
    "arm": {"--config", "--reason", "--account"},
    "cancel-all": {"--config", "--market", "--account", "--json"},
    "watchdog": {"--config", "--account", "--stay"},
    "journal": {"--config", "--path", "--table", "--json"},
    "bench acks": {
        *("--legs", "--transport", "--connections", "--rounds", "--interval-ms", "--short"),
        *("--market", "--distance-percent", "--seed", "--receive", "--json", "--html"),
        *("--service", "--service-us", "--no-tls"),
        *("--live", "--config", "--account", "--max-orders", "--max-notional", "--rate"),
    },
    "bench tick": {
        *("--rounds", "--tls", "--plain", "--only", "--minutes", "--short", "--seed", "--json"),
    },
}
MAX_COLUMNS = 100


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """What `--help` prints, after it ended as it should."""
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


def described(text: str) -> dict[str, str]:
    """Options to what the help says about them."""
    _, _, section = text.partition("options:\n")
    entries = re.split(r"\n  (?=-)", "\n" + section)
    found = {}
    for entry in entries:
        head = re.match(r"((?:-\w, )?--[\w-]+(?: [A-Z]+| \{[^}]*\})?)\s*(.*)", entry, re.DOTALL)
        if head is not None:
            found[re.findall(r"--[\w-]+", head[1])[0]] = head[2].split("\n\n")[0].strip()
    return found


@pytest.fixture(autouse=True)
def _same_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` looks for strategies in the current folder; other tests do not."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture(params=["60", "80", "100"])
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The width of the terminal."""
    monkeypatch.setenv("COLUMNS", request.param)
    return int(request.param)


@pytest.mark.parametrize("command", OPTIONS)
def test_help_names_every_option_and_says_what_it_does(
    command: str, columns: int, capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_of(capsys, *command.split())
    found = described(text)
    assert set(found) - {"--help"} == OPTIONS[command]
    assert all(found.values()), found
    usage, _, rest = text.partition("\n\n")
    assert usage.startswith(f"usage: whitewire {command}")
    assert len(rest.split("\n\n")[0].split()) > 5, "a sentence says what the command does"
    assert max(map(len, text.splitlines())) <= MAX_COLUMNS


def test_help_names_every_command_and_the_exit_codes(
    columns: int, capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_of(capsys)
    listed = re.findall(r"^    ([a-z-]+)(?: |$)", text, re.M)
    assert set(listed) == {command.split()[0] for command in OPTIONS}
    assert "exit codes: 0 done, 1 the job failed, 2 usage or configuration" in text
    assert max(map(len, text.splitlines())) <= MAX_COLUMNS


def test_the_examples_of_the_help_use_commands_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = help_of(capsys)
    examples = re.findall(r"^  whitewire (bench [a-z]+|[a-z-]+)(.*)$", text, re.M)
    assert len(examples) >= 3
    for command, rest in examples:
        assert set(re.findall(r"--[\w-]+", rest)) <= OPTIONS[command]


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["demo", "--fast"], ["demo", "--transport", "pigeon"], ["run", "--config", "x"],
     ["check"], ["cancel-all"], ["venue", "--port", "high"], ["demo", "--seconds", "soon"]],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_command_line_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("usage: whitewire")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["check", "--config", "missing.toml"], "missing.toml"),
        (["cancel-all", "--config", "missing.toml"], "missing.toml"),
        (["run", "nowhere:Nothing", "--config", "missing.toml"], "nowhere"),
        (["run", "nothing", "--config", "missing.toml"], "MODULE:CLASS"),
        (["run", "json:JSONEncoder", "--config", "missing.toml"], "JSONEncoder"),
        (["demo", "--legs", "0"], "--legs"),
        (["demo", "--seconds", "-1"], "--seconds"),
        (["venue", "--scenario", "monsoon"], "monsoon"),
        (["venue", "--market", "NO_SUCH"], "NO_SUCH"),
        (["venue", "--host", "256.0.0.1"], "256.0.0.1"),
        (["venue", "--accounts", "0"], "--accounts"),
        (["venue", "--sub-accounts", "-1"], "--sub-accounts"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_a_user_can_cause_is_one_sentence_and_exit_code_2(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("whitewire: ")
    assert word in said.err
    assert said.err.count("\n") == 1


def test_the_module_is_the_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "whitewire", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=source.ROOT,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, f"whitewire {__version__}\n", "")
