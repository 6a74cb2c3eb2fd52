"""Sessions over real sockets: tokens, silence, stalls, drops, maintenance."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.gateway_rig import LIMITS, Recorder, Truth, config_for, gateway, live, until
from whitewire.config import FeedConfig
from whitewire.protocol import staleness
from whitewire.venue import Venue

FAST = {"ping_interval_ms": 200, "pong_timeout_ms": 200}


def count_tokens(rig: Any) -> list[int]:
    """Grows with each token that is asked for."""
    asked: list[int] = []
    call = rig.gw.control.call

    async def counting(name: str, fields: Any = None) -> Any:
        if name == "websocket_token":
            asked.append(1)
        return await call(name, fields)

    rig.gw.control.call = counting
    return asked


@pytest.mark.usefixtures("impatient")
@live
async def test_sockets_that_are_cut_again_and_again_share_one_token(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        asked = count_tokens(rig)
        for losses in (1, 2, 3):
            venue.fault("drop_ws")
            truth.unmake(truth.make("buy", 59001, "0.1"))
            await until(lambda n=losses: rig.gw.counts["feed-losses"] == n and rig.gw.feed.is_up)
        assert asked == []
        await until(lambda: not rig.gw.blind)
        await rig.resting()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("code", [1, 2, 6, 11])
@live
async def test_a_refused_token_is_replaced_once(code: int, venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        asked = count_tokens(rig)
        venue.fault("authorize_failed", code=code)
        venue.fault("drop_ws")
        truth.unmake(truth.make("buy", 59001, "0.1"))
        await until(lambda: rig.gw.counts["feed-losses"] == 1)
        await until(lambda: rig.gw.feed.is_up)
        assert asked == [1]


@pytest.mark.usefixtures("impatient")
@live
async def test_a_token_that_comes_expired_is_replaced_within_the_budget(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        asked = count_tokens(rig)
        rig.gw.feed._tokens.refused(rig.gw.feed._token)
        venue.fault("expired_token", times=2)
        venue.fault("drop_ws")
        truth.unmake(truth.make("buy", 59001, "0.1"))
        await until(lambda: rig.gw.counts["feed-losses"] == 1)
        await until(lambda: rig.gw.feed.is_up)
        assert asked == [1, 1, 1]


@pytest.mark.usefixtures("impatient")
@live
async def test_refusals_for_ever_do_not_use_more_tokens_than_there_are(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        asked = count_tokens(rig)
        venue.fault("authorize_failed", times=1000)
        venue.fault("drop_ws")
        truth.unmake(truth.make("buy", 59001, "0.1"))
        await until(lambda: len(asked) >= 5)  # the fifth waits: one was used at the start
        await until(lambda: rig.gw.throttle.try_take("websocket_token", 0, False) > 0)
        assert len(asked) == 5
        assert rig.gw.counts["held-limit"] == 0  # the venue never had to say so


@pytest.mark.usefixtures("impatient")
@live
async def test_a_deaf_and_dumb_connection_is_replaced(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, feed=FeedConfig(**FAST))
    async with gateway(venue, config=config, truth=truth) as rig:
        await rig.resting()
        venue.fault("half_open", side="ws")
        await until(lambda: rig.gw.counts["feed-losses"] == 1)
        await until(lambda: rig.gw.feed.is_up and not rig.gw.blind)
        (gap,) = rig.seen.named("on_gap")
        assert "no pong" in gap[0].reason
        # everything is subscribed again: the book, our orders, our deals
        order = await rig.resting()
        truth.make("sell", 60000, "0.01")
        await until(lambda: order.state == "filled" and rig.seen.fills)


@pytest.mark.usefixtures("impatient")
@live
async def test_a_stalled_stream_is_told_by_its_age_and_mended(
    venue: Venue, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pings are answered all the while; only the age of the data shows it."""
    monkeypatch.setattr(staleness, "DEPTH_AGE_NS", 1_500_000_000)
    limits = msgspec.structs.replace(LIMITS, max_book_age_ms=1_500)
    config = config_for(venue, limits=limits, feed=FeedConfig(**FAST))
    async with gateway(venue, config=config, truth=truth) as rig:
        resting = await rig.resting()
        venue.fault("stall_ws", seconds=2.5)
        await until(lambda: rig.seen.named("on_gap"))
        (gap,) = rig.seen.named("on_gap")[0]
        assert gap.market == "BTC_USDT"
        assert gap.reason.startswith("depth: nothing for 1.")
        assert not rig.gw.may_quote("BTC_USDT")
        await until(lambda: resting.state in ("canceled", "canceling"))
        assert rig.gw.counts["feed-losses"] == 0
        await until(lambda: not rig.gw.blind, 8)
        await rig.resting()


@pytest.mark.usefixtures("impatient")
@live
async def test_a_stall_that_a_subscription_does_not_end_costs_the_session(
    venue: Venue, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staleness, "DEPTH_AGE_NS", 1_500_000_000)
    monkeypatch.setattr(staleness, "_PATIENCE_NS", 500_000_000)
    limits = msgspec.structs.replace(LIMITS, max_book_age_ms=1_500)
    async with gateway(venue, config=config_for(venue, limits=limits), truth=truth) as rig:
        venue.fault("stall_ws", seconds=2.5)
        await until(lambda: rig.gw.counts["feed-losses"] == 1, 8)
        gaps = [gap.reason for (gap,) in rig.seen.named("on_gap")]
        assert gaps[-1].startswith("BTC_USDT: depth: nothing for ")
        await until(lambda: rig.gw.feed.is_up and not rig.gw.blind, 8)
        await rig.resting()


@pytest.mark.usefixtures("impatient")
@live
async def test_a_ticker_that_falls_behind_the_book_costs_the_session(
    venue: Venue, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staleness, "TICKER_AGE_NS", 500_000_000)
    async with gateway(venue, Recorder(), truth=truth) as rig:
        venue.fault("stall_ws", method="bookTicker_update", seconds=2.0)
        truth.make("buy", 59500, "0.1")
        await until(lambda: rig.gw.counts["stale-ticker"] == 1)
        await until(lambda: rig.gw.counts["feed-losses"] == 1)
        await until(lambda: rig.gw.feed.is_up and not rig.gw.blind, 8)
        await until(lambda: rig.seen.named("on_ticker"))
        assert rig.seen.named("on_ticker")[-1][0].bid[0] == 59500
        assert rig.gw.counts["stale-depth"] == 0


@pytest.mark.usefixtures("impatient")
@live
async def test_maintenance_is_outlived(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        await rig.resting()
        asked = count_tokens(rig)
        venue.fault("maintenance", seconds=1.0, ws_grace_s=0.2)
        await until(lambda: rig.gw.counts["feed-losses"] == 1)
        await until(lambda: rig.gw.feed.is_up and not rig.gw.blind, 10)
        await rig.resting(price=59500)
        assert len(asked) <= 1
