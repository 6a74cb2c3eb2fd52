"""aiowhitebit 0.4.0: its REST clients and its public WebSocket clients.

The host is an argument of every client but the subscriber, whose address is a constant. The
certificate authority comes from the environment (`SSL_CERT_FILE`, `WEBSOCKET_CLIENT_CA_BUNDLE`).
aiohttp reads that once, when it is imported; in this process it is long imported, so its default
context is replaced, and a process of its own shows that the variable is enough.

There is no private WebSocket client. What cannot work, against the real venue neither:

* Its nonces are whole seconds of time, so a key can make one private request a second.
* It needs `makerFee` and `takerFee` in every order. The venue dropped them; the embedded one
  prints them with the option `order_fee_rates`, and is run with it here.
* It needs a `price` in every order and an `activation_price` in every cancelled one: answers to
  market orders and to the cancelling of limit orders raise, though the venue did as it was told.
* It needs `ticker` inside the balance of one currency, and a map where the executed history of
  one market is a list.
* It takes the members of the answer about collateral markets for the markets.
* The WebSocket client takes the next message for the reply, so it cannot be asked anything more
  once it has subscribed to the book ticker.
* Public v1 and v2, the mining pool and the history of funding rates are not on this venue.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp
import pydantic
import pytest
from aiowhitebit.clients.private import PrivateV4Client
from aiowhitebit.clients.public import PublicV4Client
from aiowhitebit.clients.websocket import (
    BaseWebSocketClient,
    PublicWebSocketClient,
    SubscribeRequest,
    subscriber,
    ws_subscribe_builder,
)
from aiowhitebit.exceptions import WhitebitAPIError
from aiowhitebit.models.private import (
    ActiveOrdersRequest,
    CancelOrderRequest,
    CreateLimitOrderRequest,
    CreateStockMarketOrderRequest,
    CreateStopLimitOrderRequest,
    CreateStopMarketOrderRequest,
    ExecutedOrderDealsRequest,
    ExecutedOrderHistoryRequest,
    ExecutedOrdersByMarket,
)

from tests.third_party.support import TIMEOUT_S, wait_for_a_trade
from whitewire.venue import Venue, WireOptions
from whitewire.venue.engine.accounts import default_accounts
from whitewire.venue.values.model import Order

MARKET = "BTC_USDT"
_T = TypeVar("_T")


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    wire = WireOptions(order_fee_rates=True, market_interval_ms=50)
    with Venue(seed=7, accounts=default_accounts(7, 8), wire=wire) as running:
        wait_for_a_trade(running)
        yield running


@pytest.fixture(autouse=True)
def trusted(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    assert venue.ca is not None
    monkeypatch.setenv("SSL_CERT_FILE", venue.ca)
    monkeypatch.setenv("WEBSOCKET_CLIENT_CA_BUNDLE", venue.ca)
    context = ssl.create_default_context()
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", context)


def run(scene: Awaitable[_T]) -> _T:
    async def play() -> _T:
        return await asyncio.wait_for(scene, 6 * TIMEOUT_S)

    return asyncio.run(play())


# Public REST


def public(venue: Venue, scene: Callable[[PublicV4Client], Awaitable[None]]) -> None:
    async def play() -> None:
        client = PublicV4Client(base_url=venue.public_rest)
        try:
            await scene(client)
        finally:
            await client.close()

    run(play())


def test_public_lists(venue: Venue) -> None:
    async def scene(client: PublicV4Client) -> None:
        (market,) = [row for row in await client.get_market_info() if row["name"] == MARKET]
        assert (market["stockPrec"], market["makerFee"], market["type"]) == ("6", "0.1", "spot")
        activity = (await client.get_market_activity())[MARKET]
        assert Decimal(activity.last_price) > 0
        assert not activity.isFrozen
        assets = await client.get_asset_status_list()
        assert {"BTC", "USDT"} <= set(assets)
        assert assets["BTC"].currency_precision >= 6
        assert (await client.get_fee())["USDT"].ticker == "USDT"
        assert (await client.get_futures_markets()).success
        assert "result" in await client.get_collateral_markets()

    public(venue, scene)


def test_public_market_data(venue: Venue) -> None:
    async def scene(client: PublicV4Client) -> None:
        book = await client.get_orderbook(MARKET, limit=5, level=1)
        assert (book.ticker_id, len(book.bids), len(book.asks)) == (MARKET, 5, 5)
        depth = await client.get_depth(MARKET)
        assert Decimal(depth.bids[0][0]) < Decimal(depth.asks[0][0])
        trades = await client.get_recent_trades(MARKET)
        assert trades
        assert {trade.type for trade in trades} <= {"buy", "sell"}
        assert {trade.type for trade in await client.get_recent_trades(MARKET, "buy")} <= {"buy"}
        assert abs((await client.get_server_time()).time - time.time()) < 60
        assert await client.get_server_status() == ["pong"]
        assert (await client.get_maintenance_status()).status == "system operational"
        with pytest.raises(WhitebitAPIError, match="Market is not available"):
            await client.get_orderbook("NO_SUCH")

    public(venue, scene)


# Private REST


class Private:
    """One account's client; between its calls it waits for the second to end."""

    def __init__(self, venue: Venue, account: int) -> None:
        spec = venue.accounts[account]
        self.name = spec.name
        self.client = PrivateV4Client(spec.key, spec.secret, venue.public_rest)
        self.used = 0

    async def call(self, method: Callable[..., Awaitable[_T]], *args: Any) -> _T:
        while int(time.time()) == self.used:
            await asyncio.sleep(0.01)
        try:
            return await method(*args)
        finally:
            self.used = int(time.time())


