"""Placements of one burst: signed together, then each on the lane that it would have taken alone.

Owns: the way of many placements from nonce to lane. Must not know: client ids, admission, what
became of an order. Invariant: legs reach the gate and the lanes in their order, each lane is chosen
as for a single placement, and each leg is either registered on a lane or given back as refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from whitewire._bridge import Burst
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import RequestKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whitewire.gateway import Gateway
    from whitewire.protocol.orders import Order

__all__ = ["FEW", "NO_ROOM", "Bursting", "Leg"]

# As many as the core signs in one call.
MAX_LEGS = 20
# So many are signed together where each can leave at once: the core's lanes of SHA-512 are full.
FEW = 4
# Fewer are signed where they go: the core would sign them one by one, too, and then copy them.
FEWEST = 3
# The core's number for a request that does not fit its buffer.
NO_ROOM = 64
# Members of enumerations are looked up slowly.
_PLACE = RequestKind.PLACE


class Leg(NamedTuple):
    """A placement that was admitted."""

    order: Order
    flags: int
    ticks: int
    lots: int
    sequence: int
    nonce: int


class Bursting:
    """See the module's documentation.

    Args:
        gateway: whose path and lanes.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._burst = Burst(gateway.path)
        self._is_busy = False

    def suits(self, legs: int) -> bool:
        """Whether so many can go together: the lanes have room for each, whichever is refused.

        Not while another burst is on its way: what its writes set off may place orders, too.
        """
        if legs < FEWEST or self._is_busy:
            return False
        return self.is_spread(legs) or self._gateway.entry.room >= legs

    def is_spread(self, legs: int) -> bool:
        """Whether so many go to a lane each: nothing follows behind any of them."""
        return self._gateway.entry.spread >= legs

    def send(
        self, legs: Sequence[Leg], endpoint: str, at_once: bool = False
    ) -> list[tuple[Order, int]]:
        """Sends what passes the gate; the others with the number of their refusal.

        Args:
            legs: in their order.
            endpoint: whose rate limit they were counted against.
            at_once: each is written as soon as it is signed, not at the end of the burst.
        """
        refused: list[tuple[Order, int]] = []
        self._is_busy = True
        try:
            for start in range(0, len(legs), MAX_LEGS):
                refused += self._send(legs[start : start + MAX_LEGS], endpoint, at_once)
        finally:
            self._is_busy = False
        return refused

    def _send(
        self, legs: Sequence[Leg], endpoint: str, at_once: bool
    ) -> Iterator[tuple[Order, int]]:
        rows = [(leg.order.market.index, *leg[1:]) for leg in legs]
        for index, written in enumerate(self._burst.sign(rows)):
            leg = legs[index]
            number = -written if written <= 0 else self._hand_over(leg, index, endpoint, at_once)
            if number:
                yield leg.order, number

    def _hand_over(self, leg: Leg, index: int, endpoint: str, at_once: bool) -> int:
        """Appends a signed leg to the next lane; 0, or the number of a refusal."""
        lane = self._gateway.entry.pick(None, False)
        # a socket may have filled up since `suits`, by what the legs before this one queued
        if lane is None or lane.connection is None:
            return NO_ROOM
        if not self._burst.append_to(lane.connection, index):
            return NO_ROOM
        lane.push(Request(_PLACE, (leg.order,), leg.nonce, 0, None, False, endpoint))
        self._gateway.counts["sent"] += 1
        if at_once:
            lane.connection.leave_early()
        return 0
