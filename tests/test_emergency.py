"""`gw.halt`: three paths at once from within, verified; and the red button outside."""

from __future__ import annotations

import asyncio
from pathlib import Path

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
from whitewire.config import KillSwitchConfig, RedButtonConfig, WatchdogConfig
from whitewire.errors import StartupError
from whitewire.lifecycle import Lifecycle
from whitewire.protocol.heartbeat import BeatState, Word
from whitewire.transport.heartbeat import HeartbeatReader, heartbeat_path
from whitewire.venue import Venue

ALL = "/api/v4/order/cancel/all"
CANCEL = "/api/v4/order/cancel"
SWITCH = "/api/v4/order/kill-switch"


@live
async def test_a_halt_clears_the_market_whosever_the_orders_are(venue: Venue, truth: Truth) -> None:
    eth = Truth(venue, "ETH_USDT")
    async with gateway(venue, truth=truth) as rig:
        await rig.resting()
        truth.make("buy", 59400, "0.01", who=truth.me)
        other_market = eth.make("buy", 2900, "0.1", who=truth.me)
        rig.gw.halt("enough")
        await until(lambda: rig.lifecycle.emergency.is_verified)
        assert truth.orders() == []
        assert [order.id for order in eth.orders()] == [other_market.id]
        await until(lambda: not truth.timers())
        told = ("on_kill_switch", (MARKET, "disarmed"))
        await until(lambda: told in rig.seen.calls)
        states = [state for _, state in rig.seen.named("on_kill_switch")]
        assert states[-2:] == ["disarming", "disarmed"]
        eth.unmake(other_market)


@pytest.mark.parametrize("dead", [(ALL,), (CANCEL,), (ALL, SWITCH), (CANCEL, SWITCH)])
def test_one_path_is_enough(venue: Venue, truth: Truth, dead: tuple[str, ...]) -> None:
    @live
    async def run() -> None:
        async with gateway(venue, truth=truth) as rig:
            await rig.resting()
            truth.make("buy", 59400, "0.01", who=truth.me)
            key = venue.accounts[0].key
            venue.restrict_key(key, denied_paths=dead)
            rig.gw.halt("enough")
            await until(lambda: rig.lifecycle.emergency.is_verified)
            assert truth.orders() == []
            venue.restrict_key(key)

    run()


@live
async def test_shortened_timers_do_it_when_nothing_else_can(venue: Venue, truth: Truth) -> None:
    slow = KillSwitchConfig(timeout_s=600)
    async with gateway(venue, config=config_for(venue, kill_switch=slow), truth=truth) as rig:
        await rig.resting()
        key = venue.accounts[0].key
        venue.restrict_key(key, denied_paths=(ALL, CANCEL))
        rig.gw.halt("enough")
        (timer,) = await _timers(truth)
        assert timer == 5
        await until(lambda: rig.lifecycle.emergency.is_verified, 9)
        assert truth.orders() == []
        assert rig.gw.counts["kill-switch-alarms"] == 0  # it was meant to fire
        venue.restrict_key(key)


async def _timers(truth: Truth) -> list[int]:
    def lengths() -> list[int]:
        timers = truth.venue.call(lambda exchange: exchange.kill_switch_status(truth.me))
        return [timer.cancellation_time - timer.start_time for timer in timers]

    await until(lambda: lengths() == [5])
    return lengths()


@live
async def test_what_cannot_be_verified_is_tried_again_and_keeps_its_timer(
    venue: Venue, truth: Truth
) -> None:
    config = config_for(venue, red_button=RedButtonConfig(deadline_s=1))
    async with gateway(venue, config=config, truth=truth) as rig:
        order = await rig.resting()
        venue.fault("http_503_html", path="/api/v4/orders", seconds=2.0)
        rig.gw.halt("enough")
        await until(lambda: rig.gw.counts["halt-unverified"] == 1)
        assert order.is_done
        assert truth.timers() == [MARKET]
        assert not rig.lifecycle.emergency.is_verified
        await until(lambda: rig.lifecycle.emergency.is_verified, 8)
        await until(lambda: not truth.timers())


@live
async def test_a_red_button_outside_halts_the_gateway(
    venue: Venue, truth: Truth, tmp_path: Path
) -> None:
    config = config_for(venue, watchdog=WatchdogConfig(heartbeat=str(tmp_path / "x.beat")))
    reader = HeartbeatReader(heartbeat_path(config))
    async with gateway(venue, config=config, truth=truth) as rig:
        await rig.resting()
        await until(lambda: (beat := reader.read()) is not None and beat.open_orders == 1)
        beat = reader.read()
        assert beat is not None
        assert beat.state is BeatState.ACTIVE
        assert rig.gw.id_prefix + beat.session in rig.gw.open_orders()[0].client_id
        reader.set(Word.HALT)
        await until(lambda: rig.lifecycle.emergency.is_verified)
        assert rig.gw.halt_reason == "the red button was pressed"
        await until(lambda: (beat := reader.read()) is not None and beat.state is BeatState.HALTED)
        await asyncio.sleep(0)
    last = reader.read()
    assert last is not None
    assert last.state is BeatState.ENDED
    reader.close()


@live
async def test_a_red_button_during_the_start_ends_it(
    venue: Venue, truth: Truth, tmp_path: Path
) -> None:
    config = config_for(venue, watchdog=WatchdogConfig(heartbeat=str(tmp_path / "x.beat")))
    reader = HeartbeatReader(heartbeat_path(config))
    seen = Recorder()
    lifecycle = Lifecycle(seen, config, credentials_of(venue))
    running = asyncio.get_running_loop().create_task(lifecycle.run())
    await until(reader.read)
    reader.set(Word.HALT)
    lifecycle.pulse._beat()  # a start can be over before the next one
    assert lifecycle.gateway.state == "halted"
    with pytest.raises(StartupError, match="halted during the start: the red button was pressed"):
        await running
    assert "on_start" not in seen.names
    assert lifecycle.is_clean
    assert (truth.placed(), truth.timers()) == (0, [])
    reader.close()
