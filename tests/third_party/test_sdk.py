"""The venue's own Python SDK on spot markets: what its calls amount to, one after another."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from whitebit import BulkCancelOrderItem, BulkOrderItem, WhitebitApi
from whitebit.core.api_error import ApiError

from tests.third_party.support import SIGNED, sdk_client, wait_for_a_trade
from whitewire.venue import Venue


@pytest.fixture
def sdk(venue: Venue) -> Iterator[WhitebitApi]:
    with sdk_client(venue, venue.public_rest, 1) as client:
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
