"""What can go wrong with an order call: faults and options over real sockets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.venue.naive import RestClient, WsClient
from tests.venue.order_socket import MARKET, OrderSocket, order_venue, token_of
from whitewire.venue import Venue, WireOptions
from whitewire.venue.values.ws_refusals import TEXTS

LIMIT = {"market": MARKET, "side": "buy", "amount": "0.1", "price": "100"}
PLACE = "order_limit_place"
SLOW_MS = 400


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with order_venue() as running:
        yield running


@pytest.fixture(scope="module")
def token(venue: Venue) -> str:
    with RestClient(venue) as rest:
        return token_of(rest)


@pytest.fixture
def ws(venue: Venue, token: str, rest: RestClient) -> Iterator[OrderSocket]:
    with OrderSocket(venue, token) as client:
        yield client


def open_prices(rest: RestClient) -> list[str]:
    """Prices of the account's open orders, oldest first."""
    return [order["price"] for order in reversed(rest.ok("orders", market=MARKET))]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def send(ws: WsClient, method: str, params: dict[str, Any] | None = None) -> int:
    """Sends a call and returns its id without waiting for its reply."""
    request_id, ws.next_id = ws.next_id, ws.next_id + 1
    params_list = [] if params is None else [params]
    ws.send(json.dumps({"id": request_id, "method": method, "params": params_list}))
    return request_id


def replies(ws: WsClient, count: int) -> list[int]:
    """The ids of the next replies in order of arrival."""
    return [ws.message()["id"] for _ in range(count)]


@pytest.mark.parametrize("code", TEXTS)
def test_every_number_can_be_had_without_execution(
    venue: Venue, ws: OrderSocket, rest: RestClient, code: int
) -> None:
    venue.fault("ws_refused", method=PLACE, error=code)
    assert ws.error("order_cancel_all", {}) == (1, "market is required")
    assert ws.error(PLACE, LIMIT) == (code, TEXTS[code])
    assert open_prices(rest) == []
    assert ws.limit("buy", "100")["status"] == "OPEN"


def test_a_refusal_on_request_comes_before_the_parameters(venue: Venue, ws: OrderSocket) -> None:
    venue.fault("ws_refused", error=10006)
    assert ws.error(PLACE, {}) == (10006, "region is unknown or not supported")


@pytest.mark.parametrize(("when", "prices"), [("after", ["100"]), ("before", [])])
def test_a_timeout_leaves_it_open_whether_the_order_was_executed(
    venue: Venue, ws: OrderSocket, rest: RestClient, when: str, prices: list[str]
) -> None:
    venue.fault("ws_timeout", method=PLACE, when=when)
    assert ws.error(PLACE, LIMIT) == (5, "service timeout")
    assert open_prices(rest) == prices


def test_a_timeout_hides_a_refusal_of_the_engine(venue: Venue, ws: OrderSocket) -> None:
    venue.fault("ws_timeout", method="order_cancel")
    call = {"market": MARKET, "order_id": 7}
    assert ws.error("order_cancel", call) == (5, "service timeout")
    venue.fault("ws_timeout", method="order_cancel")
    assert ws.error("order_cancel", {}) == (1, "market is required")


def test_a_lost_ack_is_an_order_without_an_answer(
    venue: Venue, ws: OrderSocket, rest: RestClient
) -> None:
    ws.call("ordersPending_subscribe", MARKET)
    venue.fault("lost_ack", side="ws", method=PLACE)
    assert ws.error(PLACE, {**LIMIT, "amount": "x"})[0] == 1  # refused: not what it waits for
    assert rest.limit("buy", "99")["status"] == "OPEN"  # nor is REST
    ws.pending(1)
    send(ws, PLACE, LIMIT)
    assert [status for _, _, status in ws.pending(1)] == ["OPEN"]
    after = send(ws, "ping")
    assert replies(ws, 1) == [after]
    assert open_prices(rest) == ["99", "100"]


def test_a_lost_ack_of_rest_is_not_one_of_the_socket(venue: Venue, ws: OrderSocket) -> None:
    path = "/api/v4/order/new"
    venue.fault("lost_ack", path=path, seconds=0.5)
    venue.fault("lost_ack", side="rest", path=path, seconds=0.5)
    assert ws.limit("buy", "100")["status"] == "OPEN"


