"""Threads and memory on this very host: the calls are real."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from whitewire.errors import ConfigError, StartupError
from whitewire.transport.affinity import (
    Crowd,
    memory_node,
    memory_nodes,
    pin,
    prefer_memory_of,
)

CPUS = sorted(os.sched_getaffinity(0))
several = pytest.mark.skipif(len(CPUS) < 2, reason="this process may use one CPU only")


class Bystander:
    """A thread that waits, and where it may run."""

    def __init__(self, cpus: set[int] | None = None) -> None:
        self._cpus = cpus
        self._is_up, self._leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._is_up.wait()
        self.number = self._thread.native_id or 0

    def _run(self) -> None:
        if self._cpus is not None:
            os.sched_setaffinity(0, self._cpus)
        self._is_up.set()
        self._leave.wait()

    @property
    def cpus(self) -> set[int]:
        return os.sched_getaffinity(self.number)

    def end(self) -> None:
        self._leave.set()
        self._thread.join()


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threads = {int(name): os.sched_getaffinity(int(name)) for name in os.listdir("/proc/self/task")}
    yield
    for thread in threads.keys() & set(map(int, os.listdir("/proc/self/task"))):
        os.sched_setaffinity(thread, threads[thread])


def test_a_thread_is_pinned_and_its_siblings_are_not() -> None:
    other = Bystander()
    pin(CPUS[-1])
    assert os.sched_getaffinity(0) == {CPUS[-1]}
    assert other.cpus == set(CPUS)
    other.end()


def test_a_cpu_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="CPU 9999"):
        pin(9999)


@several
def test_only_the_hot_thread_stays_on_its_cpu() -> None:
    hot, rest = CPUS[-1], set(CPUS[:-1])
    before = Bystander()
    pin(hot)
    heir = Bystander()  # begins where its maker is
    assert heir.cpus == {hot}
    crowd = Crowd(threading.get_native_id(), rest)
    assert {before.number, heir.number} <= set(crowd.settle())
    assert (before.cpus, heir.cpus) == (rest, rest)
    assert os.sched_getaffinity(0) == {hot}
    assert crowd.settle() == []
    late = Bystander()
    assert crowd.settle() == [late.number]
    assert late.cpus == rest
    for each in (before, heir, late):
        each.end()
    assert crowd.settle() == []


@several
def test_a_thread_that_was_put_elsewhere_stays_there() -> None:
    hot, elsewhere = CPUS[-1], {CPUS[0]}
    pinned = Bystander(elsewhere)
    pin(hot)
    assert pinned.number not in Crowd(threading.get_native_id(), set(CPUS[:-1])).settle()
    assert pinned.cpus == elsewhere
    pinned.end()


def test_every_allowed_cpu_has_a_memory_node() -> None:
    nodes = memory_nodes()
    if not nodes:
        pytest.skip("the kernel tells of no memory nodes")
    assert set(CPUS) <= nodes.keys()


def test_a_threads_memory_is_taken_from_a_node() -> None:
    """On a thread of its own, as a policy is the thread's and ends with it."""
    nodes = memory_nodes()
    if not nodes:
        pytest.skip("the kernel tells of no memory nodes")
    found: list[object] = []

    def run() -> None:
        try:
            found.append(memory_node())
            prefer_memory_of(nodes[CPUS[-1]])
            found.append(memory_node())
            prefer_memory_of(None)
            found.append(memory_node())
            prefer_memory_of(1000)
        except StartupError as error:
            found.append(error.code)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if found[0] == "numa-refused":
        pytest.skip("this kernel has no memory policies")
    assert found == [None, nodes[CPUS[-1]], None, "numa-refused"]
    assert memory_node() is None
