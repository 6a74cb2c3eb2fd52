"""The parts of one venue that its REST and WebSocket sides share.

Owns: nothing but their being together. Must not know: sockets, endpoints, messages. Invariant:
everything here belongs to one event loop and is used from its thread only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from whitewire.venue.access.auth import Authenticator
from whitewire.venue.access.rate_limits import RateLimiter
from whitewire.venue.access.tokens import TokenStore
from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.faults.armed import FaultTable
from whitewire.venue.options import WireOptions
from whitewire.venue.values.money import to_ancestor_text, to_text

__all__ = ["VenueCore"]


@dataclass(frozen=True, slots=True)
class VenueCore:
    """One venue's engine and everything at its door.

    Attributes:
        clock: the venue's time, epoch seconds.
    """

    exchange: Exchange
    authenticator: Authenticator
    limiter: RateLimiter
    tokens: TokenStore
    faults: FaultTable
    options: WireOptions
    clock: Callable[[], float]

    def stated_time(self) -> float:
        """What the venue believes and says the time is: its clock, and what that is off by."""
        skew = self.faults.holds("clock_skew")
        return self.clock() + (float(skew.values["by_s"]) if skew else 0.0)

    @property
    def number_text(self) -> Callable[[Decimal], str]:
        """How this venue prints numbers."""
        return to_ancestor_text if self.options.exponent_text else to_text
