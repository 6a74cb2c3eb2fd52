"""Statistics and candles over real sockets: what is asked, what is pushed, what is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue, WireOptions

FAST = WireOptions(market_interval_ms=50, candles_interval_ms=50)
DAY_S = 86_400


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(traders=False, wire=FAST) as running:
        yield running


@pytest.fixture
def ws(venue: Venue) -> Iterator[WsClient]:
    with WsClient(venue) as client:
        yield client


def trade(rest: RestClient, other: RestClient, *prices: str, amount: str = "0.1") -> None:
    for price in prices:
        other.limit("sell", price, amount)
        rest.limit("buy", price, amount)


def eventually(ws: WsClient, method: str, wanted: Any, read: Any) -> None:
    """Waits for a push that reads as wanted; timers may show a state before it."""
    while read(ws.push(method)) != wanted:
        pass


def test_statistics_of_a_market(ws: WsClient, rest: RestClient, other: RestClient) -> None:
    assert ws.call("market_request", "BTC_USDT", DAY_S) == {
        "period": DAY_S,
        **dict.fromkeys(("last", "open", "close", "high", "low", "volume", "deal"), "0"),
    }
    trade(rest, other, "100", "120", "90")
    assert ws.call("market_request", "BTC_USDT", 3_600) == {
        "period": 3_600,
        "last": "90",
        "open": "100",
        "close": "90",
        "high": "120",
        "low": "90",
        "volume": "0.3",
        "deal": "31",
    }
    assert ws.call("market_request", "ETH_USDT", 60)["last"] == "0"
    today = ws.call("marketToday_query", "BTC_USDT")
    assert list(today) == ["last", "open", "high", "low", "volume", "deal"]
    assert (today["last"], today["high"], today["volume"]) == ("90", "120", "0.3")


def test_statistics_are_shown_at_once_and_on_change(
    ws: WsClient, rest: RestClient, other: RestClient
) -> None:
    ws.call("market_subscribe", "BTC_USDT")
    market, state = ws.push("market_update")
    assert (market, state["period"], state["last"]) == ("BTC_USDT", DAY_S, "0")
    assert ws.is_quiet(0.15)
    trade(rest, other, "100", "101")
    eventually(ws, "market_update", "0.2", lambda params: params[1]["volume"])
    ws.call("marketToday_subscribe", "ETH_USDT", "BTC_USDT")
    shown = dict(ws.push("marketToday_update") for _ in range(2))
    assert (shown["BTC_USDT"]["last"], shown["ETH_USDT"]["last"]) == ("101", "0")
    trade(rest, other, "102")
    eventually(ws, "market_update", "102", lambda params: params[1]["last"])
    eventually(ws, "marketToday_update", "102", lambda params: params[1]["last"])
    ws.call("market_unsubscribe")
    ws.call("marketToday_unsubscribe")
    trade(rest, other, "103")
    assert ws.is_quiet(0.15)


def test_a_subscription_replaces_the_old_one(
    ws: WsClient, rest: RestClient, other: RestClient
) -> None:
    ws.call("market_subscribe")
    _, markets = rest.get("markets")
    names = {ws.push("market_update")[0] for _ in markets}
    assert names == {market["name"] for market in markets}
    ws.call("market_subscribe", "ETH_USDT")
    assert ws.push("market_update")[0] == "ETH_USDT"
    trade(rest, other, "100")
    assert ws.is_quiet(0.15)


def test_two_subscribers_see_the_same_changes(
    venue: Venue, ws: WsClient, rest: RestClient, other: RestClient
) -> None:
    ws.call("market_subscribe", "BTC_USDT")
    with WsClient(venue) as second:
        trade(rest, other, "100")
        second.call("market_subscribe", "BTC_USDT")
        for client in (ws, second):
            eventually(client, "market_update", "100", lambda params: params[1]["last"])
    trade(rest, other, "101")
    eventually(ws, "market_update", "101", lambda params: params[1]["last"])


def test_candles_are_answered(ws: WsClient, rest: RestClient, other: RestClient) -> None:
    now = int(time.time())
    assert ws.call("candles_request", "BTC_USDT", now - 600, now + 600, 60) == []
    trade(rest, other, "100", "120", "90", "110")
    (candle,) = ws.call("candles_request", "BTC_USDT", now - 600, now + 600, DAY_S)
    assert candle[1:] == ["100", "110", "120", "90", "0.4", "42", "BTC_USDT"]
    assert candle[0] == candle[0] // DAY_S * DAY_S
    assert 0 <= now - candle[0] < DAY_S


def test_candles_are_pushed(ws: WsClient, rest: RestClient, other: RestClient) -> None:
    ws.call("candles_subscribe", "BTC_USDT", DAY_S)
    assert ws.is_quiet(0.15)
    trade(rest, other, "100", "101")
    eventually(ws, "candles_update", ("101", "0.2"), lambda params: (params[-1][2], params[-1][5]))
    ws.call("candles_subscribe", "BTC_USDT", 1)
    ((opened, *_, market),) = ws.push("candles_update")
    assert market == "BTC_USDT"
    # seconds go on without trades, flat, and none is left out
    candles = [candle for _ in range(2) for candle in ws.push("candles_update")]
    assert {candle[0] for candle in candles} >= {opened + 1, opened + 2}
    assert {tuple(candle[1:5]) for candle in candles if candle[0] > opened} == {("101",) * 4}
    ws.call("candles_subscribe", "ETH_USDT", DAY_S)
    trade(rest, other, "102")
    assert ws.is_quiet(0.15)
    ws.call("candles_subscribe", "BTC_USDT", DAY_S)
    ((*_, volume, _, _),) = ws.push("candles_update")
    assert volume == "0.3"
    ws.call("candles_unsubscribe")
    trade(rest, other, "103")
    assert ws.is_quiet(0.15)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("market_request", ["BTC_USDT"]),
        ("market_request", ["BTC_USDT", 0]),
        ("market_request", ["BTC_USDT", 31 * DAY_S + 1]),
        ("market_request", ["BTC_USDT", "60"]),
        ("market_subscribe", [["BTC_USDT"]]),
        ("market_unsubscribe", ["BTC_USDT"]),
        ("marketToday_query", []),
        ("marketToday_subscribe", [1]),
        ("candles_request", ["BTC_USDT", 0, 60]),
        ("candles_request", ["BTC_USDT", 60, 0, 60]),
        ("candles_request", ["BTC_USDT", 0, 60, 61]),
        ("candles_request", ["BTC_USDT", 0.5, 60, 60]),
        ("candles_subscribe", ["BTC_USDT", 0]),
        ("candles_subscribe", ["BTC_USDT"]),
        ("candles_unsubscribe", ["BTC_USDT"]),
    ],
)
def test_wrong_parameters_are_refused(ws: WsClient, method: str, params: list[Any]) -> None:
    assert ws.refused(method, *params) == 1


def test_unknown_markets_and_methods_are_refused(ws: WsClient) -> None:
    for method, params in (
        ("market_request", ["NO_NO", 60]),
        ("market_subscribe", ["NO_NO"]),
        ("marketToday_query", ["NO_NO"]),
        ("candles_request", ["NO_NO", 0, 60, 60]),
        ("candles_subscribe", ["NO_NO", 60]),
    ):
        assert ws.refused(method, *params) == 9
    assert ws.refused("marketToday_request", "BTC_USDT") == 4


def test_a_closed_connection_is_forgotten(
    venue: Venue, ws: WsClient, rest: RestClient, other: RestClient
) -> None:
    with WsClient(venue) as gone:
        gone.call("market_subscribe")
        gone.call("candles_subscribe", "BTC_USDT", 60)
    ws.call("market_subscribe", "BTC_USDT")
    trade(rest, other, "100")
    eventually(ws, "market_update", "100", lambda params: params[1]["last"])