def test_a_slow_ack_is_overtaken(venue: Venue, ws: OrderSocket, rest: RestClient) -> None:
    venue.fault("slow_ack", side="ws", method=PLACE, ms=SLOW_MS)
    start = time.monotonic()
    slow = send(ws, PLACE, LIMIT)
    quick = send(ws, PLACE, {**LIMIT, "price": "101"})
    ping = send(ws, "ping")
    assert replies(ws, 2) == [quick, ping]
    assert open_prices(rest) == ["100", "101"]
    assert time.monotonic() - start < SLOW_MS / 1000
    assert replies(ws, 1) == [slow]
    assert time.monotonic() - start >= SLOW_MS / 1000


def test_pushes_come_before_the_reply_on_request(venue: Venue, ws: OrderSocket) -> None:
    ws.call("ordersPending_subscribe", MARKET)
    for _ in range(5):
        venue.fault("private_before_ack")
        ws.limit("buy", "100")
        assert len(ws.pushes) == 1
        ws.pending(1)


def test_a_late_order_is_executed_after_a_cancel_all(
    venue: Venue, ws: OrderSocket, rest: RestClient
) -> None:
    venue.fault("late_order", method=PLACE, ms=SLOW_MS)
    late = send(ws, PLACE, LIMIT)
    cancel = send(ws, "order_cancel_all", {"market": MARKET, "type": ["spot"]})
    assert replies(ws, 1) == [cancel]
    assert open_prices(rest) == []
    assert replies(ws, 1) == [late]
    assert open_prices(rest) == ["100"]


def test_a_late_order_outlives_its_connection(venue: Venue, token: str, rest: RestClient) -> None:
    with OrderSocket(venue, token) as gone:
        venue.fault("late_order", method=PLACE, ms=SLOW_MS)
        send(gone, PLACE, LIMIT)
        assert gone.call("ping") == "pong"
    assert open_prices(rest) == []
    wait_for(lambda: open_prices(rest) == ["100"])


@pytest.mark.parametrize(("when", "prices"), [("after", ["100"]), ("before", [])])
def test_a_connection_is_cut_before_or_after_the_execution(
    venue: Venue, ws: OrderSocket, rest: RestClient, when: str, prices: list[str]
) -> None:
    venue.fault("drop_ws", method=PLACE, when=when)
    assert ws.call("ping") == "pong"
    send(ws, PLACE, LIMIT)
    with pytest.raises((EOFError, ConnectionError)):
        ws.message()
    assert open_prices(rest) == prices


def test_drop_ws_can_follow_any_call(venue: Venue, ws: OrderSocket) -> None:
    venue.fault("drop_ws", when="after")
    send(ws, "ping")
    with pytest.raises((EOFError, ConnectionError)):
        ws.message()


def test_maintenance_can_answer_3_before_it_closes() -> None:
    with order_venue() as venue, RestClient(venue) as rest:
        with OrderSocket(venue, token_of(rest)) as ws:
            venue.fault("maintenance", seconds=30, ws_grace_s=0.8)
            for method in (PLACE, "ping"):
                assert ws.error(method, LIMIT) == (3, "service unavailable")
            with pytest.raises(EOFError, match="close frame"):
                ws.message()
        with pytest.raises(ConnectionError, match="503"):
            WsClient(venue)
        assert venue.call(lambda exchange: exchange.open_orders_of("a")) == []


# Options


def order_burst(wire: WireOptions, count: int) -> tuple[list[int], list[int], float]:
    """The ids sent and answered in a burst of orders with a bad one last, and how long it took."""
    with (
        order_venue(wire) as venue,
        RestClient(venue) as rest,
        OrderSocket(venue, token_of(rest)) as ws,
    ):
        start = time.monotonic()
        sent = [send(ws, PLACE, LIMIT) for _ in range(count)] + [send(ws, PLACE, {})]
        return sent, replies(ws, count + 1), time.monotonic() - start


def test_replies_can_take_their_time_and_keep_their_order() -> None:
    sent, answered, elapsed_s = order_burst(WireOptions(ws_reply_delay_us=50_000), 20)
    assert answered == sent
    assert elapsed_s >= 0.05


def test_replies_can_swap() -> None:
    sent, answered, _ = order_burst(WireOptions(ws_reply_jitter_us=50_000), 20)
    assert sorted(answered) == sent
    assert answered != sent


def test_what_the_door_refuses_can_overtake() -> None:
    wire = WireOptions(ws_reply_delay_us=200_000, ws_early_refusals=True)
    sent, answered, _ = order_burst(wire, 5)
    assert answered == [sent[-1], *sent[:-1]]
