"""A host in a folder: the same round trip as in memory, with real files and links."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.tuning.hosts import SPECS, build
from tests.tuning.machine import in_folder
from tests.tuning.tuner import KNOWN, named
from tunelib import planner
from tunelib.apply import Applier
from tunelib.context import Context
from tunelib.host import Result
from tunelib.rooted import ROOT_VARIABLE, RootedHost, as_kernel
from tunelib.state import FILE, State, locked

LATENCY = named("latency")


class InProcess(RootedHost):
    """Its programs run in this process."""

    def run(self, command: Sequence[str], timeout_s: float = 0) -> Result:
        return in_folder(Path(self.root)).run(command)


@pytest.fixture
def host(tmp_path: Path) -> InProcess:
    """A fresh 4-vCPU AMD instance in a folder."""
    return InProcess(str(build(SPECS["amd4"], tmp_path / "host", sys.executable)))


def everything(host: RootedHost) -> dict[str, str]:
    """All files and folders, our state aside; interrupts have names."""
    root = Path(host.root)
    found = {}
    for path in root.rglob("*"):
        name = f"/{path.relative_to(root)}"
        if name.startswith(("/var/", "/shim", "/machine", "/proc/irq", "/sys/kernel/irq")):
            continue
        found[name] = path.read_text() if path.is_file() else ""
    for actions in root.glob("sys/kernel/irq/*/actions"):
        affinity = root / "proc/irq" / actions.parent.name / "smp_affinity_list"
        found[f"irq {actions.read_text()}"] = affinity.read_text()
    return found


def test_a_round_trip_through_real_files(host: InProcess) -> None:
    before = everything(host)
    context = Context.of(host, LATENCY)
    entries = planner.chosen(context, KNOWN)
    with locked(host) as state:
        done = Applier(host, state, "run").apply(context, entries)
    assert {one.what for one in done} == {"applied", "already", "skip"}
    assert not [one for one in planner.steps(Context.of(host, LATENCY), entries) if one.change]
    assert everything(host) != before
    state_file = Path(host.root + FILE)
    assert stat.S_IMODE(state_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(state_file.parent.stat().st_mode) == 0o700
    with locked(host) as state:
        done = Applier(host, state, "revert").revert()
    assert {one.what for one in done} == {"reverted"}
    assert everything(host) == before
    assert State(host).records == []


def test_links_and_paths_stay_below_the_root(host: InProcess) -> None:
    assert host.resolve("/sys/class/net/ens5/device") == "/sys/devices/pci0000:00/0000:00:05.0"
    assert host.glob("/sys/class/net/*/device") == ["/sys/class/net/ens5/device"]
    assert host.read("/proc/uptime") == "1000.00 3900.00\n"
    assert host.read("/proc/self/status") is None
    assert host.metadata("instance-type") == "c7a.xlarge"


def test_programs_are_those_below_the_root(tmp_path: Path) -> None:
    root = tmp_path / "host"
    (root / "shim").mkdir(parents=True)
    host = RootedHost(str(root))
    assert not host.has_command("sh")
    program = root / "shim" / "say"
    program.write_text(f'#!/bin/sh\necho "$1 ${ROOT_VARIABLE}"; echo no >&2; exit 3\n')
    program.chmod(0o755)
    assert host.has_command("say")
    assert host.run(["say", "x"]) == Result(3, f"x {os.path.realpath(root)}\n", "no\n")


def test_what_was_recorded_is_what_a_program_says(tmp_path: Path) -> None:
    commands = {"ethtool -c ens5": [1, "", "not supported"]}
    (tmp_path / "commands.json").write_text(json.dumps(commands))
    host = RootedHost(str(tmp_path))
    assert host.has_command("ethtool")
    assert not host.has_command("tc")
    assert host.run(["ethtool", "-c", "ens5"]) == Result(1, "", "not supported")


@pytest.mark.parametrize(
    ("path", "before", "text", "after"),
    [
        ("/sys/x/enabled", "[always] madvise never\n", "never", "always madvise [never]\n"),
        ("/sys/x/enabled", "5\n", "7", "7\n"),
        ("/sys/fs/cgroup/cgroup.subtree_control", "cpu\n", "+cpuset", "cpu cpuset\n"),
        ("/sys/fs/cgroup/cgroup.subtree_control", "cpu cpuset\n", "-cpuset", "cpu\n"),
    ],
)
def test_files_that_are_not_plain(path: str, before: str, text: str, after: str) -> None:
    assert as_kernel(path, before, text) == after


def test_a_replaced_file_keeps_its_mode(host: InProcess) -> None:
    path = Path(f"{host.root}/etc/chrony/conf.d/README")
    path.chmod(0o640)
    host.replace("/etc/chrony/conf.d/README", "new\n")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new\n", 0o640)
    assert [one.name for one in path.parent.iterdir()] == ["README"]
