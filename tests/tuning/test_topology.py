"""What is read of a host: cores, cards, interrupts, containers."""

from __future__ import annotations

import pytest

from tests.tuning.hosts import SPECS, Spec, plain
from tests.tuning.memory_host import MemoryHost
from tunelib import topology
from tunelib.errors import Unsupported


def seen(name: str) -> topology.Topology:
    """A fake host."""
    return topology.read(MemoryHost(SPECS[name]), {})


@pytest.mark.parametrize("name", list(SPECS))
def test_cores_are_those_of_the_host(name: str) -> None:
    found = seen(name)
    assert tuple(core.cpus for core in found.cores) == SPECS[name].cores
    assert found.instance == SPECS[name].instance
    assert found.machine == SPECS[name].machine


def test_a_cpu_that_is_offline_does_not_count() -> None:
    host = MemoryHost(SPECS["intel4"])
    host.files["/sys/devices/system/cpu/online"] = "0-2\n"
    found = topology.read(host, {})
    assert [core.cpus for core in found.cores] == [(0, 2), (1,)]


def test_the_card_is_the_one_beside_the_managements() -> None:
    found = seen("amd4-steering")
    assert [(nic.name, nic.is_management) for nic in found.nics] == [
        ("ens5", True),
        ("ens6", False),
    ]
    chosen = topology.choose_nic(found, None)
    assert chosen is not None
    assert (chosen.name, chosen.pci, chosen.driver) == ("ens6", "0000:00:06.0", "ena")
    named = topology.choose_nic(found, "ens5")
    assert named is not None
    assert named.name == "ens5"
    with pytest.raises(Unsupported, match="there is ens5, ens6"):
        topology.choose_nic(found, "eth9")


def test_the_card_of_this_ssh_session_is_management() -> None:
    host = MemoryHost(SPECS["amd4"])
    host.files["/proc/net/route"] = "Iface\tDestination\n"
    assert not topology.read(host, {}).nics[0].is_management
    over_it = {"SSH_CONNECTION": "192.0.2.1 5000 10.0.0.7 22"}
    assert topology.read(host, over_it).nics[0].is_management
    over_another = {"SSH_CONNECTION": "192.0.2.1 5000 10.0.0.8 22"}
    assert not topology.read(host, over_another).nics[0].is_management


def test_interrupts_are_known_by_name() -> None:
    host = MemoryHost(SPECS["amd4"])
    found = topology.interrupts(host)
    assert found["ens5-Tx-Rx-0"] == 41
    host.files["/sys/kernel/irq/99/actions"] = "ens5-Tx-Rx-0\n"
    assert topology.interrupts(host)["ens5-Tx-Rx-0#1"] == 99


def test_a_marker_alone_is_no_container() -> None:
    host = MemoryHost(SPECS["amd4"])
    host.files["/.dockerenv"] = ""
    assert topology.read(host, {}).container == ""
    host._links["/proc/self/ns/pid"] = "pid:[4026532277]"
    assert topology.read(host, {}).container == "docker"
    host._links["/proc/self/ns/pid"] = topology.INITIAL_PID_NAMESPACE
    assert topology.read(host, {}).container == ""


def test_a_host_without_a_card_has_none() -> None:
    host = MemoryHost(Spec("bare", plain(4), "6.12.0", "x.large"))
    for path in list(host._links):
        del host._links[path]
    found = topology.read(host, {})
    assert found.nics == ()
    assert topology.choose_nic(found, None) is None
