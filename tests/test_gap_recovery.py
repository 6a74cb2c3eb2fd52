"""Gaps of the private stream, its faults, and doubts that last: the state is the venue's again."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import msgspec
import pytest

from tests.gateway_rig import (
    LIMITS,
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
from whitewire import Recovered, recovery
from whitewire.config import RecoveryConfig
from whitewire.protocol.deadlines import Deadlines
from whitewire.venue import Venue

PLACE = "/api/v4/order/new"
CANCEL = "/api/v4/order/cancel"
ACTIVE = "/api/v4/orders"
OFTEN = RecoveryConfig(every_s=1)
D = Decimal


def recoveries(seen: Recorder) -> list[Recovered]:
    return [recovered for (recovered,) in seen.named("on_recovered")]


async def lose_the_feed(venue: Venue, truth: Truth, rig: Rig) -> None:
    venue.fault("drop_ws", method="depth_update")
    truth.make("buy", 59100, "0.1")
    await until(lambda: rig.gw.counts["feed-losses"])


async def is_the_venues(rig: Rig) -> None:
    """The gateway's orders and position are the venue's own."""

    def is_same() -> bool:
        mine = {(o.client_id, o.venue_id, o.left) for o in rig.gw.open_orders()}
        theirs = {
            (o.client_order_id, o.id, o.left)
            for o in rig.truth.orders()
            if o.client_order_id.startswith("ww-")
        }
        ours = [d for d in rig.truth.deals() if d.client_order_id.startswith("ww-")]
        return mine == theirs and len(rig.seen.fills) == len(ours)

    await until(is_same, 8)
    assert not rig.gw.store.unknown_orders()
    keys = [(fill.deal_id, fill.venue_id) for fill in rig.seen.fills]
    assert len(keys) == len(set(keys))


# ---- what happened meanwhile ------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
@live
async def test_the_end_of_a_gap_says_what_happened_in_it(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        filled = await rig.resting("sell", 60500, amount="0.02")
        pulled = await rig.resting("buy", 59500)
        for method in ("ordersPending_update", "deals_update"):
            venue.fault("drop_ws", method=method)
        truth.make("buy", 60500, "0.02", ioc=True)  # its pushes cut the feed
        foreign = truth.make("buy", 59000, "0.01", who=truth.me, client_order_id="mine")
        await until(lambda: recoveries(rig.seen))
        (recovered,) = recoveries(rig.seen)
        assert recovered.market == MARKET
        assert set(recovered.ended) == {filled, pulled}
        assert {order.state for order in recovered.ended} == {"filled", "canceled"}
        assert [fill.order for fill in recovered.fills] == [filled]
        assert [order.venue_id for order in recovered.foreign] == [foreign.id]
        assert {row.asset for row in recovered.balances} == {"BTC", "USDT"}
        assert rig.seen.names.index("on_gap") < rig.seen.names.index("on_recovered")
        last_fill = max(i for i, name in enumerate(rig.seen.names) if name == "on_fill")
        assert last_fill < rig.seen.names.index("on_recovered")
        await is_the_venues(rig)


@pytest.mark.usefixtures("impatient")
@live
async def test_private_events_wait_while_the_venue_is_asked(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting("sell", 60500, amount="0.02")
        venue.fault("http_429", path=CANCEL)  # it stays, whatever was asked for
        venue.fault("slow_ack", path=ACTIVE, ms=400)
        await lose_the_feed(venue, truth, rig)
        waiting = rig.gw.reactions.waiting
        await until(lambda: rig.gw.feed.is_up)
        await until(lambda: waiting._is_open)
        truth.make("buy", 60500, "0.01", ioc=True)
        await until(lambda: waiting._events)
        assert rig.seen.fills == []
        await until(lambda: rig.seen.fills)
        assert order.filled == D("0.01")
        await until(lambda: recoveries(rig.seen))
        assert recoveries(rig.seen)[0].fills == tuple(rig.seen.fills)
        await is_the_venues(rig)


@pytest.mark.usefixtures("impatient")
@live
async def test_what_waited_is_handled_though_the_venue_does_not_answer(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        await rig.resting("sell", 60500)
        venue.fault("http_429", path=CANCEL)
        venue.fault("http_503_html", path=ACTIVE, times=3)
        await lose_the_feed(venue, truth, rig)
        await until(lambda: rig.gw.feed.is_up)
        truth.make("buy", 60500, "0.01", ioc=True)
        await until(lambda: rig.seen.fills)
        await until(lambda: rig.gw.may_quote(MARKET))
        await is_the_venues(rig)


# ---- faults of the private stream -------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("method", ["ordersPending_update", "deals_update", "balanceSpot_update"])
@pytest.mark.parametrize(
    "fault", ["private_late", "private_duplicated", "private_missing", "private_before_ack"]
)
@live
async def test_each_fault_of_the_private_stream_ends_in_the_venues_state(
    venue: Venue, truth: Truth, fault: str, method: str
) -> None:
    facts = {} if fault == "private_before_ack" else {"method": method}
    more = {"ms": 300} if fault == "private_late" else {}
    # our own gate would keep from the venue what its self-trade prevention is to end
    limits = msgspec.structs.replace(LIMITS, allow_self_cross=True)
    config = config_for(venue, limits=limits, recovery=OFTEN)
    async with gateway(venue, config=config, truth=truth) as rig:
        venue.fault(fault, times=3, **facts, **more)
        first = rig.place("buy", 60000, amount="0.02")
        await until(lambda: first.can_modify)
        first.modify(price=60001)
        await until(lambda: first.can_modify and first.price == 60001)
        truth.make("sell", 60001, "0.01", ioc=True)
        taking = rig.place("sell", 60001, ioc=True)  # prevented: it would meet our own
        passing = rig.place("buy", 61000, ioc=True)  # filled at once: only event 3
        last = await rig.resting("sell", 60700)
        last.cancel()
        await until(lambda: all(order.is_done for order in (taking, passing, last)), 8)
        await is_the_venues(rig)
        assert (first.state, first.filled) == ("open", D("0.01"))
        assert (passing.state, passing.filled) == ("filled", D("0.01"))
        assert last.state == "canceled"
        assert rig.gw.counts["drift-foreign"] == 0


@pytest.mark.usefixtures("impatient")
@live
async def test_an_end_that_nobody_told_is_found_by_the_periodic_question(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, config=config_for(venue, recovery=OFTEN), truth=truth) as rig:
        order = await rig.resting()
        venue.fault("private_missing", method="ordersPending_update")
        (theirs,) = truth.orders()
        truth.unmake(theirs)
        await until(lambda: order.is_done, 8)
        assert order.state == "canceled"
        assert recoveries(rig.seen) == []  # nothing was blind


# ---- orders in doubt and orders of others -----------------------------------------------------


@pytest.mark.usefixtures("impatient")
@live
async def test_an_order_that_came_and_went_with_both_answers_lost_is_canceled(
    venue: Venue, truth: Truth
) -> None:
    config = config_for(venue, orders=orders_config(ack_timeout_ms=150))
    async with gateway(venue, config=config, truth=truth) as rig:
        for path in (PLACE, CANCEL):
            venue.fault("lost_ack", path=path)
        venue.fault("private_missing", method="ordersPending_update", times=2)
        order = rig.place()
        order.cancel()
        await until(lambda: order.is_done)
        assert (order.state, order.reject) == ("canceled", None)
        assert [o.id for o in truth.finished()] == [order.venue_id]


@pytest.mark.usefixtures("impatient")
@live
async def test_orders_of_others_are_canceled_where_the_owner_says_so(
    venue: Venue, truth: Truth
) -> None:
    before = truth.make("buy", 59500, "0.01", who=truth.me)
    config = config_for(venue, recovery=RecoveryConfig(foreign="cancel"))
    async with gateway(venue, config=config, truth=truth) as rig:
        assert before.id not in {order.id for order in truth.orders()}
        mine = await rig.resting()
        truth.make("buy", 59501, "0.01", who=truth.me, client_order_id="mine")
        await until(lambda: [o.client_order_id for o in truth.orders()] == [mine.client_id])
        assert rig.gw.counts["foreign-orders"] == 2


@pytest.mark.usefixtures("impatient")
@live
async def test_an_order_that_stays_unknown_shuts_its_market_until_the_venue_tells(
    venue: Venue, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "Deadlines", partial(Deadlines, alarm_ns=200_000_000))
    config = config_for(venue, orders=orders_config(ack_timeout_ms=150))
    async with gateway(venue, config=config, truth=truth) as rig:
        resting = await rig.resting("sell", 60700)
        venue.fault("http_503_html", path=ACTIVE, times=10)
        venue.fault("http_503_html", path=PLACE)
        order = rig.place()
        await until(lambda: rig.seen.named("on_gap"))
        ((gap,),) = rig.seen.named("on_gap")
        assert (gap.market, "has been Unknown for" in gap.reason) == (MARKET, True)
        assert not rig.gw.may_quote(MARKET)
        assert rig.gw.counts["unknown-alarms"] == 1
        await until(lambda: resting.is_done)
        await until(lambda: order.is_done)
        await until(lambda: rig.gw.may_quote(MARKET))
        (recovered,) = recoveries(rig.seen)
        assert (recovered.market, order.state) == (MARKET, "rejected")
