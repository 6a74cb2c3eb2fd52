"""Event channels: who hears what, when, and in which order."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator

import pytest

from tests.venue.naive import Nonces, RestClient, WsClient
from whitewire.venue import Venue, VenueConfig, WireOptions
from whitewire.venue.options import PushOrder
from whitewire.venue.server import VenueServer
from whitewire.venue.streams.channels import Channel, Channels, Interest
from whitewire.venue.values.requests import LimitRequest

FAST = WireOptions(balance_interval_ms=50, lastprice_interval_ms=50, rate_scale=100.0)


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue(traders=False, wire=FAST) as running:
        yield running


@pytest.fixture
def ws(venue: Venue) -> Iterator[WsClient]:
    with WsClient(venue) as client:
        yield client


@pytest.fixture
def mine(ws: WsClient, rest: RestClient) -> WsClient:
    ws.authorize(rest)
    return ws


def pending(ws: WsClient) -> tuple[int, str, str]:
    """Event, status and what is left."""
    event, order = ws.push("ordersPending_update")
    return event, order["status"], order["left"]


# Public


def test_book_ticker_shows_the_top_and_each_change_of_it(ws: WsClient, rest: RestClient) -> None:
    rest.limit("buy", "100", "0.1")
    ws.call("bookTicker_subscribe", "BTC_USDT")
    ((engine_time, sent, market, update_id, *quote),) = ws.push("bookTicker_update")
    assert (market, quote) == ("BTC_USDT", ["100", "0.1", "0", "0"])
    assert type(update_id) is int
    assert engine_time <= sent
    rest.limit("buy", "99", "0.1")
    rest.limit("buy", "100", "0.2")
    ((_, _, _, newer, *quote),) = ws.push("bookTicker_update")
    assert newer == update_id + 2
    assert quote == ["100", "0.3", "0", "0"]
    rest.limit("sell", "105", "0.1", rpi=True)
    assert ws.is_quiet(0.1)


def test_book_ticker_accumulates_and_can_be_reduced(ws: WsClient, rest: RestClient) -> None:
    for market in ("BTC_USDT", "ETH_USDT"):
        ws.call("bookTicker_subscribe", market)
        assert ws.push("bookTicker_update")[0][2] == market
    rest.limit("buy", "100")
    assert ws.push("bookTicker_update")[0][2] == "BTC_USDT"
    ws.call("bookTicker_unsubscribe", "BTC_USDT")
    rest.limit("buy", "101")
    assert ws.is_quiet(0.1)
    rest.ok("order/new", market="ETH_USDT", side="buy", price="100", amount="1")
    assert ws.push("bookTicker_update")[0][2] == "ETH_USDT"
    ws.call("bookTicker_unsubscribe")
    rest.ok("order/new", market="ETH_USDT", side="buy", price="101", amount="1")
    assert ws.is_quiet(0.1)


def test_book_ticker_of_all_markets_minus_one(ws: WsClient, rest: RestClient) -> None:
    _, markets = rest.get("markets")
    ws.call("bookTicker_subscribe")
    seen = {ws.push("bookTicker_update")[0][2] for _ in markets}
    assert seen == {market["name"] for market in markets}
    ws.call("bookTicker_unsubscribe", "BTC_USDT")
    rest.limit("buy", "100")
    rest.ok("order/new", market="ETH_USDT", side="buy", price="100", amount="1")
    assert ws.push("bookTicker_update")[0][2] == "ETH_USDT"


def test_trades_replay_the_newest_and_go_on(
    ws: WsClient, rest: RestClient, other: RestClient
) -> None:
    for price in ("100", "101"):
        other.limit("sell", price)
        rest.limit("buy", price)
    ws.call("trades_subscribe", "BTC_USDT")
    market, replayed = ws.push("trades_update")
    assert market == "BTC_USDT"
    assert [trade["price"] for trade in replayed[:2]] == ["101", "100"]
    other.limit("buy", "90")
    rest.limit("sell", "90")
    market, (trade,) = ws.push("trades_update")
    assert (market, trade["type"], trade["price"]) == ("BTC_USDT", "sell", "90")
    assert trade["id"] > replayed[0]["id"]
    ws.call("trades_subscribe", "ETH_USDT")
    assert ws.push("trades_update") == ["ETH_USDT", []]
    other.limit("buy", "90")
    rest.limit("sell", "90")
    assert ws.is_quiet(0.1)


def test_last_price_comes_once_for_many_trades(
    ws: WsClient, rest: RestClient, other: RestClient
) -> None:
    ws.call("lastprice_subscribe", "BTC_USDT")
    for price in ("100", "101", "102"):
        other.limit("sell", price)
        rest.limit("buy", price)
    prices: list[str] = []
    while not prices or prices[-1] != "102":
        market, price = ws.push("lastprice_update")
        assert market == "BTC_USDT"
        prices.append(price)
    assert len(prices) <= 3
    assert ws.is_quiet(0.15)
    ws.call("lastprice_unsubscribe")
    other.limit("sell", "100")
    rest.limit("buy", "100")
    assert ws.is_quiet(0.15)


# Private


def test_place_and_cancel(mine: WsClient, rest: RestClient) -> None:
    mine.call("ordersPending_subscribe", "BTC_USDT")
    placed = rest.limit("buy", "100", "0.2", clientOrderId="q-1", postOnly=True)
    event, order = mine.push("ordersPending_update")
    assert event == 1
    assert order == {
        "id": placed["orderId"],
        "market": "BTC_USDT",
        "type": 1,
        "side": 2,
        "post_only": True,
        "ioc": False,
        "ctime": placed["timestamp"],
        "mtime": placed["timestamp"],
        "price": "100",
        "amount": "0.2",
        "left": "0.2",
        "deal_stock": "0",
        "deal_money": "0",
        "deal_fee": "0",
        "client_order_id": "q-1",
        "stp": "no",
        "status": "OPEN",
        "rpi": False,
        "fee_asset": "BTC",
    }
    rest.ok("order/cancel", market="BTC_USDT", clientOrderId="q-1")
    assert pending(mine) == (3, "CANCELED", "0.2")


def test_modify_ends_the_old_id_and_starts_a_new_one(mine: WsClient, rest: RestClient) -> None:
    mine.call("ordersPending_subscribe")
    old = rest.limit("buy", "100", clientOrderId="m")
    new = rest.ok(
        "order/modify", market="BTC_USDT", orderId=old["orderId"], price="101", amount="0.1"
    )
    events = [mine.push("ordersPending_update") for _ in range(3)]
    assert [(event, order["id"]) for event, order in events] == [
        (1, old["orderId"]),
        (3, old["orderId"]),
        (1, new["orderId"]),
    ]
    assert {order["client_order_id"] for _, order in events} == {"m"}


def test_fills_of_a_maker_in_two_steps(mine: WsClient, rest: RestClient, other: RestClient) -> None:
    mine.call("ordersPending_subscribe", "BTC_USDT")
    mine.call("ordersExecuted_subscribe", ["BTC_USDT"], 0)
    mine.call("deals_subscribe", ["BTC_USDT"])
    maker = rest.limit("sell", "100", "0.3", clientOrderId="mk")
    taker = other.limit("buy", "100", "0.1")
    other.limit("buy", "100", "0.2")
    assert pending(mine) == (1, "OPEN", "0.3")
    assert pending(mine) == (2, "PARTIALLY_FILLED", "0.2")
    assert pending(mine) == (3, "FILLED", "0")
    (executed,) = mine.push("ordersExecuted_update")
    assert (executed["id"], executed["deal_money"]) == (maker["orderId"], "30")
    first = mine.push("deals_update")
    assert len(first) == 11
    assert first[2:] == [
        *("BTC_USDT", maker["orderId"], "100", "0.1", "0.01", "mk"),
        *(1, 1, "USDT"),
    ]
    assert type(first[0]) is int
    assert first[1] == pytest.approx(taker["timestamp"], abs=1e-5)
    assert mine.push("deals_update")[5] == "0.2"


def test_deals_come_before_the_order_events_they_cause(
    mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    mine.call("ordersPending_subscribe")
    mine.call("deals_subscribe", [])
    other.limit("sell", "100", "0.1")
    rest.limit("buy", "100", "0.3")
    first, second = mine.message(), mine.message()
    assert first["method"] == "deals_update"
    assert second["method"] == "ordersPending_update"
    assert second["params"][0] == 1
    assert second["params"][1]["status"] == "PARTIALLY_FILLED"


def test_an_order_filled_on_arrival_has_only_its_end(
    mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    mine.call("ordersPending_subscribe")
    other.limit("sell", "100", "0.1")
    rest.limit("buy", "100", "0.1")
    assert pending(mine) == (3, "FILLED", "0")
    assert mine.is_quiet(0.1)


def test_a_refused_post_only_order_is_not_seen(
    mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    mine.call("ordersPending_subscribe")
    other.limit("sell", "100")
    status, body = rest.post(
        "order/new", market="BTC_USDT", side="buy", price="100", amount="0.1", postOnly=True
    )
    assert (status, body["code"]) == (400, 13)
    assert mine.is_quiet(0.1)


def test_an_expired_kill_switch_cancels_with_ordinary_events() -> None:
    now = [1_800_000_000.0]

    def clock() -> float:
        return now[0]

    with (
        Venue(traders=False, clock=clock) as venue,
        RestClient(venue, nonces=Nonces(clock)) as rest,
        WsClient(venue) as ws,
    ):
        ws.authorize(rest)
        ws.call("ordersPending_subscribe")
        rest.limit("buy", "100")
        rest.ok("order/kill-switch", market="BTC_USDT", timeout="5")
        assert pending(ws) == (1, "OPEN", "0.1")
        now[0] += 6
        assert pending(ws) == (3, "CANCELED", "0.1")


def test_executed_orders_can_be_filtered_by_kind(
    mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    mine.call("ordersExecuted_subscribe", [], 2)
    other.limit("sell", "100", "0.3")
    rest.limit("buy", "100", "0.1")
    rest.ok("order/market", market="BTC_USDT", side="buy", amount="10")
    (order,) = mine.push("ordersExecuted_update")
    assert (order["type"], order["price"]) == (2, "0")


def test_one_account_does_not_hear_another(
    venue: Venue, mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    mine.call("ordersPending_subscribe")
    other.limit("buy", "100")
    assert mine.is_quiet(0.1)
    mine.authorize(other)
    other.limit("buy", "101")
    assert pending(mine) == (1, "OPEN", "0.1")


def test_markets_that_were_not_asked_for_are_not_heard(mine: WsClient, rest: RestClient) -> None:
    mine.call("ordersPending_subscribe", "ETH_USDT")
    rest.limit("buy", "100")
    assert mine.is_quiet(0.1)
    mine.call("ordersPending_subscribe", "BTC_USDT")
    rest.limit("buy", "101")
    assert pending(mine) == (1, "OPEN", "0.1")


def test_balances_are_coalesced_and_only_changed_ones_are_sent(
    mine: WsClient, rest: RestClient
) -> None:
    time.sleep(0.12)
    mine.call("balanceSpot_subscribe")
    assert mine.is_quiet(0.12)
    legs = [
        {"market": "BTC_USDT", "side": "buy", "price": price, "amount": "0.1"}
        for price in ("100", "101", "102")
    ]
    rest.ok("order/bulk", orders=legs)
    (balances,) = mine.push("balanceSpot_update")
    assert balances == {"USDT": rest.ok("trade-account/balance")["USDT"]}
    assert mine.is_quiet(0.12)
    mine.call("balanceSpot_subscribe", "BTC")
    rest.limit("buy", "103")
    assert mine.is_quiet(0.12)


def test_a_closed_socket_is_forgotten(venue: Venue, rest: RestClient) -> None:
    with WsClient(venue) as ws:
        ws.authorize(rest)
        ws.call("ordersPending_subscribe")
        ws.call("bookTicker_subscribe")
        ws.call("depth_subscribe", "BTC_USDT", 5, "0", True)
    rest.limit("buy", "100")
    with WsClient(venue) as ws:
        assert ws.call("ping") == "pong"
        assert ws.is_quiet(0.25)


# Replies and pushes


class Recorder:
    """A subscriber that writes down what it is sent."""

    def __init__(self, account: str) -> None:
        self.account: str | None = account
        self.methods: list[str] = []

    def push(self, method: str, frame: str) -> None:
        self.methods.append(method)


def sent_before_and_after_the_reply(order: PushOrder, seed: int) -> tuple[list[str], list[str]]:
    """What two placements push while each is executed, and all that was pushed in the end."""
    server = VenueServer(
        VenueConfig(scenario="empty", tls=False), wire=WireOptions(push_order=order)
    )
    account = next(iter(server.exchange.accounts))
    recorder = Recorder(account)

    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        channels = Channels(server.core, loop, random.Random(seed))
        channels.subscribe(Channel.ORDERS_PENDING, recorder, Interest())
        early: list[str] = []
        for price in ("100", "101"):
            channels.begin_request()
            server.exchange.place(account, LimitRequest("BTC_USDT", "buy", "0.1", price))
            assert not recorder.methods[len(early) :], "pushed in the middle of a request"
            channels.end_request()
            early = list(recorder.methods)
        await asyncio.sleep(0)
        channels.close()
        return early

    early = asyncio.run(main())
    return early, recorder.methods


UPDATE = "ordersPending_update"


def test_pushes_leave_before_or_after_the_reply_as_configured() -> None:
    assert sent_before_and_after_the_reply(PushOrder.BEFORE, 0) == ([UPDATE] * 2, [UPDATE] * 2)
    assert sent_before_and_after_the_reply(PushOrder.AFTER, 0) == ([], [UPDATE] * 2)


def test_by_default_either_comes_first_and_nothing_is_lost() -> None:
    early_counts = set()
    for seed in range(20):
        early, everything = sent_before_and_after_the_reply(PushOrder.RANDOM, seed)
        assert everything == [UPDATE] * 2
        early_counts.add(len(early))
    assert early_counts >= {0, 2}
