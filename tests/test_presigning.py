"""Cancels signed in advance: always ready in time, bounded, and no nonce is ever used twice."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core_feed import NO_LIMITS, new_engine
from tests.gateway_rig import Truth, config_for, gateway, live, orders_config, until
from tests.order_desk import MARKET, new_order, new_store
from tests.scripted_peer import read_request, scripted, silent
from tests.test_link import Nobody
from whitewire import _core
from whitewire._bridge import OrderConnection, Path
from whitewire.gateway import Gateway
from whitewire.presigning import MAX_LEAD_MS, MAX_PER_TICK, PUT_OFF_S, Presigning
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.order_states import OrderState
from whitewire.protocol.orders import Order
from whitewire.protocol.pipeline import Pipeline
from whitewire.transport.link import Address, connect, tls_context
from whitewire.venue import Venue

KEY, SECRET = "k" * 32, "s" * 32
NOW_MS = 1_785_730_136_175
TICK_MS = 100
# The core's limits of a nonce that is used (native/src/presigned.rs).
MAX_AGE_MS, MAX_AHEAD_MS = 2_400, 1_000


def keyed_engine() -> _core.Engine:
    """An engine that can sign, with one market."""
    engine = new_engine(key=KEY, secret=SECRET)
    engine.add_market(MARKET.name, MARKET.price_decimals, MARKET.amount_decimals, 5, NO_LIMITS)
    return engine


class Clock:
    """Monotonic time is the venue's, less what it was set back by."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self.is_safe = True
        self.set_back_ms = 0

    def epoch_ms(self, now_ns: int) -> int:
        return self.now_ms - self.set_back_ms


@dataclass
class World:
    """As much of a gateway as presigning sees; `config.orders` is the world itself."""

    presign_cancels: bool = True
    transport: str = "pipelined"
    engine: _core.Engine = field(default_factory=keyed_engine)
    nonces: NonceAllocator = field(default_factory=NonceAllocator)
    clock: Clock = field(default_factory=Clock)
    handed_out: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = self.orders = self
        self.pipeline = Pipeline(10, 1)
        self.entry = SimpleNamespace(lanes=[self])
        self.presigning = Presigning(cast(Gateway, self))
        self.store = new_store()
        self.known: dict[int, Order] = {}

    def order(self, number: int) -> Order:
        if number not in self.known:
            self.known[number] = new_order(self.store, f"ww-test-{number:010d}")
        return self.known[number]

    def tell(self, number: int, state: OrderState) -> None:
        order = self.order(number)
        order.state = state
        self.presigning.note(order)

    async def turns(self) -> None:
        """Lets everything that was scheduled run."""
        for _ in range(60):
            await asyncio.sleep(0)

    def tick(self, ms: int = TICK_MS) -> None:
        self.clock.now_ms += ms
        self.presigning.check(0)

    def cancel(self, number: int) -> int:
        """Sends a cancel; the nonce that lay ready, 0 where it has to be signed now."""
        path = Path(self.engine)
        connection = OrderConnection(path, Nobody(), _core.HttpParser())
        order = self.order(number)
        nonce = self.presigning.send(connection, order, 0)
        self.handed_out.append(nonce or self.next())
        return nonce

    def next(self) -> int:
        return self.nonces.next(self.clock.epoch_ms(0))

    @property
    def lead_ms(self) -> int:
        return self.nonces.last - self.clock.epoch_ms(0)


def test_a_signature_waits_for_the_answers_that_are_awaited() -> None:
    async def main() -> None:
        world = World()
        world.pipeline.in_flight = 1
        world.tell(1, OrderState.OPEN)
        await world.turns()
        assert world.cancel(1) == 0
        world.tell(2, OrderState.OPEN)
        await asyncio.sleep(10 * PUT_OFF_S)
        assert world.cancel(2) > 0, "but not for long"

    in_a_loop(main())


def in_a_loop(work: Any) -> None:
    asyncio.run(work)


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["rest", "done", "cancel", "refuse"]), st.integers(1, 12)),
        st.tuples(st.just("tick"), st.integers(1, 900)),
        st.tuples(st.just("burst"), st.integers(1, 150)),
        st.tuples(st.just("unsafe"), st.booleans()),
        st.tuples(st.just("back"), st.integers(-2_000, 2_000)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps=steps)
