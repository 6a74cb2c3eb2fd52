"""The lanes of the order path against scripted peers: every request ends exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.gateway_rig import live, orders_config, until
from tests.order_desk import MARKET, Recorder
from tests.scripted_peer import (
    Script,
    answering,
    read_request,
    reset,
    response,
    scripted,
    silent,
    slamming,
)
from tests.test_link import new_path
from whitewire._bridge import now_ns
from whitewire.errors import PeerError, StartupError
from whitewire.market import Side
from whitewire.protocol.order_table import OrderStore
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import Reply, RequestKind
from whitewire.transport.lane import Lane
from whitewire.transport.link import Address, tls_context
from whitewire.transport.order_entry import OrderEntry

ORDER = b'{"orderId":7,"market":"BTC_USDT","amount":"1","left":"1","clientOrderId":"ww-1"}'
PLACE = b"POST /place HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


class Owner:
    """Notes what became of requests."""

    def __init__(self) -> None:
        self.ends: list[tuple[str, Request]] = []
        self.lanes: list[tuple[int, int]] = []
        self.sockets: list[bool] = []
        self.faults: list[str] = []
        self.refuses = False

    def on_answer(
        self, request: Request, replies: tuple[Reply, ...], status: int, now_ns: int
    ) -> None:
        if self.refuses:
            raise PeerError("venue-number", "an answer that makes no sense")
        self.ends.append((f"answered {status}", request))

    def on_request_lost(self, request: Request, reason: str) -> None:
        self.ends.append((f"lost: {reason}", request))

    def on_request_unsent(self, request: Request, reason: str) -> None:
        self.ends.append((f"unsent: {reason}", request))

    def on_lanes(self, up: int, total: int) -> None:
        self.lanes.append((up, total))

    def on_order_socket(self, is_up: bool) -> None:
        self.sockets.append(is_up)

    def on_peer_fault(self, where: str, error: Exception) -> None:
        self.faults.append(f"{where}: {error}")

    @property
    def fates(self) -> list[str]:
        """What became of the requests, in the order of their ends."""
        return [fate for fate, _ in self.ends]


class Desk:
    """A pool of lanes to a scripted peer, and orders to send on them."""

    def __init__(self, entry: OrderEntry, owner: Owner) -> None:
        self.entry = entry
        self.owner = owner
        self.store = OrderStore("ww-", Recorder())
        self.number = 0

    async def keep_house(self, condition: Callable[[], object]) -> None:
        """Housekeeping until the condition holds."""

        def tick() -> object:
            self.entry.check(now_ns())
            return condition()

        await until(tick)

    def send(self, count: int = 1, lane: Lane | None = None) -> list[Request]:
        """Places so many orders in one burst."""
        requests = []
        self.entry.path.enter()
        for _ in range(count):
            self.number += 1
            order = self.store.create(MARKET, Side.BUY, 1, 1, f"ww-{self.number}", 1)
            chosen = lane or self.entry.pick(None, False)
            assert chosen is not None
            assert chosen.connection is not None
            assert chosen.connection.append(PLACE)
            requests.append(Request(RequestKind.PLACE, (order,)))
            chosen.push(requests[-1])
        self.entry.path.leave()
        return requests


@asynccontextmanager
async def desk(*scripts: Script, **config: int) -> AsyncIterator[Desk]:
    owner = Owner()
    async with scripted(*scripts) as peer:
        entry = OrderEntry(
            Address(peer.http),
            tls_context(None),
            new_path(),
            orders_config(**({"connections": 1} | config)),
            owner,
            now_ns,
        )
        try:
            await entry.open()
            yield Desk(entry, owner)
        finally:
            await entry.close()
            await until(lambda: all(lane.connection is None for lane in entry.lanes))


@live
async def test_answers_match_requests_in_order() -> None:
    answers = [response(ORDER), response(b"{}", status=b"503 Busy"), response(ORDER)]
    async with desk(answering(*answers)) as it:
        requests = it.send(3)
        await until(lambda: len(it.owner.ends) == 3)
        assert it.owner.fates == ["answered 200", "answered 503", "answered 200"]
        assert [request for _, request in it.owner.ends] == requests
        assert all(request.t_sent_ns and request.orders[0].t_ack_ns for request in requests)


@pytest.mark.parametrize(
    ("nonsense", "code"),
    [
        (b"Welcome\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000, "malformed"),  # a head without an end
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nmore than five", "malformed"),
        (response(ORDER) + response(ORDER), "answers no request"),
    ],
)
@pytest.mark.usefixtures("impatient")
@live
async def test_a_peer_that_breaks_http_loses_its_connection(nonsense: bytes, code: str) -> None:
    async with desk(answering(nonsense), answering(response(ORDER))) as it:
        (request,) = it.send()
        await until(lambda: it.owner.faults)
        await until(lambda: it.entry.lanes[0].pipeline.ready)
        assert code in it.owner.faults[0]
        assert [sent for _, sent in it.owner.ends] == [request]
        it.send()
        await until(lambda: len(it.owner.ends) == 2)
        assert it.owner.fates[-1] == "answered 200"
        assert it.owner.lanes == [(1, 1), (0, 1), (1, 1)]


@pytest.mark.usefixtures("impatient")
@live
async def test_a_length_that_lies_is_an_overdue_answer() -> None:
    lying = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}"
    async with desk(answering(lying), ack_timeout_ms=100) as it:
        it.send(2)
        await it.keep_house(lambda: it.owner.faults)
        assert it.owner.faults == ["orders-0: no answer within 100 ms"]
        await until(lambda: len(it.owner.ends) == 2)
        assert it.owner.fates == ["lost: no answer within 100 ms"] * 2


@pytest.mark.usefixtures("impatient")
@live
async def test_what_stands_behind_a_closing_answer_is_lost_at_once() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(response(ORDER, b"Connection: close"))
        await silent(reader, writer)  # and leaves the rest to the client

    async with desk(script, answering(response(ORDER))) as it:
        it.send(3)
        await until(lambda: len(it.owner.ends) == 3)
        assert it.owner.fates == [
            "answered 200",
            *["lost: the venue closed the connection after an answer"] * 2,
        ]
        assert it.owner.faults == []
        await until(lambda: it.entry.lanes[0].pipeline.ready)


@pytest.mark.usefixtures("impatient")
@live
async def test_what_was_queued_on_a_dying_connection_was_never_sent() -> None:
    async with desk(answering(response(ORDER, b"Connection: close"))) as it:
        (first,) = it.send()
        lane = it.entry.lanes[0]
        assert lane.connection is not None
        it.entry.path.enter()
        it.send()
        lane.connection.abort()
        it.entry.path.leave()
        await until(lambda: len(it.owner.ends) == 2)
        assert it.owner.ends[0][1] is first
        assert [fate.split(":")[0] for fate in it.owner.fates] == ["lost", "unsent"]


@pytest.mark.usefixtures("impatient")
@live
async def test_an_answer_that_cannot_be_used_counts_as_lost() -> None:
    async with desk(answering(response(ORDER))) as it:
        it.owner.refuses = True
        it.send(2)
        await until(lambda: len(it.owner.ends) == 2)
        assert it.owner.fates[0] == "lost: an answer that makes no sense"
        assert it.owner.fates[1].startswith("lost: an answer that makes no sense")
        assert it.owner.faults == ["orders-0: an answer that makes no sense"]


@pytest.mark.usefixtures("impatient")
@live
async def test_a_peer_that_slams_the_door_is_not_hammered() -> None:
    async with desk(slamming) as it:
        for _ in range(3):
            await until(lambda: it.entry.lanes[0].pipeline.ready)
            it.send()
            await until(lambda: not it.entry.lanes[0].pipeline.ready)
        assert len(it.owner.ends) == 3
        assert all(fate.startswith("lost") for fate in it.owner.fates)
        # waits of 20, 40 and 80 ms, each shortened by at most a half
        began = asyncio.get_running_loop().time()
        await until(lambda: it.entry.lanes[0].pipeline.ready)
        assert asyncio.get_running_loop().time() - began > 0.03


@pytest.mark.usefixtures("impatient")
@live
async def test_a_lane_that_is_lost_right_after_it_came_back_tries_again() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Gone before the client could even send."""

    async with desk(slamming, hang_up, hang_up, hang_up, answering(response(ORDER))) as it:
        it.send()
        await until(lambda: it.owner.ends)
        for _ in range(200):
            await asyncio.sleep(0.005)
            lane = it.entry.pick(None, False)
            if lane is not None and it.entry.lanes[0].pipeline.ready:
                it.send()
            if "answered 200" in it.owner.fates:
                break
        assert "answered 200" in it.owner.fates


