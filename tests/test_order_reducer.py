"""What one fact does to one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.order_desk import (
    AMOUNT,
    MARKET,
    NO_FUNDS,
    NOT_FOUND,
    PRICE,
    THROTTLED,
    WOULD_TAKE,
    VenueOrder,
    new_order,
    new_store,
)
from whitewire.errors import PeerError
from whitewire.protocol.order_reducer import scale
from whitewire.protocol.order_table import Notice, NoticeKind, OrderNotice
from whitewire.protocol.orders import Fill, OrderState
from whitewire.protocol.replies import Ack, Ambiguous, Reply, RequestKind

Kind = NoticeKind
LOST = Ambiguous("status 502")


class Desk:
    """One order here and at the venue."""

    def __init__(self) -> None:
        self.store = new_store()
        self.order = new_order(self.store)
        self.venue = VenueOrder()
        self.now_ns = 10

    def kinds(self, notices: Sequence[Notice]) -> list[NoticeKind | str]:
        return [n.kind if isinstance(n, OrderNotice) else type(n).__name__ for n in notices]

    def place(self, *, take: int = 0) -> Ack:
        return self.venue.place(take=take)

    def reply(self, kind: RequestKind, reply: Reply) -> list[NoticeKind | str]:
        self.now_ns += 1
        return self.kinds(self.store.on_reply(kind, self.order, reply, self.now_ns))

    def push(self, index: int) -> list[NoticeKind | str]:
        self.now_ns += 1
        return self.kinds(self.store.apply_update(self.venue.pushes[index], self.now_ns))

    def deal(self, index: int) -> list[NoticeKind | str]:
        return self.kinds(self.store.apply_deal(self.venue.deals[index]))

    def open(self) -> Desk:
        self.reply(RequestKind.PLACE, self.place())
        self.push(0)
        return self

    def modify(self) -> Desk:
        self.store.modify_sent(self.order, PRICE + 5, AMOUNT, self.now_ns)
        return self

    def cancel(self) -> Desk:
        self.store.cancel_sent(self.order, self.now_ns)
        return self


def test_a_resting_order_is_acknowledged_and_opened_once() -> None:
    desk = Desk()
    assert desk.reply(RequestKind.PLACE, desk.place()) == [Kind.ACKED]
    assert desk.push(0) == [Kind.OPENED]
    assert desk.push(0) == []
    assert desk.order.state is OrderState.OPEN
    assert desk.store.duplicates == 1


def test_push_before_reply_opens_and_the_reply_still_tells() -> None:
    desk = Desk()
    ack = desk.place()
    assert desk.push(0) == [Kind.OPENED]
    assert desk.reply(RequestKind.PLACE, ack) == [Kind.ACKED]
    assert desk.order.state is OrderState.OPEN


def test_an_instant_fill_knows_only_event_3() -> None:
    desk = Desk()
    ack = desk.place(take=AMOUNT)
    assert [update.event for update in desk.venue.pushes] == [3]
    assert desk.push(0) == [Kind.FILLED]
    assert desk.reply(RequestKind.PLACE, ack) == []
    assert desk.deal(0) == ["Fill"]
    assert desk.order.filled == MARKET.amount(AMOUNT)
    assert desk.order.state is OrderState.FILLED


def test_a_refused_post_only_order_is_rejected_with_its_reason() -> None:
    desk = Desk()
    assert desk.reply(RequestKind.PLACE, WOULD_TAKE) == [Kind.REJECTED]
    assert desk.order.reject is WOULD_TAKE.reject
    assert desk.order.reject.retryable


def test_an_ioc_remainder_is_canceled_with_its_fills() -> None:
    desk = Desk()
    ack = desk.venue.place(take=4, ioc=True)
    assert desk.reply(RequestKind.PLACE, ack) == [Kind.ACKED, Kind.CANCELED]
    assert desk.push(0) == []
    assert (desk.order.filled_lots, desk.order.left_lots) == (4, AMOUNT - 4)


def test_partial_fills_are_told_by_push_once() -> None:
    desk = Desk().open()
    desk.venue.fill(3)
    assert desk.push(1) == [Kind.PARTIAL]
    assert desk.push(1) == []
    assert desk.deal(0) == ["Fill"]
    assert desk.deal(0) == []
    assert desk.order.filled_lots == 3


@pytest.mark.parametrize(
    "orders", [(1, 2, "r"), (2, 1, "r"), ("r", 1, 2), (1, "r", 2), (2, "r", 1)]
)
def test_a_modify_takes_effect_in_any_interleaving(orders: tuple[int | str, ...]) -> None:
    desk = Desk().open().modify()
    ack = desk.venue.modify(PRICE + 5, AMOUNT)
    kinds: list[NoticeKind | str] = []
    for step in orders:
        if isinstance(step, int):
            kinds += desk.push(step)
        else:
            kinds += desk.reply(RequestKind.MODIFY, ack)
    assert sorted(kinds) == [Kind.ACKED, Kind.REPLACED]
    assert desk.order.state is OrderState.OPEN
    assert desk.order.price_ticks == PRICE + 5
    assert desk.order.venue_ids == (1_000, 1_007)
    assert desk.store.by_venue_id(1_000) is desk.store.by_venue_id(1_007) is desk.order


def test_an_order_that_fills_before_its_modify_is_filled() -> None:
    desk = Desk().open().modify()
    desk.venue.fill(AMOUNT)
    assert desk.push(1) == [Kind.FILLED]
    assert desk.reply(RequestKind.MODIFY, NOT_FOUND) == []
    assert desk.order.state is OrderState.FILLED


def test_an_order_canceled_from_outside_during_its_modify_is_canceled_by_the_refusal() -> None:
    desk = Desk().open().modify()
    desk.venue.cancel()
    assert desk.push(1) == []
    assert desk.order.state is OrderState.MODIFYING
    assert desk.reply(RequestKind.MODIFY, NOT_FOUND) == [Kind.REFUSED, Kind.CANCELED]


def test_a_modify_refused_by_the_engine_leaves_the_order_unknown() -> None:
    desk = Desk().open().modify()
    assert desk.reply(RequestKind.MODIFY, NO_FUNDS) == [Kind.REFUSED, Kind.UNKNOWN]


def test_a_throttled_modify_leaves_the_order_as_it_was() -> None:
    desk = Desk().open().modify()
    assert desk.reply(RequestKind.MODIFY, THROTTLED) == [Kind.REFUSED]
    assert desk.order.state is OrderState.OPEN
    assert desk.order.target_ticks == PRICE


def test_a_cancel_that_finds_nothing_is_not_a_cancel() -> None:
    desk = Desk().open()
    desk.venue.fill(AMOUNT)
    desk.cancel()
    assert desk.reply(RequestKind.CANCEL, NOT_FOUND) == [Kind.REFUSED, Kind.UNKNOWN]
    assert desk.push(1) == [Kind.RESOLVED, Kind.FILLED]


def test_an_old_push_does_not_resolve_a_missed_cancel() -> None:
    desk = Desk().open()
    desk.venue.fill(1)
    desk.venue.fill(AMOUNT - 1)
    desk.cancel()
    desk.reply(RequestKind.CANCEL, NOT_FOUND)
    assert desk.push(1) == [Kind.PARTIAL]
    assert desk.order.is_unknown


def test_a_throttled_cancel_leaves_the_order_open() -> None:
    desk = Desk().open().cancel()
    assert desk.reply(RequestKind.CANCEL, THROTTLED) == [Kind.REFUSED]
    assert desk.order.state is OrderState.OPEN


def test_a_throttled_cancel_of_an_unacknowledged_order_proves_nothing() -> None:
    desk = Desk().cancel()
    assert desk.reply(RequestKind.CANCEL, THROTTLED) == [Kind.REFUSED, Kind.UNKNOWN]


def test_a_cancel_behind_a_modify_cancels_the_replacement() -> None:
    desk = Desk().open().modify().cancel()
    modified = desk.venue.modify(PRICE + 5, AMOUNT)
    canceled = desk.venue.cancel()
    assert desk.push(1) == []
    assert desk.push(2) == [Kind.REPLACED]
    assert desk.push(3) == [Kind.CANCELED]
    assert desk.reply(RequestKind.MODIFY, modified) == []
    assert desk.reply(RequestKind.CANCEL, canceled) == []


@pytest.mark.parametrize("kind", [RequestKind.PLACE, RequestKind.CANCEL, RequestKind.MODIFY])
def test_a_lost_answer_makes_the_order_unknown(kind: RequestKind) -> None:
    desk = Desk()
    if kind is RequestKind.CANCEL:
        desk.open().cancel()
    if kind is RequestKind.MODIFY:
        desk.open().modify()
    assert desk.reply(kind, LOST) == [Kind.UNKNOWN]
    assert desk.store.unknown_orders() == [desk.order]


def test_the_quarantine_starts_with_the_last_request_that_may_still_take_effect() -> None:
    desk = Desk().open().modify().cancel()
    desk.now_ns = 100
    desk.reply(RequestKind.CANCEL, LOST)
    assert desk.order.t_unknown_ns == 101
    desk.reply(RequestKind.MODIFY, LOST)
    assert desk.order.t_unknown_ns == 102
    desk.cancel()
    desk.reply(RequestKind.CANCEL, LOST)
    assert desk.order.t_unknown_ns == 102


def test_the_first_push_is_timed() -> None:
    desk = Desk()
    desk.place()
    desk.venue.fill(1)
    desk.push(0)
    desk.push(1)
    assert desk.order.latency.t_event_ns == 11


def test_a_lost_placement_is_resolved_by_its_push() -> None:
    desk = Desk()
    desk.place()
    desk.reply(RequestKind.PLACE, LOST)
    assert desk.push(0) == [Kind.OPENED, Kind.RESOLVED]
    assert desk.order.state is OrderState.OPEN


def test_a_lost_modify_is_resolved_only_by_the_replacement() -> None:
    desk = Desk().open()
    desk.venue.fill(1)
    desk.modify()
    desk.venue.modify(PRICE + 5, AMOUNT)
    assert desk.reply(RequestKind.MODIFY, LOST) == [Kind.UNKNOWN]
    assert desk.push(1) == [Kind.PARTIAL]
    assert desk.push(2) == []
    assert desk.order.is_unknown
    assert desk.push(3) == [Kind.REPLACED, Kind.RESOLVED]


def test_a_loss_after_the_effect_was_seen_is_no_loss() -> None:
    desk = Desk().open().modify()
    desk.venue.modify(PRICE + 5, AMOUNT)
    desk.push(2)
    assert desk.reply(RequestKind.MODIFY, LOST) == []
    assert desk.order.state is OrderState.OPEN


def test_a_deal_for_an_unknown_placement_proves_that_it_exists() -> None:
    desk = Desk()
    desk.place(take=2)
    desk.reply(RequestKind.PLACE, LOST)
    assert desk.deal(0) == [Kind.RESOLVED, "Fill"]
    assert desk.order.venue_id == 1_000


def test_the_second_event_1_of_a_stop_changes_nothing() -> None:
    desk = Desk().open()
    desk.venue.push(desk.venue.legs[0], 1)
    assert desk.push(1) == []
    assert desk.order.state is OrderState.OPEN


def test_a_cancel_throttled_while_a_modify_is_undecided_proves_nothing() -> None:
    desk = Desk().open().modify().cancel()
    assert desk.reply(RequestKind.CANCEL, THROTTLED) == [Kind.REFUSED, Kind.UNKNOWN]
    desk = Desk().open().modify().cancel()
    assert desk.reply(RequestKind.MODIFY, NO_FUNDS) == [Kind.REFUSED]
    assert desk.reply(RequestKind.CANCEL, THROTTLED) == [Kind.REFUSED, Kind.UNKNOWN]


def test_an_old_answer_takes_no_progress_back() -> None:
    desk = Desk()
    ack = desk.place()
    desk.venue.fill(3)
    assert desk.push(1) == [Kind.PARTIAL]
    assert desk.reply(RequestKind.PLACE, ack) == [Kind.ACKED]
    assert desk.push(0) == []
    assert (desk.order.filled_lots, desk.order.left_lots) == (3, AMOUNT - 3)
    assert desk.order.avg_price == MARKET.price(PRICE)


def test_dust_left_by_a_filled_order_does_not_make_it_canceled() -> None:
    desk = Desk().open()
    leg = desk.venue.legs[0]
    leg.dealt, leg.status = AMOUNT - 1, "FILLED"
    desk.venue.push(leg, 3)
    assert desk.push(1) == [Kind.FILLED]
    assert desk.order.left_lots == 1


@pytest.mark.parametrize("status", ["CANCELED", "CANCELED_STP", "AUTO_CANCELED_REDUCE_ONLY", ""])
def test_any_cancel_text_and_even_none_ends_the_order_as_canceled(status: str) -> None:
    desk = Desk().open()
    leg = desk.venue.legs[0]
    leg.status = status
    desk.venue.push(leg, 3)
    assert desk.push(1) == [Kind.CANCELED]


def test_a_contradiction_is_counted_reported_and_never_revives() -> None:
    desk = Desk()
    desk.reply(RequestKind.PLACE, WOULD_TAKE)
    desk.place()
    assert desk.push(0) == [Kind.ILLEGAL]
    assert desk.order.state is OrderState.REJECTED
    assert desk.store.illegal == 1


def test_a_leg_that_ends_twice_differently_is_a_contradiction() -> None:
    desk = Desk().open()
    desk.venue.cancel()
    desk.push(1)
    desk.venue.push(replace(desk.venue.legs[0], status="FILLED"), 3)
    assert desk.push(2) == [Kind.ILLEGAL]
    assert desk.order.state is OrderState.CANCELED


def test_an_unexpected_leg_makes_a_living_order_unknown_but_its_fills_count() -> None:
    desk = Desk().open()
    desk.venue.legs[0].status = "CANCELED"
    desk.venue.place(take=2)
    notices = desk.store.apply_deal(desk.venue.deals[0])
    assert desk.kinds(notices) == [Kind.ILLEGAL, Kind.UNKNOWN, "Fill"]
    assert desk.order.filled_lots == 2


def test_an_answer_about_another_order_is_a_contradiction() -> None:
    desk = Desk()
    stranger = VenueOrder(client_id="ww-2").place()
    assert desk.reply(RequestKind.PLACE, stranger) == [Kind.ILLEGAL, Kind.UNKNOWN]
    assert desk.order.venue_id == 0


def test_a_fill_carries_what_the_venue_said() -> None:
    desk = Desk().open()
    desk.venue.fill(4)
    (fill,) = desk.store.apply_deal(desk.venue.deals[0])
    assert isinstance(fill, Fill)
    assert (fill.price, fill.amount) == (MARKET.price(PRICE), MARKET.amount(4))
    assert (fill.price_ticks, fill.amount_lots) == (PRICE, 4)
    assert (fill.fee, fill.fee_asset, fill.liquidity) == (Decimal("0.001"), "USDT", "maker")
    assert (fill.market, fill.side, fill.venue_id) == (MARKET, desk.order.side, 1_000)
    assert desk.order.fee == {"USDT": Decimal("0.001")}


def test_both_sides_of_a_self_trade_are_booked() -> None:
    desk = Desk().open()
    other = new_order(desk.store, "ww-2")
    twin = VenueOrder(client_id="ww-2", next_id=5_000)
    desk.store.on_place_reply(other, twin.place(), 1)
    desk.venue.fill(2)
    twin.fill(2)
    assert desk.venue.deals[0].deal_id == twin.deals[0].deal_id
    for deal in (desk.venue.deals[0], twin.deals[0]):
        assert desk.kinds(desk.store.apply_deal(deal)) == ["Fill"]
    assert desk.order.filled_lots == other.filled_lots == 2


@pytest.mark.parametrize("text", ["NaN", "Infinity", "0.0000001"])
def test_a_number_that_does_not_fit_the_market_is_the_peers_fault(text: str) -> None:
    with pytest.raises(PeerError):
        scale(Decimal(text), 6)


@given(lots=st.integers(-(10**15), 10**15), decimals=st.integers(-6, 12))
def test_scale_is_exact(lots: int, decimals: int) -> None:
    assert scale(Decimal(lots).scaleb(-decimals), decimals) == lots
