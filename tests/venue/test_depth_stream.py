"""The depth channel as a naive client sees it: it applies deltas and believes nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue, WireOptions


@pytest.fixture
def ws(venue: Venue) -> Iterator[WsClient]:
    with WsClient(venue) as client:
        yield client


class NaiveBook:
    """Two dictionaries, the chain of ids, and truncation to the limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.update_id: int | None = None
        self.sides: dict[str, dict[Decimal, Decimal]] = {"asks": {}, "bids": {}}
        self.snapshots = self.deltas = 0

    def apply(self, params: list[Any]) -> None:
        is_snapshot, state, market = params
        assert market == "BTC_USDT"
        if is_snapshot:
            assert "past_update_id" not in state
            assert self.update_id is None or state["update_id"] >= self.update_id
            self.sides = {"asks": {}, "bids": {}}
            self.snapshots += 1
        else:
            assert state["past_update_id"] == self.update_id, "the chain is broken"
            assert state["update_id"] > state["past_update_id"]
            assert "asks" in state or "bids" in state
            self.deltas += 1
        self.update_id = state["update_id"]
        for name, side in self.sides.items():
            prices = [Decimal(price) for price, _ in state.get(name, [])]
            assert prices == sorted(set(prices), reverse=name == "bids")
            for price, amount in state.get(name, []):
                if Decimal(amount):
                    side[Decimal(price)] = Decimal(amount)
                else:
                    assert not is_snapshot
                    side.pop(Decimal(price), None)
            self.sides[name] = dict(self.levels(name))

    def levels(self, name: str) -> list[tuple[Decimal, Decimal]]:
        side = sorted(self.sides[name].items(), reverse=name == "bids")
        return side[: self.limit]

    def whole(self) -> dict[str, list[tuple[Decimal, Decimal]]]:
        return {name: self.levels(name) for name in self.sides}


def numbers(book: dict[str, Any]) -> dict[str, list[tuple[Decimal, Decimal]]]:
    return {
        name: [(Decimal(price), Decimal(amount)) for price, amount in book[name]]
        for name in ("asks", "bids")
    }


@pytest.mark.parametrize(("silent", "seconds"), [(False, 3.0), (True, 1.5)])
def test_deltas_chain_under_trading_and_end_at_the_venues_book(
    silent: bool, seconds: float
) -> None:
    wire = WireOptions(depth_silent_eviction=silent)
    with Venue(seed=7, wire=wire) as venue, WsClient(venue) as ws:
        limit = 20
        book = NaiveBook(limit)
        ws.call("depth_subscribe", "BTC_USDT", limit, "0", True)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            book.apply(ws.push("depth_update"))
            assert len(book.sides["asks"]) == len(book.sides["bids"]) == limit
            assert book.levels("asks")[0][0] > book.levels("bids")[0][0]
        assert book.snapshots == 1
        assert book.deltas > 10
        for _ in range(50):
            # The book moves all the time; once a look and a request fall together, they agree.
            wanted = numbers(ws.call("depth_request", "BTC_USDT", limit, "0"))
            while ws.pushes:
                book.apply(ws.push("depth_update"))
            if book.whole() == wanted:
                return
            book.apply(ws.push("depth_update"))
            if book.whole() == wanted:
                return
        raise AssertionError("the book never agreed with the venue's")


def test_reply_then_snapshot_then_a_delta_with_the_changed_side_only(
    ws: WsClient, rest: RestClient
) -> None:
    rest.limit("buy", "100", "0.2")
    rest.limit("sell", "110", "0.3")
    assert ws.call("depth_subscribe", "BTC_USDT", 5, "0", True) == {"status": "success"}
    assert not ws.pushes
    full, state, market = ws.push("depth_update")
    assert (full, market) == (True, "BTC_USDT")
    assert list(state) == ["timestamp", "update_id", "asks", "bids", "event_time"]
    assert (state["asks"], state["bids"]) == ([["110", "0.3"]], [["100", "0.2"]])
    before = state["update_id"]
    order = rest.limit("buy", "101", "0.1")
    full, state, _ = ws.push("depth_update")
    assert full is False
    assert list(state) == ["timestamp", "update_id", "past_update_id", "bids", "event_time"]
    assert state["past_update_id"] == before
    assert state["bids"] == [["101", "0.1"]]
    assert 0 <= state["event_time"] - state["timestamp"] < 0.5
    rest.ok("order/cancel", market="BTC_USDT", orderId=order["orderId"])
    _, state, _ = ws.push("depth_update")
    assert state["bids"] == [["101", "0"]]


def test_only_the_net_difference_is_sent(ws: WsClient, rest: RestClient) -> None:
    ws.call("depth_subscribe", "BTC_USDT", 5, "0", True)
    ws.push("depth_update")
    before = rest.limit("buy", "90")
    first = ws.push("depth_update")[1]
    # Placed and taken back between two looks, with one change that stays.
    names = [{"market": "BTC_USDT", "side": "buy", "price": "95", "amount": "0.1"}]
    leg = rest.ok("order/bulk", orders=names)[0]["result"]
    rest.ok("order/cancel", market="BTC_USDT", orderId=leg["orderId"])
    rest.ok("order/modify", market="BTC_USDT", orderId=before["orderId"], price="91", amount="0.1")
    seen = {"95": "0", "91": "0.1", "90": "0"}
    state = first
    collected: dict[str, str] = {}
    while "91" not in collected:
        past, state = state["update_id"], ws.push("depth_update")[1]
        assert state["past_update_id"] == past
        collected |= dict(state["bids"])
    assert all(collected.get(price, amount) == amount for price, amount in seen.items())


