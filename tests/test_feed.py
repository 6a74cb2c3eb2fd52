"""The feed's connection: what it survives, what it gives up on, and what its owner hears."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.gateway_rig import config_for, live, until
from tests.scripted_peer import Peer, Script, reset, response, scripted, silent, slamming
from tests.test_link import new_path
from tests.venue.naive import RestClient
from whitewire._bridge import now_ns
from whitewire.config import Config, FeedConfig, MarketConfig, VenueConfig
from whitewire.errors import PeerError, StartupError, VenueRefusal
from whitewire.protocol.session import SessionPlan
from whitewire.transport.feed import Feed
from whitewire.transport.link import tls_context
from whitewire.transport.token_desk import TokenDesk
from whitewire.venue import Venue

PLAN = SessionPlan(order_markets=("BTC_USDT",))
LIMITS = MarketConfig(max_order_amount=1, max_order_notional=1)  # type: ignore[arg-type]


class Owner:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.events: list[tuple[int, Any]] = []
        self.on_event: Callable[[], None] = lambda: None

    def on_feed_up(self) -> None:
        self.heard.append("up")

    def on_feed_down(self, reason: str) -> None:
        self.heard.append(f"down: {reason}")

    def on_feed_event(self, kind: int, market: int, event: Any) -> None:
        self.events.append((kind, event))
        self.on_event()

    def on_peer_fault(self, where: str, error: Exception) -> None:
        self.heard.append(f"fault: {error}")


def frame(text: bytes, opcode: int = 1, *, fin: bool = True) -> bytes:
    """A server's frame, unmasked."""
    first = bytes([opcode | (0x80 if fin else 0)])
    if len(text) < 126:
        return first + bytes([len(text)]) + text
    if len(text) < 65536:
        return first + bytes([126]) + len(text).to_bytes(2, "big") + text
    return first + bytes([127]) + len(text).to_bytes(8, "big") + text


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """A client's frame: opcode and payload."""
    head = await reader.readexactly(2)
    size = head[1] & 0x7F
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4)
    data = await reader.readexactly(size)
    return head[0] & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    key = next(
        line.split(b":", 1)[1].strip()
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    )
    magic = key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(magic).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def speaking(*frames: bytes, unanswered: str = "") -> Script:
    """Confirms every request, and says `frames` once the subscription is confirmed."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        while True:
            opcode, payload = await read_frame(reader)
            if opcode != 1:
                continue
            request = json.loads(payload)
            if request["method"] == unanswered:
                continue
            result: Any = "pong" if request["method"] == "ping" else {"status": "success"}
            answer = {"error": None, "result": result, "id": request["id"]}
            writer.write(frame(json.dumps(answer).encode()))
            if request["method"] == "ordersPending_subscribe":
                for each in frames:
                    writer.write(each)

    return script


class Line:
    """A feed to a scripted peer."""

    def __init__(self, feed: Feed, owner: Owner, peer: Peer) -> None:
        self.feed = feed
        self.owner = owner
        self.peer = peer
        self.tokens = 0
        self.up = asyncio.Event()

    async def token(self) -> str:
        self.tokens += 1
        return f"token-{self.tokens}"

    async def heard(self, *expected: str) -> None:
        """Waits until the owner heard so many things, housekeeping meanwhile, and compares."""

        def tick() -> bool:
            self.feed.check(now_ns())
            return len(self.owner.heard) >= len(expected)

        await until(tick)
        assert len(self.owner.heard) == len(expected), self.owner.heard
        for heard, part in zip(self.owner.heard, expected, strict=True):
            assert part in heard


@asynccontextmanager
async def line_to(*scripts: Script, **intervals: int) -> AsyncIterator[Line]:
    owner = Owner()
    async with scripted(*scripts) as peer:
        where = VenueConfig(rest=peer.http, public_rest=peer.http, ws=peer.ws)
        config = Config(venue=where, markets={"BTC": LIMITS}, feed=FeedConfig(**intervals))
        desk = TokenDesk(lambda: line.token(), now_ns)
        feed = Feed(config, tls_context(None), new_path(), PLAN, 0, desk, owner, now_ns)
        line = Line(feed, owner, peer)
        try:
            yield line
        finally:
            await feed.close()
            assert not feed.is_up


@live
async def test_it_is_up_when_every_subscription_was_confirmed() -> None:
    async with line_to(speaking()) as line:
        await line.feed.open()
        assert line.owner.heard == ["up"]
        assert (line.feed.is_up, line.feed.sessions, line.tokens) == (True, 1, 1)
    assert line.owner.heard == ["up"]  # our own close is no loss


BAD = [
    (frame(b'{"method": "depth_update", "params": [tru'), "fault: "),
    (frame(b"\xff\xfe"), "fault: "),
    (frame(b"{}", opcode=2), "fault: a binary frame"),
    (frame(b"x" * (1024 * 1024 + 1)), "fault: "),
    (frame(b"x" * (1024 * 1024 + 1))[:10], "fault: Received frame with payload size exceeding"),
    (frame(b"x" * 600_000, fin=False) + frame(b"x" * 600_000, opcode=0), "fault: a message exceed"),
]


@pytest.mark.parametrize(("bytes_", "fault"), BAD)
@pytest.mark.usefixtures("impatient")
@live
async def test_a_frame_that_breaks_the_protocol_ends_the_session(bytes_: bytes, fault: str) -> None:
    async with line_to(speaking(bytes_), speaking()) as line:
        await line.feed.open()
        await until(lambda: line.owner.heard.count("up") == 2)
        heard = line.owner.heard
        assert sorted(what.split(":")[0] for what in heard) == ["down", "fault", "up", "up"], heard
        assert any(fault in what for what in heard)
        assert line.feed.sessions == 2


@pytest.mark.usefixtures("impatient")
@live
async def test_only_the_first_fault_of_a_session_is_told() -> None:
    storm = frame(b"nonsense") * 50
    async with line_to(speaking(storm), speaking()) as line:
        await line.feed.open()
        await until(lambda: line.owner.heard.count("up") == 2)
        assert len([what for what in line.owner.heard if what.startswith("fault")]) == 1


@pytest.mark.usefixtures("impatient")
@live
async def test_an_error_of_the_owner_ends_the_session_too() -> None:
    unknown = frame(b'{"method":"news_update","params":["hello"],"id":null}')
    async with line_to(speaking(unknown), speaking()) as line:

        def fail() -> None:
            raise PeerError("venue-number", "a number that is none")

        line.owner.on_event = fail
        await line.feed.open()
        await until(lambda: line.owner.heard.count("up") == 2)
        assert "fault: a number that is none" in line.owner.heard


@live
async def test_fragments_and_pings_are_understood() -> None:
    text = b'{"method":"news_update","params":["hello"],"id":null}'
    pieces = frame(text[:9], fin=False) + frame(b"are you there", opcode=9)
    pieces += frame(text[9:20], opcode=0, fin=False) + frame(text[20:], opcode=0) + frame(text)
    async with line_to(speaking(pieces)) as line:
        await line.feed.open()
        await until(lambda: len(line.owner.events) == 2)
        assert [event for _, event in line.owner.events] == ["news_update"] * 2


@pytest.mark.usefixtures("impatient")
@live
async def test_a_silent_peer_is_given_up() -> None:
    intervals = {"ping_interval_ms": 100, "pong_timeout_ms": 100}
    async with line_to(speaking(unanswered="ping"), speaking(), **intervals) as line:
        await line.feed.open()
        await line.heard("up", "down: no pong", "up")


@pytest.mark.usefixtures("impatient")
@live
async def test_a_close_frame_ends_the_session() -> None:
    async with line_to(speaking(frame(b"\x03\xe8", opcode=8)), speaking()) as line:
        await line.feed.open()
        await line.heard("up", "down: the venue closed the connection", "up")


@pytest.mark.usefixtures("impatient")
@live
async def test_a_reset_behind_a_frame_is_noticed() -> None:
    """The event loop tells of the frame only; pings would notice seconds later."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        for request_id in (1, 2):
            await read_frame(reader)
            answer = {"error": None, "result": {"status": "success"}, "id": request_id}
            writer.write(frame(json.dumps(answer).encode()))
        await line.up.wait()
        writer.write(frame(b'{"method":"news_update","params":["hello"],"id":null}'))
        reset(writer)

    async with line_to(script, speaking()) as line:
        await line.feed.open()
        line.up.set()
        await line.heard("up", "down: ", "up")


