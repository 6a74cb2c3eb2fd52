"""The made-up market data: deterministic, chained, in the venue's style, of the promised size."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.micro.stream import (
    MARKET,
    WINDOW,
    decimal_text,
    depth_frames,
    ticker_frames,
)

# Whether it is a snapshot, rows by side, ids by name.
Push = tuple[bool, dict[str, list[list[str]]], dict[str, int]]


@given(st.integers(0, 10**12), st.integers(1, 8))
def test_decimal_text_is_exact_and_shortest(units: int, decimals: int) -> None:
    text = decimal_text(units, decimals)
    assert Decimal(text) == Decimal(units).scaleb(-decimals)
    assert "." not in text or not text.endswith(("0", "."))


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert depth_frames(30) == depth_frames(30)
    assert depth_frames(30, seed=1) != depth_frames(30, seed=2)
    assert ticker_frames(30) == ticker_frames(30)


@pytest.fixture(scope="module")
def pushes() -> list[Push]:
    found = []
    for frame in depth_frames():
        message = json.loads(frame)
        is_snapshot, data, market = message["params"]
        assert (message["method"], message["id"], market) == ("depth_update", None, MARKET)
        ids = {name: value for name, value in data.items() if name.endswith("update_id")}
        found.append((is_snapshot, {name: data[name] for name in ("asks", "bids")}, ids))
    return found


def test_one_snapshot_then_a_chain_of_deltas(pushes: list[Push]) -> None:
    assert [push[0] for push in pushes] == [True] + [False] * 2000
    assert "past_update_id" not in pushes[0][2]
    for (_, _, before), (_, _, after) in pairwise(pushes):
        assert after["past_update_id"] == before["update_id"] < after["update_id"]


def test_deltas_average_sixteen_sorted_levels(pushes: list[Push]) -> None:
    total = 0
    for _, sides, _ in pushes[1:]:
        for name, best_first in (("asks", 1), ("bids", -1)):
            keys = [best_first * Decimal(price) for price, _ in sides[name]]
            assert keys == sorted(set(keys))
            assert keys
            total += len(keys)
    assert total / 2000 == pytest.approx(16, abs=0.5)


def test_the_window_never_exceeds_its_size_nor_crosses(
    pushes: list[Push],
) -> None:
    held: dict[str, set[Decimal]] = {"asks": set(), "bids": set()}
    for _, sides, _ in pushes:
        for name, rows in sides.items():
            for price, amount in rows:
                change = held[name].add if Decimal(amount) else held[name].remove
                change(Decimal(price))
            assert len(held[name]) == WINDOW
        assert max(held["bids"]) < min(held["asks"])


def test_tickers_rise_in_id_and_do_not_cross() -> None:
    rows = [json.loads(frame)["params"][0] for frame in ticker_frames()]
    ids = [row[3] for row in rows]
    assert ids == sorted(set(ids))
    assert all(Decimal(row[4]) < Decimal(row[6]) for row in rows)
    assert all(row[2] == MARKET for row in rows)