def test_changes_outside_the_window_move_the_counter_silently(
    ws: WsClient, rest: RestClient
) -> None:
    rest.limit("buy", "100")
    ws.call("depth_subscribe", "BTC_USDT", 1, "0", True)
    before = ws.push("depth_update")[1]["update_id"]
    rest.limit("buy", "50")
    assert ws.is_quiet(0.25)
    rest.limit("buy", "101")
    state = ws.push("depth_update")[1]
    assert state["past_update_id"] == before
    assert state["update_id"] == before + 2
    assert state["bids"] == [["101", "0.1"], ["100", "0"]]


def test_rpi_orders_do_not_exist_here(ws: WsClient, rest: RestClient) -> None:
    ws.call("depth_subscribe", "BTC_USDT", 5, "0", True)
    ws.push("depth_update")
    rest.limit("buy", "100", rpi=True)
    assert ws.is_quiet(0.25)
    assert ws.call("depth_request", "BTC_USDT", 5, "0")["bids"] == []


def test_a_late_subscriber_of_a_shared_window_gets_a_chain_of_its_own(
    venue: Venue, ws: WsClient, rest: RestClient
) -> None:
    early, late = NaiveBook(5), NaiveBook(5)
    ws.call("depth_subscribe", "BTC_USDT", 5, "0", True)
    early.apply(ws.push("depth_update"))
    with WsClient(venue) as second:
        for price in range(100, 110):
            rest.limit("buy", str(price))
            if price == 104:
                second.call("depth_subscribe", "BTC_USDT", 5, "0", True)
                late.apply(second.push("depth_update"))
        for client, book in ((ws, early), (second, late)):
            while not book.levels("bids") or book.levels("bids")[0][0] != 109:
                book.apply(client.push("depth_update"))
    assert early.whole() == late.whole()
    assert len(late.sides["bids"]) == 5


def test_a_keepalive_snapshot_after_silence_is_a_reset() -> None:
    wire = WireOptions(depth_keepalive_s=0.3, depth_interval_ms=20)
    with (
        Venue(traders=False, wire=wire) as venue,
        RestClient(venue) as rest,
        WsClient(venue) as ws,
    ):
        rest.limit("buy", "100")
        ws.call("depth_subscribe", "BTC_USDT", 1, "0", True)
        first = ws.push("depth_update")[1]
        start = time.monotonic()
        rest.limit("buy", "50")
        full, state, _ = ws.push("depth_update")
        assert 0.25 < time.monotonic() - start < 0.6
        assert full is True
        assert "past_update_id" not in state
        assert state["update_id"] == first["update_id"] + 1
        assert state["bids"] == [["100", "0.1"]]
        rest.limit("buy", "101")
        assert ws.push("depth_update")[1]["past_update_id"] == state["update_id"]


def test_markets_add_up_with_the_flag_and_replace_each_other_without(
    ws: WsClient, rest: RestClient
) -> None:
    for market in ("BTC_USDT", "ETH_USDT"):
        ws.call("depth_subscribe", market, 5, "0", True)
        assert ws.push("depth_update")[2] == market
    rest.limit("buy", "100")
    assert ws.push("depth_update")[2] == "BTC_USDT"
    ws.call("depth_subscribe", "ETH_BTC", 5, "0")
    assert ws.push("depth_update")[2] == "ETH_BTC"
    rest.limit("buy", "101")
    assert ws.is_quiet(0.25)


def test_the_same_market_again_gives_one_snapshot_and_no_second_stream(
    ws: WsClient, rest: RestClient
) -> None:
    for limit in (5, 1):
        ws.call("depth_subscribe", "BTC_USDT", limit, "0", True)
        assert ws.push("depth_update")[0] is True
    rest.ok(
        "order/bulk",
        orders=[
            {"market": "BTC_USDT", "side": "buy", "price": price, "amount": "0.1"}
            for price in ("100", "101")
        ],
    )
    assert ws.push("depth_update")[1]["bids"] == [["101", "0.1"]]
    assert ws.is_quiet(0.25)


@pytest.mark.parametrize("params", [[], ["BTC_USDT"]])
def test_unsubscribing_ends_the_stream(ws: WsClient, rest: RestClient, params: list[str]) -> None:
    ws.call("depth_subscribe", "BTC_USDT", 5, "0", True)
    ws.push("depth_update")
    ws.call("depth_unsubscribe", *params)
    rest.limit("buy", "100")
    assert ws.is_quiet(0.25)


def test_grouped_windows_count_buckets(ws: WsClient, rest: RestClient) -> None:
    for price in ("100.11", "100.19", "100.01", "99.95"):
        rest.limit("buy", price)
    ws.call("depth_subscribe", "BTC_USDT", 5, "0.1", True)
    assert ws.push("depth_update")[1]["bids"] == [
        ["100.1", "0.2"],
        ["100", "0.1"],
        ["99.9", "0.1"],
    ]
    rest.limit("buy", "100.15")
    assert ws.push("depth_update")[1]["bids"] == [["100.1", "0.3"]]


def test_a_gap_breaks_the_chain_once(venue: Venue, ws: WsClient, rest: RestClient) -> None:
    ws.call("depth_subscribe", "BTC_USDT", 5, "0", True)
    snapshot = ws.push("depth_update")[1]
    venue.fault("gap", market="BTC_USDT")
    rest.limit("buy", "100")
    assert ws.is_quiet(0.25)
    rest.limit("buy", "101")
    state = ws.push("depth_update")[1]
    assert state["past_update_id"] == snapshot["update_id"] + 1
    assert state["bids"] == [["101", "0.1"]]
    ws.call("depth_subscribe", "BTC_USDT", 5, "0", True)
    full, state, _ = ws.push("depth_update")
    assert full is True
    assert state["bids"] == [["101", "0.1"], ["100", "0.1"]]
