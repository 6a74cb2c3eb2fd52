"""The cold path: a call returns the venue's answer or raises; an order is never repeated."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.gateway_rig import config_for, credentials_of, live
from tests.scripted_peer import (
    Script,
    answering,
    read_request,
    reset,
    response,
    scripted,
    silent,
)
from tests.test_link import new_path
from whitewire import _core
from whitewire._bridge import now_ns
from whitewire.config import Config, MarketConfig, VenueConfig
from whitewire.endpoints import ENDPOINTS
from whitewire.errors import ConfigError, NonceExhausted, PeerError, StartupError, VenueRefusal
from whitewire.protocol import control_replies as read
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.throttle import Throttle
from whitewire.transport.control import Control, naming
from whitewire.transport.link import tls_context
from whitewire.venue import Venue

LIMITS = MarketConfig(max_order_amount=1, max_order_notional=1)  # type: ignore[arg-type]


def control_for(config: Config, signer: _core.Signer, nonces: NonceAllocator) -> Control:
    return Control(
        config,
        tls_context(config.venue.ca),
        new_path(),
        signer,
        nonces,
        Throttle(ENDPOINTS.values(), random.Random(1)),
        now_ns,
    )


@asynccontextmanager
async def control_to(
    *scripts: Script, nonces: NonceAllocator | None = None
) -> AsyncIterator[Control]:
    async with scripted(*scripts) as peer:
        where = VenueConfig(rest=peer.http, public_rest=peer.http, ws=peer.ws)
        config = Config(venue=where, markets={"BTC_USDT": LIMITS})
        control = control_for(config, _core.Signer("key", "secret"), nonces or NonceAllocator())
        try:
            yield control
        finally:
            control.close()
            await asyncio.sleep(0)


@live
async def test_calls_go_to_their_route_and_come_back(venue: Venue) -> None:
    key = credentials_of(venue)
    signer = _core.Signer(key.key, key.secret)
    control = control_for(config_for(venue), signer, NonceAllocator())
    await control.open()
    assert (await control.call("ping"))[1] == b'["pong"]'
    balances = read.read_balances(*await control.call("balance"))
    assert "USDT" in {row.asset for row in balances}
    # not among the colocation endpoints: only the public host serves it
    assert await control.call("cancel_all") == (200, b"[]")
    status, _ = await control.call("markets")
    assert status == 200
    both = await asyncio.gather(*[control.call("balance") for _ in range(20)])
    assert [status for status, _ in both] == [200] * 20
    control.close()
    with pytest.raises(PeerError, match="the gateway has closed it"):
        await control.call("ping")
    await asyncio.sleep(0)


@live
async def test_an_endpoint_can_be_moved_but_not_those_of_the_lanes(venue: Venue) -> None:
    where = VenueConfig(
        rest=venue.rest,
        public_rest=venue.public_rest,
        ws=venue.ws,
        ca=venue.ca,
        route_overrides={"cancel_all": "colocation", "balance": "public"},
    )
    key = credentials_of(venue)
    signer = _core.Signer(key.key, key.secret)
    control = control_for(
        Config(venue=where, markets={"BTC_USDT": LIMITS}), signer, NonceAllocator()
    )
    assert (await control.call("balance"))[0] == 200
    assert (await control.call("cancel_all"))[0] == 404  # this colocation host does not serve it
    control.close()
    await asyncio.sleep(0)
    for name in ("place", "cancel", "typo"):
        where = VenueConfig(rest="https://h", public_rest="https://h", ws="wss://h",
                            route_overrides={name: "public"})  # fmt: skip
        with pytest.raises(ConfigError, match=f"route_overrides.{name} cannot be moved; these can"):
            control_for(Config(venue=where, markets={"BTC_USDT": LIMITS}), signer, NonceAllocator())


@live
async def test_answers_match_calls_and_a_closed_connection_is_opened_again() -> None:
    seen: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(3):
            seen.append(await read_request(reader))
            closing = [b"Connection: close"] if number == 2 else []
            writer.write(response(b"%d" % number, *closing))
        await silent(reader, writer)

    async with control_to(script) as control:
        answers = await asyncio.gather(*[control.call("balance") for _ in range(3)])
        assert [body for _, body in answers] == [b"0", b"1", b"2"]
        assert await control.call("balance") == (200, b"0")
        paths = [request.split(b" ")[1] for request in seen]
        assert paths == [b"/api/v4/trade-account/balance"] * 4
        bodies = [json.loads(request.split(b"\r\n\r\n")[1]) for request in seen]
        assert len({body["nonce"] for body in bodies}) == 4


@live
async def test_no_answer_in_time_fails_all_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whitewire.transport.control.CALL_TIMEOUT_S", 0.1)
    async with control_to(silent, answering(response())) as control:
        calls = [control.call("balance"), control.call("ping")]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all("did not answer within 0.1 s" in str(outcome) for outcome in outcomes)
        assert await control.call("ping") == (200, b"[]")


@pytest.mark.parametrize(
    ("nonsense", "text"),
    [
        (b"Go away\r\n", "malformed HTTP response"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000, "malformed HTTP response"),
        (b"", "closed the connection"),
    ],
)
@live
async def test_what_is_no_answer_is_a_peer_error(nonsense: bytes, text: str) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(nonsense)
        await writer.drain()
        if nonsense:
            await silent(reader, writer)

    async with control_to(script, answering(response())) as control:
        with pytest.raises(PeerError, match=text):
            await control.call("balance")
        assert await control.call("balance") == (200, b"[]")


@live
async def test_a_reset_behind_an_answer_costs_no_further_call() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(response(b"first"))
        reset(writer)

    async with control_to(script, answering(response(b"second"))) as control:
        assert await control.call("balance") == (200, b"first")
        await asyncio.sleep(0.02)
        assert await control.call("balance") == (200, b"second")


@live
async def test_an_extra_answer_ends_the_connection() -> None:
    async with control_to(answering(response() + response()), answering(response())) as control:
        assert await control.call("ping") == (200, b"[]")
        await asyncio.sleep(0.02)
        assert await control.call("ping") == (200, b"[]")


@live
async def test_a_caller_that_gives_up_does_not_shift_the_answers() -> None:
    gate = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        while True:
            await read_request(reader)
            await gate.wait()
            writer.write(response(b"%d" % number))
            number += 1

    async with control_to(script) as control:
        first = asyncio.ensure_future(control.call("ping"))
        second = asyncio.ensure_future(control.call("ping"))
        await asyncio.sleep(0.02)
        first.cancel()
        gate.set()
        assert await second == (200, b"1")
        assert first.cancelled()


@live
async def test_a_429_makes_the_next_call_wait() -> None:
    slow = response(b"Too Many Requests", status=b"429 Too Many Requests")
    async with control_to(answering(slow, response())) as control:
        assert (await control.call("balance"))[0] == 429
        began = asyncio.get_running_loop().time()
        assert (await control.call("balance"))[0] == 200
        assert asyncio.get_running_loop().time() - began > 0.4


@live
async def test_nonces_never_leave_the_venues_window() -> None:
    far_ahead = NonceAllocator(last=10**15)
    async with control_to(answering(response()), nonces=far_ahead) as control:
        with pytest.raises(NonceExhausted, match="ahead of the clock"):
            await control.call("balance")
        assert (await control.call("ping"))[0] == 200


@live
async def test_a_host_that_is_gone_is_a_startup_error() -> None:
    where = VenueConfig(rest="http://127.0.0.1:1", public_rest="http://127.0.0.1:1", ws="ws://h")
    config = Config(venue=where, markets={"BTC_USDT": LIMITS})
    control = control_for(config, _core.Signer("key", "secret"), NonceAllocator())
    with pytest.raises(StartupError, match="check the host and port"):
        await control.open()


@pytest.mark.parametrize(("status", "advice"), [(429, "wait a minute"), (401, "check the key")])
def test_a_refusal_says_what_was_refused_and_what_helps(status: int, advice: str) -> None:
    with pytest.raises(StartupError, match="refused a token: no") as caught, naming("a token"):
        raise VenueRefusal("no", status=status)
    assert caught.value.hint.startswith(advice)


USED = response(b'{"code":0,"message":"Too many requests."}', status=b"401 Unauthorized")
STALE = response(
    b'{"code":0,"message":"Your nonce is more than 5 seconds lesser than the current nonce"}',
    status=b"401 Unauthorized",
)


def recording(seen: list[bytes], *answers: bytes) -> Script:
    """Answers so many requests in turn, and keeps them."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            seen.append(await read_request(reader))
            writer.write(answer)
        await silent(reader, writer)

    return script


