"""Growth and bursts: their streams, and the programs on little input."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from bench.micro import growth, receive
from bench.micro.growth import depth_turns, market_name, ticker_turns
from bench.micro.native import FrameLoop, Library

# The first test builds the native loops.
pytestmark = pytest.mark.timeout(900)


def _markets(frames: list[bytes]) -> list[str]:
    return [frame.decode().rpartition("_PERP")[0][-3:] for frame in frames]


@pytest.mark.parametrize("markets", [1, 4])
def test_sessions_are_the_same_however_many_markets_share_them(markets: int) -> None:
    frames = depth_turns(markets, deltas=5, sessions=8)
    assert len(frames) == 8 * 6
    assert set(Counter(_markets(frames)).values()) == {len(frames) // markets}
    plain = [
        frame.replace(market_name(number).encode(), b"M")
        for frame in frames
        for number in range(markets)
        if market_name(number).encode() in frame
    ]
    alone = [frame.replace(market_name(0).encode(), b"M") for frame in depth_turns(1, 5, 8)]
    assert sorted(plain) == sorted(alone)


@pytest.mark.parametrize("markets", [1, 3])
def test_every_update_is_taken(library: Library, markets: int) -> None:
    names = ",".join(map(market_name, range(markets)))
    FrameLoop(library, names, depth_turns(markets, deltas=5, sessions=6)).run(2)
    FrameLoop(library, names, ticker_turns(markets, 30)).run(2)


def test_a_market_weighs_something() -> None:
    assert 10_000 < growth.weigh(1, 40) < 1_000_000


def test_a_burst_is_seen_by_every_client(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out.json"
    assert receive.main(["--rounds", "1", "--frames", "3000", "--json", str(file)]) == 0
    document = json.loads(file.read_text(encoding="utf-8"))
    assert document["samples_ns"].keys() == receive.CLIENTS.keys()
    assert [row["target"] for row in document["ratios"]] == [">= 15", ">= 50"]
    assert "ns of CPU a frame" in capsys.readouterr().out


def test_deltas_chain_to_the_snapshot() -> None:
    ids = [json.loads(receive.frame(number))["params"][1] for number in (1, 2)]
    first = json.loads(receive.snapshot())["params"][1]["update_id"]
    assert [row["past_update_id"] for row in ids] == [first, ids[0]["update_id"]]