def open_orders(venue: Venue, who: Private) -> list[Order]:
    return venue.call(lambda exchange: exchange.open_orders_of(who.name, MARKET))


def test_private_balance(venue: Venue) -> None:
    async def scene(who: Private) -> None:
        balances = await who.call(who.client.get_trading_balance)
        (usdt,) = [item for item in balances.result if item.ticker == "USDT"]
        assert (usdt.available, usdt.freeze) == (Decimal(1_000_000), Decimal(0))

    run(scene(Private(venue, 0)))


def test_private_limit_order(venue: Venue) -> None:
    async def scene(who: Private) -> None:
        order = await who.call(
            who.client.create_limit_order,
            CreateLimitOrderRequest(
                market=MARKET, side="buy", amount="0.01", price="30000", clientOrderId="aio-1"
            ),
        )
        assert (order.type, order.side, order.price) == ("limit", "buy", "30000")
        assert (order.amount, order.left, order.dealStock) == (Decimal("0.01"), order.amount, 0)
        assert (order.clientOrderId, order.makerFee) == ("aio-1", Decimal("0.001"))
        assert abs(order.timestamp - time.time()) < 60
        (listed,) = await who.call(
            who.client.active_orders, ActiveOrdersRequest(market=MARKET, limit=10, offset=0)
        )
        assert listed == order
        cancel = CancelOrderRequest(market=MARKET, orderId=order.orderId)
        with pytest.raises(pydantic.ValidationError, match="activation_price"):
            await who.call(who.client.cancel_order, cancel)
        assert open_orders(venue, who) == []
        with pytest.raises(WhitebitAPIError, match="API Error 2"):
            await who.call(who.client.cancel_order, cancel)

    run(scene(Private(venue, 1)))


def test_private_stop_orders(venue: Venue) -> None:
    async def scene(who: Private) -> None:
        order = await who.call(
            who.client.create_stop_limit_order,
            CreateStopLimitOrderRequest(
                market=MARKET, side="buy", amount="0.01", price="91000", activation_price="90000"
            ),
        )
        assert (order.type, order.price) == ("stop limit", "91000")
        cancelled = await who.call(
            who.client.cancel_order, CancelOrderRequest(market=MARKET, orderId=order.orderId)
        )
        assert (cancelled.orderId, cancelled.activation_price) == (order.orderId, "90000")
        with pytest.raises(pydantic.ValidationError, match="price"):
            await who.call(
                who.client.create_stop_market_order,
                CreateStopMarketOrderRequest(
                    market=MARKET, side="sell", amount="0.01", activation_price="30000"
                ),
            )
        (waiting,) = open_orders(venue, who)
        assert (waiting.type.value, waiting.amount) == ("stop market", Decimal("0.01"))

    run(scene(Private(venue, 2)))


def test_private_history(venue: Venue) -> None:
    async def scene(who: Private) -> None:
        with pytest.raises(pydantic.ValidationError, match="price"):
            await who.call(
                who.client.create_stock_market_order,
                CreateStockMarketOrderRequest(market=MARKET, side="sell", amount="0.001"),
            )
        client = who.client
        executed = await who.call(client.executed_order_history, ExecutedOrderHistoryRequest())
        deals = executed.result[MARKET]
        assert sum(Decimal(deal["amount"]) for deal in deals) == Decimal("0.001")
        order_id = deals[0]["orderId"]
        page = await who.call(
            client.executed_order_deals, ExecutedOrderDealsRequest(orderId=order_id)
        )
        assert len(page.result["records"]) == len(deals)
        finished = await who.call(
            client.executed_orders_by_market, ExecutedOrdersByMarket(market=MARKET)
        )
        (entry,) = finished.result[MARKET]
        assert (entry["id"], entry["status"]) == (order_id, "FILLED")

    run(scene(Private(venue, 3)))


