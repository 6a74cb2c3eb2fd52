"""Desired quotes against live orders."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.order_desk import MARKET, NOT_FOUND, WOULD_TAKE, VenueOrder, new_store, typed
from whitewire.market import Side
from whitewire.protocol.order_table import OrderStore
from whitewire.protocol.orders import Order, OrderState
from whitewire.protocol.pipeline import Request
from whitewire.protocol.quotes import (
    Action,
    Cancel,
    Drop,
    Keep,
    Level,
    Modify,
    Place,
    Slots,
    diff,
    settle,
)
from whitewire.protocol.replies import Refused, RequestKind


class Desk:
    """Performs actions as a gateway does, on a venue that answers when told to."""

    def __init__(self) -> None:
        self.store: OrderStore = new_store()
        self.slots = Slots()
        self.venues: dict[str, VenueOrder] = {}
        self.count = 0

    def want(
        self, bids: Sequence[Level], asks: Sequence[Level], tolerance: int = 0
    ) -> list[Action]:
        return self.perform(diff(self.slots, bids, asks, tolerance))

    def settle(self, tolerance: int = 0) -> list[Action]:
        return self.perform(settle(self.slots, tolerance))

    def perform(self, actions: list[Action]) -> list[Action]:
        for action in actions:
            if isinstance(action, Place):
                self.count += 1
                name = f"ww-{self.count}"
                ticks, lots = action.level
                side = action.slot.side
                action.slot.order = self.store.create(MARKET, side, ticks, lots, name, 1)
                self.venues[name] = VenueOrder(name, side, next_id=1_000 * self.count)
            elif isinstance(action, Modify):
                order = self.order(action.slot)
                self.store.modify_sent(order, *action.level, 1)
            elif isinstance(action, Cancel):
                self.store.cancel_sent(self.order(action.slot), 1)
        return actions

    def order(self, slot: object) -> Order:
        order = slot.order  # type: ignore[attr-defined]
        assert isinstance(order, Order)
        return order

    def answer(self, order: Order) -> None:
        """The venue does what the order waits for, and says so."""
        venue = self.venues[order.client_id]
        if order.state is OrderState.SENT:
            reply = venue.place(order.price_ticks, order.amount_lots)
            self.store.on_place_reply(order, reply, 2)
        elif order.state is OrderState.MODIFYING:
            modified = venue.modify(order.target_ticks, order.target_lots)
            self.store.on_modify_reply(order, modified, 2)
        elif order.state is OrderState.CANCELING:
            if not venue.legs:
                venue.place(order.price_ticks, order.amount_lots)
            self.store.on_cancel_reply(order, venue.cancel(), 2)

    def answer_all(self) -> None:
        for order in self.store.open_orders():
            self.answer(order)

    def live(self) -> tuple[list[Level], list[Level]]:
        bids, asks = (
            [
                Level(order.price_ticks, order.amount_lots)
                for slot in side
                if (order := slot.live) is not None
            ]
            for side in (self.slots.bids, self.slots.asks)
        )
        return bids, asks


def quoted(bids: Sequence[Level], asks: Sequence[Level]) -> Desk:
    """A desk whose quotes rest."""
    desk = Desk()
    desk.want(bids, asks)
    desk.answer_all()
    return desk


BIDS = [Level(100, 5), Level(99, 6)]
ASKS = [Level(102, 5), Level(103, 6)]


def kinds(actions: Sequence[Action]) -> list[type[Action]]:
    return [type(action) for action in actions]


def test_empty_slots_are_placed() -> None:
    desk = Desk()
    assert kinds(desk.want(BIDS, ASKS)) == [Place] * 4
    desk.answer_all()
    assert desk.live() == (BIDS, ASKS)


def test_the_same_wish_sends_nothing() -> None:
    desk = quoted(BIDS, ASKS)
    assert typed(desk.want(BIDS, ASKS)) == typed(
        [Keep(slot, "same") for slot in (*desk.slots.bids, *desk.slots.asks)]
    )


@pytest.mark.parametrize(("move", "kept"), [(0, True), (2, True), (-2, True), (3, False)])
def test_a_price_within_the_tolerance_stays(move: int, kept: bool) -> None:
    desk = quoted([Level(100, 5)], [])
    (action,) = desk.want([Level(100 + move, 5)], [], tolerance=2)
    assert isinstance(action, Keep if kept else Modify)


def test_another_size_is_modified_even_within_the_tolerance() -> None:
    desk = quoted([Level(100, 5)], [])
    assert kinds(desk.want([Level(100, 6)], [], tolerance=2)) == [Modify]


def test_a_partial_fill_alone_sends_nothing() -> None:
    desk = quoted([Level(100, 5)], [])
    order = desk.order(desk.slots.bids[0])
    desk.venues[order.client_id].fill(2)
    desk.store.apply_update(desk.venues[order.client_id].pushes[-1], 3)
    assert kinds(desk.want([Level(100, 5)], [])) == [Keep]


def test_a_moved_quote_is_one_modify() -> None:
    desk = quoted(BIDS, ASKS)
    assert kinds(desk.want([Level(101, 5), BIDS[1]], ASKS)) == [Modify, Keep, Keep, Keep]
    desk.answer_all()
    assert desk.live()[0] == [Level(101, 5), BIDS[1]]


def test_surplus_is_canceled_first() -> None:
    desk = quoted(BIDS, ASKS)
    actions = desk.want([Level(101, 5)], [])
    assert kinds(actions) == [Cancel, Cancel, Cancel, Modify]


@pytest.mark.parametrize("busy", [OrderState.SENT, OrderState.MODIFYING])
def test_a_pull_does_not_wait_for_what_is_in_flight(busy: OrderState) -> None:
    desk = Desk()
    desk.want([Level(100, 5)], [])
    if busy is OrderState.MODIFYING:
        desk.answer_all()
        desk.want([Level(101, 5)], [])
    assert kinds(desk.want([], [])) == [Cancel]
    assert typed(desk.want([], [])) == typed([Keep(desk.slots.bids[0], "waits")])


def test_a_busy_slot_remembers_the_newest_wish() -> None:
    desk = Desk()
    desk.want([Level(100, 5)], [])
    for ticks in (101, 102, 103):
        assert kinds(desk.want([Level(ticks, 5)], [])) == [Keep]
    assert kinds(desk.settle()) == [Keep]
    desk.answer_all()
    assert typed(desk.settle()) == typed([Modify(desk.slots.bids[0], Level(103, 5))])
    desk.answer_all()
    assert desk.settle() == []
    assert desk.live()[0] == [Level(103, 5)]


def test_a_settled_slot_that_already_fits_is_kept() -> None:
    desk = Desk()
    desk.want([Level(100, 5)], [])
    desk.want([Level(101, 5)], [])
    desk.want([Level(100, 5)], [])
    desk.answer_all()
    assert typed(desk.settle()) == typed([Keep(desk.slots.bids[0], "same")])


def test_a_request_in_flight_makes_even_an_open_order_busy() -> None:
    desk = quoted([Level(100, 5)], [])
    order = desk.order(desk.slots.bids[0])
    order.in_flight = 1
    assert typed(desk.want([Level(101, 5)], [])) == typed([Keep(desk.slots.bids[0], "waits")])
    order.in_flight = 0
    assert kinds(desk.settle()) == [Modify]


def test_an_unknown_order_keeps_its_slot() -> None:
    desk = Desk()
    desk.want([Level(100, 5)], [])
    order = desk.order(desk.slots.bids[0])
    desk.store.on_lost(Request(RequestKind.PLACE, (order,)), 5)
    assert kinds(desk.want([Level(100, 5)], [])) == [Keep]
    assert kinds(desk.want([], [])) == [Keep]


def test_a_refused_quote_is_not_repeated_by_itself() -> None:
    desk = Desk()
    desk.want([Level(100, 5)], [])
    desk.store.on_place_reply(desk.order(desk.slots.bids[0]), WOULD_TAKE, 2)
    assert desk.settle() == []
    assert kinds(desk.want([Level(100, 5)], [])) == [Place]


def test_a_wish_for_a_slot_whose_order_ends_is_placed_then() -> None:
    desk = quoted([Level(100, 5)], [])
    desk.want([], [])
    desk.want([Level(99, 5)], [])
    desk.answer_all()
    assert kinds(desk.settle()) == [Place]


def test_a_cancel_that_failed_is_tried_again() -> None:
    desk = quoted([Level(100, 5)], [])
    desk.want([], [])
    desk.want([], [])
    order = desk.order(desk.slots.bids[0])
    untouched = Refused(NOT_FOUND.reject.__class__(NOT_FOUND.reject.source, "x", untouched=True))
    desk.store.on_cancel_reply(order, untouched, 3)
    assert kinds(desk.settle()) == [Cancel]


@pytest.mark.parametrize("ticks", [102, 103])
def test_a_bid_that_reaches_our_own_wished_ask_is_dropped_and_its_order_pulled(ticks: int) -> None:
    desk = quoted(BIDS, ASKS)
    actions = desk.want([Level(ticks, 5), BIDS[1]], ASKS)
    assert kinds(actions) == [Cancel, Keep, Keep, Keep, Drop]
    (drop,) = [action for action in actions if isinstance(action, Drop)]
    assert (drop.slot, drop.level) == (desk.slots.bids[0], Level(ticks, 5))
    assert drop.reason


def test_moving_up_past_our_own_ask_lets_the_ask_go_first() -> None:
    desk = quoted([Level(100, 5)], [Level(102, 5)])
    actions = desk.want([Level(104, 5)], [Level(106, 5)])
    assert typed(actions) == typed(
        [
            Keep(desk.slots.bids[0], "waits"),
            Modify(desk.slots.asks[0], Level(106, 5)),
        ]
    )
    assert kinds(desk.settle()) == [Keep]
    desk.answer_all()
    assert typed(desk.settle()) == typed([Modify(desk.slots.bids[0], Level(104, 5))])
    desk.answer_all()
    assert desk.live() == ([Level(104, 5)], [Level(106, 5)])


def test_moving_down_past_our_own_bid_lets_the_bid_go_first() -> None:
    desk = quoted([Level(100, 5)], [Level(102, 5)])
    actions = desk.want([Level(96, 5)], [Level(98, 5)])
    assert kinds(actions) == [Modify, Keep]
    desk.answer_all()
    assert typed(desk.settle()) == typed([Modify(desk.slots.asks[0], Level(98, 5))])


def test_the_tolerance_ends_where_it_would_block_the_other_side() -> None:
    desk = quoted([Level(103, 5)], [Level(107, 5)])
    actions = desk.want([Level(102, 5)], [Level(103, 5)], tolerance=2)
    assert kinds(actions) == [Modify, Keep]
    desk.answer_all()
    assert kinds(desk.settle(2)) == [Modify]
    desk.answer_all()
    assert desk.live() == ([Level(102, 5)], [Level(103, 5)])


def test_a_slot_is_found_by_its_order() -> None:
    desk = quoted(BIDS, ASKS)
    slot = desk.slots.asks[1]
    assert desk.slots.of(desk.order(slot)) is slot
    assert (slot.side, slot.index) == (Side.SELL, 1)
    stranger = desk.store.create(MARKET, Side.BUY, 1, 1, "ww-x", 1)
    assert desk.slots.of(stranger) is None


def some_levels(rng: random.Random, side: Side, mid: int) -> list[Level]:
    step = -1 if side is Side.BUY else 1
    count, first = rng.randint(0, 3), mid + step * rng.randint(1, 3)
    return [Level(first + step * i, rng.randint(1, 3)) for i in range(count)]


@settings(deadline=None, max_examples=1_000)
@given(seed=st.integers(0, 2**32), tolerance=st.integers(0, 2))
def test_whatever_happens_slots_are_exclusive_never_cross_and_converge(
    seed: int, tolerance: int
) -> None:
    rng, desk = random.Random(seed), Desk()

    def check(actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Place | Modify):
                other = desk.slots.asks if action.slot.side is Side.BUY else desk.slots.bids
                sign = 1 if action.slot.side is Side.BUY else -1
                for order in filter(None, (slot.live for slot in other)):
                    for ticks in (order.price_ticks, order.target_ticks):
                        assert sign * action.level.price_ticks < sign * ticks
            if isinstance(action, Place):
                assert action.slot.live is None
            elif isinstance(action, Modify):
                assert desk.order(action.slot).can_modify
            elif isinstance(action, Cancel):
                assert desk.order(action.slot).can_cancel

    def act(actions: list[Action]) -> None:
        check(actions)
        desk.perform(actions)

    bids: list[Level] = []
    asks: list[Level] = []
    for _ in range(rng.randint(1, 30)):
        live = desk.store.open_orders()
        move = rng.choice(["want", "want", "answer", "answer", "answer", "fill", "end"])
        if move == "want":
            mid = rng.randint(95, 105)
            bids, asks = some_levels(rng, Side.BUY, mid), some_levels(rng, Side.SELL, mid)
            act(diff(desk.slots, bids, asks, tolerance))
        elif live:
            order = rng.choice(live)
            venue = desk.venues[order.client_id]
            if move == "answer":
                desk.answer(order)
            elif order.state is OrderState.OPEN:
                venue.fill(venue.legs[-1].left) if move == "fill" else venue.cancel()
                desk.store.apply_update(venue.pushes[-1], 3)
            act(settle(desk.slots, tolerance))
    act(diff(desk.slots, bids, asks, tolerance))
    for _ in range(8):
        desk.answer_all()
        act(settle(desk.slots, tolerance))
    live_bids, live_asks = desk.live()
    for have, want in ((live_bids, bids), (live_asks, asks)):
        assert len(have) == len(want)
        for one, other in zip(have, want, strict=True):
            assert abs(one.price_ticks - other.price_ticks) <= tolerance
            assert one.amount_lots == other.amount_lots
    assert desk.store.illegal == 0
