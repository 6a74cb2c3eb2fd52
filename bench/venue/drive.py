"""Two ways to load a venue: on a fixed schedule, whatever it answers, or as fast as it answers.

Owns: when requests leave. Must not know: what they say. Invariant: on a schedule the times count
from the moment at which a request was due, so that a stall of the venue, or of this program, is
in every time that it delayed.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable, Sequence

from bench.venue.supply import Request, Supply
from bench.venue.wire import Connection, WrongAnswerError

__all__ = ["closed_loop", "drain", "open_loop"]

_ANSWER_S = 10.0
_LEAD_NS = 100_000_000
# Placements that are signed before a schedule starts; a longer one signs on between its bursts.
_AHEAD = 48_000

Burst = list[tuple[Request, ...]]


def open_loop(
    connections: Sequence[Connection],
    supply: Supply,
    *,
    rate: float,
    burst: int,
    seconds: float,
    on_second: Callable[[int], None] = lambda second: None,
) -> tuple[float, list[int]]:
    """Sends `rate` placements a second, `burst` at once, in turn over the connections.

    Args:
        rate: placements a second; the cancels that accompany them come on top.
        burst: placements that are due at the same moment.
        seconds: how long.
        on_second: called once a second with the number of seconds since the start, from 0.

    Returns:
        Seconds that the schedule took, and by how many ns each burst left late: what of the
        measured times is this program's own.

    Raises:
        WrongAnswerError: a wrong answer, or none.
    """
    interval_ns = round(burst * 1e9 / rate)
    total = int(seconds * 1e9 / interval_ns)
    ready = deque[Burst]()
    # Signing takes a moment before the schedule starts; nonces are good for five seconds.
    start_ms = int(time.time() * 1_000) + min(total * burst, _AHEAD) // 50

    def sign(number: int) -> None:
        if number < total:
            due_ms = start_ms + number * interval_ns // 1_000_000
            turns = (leg % len(connections) for leg in range(burst))
            ready.append([supply.take(turn, due_ms) for turn in turns])

    ahead = min(total, _AHEAD // burst)
    for number in range(ahead):
        sign(number)
    start = due = time.perf_counter_ns() + _LEAD_NS
    second = 0
    late_ns: list[int] = []
    for number in range(total):
        while (now := time.perf_counter_ns()) < due:
            _pump(connections, (due - now) / 1e9)
        late_ns.append(now - due)
        for leg, requests in enumerate(ready.popleft()):
            for request in requests:
                connections[leg % len(connections)].queue(request, due)
        _pump(connections, 0.0)
        due += interval_ns
        sign(number + ahead)
        if now >= start + second * 1_000_000_000:
            on_second(second)
            second += 1
    took_ns = max(time.perf_counter_ns() - start, total * interval_ns)
    drain(connections)
    return took_ns / 1e9, late_ns


def closed_loop(
    connections: Sequence[Connection], supply: Supply, *, depth: int, seconds: float
) -> float:
    """Keeps `depth` placements, with their cancels, unanswered on each connection.

    Returns:
        Seconds until the last answer.

    Raises:
        WrongAnswerError: a wrong answer, or none.
    """
    start = now = time.perf_counter_ns()
    end = start + int(seconds * 1e9)
    while now < end:
        due_ms = int(time.time() * 1_000)
        for turn, connection in enumerate(connections):
            while len(connection.in_flight) < 2 * depth:
                for request in supply.take(turn, due_ms):
                    connection.queue(request, now)
        _pump(connections, 0.1)
        now = time.perf_counter_ns()
    drain(connections)
    return (time.perf_counter_ns() - start) / 1e9


def drain(connections: Sequence[Connection]) -> None:
    """Waits for the answers that are still to come.

    Raises:
        WrongAnswerError: they do not.
    """
    deadline = time.monotonic() + _ANSWER_S
    while any(connection.in_flight for connection in connections):
        if time.monotonic() > deadline:
            raise WrongAnswerError(f"no answer within {_ANSWER_S:g} s")
        _pump(connections, 0.1)


def _pump(connections: Sequence[Connection], wait_s: float) -> None:
    """Sends what can be sent and books what has come, waiting for either if there is time."""
    blocked = [connection.sock for connection in connections if connection.flush()]
    socks = [connection.sock for connection in connections]
    readable, _, _ = select.select(socks, blocked, [], wait_s)
    for connection in connections:
        if connection.sock in readable:
            connection.receive()
