"""Faults of REST over real sockets; those of older date are in test_rest."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.venue.naive import RestClient, open_socket, raw_request
from whitewire.venue import Venue, WireOptions

NEW = "/api/v4/order/new"
ORDER = {"market": "BTC_USDT", "side": "buy", "price": "100", "amount": "0.1"}


@pytest.fixture
def sock(venue: Venue, rest: RestClient) -> Iterator[socket.socket]:
    """A raw connection; `rest` cleans up after it."""
    with open_socket(venue, venue.rest) as connection:
        yield connection


def resting(venue: Venue) -> list[str]:
    orders = venue.call(lambda exchange: exchange.open_orders_of(venue.accounts[0].name))
    return sorted(order.client_order_id for order in orders)


def place(venue: Venue, name: str) -> bytes:
    return raw_request(venue, "order/new", {**ORDER, "clientOrderId": name})


def assert_silent(sock: socket.socket, seconds: float = 0.15) -> None:
    """Nothing comes, and the connection stays."""
    sock.settimeout(seconds)
    with pytest.raises(TimeoutError):
        sock.recv(1)


@pytest.mark.parametrize(("fault", "status"), [("http_500", 500), ("http_502", 502)])
def test_the_front_fails_without_executing(
    venue: Venue, rest: RestClient, fault: str, status: int
) -> None:
    venue.fault(fault, path=NEW)
    answer = rest.post("order/new", **ORDER)
    assert answer[0] == status
    assert answer[1].startswith(b"<html>")
    assert resting(venue) == []
    assert rest.limit("buy", "100")["status"] == "OPEN"


def test_a_storm_of_429_blows_for_its_time(venue: Venue, rest: RestClient) -> None:
    venue.fault("storm_429", seconds=0.5)
    end = time.monotonic() + 0.5
    refused = 0
    while rest.post("order/new", **ORDER) == (429, b"Too Many Requests"):
        refused += 1
        assert time.monotonic() < end + 2
        time.sleep(0.01)
    assert refused > 5
    assert time.monotonic() >= end - 0.05
    assert len(resting(venue)) == 1


def test_a_storm_can_be_of_one_path(venue: Venue, rest: RestClient) -> None:
    venue.fault("storm_429", seconds=0.6, path=NEW)
    assert rest.post("order/new", **ORDER)[0] == 429
    assert rest.ok("orders") == []
    time.sleep(0.65)
    assert rest.limit("buy", "100")["status"] == "OPEN"


def test_chance_strikes_some_requests(venue: Venue, rest: RestClient) -> None:
    venue.fault("http_500", 10, probability=0.5, path="/api/v4/public/ping")
    statuses = [rest.get("ping")[0] for _ in range(100)]
    assert statuses.count(500) == 10
    assert statuses[:5] != [500] * 5 or statuses[5:10] != [500] * 5


def test_a_lost_request_never_reaches_the_engine(venue: Venue, sock: socket.socket) -> None:
    venue.fault("lost_request", path=NEW)
    sock.sendall(place(venue, "lost"))
    assert_silent(sock)
    assert resting(venue) == []
    sock.sendall(place(venue, "behind"))
    assert_silent(sock)
    assert resting(venue) == ["behind"], "the next one is executed, its answer waits behind"


def test_a_half_open_connection_hears_nothing_any_more(venue: Venue, sock: socket.socket) -> None:
    venue.fault("half_open", side="rest", path=NEW)
    sock.sendall(place(venue, "first") + place(venue, "second"))
    assert_silent(sock)
    sock.sendall(place(venue, "third"))
    assert_silent(sock)
    assert resting(venue) == []
    with RestClient(venue) as again:
        assert again.limit("buy", "100")["status"] == "OPEN"


def test_a_half_open_connection_outlives_the_idle_clock() -> None:
    with (
        Venue(traders=False, wire=WireOptions(http_idle_s=0.2)) as venue,
        open_socket(venue, venue.rest) as sock,
    ):
        venue.fault("half_open", side="rest")
        sock.sendall(place(venue, "lost"))
        assert_silent(sock, 0.6)


def test_unknown_json_adds_to_every_object(venue: Venue, rest: RestClient) -> None:
    venue.fault("unknown_json", side="rest", path=NEW)
    answer = rest.limit("buy", "100")
    assert answer["unheardOf"] == {"nested": [None, True, 1, "text"]}
    assert answer["price"] == "100"
    venue.fault("unknown_json", path="/api/v4/orders")
    [listed] = rest.ok("orders")
    assert listed["unheardOf"] == answer["unheardOf"]
    assert listed["orderId"] == answer["orderId"]


def test_malformed_json_is_half_a_text_in_a_whole_response(venue: Venue, rest: RestClient) -> None:
    venue.fault("malformed_json", path=NEW)
    with pytest.raises(json.JSONDecodeError):
        rest.limit("buy", "100")
    assert len(rest.ok("orders")) == 1, "executed, and the connection is good"


def test_a_refused_kill_switch_changes_nothing(venue: Venue, rest: RestClient) -> None:
    venue.fault("kill_switch_refused", market="BTC_USDT")
    arm = {"market": "BTC_USDT", "timeout": "5"}
    assert rest.post("order/kill-switch", **arm) == (
        422,
        {
            "code": 31,
            "message": "Validation failed",
            "errors": {"market": ["Market is not available."]},
        },
    )
    assert rest.ok("order/kill-switch/status") == []
    assert rest.ok("order/kill-switch", **arm)["market"] == "BTC_USDT"
    rest.ok("order/kill-switch", market="BTC_USDT", timeout=None)


def test_a_skewed_clock_refuses_good_nonces_and_states_its_time(
    venue: Venue, rest: RestClient
) -> None:
    venue.fault("clock_skew", by_s=8, seconds=1)
    status, body = rest.get("time")
    assert status == 200
    assert 6 < body["time"] - time.time() < 9
    status, body = rest.post("orders")
    assert status == 401
    assert body["message"] == "Your nonce is more than 5 seconds lesser than the current nonce"
    time.sleep(1.1)
    assert rest.ok("orders") == []
    assert abs(rest.get("time")[1]["time"] - time.time()) < 2


def test_unknown_json_waits_for_a_body_of_json(venue: Venue, rest: RestClient) -> None:
    venue.fault("unknown_json", side="rest")
    assert rest.send("GET", "/api/v4/public/nowhere", None, {}) == (404, b"")
    assert rest.get("platform/status") == (
        200,
        {"unheardOf": {"nested": [None, True, 1, "text"]}, "status": "system operational"},
    )


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("order/new", ORDER),
        ("order/new", {**ORDER, "price": "0"}),
        ("order/cancel", {"market": "BTC_USDT", "orderId": 1}),
        ("orders", {}),
        ("nowhere", {}),
    ],
)
def test_a_fault_that_is_armed_elsewhere_changes_no_answer(
    venue: Venue, rest: RestClient, path: str, fields: dict[str, str]
) -> None:
    def answer() -> object:
        status, body = rest.post(path, **fields)
        for key in ("orderId", "timestamp"):
            if isinstance(body, dict):
                body.pop(key, None)
        return status, body

    without = answer()
    venue.fault("http_500", path="/api/v4/elsewhere", seconds=30)
    rest.ok("order/cancel/all")
    assert answer() == without
