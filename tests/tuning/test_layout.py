"""Who runs where, from the topology of fake hosts and of every small host there could be."""

from __future__ import annotations

import tomllib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tunelib import layout, topology
from tunelib.layout import CpuPlan
from tunelib.topology import Core, Topology
from whitewire.config_process import ProcessConfig, check_process
from whitewire.protocol.receive import plan_cpus


def planned(name: str, receive: str = "busy_poll", irq: str = "fused") -> CpuPlan:
    """The plan of a fake host."""
    return layout.plan(topology.read(MemoryHost(SPECS[name]), {}), receive, irq)


@pytest.mark.parametrize("name", ["amd4", "graviton4"])
def test_four_cores(name: str) -> None:
    plan = planned(name)
    assert (plan.layout, plan.hot, plan.nic, plan.strategy) == ("A", 2, 2, 3)
    assert (plan.housekeeping, plan.isolated, plan.idle) == ({0, 1}, {2, 3}, set())


def test_four_cores_with_the_card_beside_the_hot_thread() -> None:
    plan = planned("amd4", "spin", "split")
    assert (plan.housekeeping, plan.nic, plan.hot, plan.strategy) == ({0}, 1, 2, 3)
    assert plan.receive == "spin"


def test_two_cores_of_two_threads() -> None:
    plan = planned("intel4", "spin")
    assert (plan.layout, plan.housekeeping, plan.nic, plan.hot) == ("B", {0}, 2, 1)
    assert (plan.idle, plan.strategy, plan.isolated) == ({3}, None, {1, 3})
    assert plan.receive == "block"  # never two spinners on a core; and its kernel is before 6.9
    assert any("no spinning" in note for note in plan.notes)


def test_eight_cores_of_two_threads_and_two_nodes() -> None:
    plan = planned("intel16")
    assert (plan.layout, plan.hot, plan.strategy) == ("C", 3, 4)
    assert plan.idle == {11, 12}
    assert {0, 1, 8, 9} <= plan.housekeeping
    assert plan.numa == "local"
    seen = topology.read(MemoryHost(SPECS["intel16"]), {})
    near = layout.plan(seen, "busy_poll", "fused", nic_node=1)
    assert {near.hot, near.strategy} == {5, 6}


def test_two_cpus_are_left_alone() -> None:
    plan = planned("tiny2", "spin")
    assert (plan.layout, plan.hot, plan.isolated, plan.receive) == ("none", None, set(), "block")


@pytest.mark.parametrize(("name", "receive"), [("amd4", "busy_poll"), ("graviton4", "block")])
def test_busy_polling_of_the_own_epoll_takes_kernel_6_9(name: str, receive: str) -> None:
    assert planned(name).receive == receive


HOSTS = st.builds(
    lambda cores, threads, nodes: Topology(
        cores=tuple(
            Core(tuple(core + cores * thread for thread in range(threads)), core % nodes)
            for core in range(cores)
        ),
        nics=(),
        kernel=(6, 12),
        release="6.12",
        machine="x86_64",
        instance="",
        container="",
    ),
    st.integers(1, 40),
    st.integers(1, 2),
    st.integers(1, 2),
)


@given(HOSTS, st.sampled_from(["block", "busy_poll", "spin"]), st.sampled_from(["fused", "split"]),
       st.integers(-1, 1))  # fmt: skip
def test_roles_never_harm(host: Topology, receive: str, irq: str, node: int) -> None:
    plan = layout.plan(host, receive, irq, node)
    assert 0 in plan.housekeeping
    assert 0 not in plan.isolated
    assert not plan.housekeeping & plan.isolated
    assert plan.nic in host.cpus
    assert plan.isolated <= host.cpus
    if plan.hot is None:
        assert not plan.isolated
        assert plan.receive == "block"
        return
    assert host.siblings(plan.hot) <= plan.idle
    assert plan.strategy not in host.siblings(plan.hot) | {plan.hot}
    assert plan.isolated == {plan.hot, plan.strategy} - {None} | plan.idle
    if plan.receive == "spin":
        assert plan.layout != "B"
        assert plan.strategy is None or host.siblings(plan.strategy) <= plan.idle
    if irq == "split":
        assert plan.nic not in plan.isolated


@pytest.mark.parametrize("has_partition", [True, False])
@pytest.mark.parametrize("name", list(SPECS))
def test_the_section_is_one_that_the_gateway_takes(name: str, has_partition: bool) -> None:
    plan = planned(name)
    section = tomllib.loads(layout.whitewire(plan, has_partition))["process"]
    process = msgspec.convert(section, ProcessConfig)
    check_process(process)
    assert (process.receive, process.cpu) == (plan.receive, plan.hot)
    assert (process.numa or "") == plan.numa
    if plan.hot is not None:
        allowed = (
            plan.isolated if has_partition else topology.read(MemoryHost(SPECS[name]), {}).cpus
        )
        assert plan_cpus(process, allowed).others == frozenset(process.housekeeping_cpus or ())
        assert not set(process.housekeeping_cpus or ()) & {plan.hot}


def test_in_a_partition_the_other_threads_stay_inside() -> None:
    assert planned("amd4").inside == {3}
    assert planned("intel16").inside == {4}
    assert planned("intel4").inside == {3}  # the sibling, as there is no other
