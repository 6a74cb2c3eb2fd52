"""The demo from outside: the main job runs, says what it did, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from whitewire import _core, demo
from whitewire.errors import UsageError


def _demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "whitewire", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("transport", "receive"), [("pipelined", "block"), ("bulk", "spin"), ("websocket", "block")]
)
def test_the_demo_quotes_is_filled_and_stops_cleanly(
    tmp_path: Path, transport: str, receive: str
) -> None:
    if receive == "spin" and len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this process may use one CPU only")
    file = tmp_path / "summary.json"
    done = _demo(
        *("--seconds", "6", "--transport", transport, "--receive", receive), "--json", str(file)
    )
    assert done.returncode == 0, done.stderr
    assert "latency by stage" in done.stdout
    assert "whitewire active" in done.stderr
    data = json.loads(file.read_text())
    orders, market = data["orders"], data["markets"]["BTC_USDT"]
    assert data["clean_stop"]
    assert orders["sent"] >= 6
    assert orders["modified"] > 0
    assert orders["canceled"] > 0
    assert market["fills"] > 0
    assert data["feed"]["deltas"] > 40
    assert (data["feed"]["gaps"], orders["illegal_transitions"], orders["unknown"]) == (0, 0, 0)
    assert orders["open_at_end"] == 0
    stages = data["latency_us"]
    assert set(_core.STAGES) == set(stages)
    for row in stages.values():
        assert 0 < row["p50"] <= row["p90"] <= row["p99"] <= row["p99.9"] <= row["max"]
    assert data["receive"] == receive
    lag = data["loop_lag_us"]
    assert lag["count"] > 100
    assert 0 < lag["p50"] <= lag["p99"] <= lag["max"]
    assert "loop lag" in done.stderr
    assert _children_named("whitewire venue") == []


def _children_named(text: str) -> list[str]:
    """Command lines of running processes of this interpreter's demo venue."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue  # it ended meanwhile
        if text in line and parent in (1, os.getpid()):
            found.append(line)
    return found


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--legs", "0"), "--legs was 0"),
        (("--legs", "21"), "--legs was 21"),
        (("--seconds", "-1"), "--seconds -1"),
        (("--seconds", "nan"), "--seconds nan"),
        (("--json", "/no/such/folder/x.json"), "cannot write /no/such/folder/x.json"),
    ],
)
def test_senseless_arguments_are_one_sentence(arguments: tuple[str, ...], told: str) -> None:
    done = _demo(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_debug_build_of_the_core_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "build_profile", "debug")
    with pytest.raises(UsageError, match="debug build"):
        demo.main(1, 1, "pipelined", 1, None, "BTC_USDT", None)
