"""Orders that leave before Python has booked them: names, lanes, bytes, refusals, full sockets."""

from __future__ import annotations

import asyncio
import json
import random
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway_rig import live, until
from tests.order_desk import MARKET
from tests.scripted_peer import read_request, scripted
from tests.test_link import Nobody
from tests.test_presigning import keyed_engine
from whitewire._bridge import Burst, OrderConnection, OrderTicket, Outlet, Path
from whitewire.endpoints import ENDPOINTS
from whitewire.errors import NumberError
from whitewire.market import Side
from whitewire.protocol.order_flags import Flags
from whitewire.protocol.throttle import Throttle
from whitewire.transport.link import Address, connect, tls_context
from whitewire.transport.shared_cells import SharedCells

if TYPE_CHECKING:
    from whitewire._bridge import Departure

NONCE = 1_785_730_136_175
ROW = (0, 1, 2**61, 1, 1, 2**61, 2, 1, 2**61, 3)
FLAGS = {side: Flags.of(side, True, False, False, "cn") for side in Side}
# (side, ticks, lots) of what passes; what would cross; and nothing at all
PASSING = [(Side.BUY, 5_999_900, 10_000), (Side.SELL, 6_000_200, 7)]
CROSSING, EMPTY = (Side.BUY, 6_100_000, 10), (Side.SELL, 6_000_300, 0)


class Clock:
    """Safe as long as it is told so."""

    is_safe = True


class Stage:
    """An outlet with connections to a peer that only listens.

    Attributes:
        announced: what was recorded, in its order, with how many bytes had been sent by then.
        received: requests by connection.
    """

    def __init__(self, cells: Any = None, lock: int = -1) -> None:
        self.engine = keyed_engine()
        book = {"timestamp": 1.5, "update_id": 1, "event_time": 1.6}
        book |= {"asks": [["60001", "1"]], "bids": [["60000", "1"]]}
        frame = {"method": "depth_update", "params": [True, book, MARKET.name], "id": None}
        self.engine.on_frame(json.dumps(frame).encode(), 1)
        self.engine.halt(False)
        self.engine.allowance.set_quotas(ROW, ROW, ROW, ROW)
        self.engine.allowance.set_nonces(NONCE, 1_000, 2**62)
        self.path = Path(self.engine)
        self.announced: list[tuple[Any, ...]] = []
        self.clock, self.reducing = Clock(), dict[str, str]()
        self.cells = array("q", [0] * 4) if cells is None else cells
        self.outlet = Outlet(self.path, self.cells, lock, self.announce, self.clock, self.reducing)
        self.handlers: list[Nobody] = []
        self.received: list[list[bytes]] = []

    def announce(self, *row: Any) -> None:
        in_flight = sum(connection.in_flight for connection in self.connections)
        self.announced.append((*row[1:], in_flight))

    @property
    def connections(self) -> list[OrderConnection]:
        return [one.connection for one in self.handlers if one.connection is not None]

    def ticket(self, side: Side) -> OrderTicket:
        self.engine.prepare(0, FLAGS[side])
        prefix = self.engine.client_id_prefix(0, FLAGS[side])
        return OrderTicket(self, MARKET, side, FLAGS[side], prefix)

    def place(self, side: Side, ticks: int, lots: int) -> Departure:
        return self.outlet.place(self.ticket(side), ticks, lots)

    # as the owner of tickets: whatever leaves is handed on as it is

    def place_many(self, rows: list[tuple[OrderTicket, int, int]], tag: object = None) -> Any:
        return Burst(self.outlet).send(rows, False)

    def booked(self, ticket: OrderTicket, ticks: int, lots: int, tag: object, left: Any) -> Any:
        return left

    def lane_of(self, departure: Departure) -> int:
        handler = departure[3]
        return -1 if handler is None else self.handlers.index(handler)  # type: ignore[arg-type]


