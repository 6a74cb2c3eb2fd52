"""What the bridge reads of a session by itself is what picows reads of it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import re
import socket
import sys
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picows import WSError, WSTransport, ws_connect

from tests.core_feed import CoreFeed
from tests.gateway_rig import live
from tests.scripted_peer import Script, scripted
from whitewire.transport.feed import MAX_FRAME

MARKET = ("BTC_USDT", 2, 3, 100)
FIRST_ID = 22_216_665_449
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CONTINUATION, BINARY, CLOSE, PING, PONG = 0x1, 0x0, 0x2, 0x8, 0x9, 0xA


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True) -> bytes:
    """A frame as a server sends it."""
    size = len(payload)
    if size < 126:
        head = bytes((size,))
    elif size < 65536:
        head = b"\x7e" + size.to_bytes(2, "big")
    else:
        head = b"\x7f" + size.to_bytes(8, "big")
    return bytes((opcode | (0x80 if fin else 0),)) + head + payload


def snapshot(levels: int = 1) -> bytes:
    rows = ", ".join(f'["{62_957 + row}.30", "0.{1 + row % 899:03}"]' for row in range(levels))
    return (
        '{"method": "depth_update", "params": [true, {"timestamp": 1785730136.175524, '
        f'"update_id": {FIRST_ID}, "asks": [{rows}], "bids": [["62950.20", "0.500"]], '
        '"event_time": 1785730136.235201}, "BTC_USDT"], "id": null}'
    ).encode()


def delta(number: int) -> bytes:
    """Numbers count from 1 and chain."""
    past = FIRST_ID + number - 1
    return (
        '{"method": "depth_update", "params": [false, {"timestamp": 1785730136.175524, '
        f'"update_id": {past + 1}, "past_update_id": {past}, "asks": [["62957.30", '
        f'"{1 + number % 9}.{number % 7}00"]], "event_time": 1785730136.235201}}, '
        '"BTC_USDT"], "id": null}'
    ).encode()


def message(number: int, kind: str) -> list[bytes]:
    """The frames of one thing that a server may send, the `number`th."""
    text = delta(number)
    if kind == "whole":
        return [frame(text)]
    if kind == "fragments":
        third = len(text) // 3
        parts = [text[:third], text[third : 2 * third], text[2 * third :]]
        ping = frame(b"between", PING)
        return [
            frame(parts[0], TEXT, fin=False),
            ping,
            frame(parts[1], CONTINUATION, fin=False),
            frame(parts[2], CONTINUATION),
        ]
    extra = {
        "ping": frame(b"%d" % number, PING),
        "pong": frame(b"", PONG),
        "reply": frame(b'{"id": %d, "result": "pong", "error": null}' % number),
        "text in two": frame(b'{"id": 3, "resu', TEXT, fin=False)
        + frame(b'lt": "pong", "error": null}'),
        "large": frame(b" " * 70_000 + b'{"id": 1, "result": "pong", "error": null}'),
        "larger": frame(b" " * 300_000 + b'{"id": 2, "result": "pong", "error": null}'),
    }[kind]
    return [extra, frame(text)]


KINDS = ("whole", "fragments", "ping", "pong", "reply", "text in two", "large", "larger")
USUAL = ("whole",) * 6 + ("ping", "reply", "fragments")
# What ends a session; behind it nothing counts.
ENDS = {
    "close": frame(b"\x03\xe8", CLOSE),
    "close without a code": frame(b"", CLOSE),
    "close with a wrong code": frame(b"\x00\x01", CLOSE),
    "masked": bytes((0x81, 0x80 | 5)) + b"masklong!",
    "reserved bit": bytes((0x81 | 0x40, 2)) + b"{}",
    "reserved opcode": bytes((0x83, 2)) + b"{}",
    "fragmented ping": bytes((PING, 2)) + b"{}",
    "long ping": bytes((0x80 | PING, 126, 0, 126)) + b"p" * 126,
    "length in too many bytes": bytes((0x81, 126, 0, 3)) + b"{ }",
    "long length in too many bytes": bytes((0x81, 127, *(0,) * 7, 3)) + b"{ }",
    "negative length": bytes((0x81, 127, 0x80, *(0,) * 7)),
    "too large": bytes((0x81, 127)) + (MAX_FRAME + 1).to_bytes(8, "big") + b"x" * 5000,
    "binary": frame(b"\x00\x01", BINARY),
    "no JSON": frame(b"what?"),
    "end": b"",
}


class Session(CoreFeed):
    """A listener on a socket of its own."""

    def __init__(self, *, by_picows: bool) -> None:
        super().__init__(MARKET, by_picows=by_picows)
        self.by_picows = by_picows
        self.transport: WSTransport | None = None
        self.readers: set[str] = set()

    def on_open(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_close(self) -> None:
        self.said.append(("closed",))

    def on_event(self, kind: int, market: int, event: object) -> None:
        super().on_event(kind, market, event)
        self.note_reader()

    def on_fault(self, error: Exception) -> None:
        super().on_fault(error)
        assert self.transport is not None
        self.transport.disconnect(graceful=False)

    def note_reader(self) -> None:
        assert self.transport is not None
        carrier = self.transport.underlying_transport
        self.readers.add(type(carrier.get_protocol()).__name__)  # type: ignore[attr-defined]

    @property
    def is_eager(self) -> bool:
        """Whether the kernel acknowledges what it hands over, before anybody has seen it."""
        assert self.transport is not None
        peer: socket.socket = self.transport.underlying_transport.get_extra_info("socket")
        return bool(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK))

    async def read(self, url: str) -> str:
        """Reads until the end; the error of picows, if there was one."""
        transport, _ = await ws_connect(
            lambda: self.listener,
            url,
            enable_auto_pong=False,
            max_frame_size=MAX_FRAME,
            use_aiofastnet=True,
        )
        try:
            await transport.wait_disconnected()
        except WSError as error:
            return str(error)
        return ""

    def facts(self) -> tuple[object, ...]:
        """What does not depend on how the bytes came."""
        calls = {("book", 0), ("ticker", 0)}
        book = self.engine.book(0, MARKET[0])
        counters = {
            name: count
            for name, count in self.engine.counters().items()
            if name in ("frames", "deltas", "snapshots", "gaps", "malformed")
        }
        levels = (book.update_id, book.bids(100), book.asks(100))
        return [said for said in self.said if said not in calls], counters, levels


def sending(
    chunks: Sequence[bytes], heard: bytearray, early: int = 0, *, ends: bool = True
) -> Script:
    """Shakes hands and sends; `early` chunks come with the handshake, the others one by one."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"sec-websocket-key: *(\S+)", request, re.IGNORECASE)
        assert found is not None
        accept = base64.b64encode(hashlib.sha1(found[1] + GUID).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + b"".join(chunks[:early])
        )
        for chunk in chunks[early:]:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0.0005)
        if not ends:
            return
        writer.write_eof()
        heard.extend(await reader.read())

    return script


