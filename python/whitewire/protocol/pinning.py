"""Would pinning the hot thread to a CPU of this host hurt?

Owns: the rules, from facts about cores, interrupts and memory. Must not know: how a fact is found
out. Invariants: what is refused would be slower than not pinning at all, for a reason that the
host cannot argue away; everything else that speaks against a CPU is said and done.

Rules
-----
1. A spinning thread and another busy one on the siblings of a core halve each other: refused where
   our own other threads may run on the sibling, and another core could have them.
2. CPU 0 does the kernel's own housekeeping and takes most interrupts: a thread that spins there
   starves it. Refused where three or more CPUs are allowed, so that another can be chosen.
3. The same without spinning, siblings included, is only told: the thread sleeps now and then.
4. Where the network card interrupts the CPU of a spinning thread, each frame stops it. Only told:
   whether a neighbour is better has to be measured.
5. A card on another memory node costs every frame a way across. Only told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from whitewire.config_process import ProcessConfig
from whitewire.protocol.receive import plan_cpus

__all__ = ["Objection", "PinFacts", "objections"]

# With fewer there is no choice.
ENOUGH_CPUS = 3


class PinFacts(NamedTuple):
    """What was found out about a host.

    Attributes:
        allowed: CPUs that this process may use.
        siblings: the other CPUs of each CPU's core.
        card_cpus: CPUs that network cards interrupt.
        nodes: memory node of each CPU.
        card_nodes: memory nodes of network cards, where the kernel tells.
    """

    allowed: frozenset[int]
    siblings: Mapping[int, frozenset[int]]
    card_cpus: frozenset[int] = frozenset()
    nodes: Mapping[int, int] = {}
    card_nodes: frozenset[int] = frozenset()


class Objection(NamedTuple):
    """What speaks against a pinning; `is_refusal` where it must not be."""

    is_refusal: bool
    what: str
    advice: str


def objections(process: ProcessConfig, facts: PinFacts) -> list[Objection]:
    """Everything that speaks against where the threads would go, the worst first.

    Raises:
        ConfigError: they cannot go there at all.
    """
    plan = plan_cpus(process, facts.allowed)
    if plan.hot is None:
        return []
    others = plan.others if plan.others is not None else facts.allowed - {plan.hot}
    is_spinning = process.receive == "spin"
    found = [
        *_sibling(plan.hot, others, is_spinning, facts),
        *_first_cpu(plan.hot, is_spinning, facts),
        *_card(plan.hot, is_spinning, facts),
    ]
    return sorted(found, key=lambda one: not one.is_refusal)


def _sibling(
    hot: int, others: frozenset[int], is_spinning: bool, facts: PinFacts
) -> Iterator[Objection]:
    shared = facts.siblings.get(hot, frozenset()) & others
    if not shared:
        return
    elsewhere = others - shared
    names = _names(shared)
    what = f"process.cpu = {hot} shares its core with CPU {names}, where other threads may run"
    if elsewhere:
        advice = f"set process.housekeeping_cpus = [{_names(elsewhere)}]"
    else:
        advice = "use receive = block or busy_poll here, or allow the process another core"
    yield Objection(is_spinning and bool(elsewhere), what, advice)


def _first_cpu(hot: int, is_spinning: bool, facts: PinFacts) -> Iterator[Objection]:
    if hot == 0:
        better = facts.allowed - {0} - facts.siblings.get(0, frozenset()) - facts.card_cpus
        better = better or facts.allowed - {0}
        yield Objection(
            is_spinning and len(facts.allowed) >= ENOUGH_CPUS,
            "process.cpu = 0 does the kernel's housekeeping and takes most interrupts",
            f"choose another: {_names(better)}" if better else "there is no other here",
        )


def _card(hot: int, is_spinning: bool, facts: PinFacts) -> Iterator[Objection]:
    if is_spinning and hot in facts.card_cpus:
        yield Objection(
            False,
            f"the network card interrupts CPU {hot}, on which the loop spins",
            "move its interrupts to a neighbour and measure both (tuning/, I1)",
        )
    node = facts.nodes.get(hot)
    if node is not None and facts.card_nodes and node not in facts.card_nodes:
        near = [cpu for cpu in facts.allowed if facts.nodes.get(cpu) in facts.card_nodes]
        yield Objection(
            False,
            f"CPU {hot} is on memory node {node}, the network card on {_names(facts.card_nodes)}",
            f"choose a CPU near the card: {_names(near)}" if near else "no CPU near it is allowed",
        )


def _names(cpus: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(cpus)))
