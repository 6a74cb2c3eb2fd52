"""Recordings as files: what is read, what is passed over, and what is refused at which line."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.venue.recordings import MARKET, START, Feed
from whitewire.venue.drivers.recording import (
    DepthMessage,
    TickerMessage,
    TradesMessage,
    read,
    survey,
)
from whitewire.venue.options import ReplayOptions
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import Side

SPECS = {spec.name: spec for spec in default_markets()}


def feed() -> Feed:
    return Feed().snapshot(0, [("99", "1")], [("101", "1")]).delta(1, bids=[("99", "2")])


@pytest.mark.parametrize("name", ["feed.jsonl", "feed.jsonl.gz"])
def test_what_counts_is_read_and_the_rest_passed_over(name: str, tmp_path: Path) -> None:
    reply = json.dumps({"error": None, "result": "pong", "id": 1})
    price = json.dumps({"method": "lastprice_update", "params": [MARKET, "1"], "id": None})
    mixed = feed().line("").line("  ")
    for frame in (reply, price):
        mixed.line(json.dumps({"t": START, "frame": frame}))
    mixed.trades(2, [("buy", "101", "1"), ("sell", "99", "2")], rpi=True)
    mixed.ticker(3, ("99", "1"), ("0", "0"))
    mixed.market = "ETH_USDT"
    mixed.snapshot(4, [], [("7", "1")])
    path = mixed.write(tmp_path / name)
    found = survey(path, SPECS)
    assert found.messages == {MARKET: 4, "ETH_USDT": 1}
    assert (found.started, found.ended) == (START, START + 4)
    assert found.notes == []
    snapshot, delta, trades, ticker = read(path, MARKET)
    assert isinstance(snapshot, DepthMessage)
    assert isinstance(delta, DepthMessage)
    assert isinstance(trades, TradesMessage)
    assert isinstance(ticker, TickerMessage)
    assert (snapshot.past_update_id, snapshot.bids, snapshot.asks) == (
        None, ((Decimal(99), Decimal(1)),), ((Decimal(101), Decimal(1)),)
    )  # fmt: skip
    assert (delta.past_update_id, delta.asks) == (snapshot.update_id, ())
    assert [(trade.side, trade.price, trade.rpi) for trade in trades.trades] == [
        (Side.BUY, 101, True), (Side.SELL, 99, True)
    ]  # fmt: skip
    assert (ticker.bid, ticker.ask) == ((99, 1), None)


def depth(state: object, *, snapshot: object = True, market: object = MARKET) -> str:
    params = [snapshot, state, market]
    frame = json.dumps({"method": "depth_update", "params": params, "id": None})
    return json.dumps({"t": START, "frame": frame})


def other(method: str, params: object) -> str:
    return json.dumps({"t": START, "frame": json.dumps({"method": method, "params": params})})


TRADE = {"id": 1, "time": 1.5, "price": "1", "amount": "1", "type": "buy"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Expecting"),
        ("[1]", 'not an object with "t" and "frame"'),
        ('{"t": 1}', 'not an object with "t" and "frame"'),
        ('{"t": "1", "frame": "{}"}', "t was '1'"),
        ('{"t": true, "frame": "{}"}', "t was True"),
        ('{"frame": "{}"}', "t was None"),
        ('{"t": 1, "frame": "{"}', "Expecting"),
        ('{"t": 1, "frame": "[]"}', "the frame is not an object"),
        ('{"t": 1, "frame": "' + "[" * 100_000 + '"}', "nested too deep"),
        (depth({"update_id": 1, "bids": [["1", "-1"]]}), "amount was '-1'"),
        (depth({"update_id": 1, "bids": [["0", "1"]]}), "price was '0'"),
        (depth({"update_id": 1, "bids": [["1e3", "1"]]}), "price was '1e3'"),
        (depth({"update_id": 1, "bids": [["1"]]}), "not enough values"),
        (depth({"update_id": 1, "asks": 5}), "not as the venue sends it"),
        (depth({"update_id": "1"}), "'1' is no counter"),
        (depth({"update_id": True}), "True is no counter"),
        (depth({"bids": []}), "KeyError('update_id')"),
        (depth({"update_id": 1}, snapshot=False), "KeyError('past_update_id')"),
        (depth({"update_id": 1}, snapshot=1), "not 1"),
        (depth({"update_id": 1}, market=7), "the market was 7"),
        (depth({"update_id": 1, "bids": [["1.001", "1"]]}), "price 1.001 is no multiple of"),
        (depth({"update_id": 1, "bids": [["1", "0.0000001"]]}), "amount 1E-7 is no multiple of"),
        (other("depth_update", [True]), "not enough values"),
        (other("depth_update", None), "not as the venue sends it"),
        (other("trades_update", [MARKET, [TRADE | {"type": "bid"}]]), "'bid'"),
        (other("trades_update", [MARKET, [TRADE | {"amount": "0"}]]), "amount was '0'"),
        (other("trades_update", [MARKET, [TRADE | {"price": "1.001"}]]), "price 1.001"),
        (other("trades_update", [MARKET, 3]), "not as the venue sends it"),
        (other("bookTicker_update", []), "IndexError"),
        (other("bookTicker_update", [[1.5, 1.6, MARKET, 3]]), "not enough values"),
        (other("bookTicker_update", [[1, 1, MARKET, 3, "1", "0", "2", "1"]]), "amount was '0'"),
    ],
)
def test_what_is_not_as_it_should_be_is_refused_by_its_line(
    line: str, said: str, tmp_path: Path
) -> None:
    path = feed().line(line).write(tmp_path / "bad.jsonl")
    with pytest.raises(ValueError) as caught:
        survey(path, SPECS)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400


def test_bytes_that_are_no_text_are_refused_by_their_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"\n\xff\xfe{}\n")
    with pytest.raises(ValueError, match=r"bad.jsonl:2: "):
        survey(path, SPECS)


def test_another_markets_grid_is_its_own_affair(tmp_path: Path) -> None:
    path = feed().line(depth({"update_id": 1, "bids": [["1.0001", "1"]]}, market="X_PERP"))
    assert survey(path.write(tmp_path / "f"), SPECS).messages == {MARKET: 2, "X_PERP": 1}


def test_a_last_line_that_was_cut_off_is_reported(tmp_path: Path) -> None:
    path = feed().write(tmp_path / "cut.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    found = survey(path, SPECS)
    assert found.notes == [f"{path}:2: the last line is cut off"]
    assert len(list(read(path, MARKET))) == 1
    path.write_bytes(whole[:-1])  # nothing is missing but the end of the line
    assert survey(path, SPECS).notes == []
    assert len(list(read(path, MARKET))) == 2


def test_a_compressed_file_that_was_cut_off_is_reported(tmp_path: Path) -> None:
    long = feed()
    for second in range(2, 3000):
        long.delta(second, bids=[("99", str(second * second % 977 + 1))])
    path = long.write(tmp_path / "cut.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-2000])
    found = survey(path, SPECS)
    assert 100 < found.messages[MARKET] < 3000
    assert len(found.notes) == 1
    assert "the compressed file is cut off here" in found.notes[0]
    assert len(list(read(path, MARKET))) == found.messages[MARKET]


def test_gaps_are_reported_by_their_lines(tmp_path: Path) -> None:
    gaps = feed()
    gaps.line(gaps.lines[-1].strip())  # once more is no gap
    gaps.delta(2, bids=[("99", "3")], lost=7).delta(3, bids=[("99", "4")])
    gaps.snapshot(4, [], []).delta(5, bids=[("99", "3")]).delta(6, bids=[("99", "1")], lost=1)
    path = gaps.write(tmp_path / "gaps.jsonl")
    notes = survey(path, SPECS).notes
    assert [note.partition(": a gap in the depth of BTC_USDT")[0] for note in notes] == [
        f"{path}:4", f"{path}:8"
    ]  # fmt: skip


CUT_GZIP = gzip.compress(b"x" * 9000, mtime=0)[:10]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (None, "none.jsonl", "cannot read the recording"),
        (b"", "empty.jsonl", "holds no depth, trade or book ticker message"),
        (b'{"t"', "cut.jsonl", "holds no depth, trade or book ticker message"),
        (b"plain text\n", "plain.jsonl.gz", "cannot read the recording"),
        (CUT_GZIP + b"\x07" * 20, "bad.jsonl.gz", "cannot read the rec"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(
    content: bytes | None, name: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        survey(path, SPECS)
    assert said in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"file": ""}, "the file of a replay was ''"),
        ({"file": 1}, "the file of a replay was 1"),
        ({"file": "x", "loop": 1}, "loop of a replay was 1"),
        ({"file": "x", "speed": 0}, "speed of a replay was 0"),
        ({"file": "x", "speed": "fast"}, "speed of a replay was 'fast'"),
        ({"file": "x", "speed": True}, "speed of a replay was True"),
        ({"file": "x", "speed": float("nan")}, "speed of a replay was nan"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError) as caught:
        ReplayOptions(**options)  # type: ignore[arg-type]
    assert said in str(caught.value)
