"""What a recording does to a book, and what users' orders in its way change about it."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from tests.venue.desk import START, Desk
from tests.venue.recordings import MARKET, Feed
from whitewire.venue import ReplayOptions
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.markets import default_markets
from whitewire.venue.model import BookEvent, PublicTrade, TradeEvent, VenueError
from whitewire.venue.money import to_text
from whitewire.venue.recording import survey
from whitewire.venue.replay import Replay

HISTORY = "100"
SPECS = {spec.name: spec for spec in default_markets()}


class Stage:
    """A desk whose market a recording drives."""

    def __init__(self, feed: Feed, folder: Path, **options: object) -> None:
        path = feed.write(folder / "feed.jsonl")
        options.setdefault("loop", False)
        engine = options.pop("engine", ExchangeOptions(traded_markets=(MARKET,)))
        replay = ReplayOptions(str(path), **options)  # type: ignore[arg-type]
        driver = partial(Replay, options=replay, survey=survey(path, SPECS))
        self.desk = Desk(engine, drivers={MARKET: driver})  # type: ignore[arg-type]

    def at(self, seconds: float) -> Desk:
        """The desk, so many seconds after its start."""
        self.desk.now = START + seconds
        self.desk.exchange.tick(self.desk.now)
        return self.desk

    def printed(self) -> list[tuple[str, str, str]]:
        """The tape, oldest first."""
        return [
            (trade.side.value, to_text(trade.price), to_text(trade.amount))
            for trade in reversed(self.tape())
        ]

    def tape(self) -> list[PublicTrade]:
        """The tape without the history, newest first."""
        trades = self.desk.exchange.recent_trades(MARKET, 1000)
        assert [to_text(trade.price) for trade in trades[-1:]] in ([], [HISTORY])
        return trades[:-1]


def stood() -> Feed:
    """A book of two levels a side, and the history of the tape."""
    return Feed().snapshot(0, [("99", "1"), ("98", "2")], [("101", "1"), ("102", "2")]).history()


# ---- what the recording says ----------------------------------------------------------------


def test_snapshots_and_deltas_are_followed(tmp_path: Path) -> None:
    feed = stood()
    feed.delta(1, bids=[("99.5", "3"), ("99", "0")]).delta(2, asks=[("102", "0.5"), ("103", "1")])
    feed.snapshot(3, [("97", "1")], [("98", "4")])
    stage = Stage(feed, tmp_path)
    assert stage.at(0).bids() == [("99", "1"), ("98", "2")]
    assert stage.at(0.999).bids() == [("99", "1"), ("98", "2")]
    assert stage.at(1).bids() == [("99.5", "3"), ("98", "2")]
    assert stage.at(2).asks() == [("101", "1"), ("102", "0.5"), ("103", "1")]
    desk = stage.at(3)
    assert (desk.bids(), desk.asks()) == ([("97", "1")], [("98", "4")])
    assert stage.printed() == []
    assert desk.exchange.next_due() == math.inf
    assert stage.at(5000).bids() == [("97", "1")]


def test_a_gap_leaves_the_book_until_the_next_snapshot(tmp_path: Path) -> None:
    feed = stood().delta(1, bids=[("99", "5")], lost=3).delta(2, bids=[("99", "6")])
    feed.snapshot(3, [("99", "7")], [("101", "7")]).delta(4, bids=[("99", "8")])
    stage = Stage(feed, tmp_path)
    assert [stage.at(second).bids()[0] for second in range(5)] == [
        ("99", "1"), ("99", "1"), ("99", "1"), ("99", "7"), ("99", "8")
    ]  # fmt: skip


def test_a_delta_that_came_twice_counts_once(tmp_path: Path) -> None:
    feed = stood().delta(1, bids=[("99", "5")])
    feed.line(feed.lines[-1].strip()).delta(2, bids=[("99", "6")])
    assert Stage(feed, tmp_path).at(2).bids()[0] == ("99", "6")


def test_the_ticker_is_ahead_of_the_depth_until_the_depth_has_caught_up(tmp_path: Path) -> None:
    feed = stood().ticker(1, ("98.5", "3"), ("100.5", "4"), ahead=15)
    feed.delta(2, asks=[("103", "1")])  # older than the ticker
    feed.delta(3, bids=[("99", "0")], asks=[("104", "1")])  # newer; it knows nothing of 98.5
    feed.ticker(4, ("90", "1"), ("110", "1"), ahead=-1)  # old
    feed.ticker(5, ("0", "0"), ("101", "9"))
    stage = Stage(feed, tmp_path)
    for second in (1, 2):
        desk = stage.at(second)
        assert desk.bids() == [("98.5", "3"), ("98", "2")]
        assert desk.asks()[:2] == [("100.5", "4"), ("101", "1")]
    assert stage.at(3).bids() == [("98", "2")]
    assert desk.asks() == [("101", "1"), ("102", "2"), ("103", "1"), ("104", "1")]
    assert stage.at(4).bids() == [("98", "2")]
    assert (stage.at(5).bids(), desk.asks()[0]) == ([], ("101", "9"))


def test_what_the_ticker_took_away_comes_back_with_a_newer_depth(tmp_path: Path) -> None:
    feed = stood().ticker(1, ("98", "3"), ("101", "1")).delta(2, asks=[("103", "1")])
    stage = Stage(feed, tmp_path)
    assert stage.at(1).bids() == [("98", "3")]
    assert stage.at(2).bids() == [("99", "1"), ("98", "2")]


def test_a_level_of_several_orders_prints_in_one_piece_and_keeps_its_rest(tmp_path: Path) -> None:
    feed = stood().delta(1, asks=[("101", "1.5")]).trades(2, [("buy", "101", "1.2")])
    stage = Stage(feed, tmp_path)
    assert stage.at(2).asks()[0] == ("101", "0.3")
    assert stage.printed() == [("buy", "101", "1.2")]


def test_trades_print_once_and_as_they_were(tmp_path: Path) -> None:
    told = [("buy", "101", "0.4"), ("buy", "101", "0.9"), ("sell", "98", "5"), ("buy", "150", "1")]
    feed = stood().trades(1, told)
    feed.line(feed.lines[-1].strip()).delta(2, asks=[("103", "1")])
    stage = Stage(feed, tmp_path)
    desk = stage.at(1)
    assert stage.printed() == told
    assert desk.bids() == []
    assert desk.asks() == []
    stage.at(2)
    assert stage.printed() == told
    # the depth has not said that anything is gone
    assert desk.bids() == [("99", "1"), ("98", "2")]
    assert desk.asks() == [("101", "1"), ("102", "2"), ("103", "1")]


def test_a_trade_with_an_rpi_order_prints_as_one(tmp_path: Path) -> None:
    feed = stood().trades(1, [("buy", "100.5", "0.3")], rpi=True)
    feed.trades(2, [("buy", "101", "0.3")], rpi=True)
    stage = Stage(feed, tmp_path)
    desk = stage.at(2)
    assert stage.printed() == [("buy", "100.5", "0.3"), ("buy", "101", "0.3")]
    assert all(trade.rpi for trade in stage.tape())
    assert desk.limit("alice", "buy", "101", "0.1", retail=True, ioc=True).deal_stock == 0


def test_a_message_shows_no_best_price_that_was_not_there(tmp_path: Path) -> None:
    bids, asks = [("99", "1"), ("98", "2")], [("101", "1"), ("102", "2")]
    feed = Feed().snapshot(0, bids, asks).history()
    gone = [("99", "0"), ("98", "0"), ("101", "0"), ("102", "0")]
    feed.delta(1, bids=[*gone[:2], ("105", "1"), ("104", "1")], asks=[*gone[2:], ("107", "1")])
    feed.delta(2, bids=[("105", "0"), ("104", "0"), ("95", "1")], asks=[("97", "3")])
    stage = Stage(feed, tmp_path)
    tops: list[tuple[object, ...]] = []
    stage.at(0)

    def look(event: object) -> None:
        if isinstance(event, BookEvent) and event.top_changed:
            top = stage.desk.exchange.top(MARKET)
            tops.append(tuple(level and to_text(level.price) for level in (top.bid, top.ask)))

    stage.desk.exchange.listeners.append(look)
    stage.at(1)
    assert tops == [("99", "107"), ("105", "107")]
    tops.clear()
    stage.at(2)
    assert tops == [("95", "107"), ("95", "97")]


def test_a_cut_at_the_touch_is_told_at_once(tmp_path: Path) -> None:
    stage = Stage(stood().delta(1, bids=[("99", "0.4")]), tmp_path)
    stage.at(0)
    stage.desk.said()
    assert stage.at(1).said() == ["book top"]
    top = stage.desk.exchange.top(MARKET)
    assert top.bid is not None
    assert to_text(top.bid.amount) == "0.4"


# ---- time ------------------------------------------------------------------------------------


def test_speed_divides_every_distance(tmp_path: Path) -> None:
    feed = stood().delta(1, bids=[("99", "5")]).delta(3, bids=[("99", "6")])
    stage = Stage(feed, tmp_path, speed=4.0)
    assert [stage.at(at).bids()[0][1] for at in (0.24, 0.25, 0.74, 0.75)] == ["1", "5", "5", "6"]


def test_a_loop_begins_anew_a_tenth_of_a_second_after_its_end(tmp_path: Path) -> None:
    feed = stood().trades(1, [("buy", "101", "0.5")]).delta(2, bids=[("99", "5")])
    stage = Stage(feed, tmp_path, loop=True)
    assert stage.at(2).bids()[0] == ("99", "5")
    assert stage.at(2.09).bids()[0] == ("99", "5")
    assert stage.at(2.11).bids()[0] == ("99", "1")
    assert stage.at(4.11).bids()[0] == ("99", "5")
    assert stage.printed() == [("buy", "101", "0.5")] * 2
    ids = [trade.id for trade in stage.tape()]
    assert len(set(ids)) == 2


def test_time_that_ran_backwards_while_recording_stands_still(tmp_path: Path) -> None:
    feed = stood().delta(2, bids=[("99", "5")]).delta(1, bids=[("99", "6")])
    feed.trades(1.5, [("buy", "101", "0.5")]).delta(3, bids=[("99", "7")])
    stage = Stage(feed, tmp_path)
    assert [stage.at(at).bids()[0][1] for at in (1.9, 2, 2.9, 3)] == ["1", "6", "6", "7"]
    assert [trade.time for trade in stage.tape()] == [START + 2]


def test_a_long_pause_postpones_the_rest(tmp_path: Path) -> None:
    feed = stood().delta(1, bids=[("99", "5")]).delta(2, bids=[("99", "6")])
    stage = Stage(feed, tmp_path)
    stage.at(0)
    # the traders catch up for 30 s, and so does a recording
    assert stage.at(100.5).bids()[0] == ("99", "6")
    late = Stage(feed.delta(60, bids=[("99", "7")]), tmp_path)
    late.at(0)
    assert late.at(100.5).bids()[0] == ("99", "6")
    assert late.at(129.4).bids()[0] == ("99", "6")
    assert late.at(129.6).bids()[0] == ("99", "7")


def test_a_file_that_changed_ends_the_replay_and_not_the_venue(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(stood().delta(1, bids=[("99", "5")]), tmp_path, loop=True)
    stage.at(0)
    Feed().line("nonsense").write(tmp_path / "feed.jsonl")
    assert stage.at(60).bids()[0] == ("99", "5")
    assert "ends early" in caplog.text
    assert "feed.jsonl:1" in caplog.text


# ---- users -----------------------------------------------------------------------------------


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
    assert stage.desk.exchange.next_due() is None


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
