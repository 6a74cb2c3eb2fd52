"""The file that a restart must not forget, and the human command that ends what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from whitewire.cli import main
from whitewire.config import load, split
from whitewire.errors import ConfigError, UsageError
from whitewire.latch import Latch, LatchFile

CONFIG = """
[venue]
rest = "https://127.0.0.1:1"
public_rest = "https://127.0.0.1:2"
ws = "wss://127.0.0.1:3/ws"
[limits]
state_file = "{path}"
[markets.BTC_USDT]
max_order_amount = 1
max_order_notional = 1000
"""


def test_what_is_written_is_read_by_another(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "state.json"
    file = LatchFile(path)
    assert file.read() == Latch()
    killed = Latch(state="killed", reason="loss", at_utc_ms=5)
    file.write(killed)
    assert LatchFile(path).read() == killed
    assert [entry.name for entry in path.parent.iterdir()] == ["state.json"]


def test_a_file_that_cannot_be_understood_counts_as_killed(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for text in (b"", b"{", b'{"state": "fine"}', b'{"state": "armed", "more": 1}', b"\xff"):
        path.write_bytes(text)
        found = LatchFile(path).read()
        assert found.state == "killed"
        assert "cannot be understood" in found.reason
    assert LatchFile(tmp_path).read().state == "killed", "a folder"


def test_a_file_says_when_somebody_else_wrote_it(tmp_path: Path) -> None:
    ours, theirs = LatchFile(tmp_path / "s"), LatchFile(tmp_path / "s")
    assert not ours.has_changed()
    ours.write(Latch(state="halted", reason="repeats"))
    assert not ours.has_changed()
    assert theirs.arm("looked", 7) == Latch(state="halted", reason="repeats")
    assert ours.has_changed()
    assert ours.read() == Latch(reason="looked", at_utc_ms=7, before="halted: repeats")
    assert not ours.has_changed()


def test_nothing_is_remembered_without_a_path() -> None:
    file = LatchFile(None)
    file.write(Latch(state="killed"))
    assert file.read() == Latch()
    assert not file.has_changed()
    with pytest.raises(ConfigError, match="state_file is not set"):
        file.arm("why not", 1)


def test_arming_takes_a_reason_and_a_file_that_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="say why"):
        LatchFile(tmp_path / "s").arm(" ", 1)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="folder"):
        LatchFile(tmp_path / "folder").arm("because", 1)


def test_the_command_arms_and_says_what_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, config = tmp_path / "state.json", tmp_path / "gateway.toml"
    config.write_text(CONFIG.format(path=path))
    LatchFile(path).write(Latch(state="killed", reason="drawdown"))
    assert main(["arm", "--config", str(config), "--reason", "new limits"]) == 0
    assert capsys.readouterr().out == "armed; it was killed: drawdown\n"
    assert LatchFile(path).read().before == "killed: drawdown"
    nameless = CONFIG.format(path=path).replace("state_file", "# state_file")
    config.write_text(nameless + '[journal]\npath = "none"\n')
    assert main(["arm", "--config", str(config), "--reason", "again"]) == 2
    assert "state_file is not set" in capsys.readouterr().err


def test_each_account_remembers_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gateway.toml"
    text = CONFIG.format(path="x").replace("state_file", "# state_file")
    text = text.replace(
        "[limits]", '[accounts.a]\n[accounts.b.limits]\nstate_file = "b.json"\n[limits]'
    )
    config.write_text(text)
    files = {name: own.latch_file for name, own in split(load(config)).items()}
    assert files["b"] == tmp_path / "b.json", "relative to the configuration"
    assert files["a"] is not None
    assert files["a"].parent == tmp_path / "state"
    assert files["a"].name.startswith("latch-a-")
    for path in files.values():
        LatchFile(path).write(Latch(state="killed", reason="loss"))
    arm = ["arm", "--config", str(config), "--reason", "seen"]
    assert main(arm) == 2
    assert "--account" in capsys.readouterr().err
    assert main([*arm, "--account", "c"]) == 2
    assert main([*arm, "--account", "a"]) == 0
    assert [LatchFile(files[name]).read().state for name in "ab"] == ["armed", "killed"]
