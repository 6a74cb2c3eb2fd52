"""The account's gate in a running gateway: limits, states and their quotes, restarts."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.gateway_rig import (
    LIMITS,
    MARKET,
    Recorder,
    Rig,
    Truth,
    config_for,
    credentials_of,
    gateway,
    live,
    run_to_its_end,
    until,
)
from whitewire._bridge import epoch_ms
from whitewire.config import Config, JournalConfig, LimitsConfig, MarketConfig
from whitewire.errors import StartupError
from whitewire.guard_limits import account_limits, market_limits
from whitewire.journal.records import Standing
from whitewire.latch import Latch, LatchFile
from whitewire.lifecycle import Lifecycle
from whitewire.market import Market, Side
from whitewire.protocol.exposure import sums_of
from whitewire.protocol.orders import Order
from whitewire.venue import Venue


def config_with(
    venue: Venue, *markets: str, limits: MarketConfig = LIMITS, account: LimitsConfig | None = None
) -> Config:
    """A configuration with limits of the account."""
    config = config_for(venue, *markets, limits=limits)
    return msgspec.structs.replace(config, limits=account or LimitsConfig())


def limits(**more: Any) -> MarketConfig:
    """The rig's limits and more."""
    return MarketConfig(
        max_order_amount=LIMITS.max_order_amount,
        max_order_notional=LIMITS.max_order_notional,
        collar_percent=LIMITS.collar_percent,
        **more,
    )


def code(order: Order) -> str:
    """Why an order was refused."""
    return order.reject.code if order.reject is not None else ""


def assert_twin(rig: Rig) -> None:
    """The core's sums are those of the table of orders."""
    buys, sells, *_ = rig.gw.engine.guard.sums(0)
    orders = rig.gw.store.recent()
    assert buys == sums_of(orders, MARKET, Side.BUY)
    assert sells == sums_of(orders, MARKET, Side.SELL)


@live
async def test_limits_hold_before_the_wire_and_orders_give_their_room_back(
    venue: Venue, truth: Truth
) -> None:
    config = config_with(
        venue,
        limits=limits(max_open_orders=3, max_position=Decimal("0.03")),
    )
    async with gateway(venue, config=config, truth=truth) as rig:
        first, second = rig.place(price=59990), rig.place(price=59980, amount="0.02")
        assert_twin(rig)
        third = rig.place(price=59970)
        assert code(third) == "position"
        assert code(rig.place("sell", 59990)) == "self-cross"
        sell = rig.place("sell", 60500)
        assert code(rig.place("sell", 60600)) == "open-orders"
        await until(lambda: all(o.can_modify for o in (first, second, sell)))
        assert_twin(rig)
        first.cancel()
        await until(lambda: first.is_done)
        await rig.resting(price=59970)
        assert_twin(rig)
        assert truth.placed() == 4


@live
async def test_a_quote_that_may_not_move_does_not_stay(venue: Venue, truth: Truth) -> None:
    config = config_with(venue, limits=limits(max_position=Decimal("0.015")))
    async with gateway(venue, config=config, truth=truth) as rig:
        rig.gw.set_quotes(MARKET, [(59990, "0.01")], [])
        await until(lambda: any(order.can_modify for order in rig.gw.open_orders()))
        rig.gw.set_quotes(MARKET, [(59980, "0.01")], [])
        await until(lambda: rig.gw.counts["refused-position"] == 1)
        wanted = {("buy", Decimal(59980), Decimal("0.01"))}
        await until(lambda: truth.quotes() == wanted)
        assert rig.gw.counts["canceled"] == 1
        assert_twin(rig)


