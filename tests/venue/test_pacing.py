"""Order and punctuality of due callbacks, and the phase of timers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import islice, pairwise
from typing import cast

import pytest
import uvloop

from whitewire.venue.wire.pacing import Pacer, Periodic, Queue, spread_phases


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await body()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def test_callbacks_run_in_order_of_time_then_of_arrival_and_never_early() -> None:
    ran: list[tuple[str, bool]] = []

    async def body() -> None:
        pacer = Pacer(asyncio.get_running_loop())
        start = time.monotonic()
        done = asyncio.Event()

        def note(name: str, moment: float) -> Callable[[], None]:
            return lambda: ran.append((name, time.monotonic() >= moment))

        moments = {"late": 0.012, "soon": 0.0005, "mid": 0.004, "mid too": 0.004}
        for name, after in moments.items():
            pacer.at(start + after, note(name, start + after))
        pacer.at(start + 0.013, done.set)
        await asyncio.wait_for(done.wait(), 5)
        pacer.close()

    run(body)
    assert ran == [("soon", True), ("mid", True), ("mid too", True), ("late", True)]


def test_a_callback_may_add_an_earlier_one_than_what_is_waiting() -> None:
    ran: list[str] = []

    async def body() -> None:
        pacer = Pacer(asyncio.get_running_loop())
        start = time.monotonic()
        done = asyncio.Event()

        def first() -> None:
            ran.append("first")
            pacer.at(time.monotonic() + 0.001, lambda: ran.append("second"))

        pacer.at(start + 0.03, done.set)
        pacer.at(start + 0.001, first)
        await asyncio.wait_for(done.wait(), 5)
        pacer.close()

    run(body)
    assert ran == ["first", "second"]


def test_a_closed_pacer_runs_nothing_more() -> None:
    ran: list[str] = []

    async def body() -> None:
        pacer = Pacer(asyncio.get_running_loop())
        pacer.at(time.monotonic() + 0.005, lambda: ran.append("late"))
        pacer.close()
        await asyncio.sleep(0.02)

    run(body)
    assert ran == []


class FakeLoop:
    """A clock that moves only when told to, and one timer."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due = 0.0
        self.callback: Callable[[], None] | None = None

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> FakeLoop:
        self.due, self.callback = when, callback
        return self

    def cancel(self) -> None:
        self.callback = None

    def fire(self, late: float = 0.0) -> None:
        assert self.callback is not None
        self.now = self.due + late
        self.callback()


def test_a_timer_keeps_its_phase_when_a_turn_was_late() -> None:
    loop = FakeLoop()
    turns: list[float] = []
    timer = Periodic(
        cast("asyncio.AbstractEventLoop", loop), 0.5, lambda: turns.append(loop.now - 100)
    )
    for late in (0.0, 0.25, 0.0, 1.75, 0.0):
        loop.fire(late)
    # On the grid but for the two late ones; the very late one swallowed three turns.
    assert turns == [0.5, 1.25, 1.5, 3.75, 4.0]
    timer.close()
    assert loop.callback is None


def test_a_first_turn_may_come_sooner_and_sets_the_phase() -> None:
    loop = FakeLoop()
    turns: list[float] = []
    Periodic(
        cast("asyncio.AbstractEventLoop", loop), 0.5, lambda: turns.append(loop.now), first_s=0.125
    )
    for _ in range(3):
        loop.fire()
    assert turns == [100.125, 100.625, 101.125]


@pytest.mark.parametrize("number", [1, 2, 3, 10, 100, 997])
def test_phases_lie_evenly_spread(number: int) -> None:
    phases = list(islice(spread_phases(), number))
    assert phases[0] == 1
    assert all(0 < phase <= 1 for phase in phases)
    ordered = sorted(phases)
    gaps = [after - before for before, after in pairwise([*ordered, ordered[0] + 1])]
    assert 0.3 / number < min(gaps)
    assert max(gaps) < 3 / number


def test_a_queue_serves_one_after_another_and_forgets_idle_time() -> None:
    queue = Queue()
    assert [queue.admit(10.0, 2.0), queue.admit(11.0, 3.0), queue.admit(11.0, 0.0)] == [12, 15, 15]
    assert queue.admit(20.0, 1.0) == 21
