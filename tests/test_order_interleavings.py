"""No interleaving of true facts misleads: the order table against a whole seeded world."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.order_questions import AskingWorld
from tests.order_world import World
from whitewire.protocol.events import Deal, OrderUpdate
from whitewire.protocol.order_table import NoticeKind, OrderNotice
from whitewire.protocol.orders import Fill, OrderState

Kind = NoticeKind


@settings(deadline=None, max_examples=1_500)
@given(seed=st.integers(0, 2**64 - 1), steps=st.integers(0, 40))
def test_any_interleaving_ends_in_the_venues_own_state(seed: int, steps: int) -> None:
    world = World(random.Random(seed))
    for _ in range(steps):
        world.step()
    check(world, seed)


@settings(deadline=None, max_examples=1_500)
@given(seed=st.integers(0, 2**64 - 1), steps=st.integers(0, 60))
def test_answers_to_questions_mislead_no_more_than_anything_else(seed: int, steps: int) -> None:
    """Answers come late, private events wait for them or do not."""
    world = AskingWorld(random.Random(seed))
    for _ in range(steps):
        world.step()
    check(world, seed)


def check(world: World, seed: int) -> None:
    """Let everything arrive and compare with the venue."""
    is_lossy = seed % 3 == 0
    world.settle(is_lossy=is_lossy)
    order, venue = world.order, world.venue
    if order.state is not OrderState.UNKNOWN and not is_lossy:
        assert order.state is world.truth
    keeps_canceled = seed % 2 == 0
    world.reconcile(keeps_canceled=keeps_canceled)
    # A B2B account keeps no canceled orders: only there one can come and go without a trace.
    left_no_trace = (
        is_lossy
        and not keeps_canceled
        and not order.legs
        and not venue.deals
        and venue.live is None
    )
    assert order.state is (OrderState.REJECTED if left_no_trace else world.truth)
    # No fill is missed, none is told twice, and what is told adds up.
    fills = [notice for notice in world.told if isinstance(notice, Fill)]
    assert len({(fill.deal_id, fill.venue_id) for fill in fills}) == len(fills)
    assert {fill.deal_id for fill in fills} == {deal.deal_id for deal in venue.deals}
    assert order.filled_lots == venue.dealt
    assert order.avg_price is None or venue.dealt > 0
    # A true history contradicts nothing, and is told consistently.
    notices = [notice for notice in world.told if isinstance(notice, OrderNotice)]
    kinds = [notice.kind for notice in notices]
    assert NoticeKind.ILLEGAL not in kinds
    assert world.store.illegal == 0
    final = [k for k in kinds if k in (Kind.FILLED, Kind.CANCELED, Kind.REJECTED)]
    assert len(final) == order.is_done
    doubts = [k for k in kinds if k in (Kind.UNKNOWN, Kind.RESOLVED)]
    assert doubts == [Kind.UNKNOWN, Kind.RESOLVED] * (len(doubts) // 2)
    assert kinds.count(Kind.REPLACED) == max(len(order.legs) - 1, 0)
    assert kinds.count(Kind.OPENED) <= 1
    if order.state is OrderState.OPEN:
        assert order.left_lots == venue.legs[-1].left
        assert order.price_ticks == venue.legs[-1].ticks


@settings(deadline=None, max_examples=200)
@given(seed=st.integers(0, 2**64 - 1))
def test_repeating_the_whole_history_changes_nothing(seed: int) -> None:
    world = World(random.Random(seed))
    for _ in range(20):
        world.step()
    world.settle()
    world.reconcile(keeps_canceled=True)
    state, filled, told = world.order.state, world.order.filled_lots, len(world.told)
    events: list[OrderUpdate | Deal] = [*world.venue.pushes, *world.venue.deals]
    for event in world.rng.sample(events, len(events)):
        world.apply(event)
    assert (world.order.state, world.order.filled_lots) == (state, filled)
    assert len(world.told) == told
