"""What becomes of one subscriber's delta on its way, where a fault says so.

Owns: the frames that leave in place of a delta, and a bid that crosses the book. Must not know:
sockets, windows, when a look is due. Invariant: without an armed fault exactly the delta leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from whitewire.venue.faults.armed import FaultTable
from whitewire.venue.values.model import Level
from whitewire.venue.values.money import add

__all__ = ["Trail", "crossing_bid", "frames_in_place_of"]


@dataclass(slots=True)
class Trail:
    """What a subscriber was sent since its last snapshot, as far as faults need it.

    Attributes:
        previous: its latest delta; empty before the first.
        held: deltas that wait for the next one to overtake them.
    """

    previous: str = ""
    held: list[str] = field(default_factory=list)


def frames_in_place_of(delta: str, trail: Trail, faults: FaultTable, market: str) -> list[str]:
    """The frames that leave now, in order."""
    frames: list[str] = []
    if faults.take("reordered_delta", market=market):
        trail.held.append(delta)
    elif not faults.take("gap", market=market):
        frames.append(delta)
        if faults.take("duplicate_delta", market=market):
            frames.append(delta)
        if trail.previous and faults.take("stale_delta", market=market):
            frames.append(trail.previous)
        frames += trail.held
        trail.held.clear()
    trail.previous = delta
    return frames


def crossing_bid(best_ask: Level, step: Decimal) -> Level:
    """A bid one price step above the best ask and of its size."""
    return Level(add(best_ask.price, step), best_ask.amount)
