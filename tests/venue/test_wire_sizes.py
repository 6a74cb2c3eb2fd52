"""The bounds of HTTP and of the WebSocket are options: what is beyond them ends there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.venue.naive import RestClient, WsClient, open_socket
from tests.venue.test_http_server import PING, read_responses
from whitewire.venue import Venue, WireOptions

SMALL = WireOptions(max_head_bytes=500, max_body_bytes=100, ws_max_frame_bytes=200)


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue(traders=False, wire=SMALL) as running:
        yield running


@pytest.mark.parametrize(("padding", "status"), [(300, 200), (600, 400)])
def test_the_head_of_a_request(venue: Venue, padding: int, status: int) -> None:
    head = PING.replace(b"Host: venue", b"Host: venue\r\nX-Padding: " + b"x" * padding)
    with open_socket(venue, venue.public_rest) as sock:
        sock.sendall(head)
        assert read_responses(sock, 1)[0][0] == status


@pytest.mark.parametrize(("size", "status"), [(100, 401), (101, 413)])
def test_the_body_of_a_request(venue: Venue, size: int, status: int) -> None:
    head = b"POST /api/v4/orders HTTP/1.1\r\nHost: v\r\nContent-Length: %d\r\n\r\n" % size
    with open_socket(venue, venue.public_rest) as sock:
        sock.sendall(head + b"x" * size)
        assert read_responses(sock, 1)[0][0] == status


def test_a_frame(venue: Venue) -> None:
    ping = '{"id":1,"method":"ping","params":[]}'
    with WsClient(venue) as ws:
        ws.send(ping.ljust(200))
        assert ws.message()["result"] == "pong"
        ws.send(ping.ljust(210))
        with pytest.raises((EOFError, OSError)):
            ws.message()


@pytest.mark.parametrize(("most", "is_dropped"), [(4_000_000, True), (100_000_000, False)])
def test_the_queue_of_a_client_that_does_not_read(
    most: int, is_dropped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    wire = WireOptions(ws_max_queue_bytes=most)
    with (
        Venue(traders=False, tls=False, wire=wire) as venue,
        RestClient(venue) as rest,
        WsClient(venue) as ws,
    ):
        ws.call("bookTicker_subscribe", "BTC_USDT")
        ws.push("bookTicker_update")
        venue.fault("oversized_frame", bytes=40_000_000)  # more than a socket buffers
        rest.limit("buy", "100")
        rest.ok("order/cancel/all")  # by now the push has been sent, or the client dropped
        assert ("dropped a slow WebSocket client" in caplog.text) == is_dropped
