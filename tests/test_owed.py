"""Owed deals: who is asked about, when, and ever more rarely."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from tests.order_desk import MARKET
from whitewire.market import Side
from whitewire.protocol.orders import Order, OrderActions
from whitewire.protocol.owed import LONGEST_NS, OwedDeals

S = 1_000_000_000


def order(dealt: int = 0, filled: int = 0) -> Order:
    made = Order(MARKET, Side.BUY, 600_000, 10, "ww-1", cast("OrderActions", None), 0)
    leg = made.add_leg(7)
    leg.dealt_lots, leg.fill_lots = dealt, filled
    leg.dealt_money = Decimal(dealt)
    return made


def test_a_total_ahead_of_its_deals_is_asked_about_when_patience_is_over() -> None:
    owed, one = OwedDeals(patience_ns=2 * S, period_ns=100 * S), order(dealt=3, filled=1)
    assert not owed.is_due(0)
    owed.note(one, 5 * S)
    owed.note(one, 6 * S)  # more news of it does not postpone the question
    assert not owed.is_due(7 * S - 1)
    assert owed.is_due(7 * S)


def test_deals_that_come_settle_it() -> None:
    owed, one = OwedDeals(patience_ns=2 * S, period_ns=100 * S), order(dealt=3)
    owed.note(one, 0)
    one.legs[0].fill_lots = 3
    owed.note(one, S)
    assert len(owed) == 0
    assert not owed.is_due(50 * S)


def test_deals_ahead_of_the_total_are_no_debt() -> None:
    owed = OwedDeals(period_ns=30 * S)
    owed.note(order(dealt=1, filled=2), 0)
    assert len(owed) == 0


def test_a_leg_of_the_past_counts() -> None:
    owed, one = OwedDeals(period_ns=30 * S), order(dealt=2)
    for venue_id in range(8, 8 + 60):
        one.add_leg(venue_id)
    assert one.past is not None
    owed.note(one, 0)
    assert len(owed) == 1


def test_a_question_in_vain_waits_twice_as_long() -> None:
    owed, one = OwedDeals(patience_ns=2 * S, period_ns=10**6 * S), order(dealt=2)
    assert not owed.is_due(0)
    owed.note(one, 0)
    now, waits = 0, []
    for _ in range(8):
        began = now
        while not owed.is_due(now):
            now += S
        waits.append((now - began) // S)
        owed.asked(now)
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert LONGEST_NS == 60 * S


def test_a_question_about_others_changes_no_patience() -> None:
    owed, one = OwedDeals(patience_ns=2 * S, period_ns=100 * S), order(dealt=2)
    owed.note(one, 0)
    owed.asked(S)
    assert owed.is_due(2 * S)


def test_everything_is_asked_about_in_turn() -> None:
    owed = OwedDeals(patience_ns=2 * S, period_ns=30 * S)
    assert not owed.is_round_due(100 * S)  # counts from here
    assert not owed.is_due(130 * S - 1)
    assert owed.is_due(130 * S)
    assert owed.is_round_due(130 * S)
    owed.asked(131 * S)
    assert not owed.is_due(161 * S - 1)
    assert owed.is_due(161 * S)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_what_is_owed_is_what_is_behind(steps: list[tuple[int, int]]) -> None:
    owed, one = OwedDeals(period_ns=30 * S), order()
    leg = one.legs[0]
    for now, (dealt, filled) in enumerate(steps):
        leg.dealt_lots, leg.fill_lots = dealt, filled
        owed.note(one, now)
        assert len(owed) == (dealt > filled)
