"""Conclusions from the venue's lists, and their invariants over arbitrary evidence."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.order_desk import (
    AMOUNT,
    CLIENT_ID,
    MARKET,
    PREFIX,
    PRICE,
    VenueOrder,
    new_order,
    new_store,
    typed,
)
from whitewire.protocol.control_replies import FinishedOrder
from whitewire.protocol.events import Deal
from whitewire.protocol.order_table import OrderStore
from whitewire.protocol.orders import Order, OrderInput, OrderState
from whitewire.protocol.pipeline import Request
from whitewire.protocol.reconcile import (
    QUARANTINE_NS,
    Action,
    ApplyDeal,
    AskDeals,
    CancelOrphan,
    Evidence,
    ReportForeign,
    Resolve,
    Wait,
    reconcile,
)
from whitewire.protocol.replies import OrderReply, RequestKind

LOST_NS = 100
EARLY = LOST_NS + QUARANTINE_NS - 1
LATE = LOST_NS + QUARANTINE_NS


class Case:
    """One order whose last request was lost at `LOST_NS`."""

    def __init__(self, lost: RequestKind | None = RequestKind.PLACE) -> None:
        self.store: OrderStore = new_store()
        self.venue = VenueOrder()
        self.order: Order = new_order(self.store)
        if lost is RequestKind.PLACE:
            self.lose(lost)

    def lose(self, kind: RequestKind) -> None:
        self.store.on_lost(Request(kind, (self.order,)), LOST_NS)

    def open(self, *, take: int = 0) -> Case:
        self.store.on_place_reply(self.order, self.venue.place(take=take), 10)
        return self

    def conclude(self, asked_ns: int, **evidence: Any) -> list[Action]:
        rows = Evidence(
            evidence.get("active", self.venue.active()),
            evidence.get("deals", []),
            evidence.get("order_deals", {}),
            evidence.get("finished", {}),
            asked_ns,
            evidence.get("by_client", {CLIENT_ID: []}),
        )
        return reconcile(self.store.recent(), rows, prefix=PREFIX)

    def outcome(self, asked_ns: int, **evidence: Any) -> OrderInput:
        (action,) = self.conclude(asked_ns, **evidence)
        assert isinstance(action, Resolve)
        return action.outcome


def test_a_lost_placement_in_the_active_list_rests() -> None:
    case = Case()
    case.venue.place()
    (action,) = case.conclude(EARLY)
    assert action == Resolve(case.order, OrderInput.RESOLVED_OPEN, case.venue.active()[0])


def test_absence_proves_nothing_before_the_quarantine_is_over() -> None:
    case = Case()
    assert typed(case.conclude(EARLY)) == typed([Wait(case.order, LATE)])
    assert case.outcome(LATE) is OrderInput.NEVER_ARRIVED


def test_a_lost_placement_that_filled_is_found_by_its_deals() -> None:
    case = Case()
    case.venue.place(take=AMOUNT)
    deals = case.venue.deals
    assert typed(case.conclude(EARLY, deals=deals)) == typed(
        [
            ApplyDeal(deals[0]),
            Resolve(case.order, OrderInput.RESOLVED_FILLED, None),
        ]
    )


def test_a_lost_placement_that_filled_in_part_and_ended_is_canceled_after_asking() -> None:
    case = Case()
    case.venue.place(take=4, ioc=True)
    deals, venue_id = case.venue.deals, case.venue.legs[0].venue_id
    assert typed(case.conclude(EARLY, deals=deals)[1:]) == typed([AskDeals(case.order, venue_id)])
    asked = {venue_id: deals}
    assert typed(case.conclude(EARLY, deals=deals, order_deals=asked)[1:]) == typed(
        [Wait(case.order, LATE)]
    )
    (_, action) = case.conclude(LATE, deals=deals, order_deals=asked)
    assert action == Resolve(case.order, OrderInput.RESOLVED_CANCELED, None)


def test_the_finished_list_settles_it_without_quarantine() -> None:
    case = Case(None).open()
    case.store.cancel_sent(case.order, 20)
    case.lose(RequestKind.CANCEL)
    case.venue.cancel()
    finished = case.venue.finished()
    assert case.outcome(EARLY, finished=finished) is OrderInput.RESOLVED_CANCELED
    filled = {k: FinishedOrder(k, v.amount, "FILLED") for k, v in finished.items()}
    assert case.outcome(EARLY, finished=filled) is OrderInput.RESOLVED_FILLED


def test_a_lost_cancel_of_an_order_that_still_rests_is_open() -> None:
    case = Case(None).open()
    case.store.cancel_sent(case.order, 20)
    case.lose(RequestKind.CANCEL)
    assert case.outcome(LOST_NS + 1) is OrderInput.RESOLVED_OPEN


def test_the_old_leg_of_a_lost_modify_proves_nothing_before_the_quarantine() -> None:
    case = Case(None).open()
    case.store.modify_sent(case.order, PRICE + 1, AMOUNT, 20)
    case.lose(RequestKind.MODIFY)
    assert typed(case.conclude(EARLY)) == typed([Wait(case.order, LATE)])
    assert case.outcome(LATE) is OrderInput.RESOLVED_OPEN
    case.venue.modify(PRICE + 1, AMOUNT)
    assert case.outcome(EARLY) is OrderInput.RESOLVED_OPEN


def test_of_two_active_legs_the_newer_counts() -> None:
    case = Case(None).open()
    old = case.venue.active()
    case.store.modify_sent(case.order, PRICE + 1, AMOUNT, 20)
    case.lose(RequestKind.MODIFY)
    case.venue.modify(PRICE + 1, AMOUNT)
    new = case.venue.active()
    for rows in (old + new, new + old):
        (action,) = case.conclude(EARLY, active=rows)
        assert action == Resolve(case.order, OrderInput.RESOLVED_OPEN, new[0])


def test_a_replacement_that_filled_at_once_is_measured_by_its_own_size() -> None:
    case = Case(None).open()
    case.store.modify_sent(case.order, PRICE + 1, AMOUNT + 5, 20)
    case.lose(RequestKind.MODIFY)
    case.venue.modify(PRICE + 1, AMOUNT + 5, take=AMOUNT)
    case.venue.cancel()
    deals = case.venue.deals
    assert typed(case.conclude(EARLY, deals=deals)[1:]) == typed([AskDeals(case.order, 1_007)])
    case.venue.deals.clear()
    full = VenueOrder(next_id=1_007)
    full.place(lots=AMOUNT + 5, take=AMOUNT + 5)
    (_, action) = case.conclude(EARLY, deals=full.deals, active=[])
    assert action == Resolve(case.order, OrderInput.RESOLVED_FILLED, None)


def test_a_canceled_old_leg_does_not_end_the_order_while_its_replacement_may_come() -> None:
    case = Case(None).open()
    case.store.modify_sent(case.order, PRICE + 1, AMOUNT, 20)
    case.lose(RequestKind.MODIFY)
    case.venue.cancel()
    asked: dict[int, Sequence[Deal]] = {1_000: []}
    finished = case.venue.finished()
    assert typed(case.conclude(EARLY, finished=finished, order_deals=asked)) == typed(
        [Wait(case.order, LATE)]
    )
    last = case.outcome(LATE, finished=finished, order_deals=asked)
    assert last is OrderInput.RESOLVED_CANCELED


def test_an_old_row_of_a_leg_that_is_replaced_is_not_proof_of_life() -> None:
    case = Case(None).open()
    old = case.venue.active()
    case.store.modify_sent(case.order, PRICE + 1, AMOUNT, 20)
    case.store.on_modify_reply(case.order, case.venue.modify(PRICE + 1, AMOUNT), 30)
    assert typed(case.conclude(31, active=old)) == typed([AskDeals(case.order, 1_007)])


def test_an_open_order_that_rests_as_known_needs_nothing() -> None:
    assert Case(None).open().conclude(50) == []


def test_progress_that_was_missed_is_taken_over_and_old_rows_take_nothing_back() -> None:
    case = Case(None).open()
    before = case.venue.active()
    case.venue.fill(4)
    (action,) = case.conclude(50)
    assert isinstance(action, Resolve)
    case.store.resolve(action.order, action.outcome, action.reply, 60)
    assert case.order.filled_lots == 4
    assert case.conclude(70, active=before) == []
    assert case.order.filled_lots == 4


def test_an_open_order_that_vanished_is_asked_about_then_resolved() -> None:
    case = Case(None).open()
    case.venue.cancel()
    assert typed(case.conclude(50)) == typed([AskDeals(case.order, 1_000)])
    asked: dict[int, Sequence[Deal]] = {1_000: []}
    assert typed(case.conclude(50, order_deals=asked)) == typed(
        [Wait(case.order, 10 + QUARANTINE_NS)]
    )
    last = case.outcome(10 + QUARANTINE_NS, order_deals=asked)
    assert last is OrderInput.RESOLVED_CANCELED


def test_an_absent_order_whose_fills_were_all_heard_is_filled() -> None:
    case = Case(None).open()
    case.venue.fill(AMOUNT)
    case.store.apply_deal(case.venue.deals[0])
    assert case.outcome(50) is OrderInput.RESOLVED_FILLED


def test_what_is_in_flight_or_newer_than_the_question_is_left_alone() -> None:
    case = Case(None).open()
    case.venue.cancel()
    assert case.conclude(10) == []
    case.order.in_flight = 1
    assert case.conclude(LATE) == []


def test_a_finished_order_in_the_active_list_is_canceled_unless_the_list_is_older() -> None:
    case = Case(None).open()
    rows = case.venue.active()
    case.venue.cancel()
    case.store.apply_update(case.venue.pushes[-1], 40)
    assert case.conclude(40, active=rows) == []
    assert typed(case.conclude(41, active=rows)) == typed(
        [CancelOrphan(MARKET.name, "ww-1", 1_000)]
    )
    assert case.order.state is OrderState.CANCELED


@pytest.mark.parametrize(
    ("client_id", "expected"),
    [
        ("ww-old", CancelOrphan(MARKET.name, "ww-old", 1_000)),
        ("theirs", ReportForeign(MARKET.name, "theirs", 1_000)),
        ("", ReportForeign(MARKET.name, "", 1_000)),
    ],
)
def test_strangers(client_id: str, expected: Action) -> None:
    stranger = VenueOrder(client_id=client_id)
    stranger.place()
    evidence = Evidence(stranger.active(), [], {}, {}, 5)
    assert typed(reconcile([], evidence, prefix=PREFIX)) == typed([expected])


def test_deals_are_matched_by_venue_id_when_they_carry_no_client_id_and_told_once() -> None:
    case = Case(None).open()
    case.venue.fill(4)
    nameless = [deal._replace(client_id="") for deal in case.venue.deals]
    actions = case.conclude(50, deals=nameless, order_deals={1_000: case.venue.deals})
    assert sum(isinstance(action, ApplyDeal) for action in actions) == 1
    case.store.apply_deal(case.venue.deals[0])
    actions = case.conclude(50, deals=nameless)
    assert not any(isinstance(action, ApplyDeal) for action in actions)


def test_deals_of_others_are_ignored() -> None:
    stranger = VenueOrder(client_id="theirs", next_id=77)
    stranger.place(take=3)
    case = Case(None).open()
    assert case.conclude(50, deals=stranger.deals) == []


# ---- invariants over arbitrary evidence -----------------------------------------------------


def any_case(rng: random.Random) -> tuple[Case, Evidence]:
    """An order in any reachable state, and evidence that may be old, partial or from elsewhere."""
    case = Case(None)
    if rng.random() < 0.85:
        case.open(take=rng.choice([0, 0, 0, 4]))
    moves = ["cancel", "modify", "lose", "fill", "push", "deal"]
    snapshots: list[list[OrderReply]] = [case.venue.active(), []]
    for now in range(11, 11 + rng.randint(0, 6)):
        move = rng.choice(moves)
        order, venue = case.order, case.venue
        if move == "cancel" and order.can_cancel:
            case.store.cancel_sent(order, now)
            case.store.on_cancel_reply(order, venue.cancel(), now)
        elif move == "modify" and order.can_modify:
            case.store.modify_sent(order, PRICE + 1, AMOUNT, now)
            venue.modify(PRICE + 1, AMOUNT)
        elif move == "lose" and not order.is_done:
            kind = RequestKind.MODIFY if order.is_replacement_due else RequestKind.PLACE
            case.store.on_lost(Request(kind, (order,)), now)
        elif move == "fill" and venue.live is not None:
            venue.fill(rng.randint(1, venue.live.left))
        elif move == "push" and venue.pushes:
            case.store.apply_update(rng.choice(venue.pushes), now)
        elif move == "deal" and venue.deals:
            case.store.apply_deal(rng.choice(venue.deals))
        snapshots.append(venue.active())
    case.order.in_flight = rng.choice([0, 0, 0, 1])
    legs = [leg.venue_id for leg in case.venue.legs]
    asked = {leg: case.venue.deals for leg in legs if rng.random() < 0.5}
    finished = case.venue.finished() if rng.random() < 0.5 else {}
    asked_ns = rng.choice([5, 14, 50, LATE + 50])
    deals = [deal for deal in case.venue.deals if rng.random() < 0.7]
    rows = list(case.venue.finished(keeps_canceled=rng.random() < 0.5).values())
    named = {CLIENT_ID: rows} if rng.random() < 0.7 else {}
    return case, Evidence(rng.choice(snapshots), deals, asked, finished, asked_ns, named)


@settings(deadline=None, max_examples=600)
@given(seed=st.integers(0, 2**32))
def test_invariants_hold_for_any_state_and_any_evidence(seed: int) -> None:
    case, evidence = any_case(random.Random(seed))
    order = case.order
    actions = reconcile(case.store.recent(), evidence, prefix=PREFIX)
    assert reconcile(case.store.recent(), evidence, prefix=PREFIX) == actions  # pure
    resolved = [action for action in actions if isinstance(action, Resolve)]
    assert len(resolved) <= 1
    if order.is_done or order.in_flight or order.t_changed_ns >= evidence.asked_ns:
        assert not resolved  # rules 1 and 2
    seen = {row.client_id for row in evidence.active}
    for action in resolved:
        quarantine_ns = order.t_unknown_ns if order.is_unknown else order.t_changed_ns
        is_early = evidence.asked_ns < quarantine_ns + QUARANTINE_NS
        named = evidence.by_client.get(order.client_id)
        proof = (
            named
            or evidence.finished
            or evidence.deals
            or evidence.order_deals
            or order.filled_lots
        )
        if action.outcome is OrderInput.NEVER_ARRIVED:
            assert not is_early
            assert order.current is None
            assert order.client_id not in seen
        if action.outcome is OrderInput.RESOLVED_CANCELED:
            assert not is_early or evidence.finished or named  # rules 4 and 10
        if action.outcome is OrderInput.RESOLVED_FILLED:
            assert proof  # rule 6
        if action.outcome is OrderInput.RESOLVED_OPEN:
            assert action.reply in evidence.active
    was_done, before = order.is_done, order.filled_lots
    state = order.state
    for step in actions:
        if isinstance(step, ApplyDeal):
            case.store.apply_deal(step.deal)
        elif isinstance(step, Resolve):
            case.store.resolve(step.order, step.outcome, step.reply, LATE + 99)
    assert order.filled_lots >= before  # progress only grows
    if was_done:
        assert order.state is state
    again = reconcile(case.store.recent(), evidence, prefix=PREFIX)
    assert not any(isinstance(action, ApplyDeal) for action in again)
