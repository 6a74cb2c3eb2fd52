"""What reflexes send, on scripted connections: bytes first, then the books, then everybody else."""

from __future__ import annotations

import asyncio
import json
import random
from array import array
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path as FilePath
from typing import Any

from tests.core_feed import CoreFeed
from tests.gateway_rig import live, until
from tests.scripted_peer import Peer, read_request, response, scripted
from tests.test_bridge import Handler
from whitewire._bridge import OrderConnection, Outlet, Reactor, now_ns
from whitewire.endpoints import ENDPOINTS
from whitewire.protocol.throttle import Throttle
from whitewire.transport.link import Address, connect, tls_context
from whitewire.transport.shared_cells import SharedCells

FREE = 2**61
ROW = (0, 1, FREE, 1, 1, FREE, 2, 1, FREE, 3)
NONCE = 1_700_000_000_000
SLOW = 0.02


class Stage:
    """An engine, a reactor and connections; `said` is everything in the order in which it was."""

    def __init__(self, peer: Peer, cells: Any, lock: int) -> None:
        self.peer = peer
        self.feed = CoreFeed(("M", 0, 0, 100), key="key", secret="secret")
        self.said = self.feed.said
        self.reflexes = self.feed.engine.reflexes
        self.allowance = self.feed.engine.allowance
        self.allowance.set_quotas(ROW, ROW, ROW, ROW)
        self.allowance.set_nonces(NONCE, 1_000, 2**62)
        self.feed.engine.halt(False)
        self.outlet = Outlet(self.feed.path, cells, lock, print, self, {})
        self.reactor = Reactor(self.outlet, self)
        self.handlers: list[Handler] = []
        self.received: list[bytes] = []
        self.update_id = 0

    async def add(self, depth: int, reserve: int = 0) -> OrderConnection:
        """One more connection."""
        handler = Handler()
        number = len(self.handlers)
        self.handlers.append(handler)
        await connect(Address(self.peer.http), tls_context(None), self.feed.path, handler)
        assert handler.connection is not None
        handler.connection.limit(depth, reserve)
        handler.on_written = lambda now_ns: self.said.append(  # type: ignore[method-assign]
            ("written", number)
        )
        return handler.connection

    def watch(self, *keys: int, ready: bool = True) -> None:
        """Bids at 95 that the first rule covers."""
        for key in keys:
            self.reflexes.watch(0, key, b"id-%010d" % key, 0, 1, 95, 0, 3, ready)

    def top(self, bid: int) -> list[tuple[Any, ...]]:
        """A new best bid; what was said because of it."""
        self.update_id += 1
        return self.feed.feed(
            '{"method":"depth_update","params":[true,{"timestamp":1.5,"update_id":'
            f'{self.update_id},"asks":[["110","9"]],"bids":[["{bid}","9"]],"event_time":1.6}},'
            '"M"],"id":null}'
        )

    def on_sent(self, rows: list[tuple[Any, ...]]) -> None:
        connections = [self.handlers.index(handler) for *_, handler in rows]
        self.said.append(("sent", [row[0] for row in rows], connections))

    def on_left(self, rows: list[tuple[Any, ...]]) -> None:
        self.said.append(("left", [row[0] for row in rows]))


@asynccontextmanager
async def stage(*depths: int, reserve: int = 0, cells: Any = None) -> AsyncIterator[Stage]:
    """A stage whose peer answers every request, a little later."""
    numbers, lock = (array("q", [0] * 4), -1) if cells is None else (cells.numbers, cells.lock)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            made.received.append(await read_request(reader))
            await asyncio.sleep(SLOW)
            if writer.is_closing():
                return
            writer.write(response(b"{}"))

    async with AsyncExitStack() as opened:
        peer = await opened.enter_async_context(scripted(script))
        made = Stage(peer, numbers, lock)
        for depth in depths:
            await made.add(depth, reserve)
        yield made
        for handler in made.handlers:
            if handler.connection is not None and not handler.losses:
                handler.connection.abort()
                await until(lambda handler=handler: handler.losses)


def ids(requests: list[bytes]) -> list[str]:
    """Client ids of requests, sorted."""
    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in requests]
    return sorted(body["clientOrderId"] for body in bodies)


@live
async def test_bytes_are_written_and_booked_before_anybody_is_called() -> None:
    async with stage(4, 4) as made:
        made.reflexes.pull(0, 0, False, 99, None)
        made.watch(1, 2, 3)
        assert made.top(100) == [("book", 0)]
        sizes = [handler.connection.in_flight for handler in made.handlers if handler.connection]
        assert sizes == [0, 0]
        assert made.top(99) == [
            ("sent", [1, 2, 3], [0, 1, 0]),
            ("written", 0),
            ("written", 1),
            ("book", 0),
        ]
        await until(lambda: len(made.received) == 3)
        assert ids(made.received) == [f"id-{key:010d}" for key in (1, 2, 3)]
        assert made.top(99) == [("book", 0)]
        await until(lambda: sum(len(handler.answers) for handler in made.handlers) == 3)
        assert [h.connection.in_flight for h in made.handlers if h.connection] == [0, 0]


