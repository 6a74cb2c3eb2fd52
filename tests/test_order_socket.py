"""Orders over the WebSocket, end to end on the embedded venue: the same states as over REST."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.gateway_rig import (
    MARKET,
    Recorder,
    Rig,
    Truth,
    config_for,
    gateway,
    live,
    orders_config,
    until,
)
from whitewire.config import Config
from whitewire.errors import UsageError
from whitewire.transport.order_socket import SocketLane
from whitewire.venue import Venue, WireOptions
from whitewire.venue.options import RateLimit

PLACE, MODIFY, CANCEL = "order_limit_place", "order_modify", "order_cancel"
REST_CANCEL = "/api/v4/order/cancel"


def on_socket(venue: Venue, **orders: Any) -> Config:
    return config_for(venue, orders=orders_config(transport="websocket", **orders))


def socket_of(rig: Rig) -> SocketLane:
    socket = rig.gw.entry.socket
    assert socket is not None
    return socket


@live
async def test_an_order_is_placed_moved_filled_and_canceled(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, config=on_socket(venue), truth=truth) as rig:
        for lane in rig.gw.entry.lanes:
            lane.pipeline.ready = False  # nothing of this may travel by REST
        order = await rig.resting(price=60000)
        assert truth.quotes() == {("buy", Decimal(60000), Decimal("0.01"))}
        order.modify(price="60001.5")
        await until(lambda: order.can_modify and order.price == Decimal("60001.5"))
        assert rig.seen.kinds(order).count("replaced") == 1
        truth.make("sell", "60001.5", "0.004", ioc=True)
        await until(lambda: order.filled == Decimal("0.004"))
        order.cancel()
        await until(lambda: order.is_done and not order.in_flight)  # the push may come first
        assert (order.state, truth.orders()) == ("canceled", [])
        assert [fill.amount for fill in rig.seen.fills] == [Decimal("0.004")]
        t = order.latency
        assert 0 < t.t_submit_ns <= t.t_sent_ns < t.t_ack_ns
        assert rig.gw.engine.stage(5).count == 3
        for lane in rig.gw.entry.lanes:
            lane.pipeline.ready = True


@live
async def test_a_ladder_leaves_in_one_write_and_its_legs_are_acknowledged_one_by_one(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, config=on_socket(venue), truth=truth) as rig:
        bids = [(60000 - i, "0.01") for i in range(20)]
        quotes = rig.gw.quote(MARKET, bids, [], mode="websocket")
        assert len({order.t_sent_ns for order in quotes.orders}) == 1
        await until(lambda: quotes.all_acked)
        assert len(truth.orders()) == 20
        assert not quotes.errors
        assert 0 < quotes.first_ack_ns <= quotes.last_ack_ns


@live
async def test_a_transport_that_is_not_open_is_an_error(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        with pytest.raises(UsageError, match="no order socket"):
            rig.gw.quote(MARKET, [(60000, "0.01")], [], mode="websocket")
        with pytest.raises(UsageError, match="pigeon"):
            rig.gw.quote(MARKET, [(60000, "0.01")], [], mode="pigeon")  # type: ignore[arg-type]


@live
async def test_refusals_are_told_by_their_own_numbers(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, config=on_socket(venue), truth=truth) as rig:
        for error, code in ((10, "no-funds"), (43, "client-id"), (10010, "not-available")):
            venue.fault("ws_refused", method=PLACE, error=error)
            order = rig.place()
            await until(lambda order=order: order.is_done)
            assert order.state == "rejected"
            assert order.reject is not None
            seen = (order.reject.code, order.reject.venue_code, order.reject.status)
            assert seen == (code, error, 0)
        taker = rig.place(price=60999)
        truth.make("sell", 60998, "0.1")
        again = rig.place(price=60999)  # the gate still sees the older book
        await until(lambda: again.is_done)
        assert again.reject is not None
        assert again.reject.code in {"would-take", "would-cross"}
        taker.cancel()
        assert truth.placed() <= 2


@pytest.mark.usefixtures("impatient")
@live
async def test_an_unknown_outcome_is_asked_about(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, config=on_socket(venue), truth=truth) as rig:
        venue.fault("ws_timeout", method=PLACE, when="before")
        never = rig.place()
        await until(lambda: never.is_unknown)
        await until(lambda: never.is_done)
        assert never.reject is not None
        assert never.reject.code == "never-arrived"
        venue.fault("ws_timeout", method=PLACE, when="after")
        order = rig.place()
        await until(lambda: "acked" not in rig.seen.kinds(order) and order.is_open)
        assert truth.placed() == 1
        order.cancel()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("when", ["before", "after"])
@live
async def test_a_reset_socket_makes_all_in_flight_unknown(
    venue: Venue, truth: Truth, when: str
) -> None:
    async with gateway(venue, config=on_socket(venue), truth=truth) as rig:
        venue.fault("drop_ws", method=PLACE, when=when)
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
        assert {order.reject.code for order in gone if order.reject} <= {"never-arrived"}
        assert truth.placed() == len(orders) - len(gone)
        await until(lambda: socket_of(rig).pipeline.ready)
        told = [state for stream, state in rig.seen.named("on_connection") if "socket" in stream]
        assert told == ["down", "up"]
        await rig.resting(price=59000 - 1)


@pytest.mark.usefixtures("impatient")
@live
async def test_an_overdue_reply_ends_the_socket(venue: Venue, truth: Truth) -> None:
    config = on_socket(venue, ack_timeout_ms=150)
    async with gateway(venue, config=config, truth=truth) as rig:
        venue.fault("lost_ack", side="ws", method=PLACE)
        venue.fault("private_missing", method="ordersPending_update")
        order = rig.place()
        await until(lambda: order.is_unknown)
        assert rig.gw.counts["peer-faults"] == 1
        await until(lambda: order.is_open)
        kinds = rig.seen.kinds(order)
        assert kinds.index("unknown") < kinds.index("resolved")
        assert truth.placed() == 1


@pytest.mark.usefixtures("impatient")
@live
async def test_cancels_and_changes_go_out_by_rest_while_the_socket_is_down(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, config=on_socket(venue), truth=truth) as rig:
        first, second = await rig.resting(price=60000), await rig.resting(price=59999)
        socket_of(rig).pipeline.ready = False
        first.cancel()
        second.modify(price=59998)
        refused = rig.place(price=59990)
        await until(lambda: first.is_done)
        await until(lambda: truth.quotes() == {("buy", Decimal(59998), Decimal("0.01"))})
        assert refused.reject is not None
        assert (refused.state, refused.reject.code) == ("rejected", "no-lane")
        socket_of(rig).pipeline.ready = True


@live
async def test_cancels_go_out_by_the_socket_while_the_pool_is_down(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, config=on_socket(venue), truth=truth) as rig:
        order = await rig.resting()
        for lane in rig.gw.entry.lanes:
            lane.pipeline.ready = False
        assert rig.gw.entry.pick(order, True, False) is socket_of(rig)
        assert rig.gw.entry.pick(order, False, False) is None
        order.cancel()
        await until(lambda: order.is_done)
        for lane in rig.gw.entry.lanes:
            lane.pipeline.ready = True


@live
async def test_a_token_that_serves_one_socket_only_does_not_keep_it_from_starting() -> None:
    with Venue(traders=False, wire=WireOptions(token_single_use=True)) as venue:
        truth = Truth(venue)
        truth.make_market()
        async with gateway(venue, config=on_socket(venue), truth=truth) as rig:
            await rig.resting()
            assert socket_of(rig).pipeline.ready
            assert rig.gw.feed.is_up


@live
async def test_a_futures_order_travels_by_its_own_method() -> None:
    with Venue(("BTC_PERP",), traders=False) as venue:
        truth = Truth(venue, "BTC_PERP")
        truth.make_market()
        config = config_for(venue, "BTC_PERP", orders=orders_config(transport="websocket"))
        async with gateway(venue, Recorder("BTC_PERP"), config, truth=truth) as rig:
            order = await rig.resting(price=60000)
            assert [o.product.value for o in truth.orders()] == ["futures"]
            order.modify(price=60001)
            await until(lambda: order.can_modify and order.price == 60001)
            truth.make("sell", 60001, "0.01", ioc=True)
            await until(lambda: order.state == "filled")
            reducing = await rig.resting("sell", 60900, reduce_only=True)
            assert [o.reduce_only for o in truth.orders()] == [True]
            reducing.cancel()
            await until(lambda: reducing.is_done)
            assert rig.gw.counts["lost-requests"] == 0


@pytest.mark.usefixtures("impatient")
@live
async def test_a_session_that_lost_its_authorization_is_replaced(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, config=on_socket(venue), truth=truth) as rig:
        venue.fault("ws_refused", method=PLACE, error=6)
        order = rig.place()
        await until(lambda: order.is_done)
        assert order.reject is not None
        assert order.reject.code == "unauthorized"
        told = rig.seen.named("on_connection")
        await until(lambda: ("order socket", "up") in rig.seen.named("on_connection")[len(told) :])
        resting = await rig.resting()
        venue.fault("ws_refused", method=CANCEL, error=6)  # "require authentication"
        resting.cancel()
        await until(lambda: resting.can_modify)
        resting.cancel()
        await until(lambda: resting.is_done)
        assert resting.state == "canceled"
        assert "unknown" not in rig.seen.kinds(resting)


@pytest.mark.usefixtures("impatient")
@live
async def test_the_venues_limits_stop_placements_and_no_cancel() -> None:
    wire = WireOptions(ws_user_orders=RateLimit(1, 3600))
    with Venue(traders=False, wire=wire) as venue:
        truth = Truth(venue)
        truth.make_market()
        async with gateway(venue, config=on_socket(venue), truth=truth) as rig:
            resting = await rig.resting()
            beyond = rig.place(price=59999)
            await until(lambda: beyond.is_done)
            assert beyond.reject is not None
            assert (beyond.reject.code, beyond.reject.venue_code) == ("throttled", 10001)
            held = rig.place(price=59998)
            assert held.reject is not None
            assert (held.reject.code, held.reject.source) == ("throttled", "local")
            assert rig.gw.counts["held-limit"] == 1
            resting.cancel()
            await until(lambda: resting.is_done)
            assert resting.state == "canceled"


@live
async def test_replies_that_swap_find_their_orders() -> None:
    wire = WireOptions(ws_reply_jitter_us=20_000)
    with Venue(traders=False, wire=wire) as venue:
        truth = Truth(venue)
        truth.make_market()
        async with gateway(venue, config=on_socket(venue), truth=truth) as rig:
            quotes = rig.gw.quote(MARKET, [(60000 - i, "0.01") for i in range(10)], [])
            await until(lambda: quotes.all_acked)
            acks = [order.t_ack_ns for order in quotes.orders]
            assert acks != sorted(acks)
            for order in quotes.orders:
                order.modify(price=order.price - 100)
            await until(lambda: all(order.can_modify for order in quotes.orders))
            wanted = {(o.client_id, o.price) for o in quotes.orders}
            assert {(o.client_order_id, o.price) for o in truth.orders()} == wanted
            assert rig.gw.store.illegal == 0
