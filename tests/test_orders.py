"""The order handle."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.order_desk import AMOUNT, MARKET, PRICE, Recorder, VenueOrder, new_order, new_store
from whitewire.market import Side
from whitewire.protocol.orders import KEPT_LEGS, Latency, Order, OrderState


def make(recorder: Recorder | None = None) -> Order:
    return Order(MARKET, Side.SELL, PRICE, AMOUNT, "ww-1", recorder or Recorder(), 5, tag="mine")


def test_a_new_order_knows_what_it_asks_for_and_nothing_else() -> None:
    order = make()
    assert (order.price, order.amount) == (Decimal("60000.00"), Decimal("0.000010"))
    assert (order.left, order.filled) == (order.amount, Decimal(0))
    assert order.fee == {}
    assert order.avg_price is None
    assert (order.venue_id, order.venue_ids) == (0, ())
    assert order.latency == Latency(5, 0, 0, 0)
    assert order.tag == "mine"
    assert "ww-1" in repr(order)
    assert "60000" in repr(order)


def test_the_handle_delegates_its_actions() -> None:
    recorder = Recorder()
    order = make(recorder)
    order.modify(price="60000.1")
    order.cancel()
    assert recorder.modified == [(order, "60000.1", None)]
    assert recorder.canceled == [order]


@pytest.mark.parametrize("state", OrderState)
def test_each_state_is_exactly_one_of_its_classes(state: OrderState) -> None:
    order = make()
    order.state = state
    is_sent = state is OrderState.SENT
    assert [order.is_open, order.is_done, order.is_unknown, is_sent].count(True) == 1


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("in_flight", [0, 1])
def test_only_a_settled_order_can_be_modified(state: OrderState, in_flight: int) -> None:
    order = make()
    order.state, order.in_flight = state, in_flight
    assert order.can_modify == (state is OrderState.OPEN and in_flight == 0)


def test_an_unknown_order_may_be_canceled_again_but_a_canceling_or_finished_one_not() -> None:
    order = make()
    allowed = set()
    for state in OrderState:
        order.state = state
        if order.can_cancel:
            allowed.add(state)
    assert allowed == {
        OrderState.SENT,
        OrderState.OPEN,
        OrderState.MODIFYING,
        OrderState.UNKNOWN,
    }


def test_the_average_price_covers_all_legs_by_the_stream_that_is_ahead() -> None:
    store, venue = new_store(), VenueOrder()
    order = new_order(store)
    store.on_place_reply(order, venue.place(), 1)
    venue.fill(4)
    store.modify_sent(order, PRICE + 100, AMOUNT, 2)
    store.on_modify_reply(order, venue.modify(PRICE + 100, AMOUNT), 3)
    venue.fill(6)
    for deal in venue.deals[:1]:  # the second leg is known by its push only
        store.apply_deal(deal)
    store.apply_update(venue.pushes[-1], 4)
    assert order.filled_lots == 10
    expected = (4 * MARKET.price(PRICE) + 6 * MARKET.price(PRICE + 100)) / 10
    assert order.avg_price == expected
    assert (order.amount_lots, order.left_lots) == (AMOUNT, 4)


def test_a_fill_is_booked_once_and_fees_add_up_by_asset() -> None:
    order = make()
    assert order.book_fill((1, 7), "USDT", Decimal("0.1"))
    assert not order.book_fill((1, 7), "USDT", Decimal("0.1"))
    assert order.book_fill((1, 8), "USDT", Decimal("0.2"))
    assert order.book_fill((2, 8), "BTC", Decimal("0.5"))
    assert order.has_fill((2, 8))
    assert not order.has_fill((3, 8))
    assert order.fee == {"USDT": Decimal("0.3"), "BTC": Decimal("0.5")}


def test_only_the_newest_legs_are_kept_apart_and_nothing_gets_lost() -> None:
    """A quote that moves for a day has a million legs."""
    store = new_store()
    order = new_order(store, lots=1_000)
    venue = VenueOrder()
    store.on_place_reply(order, venue.place(lots=1_000), 2)
    for number in range(100):
        venue.fill(1)
        store.modify_sent(order, PRICE + number, 1_000, 3)
        store.on_modify_reply(order, venue.modify(PRICE + number, 1_000), 4)
    assert (order.state, order.current) == (OrderState.OPEN, order.legs[-1])
    assert order.venue_ids == tuple(leg.venue_id for leg in venue.legs[-KEPT_LEGS:])
    assert store.by_venue_id(venue.legs[0].venue_id) is None
    assert store.by_venue_id(venue.legs[-2].venue_id) is order
    for push in venue.pushes:  # most of them are about legs of the past by now
        store.apply_update(push, 5)
    fills = [notice for deal in venue.deals for notice in store.apply_deal(deal)]
    assert len(fills) == 100
    assert order.filled_lots == venue.dealt == 100
    money = sum(Decimal(deal.price) * Decimal(deal.amount) for deal in venue.deals)
    assert order.avg_price == money / MARKET.amount(100)
    assert [notice for deal in venue.deals for notice in store.apply_deal(deal)] == []
    assert (order.state, store.illegal) == (OrderState.OPEN, 0)
    store.on_cancel_reply(order, venue.cancel(), 6)
    assert order.state is OrderState.CANCELED
