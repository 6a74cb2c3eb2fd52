"""Tickets, ladders and bursts on a whole gateway: what they place, and what happens in between."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.gateway_rig import MARKET as NAME
from tests.gateway_rig import Truth, config_for, gateway, live, orders_config, until
from whitewire.market import Side
from whitewire.ordering import FEWEST
from whitewire.protocol.order_transports import OrderTransport
from whitewire.protocol.orders import Order
from whitewire.venue import Venue


@live
async def test_a_ticket_places_what_limit_places(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        ticket = rig.gw.ticket(NAME, "buy")
        assert rig.gw.ticket(NAME, Side.BUY) is ticket
        seen: list[Order] = []
        rig.gw.ordering.on_placed = seen.append
        one = ticket.limit(5_950_000, 10_000, tag="one")
        two = rig.gw.limit(NAME, "buy", "59500", "0.01", tag="two")
        assert [order.state for order in seen] == ["sent", "sent"]
        assert seen == [one, two]
        assert 0 < one.t_submit_ns <= one.t_sent_ns, "written before the call returned"
        ladder = ticket.ladder([(5_940_000 - n, 10_000) for n in range(4)], tag="ladder")
        await until(lambda: all(order.is_open for order in (one, two, *ladder)))
        assert [order.tag for order in (one, two, *ladder)] == ["one", "two", *["ladder"] * 4]
        assert (one.price, one.amount, one.flags) == (two.price, two.amount, two.flags)
        assert rig.gw.counts["bursts-pipelined"] == 3
        assert len(truth.quotes()) == 5
        off_grid = ticket.limit(5_950_000, 10**12)
        await until(lambda: off_grid.is_done)
        assert off_grid.state == "rejected"


@live
async def test_what_may_not_leave_at_once_goes_step_by_step(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        gw = rig.gw
        ticket = gw.ticket(NAME, "buy")
        gw.engine.allowance.set_nonces(1, 0, 0)
        gw.allowance._reserve = lambda epoch_ms: None  # type: ignore[method-assign]
        orders = [ticket.limit(5_950_000, 10_000), *ticket.ladder([(5_940_000, 10_000)] * 3)]
        await until(lambda: all(order.is_open for order in orders))
        gw.clock.is_safe = False
        unsafe = ticket.limit(5_950_000, 10_000)
        await until(lambda: unsafe.is_done)
        assert unsafe.reject is not None
        assert unsafe.reject.code == "clock"
        gw.clock.is_safe = True
        assert len(truth.orders()) == 4


@live
async def test_a_burst_obeys_throttle_and_gate_leg_by_leg(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, orders=orders_config(in_flight=30))
    async with gateway(venue, config=config, truth=truth) as rig:
        placed: list[Order] = []
        rig.gw.ordering.on_placed = placed.append
        quotes = rig.gw.quote(
            NAME,
            bids=[(60_000 - n, "0.01" if n % 5 else "0.00001") for n in range(25)],
            asks=[],
            mode="pipelined",
        )
        await until(lambda: quotes.all_acked)
        refused = [order for order in quotes.orders if order.reject]
        assert [order.price for order in refused] == [60_000 - n for n in range(0, 25, 5)]
        assert {order.reject.code for order in refused if order.reject} == {"notional-too-small"}
        assert len(truth.orders()) == rig.gw.counts["sent"] == 20
        assert placed == [order for order in quotes.orders if not order.reject]
        ids = [order.client_id for order in quotes.orders]
        assert ids == sorted(ids), "numbered in their order"


@pytest.mark.parametrize("connections", [2, 12])
@live
async def test_legs_with_a_lane_each_leave_early_and_others_with_one_write_for_each_lane(
    venue: Venue, truth: Truth, connections: int
) -> None:
    config = config_for(venue, orders=orders_config(connections=connections, in_flight=30))
    async with gateway(venue, config=config, truth=truth) as rig:
        quotes = rig.gw.quote(NAME, [(60_000 - n, "0.01") for n in range(12)], [])
        sent = [order.t_sent_ns for order in quotes.orders]
        carriers = {order.carrier for order in quotes.orders}
        assert (len(carriers), len(set(sent))) == (connections, connections)
        last_made_ns = quotes.orders[-1].t_submit_ns
        assert sum(ns < last_made_ns for ns in sent) == (8 if connections == 12 else 0)
        await until(lambda: quotes.all_acked)
        assert truth.quotes() == {("buy", Decimal(60_000 - n), Decimal("0.01")) for n in range(12)}


@live
async def test_fewer_legs_than_are_signed_together_leave_one_by_one(
    venue: Venue, truth: Truth
) -> None:
    config = config_for(venue, orders=orders_config(connections=1, in_flight=30))
    async with gateway(venue, config=config, truth=truth) as rig:
        for legs in (FEWEST - 1, FEWEST):
            quotes = rig.gw.quote(NAME, [(60_000 - n, "0.01") for n in range(legs)], [])
            writes = len({order.t_sent_ns for order in quotes.orders})
            assert writes == (1 if legs == FEWEST else legs)
            await until(lambda quotes=quotes: quotes.all_acked)


@live
async def test_what_a_full_socket_sets_off_finds_every_leg_on_its_lane(
    venue: Venue, truth: Truth
) -> None:
    config = config_for(venue, orders=orders_config(connections=8, in_flight=30))
    async with gateway(venue, config=config, truth=truth) as rig:
        gw, more = rig.gw, list[Order]()
        follow_up = gw.ordering._follow_up

        def is_full(order: Order, transport: Any, departure: Any) -> None:
            gw.ordering._follow_up = follow_up  # type: ignore[method-assign]
            more.extend(gw.quote(NAME, [(50_000 - n, "0.01") for n in range(4)], []).orders)
            follow_up(order, transport, departure)

        gw.ordering._follow_up = is_full  # type: ignore[method-assign]
        quotes = gw.quote(NAME, [(60_000 - n, "0.01") for n in range(8)], [])
        await until(lambda: quotes.all_acked and len(more) == 4 and all(o.t_ack_ns for o in more))
        assert [order.reject for order in (*quotes.orders, *more)] == [None] * 12
        prices = [*range(60_000, 59_992, -1), *range(50_000, 49_996, -1)]
        assert truth.quotes() == {("buy", Decimal(price), Decimal("0.01")) for price in prices}


@live
async def test_a_lane_hears_of_its_full_socket_after_the_order_is_booked(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        lane = rig.gw.entry.lanes[0]
        order = rig.gw.limit(NAME, "buy", "59500", "0.01")
        assert lane.connection is not None
        told: list[tuple[bool, int]] = []
        lane.on_writable = lambda writable: told.append(  # type: ignore[method-assign]
            (writable, lane.pipeline.in_flight)
        )
        lane.connection.pause_writing()
        assert told == [(False, 1)], "nothing is being booked: it is told at once"
        lane.connection.resume_writing()
        departure = (order.client_id, 1, 700, lane, 1, 1)
        rig.gw.ordering._follow_up(order, OrderTransport.PIPELINED, departure)
        assert len(told) == 2
        lane.connection.pause_writing()
        rig.gw.ordering._follow_up(order, OrderTransport.PIPELINED, departure)
        assert told[2:] == [(False, 1), (False, 1)]
        lane.connection.resume_writing()
        await until(lambda: order.is_open)
