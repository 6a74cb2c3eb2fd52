"""The order socket against a scripted peer: whatever it says, each call ends exactly once."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.gateway_rig import live, orders_config, until
from tests.order_desk import MARKET, Recorder
from tests.scripted_peer import Script, reset, scripted, silent
from tests.test_feed import LIMITS, frame, read_frame, shake_hands
from tests.test_link import new_path
from tests.test_order_entry import Owner
from whitewire._bridge import now_ns
from whitewire.config import Config, VenueConfig
from whitewire.market import Side
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.order_table import OrderStore
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import RequestKind
from whitewire.transport.link import Address, tls_context
from whitewire.transport.order_entry import OrderEntry
from whitewire.transport.order_socket import SocketLane
from whitewire.transport.token_desk import TokenDesk

ORDER = {"id": 7, "market": "BTC_USDT", "amount": "1", "left": "1", "status": "OPEN"}
Speech = Callable[[asyncio.StreamWriter, int, int], None]


def accepted(call_id: int) -> bytes:
    return frame(json.dumps({"error": None, "result": ORDER, "id": call_id}).encode())


def refused(call_id: int, code: int) -> bytes:
    error = {"code": code, "message": "words"}
    return frame(json.dumps({"error": error, "result": None, "id": call_id}).encode())


def saying(speech: Speech) -> Script:
    """Authorizes, waits for two calls, and then says what is to be said about them."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        calls: list[int] = []
        while len(calls) < 2:
            opcode, text = await read_frame(reader)
            if opcode != 1:
                return  # the client says goodbye
            request = json.loads(text)
            if request["method"] in ("authorize", "ping"):
                answer = {"error": None, "result": {"status": "success"}, "id": request["id"]}
                writer.write(frame(json.dumps(answer).encode()))
            else:
                calls.append(request["id"])
        speech(writer, *calls)
        await silent(reader, writer)

    return script


def call_frame(call_id: int) -> bytes:
    """A call as the core writes it, with a mask of zeros."""
    text = json.dumps({"id": call_id, "method": "order_limit_place", "params": [{}]}).encode()
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text


class Desk:
    """The lane, and two calls on it."""

    def __init__(self, entry: OrderEntry, lane: SocketLane, owner: Owner) -> None:
        self.entry, self.lane, self.owner = entry, lane, owner
        self.store = OrderStore("ww-", Recorder())

    def send_two(self) -> list[Request]:
        requests = []
        self.entry.path.enter()
        for number in (1, 2):
            order = self.store.create(MARKET, Side.BUY, 1, 1, f"ww-{number}", 1)
            call_id = self.lane.number(NonceAllocator(), 0)
            assert self.lane.connection is not None
            assert self.lane.connection.append(call_frame(call_id))
            requests.append(Request(RequestKind.PLACE, (order,), call_id))
            self.lane.push(requests[-1])
        self.entry.path.leave()
        return requests

    async def keep_house(self, condition: Callable[[], object]) -> None:
        def tick() -> object:
            self.entry.check(now_ns())
            return condition()

        await until(tick)


@asynccontextmanager
async def desk(*scripts: Script) -> AsyncIterator[Desk]:
    owner = Owner()
    async with scripted(*scripts) as peer:
        where = VenueConfig(rest=peer.http, public_rest=peer.http, ws=peer.ws)
        orders = orders_config(connections=1, ack_timeout_ms=150, transport="websocket")
        config = Config(venue=where, markets={"BTC": LIMITS}, orders=orders)
        shared = (Address(peer.http), tls_context(None), new_path(), orders, owner, now_ns)
        entry = OrderEntry(*shared)

        async def token() -> str:
            return "token"

        await entry.open_socket(config, TokenDesk(token, now_ns))
        lane = entry.socket
        assert lane is not None
        try:
            yield Desk(entry, lane, owner)
        finally:
            await entry.close()


GARBAGE = frame(b"{")
BINARY = frame(b"\x00\x01", 2)
CLOSE = frame(struct.pack(">H", 1001), 8)
PUSH = frame(b'{"id":null,"method":"deals_update","params":[]}')
# What is said about the calls a and b; what becomes of each; whether the peer is at fault.
SPEECHES: dict[str, tuple[Speech, list[str], bool]] = {
    "in order": (lambda w, a, b: w.write(accepted(a) + accepted(b)), ["answered"] * 2, False),
    "swapped": (lambda w, a, b: w.write(accepted(b) + accepted(a)), ["answered"] * 2, False),
    "with a push": (lambda w, a, b: w.write(PUSH + accepted(a) + accepted(b)),
                    ["answered"] * 2, False),
    "refused": (lambda w, a, b: w.write(refused(a, 10) + accepted(b)), ["answered"] * 2, False),
    "twice": (lambda w, a, b: w.write(accepted(a) * 2), ["answered", "lost"], True),
    "another id": (lambda w, a, b: w.write(accepted(b + 1)), ["lost"] * 2, True),
    "no JSON": (lambda w, a, b: w.write(accepted(b) + GARBAGE), ["lost", "answered"], True),
    "binary": (lambda w, a, b: w.write(BINARY), ["lost"] * 2, True),
    "close": (lambda w, a, b: w.write(accepted(a) + CLOSE), ["answered", "lost"], False),
    "reset": (lambda w, a, b: reset(w), ["lost"] * 2, False),
    "silence": (lambda w, a, b: None, ["lost"] * 2, True),
    "unauthorized": (lambda w, a, b: w.write(refused(a, 6)), ["answered", "lost"], False),
}  # fmt: skip


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", SPEECHES)
@live
async def test_each_call_ends_once(name: str) -> None:
    speech, fates, is_fault = SPEECHES[name]
    async with desk(saying(speech)) as it:
        requests = it.send_two()
        await it.keep_house(lambda: len(it.owner.ends) == 2)
        ends = {id(request): fate for fate, request in it.owner.ends}
        assert [ends[id(request)].split()[0].rstrip(":") for request in requests] == fates
        assert bool(it.owner.faults) is is_fault, it.owner.faults
        assert all(request.orders[0].in_flight == 0 for request in requests)
        if "lost" in fates:
            await it.keep_house(lambda: it.owner.sockets == [True, False, True])
            assert it.lane.number(NonceAllocator(), 0) > max(request.nonce for request in requests)
        else:
            assert it.owner.sockets == [True]
            assert it.lane.pipeline.meter.alone.count == 1


@pytest.mark.usefixtures("impatient")
@live
async def test_what_did_not_leave_was_not_sent() -> None:
    async with desk(saying(lambda w, a, b: None)) as it:
        it.entry.path.enter()
        connection = it.lane.connection
        assert connection is not None
        order = it.store.create(MARKET, Side.BUY, 1, 1, "ww-1", 1)
        assert connection.append(call_frame(1 << 33))
        it.lane.push(Request(RequestKind.PLACE, (order,), 1 << 33))
        it.lane._session.give_up("the test says so")
        await until(lambda: it.owner.ends)
        it.entry.path.leave()
        assert [fate for fate, _ in it.owner.ends] == ["unsent: the test says so"]
        assert not connection.append(b"x")
        await until(lambda: it.owner.sockets == [True, False, True])
