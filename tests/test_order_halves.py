"""Every half of a modify, in every order and with every loss: the order is the venue's in the end.

A modify tells three things: its answer, event 3 of the old id and event 1 (or, filled at once, only
event 3) of the new one. Here any of them may be missing, come twice, or before the others.
"""

from __future__ import annotations

import itertools

import pytest

from tests.order_desk import AMOUNT, PREFIX, PRICE, VenueOrder, new_order, new_store
from whitewire.protocol.events import Deal
from whitewire.protocol.order_table import Foreign, OrderStore
from whitewire.protocol.orders import NoticeKind, Order, OrderState
from whitewire.protocol.pipeline import Request
from whitewire.protocol.reconcile import (
    QUARANTINE_NS,
    ApplyDeal,
    AskDeals,
    Evidence,
    Resolve,
    reconcile,
)
from whitewire.protocol.replies import Ack, RequestKind

HALVES = ("answer", "old", "new")
ORDERS = [
    order for size in range(4) for kept in itertools.combinations(HALVES, size)
    for order in itertools.permutations(kept)
]  # fmt: skip


def modified(take: int) -> tuple[OrderStore, Order, VenueOrder, Ack]:
    """A resting order whose modify was executed, and of which nothing has been heard yet."""
    store, venue = new_store(), VenueOrder()
    order = new_order(store)
    store.on_place_reply(order, venue.place(), 10)
    store.apply_update(venue.pushes[0], 11)
    store.modify_sent(order, PRICE + 5, AMOUNT + 2, 20)
    answer = venue.modify(PRICE + 5, AMOUNT + 2, take=take)
    assert isinstance(answer, Ack)
    return store, order, venue, answer


def ask(store: OrderStore, venue: VenueOrder, asked_ns: int) -> None:
    """The venue's lists, applied."""
    asked: dict[int, list[Deal]] = {}
    for _ in range(3):
        evidence = Evidence(venue.active(), venue.deals, asked, venue.finished(), asked_ns)
        actions = reconcile(store.recent(), evidence, prefix=PREFIX)
        questions = [action for action in actions if isinstance(action, AskDeals)]
        for question in questions:
            asked[question.venue_id] = list(venue.deals)
        if not questions:
            break
    for action in actions:
        if isinstance(action, ApplyDeal):
            store.apply_deal(action.deal)
        else:
            assert isinstance(action, Resolve)
            store.resolve(action.order, action.outcome, action.reply, asked_ns)


@pytest.mark.parametrize("is_repeated", [False, True])
@pytest.mark.parametrize("take", [0, 4, AMOUNT + 2])
@pytest.mark.parametrize("heard", ORDERS)
def test_the_halves_of_a_modify(heard: tuple[str, ...], take: int, is_repeated: bool) -> None:
    store, order, venue, answer = modified(take)
    assert [push.event for push in venue.pushes] == [1, 3, 3 if take == AMOUNT + 2 else 1]
    told = []
    for half in [*heard, *heard] if is_repeated else heard:
        if half == "answer":
            told += store.on_modify_reply(order, answer, 30)
        else:
            told += store.apply_update(venue.pushes[1 if half == "old" else 2], 30)
    if "answer" not in heard:
        told += store.on_lost(Request(RequestKind.MODIFY, (order,)), 40)
    ask(store, venue, 50 + 2 * QUARANTINE_NS)
    leg = venue.legs[-1]
    is_filled = take == AMOUNT + 2
    assert order.state is (OrderState.FILLED if is_filled else OrderState.OPEN)
    assert (order.filled_lots, len(venue.deals)) == (take, 1 if take else 0)
    assert store.illegal == 0
    kinds = [notice.kind for notice in told if not isinstance(notice, Foreign)]
    assert kinds.count(NoticeKind.REPLACED) <= 1
    assert NoticeKind.CANCELED not in kinds
    if not is_filled:
        assert (order.venue_id, order.price_ticks, order.left_lots) == (
            leg.venue_id,
            PRICE + 5,
            AMOUNT + 2 - take,
        )


def test_the_second_event_1_of_somebody_elses_stop_is_no_second_order() -> None:
    store = new_store()
    stop = VenueOrder(client_id="theirs")
    stop.place()
    waiting = stop.pushes[0]._replace(order_type=3)
    for push in (waiting, waiting._replace(mtime_ns=9)):
        (notice,) = store.apply_update(push, 10)
        assert isinstance(notice, Foreign)
        assert (notice.is_orphan, notice.is_live) == (False, True)
    assert store.open_orders() == []
