"""What everybody may ask about futures, and the fees that an account pays on them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest

from tests.venue.collateral.wire import PERP, limit, trade
from tests.venue.naive import RestClient
from whitewire.venue import Venue


def test_a_futures_market(rest: RestClient, other: RestClient) -> None:
    trade(rest, other, "60300", "0.5")
    trade(rest, other, "60100", "0.1")
    limit(rest, "buy", "60000", "0.1")
    limit(other, "sell", "60200", "0.1")
    status, body = rest.get("futures")
    assert (status, body["success"], body["message"]) == (200, True, None)
    btc, eth = body["result"]
    stamp = btc.pop("next_funding_rate_timestamp")
    assert type(stamp) is str
    assert (len(stamp), int(stamp) % 28_800_000) == (13, 0)
    assert btc == {
        "ticker_id": PERP,
        "stock_currency": "BTC",
        "money_currency": "USDT",
        "last_price": "60100",
        "stock_volume": "0.6",
        "money_volume": "36160",
        "bid": "60000",
        "ask": "60200",
        "high": "60300",
        "low": "60100",
        "product_type": "Perpetual",
        "open_interest": "0.6",
        "index_price": "60000",
        "mark_price": "60100",
        "index_name": "Bitcoin",
        "index_currency": "BTC",
        "funding_rate": "0.00166666",
        "funding_cap": "0.0075",
        "funding_floor": "-0.0075",
        "brackets": {
            "1": 50_000_000,
            "2": 30_000_000,
            "3": 20_000_000,
            "5": 10_000_000,
            "10": 5_000_000,
            "20": 2_000_000,
            "50": 500_000,
            "100": 100_000,
        },
        "max_leverage": 100,
        "funding_interval_minutes": 480,
    }
    assert (eth["ticker_id"], eth["bid"], eth["ask"], eth["last_price"]) == (
        *("ETH_PERP", "0", "0", "3000"),
    )


def test_the_venue_lists_no_futures_that_were_delisted(venue: Venue, rest: RestClient) -> None:
    venue.call(lambda exchange: exchange.delist(PERP))
    assert [entry["ticker_id"] for entry in rest.get("futures")[1]["result"]] == ["ETH_PERP"]
    assert rest.get("funding-history/BTC_PERP")[0] == HTTPStatus.UNPROCESSABLE_ENTITY


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("NO_SUCH", {"market": ["Market is not available."]}),
        ("BTC_USDT", {"market": ["Market is not available."]}),
        (f"{PERP}?limit=0", {"limit": "limit must be greater than or equal to 1"}),
        (f"{PERP}?limit=101", {"limit": "limit must be less than or equal to 100"}),
        (f"{PERP}?limit=x", {"limit": "limit must be an integer"}),
        (f"{PERP}?offset=1000001", {"offset": "offset must be less than or equal to 1000000"}),
        (f"{PERP}?startDate=-1", {"startDate": "startDate must be an integer"}),
        (
            f"{PERP}?startDate=2&endDate=1",
            {"endDate": "endDate must be greater than startDate"},
        ),
    ],
)
def test_refusals_of_the_public_history(rest: RestClient, path: str, body: Any) -> None:
    assert rest.get(f"funding-history/{path}") == (422, body)


def test_perpetuals_are_listed_with_their_fees(rest: RestClient) -> None:
    listed = {market["name"]: market for market in rest.get("markets")[1]}
    perp = listed[PERP]
    assert (perp["type"], perp["money"], perp["stock"]) == ("futures", "USDT", "BTC")
    assert (perp["makerFee"], perp["takerFee"]) == ("0.01", "0.035")
    fees = rest.ok("market/fee")
    assert (fees["futures_maker"], fees["futures_taker"]) == ("0.01", "0.035")
    assert PERP not in fees["custom_fee"]
