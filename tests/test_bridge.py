"""The compiled bridge: bursts, answers in any split, and exceptions of the handlers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.gateway_rig import live, until
from tests.scripted_peer import Peer, Script, answering, read_request, response, scripted, silent
from tests.test_link import new_path
from whitewire._bridge import OrderConnection, Path, epoch_ms, now_ns
from whitewire.errors import PeerError
from whitewire.transport.link import Address, connect, tls_context

PING = b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"


class Handler:
    """Notes what it hears; `on_answer` may be replaced."""

    def __init__(self) -> None:
        self.connection: OrderConnection | None = None
        self.answers: list[tuple[int, bytes, bool]] = []
        self.written: list[int] = []
        self.writable: list[bool] = []
        self.faults: list[Exception] = []
        self.losses: list[Exception | None] = []
        self.on_answer: Callable[[int], None] = lambda status: None
        self.on_full: Callable[[], None] = lambda: None

    def on_made(self, connection: OrderConnection) -> None:
        self.connection = connection

    def on_response(self, status: int, body: bytes, keep_alive: bool, now_ns: int) -> None:
        self.answers.append((status, body, keep_alive))
        self.on_answer(status)

    def on_written(self, now_ns: int) -> None:
        self.written.append(now_ns)

    def on_writable(self, writable: bool) -> None:
        self.writable.append(writable)
        if not writable:
            self.on_full()

    def on_fault(self, error: Exception) -> None:
        self.faults.append(error)

    def on_lost(self, error: Exception | None) -> None:
        self.losses.append(error)


class Line:
    """One connection to a scripted peer."""

    def __init__(self, path: Path, handler: Handler, peer: Peer) -> None:
        self.path = path
        self.handler = handler
        self.peer = peer
        assert handler.connection is not None
        self.connection = handler.connection

    def send(self, *requests: bytes) -> None:
        """One burst."""
        self.path.enter()
        for request in requests:
            assert self.connection.append(request)
        self.path.leave()


@asynccontextmanager
async def line_to(*scripts: Script) -> AsyncIterator[Line]:
    path, handler = new_path(), Handler()
    async with scripted(*scripts) as peer:
        await connect(Address(peer.http), tls_context(None), path, handler)
        line = Line(path, handler, peer)
        yield line
        line.connection.abort()
        await until(lambda: handler.losses)
        assert len(handler.losses) == 1
        assert not line.connection.is_open


@live
async def test_a_burst_leaves_in_one_write_and_answers_come_in_order() -> None:
    reads: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reads.append(await reader.read(65536))
        writer.write(response(b"one") + response(b"two", status=b"429 Slow") + response(b""))
        await silent(reader, writer)

    async with line_to(script) as line:
        line.path.enter()
        line.send(PING)  # an inner burst waits for the outer one
        line.send(PING, PING)
        assert line.handler.written == []
        line.path.leave()
        assert len(line.handler.written) == 1
        await until(lambda: len(line.handler.answers) == 3)
        assert line.handler.answers == [(200, b"one", True), (429, b"two", True), (200, b"", True)]
    assert reads == [PING * 3]


@live
async def test_answers_may_come_byte_by_byte() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for byte in response(b"hello") + response(b"you", b"Connection: close"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        await silent(reader, writer)

    async with line_to(script) as line:
        line.send(PING, PING)
        await until(lambda: len(line.handler.answers) == 2)
        assert line.handler.answers == [(200, b"hello", True), (200, b"you", False)]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SMTP ready\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000,  # a head that does not end
        response(b"short") + b"and too many bytes",
    ],
)
@live
async def test_nonsense_ends_the_connection_and_is_told(nonsense: bytes) -> None:
    async with line_to(answering(nonsense)) as line:
        line.send(PING)
        await until(lambda: line.handler.losses)
        (fault,) = line.handler.faults
        assert isinstance(fault, PeerError)
        assert fault.code == "http-malformed"
        line.handler.losses.pop()
        line.handler.losses.append(None)
        assert not line.connection.append(PING)


@live
async def test_an_error_of_the_handler_ends_its_connection_only() -> None:
    def fail(status: int) -> None:
        raise LookupError("our own mistake")

    async with line_to(answering(response())) as healthy:
        path = healthy.path
        broken = Handler()
        broken.on_answer = fail
        await connect(Address(healthy.peer.http), tls_context(None), path, broken)
        assert broken.connection is not None
        path.enter()
        broken.connection.append(PING)
        broken.connection.append(PING)
        healthy.connection.append(PING)
        path.leave()
        await until(lambda: broken.losses)
        assert [repr(error) for error in broken.faults] == ["LookupError('our own mistake')"]
        assert len(broken.answers) == 1
        healthy.send(PING)  # the burst was closed: writes still leave
        await until(lambda: len(healthy.handler.answers) == 2)


@live
async def test_what_was_queued_when_the_connection_closed_is_never_written() -> None:
    async with line_to(silent) as line:
        line.path.enter()
        line.connection.append(PING)
        line.connection.abort()
        line.path.leave()
        assert line.handler.written == []
        assert not line.connection.is_open
        await until(lambda: line.handler.losses)


@live
async def test_a_large_burst_is_written_early_and_completely() -> None:
    received = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            received.extend(data)

    requests = [b"%06d" % number + b"x" * 9_994 for number in range(60)]
    async with line_to(script) as line:
        line.send(*requests)
        await until(lambda: len(received) == 600_000)
        assert bytes(received) == b"".join(requests)
        assert len(line.handler.written) > 5
        assert not line.connection.append(b"x" * 65_537)


@live
async def test_what_a_full_socket_sets_off_is_written_too() -> None:
    """The handler queues more on the very connection that is being written."""
    received = bytearray()
    begin = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await begin.wait()
        while data := await reader.read(65536):
            received.extend(data)

    async with line_to(script) as line:
        more = iter([b"more" * 1_000] * 3)

        def queue() -> None:
            for request in more:
                line.send(request)

        line.handler.on_full = queue
        sent = 0
        while not line.handler.writable:
            line.send(b"y" * 40_000)
            sent += 40_000
        begin.set()
        await until(lambda: len(received) == sent + 12_000)
        assert bytes(received) == b"y" * sent + b"more" * 3_000
        await until(lambda: line.handler.writable == [False, True])


def test_the_clocks_run() -> None:
    first, second = now_ns(), now_ns()
    assert 0 < first <= second
    assert abs(epoch_ms() - time.time() * 1_000) < 1_000
