"""Runs that undo themselves unless they are confirmed."""

from __future__ import annotations

import pytest

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tests.tuning.tuner import KNOWN, apply, context, left, named, records
from tunelib import pending, planner
from tunelib.apply import Applier
from tunelib.errors import TuneError
from tunelib.state import State, locked

LATENCY = named("latency")
RUN, AT, SECONDS = "waiting", 1_000.0, 120.0


def waiting() -> tuple[MemoryHost, dict[str, str]]:
    """A host with base applied for good and latency on trial; and how it was between the two."""
    host = MemoryHost(SPECS["amd4"])
    apply(host, named("base"))
    before = host.snapshot()
    with locked(host) as state:
        pending.begin(host, state, RUN, SECONDS, AT)
        seen = context(host, LATENCY)
        Applier(host, state, RUN).apply(seen, planner.chosen(seen, KNOWN))
    return host, before


class Clock:
    """Seconds that pass by sleeping, and what happens while they do."""

    def __init__(self, host: MemoryHost, confirms_after: float = 1e9) -> None:
        self.now = AT
        self._host = host
        self._confirms_at = AT + confirms_after

    def sleep(self, seconds: float) -> None:
        """Time passes; the user may confirm."""
        self.now += seconds
        if self.now >= self._confirms_at:
            with locked(self._host) as state:
                pending.confirm(state)


def test_the_watcher_undoes_the_run_and_only_the_run() -> None:
    host, before = waiting()
    clock = Clock(host)
    done = pending.watch(host, RUN, lambda: clock.now, clock.sleep)
    assert clock.now == pytest.approx(AT + SECONDS, abs=1)
    assert {one.what for one in done} == {"reverted"}
    assert host.snapshot() == before
    assert set(records(host)) == {"S1", "S2", "V1"}
    assert State(host).pending is None


def test_what_is_confirmed_stays() -> None:
    host, _ = waiting()
    clock = Clock(host, confirms_after=3.0)
    assert pending.watch(host, RUN, lambda: clock.now, clock.sleep) == []
    assert left(host, LATENCY) == {}
    assert clock.now < AT + 5


def test_another_run_does_not_begin_meanwhile() -> None:
    host, _ = waiting()
    with locked(host) as state, pytest.raises(TuneError, match="undoes itself in 100 s"):
        pending.expire(host, state, AT + 20)


def test_the_next_command_undoes_what_the_watcher_could_not() -> None:
    host, before = waiting()
    with locked(host) as state:
        assert pending.expire(host, state, AT + SECONDS)
    assert host.snapshot() == before
    with locked(host) as state:
        assert pending.expire(host, state, AT + SECONDS) == []


def test_a_boot_ends_the_wait() -> None:
    host, _ = waiting()
    host.files["/proc/sys/kernel/random/boot_id"] = "99999999-2222-3333-4444-555555555555\n"
    with locked(host) as state:
        done = pending.expire(host, state, 5.0)
    assert {one.id for one in done} == {"I2", "K3"}
    assert not [path for path in host.files if path.startswith("/etc/") and "whitewire" in path]


def test_there_may_be_nothing_to_confirm() -> None:
    host = MemoryHost(SPECS["amd4"])
    with locked(host) as state:
        assert not pending.confirm(state)
        pending.begin(host, state, RUN, SECONDS, AT)
        assert pending.confirm(state)
