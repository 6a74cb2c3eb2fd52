"""Whose turn it is among many who act at moments of their own.

Owns: the order of their next moments. Must not know: what they do. Invariant: whoever is due first
acts first; of those due at the same moment, the one who was named first.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable

from whitewire.venue.drivers.driver import MarketDriver

__all__ = ["Agenda"]


class Agenda:
    """Actors by their next moment; asking who is next costs the same for one and for hundreds."""

    def __init__(self, actors: Iterable[MarketDriver]) -> None:
        self._heap = [(each.next_due(), place, each) for place, each in enumerate(actors)]
        heapq.heapify(self._heap)

    def next_due(self) -> float:
        """When the next action is due, epoch seconds; infinity where nobody acts."""
        return self._heap[0][0] if self._heap else math.inf

    def act(self) -> None:
        """Does the next action.

        Raises:
            IndexError: there is nobody.
        """
        _, place, actor = self._heap[0]
        actor.act()
        heapq.heapreplace(self._heap, (actor.next_due(), place, actor))

    def skip_to(self, now: float) -> None:
        """Puts off what was due before `now` without doing it."""
        if self.next_due() < now:
            for _, _, actor in self._heap:
                actor.skip_to(now)
            self._heap = [(each.next_due(), place, each) for _, place, each in self._heap]
            heapq.heapify(self._heap)

    def drop(self, market: str) -> None:
        """Dismisses the actors of a market."""
        self._heap = [entry for entry in self._heap if entry[2].market != market]
        heapq.heapify(self._heap)
