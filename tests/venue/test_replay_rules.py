"""What a recording does to a market in which there is nobody else, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.venue.desk import START
from tests.venue.recordings import MARKET, Feed
from tests.venue.stage import Stage, stood
from whitewire.venue.values.events import BookEvent
from whitewire.venue.values.money import to_text

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
    assert desk.exchange.next_due() > desk.now + 3_600, "only funding is due"
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
