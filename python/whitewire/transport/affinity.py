"""Threads on CPUs, and the hot thread's memory.

Owns: the system calls that pin a thread and choose its memory. Must not know: why a CPU was
chosen (see `protocol.receive`). Invariants: a thread that was put somewhere else by its maker
stays there; only those that may run on the hot CPU are moved.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Collection
from pathlib import Path

from whitewire.errors import ConfigError, StartupError

__all__ = ["Crowd", "memory_node", "memory_nodes", "pin", "prefer_memory_of"]

# Numbers of the calls for memory policies, which the C library does not wrap.
_CALLS = {"x86_64": (238, 239), "aarch64": (237, 236)}
_MPOL_DEFAULT, _MPOL_PREFERRED = 0, 1
_MASK_BITS = 1024
_NODES = Path("/sys/devices/system/node")


def pin(cpu: int) -> None:
    """Pins the calling thread to one CPU.

    Raises:
        ConfigError: this process may not run there.
    """
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError as error:
        raise ConfigError(
            "config-cpu", f"CPU {cpu}: {error.strerror}", "choose one that this process may use"
        ) from None


class Crowd:
    """Every thread of this process but one.

    Threads start on the CPUs of the thread that starts them: what the pinned loop starts (the
    resolver's threads, an executor) would compete with it. So they are looked for again and again.

    Args:
        hot: the thread that is left alone, its native number.
        cpus: where the others belong.
    """

    def __init__(self, hot: int, cpus: Collection[int]) -> None:
        self._hot = hot
        self._cpus = frozenset(cpus)
        self._settled: set[int] = set()

    def settle(self) -> list[int]:
        """Moves new threads that may run elsewhere than they should; their native numbers."""
        alive = {int(name) for name in os.listdir("/proc/self/task")} - {self._hot}
        moved = []
        for thread in alive - self._settled:
            try:
                hot_cpus = os.sched_getaffinity(self._hot)
                if os.sched_getaffinity(thread) & hot_cpus:
                    os.sched_setaffinity(thread, self._cpus)
                    moved.append(thread)
            except ProcessLookupError:  # it ended meanwhile
                alive.discard(thread)
        self._settled = alive
        return moved


def memory_nodes() -> dict[int, int]:
    """The memory node of each CPU; empty where the kernel does not tell."""
    found = {}
    for node in _NODES.glob("node[0-9]*"):
        for part in (node / "cpulist").read_text(encoding="ascii").strip().split(","):
            first, _, last = part.partition("-")
            if first:
                cpus = range(int(first), int(last or first) + 1)
                found.update(dict.fromkeys(cpus, int(node.name.removeprefix("node"))))
    return found


def prefer_memory_of(node: int | None) -> None:
    """Takes the calling thread's memory from a node, and from others only when that is full.

    Args:
        node: which; None for wherever the kernel likes.

    Raises:
        StartupError: the kernel refused.
    """
    if node is None:
        _memory_call(0, ctypes.c_long(_MPOL_DEFAULT), None, ctypes.c_ulong(0))
        return
    mask = (ctypes.c_ulong * (_MASK_BITS // 64))()
    mask[node // 64] = 1 << (node % 64)
    _memory_call(0, ctypes.c_long(_MPOL_PREFERRED), mask, ctypes.c_ulong(_MASK_BITS))


def memory_node() -> int | None:
    """The node that the calling thread's memory is taken from by preference, None without one.

    Raises:
        StartupError: the kernel refused.
    """
    mode, mask = ctypes.c_int(), (ctypes.c_ulong * (_MASK_BITS // 64))()
    _memory_call(1, ctypes.byref(mode), mask, ctypes.c_ulong(_MASK_BITS), None, ctypes.c_ulong(0))
    if mode.value != _MPOL_PREFERRED:
        return None
    word = next((index for index, bits in enumerate(mask) if bits), None)
    return None if word is None else word * 64 + mask[word].bit_length() - 1


def _memory_call(which: int, *arguments: object) -> None:
    calls = _CALLS.get(platform.machine())
    if calls is None:
        raise StartupError("numa-refused", f"no memory policies on {platform.machine()}")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(calls[which]), *arguments) != 0:
        raise StartupError(
            "numa-refused",
            f"the kernel refused a memory policy: {os.strerror(ctypes.get_errno())}",
            "leave process.numa out",
        )
