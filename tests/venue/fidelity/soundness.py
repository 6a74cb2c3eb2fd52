"""Whether a venue is whole: its money, its books and its list of markets."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from tests.venue.fidelity.turns import client_of
from whitewire.venue import Venue
from whitewire.venue.exchange.exchange import Exchange

ZERO = Decimal(0)


def _total(exchange: Exchange) -> dict[str, Decimal]:
    """Everything of each asset, wherever it is: wallets, fees, what positions are made of."""
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for owner in exchange._accounts.values():
        for asset in owner.assets():
            wallet = owner.wallet(asset)
            assert wallet.available >= ZERO <= wallet.freeze, (owner.spec.name, asset, wallet)
            total[asset] += wallet.available + wallet.freeze
        for asset, balance in owner.collateral.balances():
            total[asset] += balance
    for amounts in (exchange.fees_collected(), exchange._parts.pool.amounts):
        for asset, amount in amounts.items():
            total[asset] += amount
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
    with client_of(venue) as rest:
        for market in markets:
            status, book = rest.get(f"orderbook/{market}")
            assert status == 200
            bids, asks = ([Decimal(price) for price, _ in book[side]] for side in ("bids", "asks"))
            assert bids == sorted(bids, reverse=True)
            assert asks == sorted(asks)
            assert not (bids and asks) or bids[0] < asks[0], (market, bids[0], asks[0])
    for account in range(len(venue.accounts)):
        with client_of(venue, account) as rest:
            rest.ok("order/cancel/all")
            wallets = rest.ok("trade-account/balance")
            frozen = {asset: wallet for asset, wallet in wallets.items() if wallet["freeze"] != "0"}
            assert not frozen, frozen
    assert venue.call(_total) == before
