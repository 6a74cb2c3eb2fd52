"""Which CPUs the threads get on a host, and which ways of waiting it supports.

Owns: the choice of CPUs, and the verdict on each receive mode from facts about a host. Must not
know: how a fact is found out or a thread is moved. Invariants: the hot thread's CPU is never a
housekeeping CPU unless there is only one; what is not supported says why.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

from whitewire.config_process import check_process
from whitewire.errors import ConfigError

if TYPE_CHECKING:
    from whitewire.config_process import ProcessConfig

__all__ = ["CpuPlan", "HostFacts", "Verdict", "epoll_reason", "plan_cpus", "verdicts"]

# The ioctl that gives one epoll its own busy polling came with this kernel.
EPOLL_IOCTL_SINCE = (6, 9)
UNPRIVILEGED_PACKETS = 64


class CpuPlan(NamedTuple):
    """Who runs where.

    Attributes:
        hot: the loop's CPU; None: not pinned.
        others: the other threads' CPUs; None: wherever they are.
    """

    hot: int | None
    others: frozenset[int] | None


class HostFacts(NamedTuple):
    """What was found out about a host.

    Attributes:
        allowed: CPUs that this process may use.
        kernel: release of the kernel, as it calls itself.
        epoll_errno: of the busy-poll ioctl on an epoll made for it; 0 where it was accepted.
        packets: how many per poll were asked for.
        nodes: memory node of each CPU; empty where the kernel does not tell.
        loop: the event loop and its version.
        direct_read: why the feed cannot be read past the loop, "" where it can.
    """

    allowed: frozenset[int]
    kernel: str
    epoll_errno: int
    packets: int
    nodes: Mapping[int, int]
    loop: str
    direct_read: str


class Verdict(NamedTuple):
    """Whether the host supports something, and how or why not."""

    name: str
    is_supported: bool
    detail: str


def plan_cpus(process: ProcessConfig, allowed: Collection[int]) -> CpuPlan:
    """Where the threads go on a host whose `allowed` CPUs this process may use.

    Raises:
        ConfigError: they cannot go where the configuration wants them.
    """
    check_process(process)
    listed = ", ".join(map(str, sorted(allowed)))
    for cpu in (process.cpu, *(process.housekeeping_cpus or ())):
        if cpu is not None and cpu not in allowed:
            name = "cpu" if cpu == process.cpu else "housekeeping_cpus"
            raise ConfigError(
                "config-cpu", f"process.{name} names CPU {cpu}", f"this process may use {listed}"
            )
    others = set(process.housekeeping_cpus or allowed) - {process.cpu}
    if process.receive == "spin" and not others:
        raise ConfigError(
            "config-receive",
            f"process.receive = spin would leave no CPU to anything else: this process may use "
            f"{listed} only",
            "use receive = block here, or allow the process a second CPU",
        )
    is_moved = process.cpu is not None or process.housekeeping_cpus is not None
    return CpuPlan(process.cpu, frozenset(others) if is_moved and others else None)


def epoll_reason(number: int, kernel: str, packets: int) -> str:
    """Why the busy-poll ioctl was refused with this errno, in words."""
    if number in (errno.ENOTTY, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
        found = re.match(r"(\d+)\.(\d+)", kernel)
        is_old = found is not None and (int(found[1]), int(found[2])) < EPOLL_IOCTL_SINCE
        if is_old:
            return f"needs Linux 6.9 or later, this is {kernel}"
        return f"this kernel ({kernel}) was built without it (CONFIG_NET_RX_BUSY_POLL)"
    if number == errno.EPERM and packets > UNPRIVILEGED_PACKETS:
        return f"{packets} packets per poll are more than 64, which needs CAP_NET_ADMIN"
    return f"the kernel refused it: {errno.errorcode.get(number, number)}"


def verdicts(facts: HostFacts) -> tuple[Verdict, ...]:
    """A verdict on every receive mode and on local memory."""
    cpus = len(facts.allowed)
    nodes = set(facts.nodes.values())
    spin = f"{facts.loop}; " + (facts.direct_read or "the feed is read between the loop's turns")
    return (
        Verdict("receive block", True, facts.loop),
        Verdict(
            "receive busy_poll",
            facts.epoll_errno == 0,
            f"Linux {facts.kernel} takes it for each epoll"
            if facts.epoll_errno == 0
            else epoll_reason(facts.epoll_errno, facts.kernel, facts.packets),
        ),
        Verdict(
            "receive spin",
            cpus > 1,
            spin if cpus > 1 else f"{cpus} CPU allowed: a spinning loop leaves none to the others",
        ),
        Verdict(
            "numa local",
            len(nodes) > 0,
            f"{len(nodes)} memory nodes"
            if len(nodes) > 1
            else "one memory node, so all memory is local"
            if nodes
            else "the kernel tells of no memory nodes",
        ),
    )
