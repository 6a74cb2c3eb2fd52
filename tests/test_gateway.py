"""What a strategy can ask of the gateway besides orders, and what decides whether it may quote."""

from __future__ import annotations

import asyncio
import gc
import weakref
from decimal import Decimal

import pytest

from tests.gateway_rig import (
    MARKET,
    Recorder,
    Truth,
    config_for,
    credentials_of,
    gateway,
    live,
    until,
)
from whitewire import UsageError
from whitewire.gateway import Gateway
from whitewire.lifecycle import Lifecycle
from whitewire.protocol import control_replies as read
from whitewire.venue import Venue


@live
async def test_a_timer_fires_until_the_stop(venue: Venue, truth: Truth) -> None:
    seen = Recorder()
    async with gateway(venue, seen, truth=truth) as rig:
        rig.gw.every(0.01)
        rig.gw.every(0.02)
        await until(lambda: len(seen.named("on_timer")) > 6)
        times = [now for (now,) in seen.named("on_timer")]
        assert times == sorted(times)
        for period in (0, -1.0, float("nan")):
            with pytest.raises(UsageError, match="give more than 0"):
                rig.gw.every(period)
    told = len(seen.named("on_timer"))
    await asyncio.sleep(0.05)
    assert len(seen.named("on_timer")) == told


@live
async def test_a_strategy_can_call_the_venue_beside_the_hot_path(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting()
        answer = await rig.gw.rest.call("open_orders", {"market": MARKET})
        assert [row.client_id for row in read.read_open_orders(*answer)] == [order.client_id]


@live
async def test_cancel_all_reaches_one_market_or_all(venue: Venue, truth: Truth) -> None:
    eth = Truth(venue, "ETH_USDT")
    eth.make_market(2900, 3100)
    async with gateway(venue, config=config_for(venue, MARKET, "ETH_USDT"), truth=truth) as rig:
        rig.gw.set_quotes(MARKET, [(60000, "0.01")], [])
        rig.gw.limit("ETH_USDT", "buy", 2950, "0.1")
        await until(lambda: truth.orders() and eth.orders())
        assert [o.market.name for o in rig.gw.open_orders("ETH_USDT")] == ["ETH_USDT"]
        assert rig.gw.cancel_all("ETH_USDT") == 1
        await until(lambda: not rig.gw.open_orders("ETH_USDT"))
        assert (len(truth.orders()), eth.orders()) == (1, [])
        assert rig.gw.cancel_all() == 1
        await until(lambda: not rig.gw.open_orders())
        assert (rig.gw.cancel_all(), truth.orders()) == (0, [])
        with pytest.raises(UsageError, match="not traded here"):
            rig.gw.cancel_all("DOGE_USDT")


@live
async def test_markets_books_and_positions_are_at_hand(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        market = rig.gw.market(MARKET)
        assert rig.gw.market(market) is market
        assert (market.price_decimals, market.amount_decimals) == (2, 6)
        assert rig.gw.book(market).mid == 60000
        assert rig.gw.inventory(market).fills == 0
        assert rig.gw.open_orders() == []


@live
async def test_a_kill_switch_that_is_not_armed_pulls_the_quotes(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting()
        rig.gw.set_armed(MARKET, False)
        refused = rig.place()
        assert refused.reject is not None
        assert refused.reject.code == "halted"
        await until(lambda: order.is_done)
        await until(lambda: rig.gw.may_quote(MARKET))  # it is armed, housekeeping says
        again = await rig.resting()
        assert truth.quotes() == {("buy", Decimal(60000), again.amount)}


async def run_once(venue: Venue) -> weakref.ref[Gateway]:
    """A whole life of a gateway, of which nothing is kept."""
    lifecycle = Lifecycle(Recorder(), config_for(venue), credentials_of(venue))
    running = asyncio.get_running_loop().create_task(lifecycle.run())
    await until(lambda: lifecycle.gateway.state == "active")
    lifecycle.stop("enough")
    await running
    return weakref.ref(lifecycle.gateway)


@live
async def test_a_stopped_gateway_is_freed(venue: Venue, truth: Truth) -> None:
    gone = await run_once(venue)
    await asyncio.sleep(0)
    gc.collect()
    assert gone() is None
