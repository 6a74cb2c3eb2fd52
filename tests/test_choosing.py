"""`auto` on a live gateway: the choice follows what was measured, and says why."""

from __future__ import annotations

from typing import Any

from tests.gateway_rig import MARKET, Rig, Truth, config_for, gateway, live, orders_config, until
from whitewire._bridge import now_ns
from whitewire.choosing import EXPLORE_EVERY
from whitewire.protocol.order_transports import OrderTransport
from whitewire.protocol.pace import Pace
from whitewire.protocol.service import Measurement
from whitewire.report import summary
from whitewire.venue import Venue

US = 1_000
PIPELINED, WEBSOCKET, BULK = (
    OrderTransport.PIPELINED,
    OrderTransport.WEBSOCKET,
    OrderTransport.BULK,
)
SLOW_FRONT = Measurement(4, 300 * US, 900 * US, 320 * US, 5 * US, 1_000 * US)


def tell(pace: Pace, ns: int) -> None:
    for _ in range(300):
        pace.add(ns, now_ns())


def told(rig: Rig) -> list[OrderTransport]:
    """The choice for one order and for a ladder of twenty."""
    choosing = rig.gw.ordering.choosing
    choosing.check(now_ns())
    return [choosing.of(1), choosing.of(20)]


def auto(venue: Venue, **orders: Any) -> Any:
    return config_for(venue, orders=orders_config(transport="auto", **orders))


@live
async def test_the_choice_follows_what_was_measured(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, config=auto(venue), truth=truth) as rig:
        entry = rig.gw.entry
        assert entry.measured is not None
        entry.measured = SLOW_FRONT
        assert entry.socket is not None
        assert told(rig) == [PIPELINED, PIPELINED]  # nothing is known of the others
        tell(entry.socket.pipeline.meter.alone, 100 * US)
        assert told(rig) == [WEBSOCKET, PIPELINED]  # its legs may wait as the front's do
        tell(entry.socket.pipeline.meter.behind, 3 * US)
        assert told(rig) == [WEBSOCKET, WEBSOCKET]
        for lane in entry.lanes:
            tell(lane.pipeline.meter.alone, 60 * US)
            tell(lane.pipeline.meter.bulk_leg, 2 * US)
        assert told(rig) == [PIPELINED, BULK]
        entry.socket.pipeline.ready = False
        assert told(rig) == [PIPELINED, BULK]
        for lane in entry.lanes:
            lane.pipeline.ready = False
        entry.socket.pipeline.ready = True
        assert told(rig) == [WEBSOCKET, WEBSOCKET]
        for lane in entry.lanes:
            lane.pipeline.ready = True
        why = summary(rig.gw, 1.0, True)["order_path"]["why"]
        assert why[1].startswith("websocket: last answer expected after")


@live
async def test_every_way_is_tried_now_and_then_and_orders_are_the_same(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, config=auto(venue), truth=truth) as rig:
        counts = rig.gw.counts
        ladder = [(60000 - i, "0.01") for i in range(3)]
        for _ in range(2 * EXPLORE_EVERY):
            quotes = rig.gw.quote(MARKET, ladder, [])
            await until(lambda quotes=quotes: all(order.can_modify for order in quotes.orders))
            rig.gw.cancel_all()
            await until(lambda quotes=quotes: all(order.is_done for order in quotes.orders))
        assert counts["bursts-explored"] >= 1
        assert sum(counts[f"bursts-{name}"] for name in OrderTransport) == 2 * EXPLORE_EVERY
        assert truth.placed() == 6 * EXPLORE_EVERY
        assert (rig.gw.store.illegal, counts["lost-requests"]) == (0, 0)


@live
async def test_a_mode_is_taken_as_it_is(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, config=auto(venue), truth=truth) as rig:
        for number, mode in enumerate(("pipelined", "bulk", "websocket")):
            prices = [(60000 - 10 * number - i, "0.01") for i in range(3)]
            before = rig.gw.entry.socket.pipeline.meter.alone.count  # type: ignore[union-attr]
            quotes = rig.gw.quote(MARKET, prices, [], mode=mode)  # type: ignore[arg-type]
            await until(lambda quotes=quotes: quotes.all_acked)
            after = rig.gw.entry.socket.pipeline.meter.alone.count  # type: ignore[union-attr]
            assert (after - before) == (1 if mode == "websocket" else 0)
        assert len(truth.orders()) == 9


@live
async def test_auto_sizes_the_pool(venue: Venue, truth: Truth) -> None:
    orders = orders_config(connections="auto", in_flight="auto", burst_legs=6)
    async with gateway(venue, config=config_for(venue, orders=orders), truth=truth) as rig:
        entry = rig.gw.entry
        assert entry.measured is not None
        assert len(entry.lanes) == entry.size.connections >= 2
        assert entry.size.in_flight >= 8
        data = summary(rig.gw, 1.0, True)["order_path"]
        assert data["probe"]["model"] == entry.measured.model
        assert data["pool"] == {"connections": len(entry.lanes), "in_flight": entry.size.in_flight}
        assert truth.placed() == 0
