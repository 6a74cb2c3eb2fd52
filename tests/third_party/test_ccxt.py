"""ccxt's REST client on spot markets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from tests.third_party.support import SYMBOL, credentials, point, wait_for_a_trade
from whitewire.venue import Venue


@pytest.fixture
def client(venue: Venue) -> Iterator[Any]:
    exchange = ccxt.whitebit(
        {
            **credentials(venue.accounts[0]),
            "enableRateLimit": False,
            "validateServerSsl": venue.ca,  # ends up as `verify` of the requests session
        }
    )
    point(exchange, venue)
    yield exchange
    exchange.cancel_all_orders(SYMBOL)
    exchange.session.close()


def test_ccxt_markets(client: Any) -> None:
    market = client.load_markets()[SYMBOL]
    assert (market["id"], market["spot"], market["active"]) == ("BTC_USDT", True, True)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (0.000001, 0.01)
    assert market["taker"] == pytest.approx(0.001)
    assert market["limits"]["amount"]["min"] == 0.00001
    assert market["limits"]["cost"]["min"] == 5
    assert set(client.fetch_currencies()) >= {"BTC", "USDT"}


def test_ccxt_market_data(client: Any) -> None:
    book = client.fetch_order_book(SYMBOL, 20)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert book["bids"][0][0] < book["asks"][0][0]
    assert client.fetch_tickers([SYMBOL])[SYMBOL]["symbol"] == SYMBOL
    assert isinstance(client.fetch_trades(SYMBOL), list)
    assert abs(client.fetch_time() - time.time() * 1_000) < 5_000
    assert client.fetch_status()["status"] == "ok"
    assert client.fetch_trading_fees()[SYMBOL]["maker"] == pytest.approx(0.001)


def test_ccxt_order_life(client: Any) -> None:
    placed = client.create_order(
        SYMBOL, "limit", "buy", 0.01, 30_000, {"clientOrderId": "ccxt-1", "postOnly": True}
    )
    assert (placed["status"], placed["clientOrderId"]) == ("open", "ccxt-1")
    assert (placed["price"], placed["amount"], placed["filled"]) == (30_000, 0.01, 0)
    (listed,) = client.fetch_open_orders(SYMBOL)
    assert listed["id"] == placed["id"]
    assert client.fetch_balance()["USDT"]["used"] == pytest.approx(300)
    edited = client.edit_order(
        placed["id"], SYMBOL, "limit", "buy", 0.02, 29_000, {"clientOrderId": "ccxt-1"}
    )
    assert edited["id"] != placed["id"]
    cancelled = client.cancel_order(edited["id"], SYMBOL)
    assert cancelled["id"] == edited["id"]
    assert client.fetch_open_orders(SYMBOL) == []
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order(edited["id"], SYMBOL)


def test_ccxt_fills(client: Any) -> None:
    before = client.fetch_balance()["BTC"]["total"]
    order = client.create_order(SYMBOL, "market", "sell", 0.001)
    trades = client.fetch_my_trades(SYMBOL)
    mine = [trade for trade in trades if trade["order"] == order["id"]]
    assert sum(trade["amount"] for trade in mine) == pytest.approx(0.001)
    assert {trade["takerOrMaker"] for trade in mine} == {"taker"}
    assert {trade["fee"]["currency"] for trade in mine} == {"USDT"}
    assert client.fetch_balance()["BTC"]["total"] == pytest.approx(before - 0.001)
    spent = client.create_order(
        SYMBOL, "market", "buy", 50, None, {"createMarketBuyOrderRequiresPrice": False}
    )
    assert spent["id"] in {trade["order"] for trade in client.fetch_my_trades(SYMBOL)}
    closed = client.fetch_closed_orders(SYMBOL)
    assert {order["id"], spent["id"]} <= {entry["id"] for entry in closed}


@pytest.mark.parametrize("name", ["triggerPrice", "stopPrice"])
def test_ccxt_stop_orders(client: Any, venue: Venue, name: str) -> None:
    wait_for_a_trade(venue)
    limit = client.create_order(SYMBOL, "limit", "buy", 0.01, 91_000, {name: 90_000})
    assert (limit["status"], limit["type"], limit["triggerPrice"]) == ("open", "limit", 90_000)
    assert (limit["price"], limit["info"]["type"]) == (91_000, "stop limit")
    market = client.create_order(SYMBOL, "market", "sell", 0.01, None, {name: 30_000})
    assert (market["status"], market["type"], market["filled"]) == ("open", "market", 0)
    assert market["info"]["activationCondition"] == "lte"
    listed = client.fetch_open_orders(SYMBOL)
    assert {order["id"] for order in listed} == {limit["id"], market["id"]}
    assert client.fetch_balance()["USDT"]["used"] == pytest.approx(910)
    assert client.cancel_order(limit["id"], SYMBOL)["status"] == "canceled"
    fired = client.create_order(SYMBOL, "market", "sell", 0.001, None, {name: 90_000})
    assert (fired["status"], fired["info"]["activated"]) == ("closed", 1)
    assert fired["id"] in {trade["order"] for trade in client.fetch_my_trades(SYMBOL)}


def test_ccxt_maps_refusals_to_its_exceptions(client: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(SYMBOL, "limit", "buy", 1_000, 30_000)
    with pytest.raises(ccxt.ExchangeError, match="Validation failed"):
        client.v4PrivatePostOrderNew({"market": "BTC_USDT", "side": "up"})
    secret, client.secret = client.secret, "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()
    client.secret = secret
