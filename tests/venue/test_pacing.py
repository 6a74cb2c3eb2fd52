"""Order and punctuality of due callbacks, and the phase of timers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import uvloop

from whitewire.venue.pacing import Pacer, Periodic


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


def test_a_timer_keeps_its_phase_when_a_turn_was_late() -> None:
    turns: list[float] = []

    async def body() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()

        def turn() -> None:
            turns.append(loop.time() - start)
            if len(turns) == 1:
                time.sleep(0.05)

        timer = Periodic(loop, 0.02, turn)
        await asyncio.sleep(0.2)
        timer.close()
        count = len(turns)
        await asyncio.sleep(0.05)
        assert len(turns) == count

    run(body)
    assert len(turns) >= 5
    # The long first turn swallows some turns; those that follow fall on the grid again.
    assert all(turn % 0.02 < 0.015 for turn in turns[2:])