async def both(chunks: Sequence[bytes], early: int = 0) -> list[tuple[Session, str, bytes]]:
    """The same bytes, read by picows to the end and read by the bridge."""
    outcomes = []
    for by_picows in (True, False):
        session, heard = Session(by_picows=by_picows), bytearray()
        async with scripted(sending(chunks, heard, early)) as peer:
            error = await session.read(peer.ws)
        outcomes.append((session, error, _unmasked(heard)))
    return outcomes


def _unmasked(heard: bytes) -> bytes:
    """What a client said, without the masks, which are random; its frames are short."""
    said, at = b"", 0
    while at < len(heard):
        size = heard[at + 1] & 0x7F
        mask, payload = heard[at + 2 : at + 6], heard[at + 6 : at + 6 + size]
        bare = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        said += heard[at : at + 2] + bare
        at += 6 + size
    return said


def cut(stream: bytes, cuts: Sequence[float]) -> list[bytes]:
    places = sorted({int(len(stream) * place) for place in cuts} | {0, len(stream)})
    return [stream[start:end] for start, end in pairwise(places)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    kinds=st.lists(st.sampled_from(KINDS), max_size=12),
    cuts=st.lists(st.floats(0, 1), max_size=12),
    early=st.integers(0, 3),
)
def test_both_read_the_same(kinds: list[str], cuts: list[float], early: int) -> None:
    frames = [frame(snapshot())]
    for number, kind in enumerate(kinds, 1):
        frames += message(number, kind)
    chunks = cut(b"".join(frames), cuts)

    @live
    async def check() -> None:
        (slow, slow_end, slow_said), (fast, fast_end, fast_said) = await both(chunks, early)
        assert fast.facts() == slow.facts()
        assert (fast_end, fast_said) == (slow_end, slow_said)
        assert fast.said.count(("closed",)) == 1

    check()


