"""Cores, siblings and the network card's interrupts of this host.

Owns: reading them from /sys and /proc. Must not know: what follows from them (see
`protocol.pinning`). Invariant: what the kernel does not tell is left out, never guessed.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from whitewire.errors import ConfigError
from whitewire.protocol.pinning import Objection, PinFacts, objections
from whitewire.transport.affinity import memory_nodes

if TYPE_CHECKING:
    from whitewire.config_process import ProcessConfig

__all__ = ["demand_pinning", "parse_cpus", "pin_facts"]

ROOT = Path("/")


def demand_pinning(process: ProcessConfig) -> list[Objection]:
    """What speaks against where the threads would go, if it may be.

    Raises:
        ConfigError: they cannot go there, or it would hurt.
    """
    found = objections(process, pin_facts())
    if found and found[0].is_refusal:
        raise ConfigError("config-pin", found[0].what, found[0].advice)
    return found


def parse_cpus(text: str) -> frozenset[int]:
    """The CPUs of a list as the kernel writes it, `0-1,3`."""
    cpus: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        cpus.update(range(int(first), int(last or first) + 1))
    return frozenset(cpus)


def pin_facts(root: Path = ROOT) -> PinFacts:
    """What speaks for or against a CPU of this host."""
    return PinFacts(
        allowed=frozenset(os.sched_getaffinity(0)),
        siblings=_siblings(root),
        card_cpus=_card_cpus(root),
        nodes=memory_nodes(),
        card_nodes=_card_nodes(root),
    )


def _siblings(root: Path) -> dict[int, frozenset[int]]:
    found = {}
    for path in root.glob("sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list"):
        cpu = int(path.parts[-3].removeprefix("cpu"))
        found[cpu] = parse_cpus(path.read_text(encoding="ascii")) - {cpu}
    return found


def _card_cpus(root: Path) -> frozenset[int]:
    """CPUs that the interrupts of network cards go to; those of virtio belong to its parent."""
    numbers = {
        path.name
        for place in ("device/msi_irqs", "device/../msi_irqs")
        for path in root.glob(f"sys/class/net/*/{place}/*")
    }
    cpus: set[int] = set()
    for number in numbers:
        for name in ("effective_affinity_list", "smp_affinity_list"):
            # an interrupt may go away meanwhile, and not every user may look at every one
            with contextlib.suppress(OSError):
                text = (root / "proc/irq" / number / name).read_text(encoding="ascii")
                cpus |= parse_cpus(text)
                break
    return frozenset(cpus)


def _card_nodes(root: Path) -> frozenset[int]:
    nodes = set()
    for path in root.glob("sys/class/net/*/device/numa_node"):
        with contextlib.suppress(OSError):
            nodes.add(int(path.read_text(encoding="ascii")))
    return frozenset(nodes - {-1})
