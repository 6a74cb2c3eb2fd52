"""Balances and fees in the life of a gateway: what our deals explain, and what they do not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway_rig import (
    MARKET,
    Recorder,
    Truth,
    config_for,
    credentials_of,
    gateway,
    live,
    run_to_its_end,
    until,
)
from whitewire import Drift, Fill
from whitewire.config import RecoveryConfig
from whitewire.errors import StartupError, UsageError
from whitewire.lifecycle import Lifecycle
from whitewire.venue import Venue, WireOptions

WATCHFUL = RecoveryConfig(drift_lag_ms=1_500, every_s=1)
D = Decimal


@pytest.fixture
def venue() -> Iterator[Venue]:
    """Its balances are pushed without delay."""
    wire = WireOptions(depth_keepalive_s=1.0, balance_interval_ms=50)
    with Venue(traders=False, wire=wire) as running:
        yield running


def drifts(seen: Recorder) -> list[Drift]:
    return [drift for (drift,) in seen.named("on_drift")]


def give(truth: Truth, asset: str, amount: object) -> None:
    """A deposit, which no private channel tells: only the balance that is asked for shows it."""
    who, value = truth.me, D(str(amount))
    truth.venue.call(lambda exchange: exchange._accounts[who].receive(asset, value))


@live
async def test_a_deposit_is_told_and_then_named_foreign(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, config=config_for(venue, recovery=WATCHFUL), truth=truth) as rig:
        give(truth, "USDT", 100)
        await until(lambda: len(drifts(rig.seen)) == 2)
        first, second = drifts(rig.seen)
        assert (first.asset, first.part, first.verdict) == ("USDT", "total", "unexplained")
        assert (second.verdict, second.amount, first.amount) == ("foreign", 100, 100)
        assert rig.gw.counts["drift-foreign"] == 1
        assert rig.gw.may_quote(MARKET)


@pytest.mark.usefixtures("impatient")
@live
async def test_what_we_and_others_in_the_account_trade_is_explained(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, config=config_for(venue, recovery=WATCHFUL), truth=truth) as rig:
        bid = await rig.resting("buy", 60000, amount="0.03")
        ask = await rig.resting("sell", 60500, amount="0.02")
        truth.make("sell", 60000, "0.01", ioc=True)
        truth.make("buy", 60500, "0.02", ioc=True)
        await until(lambda: ask.is_done and len(rig.seen.fills) == 2)
        await until(lambda: bid.can_modify)
        bid.modify(price=60001, amount="0.04")
        truth.make("buy", 59900, "0.02", who=truth.me)
        truth.make("sell", 60001, "0.04", ioc=True)
        truth.make("sell", 59900, "0.01", ioc=True)  # meets the order that is not ours
        await until(lambda: bid.is_done)
        wallet = rig.gw.money.wallets["spot"]
        await until(lambda: wallet.expected("BTC") == truth.stock())
        give(truth, "BTC", 1)  # only this is not explained, when the lag is over
        await until(lambda: len(drifts(rig.seen)) == 2)
        assert [(d.asset, d.amount) for d in drifts(rig.seen)] == [("BTC", 1)] * 2
        assert rig.gw.counts["foreign-deals"] == 1
        assert drifts(rig.seen)[0].postings[-1].startswith("foreign deal ")
        assert rig.gw.counts["fee-surprises"] == 0


@pytest.mark.usefixtures("impatient")
@live
async def test_a_fill_that_no_push_told_is_found_by_the_balance(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, recovery=RecoveryConfig(drift_lag_ms=1_500))
    async with gateway(venue, config=config, truth=truth) as rig:
        order = await rig.resting("buy", 60000)
        for method in ("ordersPending_update", "deals_update"):
            venue.fault("private_missing", method=method)
        truth.make("sell", 60000, "0.01", ioc=True)
        await until(lambda: order.is_done)
        (fill,) = rig.seen.fills
        assert (order.state, fill.amount) == ("filled", D("0.01"))
        await until(lambda: rig.gw.counts["drift-explained"] >= 1)
        assert rig.gw.counts["drift-foreign"] == 0
        assert {d.verdict for d in drifts(rig.seen)} == {"unexplained", "explained"}


@live
async def test_fees_are_known_from_the_start(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        fees = rig.gw.fees(MARKET)
        assert (fees.maker, fees.taker, fees.rpi_premium) == (D("0.001"), D("0.001"), None)
        with pytest.raises(UsageError, match="DOGE_USDT is not traded here"):
            rig.gw.fees("DOGE_USDT")


class Dearer(Recorder):
    """Learns half way that the fees are others."""

    def __init__(self) -> None:
        super().__init__()
        self.maker = "0.05"

    def on_fill(self, fill: Fill) -> None:
        super().on_fill(fill)
        self.maker = "0.1"


@pytest.mark.usefixtures("impatient")
@live
async def test_a_fee_that_is_not_as_told_is_told_and_the_fees_are_asked_for_again(
    venue: Venue, truth: Truth
) -> None:
    seen = Dearer()
    config = config_for(venue, recovery=RecoveryConfig(every_s=1, fees_every_s=3_600))
    async with gateway(venue, seen, config, truth=truth) as rig:
        call = rig.gw.control.call

        async def lower_fees(name: str, fields: Any = None) -> Any:
            status, body = await call(name, fields)
            if name == "market_fee":
                body = json.dumps(json.loads(body) | {"maker": seen.maker}).encode()
            return status, body

        rig.gw.control.call = lower_fees  # type: ignore[method-assign]
        await rig.gw.money.open()
        await rig.gw.money.open()  # the fees before this change count no longer
        ((lower, none),) = seen.named("on_fees")
        assert (lower.maker, none) == (D("0.0005"), None)
        await rig.resting("buy", 60000)
        truth.make("sell", 60000, "0.01", ioc=True)
        await until(lambda: len(seen.named("on_fees")) == 3)
        (fees, surprise), (now, nothing) = seen.named("on_fees")[1:]
        assert fees == lower
        assert (surprise.expected, surprise.actual) == (D("0.0005"), D("0.001"))
        assert (now.maker, nothing) == (D("0.001"), None)
        assert rig.gw.counts["fee-surprises"] == 1
        rig.gw.control.call = call  # type: ignore[method-assign]


@pytest.mark.usefixtures("impatient")
@live
async def test_fees_that_cannot_be_read_again_keep_nothing_else_from_being_asked(
    venue: Venue, truth: Truth
) -> None:
    config = config_for(venue, recovery=RecoveryConfig(every_s=1, fees_every_s=1))
    async with gateway(venue, config=config, truth=truth) as rig:
        venue.fault("http_503_html", path="/api/v4/market/fee", times=9)
        give(truth, "USDT", 5)
        await until(lambda: (D(rig.gw.balances.get("USDT").total) % 10) == 5)
        assert not rig.gw.is_in_doubt
        assert rig.gw.fees(MARKET).maker == D("0.001")


@live
async def test_a_key_that_may_not_read_fees_cannot_start(venue: Venue) -> None:
    venue.fault("http_429", path="/api/v4/market/fee")
    lifecycle = Lifecycle(Recorder(), config_for(venue), credentials_of(venue))
    Truth(venue).make_market()
    with pytest.raises(StartupError, match="the venue refused the account's fees"):
        await run_to_its_end(lifecycle)


@live
async def test_an_rpi_order_is_an_order_like_any_other(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting("buy", 60000, rpi=True)
        assert [o.rpi for o in truth.orders()] == [True]
        truth.make("sell", 60000, "0.01", ioc=True)  # not retail: does not see it
        truth.make("sell", 60000, "0.01", ioc=True, retail=True)
        await until(lambda: order.is_done)
        assert (order.state, len(rig.seen.fills)) == ("filled", 1)
        assert rig.gw.counts["fee-surprises"] == 0
