"""Which CPU does what.

Owns: the roles, from cores and the trading interface's node. Must not know: files. Invariants:
CPU 0 is never isolated; one housekeeping CPU always stays; a spinning thread has a core of its own.

Four cores (A): housekeeping, card, hot thread, strategy. Two cores of two threads (B):
housekeeping with the card on its sibling, and the hot thread whose sibling idles. More (C): the
same roles, with more cores to keep house. Fewer than three CPUs or two cores: no roles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunelib.topology import Core, Topology

# Cores that keep house, for this many cores and more.
HOUSEKEEPING = ((9, 4), (5, 2), (0, 1))
EPOLL_BUSY_POLL = (6, 9)


@dataclass(frozen=True)
class CpuPlan:
    """The roles.

    Attributes:
        layout: A, B, C, or `none` where nothing can be isolated.
        housekeeping: everything that is not ours, and interrupts of other devices.
        nic: where the card's interrupts go.
        hot: the gateway's thread; None: not pinned.
        strategy: a strategy's own thread; None: it shares housekeeping CPUs.
        idle: siblings that must stay idle.
        isolated: hot, strategy and idle ones.
        receive: the receive mode that fits.
        numa: `local` where there is more than one memory node.
        notes: why it is so, for people.
    """

    layout: str
    housekeeping: frozenset[int]
    nic: int
    hot: int | None
    strategy: int | None
    idle: frozenset[int]
    isolated: frozenset[int]
    receive: str
    numa: str
    notes: tuple[str, ...]

    @property
    def inside(self) -> frozenset[int]:
        """For the gateway's other threads where the isolated CPUs are a partition.

        A process in a partition runs nowhere else. The sibling of the hot thread is better than
        nothing: these threads sleep most of the time.
        """
        left = self.isolated - {self.hot}
        return frozenset(left - self.idle or left)

    def shared(self, topology: Topology) -> frozenset[int]:
        """What is not isolated."""
        return topology.cpus - self.isolated


def plan(topology: Topology, receive: str, irq: str, nic_node: int = -1) -> CpuPlan:
    """Gives roles to CPUs.

    Args:
        receive: the receive mode that is wanted: block, busy_poll or spin.
        irq: `fused` puts the card's interrupts on the hot thread's CPU, `split` beside it.
        nic_node: memory node of the trading interface, -1 if unknown.
    """
    cores = topology.cores
    if len(topology.cpus) < 3 or len(cores) < 2:
        return _none(topology)
    found = _two_cores(cores) if len(cores) == 2 else _cores(cores, irq, _local(cores, nic_node))
    found = replace(found, numa="local" if len(topology.nodes) > 1 else "")
    return _receive(found, topology, receive)


def _none(topology: Topology) -> CpuPlan:
    cpus = topology.cpus
    why = f"{len(cpus)} CPUs on {len(topology.cores)} cores: nothing can be set apart"
    return CpuPlan(
        "none", cpus, min(cpus), None, None, frozenset(), frozenset(), "block", "", (why,)
    )


def _two_cores(cores: Sequence[Core]) -> CpuPlan:
    first, second = cores
    hot, *siblings = second.cpus
    return CpuPlan(
        layout="B",
        housekeeping=frozenset(first.cpus[:1]),
        nic=first.cpus[-1],
        hot=hot,
        strategy=None,
        idle=frozenset(siblings),
        isolated=frozenset(second.cpus),
        receive="",
        numa="",
        notes=(
            "two cores with siblings: the hot thread's sibling idles, a strategy shares"
            " housekeeping and must block; four cores would be better (P3)",
        ),
    )


def _local(cores: Sequence[Core], node: int) -> Sequence[Core]:
    """Cores with those of the card's node first."""
    return sorted(cores, key=lambda core: (core.node != node, core.cpus)) if node >= 0 else cores


def _cores(cores: Sequence[Core], irq: str, preferred: Sequence[Core]) -> CpuPlan:
    count = next(keep for least, keep in HOUSEKEEPING if len(cores) >= least)
    keepers = list(cores[:count])
    card, hot, *others = [core for core in preferred if core not in keepers]
    isolated = frozenset(hot.cpus) | frozenset(others[0].cpus if others else ())
    strategy = others[0].cpus[0] if others else None
    idle = isolated - {hot.cpus[0], strategy}
    housekeeping = frozenset(cpu for core in keepers for cpu in core.cpus)
    housekeeping |= {cpu for core in others[1:] for cpu in core.cpus}
    if irq == "fused":
        housekeeping |= frozenset(card.cpus)
    is_plain = len(cores) == 4 and not idle
    return CpuPlan(
        layout="A" if is_plain else "C",
        housekeeping=housekeeping,
        nic=hot.cpus[0] if irq == "fused" else card.cpus[0],
        hot=hot.cpus[0],
        strategy=strategy,
        idle=idle,
        isolated=isolated,
        receive="",
        numa="",
        notes=() if others else ("no core is left for a strategy: it shares housekeeping",),
    )


def _receive(found: CpuPlan, topology: Topology, wanted: str) -> CpuPlan:
    """The receive mode that this host can bear."""
    notes = list(found.notes)
    if wanted == "spin" and found.layout == "B":
        notes.append("no spinning on two cores: the kernel polls instead")
        wanted = "busy_poll"
    if wanted == "busy_poll" and topology.kernel < EPOLL_BUSY_POLL:
        notes.append("kernels before 6.9 poll for every process (S4), so the gateway only blocks")
        wanted = "block"
    return replace(found, receive=wanted, notes=tuple(notes))


def whitewire(found: CpuPlan, has_partition: bool) -> str:
    """The `[process]` section of the gateway's configuration.

    Args:
        has_partition: the gateway runs in a partition of the isolated CPUs.
    """
    lines = ["[process]"]
    lines += [f"# {note}" for note in found.notes]
    if found.hot is not None:
        others = found.inside if has_partition else found.housekeeping
        lines.append(f"cpu = {found.hot}")
        lines.append(f"housekeeping_cpus = {sorted(others)}")
    lines.append(f'receive = "{found.receive}"')
    if found.numa:
        lines.append(f'numa = "{found.numa}"')
    return "\n".join(lines) + "\n"
