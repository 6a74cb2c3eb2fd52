"""A peer that does what its script says: TCP, no TLS, no manners."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """Where it listens, and how many connections it has seen."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"


@asynccontextmanager
async def scripted(*scripts: Script) -> AsyncIterator[Peer]:
    """Serves the n-th connection with the n-th script, the last one for all that follow."""
    serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = scripts[min(peer.connections, len(scripts) - 1)]
        peer.connections += 1
        task = asyncio.current_task()
        assert task is not None
        serving[task] = writer
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left, which some scripts are about
        finally:
            writer.transport.abort()
            del serving[task]

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    peer = Peer(server.sockets[0].getsockname()[1])
    try:
        yield peer
    finally:
        server.close()
        await asyncio.sleep(0.01)  # what was accepted just now begins to be served
        for writer in serving.values():
            writer.transport.abort()
        await asyncio.gather(*serving)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One whole request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)


def response(body: bytes = b"[]", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A well-formed response."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


def answering(*answers: bytes) -> Script:
    """Answers each request with the next of `answers`, the last one for all that follow."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        while True:
            await read_request(reader)
            writer.write(answers[min(number, len(answers) - 1)])
            number += 1

    return script


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with a reset, right behind what was written before."""
    peer: socket.socket = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads, and never says a word."""
    while await reader.read(65536):
        pass


async def slamming(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes as soon as something comes."""
    await reader.read(1)
