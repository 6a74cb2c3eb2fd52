"""Order requests whose answers are late, lost or no answers: nothing is believed or repeated."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.gateway_rig import MARKET, Truth, config_for, gateway, live, orders_config, until
from tests.test_recovery import ASK, BID, quoted
from whitewire.venue import Venue

PLACE = "/api/v4/order/new"
CANCEL = "/api/v4/order/cancel"
MODIFY = "/api/v4/order/modify"
BULK = "/api/v4/order/bulk"


@pytest.mark.usefixtures("impatient")
@live
async def test_a_lost_ack_leads_to_unknown_and_the_venue_decides(
    venue: Venue, truth: Truth
) -> None:
    config = config_for(venue, orders=orders_config(ack_timeout_ms=150))
    async with gateway(venue, config=config, truth=truth) as rig:
        venue.fault("lost_ack", path=PLACE)
        venue.fault("drop_ws", method="ordersPending_update")  # nor does the push come
        order = rig.place()
        await until(lambda: order.is_unknown)
        # with the feed went our cancel, whose answer is lost too: the venue's lists tell the end
        await until(lambda: order.is_done)
        kinds = rig.seen.kinds(order)
        assert kinds.index("unknown") < kinds.index("resolved")
        assert (truth.placed(), truth.orders(), rig.seen.fills) == (1, [], [])
        await until(lambda: rig.gw.may_quote(MARKET))


@pytest.mark.usefixtures("impatient")
@live
async def test_a_push_spares_the_doubt_about_a_lost_ack(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, orders=orders_config(ack_timeout_ms=150))
    async with gateway(venue, config=config, truth=truth) as rig:
        venue.fault("lost_ack", path=PLACE)
        order = rig.place()
        await until(lambda: order.is_open)
        await until(lambda: rig.gw.counts["lost-requests"])
        assert order.state == "open"
        assert "unknown" not in rig.seen.kinds(order)
        await until(lambda: all(lane.pipeline.ready for lane in rig.gw.entry.lanes))
        order.modify(price=60001)
        await until(lambda: truth.quotes() == {("buy", Decimal(60001), Decimal("0.01"))})


@pytest.mark.usefixtures("impatient")
@live
async def test_a_slow_answer_ends_its_connection(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, orders=orders_config(connections=1, ack_timeout_ms=100))
    async with gateway(venue, config=config, truth=truth) as rig:
        venue.fault("slow_ack", path=PLACE, ms=600)
        order = rig.place()
        await until(lambda: ("orders", "up") in rig.seen.named("on_connection"))
        assert rig.seen.named("on_connection") == [("orders", "down"), ("orders", "up")]
        assert rig.gw.counts["peer-faults"] == 1
        await until(lambda: order.is_open)
        assert truth.placed() == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("when", ["before", "after"])
@live
async def test_a_reset_connection_makes_all_in_flight_unknown(
    venue: Venue, truth: Truth, when: str
) -> None:
    config = config_for(venue, orders=orders_config(connections=1, in_flight=4))
    async with gateway(venue, config=config, truth=truth) as rig:
        venue.fault("drop_rest", path=PLACE, when=when)
        rig.gw.path.enter()
        orders = [rig.place("buy", 60000 - i) for i in range(4)]
        rig.gw.path.leave()
        await until(lambda: rig.gw.counts["lost-requests"] == 4)
        await until(lambda: not rig.gw.store.unknown_orders())
        await until(lambda: all(order.is_open or order.is_done for order in orders))
        assert {order.client_id for order in orders if order.is_open} == {
            order.client_order_id for order in truth.orders()
        }
        gone = [order for order in orders if order.is_done]
        assert {order.state for order in gone} <= {"rejected"}
        assert {order.reject.code for order in gone if order.reject} <= {"never-arrived"}
        assert truth.placed() == len(orders) - len(gone)
        assert len(gone) >= (1 if when == "before" else 0)


@pytest.mark.usefixtures("impatient")
@live
async def test_an_error_page_is_no_refusal(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        venue.fault("http_503_html", path=PLACE)
        order = rig.place()
        await until(lambda: order.is_unknown)
        await until(lambda: order.is_done)
        assert order.reject is not None
        assert (order.state, order.reject.code) == ("rejected", "never-arrived")
        assert truth.placed() == 0
        assert rig.gw.counts["peer-faults"] == 0  # the connection did nothing wrong


@live
async def test_a_429_refuses_and_quiets_everything_but_cancels(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        resting = await rig.resting("buy", 59999)
        venue.fault("http_429", path=PLACE)
        first = rig.place()
        await until(lambda: first.is_done)
        assert first.reject is not None
        assert (first.reject.code, first.reject.source) == ("throttled", "venue")
        second = rig.place()
        assert second.reject is not None
        assert (second.reject.code, second.reject.source) == ("throttled", "local")
        resting.cancel()
        await until(lambda: resting.is_done)
        assert truth.placed() == 1


@pytest.mark.usefixtures("impatient")
@live
async def test_what_stands_behind_a_closing_answer_is_unknown(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, orders=orders_config(connections=1, in_flight=4))
    async with gateway(venue, config=config, truth=truth) as rig:
        venue.fault("close_mid_pipeline", path=PLACE)
        rig.gw.path.enter()
        orders = [rig.place("buy", 60000 - i) for i in range(3)]
        rig.gw.path.leave()
        await until(lambda: orders[0].is_open)
        await until(lambda: rig.gw.counts["lost-requests"] == 2)
        assert [order.state for order in orders[1:]] == ["unknown", "unknown"]
        assert rig.gw.counts["peer-faults"] == 0
        await until(lambda: rig.gw.entry.lanes[0].pipeline.ready)  # at once, it had served
        await until(lambda: all(order.is_done for order in orders[1:]))
        assert truth.quotes() == {("buy", Decimal(60000), Decimal("0.01"))}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("path", [PLACE, BULK, MODIFY, CANCEL])
@live
async def test_every_request_survives_half_an_answer(venue: Venue, truth: Truth, path: str) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting("buy", 59500)
        venue.fault("truncated_response", path=path)
        if path == BULK:
            rig.gw.quote(MARKET, [BID], [ASK], mode="bulk")
        elif path == PLACE:
            rig.place()
        elif path == MODIFY:
            order.modify(price=59501)
        else:
            order.cancel()
        await until(lambda: rig.gw.counts["lost-requests"] == 1)
        await until(lambda: not rig.gw.store.unknown_orders())
        assert {o.client_id for o in rig.gw.open_orders()} == {
            o.client_order_id for o in truth.orders()
        }
        for mine in rig.gw.open_orders():
            assert mine.state == "open"
            assert mine.venue_id in {o.id for o in truth.orders()}


@pytest.mark.parametrize("path", [PLACE, BULK, MODIFY, CANCEL])
@live
async def test_chunked_answers_are_answers(venue: Venue, truth: Truth, path: str) -> None:
    async with gateway(venue, truth=truth) as rig:
        venue.fault("chunked", path=path, times=2)
        quotes = rig.gw.quote(MARKET, [BID], [ASK], mode="bulk" if path == BULK else "pipelined")
        await until(lambda: all(order.can_modify for order in quotes.orders))
        quotes.orders[0].modify(price=59999)
        quotes.orders[1].cancel()
        await until(lambda: quotes.orders[1].is_done and quotes.orders[0].can_modify)
        assert truth.quotes() == {("buy", Decimal(59999), Decimal("0.01"))}


@pytest.mark.usefixtures("impatient")
@live
async def test_a_refused_cancel_is_sent_again_where_nothing_may_rest(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        await quoted(rig)
        venue.fault("http_429", path=CANCEL, times=2)
        rig.gw.halt("the test says so")
        await until(lambda: rig.gw.counts["rejected-throttled"] == 2)
        assert len(truth.orders()) == 2
        await until(lambda: not truth.orders())
        await until(lambda: not truth.timers())  # and the kill switch is disarmed


@pytest.mark.slow
@live
async def test_with_its_real_patience_a_lost_placement_is_given_up_after_the_quarantine(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        venue.fault("drop_rest", path=PLACE, when="before")
        order = rig.place()
        await until(lambda: order.is_unknown)
        began = asyncio.get_running_loop().time()
        await until(lambda: order.is_done, 10)
        assert asyncio.get_running_loop().time() - began > 4.8
        assert order.state == "rejected"
        assert truth.placed() == 0
