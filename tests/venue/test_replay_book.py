"""Users' orders in the way of a recording: what they change about it, and what they do not."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import pytest

from tests.venue.desk import Desk
from tests.venue.recordings import MARKET, Feed
from tests.venue.stage import Stage, stood
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.events import TradeEvent
from whitewire.venue.values.model import VenueError
from whitewire.venue.values.money import to_text


def test_a_user_queues_behind_what_was_there_and_before_what_comes(tmp_path: Path) -> None:
    feed = stood().delta(1, bids=[("99", "1.5")]).trades(2, [("sell", "99", "0.8")])
    feed.trades(3, [("sell", "99", "0.3")]).trades(4, [("sell", "99", "0.3")])
    stage = Stage(feed, tmp_path)
    mine = stage.at(0.5).limit("alice", "buy", "99", "0.2")
    left = []
    for second in (1, 2, 3, 4):
        orders = {order.id: order for order in stage.at(second).exchange.open_orders_of("alice")}
        left.append(to_text(orders[mine.id].left) if mine.id in orders else "0")
    assert left == ["0.2", "0.2", "0.1", "0"]
    assert stage.printed() == [
        ("sell", "99", "0.8"), ("sell", "99", "0.2"), ("sell", "99", "0.1"),
        ("sell", "99", "0.1"), ("sell", "99", "0.2"),
    ]  # fmt: skip
    assert stage.desk.bids()[0] == ("99", "0.3")


def test_what_shrinks_keeps_its_place_before_a_user(tmp_path: Path) -> None:
    feed = stood().delta(1, bids=[("99", "0.6")]).trades(2, [("sell", "99", "0.6")])
    stage = Stage(feed, tmp_path)
    mine = stage.at(0.5).limit("alice", "buy", "99", "0.2")
    stage.at(2)
    (order,) = stage.desk.exchange.open_orders_of("alice")
    assert (order.id, to_text(order.left)) == (mine.id, "0.2")
    assert stage.printed() == [("sell", "99", "0.6")]


def test_what_came_after_a_user_is_taken_away_first(tmp_path: Path) -> None:
    feed = stood().delta(1, bids=[("99", "1.5")]).delta(2, bids=[("99", "1")])
    feed.trades(3, [("sell", "99", "1")]).trades(4, [("sell", "99", "0.1")])
    stage = Stage(feed, tmp_path)
    stage.at(0.5).limit("alice", "buy", "99", "0.2")
    stage.at(3)
    assert stage.printed() == [("sell", "99", "1")]
    stage.at(4)
    (order,) = stage.desk.exchange.open_orders_of("alice")
    assert to_text(order.left) == "0.1"


def test_no_more_is_put_there_than_a_trade_needs_besides_a_user(tmp_path: Path) -> None:
    feed = Feed().snapshot(0, [("99", "1")], [("101", "0.1"), ("102", "2")]).history()
    stage = Stage(feed.trades(1, [("buy", "101", "0.5")]), tmp_path)
    stage.at(0).limit("alice", "sell", "100", "0.2")
    assert stage.at(1).asks() == [("102", "2")]
    assert stage.printed() == [("buy", "100", "0.2"), ("buy", "101", "0.3")]


def test_a_recorded_rpi_trade_meets_a_users_rpi_order_and_leaves_none_behind(
    tmp_path: Path,
) -> None:
    feed = stood().trades(1, [("buy", "100.5", "0.3")], rpi=True)
    stage = Stage(feed, tmp_path)
    stage.at(0).limit("alice", "sell", "100.5", "0.2", rpi=True)
    desk = stage.at(1)
    assert stage.printed() == [("buy", "100.5", "0.2"), ("buy", "100.5", "0.1")]
    assert desk.limit("bob", "buy", "100.5", "0.1", retail=True, ioc=True).deal_stock == 0


def test_a_recorded_rpi_order_that_a_user_crosses_is_an_ordinary_one(tmp_path: Path) -> None:
    feed = stood().trades(1, [("buy", "100.3", "0.3")], rpi=True)
    stage = Stage(feed, tmp_path)
    stage.at(0).limit("alice", "buy", "100.5", "0.1")
    stage.at(1)
    assert stage.printed() == [("sell", "100.5", "0.1"), ("buy", "100.3", "0.2")]


def test_a_better_price_is_met_first(tmp_path: Path) -> None:
    feed = stood().trades(1, [("buy", "101", "0.5")])
    stage = Stage(feed, tmp_path)
    stage.at(0).limit("alice", "sell", "100", "0.2")
    stage.at(1)
    assert stage.printed() == [("buy", "100", "0.2"), ("buy", "101", "0.3")]
    assert stage.desk.asks()[0] == ("101", "0.7")


def test_a_recorded_level_trades_with_the_user_whom_it_crosses(tmp_path: Path) -> None:
    feed = stood().delta(1, asks=[("99.5", "1")]).delta(2, asks=[("101", "3")])
    feed.delta(3, asks=[("99.5", "2")])
    stage = Stage(feed, tmp_path)
    stage.at(0).limit("alice", "buy", "100", "0.4")
    assert stage.at(1).asks()[0] == ("99.5", "0.6")
    assert stage.printed() == [("sell", "100", "0.4")]
    assert stage.at(2).asks()[:2] == [("99.5", "0.6"), ("101", "3")]
    assert stage.at(3).asks()[0] == ("99.5", "2")


def test_what_a_user_took_is_gone_until_it_is_stated_anew(tmp_path: Path) -> None:
    feed = stood().delta(1, asks=[("102", "1")]).delta(2, asks=[("101", "0.9")])
    stage = Stage(feed, tmp_path)
    assert stage.at(0).limit("alice", "buy", "101", "0.7").left == 0
    assert stage.at(1).asks() == [("101", "0.3"), ("102", "1")]
    assert stage.at(2).asks() == [("101", "0.9"), ("102", "1")]


def test_what_a_trade_touched_is_put_right_once(tmp_path: Path) -> None:
    feed = stood().trades(1, [("buy", "101", "0.1")]).delta(2, asks=[("103", "1")])
    feed.delta(3, asks=[("103", "2")])
    stage = Stage(feed, tmp_path)
    assert stage.at(1).asks()[0] == ("101", "0.9")
    assert stage.at(2).asks()[0] == ("101", "1")
    assert stage.desk.limit("alice", "buy", "101", "0.7").left == 0
    assert stage.at(3).asks() == [("101", "0.3"), ("102", "2"), ("103", "2")]


def test_a_recorded_book_that_crosses_itself_keeps_the_newer_side(tmp_path: Path) -> None:
    feed = stood().delta(1, bids=[("101.5", "1")]).delta(2, asks=[("104", "1")])
    stage = Stage(feed, tmp_path)
    desk = stage.at(2)
    assert desk.bids()[0] == ("101.5", "1")
    assert desk.asks() == [("102", "2"), ("104", "1")]
    assert stage.printed() == []


def test_a_level_outside_the_engines_band_is_left_out(tmp_path: Path) -> None:
    feed = stood().trades(1, [("buy", "101", "0.5")]).delta(2, bids=[("50", "1")])
    feed.trades(3, [("buy", "200", "1")])
    engine = ExchangeOptions(traded_markets=(MARKET,), price_band_percent=Decimal(10))
    stage = Stage(feed, tmp_path, engine=engine)
    assert stage.at(3).bids() == [("99", "1"), ("98", "2")]
    assert stage.printed() == [("buy", "101", "0.5")]


def test_a_users_stop_is_activated_by_a_recorded_trade(tmp_path: Path) -> None:
    stage = Stage(stood().trades(1, [("buy", "101", "0.5")]), tmp_path)
    stage.at(0).stop_limit("alice", "buy", "101", "98.5", "0.1")
    stage.desk.said()
    assert "1 OPEN" in stage.at(1).said("alice")[0]


def test_a_delisted_market_is_left_alone(tmp_path: Path) -> None:
    stage = Stage(stood().delta(1, bids=[("99", "5")]), tmp_path)
    stage.at(0).exchange.delist(MARKET)
    assert stage.at(1).bids() == []
    assert stage.desk.exchange.next_due() > stage.desk.now + 3_600


@pytest.mark.parametrize("seed", range(8))
def test_money_is_conserved_whatever_users_do(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    feed = Feed().history()
    for step in range(120):
        fair = 1000 + draw.randint(-8, 8)
        sides: list[list[tuple[str, str]]] = []
        for sign in (-1, 1):
            prices = draw.sample(range(1, 9), 5)
            sides.append([(str(fair + sign * gap), f"{draw.randint(1, 40)}e0") for gap in prices])
        bids, asks = ([(price, size[:-2]) for price, size in side] for side in sides)
        kind = draw.randrange(6)
        if step == 0 or kind == 0:
            feed.snapshot(step / 10, bids, asks)
        elif kind == 1:
            feed.trades(
                step / 10,
                [(draw.choice(("buy", "sell")), str(fair), "3.25")],
                rpi=draw.random() < 0.3,
            )
        elif kind == 2:
            feed.ticker(step / 10, bids[0], asks[0])
        else:
            feed.delta(step / 10, bids, asks, lost=draw.random() < 0.05)
    stage = Stage(feed, tmp_path)
    desk, exchange = stage.desk, stage.desk.exchange
    held = {asset: _whole(desk, asset) for asset in ("BTC", "USDT")}
    refused: set[int] = set()
    stage.at(0)
    for step in range(240):
        stage.at(step / 20)
        who, side = draw.choice(("alice", "bob")), draw.choice(("buy", "sell"))
        try:
            if draw.random() < 0.3 and (mine := exchange.open_orders_of(who)):
                desk.cancel(who, draw.choice(mine))
            else:
                price, amount = 1000 + draw.randint(-9, 9), f"0.{draw.randint(1, 99):02}"
                desk.limit(who, side, str(price), amount, ioc=draw.random() < 0.2)
        except VenueError as refusal:
            refused.add(refusal.code)
        bids, asks = exchange.depth(MARKET, 500)  # type: ignore[assignment]
        assert not bids or not asks or bids[0][0] < asks[0][0]
        assert all(amount for _, amount in (*bids, *asks))
        assert {asset: _whole(desk, asset) for asset in held} == held
    assert any(isinstance(event, TradeEvent) for event in desk.events)
    assert exchange.deals_of("alice")
    assert refused <= {10}  # no funds


def _whole(desk: Desk, asset: str) -> object:
    """What everybody holds of an asset, the simulated traders and the venue included."""
    accounts = desk.exchange._accounts.values()
    wallets = [account.wallet(asset) for account in accounts]
    fees = desk.exchange.fees_collected().get(asset, 0)
    return sum((wallet.available + wallet.freeze for wallet in wallets), fees)
