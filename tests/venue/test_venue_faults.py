"""Faults that befall the whole venue: maintenance and a delisting, now and on a schedule."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue

MARKET = "BTC_USDT"


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_maintenance_closes_everything_and_ends() -> None:
    with Venue(traders=False) as venue, RestClient(venue) as rest, WsClient(venue) as ws:
        order = rest.limit("buy", "100")
        venue.fault("maintenance", seconds=1.5)
        opcode, payload = ws.frame()
        assert (opcode, payload) == (8, (1001).to_bytes(2, "big"))
        assert rest.post("orders")[0] == 503
        assert rest.get("ping")[0] == 503
        assert rest.get("platform/status") == (200, {"status": "system maintenance"})
        with pytest.raises(ConnectionError, match="503"):
            WsClient(venue)
        eventually(lambda: rest.get("ping")[0] == 200)
        assert rest.get("platform/status") == (200, {"status": "system operational"})
        assert [listed["orderId"] for listed in rest.ok("orders")] == [order["orderId"]]
        with WsClient(venue) as again:
            assert again.call("ping") == "pong"


def test_maintenance_can_be_planned() -> None:
    with Venue(traders=False) as venue, RestClient(venue) as rest, WsClient(venue) as ws:
        venue.fault("maintenance", at=1.5, seconds=30)
        assert ws.call("ping") == "pong"
        assert rest.get("ping")[0] == 200
        assert ws.frame()[0] == 8
        assert rest.get("ping")[0] == 503


def test_a_delisted_market_is_gone_and_its_orders_are_ended() -> None:
    with Venue() as venue, RestClient(venue) as rest, WsClient(venue) as ws:
        free = rest.ok("trade-account/balance", ticker="USDT")
        rest.limit("buy", "100")
        other = rest.ok("order/new", market="ETH_USDT", side="buy", price="100", amount="0.1")
        ws.authorize(rest)
        ws.call("ordersPending_subscribe", MARKET)
        ws.call("depth_subscribe", MARKET, 1, "0", True)
        assert ws.push("depth_update")[1]["bids"]
        venue.fault("market_delisted", market=MARKET)
        event, order = ws.push("ordersPending_update")
        assert (event, order["status"]) == (3, "DELISTING")
        state = ws.push("depth_update")[1]
        while Decimal(state["bids"][-1][1]):
            state = ws.push("depth_update")[1]
        names = [market["name"] for market in rest.get("markets")[1]]
        assert MARKET not in names
        assert "ETH_USDT" in names
        status, body = rest.post("order/new", market=MARKET, side="buy", price="100", amount="0.1")
        assert status == 422
        assert body["errors"] == {"market": ["Market is not available."]}
        assert [listed["orderId"] for listed in rest.ok("orders")] == [other["orderId"]]
        rest.ok("order/cancel/all")
        assert rest.ok("trade-account/balance", ticker="USDT") == free
        assert ws.refused("depth_subscribe", MARKET, 1, "0", True) == 9
        with pytest.raises(ValueError, match="no market is named 'BTC_USDT'"):
            venue.fault("market_delisted", market=MARKET)


def test_a_delisting_that_comes_twice_happens_once() -> None:
    with Venue(traders=False) as venue, RestClient(venue) as rest:
        for at in (0.2, 0.3):
            venue.fault("market_delisted", market=MARKET, at=at)
        eventually(lambda: MARKET not in str(rest.get("markets")))
        time.sleep(0.2)
        assert rest.get("orderbook/" + MARKET)[0] == 422
        assert rest.ok("orders") == []


def test_a_market_that_is_not_there_is_refused() -> None:
    with (
        Venue(traders=False) as venue,
        pytest.raises(ValueError, match="did you mean 'BTC_USDT'"),
    ):
        venue.fault("gap", market="BTC_USD")
