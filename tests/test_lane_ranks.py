"""Slow lanes: taken last, and replaced without losing what they carry."""

from __future__ import annotations

import asyncio

import pytest

from tests.gateway_rig import live, until
from tests.scripted_peer import Script, answering, read_request, response, silent
from tests.test_order_entry import ORDER, desk
from whitewire._bridge import now_ns
from whitewire.protocol.pace import LEAST, bucket_of
from whitewire.transport import order_entry
from whitewire.transport.order_entry import OrderEntry

MS = 1_000_000
STEADY = answering(response(ORDER))


def pretend(entry: OrderEntry, *medians_ns: int) -> None:
    """So many acknowledgements of each lane, by index."""
    for lane, median in zip(entry.lanes, medians_ns, strict=True):
        for _ in range(LEAST):
            lane.pipeline.meter.alone.add(median, now_ns())


def waiting(go: asyncio.Event) -> Script:
    """Answers nothing until told to."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await go.wait()
        writer.write(response(ORDER))
        await silent(reader, writer)

    return script


@live
async def test_of_lanes_that_are_equally_loaded_the_fastest_is_taken() -> None:
    async with desk(STEADY, connections=3) as it:
        pretend(it.entry, 3 * MS, 2 * MS, 4 * MS)
        it.entry.check(now_ns())
        ranks = [lane.pipeline.rank for lane in it.entry.lanes]
        assert ranks == [bucket_of(3 * MS), bucket_of(2 * MS), bucket_of(4 * MS)]
        it.entry.path.enter()
        for wanted in (1, 0, 2, 1):
            assert it.entry.pick(None, False) is it.entry.lanes[wanted]
            it.send(1, it.entry.lanes[wanted])
        it.entry.path.leave()
        await until(lambda: len(it.owner.ends) == 4)
        assert it.entry.replaced == 0  # none is twice as slow as the pool


@live
async def test_a_slow_lane_is_replaced_and_what_it_carries_is_answered() -> None:
    go = asyncio.Event()
    async with desk(waiting(go), STEADY, connections=3) as it:
        slow = it.entry.lanes[0]
        (held,) = it.send(1, slow)
        pretend(it.entry, 9 * MS, 2 * MS, 3 * MS)
        await it.keep_house(lambda: it.entry.replaced)
        assert it.entry.lanes[0] is not slow
        assert slow.connection is not None  # its answer has not come
        assert {it.entry.pick(None, False) for _ in range(3)} <= set(it.entry.lanes)
        order = held.orders[0]
        assert it.entry.pick(order, True) is slow  # what concerns its order still goes there
        it.send(3)
        await until(lambda: len(it.owner.ends) == 3)
        go.set()
        await it.keep_house(lambda: slow.connection is None)
        assert it.owner.fates == ["answered 200"] * 4
        assert it.owner.lanes[-1] == (3, 3)
        assert it.owner.faults == []
        it.entry.check(now_ns())
        assert it.entry.replaced == 1


@live
async def test_one_lane_is_replaced_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_entry, "REPLACE_EVERY_NS", 50 * MS)
    async with desk(STEADY, connections=5) as it:
        before = list(it.entry.lanes)
        pretend(it.entry, 9 * MS, 2 * MS, 2 * MS, 2 * MS, 8 * MS)
        await it.keep_house(lambda: it.entry.replaced == 1)
        assert it.entry.lanes[0] is not before[0]
        assert it.entry.lanes[4] is before[4]
        await it.keep_house(lambda: it.entry.replaced == 2)
        assert it.entry.lanes[4] is not before[4]
        assert it.entry.lanes[1:4] == before[1:4]


@live
async def test_a_lane_that_cannot_be_replaced_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(STEADY, connections=3) as it:
        slow = it.entry.lanes[0]
        pretend(it.entry, 9 * MS, 2 * MS, 3 * MS)
        port = it.entry.address.port
        it.entry.address.port = 1
        await it.keep_house(lambda: it.owner.faults)
        it.entry.address.port = port
        assert it.entry.lanes[0] is slow
        it.send(3)
        await until(lambda: len(it.owner.ends) == 3)