def test_a_second_request_in_the_same_second_is_refused(venue: Venue) -> None:
    async def scene(who: Private) -> None:
        await who.call(who.client.get_trading_balance)
        await who.call(who.client.get_trading_balance)  # at the very start of a second
        with pytest.raises(WhitebitAPIError, match=r"Too many requests\."):
            await who.client.get_trading_balance()

    run(scene(Private(venue, 4)))


def test_a_wrong_secret_is_refused(venue: Venue) -> None:
    async def scene() -> None:
        client = PrivateV4Client(venue.accounts[5].key, "wrong", venue.public_rest)
        with pytest.raises(WhitebitAPIError, match=r"Unauthorized request\."):
            await client.get_trading_balance()

    run(scene())


PROGRAM = """
import asyncio, sys
from aiowhitebit.clients.private import PrivateV4Client

key, secret, url = sys.argv[1:]
balances = asyncio.run(PrivateV4Client(key, secret, url).get_trading_balance())
print(balances.model_dump_json())
"""


def test_the_environment_is_enough_to_trust_the_venue(venue: Venue) -> None:
    spec = venue.accounts[6]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, spec.key, spec.secret, venue.public_rest],
        env=os.environ | {"SSL_CERT_FILE": str(venue.ca)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    rows = {row["ticker"]: row["available"] for row in json.loads(run.stdout)["result"]}
    assert rows["USDT"] == "1000000"


# WebSocket


def socket_scene(venue: Venue, scene: Callable[[PublicWebSocketClient], Awaitable[None]]) -> None:
    async def play() -> None:
        client = PublicWebSocketClient(BaseWebSocketClient(venue.ws))
        try:
            await scene(client)
        finally:
            await client.close()

    run(play())


def test_socket_requests(venue: Venue) -> None:
    async def scene(client: PublicWebSocketClient) -> None:
        now = int(time.time())
        assert (await client.ping()).result == "pong"
        assert abs((await client.time()).result - now) < 60
        last = Decimal((await client.last_price(MARKET)).result)
        assert 50_000 < last < 70_000
        day = (await client.market_stats(MARKET, 86_400)).result
        assert day["period"] == 86_400
        assert Decimal(day["low"]) <= Decimal(day["last"]) <= Decimal(day["high"])
        today = (await client.market_stats_today(MARKET)).result
        assert Decimal(today["volume"]) >= 0
        assert Decimal(today["low"]) <= Decimal(today["last"]) <= Decimal(today["high"])
        candles = (await client.kline(MARKET, now - 3_600, now + 60, 60)).result
        assert candles[-1][7] == MARKET
        trades = (await client.market_trades(MARKET, 10, 0)).result
        assert 0 < len(trades) <= 10
        depth = (await client.market_depth(MARKET, 5, "0")).result
        assert (len(depth["bids"]), len(depth["asks"])) == (5, 5)
        refused = await client.last_price("NO_SUCH")
        assert refused.error is not None
        assert (refused.error.code, refused.result) == (9, None)

    socket_scene(venue, scene)


def test_socket_book_ticker(venue: Venue) -> None:
    async def scene(client: PublicWebSocketClient) -> None:
        assert (await client.bookticker_unsubscribe(MARKET)).result == {"status": "success"}
        assert (await client.bookticker_subscribe(MARKET)).result == {"status": "success"}
        with pytest.raises(pydantic.ValidationError, match="id"):
            await client.ping()  # it takes the first push for the reply

    socket_scene(venue, scene)


@pytest.mark.parametrize(
    ("request_of", "update"),
    [
        (lambda: SubscribeRequest.depth_subscribe(MARKET, 5), "depth_update"),
        (lambda: SubscribeRequest.bookticker_subscribe(MARKET), "bookTicker_update"),
        (lambda: SubscribeRequest.trades_subscribe([MARKET]), "trades_update"),
        (lambda: SubscribeRequest.market_subscribe([MARKET]), "market_update"),
        (lambda: SubscribeRequest.market_today_subscribe([MARKET]), "marketToday_update"),
        (lambda: SubscribeRequest.candles_subscribe(MARKET, 60), "candles_update"),
        (lambda: SubscribeRequest.lastprice_subscribe([MARKET]), "lastprice_update"),
    ],
)
def test_subscriber(
    venue: Venue,
    monkeypatch: pytest.MonkeyPatch,
    request_of: Callable[[], dict[str, Any]],
    update: str,
) -> None:
    monkeypatch.setattr(subscriber, "BASE_WS_PUBLIC_URL", venue.ws)
    received: list[dict[str, Any]] = []

    def on_message(app: Any, text: str) -> None:
        received.append(json.loads(text))
        if received[-1].get("method") == update:
            app.close()

    ws_subscribe_builder(request_of(), on_message, on_close_callback=lambda *_: None)
    assert received[0]["result"] == {"status": "success"}
    assert MARKET in json.dumps(received[-1]["params"])
