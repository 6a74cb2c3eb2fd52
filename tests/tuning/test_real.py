"""The real kernel: sysctls and a veth in a network namespace of their own, affinity, this machine.

Without the right to make a namespace these are skipped with the kernel's reason; nothing outside
of the namespace is changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tuning import TUNING
from tunelib import gateway, topology
from tunelib.errors import Unsupported
from tunelib.host import Host

UNSHARE = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-Urn"]
# Runs inside the namespace, over the real /proc and a state of its own.
ROUND_TRIP = """
import sys
sys.path.insert(0, {tuning!r})
from tunelib import catalogue, planner, profile, state
from tunelib.apply import Applier
from tunelib.context import Context
from tunelib.host import Host

class Here(Host):
    def _at(self, path):
        return {folder!r} + path if path.startswith("/var") else path

known = catalogue.load()
host = Here()
host.make_folder("/var"); host.make_folder("/var/lib")
ids = {{"S1": {{}}, "S2": {{}}, "S3": {{}}}}
context = Context.of(host, profile.Profile("real", "", "block", "fused", ids))
entries = planner.chosen(context, known)

def values():
    names = [name for entry in entries for name in entry.wants]
    return [open("/proc/sys/" + name.replace(".", "/")).read().strip() for name in names]

print(*values())
with state.locked(host) as records:
    done = Applier(host, records, "run").apply(context, entries)
print(*values())
with state.locked(host) as records:
    done = Applier(host, records, "revert").revert()
print(*values())
"""


def namespace(*command: str) -> subprocess.CompletedProcess[str]:
    """Runs something in a network namespace of its own."""
    probe = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"no namespaces for this user: {probe.stderr.strip()}")
    said = subprocess.run([*UNSHARE, *command], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return said


def test_sysctls_of_a_real_kernel_come_back(tmp_path: Path) -> None:
    program = ROUND_TRIP.format(tuning=str(TUNING), folder=str(tmp_path))
    said = namespace(sys.executable, "-c", program)
    found, applied, reverted = said.stdout.splitlines()
    assert applied == "0 0 1"
    assert found == reverted
    assert found != applied


def test_a_real_ethtool_on_a_veth_refuses_what_a_veth_lacks() -> None:
    host = Host()
    if not host.has_command("ethtool"):
        pytest.skip("ethtool is not installed")
    program = (
        f"import sys; sys.path.insert(0, {str(TUNING)!r})\n"
        "from tunelib import ethtool\nfrom tunelib.errors import Unsupported\n"
        "from tunelib.host import Host\n"
        "try:\n    ethtool.read_coalesce(Host(), 'veth0')\n"
        "except Unsupported as error:\n    print(error)\n"
        "print(ethtool.read_channels(Host(), 'veth0'))\n"
    )
    shell = f'ip link add veth0 type veth peer name veth1 && exec {sys.executable} -c "$0"'
    refused, channels = namespace("sh", "-c", shell, program).stdout.splitlines()
    assert "ethtool -c" in refused
    assert "rx" in channels


def test_this_machine_is_read_as_the_kernel_says() -> None:
    seen = topology.read(Host())
    assert seen.cpus == set(range(os.cpu_count() or 1)) or len(seen.cpus) == os.cpu_count()
    assert seen.release == os.uname().release
    assert os.sched_getaffinity(0) <= seen.cpus
    names = {path.name for path in Path("/sys/class/net").iterdir() if (path / "device").exists()}
    assert {nic.name for nic in seen.nics} == names


def test_affinity_of_a_real_thread_is_seen() -> None:
    before = os.sched_getaffinity(0)
    cpu = min(before)
    try:
        os.sched_setaffinity(0, {cpu})
        assert gateway.threads(Host(), os.getpid())[os.getpid()] == str(cpu)
    finally:
        os.sched_setaffinity(0, before)


def test_a_file_that_may_not_be_read_is_unsupported(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        with pytest.raises(Unsupported, match="cannot be read"):
            Host().read("/proc/self/mem")
        return
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(0)
    with pytest.raises(Unsupported, match="cannot be read"):
        Host().read(str(path))
