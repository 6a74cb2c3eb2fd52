"""Cores and interrupts of a host, read from a folder that looks like one, and of this host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from whitewire.config_process import ProcessConfig
from whitewire.errors import ConfigError
from whitewire.protocol.pinning import PinFacts
from whitewire.transport import topology

FILES = {
    "sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0,2\n",
    "sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "1,3\n",
    "sys/devices/system/cpu/cpu2/topology/thread_siblings_list": "0,2\n",
    "sys/devices/system/cpu/cpu3/topology/thread_siblings_list": "1,3\n",
    "sys/class/net/ens5/device/msi_irqs/41": "msix\n",
    "sys/class/net/ens5/device/msi_irqs/42": "msix\n",
    "sys/class/net/ens5/device/msi_irqs/43": "msix\n",
    "sys/class/net/ens5/device/numa_node": "-1\n",
    "sys/class/net/ens6/device/numa_node": "1\n",
    "sys/class/net/lo/mtu": "65536\n",
    "proc/irq/41/effective_affinity_list": "2\n",
    "proc/irq/42/smp_affinity_list": "0-1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two cores of two threads; one interrupt of the card is gone."""
    for name, text in FILES.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return tmp_path


def test_a_host_is_read_as_it_is(root: Path) -> None:
    facts = topology.pin_facts(root)
    assert facts.siblings == {0: {2}, 1: {3}, 2: {0}, 3: {1}}
    assert facts.card_cpus == {0, 1, 2}
    assert facts.card_nodes == {1}
    assert facts.allowed == os.sched_getaffinity(0)


def test_what_the_kernel_does_not_tell_is_left_out(tmp_path: Path) -> None:
    facts = topology.pin_facts(tmp_path)
    assert (facts.siblings, facts.card_cpus, facts.card_nodes) == ({}, set(), set())


def test_this_host_tells_its_cores() -> None:
    facts = topology.pin_facts()
    for cpu, siblings in facts.siblings.items():
        assert cpu not in siblings
        assert all(cpu in facts.siblings[other] for other in siblings if other in facts.siblings)


@pytest.mark.parametrize(("text", "cpus"), [("", set()), ("0-1,3\n", {0, 1, 3}), ("7", {7})])
def test_lists_as_the_kernel_writes_them(text: str, cpus: set[int]) -> None:
    assert topology.parse_cpus(text) == cpus


def test_a_refusal_is_an_error_and_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = {0: frozenset({2}), 1: frozenset({3}), 2: frozenset({0}), 3: frozenset({1})}
    monkeypatch.setattr(topology, "pin_facts", lambda: PinFacts(frozenset(range(4)), pairs))
    with pytest.raises(ConfigError, match="shares its core with CPU 3") as caught:
        topology.demand_pinning(ProcessConfig(cpu=1, receive="spin"))
    assert caught.value.code == "config-pin"
    [told] = topology.demand_pinning(ProcessConfig(cpu=1))
    assert not told.is_refusal
    assert topology.demand_pinning(ProcessConfig()) == []
