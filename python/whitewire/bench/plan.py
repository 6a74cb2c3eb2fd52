"""What is sent when: cells in random order, one after another on a fixed schedule.

Owns: the ways in which a ladder travels, the moments of the bursts, and the bounds that a run may
not pass. Must not know: a gateway, a clock. Invariant: the schedule is made before the first burst
and depends on no answer, so a slow answer cannot thin out what is measured.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from whitewire.errors import UsageError

__all__ = ["WARM_UP_ROUNDS", "Caps", "Cell", "Due", "Way", "schedule", "ways"]

MS = 1_000_000
# Sent and checked like the others, and left out of the figures.
WARM_UP_ROUNDS = 2
Mode = Literal["pipelined", "bulk", "websocket"]


@dataclass(slots=True, frozen=True)
class Way:
    """A way for a ladder to travel.

    Attributes:
        name: as on the command line: `sequential`, `pipelined-4`, `bulk`, `websocket`.
        mode: what `Gateway.quote` is asked for.
        connections: how many connections new orders may take.
        is_sequential: whether a leg waits for the answer to the one before it.
    """

    name: str
    mode: Mode
    connections: int = 1
    is_sequential: bool = False

    @property
    def words(self) -> str:
        """The name in a sentence."""
        if self.mode != "pipelined" or self.is_sequential:
            return self.name
        plural = "" if self.connections == 1 else "s"
        return f"pipelined on {self.connections} connection{plural}"


def ways(connections: int) -> list[Way]:
    """Every way that there is with so many connections."""
    found = [Way("sequential", "pipelined", is_sequential=True), Way("pipelined-1", "pipelined")]
    if connections > 1:
        found.append(Way(f"pipelined-{connections}", "pipelined", connections))
    return [*found, Way("bulk", "bulk"), Way("websocket", "websocket")]


class Cell(NamedTuple):
    """What is compared: one way, with so many legs."""

    way: Way
    legs: int


class Due(NamedTuple):
    """A burst of the schedule: when it is due, ns from the first, and of which round it is."""

    at_ns: int
    round: int
    cell: Cell


def schedule(
    cells: Sequence[Cell],
    rounds: int,
    *,
    interval_ms: float,
    orders_per_s: int | None,
    seed: int,
) -> list[Due]:
    """Every burst of a run, in order.

    Args:
        cells: each is sent once in a round, in an order that is random in each round.
        rounds: without those that warm up.
        interval_ms: between two bursts, at least.
        orders_per_s: after a burst of so many legs passes so much more time that no more orders
            than these are placed in a second; None for no such bound.
        seed: of the order.
    """
    dice = random.Random(seed)
    found: list[Due] = []
    at_ns = 0
    for number in range(-WARM_UP_ROUNDS, rounds):
        for cell in dice.sample(cells, len(cells)):
            found.append(Due(at_ns, number, cell))
            pause_ns = 0 if orders_per_s is None else -(-cell.legs * 1000 * MS // orders_per_s)
            at_ns += max(int(interval_ms * MS), pause_ns)
    return found


@dataclass(slots=True, frozen=True)
class Caps:
    """What a run with real money may not pass; a person gives each.

    Attributes:
        max_orders: placements of the whole run.
        max_notional: price times amount of everything that rests at a time, money.
        orders_per_s: placements in a second.
    """

    max_orders: int
    max_notional: Decimal
    orders_per_s: int

    def demand(self, plan: Sequence[Due], notional: Decimal) -> None:
        """Checks a plan whose largest burst would rest with `notional`.

        Raises:
            UsageError: it passes a cap.
        """
        orders = sum(due.cell.legs for due in plan)
        if orders > self.max_orders:
            raise UsageError(
                "bench-max-orders",
                f"the plan places {orders} orders, and --max-orders is {self.max_orders}",
                "lower --rounds or --legs, or allow more",
            )
        if notional > self.max_notional:
            raise UsageError(
                "bench-max-notional",
                f"the largest burst rests with {notional:f}, and --max-notional is "
                f"{self.max_notional:f}",
                "lower --legs, or allow more",
            )
