"""CPUs for threads and verdicts on receive modes, from facts; no host is asked."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.config_process import ProcessConfig
from whitewire.errors import ConfigError
from whitewire.protocol.receive import CpuPlan, HostFacts, epoll_reason, plan_cpus, verdicts

PLANS: list[tuple[dict[str, Any], set[int], CpuPlan]] = [
    # nothing asked for, nothing moved
    ({}, {0, 1}, CpuPlan(None, None)),
    ({"cpu": 2}, {0, 1, 2, 3}, CpuPlan(2, frozenset({0, 1, 3}))),
    ({"cpu": 2, "housekeeping_cpus": (0,)}, {0, 1, 2, 3}, CpuPlan(2, frozenset({0}))),
    ({"housekeeping_cpus": (0, 1)}, {0, 1, 2, 3}, CpuPlan(None, frozenset({0, 1}))),
    # the only CPU is pinned to, and nobody can leave it
    ({"cpu": 0}, {0}, CpuPlan(0, None)),
    ({"cpu": 1, "receive": "spin"}, {0, 1}, CpuPlan(1, frozenset({0}))),
    ({"receive": "busy_poll"}, {0}, CpuPlan(None, None)),
]
REFUSALS: list[tuple[dict[str, Any], set[int], str]] = [
    ({"cpu": 4}, {0, 1}, "process.cpu names CPU 4; this process may use 0, 1"),
    ({"cpu": 0, "housekeeping_cpus": (1, 5)}, {0, 1}, "housekeeping_cpus names CPU 5"),
    ({"cpu": 0, "receive": "spin"}, {0}, "use receive = block here"),
    ({"receive": "spin"}, {0, 1}, "process.receive = spin needs a pinned thread"),
    ({"numa": "local"}, {0, 1}, "process.numa = local needs a pinned thread"),
    ({"cpu": 1, "housekeeping_cpus": (0, 1)}, {0, 1}, "holds 1, which is process.cpu"),
    ({"cpu": 1, "housekeeping_cpus": ()}, {0, 1}, "housekeeping_cpus is empty"),
]


@pytest.mark.parametrize(("section", "allowed", "expected"), PLANS)
def test_threads_get_these_cpus(
    section: dict[str, Any], allowed: set[int], expected: CpuPlan
) -> None:
    assert plan_cpus(ProcessConfig(**section), allowed) == expected


@pytest.mark.parametrize(("section", "allowed", "told"), REFUSALS)
def test_what_is_impossible_is_one_sentence(
    section: dict[str, Any], allowed: set[int], told: str
) -> None:
    with pytest.raises(ConfigError, match=told.replace("[", r"\[")) as caught:
        plan_cpus(ProcessConfig(**section), allowed)
    assert "\n" not in str(caught.value)


@given(
    cpu=st.none() | st.integers(0, 7),
    others=st.none() | st.lists(st.integers(0, 7), max_size=4).map(tuple),
    receive=st.sampled_from(["block", "busy_poll", "spin"]),
    allowed=st.sets(st.integers(0, 7), min_size=1),
)
def test_the_hot_cpu_is_nobody_elses(
    cpu: int | None, others: tuple[int, ...] | None, receive: Any, allowed: set[int]
) -> None:
    process = ProcessConfig(cpu=cpu, housekeeping_cpus=others, receive=receive)
    try:
        plan = plan_cpus(process, allowed)
    except ConfigError:
        return
    assert plan.hot == cpu
    assert plan.hot is None or plan.hot in allowed
    if plan.others is not None:
        assert plan.others <= allowed - {plan.hot}
        assert plan.others
    if receive == "spin":
        assert plan.hot is not None
        assert plan.others is not None


def facts(**changes: Any) -> HostFacts:
    """A host that supports everything, and what is different."""
    good = HostFacts(
        allowed=frozenset({0, 1}), kernel="6.12.1", epoll_errno=0, packets=8,
        nodes={0: 0, 1: 1}, loop="uvloop 0.22.1", direct_read="",
    )  # fmt: skip
    return good._replace(**changes)


ALL = {"receive block", "receive busy_poll", "receive spin", "numa local"}


def test_a_good_host_supports_everything() -> None:
    assert {each.name for each in verdicts(facts()) if each.is_supported} == ALL


@pytest.mark.parametrize(
    ("changes", "name", "is_supported", "told"),
    [
        ({"allowed": frozenset({3})}, "receive spin", False, "1 CPU allowed"),
        ({"direct_read": "only the loop reads"}, "receive spin", True, "only the loop reads"),
        (
            {"epoll_errno": errno.ENOTTY, "kernel": "6.1.0-13-amd64"},
            "receive busy_poll", False, "needs Linux 6.9 or later, this is 6.1.0-13-amd64",
        ),
        (
            {"epoll_errno": errno.EOPNOTSUPP},
            "receive busy_poll", False, "CONFIG_NET_RX_BUSY_POLL",
        ),
        (
            {"epoll_errno": errno.EPERM, "packets": 65},
            "receive busy_poll", False, "needs CAP_NET_ADMIN",
        ),
        ({"epoll_errno": errno.EPERM}, "receive busy_poll", False, "refused it: EPERM"),
        ({"nodes": {0: 0, 1: 0}}, "numa local", True, "one memory node"),
        ({"nodes": {}}, "numa local", False, "tells of no memory nodes"),
    ],
)  # fmt: skip
def test_what_is_not_supported_says_why(
    changes: dict[str, Any], name: str, is_supported: bool, told: str
) -> None:
    found = {each.name: each for each in verdicts(facts(**changes))}
    assert found.keys() == ALL
    assert found[name].is_supported is is_supported
    assert told in found[name].detail


def test_a_kernel_that_does_not_say_its_version_is_not_called_old() -> None:
    assert "was built without it" in epoll_reason(errno.ENOTTY, "custom", 8)
