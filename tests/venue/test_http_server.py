"""HTTP/1.1 over real sockets: framing, order, bounds, modelled time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.venue.naive import open_socket, raw_request
from whitewire.venue import Venue, WireOptions
from whitewire.venue.options import ServiceModel

PING = b"GET /api/v4/public/ping HTTP/1.1\r\nHost: venue\r\n\r\n"


def read_responses(sock: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """Reads `count` responses that carry a Content-Length: (status, body) of each."""
    responses: list[tuple[int, bytes]] = []
    buffer = b""
    while len(responses) < count:
        head, separator, rest = buffer.partition(b"\r\n\r\n")
        if separator:
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            if len(rest) >= length:
                responses.append((int(head.split(b" ")[1]), rest[:length]))
                buffer = rest[length:]
                continue
        data = sock.recv(65536)
        if not data:
            raise EOFError(f"closed after {len(responses)} responses")
        buffer += data
    assert buffer == b""
    return responses


@pytest.fixture
def sock(venue: Venue) -> Iterator[socket.socket]:
    with open_socket(venue, venue.public_rest) as connection:
        yield connection


def test_pipelined_requests_are_answered_in_order(venue: Venue, sock: socket.socket) -> None:
    missing = b"GET /api/v4/public/nope HTTP/1.1\r\nHost: venue\r\n\r\n"
    private = raw_request(venue, "orders", {})
    sock.sendall(PING + missing + private + PING)
    statuses = [(200, b'["pong"]'), (404, b""), (200, b"[]"), (200, b'["pong"]')]
    assert read_responses(sock, 4) == statuses


def test_a_request_may_come_byte_by_byte(sock: socket.socket) -> None:
    for index in range(len(PING)):
        sock.sendall(PING[index : index + 1])
    assert read_responses(sock, 1) == [(200, b'["pong"]')]


def test_a_chunked_request_body_is_understood(venue: Venue, sock: socket.socket) -> None:
    head, _, body = raw_request(venue, "orders", {}).partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    head = b"\r\n".join([*lines, b"Transfer-Encoding: chunked"])
    sock.sendall(head + b"\r\n\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert read_responses(sock, 1) == [(200, b"[]")]


def test_the_first_of_a_repeated_header_counts(venue: Venue, sock: socket.socket) -> None:
    request = raw_request(venue, "orders", {})
    sock.sendall(request.replace(b"X-TXC-PAYLOAD:", b"X-TXC-PAYLOAD: \r\nX-TXC-PAYLOAD:", 1))
    assert read_responses(sock, 1) == [(401, b'{"code":0,"message":"Payload not provided."}')]


def test_a_client_that_asks_to_close_is_closed_after_its_answer(sock: socket.socket) -> None:
    sock.sendall(PING.replace(b"Host", b"Connection: close\r\nHost") + PING)
    assert read_responses(sock, 1) == [(200, b'["pong"]')]
    assert sock.recv(1) == b""


@pytest.mark.parametrize(
    "bad",
    [
        b"this is not http\r\n\r\n",
        b"GET /api/v4/public/ping HTTP/1.1\r\nbroken header\r\n\r\n",
        b"POST /api/v4/orders HTTP/1.1\r\nHost: v\r\nContent-Length: x\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Name: value\r\n" * 2_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nX-Name: " + b"v" * 100_000,
    ],
)
def test_what_is_not_acceptable_http_gets_one_400_and_the_end(
    sock: socket.socket, bad: bytes
) -> None:
    sock.sendall(PING)
    assert read_responses(sock, 1)[0][0] == 200
    sock.sendall(bad)
    assert read_responses(sock, 1)[0][0] == 400
    with pytest.raises((EOFError, ConnectionError)):
        read_responses(sock, 1)


def test_a_header_without_an_end_is_refused_however_much_of_it_comes_at_once() -> None:
    with Venue(traders=False, tls=False) as venue, open_socket(venue, venue.rest) as sock:
        venue.call(lambda _: sock.sendall(b"GET / HTTP/1.1\r\nX-Name: " + b"v" * 60_000))
        assert read_responses(sock, 1)[0][0] == 400


def test_an_upgrade_is_answered_like_any_request_and_closed(sock: socket.socket) -> None:
    sock.sendall(PING.replace(b"Host", b"Upgrade: websocket\r\nConnection: Upgrade\r\nHost"))
    assert read_responses(sock, 1) == [(200, b'["pong"]')]
    assert sock.recv(1) == b""


def test_good_requests_before_a_bad_one_are_answered(sock: socket.socket) -> None:
    sock.sendall(PING + PING + b"rubbish\r\n\r\n")
    assert [status for status, _ in read_responses(sock, 3)] == [200, 200, 400]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_a_mebibyte_is_413(sock: socket.socket, chunked: bool) -> None:
    head = b"POST /api/v4/orders HTTP/1.1\r\nHost: v\r\n"
    if chunked:
        body = b"%x\r\n" % (1 << 21) + b"x" * ((1 << 20) + 1)
        sock.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    else:
        sock.sendall(head + b"Content-Length: 1048577\r\n\r\n")
    assert read_responses(sock, 1)[0][0] == 413


def test_a_body_of_a_mebibyte_is_read(sock: socket.socket) -> None:
    head = b"POST /api/v4/orders HTTP/1.1\r\nHost: v\r\nContent-Length: 1048576\r\n\r\n"
    sock.sendall(head + b"x" * (1 << 20))
    assert read_responses(sock, 1)[0][0] == 401


def test_an_idle_connection_is_closed() -> None:
    with (
        Venue(traders=False, wire=WireOptions(http_idle_s=0.2)) as venue,
        open_socket(venue, venue.rest) as sock,
    ):
        time.sleep(0.12)
        sock.sendall(PING)
        assert read_responses(sock, 1)[0][0] == 200
        start = time.monotonic()
        assert sock.recv(1) == b""
        assert time.monotonic() - start > 0.15


def order(venue: Venue, number: int) -> bytes:
    params = {"market": "BTC_USDT", "side": "buy", "price": "100", "amount": "0.1"}
    return raw_request(venue, "order/new", {**params, "clientOrderId": f"n-{number}"})


def bulk(venue: Venue, legs: int) -> bytes:
    leg = {"market": "BTC_USDT", "side": "buy", "price": "100", "amount": "0.1"}
    return raw_request(venue, "order/bulk", {"orders": [leg] * legs})


def elapsed_ms(venue: Venue, requests: list[bytes]) -> tuple[float, list[tuple[int, bytes]]]:
    with open_socket(venue, venue.rest) as sock:
        sock.sendall(PING)
        read_responses(sock, 1)
        start = time.monotonic()
        sock.sendall(b"".join(requests))
        responses = read_responses(sock, len(requests))
        return (time.monotonic() - start) * 1_000, responses


@pytest.mark.parametrize(
    ("model", "least_ms", "most_ms"),
    [(ServiceModel.SERIAL, 100, 1_000), (ServiceModel.CONCURRENT, 20, 99)],
)
def test_service_time_is_modelled_for_each_order(
    model: ServiceModel, least_ms: float, most_ms: float
) -> None:
    wire = WireOptions(service_us=20_000, service_model=model)
    with Venue(traders=False, wire=wire) as venue:
        took, responses = elapsed_ms(venue, [order(venue, n) for n in range(5)])
        assert least_ms <= took <= most_ms
        for number, (status, body) in enumerate(responses):
            assert status == 200
            assert f'"clientOrderId":"n-{number}"'.encode() in body
        took, responses = elapsed_ms(venue, [bulk(venue, 5)])
        assert took >= 100
        assert responses[0][0] == 200


def test_a_received_request_is_executed_although_its_connection_is_gone() -> None:
    with Venue(traders=False, wire=WireOptions(service_us=50_000)) as venue:
        with open_socket(venue, venue.rest) as sock:
            sock.sendall(order(venue, 1))
            time.sleep(0.02)
        deadline = time.monotonic() + 2
        name = venue.accounts[0].name
        while not venue.call(lambda exchange: exchange.open_orders_of(name)):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def place_on_two(venue: Venue, legs: int, turn: int) -> float:
    """How long it takes to place so many orders on each of two connections at once, ms."""
    with open_socket(venue, venue.rest) as first, open_socket(venue, venue.public_rest) as second:
        for sock in (first, second):
            sock.sendall(PING)
            read_responses(sock, 1)
        bursts = [
            b"".join(order(venue, 1_000 * turn + 100 * number + leg) for leg in range(legs))
            for number in (1, 2)
        ]
        start = time.monotonic()
        first.sendall(bursts[0])
        second.sendall(bursts[1])
        for sock in (first, second):
            assert [status for status, _ in read_responses(sock, legs)] == [200] * legs
        return (time.monotonic() - start) * 1_000


@pytest.mark.parametrize(
    ("model", "least_legs"),
    [(ServiceModel.SERIAL, 5), (ServiceModel.CONCURRENT, 1), (ServiceModel.ENGINE, 10)],
)
def test_what_waits_for_what_is_modelled(model: ServiceModel, least_legs: int) -> None:
    with Venue(traders=False, wire=WireOptions(service_us=20_000, service_model=model)) as venue:
        # Not much earlier than the legs that wait for each other take; not as late as a model with
        # more of them would be, but for a machine that stalls.
        took_ms = min(place_on_two(venue, 5, turn) for turn in range(3))
        assert (least_legs - 0.25) * 20 <= took_ms < (least_legs + 4) * 20


@pytest.mark.parametrize("many", [False, True])
def test_a_modelled_time_below_the_timers_grain_is_never_cut(many: bool) -> None:
    """Legs of 200 us, the timer's grain being 1,000; how much longer they take, the bench says."""
    with Venue(traders=False, wire=WireOptions(service_us=200)) as venue:
        took_ms = []
        for turn in range(6):
            requests = [order(venue, 100 * turn + leg) for leg in range(20)]
            took, responses = elapsed_ms(venue, requests if many else [bulk(venue, 20)])
            assert all(status == 200 for status, _ in responses)
            took_ms.append(took)
        assert min(took_ms) >= (3.9 if many else 3.0)


def test_what_is_no_order_takes_no_time_but_waits() -> None:
    with Venue(traders=False, wire=WireOptions(service_us=30_000)) as slow:
        took, _ = elapsed_ms(slow, [raw_request(slow, "orders", {}), PING])
        assert took < 30
        took, responses = elapsed_ms(slow, [order(slow, 1), raw_request(slow, "orders", {})])
        assert took >= 30
        assert b'"clientOrderId":"n-1"' in responses[1][1]
