"""WebSocket connections: envelope, idle clock, budgets, slow clients, faults."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue, WireOptions
from whitewire.venue.options import RateLimit


@pytest.fixture
def ws(venue: Venue) -> Iterator[WsClient]:
    with WsClient(venue) as client:
        yield client


def assert_dropped(ws: WsClient) -> None:
    """The connection ends without a reply and without a close frame."""
    with pytest.raises(EOFError, match=r"^closed$"):
        ws.frame()


def read_to_the_end(ws: WsClient) -> None:
    while True:
        ws.message()


def test_a_call_is_answered_in_the_captured_style(ws: WsClient) -> None:
    assert ws.call("ping") == "pong"
    assert ws.texts == ['{"error": null, "result": "pong", "id": 1}']


def test_large_ids_are_echoed(ws: WsClient) -> None:
    ws.next_id = 177472028786210
    assert ws.request("ping", [])["id"] == 177472028786210


def test_no_greeting_and_no_compression(ws: WsClient) -> None:
    assert "permessage-deflate" not in ws.head
    assert ws.is_quiet(0.1)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "",
        "[]",
        "7",
        '{"id":"1","method":"ping","params":[]}',
        '{"id":1.5,"method":"ping","params":[]}',
        '{"id":true,"method":"ping","params":[]}',
        '{"id":null,"method":"ping","params":[]}',
        '{"method":"ping","params":[]}',
        '{"id":1,"method":7,"params":[]}',
        '{"id":1,"method":"ping","params":{}}',
        '{"id":1,"method":"ping"}',
    ],
)
def test_a_broken_envelope_ends_the_connection_without_a_reply(ws: WsClient, text: str) -> None:
    ws.send(text)
    assert_dropped(ws)


def test_nothing_runs_after_a_broken_message(venue: Venue, ws: WsClient) -> None:
    ws.send("{")
    ws.send('{"id":1,"method":"ping","params":[]}')
    assert_dropped(ws)


def test_a_binary_frame_ends_the_connection(ws: WsClient) -> None:
    ws.send_frame(2, b'{"id":1,"method":"ping","params":[]}')
    assert_dropped(ws)


def test_fragments_are_put_together(ws: WsClient) -> None:
    text = b'{"id":1,"method":"ping","params":[]}'
    ws.send_frame(1, text[:5], fin=False)
    ws.send_frame(9, b"between")
    ws.send_frame(0, text[5:9], fin=False)
    ws.send_frame(0, text[9:])
    assert ws.frame() == (10, b"between")
    assert ws.message()["result"] == "pong"


def test_endless_fragments_end_the_connection(ws: WsClient) -> None:
    ws.send_frame(1, b"x" * 40_000, fin=False)
    ws.send_frame(0, b"x" * 40_000, fin=False)
    assert_dropped(ws)


def test_a_frame_beyond_64_kib_ends_the_connection(ws: WsClient) -> None:
    ws.send_frame(1, b"x" * 70_000)
    with pytest.raises(EOFError):
        ws.message()


def test_pings_are_answered_with_pongs(ws: WsClient) -> None:
    ws.send_frame(9, b"hello")
    assert ws.frame() == (10, b"hello")


def test_a_close_frame_is_returned(ws: WsClient) -> None:
    ws.send_frame(8, b"\x03\xe8")
    assert ws.frame() == (8, b"\x03\xe8")
    assert_dropped(ws)


@pytest.mark.parametrize("path", ["/", "/ws/", "/api"])
def test_other_paths_are_not_found(venue: Venue, path: str) -> None:
    with pytest.raises(ConnectionError, match="404"):
        WsClient(venue, path)


def test_a_query_in_the_path_is_allowed(venue: Venue) -> None:
    with WsClient(venue, "/ws?x=1") as client:
        assert client.call("ping") == "pong"


def test_a_silent_client_is_dropped_and_any_message_keeps_it() -> None:
    with (
        Venue(traders=False, wire=WireOptions(ws_idle_s=0.3)) as venue,
        WsClient(venue) as silent,
        WsClient(venue) as pinging,
        WsClient(venue) as talking,
    ):
        start = time.monotonic()
        while time.monotonic() - start < 0.6:
            pinging.send_frame(9, b"")
            assert pinging.frame() == (10, b"")
            assert talking.call("ping") == "pong"
            time.sleep(0.05)
        assert_dropped(silent)
        assert talking.call("ping") == "pong"


def test_a_silent_client_is_dropped_while_data_flows_to_it() -> None:
    wire = WireOptions(ws_idle_s=0.3, depth_keepalive_s=0.0, depth_interval_ms=20)
    with Venue(traders=False, wire=wire) as venue, WsClient(venue) as ws:
        ws.call("depth_subscribe", "BTC_USDT", 5, "0", False)
        with pytest.raises(EOFError, match=r"^closed$"):
            read_to_the_end(ws)
        assert len(ws.texts) > 5


def test_beyond_the_budget_a_call_gets_error_7_and_the_connection_stays() -> None:
    now = [1_800_000_000.0]
    wire = WireOptions(ws_requests=RateLimit(3, 10))
    with (
        Venue(traders=False, wire=wire, clock=lambda: now[0]) as venue,
        WsClient(venue) as ws,
        WsClient(venue) as other,
    ):
        assert [ws.call("ping") for _ in range(3)] == ["pong"] * 3
        assert ws.refused("ping") == 7
        assert ws.refused("ping") == 7
        assert other.call("ping") == "pong"
        now[0] += 10
        assert ws.call("ping") == "pong"


def test_too_many_new_connections_are_refused() -> None:
    wire = WireOptions(ws_connects=RateLimit(2, 60))
    with (
        Venue(traders=False, wire=wire, clock=lambda: 1_800_000_000.0) as venue,
        WsClient(venue),
        WsClient(venue),
        pytest.raises(ConnectionError, match="429"),
    ):
        WsClient(venue)


def test_a_client_that_does_not_read_is_dropped(
    venue: Venue, ws: WsClient, rest: RestClient, caplog: pytest.LogCaptureFixture
) -> None:
    ws.call("bookTicker_subscribe", "BTC_USDT")
    ws.push("bookTicker_update")
    venue.fault("oversized_frame", bytes=40_000_000)  # more than a socket buffers
    rest.limit("buy", "100")
    deadline = time.monotonic() + 10
    while "dropped a slow WebSocket client" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises((EOFError, OSError)):
        ws.message()


# Faults


def test_drop_ws_resets_on_the_next_message() -> None:
    with Venue(traders=False, tls=False) as venue, WsClient(venue) as ws:
        assert ws.call("ping") == "pong"
        venue.fault("drop_ws")
        with pytest.raises(ConnectionResetError):
            ws.call("ping")
        with WsClient(venue) as again:
            assert again.call("ping") == "pong"


def test_drop_ws_can_wait_for_a_push(venue: Venue, ws: WsClient, rest: RestClient) -> None:
    ws.call("bookTicker_subscribe", "BTC_USDT")
    ws.push("bookTicker_update")
    venue.fault("drop_ws", method="bookTicker_update")
    assert ws.call("ping") == "pong"
    rest.limit("buy", "100")
    with pytest.raises((EOFError, ConnectionError)):
        ws.push("bookTicker_update")


def test_malformed_frame_is_one_push_that_is_not_json(
    venue: Venue, ws: WsClient, rest: RestClient
) -> None:
    ws.call("bookTicker_subscribe", "BTC_USDT")
    ws.push("bookTicker_update")
    venue.fault("malformed_frame", method="bookTicker_update")
    rest.limit("buy", "100")
    with pytest.raises(json.JSONDecodeError):
        ws.message()
    rest.limit("buy", "101")
    assert ws.push("bookTicker_update")[0][4] == "101"


def test_oversized_frame_is_the_same_message_with_white_space(
    venue: Venue, ws: WsClient, rest: RestClient
) -> None:
    ws.call("bookTicker_subscribe", "BTC_USDT")
    ws.push("bookTicker_update")
    venue.fault("oversized_frame", bytes=3_000_000)
    rest.limit("buy", "100")
    assert ws.push("bookTicker_update")[0][4] == "100"
    assert len(ws.texts[-1]) == 3_000_000


def test_an_error_of_the_venues_own_is_error_2(
    venue: Venue, ws: WsClient, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    working = venue.call(lambda exchange: exchange.statistics)
    venue.call(lambda exchange: setattr(exchange, "statistics", broken))
    try:
        assert ws.refused("lastprice_request", "BTC_USDT") == 2
    finally:
        venue.call(lambda exchange: setattr(exchange, "statistics", working))
    assert "broken on purpose" in caplog.text
    assert ws.call("ping") == "pong"