@asynccontextmanager
async def stage(*depths: int, cells: Any = None, lock: int = -1) -> AsyncIterator[Stage]:
    made = Stage(cells, lock)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received: list[bytes] = []
        made.received.append(received)
        while True:
            received.append(await read_request(reader))

    async with scripted(script) as peer:
        for depth in depths:
            handler = Nobody()
            made.handlers.append(handler)
            await connect(Address(peer.http), tls_context(None), made.path, handler)
            assert handler.connection is not None
            handler.connection.limit(depth, 0)
            await until(lambda: len(made.received) == len(made.handlers))
        yield made
        for handler in made.handlers:
            if handler.connection is not None:
                handler.connection.abort()
                await handler.lost.wait()


def body_of(request: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return body


@live
async def test_an_order_is_named_and_recorded_before_its_bytes_and_written_at_once() -> None:
    async with stage(5) as made:
        made.path.enter()  # whatever else waits for the end of a burst
        made.outlet.sequence = 41
        name, submit_ns, size, handler, nonce, sent_ns = made.place(*PASSING[0])
        assert made.outlet.sequence == 42
        assert name.endswith("0000000042")
        assert (handler, nonce) == (made.handlers[0], NONCE)
        assert size > 0
        assert 0 < submit_ns <= sent_ns
        side, ticks, lots = PASSING[0]
        assert made.announced == [(name, MARKET, side, ticks, lots, FLAGS[side], 0)]
        await until(lambda: made.received[0])
        body = body_of(made.received[0][0])
        assert (body["clientOrderId"], body["nonce"], body["price"]) == (name, NONCE, "59999")
        assert list(made.cells)[:1] != [0]
        made.path.leave()


@live
async def test_its_bytes_are_those_of_a_placement_in_steps() -> None:
    async with stage(9) as made, stage(9) as steps:
        for number, (side, ticks, lots) in enumerate(PASSING * 4):
            made.place(side, ticks, lots)
            steps.path.enter()
            steps.ticket(side)  # prepares the template
            written = steps.connections[0].place(
                0, FLAGS[side], ticks, lots, made.outlet.sequence, NONCE + number
            )
            steps.path.leave()
            assert written > 0
        await until(lambda: len(made.received[0]) == len(steps.received[0]) == 8)
        assert made.received == steps.received


@live
async def test_what_the_gate_refuses_spends_nothing_and_what_has_no_leave_is_not_tried() -> None:
    async with stage(1) as made:
        before = list(made.cells)
        refused = made.place(*CROSSING)
        assert refused[2] < 0
        assert refused[3:] == (None, 0, 0)
        assert made.engine.allowance.nonces_left(1) == 1_000
        assert made.place(*PASSING[0])[2] > 0
        assert list(made.cells) != before
        spent = list(made.cells)
        # no room on the only connection; then no nonce; then a limit that holds
        assert made.place(*PASSING[0])[2:] == (0, None, 0, 0)
        made.connections[0].limit(9, 0)
        made.engine.allowance.set_nonces(1, 0, 2**62)
        assert made.place(*PASSING[0])[2:] == (0, None, 0, 0)
        made.engine.allowance.set_nonces(NONCE + 9, 5, 2**62)
        made.cells[3] = 2**62
        assert made.place(*PASSING[0])[2:] == (0, None, 0, 0)
        assert (list(made.cells)[:3], made.engine.allowance.nonces_left(1)) == (spent[:3], 5)
        assert len(made.announced) == 5


@live
async def test_the_least_loaded_connection_is_taken_of_these_the_fastest() -> None:
    async with stage(2, 2, 2) as made:
        for connection, rank in zip(made.connections, (3, 1, 2), strict=True):
            connection.rank = rank
        lanes = [made.lane_of(made.place(*PASSING[0])) for _ in range(7)]
        assert lanes == [1, 2, 0, 1, 2, 0, -1]


@live
async def test_a_lock_that_another_process_holds_is_not_waited_for(tmp_path: FilePath) -> None:
    table = [ENDPOINTS[name] for name in ("cancel", "modify", "place", "collateral_limit")]
    ours, theirs = (SharedCells(tmp_path, "h.example:443", table) for _ in range(2))
    throttle = Throttle(table, random.Random(1), ours)
    async with stage(5, cells=throttle.native()[0], lock=throttle.native()[1]) as made:
        assert theirs.enter()
        assert made.place(*PASSING[0])[2] == 0
        assert [each[2] for each in made.place_many([(made.ticket(Side.BUY), 1, 1)])] == [0]
        theirs.leave()
        assert made.place(*PASSING[0])[2] > 0
        assert theirs.enter(), "nobody kept the lock"
        theirs.leave()


@live
async def test_a_full_socket_is_told_when_the_order_is_booked() -> None:
    async with stage(10_000) as made:
        told: list[bool] = []
        handler = made.handlers[0]
        handler.on_writable = told.append  # type: ignore[attr-defined]
        assert handler.connection is not None
        assert handler.connection.transport is not None
        handler.connection.transport.set_write_buffer_limits(0)
        made.handlers[0].connection.transport.get_extra_info("socket").setsockopt(1, 7, 1)
        while not handler.connection.is_paused:
            assert made.place(*PASSING[0])[2] > 0
        assert told == []
        assert made.place(*PASSING[0])[2] == 0, "a full socket takes no more"


class Steps:
    """The lanes that legs would take one by one."""

    def __init__(self, depths: list[int]) -> None:
        self.room = list(depths)
        self.load = [0] * len(depths)

    def take(self) -> int:
        free = [n for n, room in enumerate(self.room) if self.load[n] < room]
        lane = min(free, key=lambda n: self.load[n], default=-1)
        if lane >= 0:
            self.load[lane] += 1
        return lane


@settings(max_examples=12, deadline=None)
@given(
    depths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    kinds=st.lists(st.sampled_from([*PASSING, *PASSING, CROSSING, EMPTY]), min_size=1, max_size=20),
    at_once=st.booleans(),
)
def test_each_leg_takes_the_lane_and_the_bytes_that_it_would_have_taken_alone(
    depths: list[int], kinds: list[tuple[Side, int, int]], at_once: bool
) -> None:
    @live
    async def run() -> None:
        async with stage(*depths) as together, stage(*depths) as apart:
            rows = [(together.ticket(side), ticks, lots) for side, ticks, lots in kinds]
            many = Burst(together.outlet).send(rows, at_once)
            steps = Steps(depths)
            for kind, one in zip(kinds, many, strict=True):
                alone = apart.place(*kind)
                lane = steps.take() if kind in PASSING else -1
                assert one[0] == alone[0]
                assert together.lane_of(one) == apart.lane_of(alone) == lane
                # where there is no room one is refused for that, the other by the gate first
                assert one[2] == alone[2] or (one[2] < 0 == alone[2])
                assert (one[2] > 0) is (one[5] > 0) is (alone[5] > 0) is (lane >= 0)
            assert [row[:-1] for row in together.announced] == [row[:-1] for row in apart.announced]
            sent = sum(one[2] > 0 for one in many)
            await until(lambda: sum(map(len, together.received)) == sent)
            await until(lambda: sum(map(len, apart.received)) == sent)
            for ours, theirs in zip(together.received, apart.received, strict=True):
                # a leg that was refused took a nonce with it
                names = [[body_of(r)["clientOrderId"] for r in each] for each in (ours, theirs)]
                assert names[0] == names[1]

    run()


def test_a_ticket_takes_whole_numbers_only() -> None:
    ticket = Stage().ticket(Side.BUY)
    for ticks, lots in [(0, 1), (1, 0), (-1, 1), (2**63, 1), (1, 2**63), (1.0, 1), (1, True)]:
        with pytest.raises(NumberError, match="not a positive int64"):
            ticket.limit(ticks, lots)  # type: ignore[arg-type]
        with pytest.raises(NumberError, match="not a positive int64"):
            ticket.ladder([(1, 1), (ticks, lots)])  # type: ignore[list-item]
    with pytest.raises(NumberError, match="Decimal"):
        ticket.limit(Decimal(5), 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no room"):
        OrderTicket(Stage(), MARKET, Side.BUY, 0, "x" * 55)


def test_more_legs_than_the_core_takes_are_refused_whole() -> None:
    made = Stage()
    with pytest.raises(ValueError, match="21 legs"):
        Burst(made.outlet).send([(made.ticket(Side.BUY), 1, 1)] * 21, True)
    assert made.announced == []
