"""Faults of the WebSocket, of private pushes and of the session over real sockets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.venue.naive import RestClient, WsClient, open_socket, raw_request
from whitewire.venue import Venue, WireOptions
from whitewire.venue.options import PushOrder

PENDING = "ordersPending_update"
ORDER = {"market": "BTC_USDT", "side": "buy", "price": "100", "amount": "0.1"}


@pytest.fixture
def ws(venue: Venue) -> Iterator[WsClient]:
    with WsClient(venue) as client:
        yield client


@pytest.fixture
def private(venue: Venue, rest: RestClient, ws: WsClient) -> WsClient:
    """Authorized as `rest` and told about its orders."""
    ws.authorize(rest)
    ws.call("ordersPending_subscribe", "BTC_USDT")
    return ws


def watch_top(ws: WsClient) -> None:
    ws.call("bookTicker_subscribe", "BTC_USDT")
    ws.push("bookTicker_update")


def test_half_open_is_silent_for_good(venue: Venue, ws: WsClient, rest: RestClient) -> None:
    watch_top(ws)
    venue.fault("half_open", side="ws", method="bookTicker_update")
    rest.limit("buy", "100")
    ws.send('{"id": 9, "method": "ping", "params": []}')
    ws.send_frame(9, b"anyone?")
    assert ws.is_quiet(0.3)
    with WsClient(venue) as again:
        assert again.call("ping") == "pong"


def test_half_open_can_begin_with_a_call_and_outlives_the_idle_clock() -> None:
    wire = WireOptions(ws_idle_s=0.2)
    with Venue(traders=False, wire=wire) as venue, WsClient(venue) as ws:
        venue.fault("half_open", side="ws", method="ping")
        assert isinstance(ws.call("time"), int)
        ws.send('{"id": 9, "method": "ping", "params": []}')
        assert ws.is_quiet(0.6)


def test_a_stall_loses_pushes_and_answers_calls(
    venue: Venue, ws: WsClient, rest: RestClient
) -> None:
    watch_top(ws)
    venue.fault("stall_ws", seconds=0.8)
    rest.limit("buy", "100")
    assert ws.call("ping") == "pong"
    assert ws.is_quiet(0.9)
    rest.limit("buy", "101")
    assert ws.push("bookTicker_update")[0][4] == "101"


def test_unknown_json_is_a_push_of_a_new_kind(venue: Venue, ws: WsClient, rest: RestClient) -> None:
    watch_top(ws)
    venue.fault("unknown_json", side="ws")
    rest.limit("buy", "100")
    assert ws.message()["method"] == "unheardOf_update"
    assert ws.message()["method"] == "bookTicker_update"


def events(ws: WsClient, count: int) -> list[tuple[int, str]]:
    """(event, price) of the next pushes about orders."""
    pushes: list[Any] = [ws.push(PENDING) for _ in range(count)]
    return [(event, order["price"]) for event, order in pushes]


def test_private_duplicated(venue: Venue, private: WsClient, rest: RestClient) -> None:
    venue.fault("private_duplicated", method=PENDING)
    rest.limit("buy", "100")
    rest.limit("buy", "101")
    assert events(private, 3) == [(1, "100"), (1, "100"), (1, "101")]


def test_private_missing(venue: Venue, private: WsClient, rest: RestClient) -> None:
    venue.fault("private_missing", method=PENDING)
    rest.limit("buy", "100")
    rest.limit("buy", "101")
    assert events(private, 1) == [(1, "101")]


def test_private_late_lets_others_overtake(
    venue: Venue, private: WsClient, rest: RestClient
) -> None:
    venue.fault("private_late", method=PENDING, ms=700)
    start = time.monotonic()
    rest.limit("buy", "100")
    rest.limit("buy", "101")
    assert events(private, 1) == [(1, "101")]
    assert time.monotonic() - start < 0.7
    assert events(private, 1) == [(1, "100")]
    assert time.monotonic() - start >= 0.7


def test_private_before_ack() -> None:
    wire = WireOptions(push_order=PushOrder.AFTER)
    with (
        Venue(traders=False, wire=wire) as venue,
        RestClient(venue) as rest,
        WsClient(venue) as ws,
        open_socket(venue, venue.rest) as sock,
    ):
        ws.authorize(rest)
        ws.call("ordersPending_subscribe", "BTC_USDT")
        venue.fault("private_before_ack")
        venue.fault("slow_ack", path="/api/v4/order/new", ms=800)
        start = time.monotonic()
        sock.sendall(raw_request(venue, "order/new", ORDER))
        assert events(ws, 1) == [(1, "100")]
        assert time.monotonic() - start < 0.8
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - start >= 0.8


def test_an_expired_token_authorizes_nobody(venue: Venue, ws: WsClient, rest: RestClient) -> None:
    venue.fault("expired_token")
    token = rest.ok("profile/websocket_token")["websocket_token"]
    assert ws.refused("authorize", token, "public") == 11
    ws.authorize(rest)


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [({}, 2, "internal error"), ({"code": 11}, 11, "invalid token")],
)
def test_authorize_failed(
    venue: Venue, ws: WsClient, rest: RestClient, args: dict[str, int], code: int, message: str
) -> None:
    token = rest.ok("profile/websocket_token")["websocket_token"]
    venue.fault("authorize_failed", **args)
    reply = ws.request("authorize", [token, "public"])
    assert reply["error"] == {"code": code, "message": message}
    assert ws.refused("ordersPending_subscribe", "BTC_USDT") == 6
    assert ws.call("authorize", token, "public") == {"status": "success"}


def test_the_skew_of_the_clock_is_the_sockets_too(venue: Venue, ws: WsClient) -> None:
    venue.fault("clock_skew", by_s=-100, seconds=2)
    assert 95 < time.time() - ws.call("time") < 105
