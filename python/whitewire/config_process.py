"""The section of the configuration about the process: CPUs, memory, and how the loop waits.

Owns: schema of `[process]`, and what can be said of it without looking at a host. Must not know:
this host (see `protocol.receive`). Invariant: a spinning loop has a CPU of its own.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from whitewire.errors import ConfigError

__all__ = ["RECEIVE_MODES", "ProcessConfig", "ReceiveMode", "check_process"]

ReceiveMode = Literal["block", "busy_poll", "spin"]
RECEIVE_MODES: tuple[ReceiveMode, ...] = ("block", "busy_poll", "spin")
Cpu = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


class ProcessConfig(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The process and its threads.

    Attributes:
        cpu: where the hot thread, the loop's, is pinned; None pins nothing.
        housekeeping_cpus: where every other thread runs; None is all allowed ones but `cpu`.
        receive: how the loop waits for the venue. `block` sleeps until the kernel wakes it;
            `busy_poll` lets the kernel poll the network card before it sleeps; `spin` never
            sleeps, which takes all of `cpu`.
        numa: `local` takes the hot thread's memory from the node of `cpu`.
        spin_looks: how often a spinning loop reads the feed's socket between two of its turns;
            0 leaves the feed to the loop's own polling.
        keep_warm_us: how far apart a spinning loop goes the way of a tick and its order that never
            happen, so that the caches know it when one comes; 0 never does.
        busy_poll_us: how long the kernel polls before it sleeps.
        busy_poll_packets: taken from the card at most per poll; more than 64 need CAP_NET_ADMIN.
        prefer_busy_poll: also keep the card's interrupts away while it is polled, as far as the
            card was told to (napi_defer_hard_irqs, gro_flush_timeout).
    """

    cpu: Cpu | None = None
    housekeeping_cpus: tuple[Cpu, ...] | None = None
    receive: ReceiveMode = "block"
    numa: Literal["local"] | None = None
    spin_looks: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 8
    keep_warm_us: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 200
    busy_poll_us: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 50
    busy_poll_packets: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 8
    prefer_busy_poll: bool = False


def check_process(process: ProcessConfig, source: str = "configuration") -> None:
    """Checks what needs no host; `source` names the file in errors.

    Raises:
        ConfigError: the section contradicts itself.
    """
    if process.cpu is None and (process.receive == "spin" or process.numa is not None):
        what = "receive = spin" if process.receive == "spin" else "numa = local"
        raise ConfigError(
            "config-cpu",
            f"{source}: process.{what} needs a pinned thread",
            "set process.cpu to one CPU",
        )
    if process.housekeeping_cpus is not None:
        if not process.housekeeping_cpus:
            raise ConfigError(
                "config-cpu",
                f"{source}: process.housekeeping_cpus is empty",
                "name a CPU or leave it out",
            )
        if process.cpu in process.housekeeping_cpus:
            raise ConfigError(
                "config-cpu",
                f"{source}: process.housekeeping_cpus holds {process.cpu}, which is process.cpu",
                "leave the hot thread's CPU to it",
            )
