"""Finding, keeping and forgetting orders."""

from __future__ import annotations

import pytest

from tests.order_desk import AMOUNT, MARKET, PRICE, Recorder, VenueOrder, new_order, new_store
from whitewire.errors import UsageError
from whitewire.market import Market, Side
from whitewire.protocol.order_table import Foreign, Notice, NoticeKind, OrderNotice, OrderStore
from whitewire.protocol.orders import OrderInput, OrderState, Reject, RejectSource
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import RequestKind

OTHER = Market("ETH_USDT", "ETH", "USDT", 2, 4)


def finish(store: OrderStore, name: str, first_id: int) -> VenueOrder:
    """Place and cancel an order."""
    order, venue = new_order(store, name), VenueOrder(client_id=name, next_id=first_id)
    store.on_place_reply(order, venue.place(take=1), 1)
    venue.cancel()
    store.apply_update(venue.pushes[-1], 2)
    return venue


def test_a_client_id_is_never_used_twice() -> None:
    store = new_store()
    new_order(store)
    with pytest.raises(UsageError):
        new_order(store)


def test_the_prefix_must_say_something() -> None:
    with pytest.raises(UsageError):
        OrderStore("", Recorder())


def test_an_order_is_found_by_all_its_ids() -> None:
    store, venue = new_store(), VenueOrder()
    order = new_order(store)
    store.on_place_reply(order, venue.place(), 1)
    store.modify_sent(order, PRICE + 1, AMOUNT, 2)
    store.on_modify_reply(order, venue.modify(PRICE + 1, AMOUNT), 3)
    assert store.by_client_id("ww-1") is order
    assert [store.by_venue_id(venue_id) for venue_id in (1_000, 1_007)] == [order, order]
    assert store.by_client_id("ww-2") is None
    assert store.by_venue_id(1) is None


def test_a_push_without_client_id_is_matched_by_its_venue_id() -> None:
    store, venue = new_store(), VenueOrder()
    order = new_order(store)
    store.on_place_reply(order, venue.place(), 1)
    venue.fill(AMOUNT)
    store.apply_update(venue.pushes[-1]._replace(client_id=""), 2)
    assert order.state is OrderState.FILLED


@pytest.mark.parametrize(
    ("client_id", "is_orphan"), [("", False), ("their-1", False), ("ww-lost", True)]
)
def test_orders_of_others_are_reported_and_left_alone(client_id: str, is_orphan: bool) -> None:
    store, venue = new_store(), VenueOrder(client_id=client_id)
    venue.place(take=1)
    venue.cancel()
    notices: list[Notice] = [store.apply_update(push, 1)[0] for push in venue.pushes]
    notices += store.apply_deal(venue.deals[0])
    assert notices == [
        Foreign(MARKET.name, client_id, 1_000, is_orphan, True),
        Foreign(MARKET.name, client_id, 1_000, is_orphan, False),
        Foreign(MARKET.name, client_id, 1_000, is_orphan, False),
    ]
    assert store.foreign == 3
    assert store.recent() == []


def test_finished_orders_stay_for_late_deals_and_are_forgotten_in_order() -> None:
    store = new_store(keep_finished=2)
    venues = [finish(store, f"ww-{n}", 1_000 * n) for n in (1, 2, 3)]
    assert [order.client_id for order in store.recent()] == ["ww-2", "ww-3"]
    assert store.by_venue_id(1_000) is None
    (fill,) = store.apply_deal(venues[1].deals[0])
    assert not isinstance(fill, Foreign)
    assert fill.order.client_id == "ww-2"
    assert isinstance(store.apply_deal(venues[0].deals[0])[0], Foreign)


def test_a_resting_order_is_never_forgotten() -> None:
    store = new_store(keep_finished=1)
    resting = new_order(store, "ww-0")
    for n in (1, 2, 3):
        finish(store, f"ww-{n}", 1_000 * n)
    assert resting in store.recent()
    assert store.open_orders() == [resting]


def test_open_orders_and_notional_are_per_market_and_count_what_may_still_trade() -> None:
    store, venue = new_store(), VenueOrder()
    order = new_order(store)
    store.create(OTHER, Side.SELL, 300_000, 20, "ww-2", 1)
    assert store.working_notional(MARKET.name) == order.price * order.amount
    store.on_place_reply(order, venue.place(), 1)
    venue.fill(4)
    store.apply_update(venue.pushes[-1], 2)
    assert store.working_notional(MARKET.name) == order.price * MARKET.amount(6)
    store.modify_sent(order, PRICE + 50, AMOUNT, 3)
    assert store.working_notional(MARKET.name) == MARKET.price(PRICE + 50) * order.amount
    assert [o.client_id for o in store.open_orders(OTHER.name)] == ["ww-2"]
    assert store.working_notional("BTC_EUR") == 0


def test_every_leg_of_a_lost_bulk_becomes_unknown() -> None:
    store = new_store()
    legs = tuple(new_order(store, f"ww-{n}") for n in range(3))
    notices = store.on_lost(Request(RequestKind.BULK, legs), 9, "status 502")
    assert [(n.order, n.kind) for n in notices] == [(leg, NoticeKind.UNKNOWN) for leg in legs]
    assert store.unknown_orders() == list(legs)
    assert {leg.t_unknown_ns for leg in legs} == {9}


def test_a_lost_request_about_no_order_changes_nothing() -> None:
    assert new_store().on_lost(Request(RequestKind.OTHER), 9) == []


def test_replies_of_a_bulk_are_those_of_placements() -> None:
    store, venue = new_store(), VenueOrder()
    order = new_order(store)
    (notice,) = store.on_reply(RequestKind.BULK, order, venue.place(), 4)
    assert notice == OrderNotice(order, NoticeKind.ACKED)


def test_the_local_refusal_never_reached_the_venue() -> None:
    store = new_store()
    order = new_order(store)
    reject = Reject(RejectSource.LOCAL, "price-collar", "too far from the book")
    (notice,) = store.refuse(order, reject, 5)
    assert (notice.kind, notice.reject, order.reject) == (NoticeKind.REJECTED, reject, reject)
    assert order.is_done


def test_resolving_an_order_that_is_done_already_is_ignored() -> None:
    store = new_store()
    finish(store, "ww-1", 1_000)
    (order,) = store.recent()
    assert store.resolve(order, OrderInput.RESOLVED_OPEN, None, 99) == []
    assert order.state is OrderState.CANCELED