@live
async def test_what_has_no_room_is_left() -> None:
    async with stage(1, reserve=1) as made:
        made.reflexes.pull(0, 0, False, 99, None)
        made.watch(1, 2, 3)
        made.watch(4, ready=False)
        assert made.top(99) == [
            ("sent", [1, 2], [0, 0]),
            ("written", 0),
            ("left", [3, 4]),
            ("book", 0),
        ]


@live
async def test_a_move_without_room_waits_for_the_next_top() -> None:
    async with stage(1, reserve=1) as made:
        made.reflexes.follow(0, 0, False, False, 2, 0, 200)
        made.watch(1, 2)
        assert made.top(99) == [("sent", [1], [0]), ("written", 0), ("book", 0)]
        await until(lambda: made.handlers[0].answers)
        assert made.top(99) == [("sent", [2], [0]), ("written", 0), ("book", 0)]


@live
async def test_a_connection_that_closes_takes_no_more() -> None:
    async with stage(4, 4) as made:
        made.reflexes.pull(0, 0, False, 99, None)
        first = made.handlers[0].connection
        assert first is not None
        first.abort()
        made.watch(1)
        assert made.top(99)[0] == ("sent", [1], [1])
        await until(lambda: made.handlers[0].losses)
        made.watch(2)
        assert made.top(99)[0] == ("sent", [2], [1])


@live
async def test_without_connections_everything_is_left() -> None:
    async with stage() as made:
        made.reflexes.pull(0, 0, False, 99, None)
        made.reflexes.follow(0, 1, False, False, 2, 0, 200)
        made.watch(1)
        made.reflexes.watch(0, 2, b"id-0000000002", 0, 2, 95, 0, 3, True)
        assert made.top(99) == [("left", [1, 2]), ("book", 0)]


@live
async def test_a_socket_that_fills_up_is_told_after_the_books() -> None:
    release = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        while await reader.read(65536):
            pass

    async with scripted(script) as peer:
        made = Stage(peer, array("q", [0] * 4), -1)
        connection = await made.add(10**6)
        handler = made.handlers[0]
        tell = handler.on_writable
        handler.on_writable = lambda writable: (  # type: ignore[method-assign]
            made.said.append(("writable", writable)),
            tell(writable),
        )
        made.reflexes.pull(0, 0, False, 99, None)
        made.allowance.set_nonces(NONCE, 10**6, 2**62)
        last: list[tuple[Any, ...]] = []
        for _ in range(5_000):
            made.watch(*range(1, 41))
            last = made.top(99)
            if handler.writable:
                break
        assert [row[0] for row in last] == ["sent", "written", "writable", "book"]
        made.watch(1)
        assert made.top(99) == [("left", [1]), ("book", 0)]
        release.set()
        await until(lambda: handler.writable == [False, True])
        assert made.top(99)[0][0] == "sent"
        connection.abort()
        await until(lambda: handler.losses)


@live
async def test_an_exception_of_the_books_ends_the_feed_only() -> None:
    async with stage(4) as made:

        def fail(rows: list[tuple[Any, ...]]) -> None:
            raise LookupError("our own mistake")

        made.on_sent = fail  # type: ignore[method-assign]
        made.reflexes.pull(0, 0, False, 99, None)
        made.watch(1)
        assert made.top(99) == [("fault", "our own mistake")]
        assert made.handlers[0].connection is not None
        made.feed.path.enter()
        assert made.handlers[0].connection.append(b"GET / HTTP/1.1\r\n\r\n")
        made.feed.path.leave()  # bursts are closed as before
        await until(lambda: len(made.received) == 2)


@live
async def test_calls_are_counted_where_python_counts_them(tmp_path: FilePath) -> None:
    names = ("cancel", "modify", "place", "collateral_limit")
    table = [ENDPOINTS[name] for name in names]
    for cells in (None, SharedCells(tmp_path, "h.example:443", table)):
        throttle = Throttle(table, random.Random(1), cells)
        numbers, lock = throttle.native()
        async with stage(50) as made:
            made.reactor = Reactor(Outlet(made.feed.path, numbers, lock, print, made, {}), made)
            cancel, modify, place, collateral = (throttle.row(name) for name in names)
            made.allowance.set_quotas(cancel, modify, place, collateral)
            made.reflexes.pull(0, 0, False, 99, None)
            made.reflexes.follow(0, 1, False, False, 2, 0, 200)
            twin = Throttle(table, random.Random(1))
            began = now_ns()
            assert throttle.try_take("cancel", began, True) == 0
            made.watch(1, 2, 3)
            made.reflexes.watch(0, 4, b"id-0000000004", 0, 2, 95, 0, 3, True)
            said = made.top(99)
            assert said[0] == ("sent", [1, 2, 3, 4], [0, 0, 0, 0])
            for name, calls in (("cancel", 4), ("modify", 1)):
                for _ in range(calls):
                    assert twin.try_take(name, began, name == "cancel") == 0
            ended = now_ns()
            for ours, theirs in zip(numbers, twin.native()[0], strict=True):
                assert theirs <= ours <= theirs + (ended - began)
            # a limit of the venue holds moves back, and cancels of the same kind
            cell = throttle.row("cancel")[-1]
            numbers[cell] = now_ns() + 10**10
            made.watch(5)
            assert made.top(99) == [("left", [5]), ("book", 0)]
        if cells is not None:
            assert cells.enter()  # nobody kept the lock
            cells.leave()
