"""What a call costs at our own rate limit: of one process, and shared with others.

    python -m bench.throttle

Owns: the loops and their table. Must not know: a venue. Invariant: each timed call passes.
Prints ns for each call, least of several rounds: the lock itself, one process, and shared cells
with calls in a hurry (2 ms apart), in bursts of eight, and alone (20 ms apart, a lock for each).
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from whitewire.endpoints import ENDPOINTS
from whitewire.protocol.throttle import Throttle
from whitewire.transport.shared_cells import SharedCells

ROUNDS, CALLS = 15, 10_000
MILLISECOND = 1_000_000


def least_ns(work: Callable[[], None]) -> float:
    """The quickest round's ns of this thread for each call; other processes' turns do not count."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time_ns()
        work()
        best = min(best, (time.thread_time_ns() - began) / CALLS)
    return best


def calls(throttle: Throttle, times: list[int]) -> Callable[[], None]:
    """A round of calls at these monotonic times; each round is an hour later."""
    rounds: Iterator[int] = iter(range(10**12, 10**18, 3_600_000 * MILLISECOND))

    def work() -> None:
        take, start = throttle.try_take, next(rounds)
        for at in times:
            if take("place", start + at, False):
                raise SystemExit("a call was held back")

    return work


def main() -> None:
    """Measures and prints."""
    hurried = [number * 2 * MILLISECOND for number in range(CALLS)]
    bursts = [number // 8 * 20 * MILLISECOND for number in range(CALLS)]
    alone = [number * 20 * MILLISECOND for number in range(CALLS)]
    with tempfile.TemporaryDirectory() as directory:
        cells = SharedCells(Path(directory), "bench", ENDPOINTS.values())

        def locks() -> None:
            for _ in range(CALLS):
                cells.enter()
                cells.leave()

        def shared() -> Throttle:
            for number in range(len(ENDPOINTS) * 2):
                cells.numbers[number] = 0
            return Throttle(ENDPOINTS.values(), random.Random(1), cells)

        own = Throttle(ENDPOINTS.values(), random.Random(1))
        print(f"one process            {least_ns(calls(own, hurried)):7.0f} ns")
        print(f"lock and unlock        {least_ns(locks):7.0f} ns")
        print(f"shared, in a hurry     {least_ns(calls(shared(), hurried)):7.0f} ns")
        print(f"shared, bursts of 8    {least_ns(calls(shared(), bursts)):7.0f} ns")
        print(f"shared, alone          {least_ns(calls(shared(), alone)):7.0f} ns")
        cells.close()


if __name__ == "__main__":
    main()
