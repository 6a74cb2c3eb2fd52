"""The schedule of a bench: fixed beforehand, random within rounds, never faster than allowed."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whitewire.bench.plan import WARM_UP_ROUNDS, Caps, Cell, schedule, ways
from whitewire.errors import UsageError

CELLS = st.builds(
    lambda connections, legs: [Cell(way, n) for n in legs for way in ways(connections)],
    st.integers(1, 8),
    st.sets(st.integers(1, 20), min_size=1, max_size=4),
)


def test_the_ways_are_named_by_their_connections() -> None:
    assert [way.name for way in ways(4)] == [
        "sequential", "pipelined-1", "pipelined-4", "bulk", "websocket"
    ]  # fmt: skip
    assert [way.name for way in ways(1)] == ["sequential", "pipelined-1", "bulk", "websocket"]
    assert [way.words for way in ways(4)][1:3] == [
        "pipelined on 1 connection",
        "pipelined on 4 connections",
    ]


@settings(max_examples=50)
@given(CELLS, st.integers(1, 5), st.floats(1, 100), st.integers(0, 99))
def test_each_round_sends_each_cell_once_at_fixed_distances(
    cells: list[Cell], rounds: int, interval_ms: float, seed: int
) -> None:
    plan = schedule(cells, rounds, interval_ms=interval_ms, orders_per_s=None, seed=seed)
    assert plan == schedule(cells, rounds, interval_ms=interval_ms, orders_per_s=None, seed=seed)
    by_round = Counter(due.round for due in plan)
    assert set(by_round) == set(range(-WARM_UP_ROUNDS, rounds))
    for number in by_round:
        assert Counter(due.cell for due in plan if due.round == number) == Counter(cells)
    steps = {b.at_ns - a.at_ns for a, b in pairwise(plan)}
    assert steps <= {int(interval_ms * 1_000_000)}
    assert plan[0].at_ns == 0


def test_the_order_within_rounds_is_random() -> None:
    cells = [Cell(way, 5) for way in ways(4)]
    plan = schedule(cells, 40, interval_ms=1, orders_per_s=None, seed=1)
    firsts = Counter(due.cell for due in plan[:: len(cells)])
    assert len(firsts) == len(cells)


@settings(max_examples=50)
@given(CELLS, st.integers(1, 3), st.floats(1, 50), st.integers(1, 1000))
def test_no_more_orders_leave_than_the_rate_allows(
    cells: list[Cell], rounds: int, interval_ms: float, rate: int
) -> None:
    plan = schedule(cells, rounds, interval_ms=interval_ms, orders_per_s=rate, seed=1)
    # from any burst on, what was sent before a later one never exceeds the rate
    for first in range(0, len(plan), 7):
        sent = 0
        for due in plan[first:]:
            assert sent * 1e9 <= rate * (due.at_ns - plan[first].at_ns)
            sent += due.cell.legs


def test_caps_refuse_a_plan_that_passes_them() -> None:
    cells = [Cell(way, 20) for way in ways(4)]
    plan = schedule(cells, 8, interval_ms=1, orders_per_s=100, seed=1)
    orders = sum(due.cell.legs for due in plan)
    assert orders == 1000
    Caps(1000, Decimal(200), 100).demand(plan, Decimal(200))
    with pytest.raises(UsageError, match="places 1000 orders, and --max-orders is 999"):
        Caps(999, Decimal(200), 100).demand(plan, Decimal(200))
    with pytest.raises(UsageError, match="rests with 201, and --max-notional is 200"):
        Caps(1000, Decimal(200), 100).demand(plan, Decimal(201))
