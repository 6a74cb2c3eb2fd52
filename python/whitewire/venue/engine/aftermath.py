"""What the engine asks for after something has happened to orders.

Owns: the interface between the engine and what a cycle means for groups, positions and margins.
Must not know: any of these. Invariant: the engine works without anybody behind this interface.
"""

from __future__ import annotations

from typing import Protocol

from whitewire.venue.values.model import Order


class Aftermath(Protocol):
    """What follows from a cycle for more than its own orders; carried out with the engine."""

    def follow(self, touched: list[Order], now: float) -> None:
        """Carries out what orders against collateral have caused that reported something."""

    def activated(self, order: Order, now: float) -> None:
        """Carries out what the activation of a stop means, before the stop does anything."""

    def watch(self, now: float) -> None:
        """Looks at every account, since a price may have moved."""


class NoAftermath:
    """For an engine that trades spot alone."""

    def follow(self, touched: list[Order], now: float) -> None:
        """Nothing follows."""

    def activated(self, order: Order, now: float) -> None:
        """Nothing follows."""

    def watch(self, now: float) -> None:
        """Nobody is in danger."""
