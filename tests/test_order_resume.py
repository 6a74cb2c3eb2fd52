"""Orders of an earlier session: whatever was recorded of them, the venue has the word."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.market import Market, Side
from whitewire.protocol.events import Deal
from whitewire.protocol.order_resume import Remembered, resume
from whitewire.protocol.order_table import OrderStore
from whitewire.protocol.orders import Doubt, OrderInput
from whitewire.protocol.reconcile import Evidence, Resolve, reconcile
from whitewire.protocol.replies import OrderReply

MARKET = Market("BTC_USDT", "BTC", "USDT", 2, 6)


class Nobody:
    """Handles of these tests are not used."""

    def modify_order(self, *_: Any) -> None:
        raise AssertionError

    def cancel_order(self, *_: Any) -> None:
        raise AssertionError


def store() -> OrderStore:
    return OrderStore("ww-", Nobody())


def deal(deal_id: int, venue_id: int, amount: str = "0.002") -> Deal:
    return Deal(deal_id, 1, "BTC_USDT", venue_id, "60000", amount, "0", "ww-1", 2, 1, "BTC")


def remembered(**more: Any) -> Remembered:
    values: dict[str, Any] = {
        "market": MARKET,
        "side": Side.BUY,
        "client_id": "ww-1",
        "flags": 2,
        "ticks": 6_000_000,
        "lots": 10_000,
    }
    return Remembered(**(values | more))


@pytest.mark.parametrize(
    ("past", "doubts"),
    [
        (remembered(), Doubt.PLACE | Doubt.CANCEL),
        (remembered(venue_ids=[11]), Doubt.CANCEL),
        (remembered(venue_ids=[11], target=(1, 2)), Doubt.CANCEL | Doubt.MODIFY),
        (remembered(deals=[deal(1, 11)]), Doubt.CANCEL),
    ],
)
def test_it_is_unknown_until_the_venue_told(past: Remembered, doubts: Doubt) -> None:
    table = store()
    order = resume(table, past, 5)
    assert (order.state, order.doubts, order.t_unknown_ns) == ("unknown", doubts, 5)
    assert (order.flags, order.can_modify) == (2, False)
    assert table.unknown_orders() == [order]
    for venue_id in past.venue_ids:
        assert table.by_venue_id(venue_id) is order


def test_booked_deals_are_not_told_again_and_new_ones_are() -> None:
    table = store()
    order = resume(table, remembered(venue_ids=[11], deals=[deal(1, 11)]), 5)
    assert order.filled == Decimal("0.002")
    assert table.apply_deal(deal(1, 11)) == []
    assert len(table.apply_deal(deal(2, 11))) == 1
    assert order.filled == Decimal("0.004")


@given(st.integers(1, 20), st.booleans())
def test_the_newest_leg_is_the_present_one(legs: int, is_active: bool) -> None:
    table = store()
    order = resume(table, remembered(venue_ids=range(11, 11 + legs)), 5)
    newest = 10 + legs
    assert order.venue_id == newest
    row = OrderReply(
        newest, "BTC_USDT", Decimal("0.01"), Decimal("0.01"), "ww-1", price=Decimal(60_000)
    )
    evidence = Evidence([row] if is_active else [], [], {newest: []}, {}, 10**11)
    (action,) = reconcile([order], evidence, prefix="ww-")
    assert isinstance(action, Resolve)
    table.resolve(order, action.outcome, action.reply, 10**11)
    expected = OrderInput.RESOLVED_OPEN if is_active else OrderInput.RESOLVED_CANCELED
    assert action.outcome is expected
    assert order.state == ("open" if is_active else "canceled")
