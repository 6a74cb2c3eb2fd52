"""Whether a venue is whole: its money, its books and its list of markets.

A wallet that is not the trade wallet is not counted: who adds one adds it to `_total`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from tests.venue.naive import RestClient
from whitewire.venue import Venue
from whitewire.venue.exchange import Exchange

ZERO = Decimal(0)


def _total(exchange: Exchange) -> dict[str, Decimal]:
    """What all accounts and the fee pot hold together."""
    total = dict(exchange.fees_collected())
    for name in exchange.accounts:
        for asset, wallet in exchange.balances(name).items():
            assert wallet.available >= ZERO <= wallet.freeze, (name, asset, wallet)
            total[asset] = total.get(asset, ZERO) + wallet.available + wallet.freeze
    return {asset: amount for asset, amount in sorted(total.items()) if amount}


@contextmanager
def stays_sound(venue: Venue, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens inside, the venue is as whole as before and has reported no fault."""
    before = venue.call(_total)
    markets = venue.call(lambda exchange: list(exchange.markets))
    caplog.set_level(logging.ERROR)
    yield
    assert not caplog.records, [record.getMessage() for record in caplog.records]
    assert venue.call(lambda exchange: list(exchange.markets)) == markets
    assert venue.call(_total) == before
    with RestClient(venue) as rest:
        for market in markets:
            status, book = rest.get(f"orderbook/{market}")
            assert status == 200
            bids, asks = ([Decimal(price) for price, _ in book[side]] for side in ("bids", "asks"))
            assert bids == sorted(bids, reverse=True)
            assert asks == sorted(asks)
            assert not (bids and asks) or bids[0] < asks[0], (market, bids[0], asks[0])
    for account in range(len(venue.accounts)):
        with RestClient(venue, account) as rest:
            rest.ok("order/cancel/all")
            wallets = rest.ok("trade-account/balance")
            frozen = {asset: wallet for asset, wallet in wallets.items() if wallet["freeze"] != "0"}
            assert not frozen, frozen
    assert venue.call(_total) == before
