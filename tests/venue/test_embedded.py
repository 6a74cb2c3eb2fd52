"""Venues inside this process: two at once, calls across threads, the end of one."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue


def test_two_venues_live_side_by_side_and_know_nothing_of_each_other() -> None:
    with Venue(traders=False, seed=1) as one, Venue(traders=False, seed=2) as two:
        assert len({one.rest, one.public_rest, one.ws, two.rest, two.public_rest, two.ws}) == 6
        assert {spec.key for spec in one.accounts}.isdisjoint(spec.key for spec in two.accounts)
        with RestClient(one) as first, RestClient(two) as second:
            first.limit("buy", "100")
            assert len(first.ok("orders")) == 1
            assert second.ok("orders") == []


def test_the_same_seed_gives_the_same_keys() -> None:
    with Venue(traders=False, seed=9) as one:
        keys = [(spec.key, spec.secret) for spec in one.accounts]
    with Venue(traders=False, seed=9) as two:
        assert [(spec.key, spec.secret) for spec in two.accounts] == keys


def test_call_runs_on_the_venues_thread_and_hands_back_results_and_errors() -> None:
    with Venue(traders=False) as venue:
        name = venue.call(lambda _: threading.current_thread().name)
        assert name != threading.current_thread().name
        assert venue.call(lambda exchange: exchange.update_id("BTC_USDT")) > 0
        with pytest.raises(KeyError):
            venue.call(lambda exchange: exchange.update_id("NOPE"))


def test_a_stopped_venue_is_gone_and_stopping_again_is_harmless() -> None:
    venue = Venue(traders=False)
    venue.start()
    parts = urlsplit(venue.rest)
    assert venue.ca is not None
    with WsClient(venue) as ws:
        venue.stop()
        venue.stop()
        with pytest.raises((EOFError, OSError)):
            ws.call("ping")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((parts.hostname, parts.port), timeout=1)
    assert not Path(venue.ca).exists()


def test_a_venue_that_cannot_start_says_why() -> None:
    with pytest.raises(ValueError, match="no market is named"):
        Venue(markets=("NOPE",))


def test_traders_move_the_market_by_themselves() -> None:
    with Venue(seed=3) as venue, WsClient(venue) as ws:
        ws.call("trades_subscribe", "BTC_USDT")
        ws.push("trades_update")
        ws.call("bookTicker_subscribe", "BTC_USDT")
        tops = [ws.push("bookTicker_update") for _ in range(5)]
        assert len({tuple(top[0][3:]) for top in tops}) == 5
        assert ws.push("trades_update")[0] == "BTC_USDT"


def test_strikes_are_counted_by_fault() -> None:
    with Venue(traders=False) as venue:
        assert venue.strikes() == {}
        venue.fault("http_429", times=2)
        venue.fault("gap", times=1)
        with RestClient(venue) as client:
            assert [client.post("orders")[0] for _ in range(3)] == [429, 429, 200]
        assert venue.strikes() == {"http_429": 2}
