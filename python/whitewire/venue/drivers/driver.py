"""What moves a market that nobody but clients would otherwise trade in.

Owns: the face of such a driver, and what it is handed when it is made. Must not know: what drives
(the simulated traders, a recording). Invariant: a driver acts only when it is told to, at exactly
the time when its next action is due, and through the engine's rules like everybody else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.book import Book
from whitewire.venue.engine.engine import Engine
from whitewire.venue.values.model import MarketSpec

__all__ = ["DriverMaker", "MarketDriver", "MarketFloor"]


class MarketDriver(Protocol):
    """The flow of one market; `Traders` is one, `Replay` another."""

    @property
    def market(self) -> str:
        """Its name."""

    def next_due(self) -> float:
        """When the next action is due, epoch seconds; infinity if there is none."""

    def skip_to(self, now: float) -> None:
        """Puts off what was due before `now` without doing it."""

    def act(self) -> None:
        """Does the next action, at exactly the time when it is due."""


@dataclass(frozen=True, slots=True)
class MarketFloor:
    """Where a driver does its work.

    Attributes:
        spec: its market.
        engine: takes its orders.
        book: the market's book, to look at; changes go through the engine.
        makers: internal account of what rests.
        takers: internal account of what takes.
        now: engine time at which it is made, epoch seconds.
    """

    spec: MarketSpec
    engine: Engine
    book: Book
    makers: Account
    takers: Account
    now: float


DriverMaker = Callable[[MarketFloor], MarketDriver]