@live
async def test_a_call_whose_nonce_was_used_is_asked_again_with_the_next_one() -> None:
    seen: list[bytes] = []
    async with control_to(recording(seen, USED, USED, response(b"7"))) as control:
        assert await control.call("open_orders", {"market": "BTC_USDT"}) == (200, b"7")
    bodies = [json.loads(request.split(b"\r\n\r\n")[1]) for request in seen]
    nonces = [body["nonce"] for body in bodies]
    assert len(nonces) == 3
    assert nonces == sorted(set(nonces))
    assert {body["market"] for body in bodies} == {"BTC_USDT"}


@live
async def test_a_call_ends_with_the_refusal_when_every_nonce_was_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("whitewire.transport.control.NONCE_WAITS_S", (0.0, 0.0))
    seen: list[bytes] = []
    async with control_to(recording(seen, USED, USED, USED, response())) as control:
        assert (await control.call("balance"))[0] == 401
    assert len(seen) == 3


@pytest.mark.parametrize("name", ["place", "place_market", "modify", "bulk", "close_position"])
@live
async def test_an_order_is_never_sent_again(name: str) -> None:
    seen: list[bytes] = []
    async with control_to(recording(seen, USED, response())) as control:
        assert (await control.call(name))[0] == 401
    assert len(seen) == 1


@live
async def test_a_stale_nonce_is_not_mended_by_asking_again() -> None:
    seen: list[bytes] = []
    async with control_to(recording(seen, STALE, response())) as control:
        assert (await control.call("balance"))[0] == 401
    assert len(seen) == 1


@live
async def test_a_key_whose_last_process_ran_ahead_of_the_clock_starts_all_the_same(
    venue: Venue,
) -> None:
    key = credentials_of(venue)
    signer = _core.Signer(key.key, key.secret)
    dead, born = (control_for(config_for(venue), signer, NonceAllocator()) for _ in range(2))
    await asyncio.gather(*[dead.call("balance") for _ in range(300)])
    answers = [await born.call("balance") for _ in range(20)]
    assert [status for status, _ in answers] == [200] * 20
    dead.close()
    born.close()
    await asyncio.sleep(0)