@pytest.mark.usefixtures("impatient")
@live
async def test_a_reset_behind_an_answer_is_noticed() -> None:
    """The event loop tells of the answer only."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(response(ORDER))
        reset(writer)

    async with desk(script, answering(response(ORDER))) as it:
        it.send(2)
        await it.keep_house(lambda: len(it.owner.ends) == 2)
        assert [fate.split(":")[0] for fate in it.owner.fates] == ["answered 200", "lost"]
        await it.keep_house(lambda: it.entry.lanes[0].pipeline.ready)


@live
async def test_an_idle_lane_is_kept_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whitewire.transport.order_entry.WARM_EVERY_NS", 20_000_000)
    asked: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked.append(await read_request(reader))
            status = b"429 Too Many Requests" if len(asked) == 1 else b"200 OK"
            writer.write(response(b'["pong"]', status=status))

    async with desk(script) as it:
        await it.keep_house(lambda: len(asked) == 3)
        assert asked[0].startswith(b"GET /api/v4/public/ping HTTP/1.1\r\nHost: 127.0.0.1:")
        assert (it.owner.ends, it.owner.faults) == ([], [])


@live
async def test_requests_spread_over_the_lanes() -> None:
    async with desk(silent, connections=3, in_flight=2) as it:
        it.send(6)
        assert [lane.pipeline.in_flight for lane in it.entry.lanes] == [2, 2, 2]
        assert it.entry.pick(None, False) is None
        assert it.entry.pick(None, True) is not None
        order = it.store.open_orders()[0]
        carrier = it.entry.pick(order, True)
        assert carrier is not None
        assert carrier.pipeline is order.carrier


@live
async def test_a_host_that_is_not_there_is_a_startup_error() -> None:
    entry = OrderEntry(
        Address("http://127.0.0.1:1"),
        tls_context(None),
        new_path(),
        orders_config(),
        Owner(),
        now_ns,
    )
    with pytest.raises(StartupError, match="check the host and port"):
        await entry.open()
    await entry.close()
