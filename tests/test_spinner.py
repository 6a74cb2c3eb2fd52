"""The spinning loop: it never sleeps, serves everything else, loses nothing, and stops."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import aiofastnet
import pytest
from aiofastnet.transport import Protocol, Transport

from tests.gateway_rig import live, until
from whitewire._bridge import Spinner
from whitewire.transport.link import tls_context
from whitewire.venue.wire.tls import ServerTls


class Collector(Protocol):
    """Keeps what arrives, and how it ended."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.buffer = bytearray(256)
        self.ended: list[Exception | None] = []
        self.on_data: Callable[[], None] = lambda: None

    def is_buffered_protocol(self) -> bool:
        return True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data += self.buffer[:nbytes]
        self.on_data()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.append(error)


async def line_to(tls: ServerTls | None = None) -> tuple[Collector, Transport, socket.socket]:
    """A connection of the loop's, and its other end, which blocks."""
    loop = asyncio.get_running_loop()
    context = None if tls is None else tls_context(str(tls.ca_path))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> socket.socket:
            peer, _ = server.accept()
            return peer if tls is None else tls.context.wrap_socket(peer, server_side=True)

        address = server.getsockname()
        made = aiofastnet.create_connection(loop, Collector, *address, ssl=context)
        (transport, protocol), peer = await asyncio.gather(made, asyncio.to_thread(accept))
    await asyncio.sleep(0.01)
    return protocol, transport, peer


def watch(spinner: Spinner, transport: Transport) -> None:
    spinner.watch(transport, transport._read_ready)  # type: ignore[attr-defined]


@live
async def test_it_serves_timers_sockets_and_signals_without_sleeping() -> None:
    loop = asyncio.get_running_loop()
    heard: list[str] = []
    spinner = Spinner(loop, 0)
    spinner.start()
    protocol, transport, peer = await line_to()
    loop.add_signal_handler(signal.SIGUSR1, heard.append, "signal")
    loop.call_later(0.02, heard.append, "timer")
    loop.call_soon_threadsafe(heard.append, "thread")
    os.kill(os.getpid(), signal.SIGUSR1)
    peer.sendall(b"hello")
    await until(lambda: len(heard) == 3 and protocol.data == b"hello")
    assert sorted(heard) == ["signal", "thread", "timer"]
    loop.remove_signal_handler(signal.SIGUSR1)
    before = spinner.turns
    await until(lambda: spinner.turns > before + 100)  # nothing else is due
    spinner.stop()
    await asyncio.sleep(0.01)
    stopped = spinner.turns
    await asyncio.sleep(0.02)
    assert spinner.turns == stopped
    transport.abort()
    peer.close()
    await asyncio.sleep(0)


@pytest.fixture(scope="module")
def certificates() -> Iterator[ServerTls]:
    tls = ServerTls("127.0.0.1")
    yield tls
    tls.close()


@pytest.mark.parametrize("looks", [0, 1, 8])
@pytest.mark.parametrize("has_tls", [False, True])
@live
async def test_every_byte_arrives_once_and_in_order(
    has_tls: bool, looks: int, certificates: ServerTls
) -> None:
    """With reads past the loop and without; in pieces of every size, and the end behind them."""
    spinner = Spinner(asyncio.get_running_loop(), looks)
    spinner.start()
    protocol, transport, peer = await line_to(certificates if has_tls else None)
    watch(spinner, transport)
    source = random.Random(looks)
    sent = bytearray()

    def talk() -> None:
        for _ in range(400):
            piece = source.randbytes(source.choice([1, 7, 200, 256, 257, 5000, 20_000]))
            sent.extend(piece)
            peer.sendall(piece)
            if source.random() < 0.2:
                time.sleep(0.0005)
        peer.close()

    await asyncio.to_thread(talk)
    await until(lambda: protocol.ended)
    assert protocol.data == sent
    assert protocol.ended == [None]
    assert (spinner.direct_reads > 0) == (looks > 0)
    spinner.forget(transport)
    spinner.stop()
    await asyncio.sleep(0)