@live
async def test_a_burst_of_fills_pulls_the_quotes_of_its_market(venue: Venue, truth: Truth) -> None:
    config = config_with(venue, limits=limits(max_fills=1, fill_window_ms=60_000))
    async with gateway(venue, config=config, truth=truth) as rig:
        await rig.resting(price=59990)
        await rig.resting(price=59980)
        far = await rig.resting(price=59000)
        truth.make("sell", 59980, "0.02")
        await until(lambda: far.is_done)
        assert rig.gw.guard.state(MARKET) == ("halted", "fill-burst")
        assert rig.gw.guard.state() == ("active", "nothing")
        assert not rig.gw.may_quote(MARKET)
        assert code(rig.place()) == "halted"
        rig.gw.resume(MARKET)
        assert rig.gw.may_quote(MARKET)
        await rig.resting(price=59000)
        assert_twin(rig)


@live
async def test_a_loss_kills_and_a_restart_remembers(
    venue: Venue, truth: Truth, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    config = config_with(
        venue, limits=limits(), account=LimitsConfig(max_loss=Decimal(2), state_file=str(state))
    )
    async with gateway(venue, config=config, truth=truth) as rig:
        await rig.resting(price=60500)
        far = await rig.resting(price=59500)
        truth.make("sell", 60500, "0.01")  # bought at 500 above the middle: 5 lost
        await until(lambda: far.is_done)
        assert rig.gw.state == "killed"
        assert rig.gw.guard.state() == ("killed", "loss")
        assert code(rig.place()) == "killed"
    assert LatchFile(state).read().state == "killed"
    async with gateway(venue, config=config, truth=truth) as rig:
        assert rig.gw.state == "killed"
        assert "loss (an earlier run); whitewire arm" in rig.gw.halt_reason
        assert code(rig.place()) == "killed"
    assert LatchFile(state).arm("the price was an accident", 1).reason == "loss"
    async with gateway(venue, config=config, truth=truth) as rig:
        assert rig.gw.state == "active"
        await rig.resting(price=59500)


@live
async def test_losses_go_on_after_a_restart(venue: Venue, truth: Truth, tmp_path: Path) -> None:
    config = msgspec.structs.replace(
        config_with(venue, limits=limits(), account=LimitsConfig(max_loss=Decimal(8))),
        journal=JournalConfig(path=str(tmp_path)),
    )
    assert config.latch_file is not None
    async with gateway(venue, config=config, truth=truth) as rig:
        far = await rig.resting(price=60500)
        truth.make("sell", 60500, "0.01")  # bought at 500 above the middle: 5 lost
        await until(lambda: far.is_done)
        lost = losses(rig)
        assert Decimal(4) < lost[0] < Decimal(6)
    async with gateway(venue, config=config, truth=truth) as rig:
        assert losses(rig) == lost
        far = await rig.resting(price=60500)
        truth.make("sell", 60500, "0.01")
        await until(lambda: far.is_done)
        assert rig.gw.guard.state() == ("killed", "loss")
    LatchFile(config.latch_file).arm("the price was an accident", epoch_ms())
    async with gateway(venue, config=config, truth=truth) as rig:
        assert rig.gw.state == "active"
        assert losses(rig) == (0, 0)


def losses(rig: Rig) -> tuple[Decimal, Decimal]:
    """What the day lost and the fall from the peak, by the core."""
    _, _, equity2, day2, peak2 = rig.gw.engine.guard.totals()
    market = rig.gw.market(MARKET)
    half = Decimal("0.5").scaleb(-market.price_decimals - market.amount_decimals)
    return (day2 - equity2) * half, (peak2 - equity2) * half


@live
async def test_a_day_that_is_over_takes_its_loss_with_it(
    venue: Venue, truth: Truth, tmp_path: Path
) -> None:
    config = config_with(venue, limits=limits(), account=LimitsConfig(max_drawdown=Decimal(9)))
    async with gateway(venue, config=config, truth=truth) as rig:
        today = epoch_ms() // 86_400_000
        rig.gw.guard.resume_losses(Standing(epoch_ms(), today - 1, Decimal(7), Decimal("7.5")))
        assert losses(rig) == (0, Decimal("7.5"))
        rig.gw.guard.resume_losses(Standing(epoch_ms(), today, Decimal(-7), Decimal("8.5")))
        assert losses(rig) == (Decimal(-7), Decimal("8.5"))
        assert rig.gw.state == "active"
        rig.gw.guard.resume_losses(Standing(epoch_ms(), today, Decimal(0), Decimal("9.5")))
        assert rig.gw.guard.state() == ("killed", "drawdown")


@live
async def test_repeated_executions_wait_for_a_human(
    venue: Venue, truth: Truth, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    config = config_with(
        venue, limits=limits(max_repeats=2), account=LimitsConfig(state_file=str(state))
    )
    async with gateway(venue, config=config, truth=truth) as rig:
        for _ in range(2):
            await rig.resting(price=59990)
            fills = len(rig.seen.fills)
            truth.make("sell", 59990, "0.01")
            await until(lambda fills=fills: len(rig.seen.fills) > fills)
        assert rig.gw.guard.state() == ("halted", "repeats")
        rig.gw.resume()
        assert code(rig.place()) == "halted"
        assert LatchFile(state).read() == Latch(
            state="halted", reason="repeats", at_utc_ms=LatchFile(state).read().at_utc_ms
        )
        LatchFile(state).arm("a big buyer", 1)
        await until(lambda: rig.gw.may_quote(MARKET))
        await rig.resting(price=59990)


@live
async def test_a_reference_that_jumps_pulls_the_quotes_before_the_strategy_hears(
    venue: Venue, truth: Truth
) -> None:
    config = config_with(venue, limits=limits(max_move_percent=Decimal("0.2"), move_window_s=1))
    async with gateway(venue, config=config, truth=truth) as rig:
        order = await rig.resting("sell", 60900)
        books = len(rig.seen.named("on_book"))
        truth.make("buy", 59500, "0.1")
        await until(lambda: len(rig.seen.named("on_book")) > books)
        assert rig.gw.guard.state(MARKET) == ("reducing", "price-move")
        assert order.state == "canceling" or order.is_done, rig.gw.counts
        assert code(rig.place("sell", 60900)) == "only-reducing"
        await until(lambda: rig.gw.guard.state(MARKET)[0] == "active")
        await asyncio.sleep(0)


@live
async def test_a_pull_that_the_venue_refused_is_repeated_although_the_market_stays_open(
    venue: Venue, truth: Truth
) -> None:
    config = config_with(venue, limits=limits(max_move_percent=Decimal("0.2"), move_window_s=2))
    async with gateway(venue, config=config, truth=truth) as rig:
        order = await rig.resting("sell", 60900)
        venue.fault("http_429", path="/api/v4/order/cancel")
        truth.make("buy", 59500, "0.1")
        await until(lambda: rig.gw.guard.state(MARKET)[0] == "reducing")
        await until(lambda: order.is_done)
        assert truth.orders() == []


def test_a_start_says_what_cannot_be_added_up(venue: Venue) -> None:
    spot = Market("BTC_USDT", "BTC", "USDT", 2, 6)
    cross = Market("ETH_BTC", "ETH", "BTC", 6, 4, index=1)
    config = config_with(venue, spot.name, cross.name)
    with pytest.raises(StartupError, match="BTC_USDT has no money_rate"):
        account_limits([spot, cross], config)
    config = config_with(
        venue, account=LimitsConfig(max_loss=Decimal("1.239"), orders_per_s=3), limits=limits()
    )
    assert account_limits([spot], config) == {
        "max_loss": 123_900_000, "order_interval_ns": 333_333_334, "order_burst": 20,
        "max_rejects": 20, "reject_window_ns": 5_000_000_000,
    }  # fmt: skip
    assert market_limits([spot], config)[0]["weight"] == 1


@live
async def test_a_start_with_limits_that_cannot_be_added_up_fails(venue: Venue) -> None:
    config = config_with(venue, "BTC_USDT", "ETH_BTC")
    with pytest.raises(StartupError, match=r"money_rate|does not list"):
        await run_to_its_end(Lifecycle(Recorder(), config, credentials_of(venue)))
