"""The venue's own Python SDK over every endpoint of the colocation host.

Each endpoint has one exercise: it calls the SDK's method and checks what the SDK made of the
answer. The collateral endpoints have theirs in test_sdk_collateral; here it is demanded that all
33 have one.

What the SDK cannot read: a balance asked for by `ticker` (the venue answers the bare entry, the
SDK expects it keyed by asset).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from whitebit import BulkOrderItem, WhitebitApi
from whitebit.types import OrderResponse

from tests.third_party import test_sdk_collateral
from tests.third_party.support import (
    COLLATERAL,
    SIGNED,
    SPOT,
    UTILITY,
    sdk_client,
    serves,
    wait_for_a_trade,
)
from whitewire.venue import Venue
from whitewire.venue.values.requests import CancelAllRequest

MARKET = "BTC_USDT"
Exercise = Callable[[WhitebitApi], None]
EXERCISES: dict[str, Exercise] = {}


def exercises(path: str) -> Callable[[Exercise], Exercise]:
    def register(exercise: Exercise) -> Exercise:
        EXERCISES[path] = exercise
        return exercise

    return register


@pytest.fixture(scope="module")
def answered() -> dict[str, int]:
    return {}


@pytest.fixture
def sdk(venue: Venue, answered: dict[str, int]) -> Iterator[WhitebitApi]:
    wait_for_a_trade(venue)
    with sdk_client(venue, venue.rest, 0, answered) as client:
        yield client
    name = venue.accounts[0].name
    venue.call(lambda exchange: exchange.cancel_all(name, CancelAllRequest()))


def test_every_endpoint_has_an_exercise() -> None:
    everything = SPOT + COLLATERAL + UTILITY
    assert len(everything) == len(set(everything)) == 33
    assert set(EXERCISES) == {*SPOT, *UTILITY}
    assert set(test_sdk_collateral.EXERCISES) == set(COLLATERAL)


def test_the_listener_is_the_colocation_host(venue: Venue) -> None:
    missing = [path for path in (*SPOT, *UTILITY) if not serves(venue, path)]
    assert not missing
    beyond = ("order/cancel/all", "order/cancel/bulk", "public/markets", "public/fee")
    assert not [path for path in beyond if serves(venue, path)]


@pytest.mark.parametrize("path", [*SPOT, *UTILITY])
def test_sdk(sdk: WhitebitApi, answered: dict[str, int], path: str) -> None:
    answered.clear()
    EXERCISES[path](sdk)
    assert answered[path] == 200


def rest_order(sdk: WhitebitApi, amount: str = "0.01", client_order_id: str = "") -> OrderResponse:
    """A limit order far from the market."""
    return sdk.spot_trading.create_limit_order(
        **SIGNED,
        market=MARKET,
        side="buy",
        amount=amount,
        price="30000",
        client_order_id=client_order_id or None,
    )


def sold(sdk: WhitebitApi, amount: str = "0.001") -> int:
    """The id of an order that was filled at once."""
    order = sdk.spot_trading.create_stock_market_order(
        **SIGNED, market=MARKET, side="sell", amount=amount
    )
    assert order.order_id is not None
    return order.order_id


@exercises("trade-account/balance")
def balance(sdk: WhitebitApi) -> None:
    before = sdk.spot_trading.trade_account_balance()["USDT"]
    rest_order(sdk)
    after = sdk.spot_trading.trade_account_balance()["USDT"]
    assert before.available is not None
    assert after.available is not None
    assert (before.freeze, after.freeze) == ("0", "300")
    assert Decimal(before.available) - Decimal(after.available) == 300


@exercises("order/new")
def limit_order(sdk: WhitebitApi) -> None:
    order = sdk.spot_trading.create_limit_order(
        **SIGNED,
        market=MARKET,
        side="sell",
        amount="0.01",
        price="90000",
        client_order_id="limit-1",
        post_only=True,
        stp="cn",
    )
    assert (order.market, order.side, order.type) == (MARKET, "sell", "limit")
    assert (order.amount, order.left, order.price) == ("0.01", "0.01", "90000")
    assert (order.deal_stock, order.deal_money, order.deal_fee) == ("0", "0", "0")
    assert (order.client_order_id, order.status, order.stp) == ("limit-1", "OPEN", "cn")
    assert (order.post_only, order.ioc, order.rpi, order.fee_asset) == (True, False, False, "USDT")
    assert order.timestamp is not None
    assert abs(order.timestamp - time.time()) < 60
    queued = sdk.spot_trading.create_limit_order(
        **SIGNED, market=MARKET, side="buy", amount="0.01", bbo_role=1
    )
    assert queued.type == "limit"
    assert queued.price is not None
    assert 50_000 < Decimal(queued.price) < 70_000


@exercises("order/bulk")
def bulk(sdk: WhitebitApi) -> None:
    legs = [
        BulkOrderItem(market=MARKET, side="buy", amount=amount, price="30000")
        for amount in ("0.01", "0.00000001", "0.02")
    ]
    answer = sdk.spot_trading.create_bulk_limit_order(**SIGNED, orders=legs)
    assert [leg.result and leg.result.amount for leg in answer] == ["0.01", None, "0.02"]
    assert answer[1].error is not None
    assert (answer[1].error.code, answer[1].error.message) == (32, "Validation failed")
    stopped = sdk.spot_trading.create_bulk_limit_order(**SIGNED, orders=legs, stop_on_fail=True)
    assert [leg.error is None for leg in stopped] == [True, False]


@exercises("order/market")
def market_order(sdk: WhitebitApi) -> None:
    order = sdk.spot_trading.create_market_order(
        **SIGNED, market=MARKET, side="buy", amount="50", client_order_id="market-1"
    )
    assert (order.type, order.status, order.price) == ("market", "FILLED", None)
    assert (order.client_order_id, order.fee_asset, order.amount) == ("market-1", "BTC", "50")
    assert order.deal_money is not None
    assert order.left is not None
    assert Decimal(order.deal_money) + Decimal(order.left) == 50


@exercises("order/stock_market")
def stock_market_order(sdk: WhitebitApi) -> None:
    order = sdk.spot_trading.create_stock_market_order(
        **SIGNED, market=MARKET, side="buy", amount="0.001"
    )
    assert (order.type, order.status, order.left) == ("stock market", "FILLED", "0")
    assert (order.amount, order.deal_stock) == ("0.001", "0.001")


@exercises("order/stop_limit")
def stop_limit_order(sdk: WhitebitApi) -> None:
    order = sdk.spot_trading.create_stop_limit_order(
        **SIGNED, market=MARKET, side="buy", amount="0.01", price="91000", activation_price="90000"
    )
    assert (order.type, order.status, order.price) == ("stop limit", "OPEN", "91000")
    assert (order.activation_price, order.activation_condition) == ("90000", "gte")
    assert order.activated == 0


@exercises("order/stop_market")
def stop_market_order(sdk: WhitebitApi) -> None:
    order = sdk.spot_trading.create_stop_market_order(
        **SIGNED, market=MARKET, side="sell", amount="0.01", activation_price="30000"
    )
    assert (order.type, order.status, order.price) == ("stop market", "OPEN", None)
    assert (order.activation_price, order.activation_condition) == ("30000", "lte")
    assert order.activated == 0


@exercises("order/cancel")
def cancel(sdk: WhitebitApi) -> None:
    first, second = rest_order(sdk), rest_order(sdk, "0.02", "cancel-2")
    by_id = sdk.spot_trading.cancel_order(**SIGNED, market=MARKET, order_id=first.order_id)
    assert (by_id.order_id, by_id.status, by_id.left) == (first.order_id, "CANCELED", "0.01")
    by_name = sdk.spot_trading.cancel_order(**SIGNED, market=MARKET, client_order_id="cancel-2")
    assert (by_name.order_id, by_name.status) == (second.order_id, "CANCELED")


@exercises("order/modify")
def modify(sdk: WhitebitApi) -> None:
    placed = rest_order(sdk, client_order_id="modify-1")
    moved = sdk.spot_trading.modify_order(
        **SIGNED, market=MARKET, order_id=placed.order_id, price="29000", amount="0.02"
    )
    assert moved.order_id is not None
    assert placed.order_id is not None
    assert moved.order_id > placed.order_id
    assert (moved.price, moved.amount, moved.client_order_id) == ("29000", "0.02", "modify-1")


@exercises("orders")
def active_orders(sdk: WhitebitApi) -> None:
    placed = [rest_order(sdk), rest_order(sdk, "0.02", "active-2")]
    listed = sdk.spot_trading.get_active_orders(market=MARKET)
    assert [order.order_id for order in listed] == [order.order_id for order in reversed(placed)]
    (named,) = sdk.spot_trading.get_active_orders(market=MARKET, client_order_id="active-2")
    assert (named.order_id, named.status) == (placed[1].order_id, "OPEN")
    (oldest,) = sdk.spot_trading.get_active_orders(offset=1, limit=1)
    assert oldest.order_id == placed[0].order_id


@exercises("trade-account/executed-history")
def executed_history(sdk: WhitebitApi) -> None:
    order_id = sold(sdk)
    deals = sdk.spot_trading.get_executed_order_history(market=MARKET, limit=100)
    mine = [deal for deal in deals if not isinstance(deal, str) and deal.order_id == order_id]
    assert sum(Decimal(deal.amount or 0) for deal in mine) == Decimal("0.001")
    assert {(deal.side, deal.role, deal.fee_asset) for deal in mine} == {("sell", 2, "USDT")}
    for deal in mine:
        assert Decimal(deal.deal or 0) == Decimal(deal.amount or 0) * Decimal(deal.price or 0)
        assert deal.time is not None
        assert abs(deal.time - time.time()) < 60
    everything = sdk.spot_trading.get_executed_order_history()
    assert isinstance(everything, dict)
    assert len(everything[MARKET]) >= len(mine)


@exercises("trade-account/order")
def order_deals(sdk: WhitebitApi) -> None:
    order_id = sold(sdk)
    page = sdk.spot_trading.get_order_deals(**SIGNED, order_id=order_id, limit=20)
    assert (page.limit, page.offset) == (20, 0)
    assert page.records
    assert sum(Decimal(deal.amount or 0) for deal in page.records) == Decimal("0.001")
    assert {(deal.role, deal.rpi) for deal in page.records} == {(2, False)}
    assert all(deal.deal_order_id != order_id for deal in page.records)
    assert sdk.spot_trading.get_order_deals(**SIGNED, order_id=1).records == []


@exercises("trade-account/order/history")
def order_history(sdk: WhitebitApi) -> None:
    order_id = sold(sdk)
    cancelled = rest_order(sdk)
    sdk.spot_trading.cancel_order(**SIGNED, market=MARKET, order_id=cancelled.order_id)
    newest, before = sdk.spot_trading.get_order_history(market=MARKET, limit=2)[MARKET]
    assert (newest.id, newest.status, newest.price) == (cancelled.order_id, "CANCELED", "30000")
    assert (before.id, before.status, before.price) == (order_id, "FILLED", "0")
    assert (before.deal_stock, before.type, before.side) == ("0.001", "stock market", "sell")
    assert newest.ctime is not None
    assert newest.ftime is not None
    assert newest.ctime <= newest.ftime
    filled = sdk.spot_trading.get_order_history(market=MARKET, status="FILLED")[MARKET]
    assert {entry.status for entry in filled} == {"FILLED"}


@exercises("order/kill-switch")
def kill_switch(sdk: WhitebitApi) -> None:
    timer = sdk.spot_trading.set_kill_switch(market=MARKET, timeout="60", types=["spot"])
    assert not isinstance(timer, list)
    assert (timer.market, timer.types) == (MARKET, ["spot"])
    assert timer.start_time is not None
    assert timer.cancellation_time == timer.start_time + 60
    assert abs(timer.start_time - time.time()) < 60
    assert sdk.spot_trading.set_kill_switch(market=MARKET, timeout=None) == []


@exercises("order/kill-switch/status")
def kill_switch_status(sdk: WhitebitApi) -> None:
    assert sdk.spot_trading.get_kill_switch_status() == []
    sdk.spot_trading.set_kill_switch(market=MARKET, timeout="600")
    (timer,) = sdk.spot_trading.get_kill_switch_status(market=MARKET)
    assert timer.market == MARKET
    assert timer.cancellation_time == (timer.start_time or 0) + 600
    sdk.spot_trading.set_kill_switch(market=MARKET, timeout=None)
    assert sdk.spot_trading.get_kill_switch_status() == []


@exercises("profile/websocket_token")
def websocket_token(sdk: WhitebitApi) -> None:
    tokens = {sdk.jwt.get_web_socket_token(**SIGNED).websocket_token for _ in range(2)}
    assert len(tokens) == 2
    assert all(tokens)


@exercises("public/ping")
def ping(sdk: WhitebitApi) -> None:
    assert sdk.public_api_v4.server_status() == ["pong"]


@exercises("public/time")
def server_time(sdk: WhitebitApi) -> None:
    seconds = sdk.public_api_v4.server_time().time
    assert seconds is not None
    assert abs(seconds - time.time()) < 60


@exercises("market/fee")
def market_fee(sdk: WhitebitApi) -> None:
    fee = sdk.market_fee.get_market_fee(market=MARKET)
    assert (fee.error, fee.taker, fee.maker) == (None, "0.1", "0.1")
    assert (fee.futures_taker, fee.futures_maker) == ("0.035", "0.01")
    assert isinstance(fee.custom_fee, dict)
