"""Rule 10 of reconcile: an Unknown placement without a leg is asked for by its client id."""

from __future__ import annotations

from tests.order_desk import AMOUNT, CLIENT_ID, typed
from tests.test_reconcile import EARLY, LATE, LOST_NS, Case
from whitewire.protocol.deadlines import ASK_NS
from whitewire.protocol.orders import OrderInput, OrderState
from whitewire.protocol.reconcile import ApplyDeal, AskClient, AskDeals, Resolve, Wait


def test_a_lost_placement_is_asked_for_by_its_name_a_second_after_the_doubt() -> None:
    case = Case()
    assert typed(case.conclude(LOST_NS + ASK_NS - 1, by_client={})) == typed(
        [Wait(case.order, LATE)]
    )
    for asked_ns in (LOST_NS + ASK_NS, LATE):
        assert case.conclude(asked_ns, by_client={}) == [AskClient(case.order)]


def test_a_lost_placement_that_a_lost_cancel_ended_is_canceled_by_its_finished_row() -> None:
    case = Case()
    case.venue.place()
    case.venue.cancel()
    rows = list(case.venue.finished().values())
    (action,) = case.conclude(LOST_NS + ASK_NS, by_client={CLIENT_ID: rows})
    assert isinstance(action, Resolve)
    assert action.outcome is OrderInput.RESOLVED_CANCELED
    case.store.resolve(action.order, action.outcome, action.reply, LATE)
    assert (case.order.state, case.order.venue_id) == (OrderState.CANCELED, rows[0].venue_id)
    # where the history keeps no canceled orders, nothing tells it from one that never came
    assert Case().outcome(LATE, by_client={CLIENT_ID: []}) is OrderInput.NEVER_ARRIVED


def test_a_finished_row_that_traded_is_asked_for_its_deals_first() -> None:
    case = Case()
    case.venue.place(take=4, ioc=True)
    rows, deals = list(case.venue.finished().values()), case.venue.deals
    assert case.conclude(EARLY, by_client={CLIENT_ID: rows}) == [
        AskDeals(case.order, rows[0].venue_id)
    ]
    answers = {"order_deals": {rows[0].venue_id: deals}, "finished": case.venue.finished()}
    actions = case.conclude(EARLY, by_client={CLIENT_ID: rows}, **answers)
    assert [type(action) for action in actions] == [ApplyDeal, Resolve]


def test_a_lost_placement_that_filled_at_once_is_filled_by_its_finished_row() -> None:
    case = Case()
    case.venue.place(take=AMOUNT)
    rows, deals = list(case.venue.finished().values()), case.venue.deals
    (ask,) = case.conclude(EARLY, by_client={CLIENT_ID: rows})
    assert ask == AskDeals(case.order, rows[0].venue_id)
    actions = case.conclude(
        EARLY, by_client={CLIENT_ID: rows}, order_deals={rows[0].venue_id: deals}
    )
    assert [type(action) for action in actions] == [ApplyDeal, Resolve]
    assert isinstance(actions[1], Resolve)
    assert actions[1].outcome is OrderInput.RESOLVED_FILLED
