"""Trading against collateral, on the embedded venue over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.gateway_rig import LIMITS, Recorder, Truth, config_for, gateway, live, until
from whitewire import Position, Side, UsageError, collateral
from whitewire.config import MarketConfig, OrdersConfig
from whitewire.errors import StartupError
from whitewire.protocol import position_watch
from whitewire.protocol.positions import MarginPosition
from whitewire.venue import Venue, WireOptions

PERP = "BTC_PERP"
FAST = WireOptions(depth_keepalive_s=1.0, positions_interval_ms=50, margin_balance_interval_ms=50)


def limits(**changes: Any) -> MarketConfig:
    return msgspec.structs.replace(LIMITS, **changes)


@pytest.fixture
def perp() -> Iterator[Truth]:
    """A futures market of 59000 to 61000; positions are shown twenty times a second."""
    with Venue(traders=False, wire=FAST) as venue:
        truth = Truth(venue, PERP)
        truth.make_market()
        yield truth


def position_of(rig: Any) -> MarginPosition:
    position = rig.gw.inventory(PERP)
    assert isinstance(position, MarginPosition)
    return position


def theirs(truth: Truth) -> Decimal:
    """What the venue says that we hold."""
    views = truth.venue.call(lambda exchange: exchange.collateral.positions(truth.me, PERP))
    return sum((view.position.amount for view in views), Decimal(0))


@live
async def test_an_order_rests_is_modified_filled_and_makes_a_position(perp: Truth) -> None:
    seen = Recorder(PERP)
    config = config_for(perp.venue, PERP, limits=limits(leverage=5))
    async with gateway(perp.venue, seen, config, truth=perp) as rig:
        summary = await rig.gw.rest.collateral_summary()
        assert summary.leverage == 5
        order = await rig.resting("buy", 60000)
        assert [o.product.value for o in perp.orders()] == ["futures"]
        order.modify(price="60100")
        await until(lambda: order.price == 60100 and order.can_modify)
        perp.make("sell", 60100, "0.004")
        position = position_of(rig)
        await until(lambda: position.amount == Decimal("0.004"))
        assert (position.average, position.side) == (Decimal(60100), Side.BUY)
        await until(lambda: position.venue is not None)
        assert position.venue is not None
        assert Decimal(position.venue.amount) == Decimal("0.004")
        assert Decimal(position.venue.base_price) == 60100
        # a sale at 60500 realises 400 a unit of what it closes
        await rig.resting("sell", 60500, amount="0.003")
        perp.make("buy", 60500, "0.003")
        await until(lambda: position.amount == Decimal("0.001"))
        assert position.realized == Decimal("1.2")
        assert position.unrealized(Decimal(60100)) == 0
        fees = position.fees["USDT"]
        assert position.profit(Decimal(60100)) == Decimal("1.2") - fees
        deals = perp.deals()
        assert fees == sum(deal.fee for deal in deals)
        await until(lambda: position.venue and Decimal(position.venue.amount) == position.amount)
        assert rig.gw.collateral.balances["USDT"].balance > 0
        assert rig.gw.counts["position-alarms"] == 0
    told = [values[0] for values in seen.named("on_position")]
    assert all(isinstance(row, Position) for row in told)
    assert len(told) > 2


@live
async def test_a_bulk_ladder_goes_to_the_collateral_endpoint(perp: Truth) -> None:
    config = config_for(perp.venue, PERP, orders=OrdersConfig(transport="bulk"))
    async with gateway(perp.venue, Recorder(PERP), config, truth=perp) as rig:
        rig.gw.set_quotes(PERP, bids=[(59500, "0.01"), (59400, "0.02")], asks=[(60500, "0.01")])
        await until(lambda: len(perp.orders()) == 3)
        assert perp.quotes() == {
            ("buy", Decimal(59500), Decimal("0.01")),
            ("buy", Decimal(59400), Decimal("0.02")),
            ("sell", Decimal(60500), Decimal("0.01")),
        }
        assert rig.gw.engine.counters() is not None


@live
async def test_reduce_only_is_the_venues_to_shrink_and_needs_a_position(perp: Truth) -> None:
    config = config_for(perp.venue, PERP)
    async with gateway(perp.venue, Recorder(PERP), config, truth=perp) as rig:
        lost = rig.place("sell", 60500, reduce_only=True)
        await until(lambda: lost.is_done)
        assert lost.reject is not None
        assert lost.reject.code == "reduce-only"
        await rig.resting("buy", 60000, amount="0.002")
        perp.make("sell", 60000, "0.002")
        await until(lambda: position_of(rig).amount == Decimal("0.002"))
        order = await rig.resting("sell", 60500, amount="0.005", reduce_only=True)
        assert order.amount == Decimal("0.002")  # shrunk to the position
        perp.make("buy", 60500, "0.002")
        await until(lambda: position_of(rig).amount == 0)
        assert order.is_done
        taking = rig.place("buy", 61000)
        assert taking.reject is not None
        assert taking.reject.code == "would-cross"


@live
async def test_spot_has_no_position_to_reduce_and_no_leverage(venue: Venue, truth: Truth) -> None:
    async with gateway(venue) as rig:
        with pytest.raises(UsageError, match="spot: there is no position"):
            rig.place(reduce_only=True)
    with pytest.raises(StartupError, match="traded spot and has a leverage"):
        async with gateway(venue, config=config_for(venue, limits=limits(leverage=2))):
            pass


@live
async def test_margin_is_an_option_of_a_spot_market(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, limits=limits(product="margin"))
    async with gateway(venue, config=config) as rig:
        order = await rig.resting("buy", 60000)
        assert [o.product.value for o in truth.orders()] == ["margin"]
        truth.make("sell", 60000, "0.01")
        await until(lambda: order.is_done)
        position = rig.gw.inventory("BTC_USDT")
        assert isinstance(position, MarginPosition)
        assert position.amount == Decimal("0.01")
        assert set(rig.gw.collateral.balances) >= {"USDT", "BTC"}
    with pytest.raises(StartupError, match="product was futures, which the venue does not offer"):
        async with gateway(venue, config=config_for(venue, limits=limits(product="futures"))):
            pass


@live
async def test_hedge_mode_is_refused(perp: Truth) -> None:
    perp.venue.call(lambda exchange: exchange.collateral.set_hedge_mode(perp.me, True))
    with pytest.raises(StartupError, match="hedge mode"):
        async with gateway(perp.venue, Recorder(PERP), config_for(perp.venue, PERP), truth=perp):
            pass


@live
async def test_what_the_account_held_before_is_part_of_the_position(perp: Truth) -> None:
    perp.make("buy", 61000, "0.02", who=perp.me)
    config = config_for(perp.venue, PERP, limits=limits(leverage=1))
    # the leverage cannot be changed while a position is open
    before = perp.venue.call(lambda exchange: exchange.collateral.summary(perp.me)).leverage
    if before != 1:
        with pytest.raises(StartupError, match="collateral account"):
            async with gateway(perp.venue, Recorder(PERP), config, truth=perp):
                pass
    config = config_for(perp.venue, PERP)
    async with gateway(perp.venue, Recorder(PERP), config, truth=perp) as rig:
        position = position_of(rig)
        assert (position.amount, position.average) == (Decimal("0.02"), Decimal(61000))
        assert (position.stock, position.fills) == (0, 0)
        await rig.resting("sell", 60900, amount="0.02")
        perp.make("buy", 60900, "0.02")
        await until(lambda: position.amount == 0)
        assert position.realized == Decimal(-2)


@live
async def test_funding_is_seen_once(perp: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collateral, "FUNDING_POLL_NS", 50_000_000)
    perp.make("buy", 61000, "0.02", who=perp.me)
    settle = lambda exchange: exchange._parts.funding.settle()  # noqa: E731
    perp.venue.call(settle)
    seen = Recorder(PERP)
    async with gateway(perp.venue, seen, config_for(perp.venue, PERP), truth=perp) as rig:
        position = position_of(rig)
        await until(lambda: position.venue is not None)
        assert position.funding == 0  # what was settled before the start is not ours to count
        perp.venue.call(settle)
        await until(lambda: position.funding != 0)
        known = perp.venue.call(lambda e: e._accounts[perp.me].collateral.fundings)
        assert position.funding == known[-1].amount
        polls = rig.gw.counts["fundings"]
        await asyncio.sleep(0.2)
        assert rig.gw.counts["fundings"] == polls == 1


@live
async def test_a_hand_that_trades_beside_us_is_noticed_and_taken_over(
    perp: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALARM_NS", "ADOPT_NS", "CADENCE_NS"):
        monkeypatch.setattr(position_watch, name, 300_000_000)
    seen = Recorder(PERP)
    async with gateway(perp.venue, seen, config_for(perp.venue, PERP), truth=perp) as rig:
        quote = await rig.resting("buy", 60000)
        perp.make("buy", 61000, "0.03", who=perp.me)
        await until(lambda: rig.gw.counts["position-alarms"] == 1)
        assert PERP in rig.gw.reducing
        more = rig.place("buy", 59900)
        assert more.reject is not None
        assert more.reject.code == "only-reducing"
        await until(lambda: quote.is_done)
        await until(lambda: rig.gw.counts["positions-taken-over"] == 1)
        assert position_of(rig).amount == theirs(perp) == Decimal("0.03")
        assert position_of(rig).average == 61000
        await until(lambda: PERP not in rig.gw.reducing)
        await rig.resting("buy", 59900)


@live
async def test_a_margin_call_and_a_liquidation_reach_the_strategy(perp: Truth) -> None:
    seen = Recorder(PERP)
    config = config_for(perp.venue, PERP, limits=limits(leverage=100))
    async with gateway(perp.venue, seen, config, truth=perp) as rig:
        position = position_of(rig)
        await rig.resting("buy", 60000, amount="0.5")
        perp.make("sell", 60000, "0.5")
        await until(lambda: position.amount == Decimal("0.5"))
        quote = await rig.resting("buy", 59500, amount="0.1")
        drain(perp, Decimal(200))  # equity between once and twice the maintenance of about 150
        await until(lambda: position.danger == "margin_call")
        assert rig.gw.reducing == {PERP: "margin_call"}
        await until(lambda: quote.is_done)
        refused = rig.place("buy", 59500, amount="0.1")
        assert refused.reject is not None
        assert refused.reject.code == "only-reducing"
        less = await rig.resting("sell", 60500, amount="0.1")
        less.cancel()
        await until(lambda: less.is_done)
        too_much = rig.place("sell", 60500, amount="0.6")
        assert too_much.reject is not None
        assert too_much.reject.code == "only-reducing"
        drain(perp, Decimal(100))
        await until(lambda: position.danger == "liquidation")
        assert rig.gw.reducing == {PERP: "liquidation"}
        assert theirs(perp) == 0
        assert rig.gw.counts["liquidation"] == 1
    dangers = [values[0].danger for values in seen.named("on_position")]
    assert "liquidation" in dangers
    assert replace(position).danger == "liquidation"


@live
async def test_a_venue_that_shows_no_positions_is_asked_about_our_orders(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(position_watch, "SILENCE_NS", 200_000_000)
    quiet = WireOptions(depth_keepalive_s=1.0, positions_interval_ms=60_000)
    with Venue(traders=False, wire=quiet) as venue:
        truth = Truth(venue, PERP)
        truth.make_market()
        async with gateway(venue, Recorder(PERP), config_for(venue, PERP), truth=truth) as rig:
            await rig.resting("buy", 60000)
            truth.make("sell", 60000, "0.01")
            await until(lambda: rig.gw.counts["position-silence"] == 1)
            await until(lambda: position_of(rig).amount == Decimal("0.01"))
    assert "BTC_PERP: a position of 0.010" in caplog.text


def drain(truth: Truth, equity: Decimal) -> None:
    """Takes collateral away until the account's equity is this much; the venue looks at a trade."""

    def take(exchange: Any) -> None:
        desk = exchange.collateral
        wallet = exchange._accounts[truth.me].collateral
        for asset, balance in wallet.balances():
            if asset != "USDT":
                wallet.credit(asset, -balance)
        wallet.credit("USDT", equity - desk.summary(truth.me).equity)

    truth.make("buy", 61000, "0.001")  # the price of the last trade is the mark
    truth.venue.call(take)
    truth.make("buy", 61000, "0.001")
