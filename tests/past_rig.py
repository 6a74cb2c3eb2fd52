"""What an earlier session left: a journal, and orders at the embedded venue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.gateway_rig import (
    MARKET,
    Truth,
    config_for,
)
from tests.journal_rig import MARKETS, start, write
from whitewire.bookkeeping import Bookkeeper
from whitewire.config import Config, JournalConfig, StartConfig
from whitewire.journal.records import LastDeal, Record
from whitewire.venue import Venue
from whitewire.venue.values.model import Order as VenueOrder

CANCEL = "/api/v4/order/cancel"


class Past:
    """An earlier session: its journal, and the orders that it left at the venue."""

    def __init__(self, venue: Venue, truth: Truth, folder: Path) -> None:
        self.truth = truth
        self.config = config_for(venue, journal=JournalConfig(path=str(folder), durable_ms=1))
        found = Bookkeeper(self.config, venue.accounts[0].key).folder
        assert found is not None
        self.folder = found
        self.folder.mkdir(parents=True)

    def order(self, name: str, price: int = 60_000, side: str = "buy") -> VenueOrder:
        """An order of ours that rests at the venue."""
        return self.truth.make(
            side, price, "0.01", who=self.truth.me, client_order_id=name, post_only=True
        )

    def fill(self, order: VenueOrder, amount: str = "0.01") -> int:
        """Somebody trades with it; the deal's id."""
        side = "sell" if order.side.value == "buy" else "buy"
        self.truth.make(side, order.price, amount, ioc=True)
        return self.truth.deals()[0].id

    def recorded(self, *records: Record, last_deal: int = 0, session: int = 1) -> None:
        """What the earlier session wrote down."""
        first: Sequence[Record] = [start(session), MARKETS[0], LastDeal(MARKET, last_deal)]
        write(self.folder, session, first, *([record] for record in records))

    def keeping(self) -> Config:
        """The configuration that keeps orders."""
        return msgspec.structs.replace(self.config, start=StartConfig(leftovers="keep"))
