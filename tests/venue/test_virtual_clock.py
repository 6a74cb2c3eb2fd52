"""A venue whose time its user moves, over real sockets; and the clock by itself."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

import pytest

from tests.venue.naive import Nonces, RestClient, WsClient
from whitewire.venue import Venue, VirtualClock
from whitewire.venue.options import VenueConfig
from whitewire.venue.server import VenueServer

MARKET = "BTC_USDT"


def test_callbacks_run_at_their_moments_and_in_their_order() -> None:
    clock = VirtualClock(100.0)
    ran: list[tuple[str, float]] = []

    def note(name: str) -> None:
        ran.append((name, clock()))

    clock.call_later(2.0, note, "b")
    clock.call_at(101.0, note, "a")
    clock.call_at(102.0, note, "c")
    clock.call_at(101.5, note, "never").cancel()
    clock.call_at(50.0, lambda: clock.call_later(1.0, note, "nested"))
    clock.advance(1.5)
    assert (ran, clock()) == ([("nested", 101.0), ("a", 101.0)][::-1], 101.5)
    clock.advance(0)
    clock.advance(100)
    assert ran[2:] == [("b", 102.0), ("c", 102.0)]
    assert clock.time() == 201.5
    for seconds in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="cannot advance"):
            clock.advance(seconds)


def rehearse(seed: int) -> tuple[str, dict[str, int]]:
    """A minute of everything, in lockstep: hash and counts of all that came."""
    clock = VirtualClock()
    nonces = Nonces(clock)
    digest, counts = hashlib.sha256(), dict[str, int]()
    with (
        Venue(clock=clock, seed=seed, scenario="gap", tls=False) as venue,
        RestClient(venue, nonces=nonces) as rest,
        WsClient(venue) as ws,
    ):
        ws.authorize(rest)
        ws.call("depth_subscribe", MARKET, 20, "0", False)
        ws.call("trades_subscribe", MARKET)
        ws.call("ordersPending_subscribe", MARKET)
        ws.call("deals_subscribe", [MARKET])
        ws.call("balanceSpot_subscribe", "USDT", "BTC")
        rest.ok("order/kill-switch", market=MARKET, timeout="30")
        for step in range(600):
            clock.advance(0.1)
            if step % 20 == 0 and step < 500:
                top = venue.call(lambda exchange: exchange.top(MARKET))
                assert top.bid is not None
                digest.update(repr(rest.limit("buy", str(top.bid.price), "0.001")).encode())
            ws.call("ping")
        open_orders = rest.ok("orders", market=MARKET)
    for text in ws.texts:
        digest.update(text.encode())
    for message in ws.pushes:
        counts[message["method"]] = counts.get(message["method"], 0) + 1
    counts["open"] = len(open_orders)
    return digest.hexdigest(), counts


def test_a_rehearsal_in_lockstep_is_its_seeds_alone() -> None:
    first, counts = rehearse(7)
    again, _ = rehearse(7)
    other, _ = rehearse(8)
    assert first == again
    assert first != other
    assert 560 < counts["depth_update"] < 640
    assert counts["trades_update"] > 150
    assert counts["ordersPending_update"] >= 25
    assert counts["deals_update"] > 0
    assert 0 < counts["balanceSpot_update"] <= 61


def test_nothing_happens_until_time_moves() -> None:
    clock = VirtualClock()
    with Venue(clock=clock, tls=False) as venue, WsClient(venue) as ws:
        ws.call("depth_subscribe", MARKET, 5, "0", False)
        ws.push("depth_update")
        assert ws.is_quiet(0.3)
        clock.advance(0.2)
        ws.call("ping")
        assert [push["method"] for push in ws.pushes] == ["depth_update"] * 2
        assert venue.call(lambda exchange: exchange.book_time(MARKET)) <= clock()


def test_kill_switch_keepalive_and_maintenance_come_in_virtual_time() -> None:
    clock = VirtualClock()
    began = time.monotonic()
    with (
        Venue(clock=clock, traders=False, tls=False) as venue,
        RestClient(venue, nonces=Nonces(clock)) as rest,
        WsClient(venue) as ws,
    ):
        ws.call("depth_subscribe", MARKET, 5, "0", False)
        rest.limit("buy", "100")
        rest.ok("order/kill-switch", market=MARKET, timeout="600")
        clock.advance(599.0)
        assert len(rest.ok("orders")) == 1
        ws.call("ping")
        snapshots = [push["params"][0] for push in ws.pushes]
        assert snapshots.count(True) == 1 + 59
        assert snapshots.count(False) == 1
        clock.advance(2.5)
        assert rest.ok("orders") == []
        venue.fault("maintenance", at=1000.0, seconds=100.0)
        clock.advance(300.0)
        assert ws.call("ping") == "pong"
        clock.advance(99.0)
        ws.pushes.clear()
        with pytest.raises(EOFError, match="close frame"):
            ws.push("nothing of this kind")
        assert rest.get("ping")[0] == 503
        clock.advance(100.0)
        assert rest.get("ping")[0] == 200
    assert time.monotonic() - began < 30


def test_time_waits_for_a_client_that_reads_and_drops_one_that_does_not() -> None:
    clock = VirtualClock()
    with Venue(clock=clock, tls=False) as venue, WsClient(venue) as reader:
        # far more than all queues between venue and client hold
        venue.fault("oversized_frame", bytes=1_500_000, probability=1.0, method="depth_update")
        reader.call("depth_subscribe", MARKET, 5, "0", False)
        got: list[dict[str, Any]] = []

        def read() -> None:
            while (message := reader.message()).get("result") != "pong":
                got.append(message)

        thread = threading.Thread(target=read)
        thread.start()
        clock.advance(6.0)
        reader.send('{"id": 999, "method": "ping", "params": []}')
        thread.join(30)
        assert not thread.is_alive()
        assert [message["method"] for message in got] == ["depth_update"] * len(got)
        assert 40 < len(got) < 70
        with WsClient(venue) as deaf:
            deaf.call("depth_subscribe", MARKET, 5, "0", False)
            clock.advance(6.0)
            with pytest.raises((EOFError, OSError)):
                deaf.push("nothing of this kind")


def test_an_error_in_a_callback_comes_out_of_advance() -> None:
    clock = VirtualClock()
    with Venue(clock=clock, traders=False, tls=False):
        clock.call_later(1.0, lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            clock.advance(2.0)
        clock.advance(2.0)


def test_the_venues_own_thread_cannot_advance_the_clock() -> None:
    clock = VirtualClock()
    with (
        Venue(clock=clock, traders=False, tls=False) as venue,
        pytest.raises(RuntimeError, match="own thread"),
    ):
        venue.call(lambda _: clock.advance(1.0))


def test_advances_follow_one_another_and_a_stop_ends_the_last() -> None:
    clock = VirtualClock()
    with Venue(clock=clock, tls=False):
        began = clock()
        threads = [threading.Thread(target=clock.advance, args=(20.0,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert clock() == pytest.approx(began + 60.0)
        moves = threading.Event()
        clock.call_later(1.0, moves.set)
        last = threading.Thread(target=clock.advance, args=(1e6,))
        last.start()
        assert moves.wait(30)
    last.join(10)
    assert not last.is_alive()


def test_a_clock_moves_one_venue_at_a_time() -> None:
    clock = VirtualClock()
    with Venue(clock=clock, traders=False, tls=False), pytest.raises(RuntimeError, match="belongs"):
        Venue(clock=clock, traders=False, tls=False).start()
    with Venue(clock=clock, traders=False, tls=False):
        clock.advance(1.0)


async def advance_real() -> None:
    await VenueServer(VenueConfig(scenario="empty")).advance(1.0)


def test_a_real_clock_is_not_advanced() -> None:
    coroutine = advance_real()
    with pytest.raises(TypeError, match="VirtualClock"):
        coroutine.send(None)
