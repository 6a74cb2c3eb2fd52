"""Bodies of the public endpoints."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from tests.venue.naive import RestClient
from whitewire.venue import Venue


def test_ping_time_and_status(rest: RestClient) -> None:
    assert rest.get("ping") == (200, ["pong"])
    status, body = rest.get("time")
    assert status == 200
    assert list(body) == ["time"]
    assert abs(body["time"] - time.time()) < 5
    assert rest.get("platform/status") == (200, {"status": "system operational"})


def test_markets_have_text_numbers_and_grids(rest: RestClient) -> None:
    _, markets = rest.get("markets")
    by_name = {market["name"]: market for market in markets}
    assert by_name["BTC_USDT"] == {
        "name": "BTC_USDT",
        "stock": "BTC",
        "money": "USDT",
        "stockPrec": "6",
        "moneyPrec": "2",
        "feePrec": by_name["BTC_USDT"]["feePrec"],
        "makerFee": "0.1",
        "takerFee": "0.1",
        "minAmount": "0.00001",
        "minTotal": "5",
        "maxTotal": "0",
        "tradesEnabled": True,
        "isCollateral": True,
        "type": "spot",
        "isTradFiFutures": False,
        "delistedAt": None,
        "tickSize": "0.01",
        "stepSize": "0.000001",
    }
    for market in markets:
        assert 10 ** -int(market["moneyPrec"]) <= float(market["tickSize"])


def test_order_book_has_both_sides_best_first_without_an_update_id(rest: RestClient) -> None:
    for price in ("100", "102.5", "99"):
        rest.limit("buy", price, "0.2")
    rest.limit("sell", "110", "0.300")
    rest.limit("sell", "105", "0.1")
    rest.limit("sell", "104", "0.1", rpi=True)
    status, book = rest.get("orderbook/BTC_USDT")
    assert status == 200
    assert sorted(book) == ["asks", "bids", "ticker_id", "timestamp"]
    assert (book["ticker_id"], type(book["timestamp"])) == ("BTC_USDT", int)
    assert book["bids"] == [["102.5", "0.2"], ["100", "0.2"], ["99", "0.2"]]
    assert book["asks"] == [["105", "0.1"], ["110", "0.3"]]


@pytest.mark.parametrize(
    ("query", "count"), [("", 3), ("?limit=0", 3), ("?limit=2", 2), ("?limit=999", 3)]
)
def test_order_book_limit(rest: RestClient, query: str, count: int) -> None:
    for price in ("100", "101", "102"):
        rest.limit("buy", price, "0.2")
    _, book = rest.get("orderbook/BTC_USDT" + query)
    assert len(book["bids"]) == count


def test_order_book_level_groups_prices(rest: RestClient) -> None:
    for side, price in (("buy", "100.11"), ("buy", "100.19"), ("sell", "110.11")):
        rest.limit(side, price, "0.2")
    _, book = rest.get("orderbook/BTC_USDT?level=1")
    assert book["bids"] == [["100.1", "0.4"]]
    assert book["asks"] == [["110.2", "0.2"]]


def test_order_book_with_words_for_numbers(rest: RestClient) -> None:
    assert rest.get("orderbook/BTC_USDT?limit=abc") == (
        422,
        {"limit": ["The limit must be an integer."]},
    )
    for words in ("%D9%A3", "1_0", "9" * 5_000):
        assert rest.get(f"orderbook/BTC_USDT?limit={words}")[0] == 422
    status, book = rest.get("orderbook/BTC_USDT?level=abc")
    assert (status, book["asks"], book["bids"]) == (200, None, None)


def test_depth_shows_what_is_near_the_last_price(rest: RestClient, other: RestClient) -> None:
    rest.limit("sell", "100", "0.2")
    other.limit("buy", "100", "0.2")
    for side, price in (("buy", "98"), ("buy", "97.99"), ("sell", "102"), ("sell", "102.01")):
        rest.limit(side, price, "0.2")
    status, book = rest.get("orderbook/depth/BTC_USDT")
    assert (status, book["ticker_id"], type(book["timestamp"])) == (200, "BTC_USDT", int)
    assert (book["bids"], book["asks"]) == ([["98", "0.2"]], [["102", "0.2"]])
    rest.ok("order/new", market="ETH_USDT", side="buy", price="1", amount="5")
    assert rest.get("orderbook/depth/ETH_USDT")[1]["bids"] == [["1", "5"]]


@pytest.mark.parametrize(
    "path", ["orderbook/NO_SUCH", "orderbook/depth/NO_SUCH", "trades/NO_SUCH", "orderbook/"]
)
def test_an_unknown_market_is_a_bare_field_map(rest: RestClient, path: str) -> None:
    assert rest.get(path) == (422, {"market": ["Market is not available."]})


def test_trades_ticker_and_their_volumes(rest: RestClient, other: RestClient) -> None:
    rest.limit("sell", "100", "0.3")
    other.limit("buy", "100", "0.2")
    rest.limit("buy", "90", "0.3")
    other.limit("sell", "90", "0.1")
    _, trades = rest.get("trades/BTC_USDT")
    newest, older = trades[:2]
    assert newest["tradeID"] > older["tradeID"]
    assert sorted(newest) == sorted(
        ["tradeID", "price", "quote_volume", "base_volume", "trade_timestamp", "type", "rpi"]
    )
    assert (newest["type"], newest["price"], newest["rpi"]) == ("sell", "90", False)
    assert (older["type"], older["quote_volume"], older["base_volume"]) == ("buy", "0.2", "20")
    assert type(newest["trade_timestamp"]) is int
    _, sells = rest.get("trades/BTC_USDT?type=sell")
    assert {trade["type"] for trade in sells} == {"sell"}
    assert rest.get("trades/BTC_USDT?type=up") == (
        422,
        {"type": ["Type should be 'sell' or 'buy'."]},
    )
    _, tickers = rest.get("ticker")
    ticker = tickers["BTC_USDT"]
    assert ticker["last_price"] == "90"
    assert Decimal(ticker["base_volume"]) == sum(Decimal(trade["quote_volume"]) for trade in trades)
    assert ticker["isFrozen"] is False


def test_assets_and_fees_name_every_asset_of_the_markets(rest: RestClient) -> None:
    _, markets = rest.get("markets")
    expected = {market[side] for market in markets for side in ("stock", "money")}
    _, assets = rest.get("assets")
    _, fees = rest.get("fee")
    assert set(assets) == set(fees) == expected
    assert assets["BTC"]["networks"]["default"] == "BTC"
    assert fees["USDT"]["ticker"] == "USDT"
    assert fees["USDT"]["providers"] == []


def test_collateral_markets_are_wrapped(venue: Venue, rest: RestClient) -> None:
    _, markets = rest.get("markets")
    names = [market["name"] for market in markets if market["isCollateral"]]
    assert rest.get("collateral/markets") == (
        200,
        {"success": True, "message": None, "result": names},
    )
