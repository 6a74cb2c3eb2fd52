"""A recording of a host: nothing that tells whose it is, and a fake host that behaves as it did."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tests.tuning.tuner import KNOWN, context, named
from tunelib import audit, snapshot
from tunelib.context import Context
from tunelib.rooted import RootedHost
from tunelib.snapshot import Anonymous

LATENCY = named("latency")
PRIVATE = ("06:00:00:00:00:05", "11111111-2222", "192.0.2.9", "i-0abcdef0123456789")


def recorded(host: MemoryHost, folder: Path) -> Path:
    """Unpacked."""
    archive = folder / "host.tar.gz"
    count = snapshot.write(host, archive)
    root = folder / "root"
    with tarfile.open(archive) as packed:
        assert count > 80
        packed.extractall(root, filter="tar")
    return root


@pytest.mark.parametrize("name", ["amd4", "amd4-steering", "intel4"])
def test_a_recording_is_judged_as_the_host_was(name: str, tmp_path: Path) -> None:
    host = MemoryHost(SPECS[name])
    root = recorded(host, tmp_path)
    there = {row.id: row for row in audit.rows(context(host, LATENCY), KNOWN, None)}
    again = Context.of(RootedHost(str(root)), LATENCY, None, "192.0.2.7")
    here = {row.id: row for row in audit.rows(again, KNOWN, None)}
    differing = {id for id in there if there[id].state != here[id].state}
    # files of /etc are not recorded: they may hold what is nobody's business
    assert differing <= {"T1", "T3", "T5", "I2", "K3", "P9"}
    assert again.plan == context(host, LATENCY).plan


def test_nothing_tells_whose_host_it_is(tmp_path: Path) -> None:
    host = MemoryHost(SPECS["amd4"])
    host.files["/proc/cmdline"] = "root=PARTUUID=11111111-2222-3333-4444-555555555555 x=192.0.2.9\n"
    host.files["/proc/version"] = "Linux version 6 (i-0abcdef0123456789)\n"
    host.files["/etc/whitewire/secret"] = "key\n"
    root = recorded(host, tmp_path)
    everything = "".join(path.read_text() for path in root.rglob("*") if path.is_file())
    for word in PRIVATE:
        assert word not in everything or word == "06:00:00:00:00:05"
    assert not (root / "etc").exists() or not list((root / "etc").rglob("secret"))
    assert json.loads((root / "commands.json").read_text())["ethtool -c ens5"][0] == 0


def test_the_same_is_replaced_by_the_same() -> None:
    anonymous = Anonymous("ip-10-1-2-3")
    text = anonymous.text(
        "mac 02:ab:cd:00:11:22 at 192.0.2.9, 192.0.2.8, again 192.0.2.9; 2001:db8:1:2::5"
        " on ip-10-1-2-3, eni-0123456789abcdef0, 169.254.169.123, 0.0.0.0, pci 0000:00:05.0"
    )
    assert text == (
        "mac 06:00:00:00:00:01 at 10.0.0.2, 10.0.0.3, again 10.0.0.2; fd00::4"
        " on host, eni-00000000000000005, 169.254.169.123, 0.0.0.0, pci 0000:00:05.0"
    )
