"""The kill switch in the life of a gateway: renewed, obeyed, and known when it is gone."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.gateway_rig import MARKET, Recorder, Truth, config_for, gateway, live, until
from whitewire.config import KillSwitchConfig
from whitewire.errors import PeerError
from whitewire.switches import WARM_NS
from whitewire.venue import Venue
from whitewire.venue.values.requests import KillSwitchRequest

SWITCH = "/api/v4/order/kill-switch"
STATUS = "/api/v4/order/kill-switch/status"
SHORT = KillSwitchConfig(timeout_s=5)


def fires_at(truth: Truth) -> int:
    (timer,) = truth.venue.call(lambda exchange: exchange.kill_switch_status(truth.me))
    return timer.cancellation_time


@live
async def test_every_market_has_its_timer(venue: Venue, truth: Truth) -> None:
    Truth(venue, "ETH_USDT").make_market(2900, 3100)
    async with gateway(venue, config=config_for(venue, MARKET, "ETH_USDT"), truth=truth):
        assert truth.timers() == [MARKET, "ETH_USDT"]


@live
async def test_a_timer_is_renewed_every_quarter_of_its_length(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, config=config_for(venue, kill_switch=SHORT), truth=truth) as rig:
        first = fires_at(truth)
        began = time.monotonic()
        await until(lambda: fires_at(truth) >= first + 2, 4)
        assert time.monotonic() - began < 3.6
        assert rig.gw.may_quote(MARKET)
        assert rig.gw.counts["kill-switch-alarms"] == 0


@pytest.mark.slow
@live
async def test_quoting_stops_before_an_unrenewed_timer_fires(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, config=config_for(venue, kill_switch=SHORT), truth=truth) as rig:
        order = await rig.resting()
        venue.fault("http_503_html", path=SWITCH, times=8)
        await until(lambda: ("on_kill_switch", (MARKET, "late")) in rig.seen.calls, 6)
        assert truth.timers() == [MARKET]  # it has not fired
        await until(lambda: order.is_done)
        assert not rig.gw.may_quote(MARKET)
        assert rig.gw.counts["kill-switch-alarms"] >= 1
        await until(lambda: rig.gw.may_quote(MARKET), 8)  # renewed again
        assert ("on_kill_switch", (MARKET, "armed")) in rig.seen.calls
        await rig.resting()


@live
async def test_a_timer_that_the_venue_does_not_show_stops_the_quoting(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting()
        gone = KillSwitchRequest(market=MARKET, timeout=None, types=None)
        venue.call(lambda exchange: exchange.kill_switch(truth.me, gone))
        await rig.lifecycle.switches._verify()
        assert rig.gw.counts["kill-switch-alarms"] == 1
        await until(lambda: order.is_done)
        await until(lambda: rig.gw.may_quote(MARKET))
        assert truth.timers() == [MARKET]
        names = [state for _, state in rig.seen.named("on_kill_switch")]
        assert names == ["armed", "late", "armed"]


@live
async def test_a_status_that_cannot_be_had_proves_nothing(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        venue.fault("http_503_html", path=STATUS)
        await rig.lifecycle.switches._verify()
        await asyncio.sleep(0.15)
        assert rig.gw.may_quote(MARKET)


@live
async def test_a_halted_gateway_disarms_when_nothing_rests(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        await rig.resting()
        rig.gw.halt("enough")
        await until(lambda: not truth.timers())
        assert truth.orders() == []
        await asyncio.sleep(0.25)
        assert truth.timers() == []  # and it is not armed again


# ---- faults on its path -----------------------------------------------------------------------

FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("kill_switch_refused", {"times": 1}),
    ("http_503_html", {"times": 1, "path": SWITCH}),
    ("http_429", {"times": 1, "path": SWITCH}),
    ("drop_rest", {"times": 1, "path": SWITCH, "when": "before"}),
    ("drop_rest", {"times": 1, "path": SWITCH, "when": "after"}),
    ("lost_request", {"times": 1, "path": SWITCH}),
    ("half_open", {"times": 1, "path": SWITCH}),
    ("slow_ack", {"times": 1, "path": SWITCH, "ms": 300}),
    ("malformed_json", {"times": 1, "path": SWITCH}),
]


@pytest.mark.parametrize(("fault", "more"), FAULTS)
def test_one_failure_of_a_renewal_does_not_disturb_the_quoting(
    venue: Venue, truth: Truth, fault: str, more: dict[str, Any]
) -> None:
    @live
    async def run() -> None:
        async with gateway(venue, config=config_for(venue, kill_switch=SHORT), truth=truth) as rig:
            order = await rig.resting()
            first = fires_at(truth)
            venue.fault(fault, **more)
            await until(lambda: fires_at(truth) > first, 5)
            assert order.can_modify
            assert rig.gw.may_quote(MARKET)
            assert [state for _, state in rig.seen.named("on_kill_switch")] == ["armed"]
            assert rig.gw.counts["kill-switch-alarms"] == 0

    run()


@live
async def test_a_slow_control_call_does_not_delay_a_renewal(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, config=config_for(venue, kill_switch=SHORT), truth=truth) as rig:
        first = fires_at(truth)
        venue.fault("slow_ack", path="/api/v4/trade-account/balance", ms=3_500)
        call = asyncio.get_running_loop().create_task(rig.gw.rest.call("balance"))
        await until(lambda: fires_at(truth) >= first + 2, 3.4)
        assert not call.done()
        assert rig.gw.may_quote(MARKET)
        await call


@live
async def test_the_strategy_hears_of_every_state(venue: Venue, truth: Truth) -> None:
    seen = Recorder()
    async with gateway(venue, seen, truth=truth):
        await until(lambda: seen.named("on_kill_switch"))
    assert [state for _, state in seen.named("on_kill_switch")] == [
        "armed",
        "disarming",
        "disarmed",
    ]


@live
async def test_an_idle_connection_is_kept_warm(venue: Venue, truth: Truth) -> None:
    slow = KillSwitchConfig(timeout_s=600)
    async with gateway(venue, config=config_for(venue, kill_switch=slow), truth=truth) as rig:
        switches = rig.lifecycle.switches
        control = switches._control
        assert control is not None
        calls: list[str] = []

        async def call(name: str) -> tuple[int, bytes]:
            calls.append(name)
            raise PeerError("connection-lost", "gone")  # which is told and mended next time

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(control, "call", call)
            switches.check(switches._used_ns + WARM_NS - 1)
            await asyncio.sleep(0)
            assert calls == []
            switches._used_ns -= WARM_NS
            await until(lambda: calls == ["ping"])


@live
async def test_a_timer_shortened_by_a_stranger_is_renewed_before_quoting_is_in_danger(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, config=config_for(venue, kill_switch=SHORT), truth=truth) as rig:
        await rig.resting()
        gone = KillSwitchRequest(market=MARKET, timeout=None, types=None)
        venue.call(lambda exchange: exchange.kill_switch(truth.me, gone))
        await until(lambda: truth.timers() == [MARKET], 3)
        assert rig.gw.may_quote(MARKET)
