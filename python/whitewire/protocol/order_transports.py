"""The three ways in which orders travel, and which of them answers a burst soonest.

Owns: their names, and the choice among them. Must not know: how any of them works, what was
measured how. Invariants: an order's states and what its answers mean are the same whichever way it
took; the choice is the one whose last answer is predicted soonest, or one within a tenth of that
which stands earlier in the list of `OrderTransport`, so that noise does not decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Choice", "OrderTransport", "Outlook", "choose"]

# A transport that is so much slower than the best, percent, is taken nevertheless if it is simpler.
TOLERANCE_PERCENT = 10


class OrderTransport(StrEnum):
    """How placements, and what concerns them later, reach the venue."""

    PIPELINED = "pipelined"
    WEBSOCKET = "websocket"
    BULK = "bulk"


class Outlook(NamedTuple):
    """What is expected of one transport.

    Attributes:
        first_ns: from the write to the answer of an order that is alone.
        further_ns: how much later each leg behind another is answered: on the same connection, or
            in the same bulk.
        lanes: connections over which legs are spread.
        lane_ns: until one further connection's write has left.
        is_measured: whether orders told that; otherwise it is taken from the probe.
    """

    first_ns: int
    further_ns: int
    lanes: int = 1
    lane_ns: int = 0
    is_measured: bool = False

    def last_ns(self, legs: int) -> int:
        """When the last of so many legs is answered."""
        lanes = min(self.lanes, legs)
        waits = -(-legs // lanes) - 1
        return self.first_ns + waits * self.further_ns + (lanes - 1) * self.lane_ns


class Choice(NamedTuple):
    """The transport of a burst, and why.

    Attributes:
        transport: the one.
        last_ns: predicted last answer, by transport.
    """

    transport: OrderTransport
    last_ns: Mapping[OrderTransport, int]

    @property
    def why(self) -> str:
        """One sentence."""
        parts = [f"{name} {ns / 1e3:.0f} µs" for name, ns in self.last_ns.items()]
        return f"last answer expected after {', '.join(parts)}"


def choose(outlooks: Mapping[OrderTransport, Outlook], legs: int) -> Choice:
    """The transport of a burst of `legs` orders.

    Args:
        outlooks: of those that are up; pipelined is taken where there is none.
        legs: how many; a single order is no bulk.
    """
    expected = {
        name: outlooks[name].last_ns(legs)
        for name in OrderTransport
        if name in outlooks and (name is not OrderTransport.BULK or legs > 1)
    }
    if not expected:
        return Choice(OrderTransport.PIPELINED, expected)
    most_ns = min(expected.values()) * (100 + TOLERANCE_PERCENT) // 100
    return Choice(next(name for name, ns in expected.items() if ns <= most_ns), expected)
