"""Which markets are listed, and for which kind of order.

Owns: the three lists that requests are read against. Must not know: books, orders, accounts.
Invariant: a market that is taken off is in none of them; what it was stays known in `ever`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from whitewire.venue.values.model import AccountSpec, MarketSpec


class Listing:
    """The venue's markets by name, in listing order.

    Attributes:
        all: every market.
        spot: those that spot orders can be placed on.
        collateral: those that orders against collateral can be placed on.
        ever: every market that there has been.
    """

    def __init__(self, markets: Iterable[MarketSpec]) -> None:
        self.all = {spec.name: spec for spec in markets}
        self.spot = {name: spec for name, spec in self.all.items() if not spec.is_futures}
        self.collateral = {
            name: spec for name, spec in self.all.items() if spec.is_futures or spec.is_collateral
        }
        self.ever = dict(self.all)

    def remove(self, name: str) -> None:
        """Takes a listed market off."""
        for markets in (self.all, self.spot, self.collateral):
            markets.pop(name, None)

    def assets(self) -> tuple[str, ...]:
        """Every asset of a listed market, alphabetical."""
        specs = self.all.values()
        return tuple(sorted({asset for spec in specs for asset in (spec.stock, spec.money)}))


def check_names(
    accounts: Iterable[AccountSpec], markets: Mapping[str, MarketSpec], traded: Iterable[str]
) -> None:
    """Refuses accounts that share a name or a key, and markets to trade that are not listed.

    Raises:
        ValueError: says which.
    """
    specs = list(accounts)
    for what in ([spec.name for spec in specs], [spec.key for spec in specs if spec.key]):
        if len(set(what)) != len(what):
            raise ValueError(f"two accounts share a name or a key: {what}")
    unlisted = [name for name in traded if name not in markets]
    if unlisted:
        raise ValueError(f"no such market to trade: {', '.join(unlisted)}")
