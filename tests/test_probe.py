"""The probe against modelled service: what it finds is what the venue was told to do."""

from __future__ import annotations

import random
import time

import pytest

from tests.gateway_rig import credentials_of, live
from tests.scripted_peer import answering, response, scripted
from tests.test_link import new_path
from whitewire import _core
from whitewire._bridge import now_ns
from whitewire.config import Config, VenueConfig
from whitewire.endpoints import ENDPOINTS
from whitewire.errors import PeerError, StartupError
from whitewire.protocol.clock import VenueClock
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.service import Measurement, ServiceModel, pool_size
from whitewire.protocol.throttle import Throttle
from whitewire.transport.control import Control
from whitewire.transport.link import Address, tls_context
from whitewire.transport.probe import probe
from whitewire.venue import Venue, WireOptions
from whitewire.venue.options import ServiceModel as Modelled

SERVICE_US = 8_000


async def probed(rest: str, ca: str | None, key: str, secret: str) -> Measurement:
    config = Config(venue=VenueConfig(rest=rest, public_rest=rest, ws="ws://127.0.0.1:1", ca=ca))
    context, path = tls_context(ca), new_path()
    control = Control(
        config,
        context,
        path,
        _core.Signer(key, secret),
        NonceAllocator(),
        Throttle(ENDPOINTS.values(), random.Random(1)),
        now_ns,
        VenueClock(time.time_ns(), now_ns()),
    )
    try:
        return await probe(control, Address(rest), context, path)
    finally:
        control.close()


@pytest.mark.parametrize(
    ("modelled", "found", "connections"),
    [
        (Modelled.SERIAL, ServiceModel.SERIAL, 10),
        (Modelled.CONCURRENT, ServiceModel.CONCURRENT, 2),
        (Modelled.ENGINE, ServiceModel.ENGINE, 2),
    ],
)
@live
async def test_the_model_is_found(
    modelled: Modelled, found: ServiceModel, connections: int
) -> None:
    wire = WireOptions(service_us=SERVICE_US, service_model=modelled)
    with Venue(traders=False, wire=wire) as venue:
        key = credentials_of(venue)
        measured = await probed(venue.rest, venue.ca, key.key, key.secret)
        assert measured.model is found
        assert measured.single_ns >= SERVICE_US * 1_000
        assert pool_size(measured, 10).connections == connections
        placed = venue.call(lambda exchange: exchange.open_orders_of(venue.accounts[0].name, None))
        assert list(placed) == []


@live
async def test_a_refusal_and_a_closed_connection_are_told() -> None:
    async with scripted(answering(response(b"no", status=b"403 Forbidden"))) as peer:
        with pytest.raises(PeerError, match="HTTP 403"):
            await probed(peer.http, None, "key", "secret")
    with pytest.raises(StartupError):
        await probed(peer.http, None, "key", "secret")
