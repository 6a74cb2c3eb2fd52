"""Events turned into callbacks: each once, in order, and none before its market is shut."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway_rig import MARKET, Recorder, Truth, gateway, live, until
from whitewire import Gap, Side
from whitewire._bridge import now_ns
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import RequestKind
from whitewire.venue import Venue


@live
async def test_public_trades_are_told_once_oldest_first(venue: Venue, truth: Truth) -> None:
    truth.make("sell", 59000, "0.01", ioc=True)  # before the start: history, not flow
    async with gateway(venue, truth=truth) as rig:
        for price, side in ((61000, "buy"), (59000, "sell"), (61000, "buy")):
            truth.make(side, price, "0.01", ioc=True)
        await until(lambda: len(rig.seen.named("on_trade")) == 3)
        trades = [trade for (trade,) in rig.seen.named("on_trade")]
        assert [(trade.price, trade.side) for trade in trades] == [
            (61000, Side.BUY),
            (59000, Side.SELL),
            (61000, Side.BUY),
        ]
        ids = [trade.trade_id for trade in trades]
        assert ids == sorted(ids)
        assert {trade.amount for trade in trades} == {Decimal("0.01")}


@pytest.mark.usefixtures("impatient")
@live
async def test_a_new_session_repeats_no_trade(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        truth.make("buy", 61000, "0.01", ioc=True)
        await until(lambda: len(rig.seen.named("on_trade")) == 1)
        venue.fault("drop_ws", method="depth_update")
        truth.make("buy", 59100, "0.1")
        await until(lambda: rig.gw.counts["feed-losses"])
        truth.make("sell", 59100, "0.02", ioc=True)  # while nobody listens
        await until(lambda: rig.gw.may_quote(MARKET))
        await until(lambda: len(rig.seen.named("on_trade")) == 2)
        assert [trade.amount for (trade,) in rig.seen.named("on_trade")] == [
            Decimal("0.01"),
            Decimal("0.02"),
        ]


@live
async def test_the_ticker_follows_the_top(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        truth.make("buy", 59500, "0.2")
        await until(lambda: rig.seen.named("on_ticker"))
        (ticker,) = rig.seen.named("on_ticker")[-1]
        assert ticker.market == MARKET
        assert ticker.bid == (Decimal(59500), Decimal("0.2"))
        assert ticker.ask == (Decimal(61000), Decimal("0.5"))
        assert ticker.ts_exch_ns > 10**18
        assert rig.gw.reactions.ticker(rig.gw.market(MARKET)) == ticker


@live
async def test_balances_are_told_when_they_change(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        await rig.resting("sell", 60500, amount="1")
        await until(lambda: rig.seen.named("on_balance"))
        (balance,) = rig.seen.named("on_balance")[0]
        assert (balance.asset, balance.freeze) == ("BTC", 1)
        assert rig.gw.balances.get("BTC").total == truth.stock()


class Prober(Recorder):
    """Looks, within on_gap, at what the gateway has done already."""

    def __init__(self) -> None:
        super().__init__()
        self.probes: list[tuple[bool, Any, str]] = []

    def on_gap(self, gap: Gap) -> None:
        super().on_gap(gap)
        gw = self.named("on_start")[0][0]
        states = {str(order.state) for order in gw.open_orders()}
        refused = gw.limit(MARKET, "buy", 60001, "0.01")
        reject = refused.reject.code if refused.reject else ""
        self.probes.append((gw.may_quote(MARKET), states, reject))


@pytest.mark.parametrize("fault", ["gap", "drop_ws"])
@pytest.mark.usefixtures("impatient")
@live
async def test_the_gate_is_shut_and_quotes_are_pulled_before_the_strategy_hears(
    venue: Venue, truth: Truth, fault: str
) -> None:
    seen = Prober()
    async with gateway(venue, seen, truth=truth) as rig:
        await rig.resting()
        if fault == "gap":
            venue.fault(fault, market=MARKET)
        else:
            venue.fault(fault, method="depth_update")
        truth.make("buy", 59100, "0.1")
        await asyncio.sleep(0.15)
        truth.make("buy", 59200, "0.1")
        await until(lambda: seen.probes)
        assert seen.probes[0] == (False, {"canceling"}, "halted")
        await until(lambda: rig.gw.may_quote(MARKET))


@live
async def test_what_was_never_sent_did_not_happen(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        gw, market = rig.gw, rig.gw.market(MARKET)
        lost = gw.store.create(market, Side.BUY, 1, 1, "ww-never", now_ns())
        gw.reactions.on_request_unsent(Request(RequestKind.PLACE, (lost,)), "closed")
        assert lost.reject is not None
        assert (lost.state, lost.reject.code, lost.reject.retryable) == (
            "rejected",
            "not-sent",
            True,
        )
        assert rig.seen.named("on_reject") == [(lost, lost.reject)]
        order = await rig.resting()
        gw.store.modify_sent(order, 5_999_900, 10_000, now_ns())
        gw.reactions.on_request_unsent(Request(RequestKind.MODIFY, (order,)), "closed")
        assert (order.state, order.price) == ("open", Decimal(60000))
        gw.store.cancel_sent(order, now_ns())
        gw.reactions.on_request_unsent(Request(RequestKind.CANCEL, (order,)), "closed")
        await until(lambda: order.is_done)  # sent again on another connection
        assert (order.state, truth.orders()) == ("canceled", [])


@live
async def test_lanes_and_feed_tell_only_changes(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        rig.gw.reactions.on_lanes(1, 4)
        rig.gw.reactions.on_lanes(0, 4)
        rig.gw.reactions.on_lanes(0, 4)
        rig.gw.reactions.on_lanes(2, 4)
        assert rig.seen.named("on_connection") == [("orders", "down"), ("orders", "up")]


@live
async def test_a_position_follows_each_fill(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        await rig.resting("buy", 60500, amount="0.02")
        truth.make("sell", 60500, "0.01", ioc=True)
        await until(lambda: rig.seen.named("on_position"))
        ((position,),) = rig.seen.named("on_position")
        assert position is rig.gw.inventory(MARKET)
        assert (position.fills, position.bought) == (1, Decimal("0.01"))
        assert position.fees == {"BTC": Decimal("0.00001")}
        assert rig.seen.names.index("on_fill") < rig.seen.names.index("on_position")


@live
async def test_a_429_is_told_and_holds_back_what_follows(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        venue.fault("http_429", path="/api/v4/order/new")
        first = rig.gw.limit(MARKET, Side.BUY, 60000, "0.01")
        await until(lambda: first.is_done)
        assert (first.state, truth.orders()) == ("rejected", [])
        ((limit,),) = rig.seen.named("on_limit")
        assert (limit.endpoint, limit.is_venue) == ("place", True)
        assert limit.wait_ns > 0
        second = rig.gw.limit(MARKET, Side.BUY, 60000, "0.01")
        await until(lambda: len(rig.seen.named("on_limit")) == 2)
        held = rig.seen.named("on_limit")[1][0]
        assert (held.endpoint, held.is_venue) == ("place", False)
        assert second.reject is not None
        assert second.reject.code == "throttled"