def test_no_nonce_is_used_twice_or_out_of_its_time(steps: list[tuple[str, int]]) -> None:
    async def main() -> None:
        world = World()
        for what, number in steps:
            before = world.nonces.last
            match what:
                case "rest" | "refuse":
                    if not world.order(number).is_done:
                        world.tell(number, OrderState.OPEN)
                        await world.turns()
                case "done":
                    world.tell(number, OrderState.CANCELED)
                case "cancel":
                    if world.order(number).can_cancel:
                        nonce = world.cancel(number)
                        now_ms = world.clock.epoch_ms(0)
                        if nonce:
                            assert world.clock.is_safe
                            assert now_ms - MAX_AGE_MS <= nonce <= now_ms + MAX_AHEAD_MS
                        world.tell(number, OrderState.CANCELING)
                case "tick":
                    world.tick(number)
                    assert world.nonces.last - max(before, world.clock.epoch_ms(0)) <= MAX_PER_TICK
                case "burst":
                    world.handed_out += [world.next() for _ in range(number)]
                case "unsafe":
                    world.clock.is_safe = not number
                case "back":
                    world.clock.set_back_ms = number
            if what not in ("burst", "cancel") and world.nonces.last != before:
                assert world.clock.is_safe
                assert world.lead_ms <= MAX_LEAD_MS
        assert len(set(world.handed_out)) == len(world.handed_out)
        living = sum(not order.is_done for order in world.known.values())
        assert world.engine.presigned <= living
        for number in world.known:
            world.tell(number, OrderState.CANCELED)
        assert world.engine.presigned == 0, "a place was not freed"

    in_a_loop(main())


def test_four_hundred_orders_stay_ready_within_the_budget() -> None:
    async def main() -> None:
        world = World()
        for number in range(1, 401):
            world.tell(number, OrderState.OPEN)
        await world.turns()
        assert world.engine.presigned == MAX_LEAD_MS  # more would run further ahead
        for _ in range(10):
            world.tick()
        assert world.engine.presigned == 400
        spent = 0
        for tick in range(100):
            before = world.nonces.last
            world.tick()
            spent += max(world.nonces.last - max(before, world.clock.now_ms - 1), 0)
            assert world.lead_ms <= MAX_LEAD_MS
            # one of them, another at each tick, is canceled and placed anew
            number = tick * 4 + 1
            assert world.cancel(number)
            world.tell(number, OrderState.CANCELED)
            world.tell(1_000 + tick, OrderState.OPEN)
            await world.turns()
        assert world.engine.presigned == 400
        assert spent <= 10 * 300, "nonces in ten seconds"
        assert all(world.cancel(number) for number in range(1_000, 1_100))

    in_a_loop(main())


def test_a_tick_is_bounded_and_what_is_late_is_signed_when_it_is_sent() -> None:
    async def main() -> None:
        world = World()
        for number in range(1, 301):
            world.tell(number, OrderState.OPEN)
        await world.turns()
        for _ in range(10):
            world.tick()
        world.tick(5_000)  # the loop was held up
        fresh = [number for number in range(1, 301) if world.cancel(number)]
        assert 0 < len(fresh) <= MAX_PER_TICK

    in_a_loop(main())


def test_without_a_safe_clock_nothing_is_made_or_used() -> None:
    async def main() -> None:
        world = World()
        world.tell(1, OrderState.OPEN)
        await world.turns()
        world.clock.is_safe = False
        world.tell(2, OrderState.OPEN)
        await world.turns()
        world.tick()
        assert (world.engine.presigned, world.cancel(1)) == (1, 0)
        world.clock.is_safe = True
        world.tick()
        assert world.cancel(2) > 0

    in_a_loop(main())


@pytest.mark.parametrize("options", [{"presign_cancels": False}, {"transport": "websocket"}])
def test_switched_off_it_makes_nothing(options: dict[str, Any]) -> None:
    async def main() -> None:
        world = World(**options)
        world.tell(1, OrderState.OPEN)
        world.tick()
        await world.turns()
        assert (world.engine.presigned, world.cancel(1)) == (0, 0)

    in_a_loop(main())


