"""Carrying out a mass cancel: every request on its own, none waits for another.

Owns: sending what `protocol.red_button` asks for, and handing it the outcomes. Must not know: who
presses, what follows. Invariant: whatever happens to one request, an error of ours included, the
others go on; every request ends within `ATTEMPT_S`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from whitewire.errors import WhitewireError
from whitewire.protocol.red_button import Ask, PressState, RedButton, Report, Resting, Result, Way
from whitewire.protocol.red_button_wire import endpoint_of, fields_of, judge

__all__ = ["ATTEMPT_S", "Callers", "press"]

log = logging.getLogger("whitewire")

ATTEMPT_S = 1.5
TICK_S = 0.02
# At the end what is still under way may come to its own end, which is cleaner than cutting it.
GRACE_S = 0.25


class Caller(Protocol):
    """Calls endpoints, as `transport.control.Control` does."""

    async def call(self, name: str, fields: Mapping[str, Any] | None = None) -> tuple[int, bytes]:
        """One request; (status, body), or a `WhitewireError`."""


# By what is asked and the route that it takes; several share the load in turn.
Callers = Callable[[Ask], Sequence[Caller]]


async def press(button: RedButton, callers: Callers, now_ns: Callable[[], int]) -> Report:
    """Presses `button` until it is clear or has failed.

    Args:
        button: the decisions; pressed just now.
        callers: who carries a request.
        now_ns: monotonic clock.
    """
    turn = itertools.count()
    running: set[asyncio.Task[None]] = set()
    happened = asyncio.Event()

    async def ask_venue(ask: Ask) -> None:
        candidates = callers(ask)
        asked_ns = now_ns()
        result, trouble, rows = await _attempt(candidates[next(turn) % len(candidates)], ask)
        if result is not Result.TAKEN:
            button.on_failed(ask, result, trouble, now_ns())
        elif ask.way is Way.LIST:
            button.on_list(ask, rows, asked_ns, now_ns())
        else:
            button.on_taken(ask, now_ns())
        happened.set()

    loop = asyncio.get_running_loop()
    try:
        while button.state is PressState.PRESSED:
            for ask in button.tick(now_ns()):
                task = loop.create_task(ask_venue(ask))
                running.add(task)
                task.add_done_callback(running.discard)
            happened.clear()
            timer = loop.call_later(TICK_S, happened.set)
            await happened.wait()
            timer.cancel()
        if running:
            await asyncio.wait(running, timeout=GRACE_S)
    finally:
        left = list(running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
    return button.report(now_ns())


async def _attempt(caller: Caller, ask: Ask) -> tuple[Result, str, list[Resting]]:
    try:
        async with asyncio.timeout(ATTEMPT_S):
            return judge(ask, *await caller.call(endpoint_of(ask), fields_of(ask)))
    except TimeoutError:
        return Result.LOST, f"no answer within {ATTEMPT_S:g} s", []
    except WhitewireError as error:
        return Result.LOST, str(error), []
    except Exception as error:  # ours or not, it must not stop the other paths
        log.exception("red button: %s on %s", ask.way, ask.route)
        return Result.LOST, repr(error), []
