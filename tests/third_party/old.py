"""Real clients of WhiteBIT, unchanged, against the embedded venue.

ccxt and the venue's own Python SDK were written against the real venue. What they send must be
accepted, and what they read must mean what they think it means.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from typing import Any

import ccxt
import httpx
import pytest
from whitebit import BulkCancelOrderItem, BulkOrderItem, WhitebitApi
from whitebit.core.api_error import ApiError
from whitebit.environment import WhitebitApiEnvironment
from whitebit.hmac_transport import HmacTransport

from whitewire.venue import Venue

SYMBOL = "BTC/USDT"

# Required by the SDK's signatures; its transport fills both in.
SIGNED: dict[str, Any] = {"request": "", "nonce": 0}


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue(markets=("BTC_USDT",), seed=7) as running:
        yield running


# ccxt


@pytest.fixture
def client(venue: Venue) -> Iterator[Any]:
    spec = venue.accounts[0]
    exchange = ccxt.whitebit(
        {
            "apiKey": spec.key,
            "secret": spec.secret,
            "enableRateLimit": False,
            "validateServerSsl": venue.ca,  # ends up as `verify` of the requests session
        }
    )
    for version in ("v1", "v2", "v4"):
        for access, url in exchange.urls["api"][version].items():
            path = url.removeprefix("https://whitebit.com")
            exchange.urls["api"][version][access] = venue.public_rest + path
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


def wait_for_a_trade(venue: Venue) -> None:
    """Stop orders need a last price; the simulated traders make one within a second or so."""
    deadline = time.monotonic() + 10
    while not venue.call(lambda exchange: exchange.recent_trades("BTC_USDT", 1)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


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


# The venue's own SDK


@pytest.fixture
def sdk(venue: Venue) -> Iterator[WhitebitApi]:
    spec = venue.accounts[1]
    context = ssl.create_default_context(cafile=venue.ca)
    # The SDK's signing transport does not close the one that it wraps.
    wrapped = httpx.HTTPTransport(verify=context)
    with wrapped, httpx.Client(transport=HmacTransport(spec.secret, wrapped=wrapped)) as http:
        client = WhitebitApi(
            environment=WhitebitApiEnvironment(
                base=venue.public_rest, production=venue.ws, eu=venue.ws
            ),
            api_key=spec.key,
            txc_payload="",
            txc_signature="",
            httpx_client=http,
        )
        yield client
        client.spot_trading.cancel_all_orders(**SIGNED, market="BTC_USDT")


def test_sdk_public_data(sdk: WhitebitApi) -> None:
    (market,) = [item for item in sdk.public_api_v4.market_info() if item.name == "BTC_USDT"]
    assert (market.stock_prec, market.money_prec, market.min_total) == ("6", "2", "5")
    assert sdk.public_api_v4.server_status() == ["pong"]
    book = sdk.public_api_v4.orderbook("BTC_USDT", limit=5)
    assert book.bids is not None
    assert len(book.bids) == 5
    assert "BTC" in sdk.public_api_v4.asset_status_list()
    assert "BTC" in sdk.public_api_v4.fee()


def test_sdk_order_life(sdk: WhitebitApi) -> None:
    spot = sdk.spot_trading
    placed = spot.create_limit_order(
        **SIGNED,
        market="BTC_USDT",
        side="buy",
        amount="0.01",
        price="30000",
        client_order_id="sdk-1",
        post_only=True,
    )
    assert (placed.status, placed.client_order_id, placed.left) == ("OPEN", "sdk-1", "0.01")
    (listed,) = spot.get_active_orders(market="BTC_USDT")
    assert listed.order_id == placed.order_id
    moved = spot.modify_order(
        **SIGNED, market="BTC_USDT", client_order_id="sdk-1", price="29000", amount="0.02"
    )
    assert moved.order_id != placed.order_id
    assert (moved.price, moved.client_order_id) == ("29000", "sdk-1")
    ended = spot.cancel_order(**SIGNED, market="BTC_USDT", order_id=moved.order_id)
    assert ended.status == "CANCELED"
    assert spot.trade_account_balance()["USDT"].freeze == "0"


def test_sdk_stop_orders(sdk: WhitebitApi, venue: Venue) -> None:
    wait_for_a_trade(venue)
    spot = sdk.spot_trading
    limit = spot.create_stop_limit_order(
        **SIGNED,
        market="BTC_USDT",
        side="buy",
        amount="0.01",
        price="91000",
        activation_price="90000",
    )
    assert (limit.type, limit.activated, limit.activation_condition) == ("stop limit", 0, "gte")
    moved = spot.modify_order(
        **SIGNED, market="BTC_USDT", order_id=limit.order_id, activation_price="95000"
    )
    assert (moved.activation_price, moved.price, moved.amount) == ("95000", "91000", "0.01")
    fired = spot.create_stop_market_order(
        **SIGNED, market="BTC_USDT", side="sell", amount="0.001", activation_price="90000"
    )
    assert (fired.type, fired.status, fired.activated) == ("stop market", "FILLED", 1)
    (entry,) = spot.get_order_history(market="BTC_USDT", order_id=fired.order_id)["BTC_USDT"]
    assert (entry.activation_price, entry.activation_condition) == ("90000", "<=")
    assert entry.activated is not None
    assert abs(entry.activated - time.time()) < 60


def test_sdk_bulk_and_its_cancel(sdk: WhitebitApi) -> None:
    spot = sdk.spot_trading
    legs = [
        BulkOrderItem(market="BTC_USDT", side="buy", amount=amount, price="30000")
        for amount in ("0.01", "100000", "0.02")
    ]
    answer = spot.create_bulk_limit_order(**SIGNED, orders=legs)
    assert [leg.error is None for leg in answer] == [True, False, True]
    assert answer[1].error is not None
    assert answer[1].error.code == 10
    ids = [leg.result.order_id for leg in answer if leg.result is not None]
    cancels = [BulkCancelOrderItem(market="BTC_USDT", order_id=number) for number in ids]
    results = spot.cancel_bulk_orders(**SIGNED, orders=cancels)
    assert [item.error for item in results] == [None, None]
    assert spot.get_active_orders() == []


def test_sdk_kill_switch(sdk: WhitebitApi) -> None:
    spot = sdk.spot_trading
    timer = spot.set_kill_switch(market="BTC_USDT", timeout="60", types=["spot"])
    assert not isinstance(timer, list)
    assert timer.start_time is not None
    assert timer.cancellation_time == timer.start_time + 60
    assert [item.market for item in spot.get_kill_switch_status()] == ["BTC_USDT"]
    assert spot.set_kill_switch(market="BTC_USDT", timeout=None) == []
    assert spot.get_kill_switch_status() == []


def test_sdk_fills(sdk: WhitebitApi) -> None:
    spot = sdk.spot_trading
    order = spot.create_market_order(**SIGNED, market="BTC_USDT", side="buy", amount="50")
    assert order.status == "FILLED"
    assert order.order_id is not None
    deals = spot.get_executed_order_history(market="BTC_USDT")
    assert order.order_id in {deal.order_id for deal in deals if not isinstance(deal, str)}
    history = spot.get_order_history(market="BTC_USDT", order_id=order.order_id)
    assert [entry.id for entry in history["BTC_USDT"]] == [order.order_id]
    assert spot.get_order_deals(**SIGNED, order_id=order.order_id).records


def test_sdk_reads_refusals(sdk: WhitebitApi) -> None:
    with pytest.raises(ApiError) as caught:
        sdk.spot_trading.cancel_order(**SIGNED, market="BTC_USDT", order_id=1)
    assert caught.value.status_code == 400
    assert caught.value.body["code"] == 2