@pytest.mark.usefixtures("impatient")
@live
async def test_it_comes_back_whatever_stands_in_the_way() -> None:
    """Slammed doors, error pages, silence within the handshake: each is one more attempt."""

    async def error_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response(b"<html>", status=b"503 Busy"))
        await silent(reader, writer)

    async def half_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        await read_frame(reader)

    scripts = [speaking(frame(b"bad")), slamming, error_page, half_way, slamming, speaking()]
    async with line_to(*scripts) as line:
        await line.feed.open()
        await until(lambda: line.owner.heard.count("up") == 2)
        assert line.peer.connections == 6
        downs = [what for what in line.owner.heard if what.startswith("down")]
        assert len(downs) == 2  # two of the connections had been open
        assert line.tokens == 1  # reused within half of its life


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (slamming, "closed within the handshake"),
        (speaking(unanswered="authorize"), "no answer to authorize"),
        (speaking(unanswered="ordersPending_subscribe"), "no answer to ordersPending_subscribe"),
    ],
)
@live
async def test_a_first_session_that_never_comes_up_is_an_error(
    script: Script, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with line_to(script) as line:
        opening = asyncio.ensure_future(line.feed.open())
        later = 0
        while not opening.done():
            await asyncio.sleep(0.01)
            later += 2_000_000_000  # the clock of the housekeeping runs ahead
            line.feed.check(now_ns() + later)
        with pytest.raises(StartupError, match=text):
            await opening
        assert "up" not in line.owner.heard


@live
async def test_a_peer_that_hangs_in_the_handshake_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("whitewire.transport.feed.CONNECT_TIMEOUT_S", 0.1)
    async with line_to(silent) as line:
        with pytest.raises(StartupError, match="no answer within"):
            await line.feed.open()


@live
async def test_a_redirection_is_not_followed() -> None:
    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response(b"", b"Location: /other", status=b"302 Found"))
        await silent(reader, writer)

    async with line_to(elsewhere, speaking()) as line:
        with pytest.raises(StartupError):
            await line.feed.open()
        assert line.peer.connections == 1


@pytest.mark.usefixtures("impatient")
@live
async def test_a_refused_token_is_asked_for_again(venue: Venue) -> None:
    """The venue refuses an unknown token; the next attempt fetches another one."""
    owner, fetched = Owner(), 0

    async def token() -> str:
        nonlocal fetched
        fetched += 1
        if fetched == 2:
            return "not a token"
        if fetched == 3:
            raise VenueRefusal("no more tokens", status=429)
        with RestClient(venue) as client:
            return str(client.ok("profile/websocket_token")["websocket_token"])

    config = config_for(venue)
    desk = TokenDesk(token, now_ns)
    feed = Feed(config, tls_context(venue.ca), new_path(), PLAN, 0, desk, owner, now_ns)
    await feed.open()
    desk.refused(await desk.get())
    venue.fault("drop_ws")
    feed.check(now_ns() + 20_000_000_000)  # a ping, which cuts the connection
    await until(lambda: owner.heard.count("up") == 2)
    assert fetched == 4
    assert "fault: no more tokens" in owner.heard
    await feed.close()
