"""Placements signed together are what they would have been one by one: bytes, lanes, refusals."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway_rig import MARKET as NAME
from tests.gateway_rig import Truth, config_for, gateway, live, orders_config, until
from tests.order_desk import MARKET, new_order, new_store
from tests.scripted_peer import read_request, scripted
from tests.test_link import Nobody
from tests.test_presigning import keyed_engine
from whitewire import _core
from whitewire._bridge import Burst, OrderConnection, Path
from whitewire.bursting import FEWEST, NO_ROOM, Bursting, Leg
from whitewire.gateway import Gateway
from whitewire.market import Side
from whitewire.protocol.order_flags import Flags
from whitewire.protocol.orders import Order
from whitewire.protocol.pipeline import Pipeline, Pool, Request
from whitewire.protocol.replies import RequestKind
from whitewire.transport.link import Address, connect, tls_context
from whitewire.venue import Venue

NONCE = 1_785_730_136_175
BUY = Flags.of(Side.BUY, True, False, False, "cn")
SELL = Flags.of(Side.SELL, True, False, False, "cn")
# (flags, ticks, lots); the last two would cross, or are nothing at all
KINDS = [(BUY, 5_999_900, 10_000), (SELL, 6_000_200, 7), (BUY, 6_100_000, 10), (SELL, 6_000_300, 0)]


def trading_engine() -> _core.Engine:
    """An engine whose gate is open, at 60000 to 60001."""
    engine = keyed_engine()
    book = {"timestamp": 1.5, "update_id": 1, "event_time": 1.6}
    book |= {"asks": [["60001", "1"]], "bids": [["60000", "1"]]}
    frame = {"method": "depth_update", "params": [True, book, MARKET.name], "id": None}
    engine.on_frame(json.dumps(frame).encode(), 1)
    engine.halt(False)
    return engine


class Lane:
    """A pipeline and a connection without a socket: requests stay in its buffer."""

    def __init__(self, path: Path, name: str, depth: int) -> None:
        self.pipeline = Pipeline(depth, 0, name)
        self.pipeline.ready = True
        self.connection: OrderConnection | None = OrderConnection(
            path, Nobody(), _core.HttpParser()
        )

    def push(self, request: Request) -> None:
        self.pipeline.push(request)


class World:
    """As much of a gateway as a burst sees, and its lanes."""

    def __init__(self, depths: list[int]) -> None:
        self.path = Path(trading_engine())
        self.lanes = [Lane(self.path, f"lane-{i}", depth) for i, depth in enumerate(depths)]
        self.pool = Pool([lane.pipeline for lane in self.lanes])
        self.entry = self
        self.counts = {"sent": 0}
        self.store = new_store()

    @property
    def room(self) -> int:
        return self.pool.room

    @property
    def spread(self) -> int:
        return self.pool.spread

    def pick(self, order: None, is_cancel: bool) -> Lane | None:
        found = self.pool.pick(order, is_cancel)
        return next((lane for lane in self.lanes if lane.pipeline is found), None)

    def legs(self, kinds: list[tuple[int, int, int]]) -> list[Leg]:
        orders = [new_order(self.store, f"ww-test-{n:010d}") for n in range(1, len(kinds) + 1)]
        return [
            Leg(order, *kind, number + 1, NONCE + number)
            for number, (order, kind) in enumerate(zip(orders, kinds, strict=True))
        ]

    def apart(self, legs: list[Leg]) -> list[tuple[str, int]]:
        refused = []
        for leg in legs:
            lane = self.pick(None, False)
            assert lane is not None
            assert lane.connection is not None
            written = lane.connection.place(0, *leg[1:])
            if written > 0:
                lane.push(Request(RequestKind.PLACE, (leg.order,), leg.nonce))
                self.counts["sent"] += 1
            else:
                refused.append((leg.order.client_id, -written))
        return refused

    def together(self, legs: list[Leg], at_once: bool = False) -> list[tuple[str, int]]:
        refused = Bursting(cast(Gateway, self)).send(legs, "place", at_once)
        return [(order.client_id, number) for order, number in refused]

    def carried(self) -> list[str]:
        return [order.carrier.name if order.carrier else "" for order in self.store.open_orders()]


@settings(max_examples=60, deadline=None)
@given(
    depths=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=45),
    at_once=st.booleans(),
)
def test_each_leg_takes_the_lane_that_it_would_have_taken_alone(
    depths: list[int], kinds: list[tuple[int, int, int]], at_once: bool
) -> None:
    apart, together = World(depths), World(depths)
    if not Bursting(cast(Gateway, together)).suits(len(kinds)):
        assert len(kinds) < FEWEST or sum(depths) < len(kinds)
        return
    assert together.together(together.legs(kinds), at_once) == apart.apart(apart.legs(kinds))
    assert (together.carried(), together.counts) == (apart.carried(), apart.counts)


def test_what_finds_no_lane_after_all_is_refused() -> None:
    world = World([3])
    legs = world.legs([KINDS[0]] * 3)
    world.lanes[0].pipeline.depth = 2  # as if its socket had filled up
    assert world.together(legs) == [(legs[2].order.client_id, NO_ROOM)]
    assert world.carried() == ["lane-0", "lane-0", ""]
    world.lanes[0].pipeline.depth = 9
    world.lanes[0].connection = None
    more = [leg._replace(sequence=leg.sequence + 10) for leg in legs]
    assert [number for _, number in world.together(more)] == [NO_ROOM] * 3


@live
async def test_the_bytes_of_a_burst_are_those_of_its_placements() -> None:
    sent: list[list[bytes]] = [[], []]

    def script(number: int) -> Any:
        async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                sent[number].append(await read_request(reader))

        return run

    rows = [(0, *KINDS[n % 2], n + 1, NONCE + n) for n in range(20)]
    async with scripted(script(0), script(1)) as peer:
        for number in range(2):
            path, handler = Path(trading_engine()), Nobody()
            await connect(Address(peer.http), tls_context(None), path, handler)
            connection = handler.connection
            assert connection is not None
            path.enter()
            if number == 0:
                assert all(connection.place(*row) > 0 for row in rows)
            else:
                burst = Burst(path)
                assert all(length > 0 for length in burst.sign(rows))
                assert all(burst.append_to(connection, leg) for leg in range(20))
                with pytest.raises(IndexError):
                    burst.append_to(connection, 0)  # a leg leaves once
            path.leave()
            await until(lambda: len(sent[number]) == 20)  # noqa: B023
            connection.abort()
            await handler.lost.wait()
    assert sent[0] == sent[1]


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
async def test_what_a_write_sets_off_does_not_join_the_burst(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, orders=orders_config(connections=8, in_flight=30))
    async with gateway(venue, config=config, truth=truth) as rig:
        gateway_, more = rig.gw, list[Order]()
        lane = gateway_.entry.lanes[0]
        written = lane.on_written

        def on_written(now_ns: int) -> None:
            written(now_ns)
            if not more:
                more.extend(
                    gateway_.quote(NAME, [(50_000 - n, "0.01") for n in range(4)], []).orders
                )

        lane.on_written = on_written  # type: ignore[method-assign]
        quotes = gateway_.quote(NAME, [(60_000 - n, "0.01") for n in range(8)], [])
        await until(lambda: quotes.all_acked and len(more) == 4 and all(o.t_ack_ns for o in more))
        assert [order.reject for order in (*quotes.orders, *more)] == [None] * 12
        prices = [*range(60_000, 59_992, -1), *range(50_000, 49_996, -1)]
        assert truth.quotes() == {("buy", Decimal(price), Decimal("0.01")) for price in prices}
