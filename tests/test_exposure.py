"""What an order may still do: never less than the venue may do with it, and the core's own sums."""

from __future__ import annotations

import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core_feed import NO_LIMITS, new_engine
from tests.order_desk import AMOUNT, MARKET, PRICE, VenueOrder, new_order, new_store
from tests.order_world import World
from whitewire.market import Side
from whitewire.protocol.exposure import Exposure, exposure_of, sums_of
from whitewire.protocol.orders import Fill, Order, Reject, RejectSource


def booked(order: Order) -> int:
    """Lots of the deals that were told."""
    legs = [*order.legs, *([order.past] if order.past is not None else [])]
    return sum(leg.fill_lots for leg in legs)


@settings(deadline=None, max_examples=600)
@example(seed=193345, steps=12)  # canceled while an old leg's fills were untold
@given(seed=st.integers(0, 2**64 - 1), steps=st.integers(0, 60))
def test_nothing_that_the_venue_may_do_is_missed(seed: int, steps: int) -> None:
    world = World(random.Random(seed))
    for _ in range(steps):
        world.step()
        live = world.venue.live
        possible = world.venue.dealt + (live.left if live is not None else 0)
        assert booked(world.order) + exposure_of(world.order).lots >= possible
    world.settle()
    world.reconcile(keeps_canceled=True)
    live = world.venue.live
    left = live.left if live is not None else 0
    if world.order.is_done:
        assert exposure_of(world.order) == Exposure(0, 0, world.order.price_ticks, False)
    else:
        assert exposure_of(world.order).lots >= left


@settings(deadline=None, max_examples=200)
@given(seed=st.integers(0, 2**64 - 1))
def test_the_core_keeps_the_sums_of_the_table(seed: int) -> None:
    """The core is told of each change; the twin counts the whole table anew."""
    engine = new_engine()
    engine.add_market(MARKET.name, 2, 6, 100, NO_LIMITS)
    core, fills = engine.guard, 0
    world = World(random.Random(seed))
    numbers: dict[str, int] = {}

    def report(order: Order) -> None:
        number = numbers.setdefault(order.client_id, len(numbers) + 1)
        is_sell = order.side is Side.SELL
        core.set_order(0, is_sell, number, *exposure_of(order))

    world.store.changed = report
    others = [
        new_order(world.store, f"ww-other-{n}", side=side, ticks=PRICE + n, lots=AMOUNT + n)
        for n, side in enumerate([Side.BUY, Side.SELL, Side.SELL])
    ]
    for order in (world.order, *others):
        report(order)
    for step in range(40):
        told = len(world.told)
        world.step()
        if step % 15 == 7 and others:
            refusal = Reject(RejectSource.VENUE, "no-funds")
            world.store.refuse(others.pop(), refusal, world.now_ns)
        for fill in world.told[told:]:
            if isinstance(fill, Fill):
                fills += fill.amount_lots
                core.on_fill(0, False, fill.price_ticks, fill.amount_lots, 0, 1, world.now_ns)
        buys, sells, position, _ = core.sums(0)
        orders = world.store.recent()
        assert buys == sums_of(orders, MARKET.name, Side.BUY)
        assert sells == sums_of(orders, MARKET.name, Side.SELL)
        assert position == fills == booked(world.order)


def test_a_modify_in_flight_counts_twice_its_lots_and_once_its_money() -> None:
    store, venue = new_store(), VenueOrder()
    order = new_order(store)
    store.on_place_reply(order, venue.place(), 2)
    assert exposure_of(order) == Exposure(AMOUNT, PRICE * AMOUNT, PRICE, True)
    store.modify_sent(order, PRICE + 5, 3, 3)
    assert exposure_of(order) == Exposure(AMOUNT + 3, PRICE * AMOUNT, PRICE + 5, True)
    venue.fill(2)
    ack = venue.modify(PRICE + 5, 3)
    store.on_modify_reply(order, ack, 4)
    assert exposure_of(order) == Exposure(AMOUNT + 3, (PRICE + 5) * 3, PRICE + 5, True), "untold"
    for push in venue.pushes:
        store.apply_update(push, 5)
    assert exposure_of(order).lots == 2 + 3, "two were filled, and their deals are to come"
    store.apply_deal(venue.deals[0])
    assert exposure_of(order) == Exposure(3, (PRICE + 5) * 3, PRICE + 5, True)


def test_an_old_leg_whose_end_is_never_told_counts_until_the_venue_was_asked() -> None:
    told: list[int] = []
    store, venue = new_store(), VenueOrder()
    order = new_order(store)
    store.on_place_reply(order, venue.place(), 2)
    store.modify_sent(order, PRICE + 5, 3, 3)
    store.on_modify_reply(order, venue.modify(PRICE + 5, 3), 4)
    store.on_cancel_reply(order, venue.cancel(), 5)
    assert order.is_done
    assert exposure_of(order).lots == AMOUNT, "the first leg may have been filled"
    store.changed = lambda changed: told.append(exposure_of(changed).lots)
    store.forget_old_legs(store.old_legs())
    store.forget_old_legs(store.old_legs())
    assert told == [0]


def test_a_fill_is_its_orders_until_it_is_booked() -> None:
    store, venue = new_store(), VenueOrder()
    order = new_order(store)
    store.on_place_reply(order, venue.place(take=AMOUNT), 2)
    assert order.is_done
    assert exposure_of(order) == Exposure(AMOUNT, 0, PRICE, False)
    store.apply_deal(venue.deals[0])
    assert exposure_of(order) == Exposure(0, 0, PRICE, False)