@pytest.mark.parametrize("seed", range(3))
@live
async def test_a_byte_at_a_time_is_the_same(seed: int) -> None:
    rng = random.Random(seed)
    kinds = [rng.choice(USUAL) for _ in range(4)]
    frames = [frame(snapshot())]
    for number, kind in enumerate(kinds, 1):
        frames += message(number, kind)
    stream = b"".join(frames)
    chunks = [stream[at : at + 1] for at in range(len(stream))]
    (slow, _, slow_said), (fast, _, fast_said) = await both(chunks)
    assert fast.facts() == slow.facts()
    assert fast_said == slow_said


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("name", ENDS)
@live
async def test_what_ends_a_session_ends_it(name: str, split: bool) -> None:
    """What came before counts; what comes behind does not, but for a close that picows reads on."""
    before = b"".join([frame(snapshot()), frame(delta(1)), frame(delta(2))])
    behind = ENDS[name] + (frame(delta(3)) if name != "end" else b"")
    at = len(before) + 1
    stream = before + behind
    chunks = [frame(b'{"id": 1, "result": "pong", "error": null}')]
    chunks += [stream[:at], stream[at:]] if split else [before, behind]
    (slow, slow_end, slow_said), (fast, fast_end, fast_said) = await both(chunks)
    assert fast.facts() == slow.facts()
    assert (fast_end, fast_said) == (slow_end, slow_said)
    if not name.startswith("close"):
        assert fast.engine.book(0, "BTC_USDT").update_id in (FIRST_ID + 2, 0)


@pytest.mark.parametrize("held", range(12))
@live
async def test_it_takes_over_wherever_a_read_ends(held: int) -> None:
    """The handshake brings frames, and a part of one; what picows holds of it stays its own."""
    large = frame(b" " * 70_000 + b'{"id": 7, "result": "pong", "error": null}')
    rest = [frame(delta(2)), frame(b'{"id": 8, "result": "pong", "error": null}')]
    begin = frame(snapshot()) + frame(delta(1))
    chunks = [begin + large[:held], large[held:], *rest]
    (slow, _, _), (fast, _, _) = await both(chunks, early=1)
    assert fast.facts() == slow.facts()
    assert slow.readers == {"WSProtocol"}
    assert "FeedReader" in fast.readers


@live
async def test_a_read_is_told_once_whatever_it_holds() -> None:
    """A ping amid deltas does not tell of the first ones early."""
    hello = frame(b'{"id": 1, "result": "pong", "error": null}')
    stream = [frame(snapshot()), frame(delta(1)), frame(b"x", PING), frame(delta(2))]
    session, heard = Session(by_picows=False), bytearray()
    async with scripted(sending([hello, b"".join(stream)], heard)) as peer:
        await session.read(peer.ws)
    assert session.said.count(("book", 0)) == 1
    assert bytes(_unmasked(heard)) == bytes((0x80 | PONG, 0x80 | 1)) + b"x"
    assert session.listener.last_frame_ns > 0


@live
async def test_a_read_is_acknowledged_right_after_what_it_sets_off() -> None:
    """Not before, and not so late that a peer that waits for it (Nagle) would be held up."""
    eager: list[bool] = []
    unacknowledged: list[int] = []

    class Noting(Session):
        def on_event(self, kind: int, market: int, event: object) -> None:
            super().on_event(kind, market, event)
            eager.append(self.is_eager)

    session = Noting(by_picows=False)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await sending([], bytearray(), ends=False)(reader, writer)
        peer: socket.socket = writer.get_extra_info("socket")
        for number in range(20):
            writer.write(frame(b'{"id": %d, "result": "pong", "error": null}' % number))
            while len(eager) <= number:
                await asyncio.sleep(0)
            info = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
            unacknowledged.append(int.from_bytes(info[24:28], sys.byteorder))

    async with scripted(script) as peer:
        await session.read(peer.ws)
    assert not any(eager[1:])  # the first frame is picows' own
    assert unacknowledged[1:] == [0] * 19
