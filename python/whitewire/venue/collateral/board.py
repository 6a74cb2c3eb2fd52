"""What everybody may know about the futures of the venue.

Owns: one view of a market's prices, funding and open interest, and the settlements that there
have been. Must not know: whose the positions are, HTTP. Invariant: reading changes nothing.

Rules:
    B1  Without a spot market of the same assets the index is the mark price itself.
    B2  Settlements are newest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from whitewire.venue.collateral.funding import CAP, Funding, Prices, Settlement, open_interest
from whitewire.venue.engine.accounts import Account
from whitewire.venue.values.model import MarketSpec


@dataclass(frozen=True, slots=True)
class FuturesView:
    """One market at one moment.

    Attributes:
        open_interest: sum of all long positions, in stock.
        cap: greatest funding rate; the least is its negative.
        next_funding: when the next settlement is, epoch seconds.
    """

    mark: Decimal
    index: Decimal
    open_interest: Decimal
    funding_rate: Decimal
    cap: Decimal
    next_funding: float
    interval_s: int


class FuturesBoard:
    """Shows futures to everybody."""

    def __init__(self, prices: Prices, funding: Funding, accounts: Mapping[str, Account]) -> None:
        self._prices = prices
        self._funding = funding
        self._accounts = accounts

    def view(self, spec: MarketSpec) -> FuturesView:
        """A futures market as it is."""
        mark = self._prices.mark(spec.name)
        return FuturesView(
            mark=mark,
            index=self._prices.index(spec) or mark,  # B1
            open_interest=open_interest(self._accounts.values(), spec.name),
            funding_rate=self._funding.rate(spec),
            cap=CAP,
            next_funding=self._funding.next_due(),
            interval_s=self._funding.interval_s,
        )

    def settlements(self, market: str) -> Iterator[Settlement]:
        """What has been settled on a market (B2)."""
        return (one for one in reversed(self._funding.settlements) if one.market == market)