@live
async def test_a_flood_starves_nobody() -> None:
    """A feed that always has something gets one read a turn; timers and others get theirs."""
    loop = asyncio.get_running_loop()
    spinner = Spinner(loop, 8)
    spinner.start()
    flooded, flooded_transport, flood = await line_to()
    calm, calm_transport, peer = await line_to()
    watch(spinner, flooded_transport)
    ticks: list[float] = []

    def tick() -> None:
        ticks.append(loop.time())
        loop.call_later(0.005, tick)

    tick()
    is_over = False

    def talk() -> None:
        while not is_over:
            flood.sendall(bytes(65536))

    talking = loop.run_in_executor(None, talk)
    await until(lambda: len(flooded.data) > 1_000_000)
    peer.sendall(b"calm")
    await until(lambda: calm.data == b"calm" and len(ticks) > 5)
    is_over = True
    await talking
    await until(lambda: len(flooded.data) % 65536 == 0)
    for transport in (flooded_transport, calm_transport):
        transport.abort()
    for each in (flood, peer):
        each.close()
    spinner.stop()
    await asyncio.sleep(0.01)


@live
async def test_a_transport_that_closes_is_not_read() -> None:
    loop = asyncio.get_running_loop()
    spinner = Spinner(loop, 8)
    protocol, transport, peer = await line_to()
    reads: list[None] = []
    loop.remove_reader(transport.get_extra_info("socket").fileno())  # or it might read first
    spinner.watch(transport, lambda: reads.append(None))
    spinner.start()
    peer.sendall(b"x")
    await until(lambda: spinner.direct_reads > 0)
    transport.abort()
    count = len(reads)
    await until(lambda: protocol.ended)
    assert len(reads) == count
    spinner.forget(transport)
    spinner.forget(transport)
    spinner.stop()
    peer.close()
    await asyncio.sleep(0)


@live
async def test_a_read_may_end_other_sessions() -> None:
    loop = asyncio.get_running_loop()
    spinner = Spinner(loop, 8)
    lines = [await line_to() for _ in range(3)]
    for _, transport, _ in lines:
        watch(spinner, transport)

    def end_all() -> None:
        for _, transport, _ in lines:
            transport.abort()
            spinner.forget(transport)

    for protocol, _, peer in lines:
        protocol.on_data = end_all
        peer.sendall(b"x")
    await asyncio.sleep(0.01)
    spinner.start()
    await until(lambda: all(protocol.ended for protocol, _, _ in lines))
    assert sum(len(protocol.data) for protocol, _, _ in lines) <= 1
    spinner.stop()
    for *_, peer in lines:
        peer.close()
    await asyncio.sleep(0)


@live
async def test_looks_end_when_they_took_their_time() -> None:
    loop = asyncio.get_running_loop()
    spinner = Spinner(loop, 1_000)
    _, transport, peer = await line_to()
    reads: list[int] = []

    def slow() -> None:
        reads.append(spinner.turns)
        time.sleep(0.0001)

    spinner.watch(transport, slow)
    spinner.start()
    await until(lambda: len(reads) > 20)
    spinner.forget(transport)
    assert len(set(reads)) == len(reads), "one look a turn"
    spinner.stop()
    transport.abort()
    peer.close()
    await asyncio.sleep(0.01)


@live
async def test_what_is_kept_warm_is_called_now_and_then_and_not_again_after_it_raised() -> None:
    loop = asyncio.get_running_loop()
    raised: list[object] = []
    loop.set_exception_handler(lambda _, context: raised.append(context["exception"]))
    spinner = Spinner(loop, 1, 2_000_000)
    calls: list[int] = []

    def faulty() -> None:
        raise KeyError("cold")

    def warm() -> None:
        calls.append(time.monotonic_ns())

    spinner.keep_warm(faulty)
    spinner.keep_warm(warm)
    spinner.start()
    await until(lambda: len(calls) > 10)
    assert [repr(error) for error in raised] == ["KeyError('cold')"]
    assert min(after - before for before, after in pairwise(calls)) > 1_000_000
    spinner.let_cool(warm)
    spinner.let_cool(warm)
    count, turns = len(calls), spinner.turns
    await until(lambda: spinner.turns > turns + 100)
    assert len(calls) == count
    spinner.stop()
    await asyncio.sleep(0)
