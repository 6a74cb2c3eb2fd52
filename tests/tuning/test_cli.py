"""The command: its arguments, exit codes and formats; a round trip on a host in a folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.tuning import TUNING
from tests.tuning.hosts import SPECS, build
from tests.tuning.memory_host import MemoryHost
from tunelib import cli, commands, pending
from tunelib.state import FILE

TUNE = TUNING / "tune"
# Files only: no program has to be started.
CORKING = "/proc/sys/net/ipv4/tcp_autocorking"
FILES_ONLY = ("S1", "S2", "V1", "V4")


class Said(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str


class Tune:
    """The command on a host in memory."""

    def __init__(self, host: MemoryHost, capsys: pytest.CaptureFixture[str]) -> None:
        self.host = host
        self._capsys = capsys

    def __call__(self, *words: str) -> Said:
        try:
            code = cli.main(words)
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = self._capsys.readouterr()
        return Said(code, out, err)


@pytest.fixture
def tune(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tune:
    """A fresh 4-vCPU AMD instance."""
    host = MemoryHost(SPECS["amd4"])
    monkeypatch.setattr(commands, "host_of", lambda options: host)
    return Tune(host, capsys)


def test_plan_apply_check_revert(tune: Tune) -> None:
    before = tune.host.snapshot()
    assert tune("check").code == 1
    planned = tune("plan", "--profile", "latency")
    assert planned.code == 2
    assert "apply refuses\n  N3 stops traffic on ens5" in planned.out
    refused = tune("apply", "--yes")
    assert (refused.code, "[refused]" in refused.err) == (1, True)
    assert tune.host.snapshot() == before
    applied = tune("apply", "--yes", "--allow-mgmt-iface")
    assert applied.code == 0, applied
    assert tune("check").code == 0
    assert tune("check", "--strict").code == 1  # K3 waits for a reboot
    assert (tune("plan").code, "nothing to do" in tune("plan").out) == (0, True)
    again = tune("apply", "--yes")
    assert (again.code, "applied" in again.out) == (0, False)
    assert tune("revert").code == 0
    assert tune.host.snapshot() == before
    assert tune("revert").out == "nothing to do\n"


def test_without_yes_nothing_is_changed(tune: Tune) -> None:
    before = tune.host.snapshot()
    said = tune("apply")
    assert (said.code, "N2" in said.out, "--yes" in said.err) == (0, True, True)
    assert tune.host.snapshot() == before
    assert not tune.host.exists("/var/lib/whitewire")


def test_tiers_and_ids_bound_what_is_applied(tune: Tune) -> None:
    said = tune("apply", "--yes", "--tier", "T0", "--json")
    done = {row["id"] for row in json.loads(said.out) if row["what"] == "applied"}
    assert done == {"S1", "S2", "V1"}
    said = tune("apply", "--yes", "--only", "S3", "--json")
    assert [(row["id"], row["what"]) for row in json.loads(said.out)] == [("S3", "applied")]
    assert tune("revert", "--only", "S3").code == 0


def test_drift_is_left_and_said(tune: Tune) -> None:
    tune("apply", "--yes", "--only", *FILES_ONLY)
    tune.host.files[CORKING] = "5\n"
    said = tune("revert")
    assert (said.code, "S2  drift" in said.out) == (1, True)
    assert tune.host.files[CORKING] == "5\n"
    assert tune("revert", "--force").code == 0
    assert tune.host.files[CORKING] == "1\n"


def test_confirmed_or_undone(tune: Tune, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(pending, "start_watcher", lambda host, run: started.append(run))
    assert tune("confirm").code == 1
    apply = ("apply", "--yes", "--only", "S2", "--confirm-within", "100")
    assert "tune confirm" in tune(*apply).err
    assert (len(started), tune.host.files[CORKING]) == (1, "0\n")
    assert "[unconfirmed]" in tune("apply", "--yes", "--only", "S1").err
    assert tune("confirm").code == 0
    assert tune("revert").code == 0
    tune(*apply)
    now = pending.boot_seconds()
    monkeypatch.setattr(pending, "boot_seconds", lambda: now + 101)
    assert tune("confirm").code == 1
    assert tune.host.files[CORKING] == "1\n"


@pytest.mark.parametrize("form", ["sh", "sysctl.d", "tuned", "grub"])
def test_formats_of_other_tools(tune: Tune, form: str) -> None:
    said = tune("plan", "--format", form)
    assert said.code == 2
    assert "skew_tick" in said.out or form == "sysctl.d"


def test_json_and_the_textfile(tune: Tune, tmp_path: Path) -> None:
    rows = json.loads(tune("check", "--json").out)
    assert rows["ready"] is False
    assert set(rows["rows"][0]) == {"id", "tier", "setting", "found", "wanted", "state", "note"}
    assert json.loads(tune("plan", "--json").out)["obstacles"][0]["code"] == "management-interface"
    target = tmp_path / "whitewire.prom"
    said = tune("check", "--format", "prom", "-o", str(target))
    assert (said.out, target.read_text().count("whitewire_tune_entries{")) == ("", 5)
    assert [path.name for path in tmp_path.iterdir()] == ["whitewire.prom"]


def test_topology_in_its_formats(tune: Tune) -> None:
    assert "hot thread" in tune("topology").out
    assert json.loads(tune("topology", "--json").out)["plan"]["hot"] == 2
    section = tomllib.loads(tune("topology", "--format", "whitewire").out)["process"]
    assert section["cpu"] == 2
    assert section["housekeeping_cpus"] == [3]  # inside of the partition
    base = tune("topology", "--profile", "base", "--format", "whitewire").out
    assert tomllib.loads(base)["process"]["housekeeping_cpus"] == [0, 1]
    assert section["receive"] == "busy_poll"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("check", "--profile", "fastest"), 2),
        (("plan", "--profile", "fastest"), 1),
        (("plan", "--nonsense"), 1),
        (("check", "--nonsense"), 2),
        (("plan", "--only", "Z9"), 1),
        (("apply", "--yes", "--only", "Z9"), 2),
        (("check", "--interface", "eth9"), 2),
        (("apply", "--yes", "--confirm-within", "-1"), 2),
        ((), 2),
    ],
)
def test_mistakes_have_their_codes(tune: Tune, words: tuple[str, ...], code: int) -> None:
    said = tune(*words)
    assert said.code == code
    assert said.err.startswith(("tune: ", "usage: "))
    assert not said.out


def test_what_is_no_linux_cannot_be_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--root", str(tmp_path), "check"]) == 3
    assert "[not-linux]" in capsys.readouterr().err


def test_who_may_not_change_the_host_is_told(tune: Tune, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryHost, "may_write", lambda host: False)
    for words in (("apply", "--yes"), ("revert",), ("confirm",)):
        said = tune(*words)
        assert (said.code, "run it as root [not-permitted]" in said.err) == (2, True)


def test_a_damaged_state_stops_everything(tune: Tune) -> None:
    tune("apply", "--yes", "--only", "S1")
    tune.host.files[FILE] = "{"
    for words in (("apply", "--yes"), ("revert",)):
        assert "[state-damaged]" in tune(*words).err


def test_bench_switches_and_takes_back(tune: Tune) -> None:
    before = tune.host.snapshot()
    words = ("bench", "--yes", "--only", "S1", "V1", "--rounds", "2", "--json")
    said = tune(*words)
    assert said.code == 0, said.err
    rows = json.loads(said.out)
    assert [(row["id"], row["verdict"], row["blocks"]) for row in rows] == [
        ("S1", "undecided", 2),
        ("V1", "undecided", 2),
    ]
    assert tune.host.snapshot() == before
    measured = tune("bench", "--rounds", "1")
    assert (measured.code, "longest absence" in measured.out) == (0, True)


def test_verify_reads_counters(tune: Tune) -> None:
    assert tune("verify", "--seconds", "0.01").code == 0


# ---- as a process ---------------------------------------------------------------------------


# The system's own, as on a bare host: no virtual environment.
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or sys.executable


def process(*words: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
    """The command as users start it."""
    return subprocess.run(
        [PYTHON, str(TUNE), *words], capture_output=True, text=True, timeout=60, user=user
    )


@pytest.mark.parametrize("command", ["check", "plan"])
def test_an_ordinary_user_on_this_machine(command: str) -> None:
    nobody = 65534 if os.geteuid() == 0 else None
    said = process(command, user=nobody)
    if "Permission denied" in said.stderr:
        said = process(command)  # this folder is not for everyone
    assert said.returncode in ((0, 1) if command == "check" else (0, 2)), said.stderr
    assert "profile latency: layout" in said.stdout
    assert re.search(r"\bS1\b", said.stdout)


def test_programs_of_the_shim_are_real_programs(tmp_path: Path) -> None:
    root = build(SPECS["amd4"], tmp_path / "host", sys.executable)
    said = process("--root", str(root), "plan", "--only", "N2")
    assert said.returncode == 2, said.stderr
    assert "adaptive-rx: on -> off" in said.stdout


def test_two_at_a_time_are_one_after_the_other(tmp_path: Path) -> None:
    root = build(SPECS["amd4"], tmp_path / "host", sys.executable)
    words = [PYTHON, str(TUNE), "--root", str(root), "apply", "--yes", "--json", "--only"]
    running = [
        subprocess.Popen([*words, *FILES_ONLY], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [json.loads(one.communicate(timeout=60)[0]) for one in running]
    applied = [row["id"] for rows in said for row in rows if row["what"] == "applied"]
    assert sorted(applied) == sorted(FILES_ONLY)
    assert process("--root", str(root), "revert").returncode == 0
    assert (root / "proc/sys/net/ipv4/tcp_autocorking").read_text() == "1\n"


def test_the_watcher_outlives_the_command(tmp_path: Path) -> None:
    root = build(SPECS["amd4"], tmp_path / "host", sys.executable)
    path = root / "proc/sys/net/ipv4/tcp_autocorking"
    said = process("--root", str(root), "apply", "--yes", "--only", "S2", "--confirm-within", "2")
    assert said.returncode == 0, said.stderr
    deadline = time.monotonic() + 30
    while path.read_text() != "1\n" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert path.read_text() == "1\n"