def test_a_clock_that_was_set_makes_old_ones_unusable() -> None:
    async def main() -> None:
        world = World()
        for set_back_ms in (-3_000, 3_000):
            world.tell(1, OrderState.OPEN)
            await world.turns()
            world.clock.set_back_ms += set_back_ms
            assert world.cancel(1) == 0
            world.clock.now_ms += 10_000

    in_a_loop(main())


@live
async def test_what_leaves_is_signed_as_the_standard_library_says() -> None:
    requests: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        await silent(reader, writer)

    engine, handler = keyed_engine(), Nobody()
    path = Path(engine)
    async with scripted(script) as peer:
        await connect(Address(peer.http), tls_context(None), path, handler)
        assert handler.connection is not None
        client_id = b"ww-test-0000000042"
        assert engine.presign(0, client_id, NOW_MS)
        path.enter()
        assert handler.connection.cancel_ready(0, client_id, NOW_MS + 500) == NOW_MS
        assert handler.connection.cancel_ready(0, client_id, NOW_MS + 500) == 0
        path.leave()
        await until(lambda: requests)
        handler.connection.abort()
        await handler.lost.wait()
    head, _, body = requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    payload = headers["X-TXC-PAYLOAD"]
    digest = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha512).hexdigest()
    assert lines[0] == "POST /api/v4/order/cancel HTTP/1.1"
    assert (headers["X-TXC-SIGNATURE"], base64.b64decode(payload)) == (digest, body)
    assert json.loads(body) == {
        "request": "/api/v4/order/cancel",
        "nonceWindow": True,
        "market": MARKET.name,
        "clientOrderId": client_id.decode(),
        "nonce": NOW_MS,
    }


@pytest.mark.parametrize("pads", [False, True])
@live
async def test_the_venue_takes_a_cancel_that_was_signed_before(
    venue: Venue, truth: Truth, pads: bool
) -> None:
    config = config_for(venue, orders=orders_config(pad_requests=pads))
    async with gateway(venue, config=config, truth=truth) as rig:
        orders = [await rig.resting("buy", 60_000 - number) for number in range(3)]
        await until(lambda: rig.gw.engine.presigned == 3)
        orders[1].modify(price=59_000)  # the client id, by which it is canceled, stays
        await until(lambda: orders[1].can_modify)
        for order in orders:
            order.cancel()
        await until(lambda: all(order.is_done for order in orders))
        assert (truth.orders(), rig.gw.counts["cancels-presigned"]) == ([], 3)
        assert rig.gw.engine.presigned == 0


@live
async def test_a_ready_cancel_that_never_left_is_not_sent_again(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting()
        await until(lambda: rig.gw.engine.presigned == 1)
        rig.gw.path.enter()
        order.cancel()
        carrier = order.carrier
        (lane,) = [lane for lane in rig.gw.entry.lanes if lane.pipeline is carrier]
        assert lane.connection is not None
        lane.connection.abort()
        rig.gw.path.leave()
        await until(lambda: order.is_done)
        assert (order.state, truth.orders()) == ("canceled", [])
        assert (rig.gw.counts["cancels"], rig.gw.counts["cancels-presigned"]) == (2, 1)
        assert not [name for name in rig.gw.counts if name.startswith("held-")]


@live
async def test_the_order_socket_takes_no_signed_request(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, orders=orders_config(transport="websocket"))
    async with gateway(venue, config=config, truth=truth) as rig:
        order = await rig.resting()
        socket = rig.gw.entry.socket
        assert socket is not None
        assert socket.connection is not None
        assert rig.gw.engine.presign(0, order.client_id.encode(), NOW_MS)
        with pytest.raises(NotImplementedError, match="cannot travel over the WebSocket"):
            socket.connection.cancel_ready(0, order.client_id.encode(), NOW_MS)
        order.cancel()
        await until(lambda: order.is_done)
        assert (truth.orders(), rig.gw.counts["cancels-presigned"]) == ([], 0)
