"""Routes, limits, refusals and faults of the REST side, over TLS."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.venue.naive import (
    NONCES,
    Nonces,
    RestClient,
    open_socket,
    raw_request,
    sign,
)
from tests.venue.test_http_server import PING, read_responses
from whitewire.venue import Venue, WireOptions

FROZEN = 1_800_000_000.0
COLOCATED = [
    "order/new",
    "order/bulk",
    "order/market",
    "order/stock_market",
    "order/stop_limit",
    "order/stop_market",
    "order/cancel",
    "order/modify",
    "order/kill-switch",
    "order/kill-switch/status",
    "orders",
    "trade-account/balance",
    "trade-account/order",
    "trade-account/executed-history",
    "trade-account/order/history",
    "profile/websocket_token",
    "market/fee",
]
PUBLIC_ONLY_POST = ["order/cancel/all", "order/cancel/bulk"]
PUBLIC_ONLY_GET = [
    "markets",
    "ticker",
    "assets",
    "fee",
    "futures",
    "collateral/markets",
    "platform/status",
    "orderbook/BTC_USDT",
    "trades/BTC_USDT",
]


@pytest.fixture
def colocation(venue: Venue) -> Iterator[RestClient]:
    with RestClient(venue, url=venue.rest) as client:
        yield client


# Routes


@pytest.mark.parametrize("path", COLOCATED)
def test_both_listeners_serve_the_colocated_endpoints(
    rest: RestClient, colocation: RestClient, path: str
) -> None:
    for client in (rest, colocation):
        assert client.post(path)[0] in (200, 422)


@pytest.mark.parametrize("path", PUBLIC_ONLY_POST)
def test_mass_cancels_are_not_colocated(
    rest: RestClient, colocation: RestClient, path: str
) -> None:
    assert colocation.post(path) == (404, b"")
    assert rest.post(path)[0] in (200, 422)


@pytest.mark.parametrize("path", PUBLIC_ONLY_GET)
def test_market_data_is_not_colocated(rest: RestClient, colocation: RestClient, path: str) -> None:
    assert colocation.get(path) == (404, b"")
    assert rest.get(path)[0] == 200


@pytest.mark.parametrize("path", ["ping", "time"])
def test_ping_and_time_are_everywhere(rest: RestClient, colocation: RestClient, path: str) -> None:
    assert colocation.get(path)[0] == rest.get(path)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api/v4/nope"),
        ("GET", "/api/v4/orders"),
        ("GET", "/api/v4/order/new"),
        ("POST", "/api/v4/public/ping"),
        ("PUT", "/api/v4/orders"),
        ("POST", "/api/v4/order/stop_limit/"),
        ("GET", "/api/v4/public/ping/"),
    ],
)
def test_anything_else_is_an_empty_404(rest: RestClient, method: str, path: str) -> None:
    assert rest.send(method, path, b"{}" if method != "GET" else None, {}) == (404, b"")


def test_the_colocated_set_is_configuration() -> None:
    extra = frozenset({"/api/v4/order/cancel/all"})
    with (
        Venue(traders=False, wire=WireOptions(colocation_extra=extra)) as venue,
        RestClient(venue, url=venue.rest) as client,
    ):
        assert client.post("order/cancel/all") == (200, [])
        assert client.post("order/cancel/bulk", orders=[]) == (404, b"")


# Authentication on the wire


def post_raw(client: RestClient, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    return client.send("POST", "/api/v4/orders", body, headers)


def changed(**changes: Any) -> bytes:
    params = {"request": "/api/v4/orders", "nonce": NONCES.next(), "nonceWindow": True}
    params |= changes
    kept = {name: value for name, value in params.items() if value is not None}
    return json.dumps(kept, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("changes", "status", "expected"),
    [
        ({"request": None}, 401, {"code": 0, "message": "Request not provided."}),
        ({"request": "/api/v4/x"}, 401, {"code": 10, "message": "Unauthorized request."}),
        ({"nonceWindow": 1}, 401, {"code": 0, "message": "Invalid nonceWindow."}),
        ({"nonce": None}, 401, {"code": 0, "message": "Nonce not provided."}),
        (
            {"nonce": 1},
            401,
            {
                "code": 0,
                "message": "Your nonce is more than 5 seconds lesser than the current nonce",
            },
        ),
        (
            {"nonce": 1 << 60},
            401,
            {
                "code": 0,
                "message": "Your nonce is more than 5 seconds lesser than the current nonce",
            },
        ),
    ],
)
def test_refused_parameters(
    rest: RestClient, changes: dict[str, Any], status: int, expected: dict[str, Any]
) -> None:
    body = changed(**changes)
    headers = sign(rest.account.key, rest.account.secret, body)
    assert post_raw(rest, body, headers) == (status, expected)


@pytest.mark.parametrize(
    ("header", "value", "status", "expected"),
    [
        ("X-TXC-APIKEY", None, 401, {"code": 0, "message": "This action is unauthorized."}),
        ("X-TXC-APIKEY", "nobody", 401, {"code": 10, "message": "Unauthorized request."}),
        ("X-TXC-PAYLOAD", None, 401, {"code": 0, "message": "Payload not provided."}),
        ("X-TXC-SIGNATURE", "0" * 128, 401, {"code": 10, "message": "Unauthorized request."}),
    ],
)
def test_refused_headers(
    rest: RestClient, header: str, value: str | None, status: int, expected: dict[str, Any]
) -> None:
    body = changed()
    headers = sign(rest.account.key, rest.account.secret, body)
    del headers[header]
    if value is not None:
        headers[header] = value
    assert post_raw(rest, body, headers) == (status, expected)


def test_a_spaced_payload_is_invalid_but_a_spaced_body_is_not(rest: RestClient) -> None:
    compact = changed()
    spaced = json.dumps(json.loads(compact)).encode()
    refused = post_raw(rest, spaced, sign(rest.account.key, rest.account.secret, spaced))
    assert refused == (400, {"code": 9, "message": "Invalid payload."})
    headers = sign(rest.account.key, rest.account.secret, compact)
    assert post_raw(rest, spaced, headers) == (200, [])


def test_a_nonce_works_once(rest: RestClient) -> None:
    body = changed()
    headers = sign(rest.account.key, rest.account.secret, body)
    assert post_raw(rest, body, headers)[0] == 200
    refused = post_raw(rest, body, headers)
    assert refused == (401, {"code": 0, "message": "Too many requests."})


def test_default_mode_needs_growing_nonces(venue: Venue) -> None:
    with RestClient(venue, 1) as client:
        statuses = []
        for nonce in (100, 101, 101, 5, 102):
            body = changed(nonce=nonce, nonceWindow=None)
            headers = sign(client.account.key, client.account.secret, body)
            statuses.append(post_raw(client, body, headers)[0])
        assert statuses == [200, 200, 401, 401, 200]


def test_restricted_keys(venue: Venue, rest: RestClient) -> None:
    key = rest.account.key
    disabled = {
        "code": 2,
        "message": "This action is unauthorized. Enable your key in API settings",
    }
    denied = {
        "code": 4,
        "message": "This API Key is not authorized to perform this action.",
    }
    venue.restrict_key(key, enabled=False)
    assert rest.post("orders") == (401, disabled)
    venue.restrict_key(key, allowed_ips=["192.0.2.1"])
    assert rest.post("orders") == (401, disabled)
    venue.restrict_key(key, allowed_ips=["127.0.0.1"], denied_paths=["/api/v4/order/new"])
    assert rest.post("orders") == (200, [])
    assert rest.post("order/new") == (403, denied)
    venue.restrict_key(key)
    assert rest.post("order/new")[0] == 422
    with pytest.raises(KeyError):
        venue.restrict_key("nobody")


def test_a_clock_six_seconds_off_is_refused() -> None:
    with (
        Venue(traders=False, clock=lambda: time.time() + 6) as venue,
        RestClient(venue) as client,
    ):
        status, body = client.post("orders")
        assert (status, body["code"]) == (401, 0)
        assert body["message"].startswith("Your nonce is more than 5 seconds")


# Rate limits


def test_the_eleventh_token_in_a_minute_is_429() -> None:
    with (
        Venue(traders=False, clock=lambda: FROZEN) as venue,
        RestClient(venue, nonces=Nonces(lambda: FROZEN)) as client,
    ):
        answers = [client.post("profile/websocket_token") for _ in range(11)]
        assert [status for status, _ in answers] == [200] * 10 + [429]
        assert answers[-1][1] == b"Too Many Requests"


def test_public_endpoints_are_limited_each() -> None:
    wire = WireOptions(rate_scale=0.01)  # orderbook 6, trades 20, all of public 200
    with (
        Venue(traders=False, wire=wire, clock=lambda: FROZEN) as venue,
        RestClient(venue) as client,
    ):
        books = [client.get("orderbook/BTC_USDT")[0] for _ in range(7)]
        assert books == [200] * 6 + [429]
        assert client.get("orderbook/ETH_USDT")[0] == 429
        assert client.get("trades/BTC_USDT")[0] == 200


# Faults


def place(venue: Venue, name: str) -> bytes:
    params = {"market": "BTC_USDT", "side": "buy", "price": "100", "amount": "0.1"}
    return raw_request(venue, "order/new", {**params, "clientOrderId": name})


def open_names(venue: Venue) -> set[str]:
    account = venue.accounts[0].name
    orders = venue.call(lambda exchange: exchange.open_orders_of(account))
    return {order.client_order_id for order in orders}


@pytest.fixture
def sock(venue: Venue, rest: RestClient) -> Iterator[socket.socket]:
    """A raw connection; `rest` cleans up after it."""
    with open_socket(venue, venue.rest) as connection:
        yield connection


def test_lost_ack_executes_and_never_answers(venue: Venue, sock: socket.socket) -> None:
    venue.fault("lost_ack")
    sock.sendall(PING + place(venue, "lost") + PING)
    assert read_responses(sock, 1) == [(200, b'["pong"]')]
    sock.settimeout(0.15)
    with pytest.raises(TimeoutError):
        sock.recv(1)
    assert open_names(venue) == {"lost"}


def test_lost_ack_waits_for_an_accepted_order(venue: Venue, sock: socket.socket) -> None:
    venue.fault("lost_ack")
    sock.sendall(raw_request(venue, "order/new", {"market": "BTC_USDT"}))
    assert read_responses(sock, 1)[0][0] == 422
    sock.sendall(place(venue, "lost"))
    sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        sock.recv(1)


@pytest.mark.parametrize(("when", "expected"), [("before", set()), ("after", {"reset"})])
def test_drop_rest_resets(when: str, expected: set[str]) -> None:
    # Without TLS: Python's ssl module reports a reset like an orderly end.
    with (
        Venue(traders=False, tls=False) as venue,
        open_socket(venue, venue.rest) as sock,
    ):
        venue.fault("drop_rest", path="/api/v4/order/new", when=when)
        sock.sendall(place(venue, "reset"))
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        assert open_names(venue) == expected


def test_slow_ack_holds_back_what_follows_but_not_the_engine(
    venue: Venue, sock: socket.socket
) -> None:
    venue.fault("slow_ack", path="/api/v4/order/new", ms=500)
    start = time.monotonic()
    sock.sendall(place(venue, "slow") + PING)
    while open_names(venue) != {"slow"}:
        assert time.monotonic() - start < 0.45
    statuses = [status for status, _ in read_responses(sock, 2)]
    assert statuses == [200, 200]
    assert time.monotonic() - start >= 0.5


@pytest.mark.parametrize(
    ("fault", "status", "content"),
    [("http_429", 429, b"Too Many Requests"), ("http_503_html", 503, b"<html>")],
)
def test_front_faults_answer_without_executing(
    venue: Venue, rest: RestClient, fault: str, status: int, content: bytes
) -> None:
    venue.fault(fault)
    answer = rest.post("order/new", market="BTC_USDT", side="buy", price="100", amount="0.1")
    assert answer[0] == status
    assert answer[1].startswith(content)
    assert open_names(venue) == set()
    assert rest.get("ping") == (200, ["pong"])


def test_truncated_response_ends_early(venue: Venue, rest: RestClient) -> None:
    venue.fault("truncated_response", path="/api/v4/order/new")
    with pytest.raises(http.client.IncompleteRead):
        rest.limit("buy", "100")


def test_close_mid_pipeline_leaves_the_rest_unread(venue: Venue, sock: socket.socket) -> None:
    venue.fault("close_mid_pipeline", path="/api/v4/order/new")
    sock.sendall(place(venue, "first") + place(venue, "second"))
    data = b""
    while chunk := sock.recv(65536):
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    assert json.loads(body)["clientOrderId"] == "first"
    assert open_names(venue) == {"first"}


def test_chunked_answers_decode_to_the_same(venue: Venue, rest: RestClient) -> None:
    venue.fault("chunked", 2)
    assert rest.get("ping") == (200, ["pong"])
    assert rest.limit("buy", "100")["status"] == "OPEN"
    assert rest.get("ping") == (200, ["pong"])


def test_an_error_of_the_venues_own_is_500(
    venue: Venue, rest: RestClient, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    working = venue.call(lambda exchange: exchange.kill_switch_status)
    venue.call(lambda exchange: setattr(exchange, "kill_switch_status", broken))
    try:
        answer = rest.post("order/kill-switch/status")
    finally:
        venue.call(lambda exchange: setattr(exchange, "kill_switch_status", working))
    assert answer == (500, {"error": ["Internal server error."]})
    assert "broken on purpose" in caplog.text
