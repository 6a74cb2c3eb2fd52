"""Replays of what a venue said: the same book, the same tape, the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.naive_book import NaiveBook
from tests.venue.naive import RestClient, WsClient
from tests.venue.recordings import MARKET, Feed, record
from tests.venue.virtual_time import run_venue
from whitewire.cli import main
from whitewire.venue import ReplayOptions, Venue, VenueConfig, VirtualClock
from whitewire.venue.server import VenueServer
from whitewire.venue.values.events import Event, TradeEvent

Rows = list[tuple[float, str]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows]:
    """Half a minute of a fast market: the file and its rows."""
    path = tmp_path_factory.mktemp("recorded") / "fast.jsonl.gz"
    return path, record(path, 30.0)


def trades_of(rows: Rows) -> list[tuple[str, str, str]]:
    """(side, price, amount) of each trade as recorded, from the newest of the history on."""
    messages = [json.loads(text) for _, text in rows]
    pushes = [row["params"][1] for row in messages if row.get("method") == "trades_update"]
    return [
        (trade["type"], trade["price"], trade["amount"])
        for push in (pushes[0][:1], *pushes[1:])
        for trade in reversed(push)
    ]


def test_book_and_tape_are_those_of_the_recording(recorded: tuple[Path, Rows]) -> None:
    path, rows = recorded
    clock = VirtualClock()
    replay = ReplayOptions(str(path))
    exchange = VenueServer(VenueConfig(replay=replay), clock=clock).exchange
    events: list[Event] = []
    exchange.listeners.append(events.append)
    twin = NaiveBook(MARKET, 2, 6, 100)
    began, compared = clock(), 0
    for index, (at, text) in enumerate(rows):
        outcome = twin.apply(text)
        is_last = index + 1 == len(rows) or rows[index + 1][0] > at
        if not is_last:
            continue
        now = began + at - rows[0][0] + 1e-5
        clock.advance(now - clock())
        exchange.tick(clock())
        if outcome in ("SNAPSHOT", "DELTA"):
            assert exchange.depth(MARKET, 100) == (twin.bids, twin.asks)
            compared += 1
    assert compared > 40
    printed = [event.trade for event in events if isinstance(event, TradeEvent)]
    assert len(printed) > 300
    told = trades_of(rows)
    assert [(trade.side.value, trade.price, trade.amount) for trade in printed] == [
        (side, Decimal(price), Decimal(amount)) for side, price, amount in told
    ]


def test_the_ticker_is_followed_between_the_looks_at_the_depth(tmp_path: Path) -> None:
    path = tmp_path / "ticker.jsonl"
    rows = record(path, 10.0, scenario="calm", ticker=True)
    clock = VirtualClock()
    exchange = VenueServer(VenueConfig(replay=ReplayOptions(str(path))), clock=clock).exchange
    began, compared = clock(), 0
    for index, (at, text) in enumerate(rows):
        if index + 1 < len(rows) and rows[index + 1][0] == at:
            continue
        message = json.loads(text)
        clock.advance(max(0.0, began + at - rows[0][0] + 1e-5 - clock()))
        exchange.tick(clock())
        if message.get("method") == "bookTicker_update":
            tick = message["params"][0]
            top = exchange.top(MARKET)
            assert (top.bid, top.ask) == (
                (Decimal(tick[4]), Decimal(tick[5])),
                (Decimal(tick[6]), Decimal(tick[7])),
            )
            compared += 1
    assert compared > 20


def test_the_same_file_gives_the_same_bytes(recorded: tuple[Path, Rows]) -> None:
    path, _ = recorded
    first, again, faster = (
        run_venue(10.0, seed=3, replay=ReplayOptions(str(path), speed=speed))
        for speed in (1.0, 1.0, 2.0)
    )
    assert first.counts["depth_update"] > 80
    assert first.hash.digest() == again.hash.digest()
    assert first.hash.digest() != faster.hash.digest()


def test_clients_over_sockets_see_a_recorded_market_and_trade_in_it(
    recorded: tuple[Path, Rows],
) -> None:
    path, rows = recorded
    with Venue(replay=path, seed=4) as venue, RestClient(venue) as rest, WsClient(venue) as ws:
        ws.call("trades_subscribe", MARKET)
        while not (trades := ws.push("trades_update")[1]):
            pass
        assert {(row["type"], row["price"], row["amount"]) for row in trades} <= {*trades_of(rows)}
        bought = rest.ok("order/market", market=MARKET, side="buy", amount="1000")
        assert bought["status"] == "FILLED"


def test_the_other_markets_keep_their_traders(recorded: tuple[Path, Rows]) -> None:
    path, _ = recorded
    options = ReplayOptions(str(path))
    config = VenueConfig(replay=options, markets=("ETH_USDT", MARKET))
    both = VenueServer(config).exchange
    assert len(both.depth("ETH_USDT", 500)[0]) == 200
    config = VenueConfig(replay=options, markets=("ETH_USDT", MARKET), scenario="empty")
    clock = VirtualClock()
    alone = VenueServer(config, clock=clock).exchange
    alone.tick(clock())
    assert alone.depth("ETH_USDT", 500) == ([], [])
    assert len(alone.depth(MARKET, 500)[0]) == 100


def test_a_scenario_names_a_recording_beside_it(tmp_path: Path) -> None:
    Feed().snapshot(0.0, [("99", "1")], [("101", "2")]).write(tmp_path / "feed.jsonl")
    for text in (
        'replay = "feed.jsonl"\n',
        'is_traded = false\n[replay]\nfile = "feed.jsonl"\nloop = true\nspeed = 2.5\n',
    ):
        scenario = tmp_path / "mine.toml"
        scenario.write_text(text, encoding="utf-8")
        clock = VirtualClock()
        exchange = VenueServer(VenueConfig(scenario=str(scenario)), clock=clock).exchange
        exchange.tick(clock())
        assert exchange.depth(MARKET, 9) == ([(Decimal(99), 1)], [(Decimal(101), 2)])


def test_the_command_plays_a_recording_or_says_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = Feed().snapshot(0.0, [("99", "1")], [("101", "2")])
    good = feed.write(tmp_path / "good.jsonl")
    cut = Feed().snapshot(0.0, [], []).line("{").write(tmp_path / "bad.jsonl")
    for arguments, said in (
        (["--replay", str(cut)], "bad.jsonl:2: "),
        (["--replay", str(tmp_path / "none.jsonl")], "cannot read the recording"),
        (["--replay", str(good), "--replay-speed", "0"], "speed of a replay was 0.0"),
        (["--replay", str(good), "--market", "ETH_USDT"], "holds BTC_USDT, and the venue opens"),
        (["--replay-loop"], "give --replay FILE"),
    ):
        assert main(["venue", *arguments]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith("whitewire: ")
        assert said in told.err
        assert told.err.count("\n") == 1
    command = [sys.executable, "-m", "whitewire", "venue", "--no-tls", "--replay", str(good)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [*command, "--replay-loop", "--replay-speed", "10"],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as running:
        assert running.stdout is not None
        announced = json.loads(running.stdout.readline())
        running.terminate()
        assert running.wait(timeout=20) == 0
    assert announced["markets"] == [MARKET]
