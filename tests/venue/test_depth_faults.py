"""Faults of the depth channel: the frames in place of a delta, and the same over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue
from whitewire.venue.faults.armed import FaultTable
from whitewire.venue.streams.depth_faults import Trail, crossing_bid, frames_in_place_of
from whitewire.venue.values.model import Level

MARKET = "BTC_USDT"


def sent(faults: FaultTable, count: int) -> list[str]:
    """What leaves when `count` deltas, "1" and on, are due."""
    trail = Trail()
    frames: list[str] = []
    for number in range(1, count + 1):
        frames += frames_in_place_of(str(number), trail, faults, MARKET)
    return frames


@pytest.mark.parametrize(
    ("armed", "expected"),
    [
        ({}, "1 2 3 4"),
        ({"gap": 1}, "2 3 4"),
        ({"duplicate_delta": 1}, "1 1 2 3 4"),
        ({"reordered_delta": 1}, "2 1 3 4"),
        ({"reordered_delta": 2}, "3 1 2 4"),
        ({"stale_delta": 1}, "1 2 1 3 4"),
        ({"duplicate_delta": 1, "reordered_delta": 1}, "2 2 1 3 4"),
    ],
)
def test_frames_in_place_of_a_delta(armed: dict[str, int], expected: str) -> None:
    faults = FaultTable()
    for name, times in armed.items():
        faults.arm(name, times, market=MARKET)
    assert " ".join(sent(faults, 4)) == expected


def test_other_markets_are_spared() -> None:
    faults = FaultTable()
    faults.arm("gap", market="ETH_USDT")
    assert sent(faults, 2) == ["1", "2"]


def test_a_crossing_bid_is_one_step_above_the_best_ask() -> None:
    ask = Level(Decimal("60000.01"), Decimal("0.5"))
    bid = crossing_bid(ask, Decimal("0.01"))
    assert bid == Level(Decimal("60000.02"), Decimal("0.5"))


@pytest.fixture
def ws(venue: Venue, rest: RestClient) -> Iterator[WsClient]:
    """A subscriber that has its snapshot of a bid at 90 and an ask at 110."""
    rest.limit("buy", "90")
    rest.limit("sell", "110")
    with WsClient(venue) as client:
        client.call("depth_subscribe", MARKET, 5, "0", True)
        full, state, _ = client.push("depth_update")
        assert full is True
        assert state["bids"][0][0] == "90"
        yield client


def delta(ws: WsClient) -> Any:
    full, state, market = ws.push("depth_update")
    assert (full, market) == (False, MARKET)
    return state


def step(ws: WsClient, rest: RestClient, price: str) -> Any:
    """Quotes, and returns the delta that it causes."""
    rest.limit("buy", price)
    return delta(ws)


def test_duplicate_delta(venue: Venue, ws: WsClient, rest: RestClient) -> None:
    venue.fault("duplicate_delta", market=MARKET)
    first = step(ws, rest, "91")
    assert delta(ws) == first
    assert step(ws, rest, "92")["past_update_id"] == first["update_id"]


def test_reordered_delta(venue: Venue, ws: WsClient, rest: RestClient) -> None:
    venue.fault("reordered_delta", market=MARKET)
    rest.limit("buy", "91")
    assert ws.is_quiet(0.25)
    second = step(ws, rest, "92")
    first = delta(ws)
    assert [state["bids"] for state in (second, first)] == [[["92", "0.1"]], [["91", "0.1"]]]
    assert second["past_update_id"] == first["update_id"]


def test_stale_delta(venue: Venue, ws: WsClient, rest: RestClient) -> None:
    first = step(ws, rest, "91")
    venue.fault("stale_delta", market=MARKET)
    second = step(ws, rest, "92")
    assert second["past_update_id"] == first["update_id"]
    assert delta(ws) == first


def test_crossed_book(venue: Venue, ws: WsClient, rest: RestClient) -> None:
    venue.fault("crossed_book", market=MARKET)
    assert step(ws, rest, "91")["bids"] == [["110.01", "0.1"], ["91", "0.1"]]
    assert step(ws, rest, "92")["bids"] == [["92", "0.1"]]


def test_crossed_book_waits_for_an_ask(venue: Venue, rest: RestClient) -> None:
    with WsClient(venue) as ws:
        ws.call("depth_subscribe", MARKET, 5, "0", True)
        ws.push("depth_update")
        venue.fault("crossed_book", market=MARKET)
        assert step(ws, rest, "90")["bids"] == [["90", "0.1"]]
        rest.limit("sell", "110")
        assert delta(ws)["bids"] == [["110.01", "0.1"]]


def test_keepalive_snapshot_jumps_past_the_changes_that_nobody_was_shown(
    venue: Venue, ws: WsClient, rest: RestClient
) -> None:
    venue.fault("gap", market=MARKET)
    rest.limit("buy", "91")
    assert ws.is_quiet(0.25)
    venue.fault("keepalive_snapshot", market=MARKET)
    full, state, _ = ws.push("depth_update")
    assert full is True
    assert "past_update_id" not in state
    assert [price for price, _ in state["bids"]] == ["91", "90"]
    assert step(ws, rest, "92")["past_update_id"] == state["update_id"]


def test_stale_snapshot_shows_the_book_as_it_was_and_chains(venue: Venue, rest: RestClient) -> None:
    rest.limit("buy", "90")
    rest.limit("sell", "110")
    with WsClient(venue) as fresh, WsClient(venue) as ws:
        fresh.call("depth_subscribe", MARKET, 5, "0", True)
        fresh.push("depth_update")
        venue.fault("stale_snapshot", market=MARKET, s=0.3)
        ws.call("depth_subscribe", MARKET, 5, "0", True)
        shown = step(fresh, rest, "91")
        full, state, _ = ws.push("depth_update")
        assert full is True
        assert state["bids"] == [["90", "0.1"]], "as it was, though 91 came meanwhile"
        assert state["event_time"] - state["timestamp"] >= 0.3
        behind = delta(ws)
        assert behind["past_update_id"] == state["update_id"]
        assert (behind["bids"], behind["update_id"]) == ([["91", "0.1"]], shown["update_id"])
        later = step(fresh, rest, "92")
        assert delta(ws)["past_update_id"] == behind["update_id"] == later["past_update_id"]
