"""Limits, bans, nonces and clocks over real sockets, with the embedded venue as the other side."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import time_ns

import pytest

from tests.gateway_rig import Recorder, Rig, Truth, config_for, credentials_of, gateway, live, until
from tests.test_link import new_path
from whitewire import _core, timekeeping
from whitewire._bridge import now_ns
from whitewire.endpoints import ENDPOINTS
from whitewire.errors import StartupError
from whitewire.protocol.clock import ClockState
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.rate_verdict import RateVerdict
from whitewire.protocol.throttle import Held, Throttle
from whitewire.strategy import Limit
from whitewire.transport.control import Control
from whitewire.transport.link import tls_context
from whitewire.venue import Venue, WireOptions

PLACE = "/api/v4/order/new"
SECOND = 1_000_000_000


@contextmanager
def venue_with(**options: float) -> Iterator[Venue]:
    wire = WireOptions(depth_keepalive_s=1.0, **options)  # type: ignore[arg-type]
    with Venue(traders=False, wire=wire) as running:
        yield running


@asynccontextmanager
async def control_of(
    venue: Venue,
    throttle: Throttle | None = None,
    nonces: NonceAllocator | None = None,
    account: int = 0,
) -> AsyncIterator[tuple[Control, list[tuple[str, Held]]]]:
    """A control plane, and what it was refused."""
    key = credentials_of(venue, account)
    control = Control(
        config_for(venue),
        tls_context(venue.ca),
        new_path(),
        _core.Signer(key.key, key.secret),
        nonces or NonceAllocator(),
        throttle or Throttle(ENDPOINTS.values(), random.Random(1)),
        now_ns,
    )
    heard: list[tuple[str, Held]] = []
    control.on_held = lambda name, held: heard.append((name, held))
    try:
        await control.open()
        yield control, heard
    finally:
        control.close()
        await asyncio.sleep(0.01)


def limits(rig: Rig) -> list[Limit]:
    return [told[0] for told in rig.seen.named("on_limit")]


def stand_still(control: Control) -> None:
    """Stops the clock that nonces are made from."""
    at = control.clock.epoch_ms(now_ns())
    control.clock.epoch_ms = lambda now: at - 100  # type: ignore[method-assign]


# ---- three kinds of "too many requests" ------------------------------------------------------


@live
async def test_a_true_limit_backs_off_and_a_nonce_does_not() -> None:
    with venue_with(rate_scale=0.0005) as venue:  # 6 balances in 10 s
        async with control_of(venue) as (control, heard):
            statuses = [(await control.call("balance"))[0] for _ in range(7)]
            while 429 not in statuses:  # the venue's window may have turned just then
                statuses.append((await control.call("balance"))[0])
            ((name, held),) = heard
            assert (name, held.verdict) == ("balance", RateVerdict.LIMIT)
            assert SECOND // 2 <= held.wait_ns <= SECOND
            assert control._throttle.try_take("place", now_ns(), False) > 0
            assert control._throttle.try_take("cancel", now_ns(), True) == 0
    with venue_with() as venue:
        used = NonceAllocator()
        async with control_of(venue, nonces=used) as (control, heard):
            await control.call("balance")
            used.last -= 1  # the same nonce again, as another process with our key would
            stand_still(control)
            assert (await control.call("balance"))[0] == 200  # with the next one
            assert heard == [("balance", Held(RateVerdict.NONCE, 0))]
            assert control._throttle.is_calm
            assert control.clock.is_due(now_ns())  # the clocks are compared at once


@live
async def test_a_nonce_refusal_under_429_is_one_too() -> None:
    with venue_with(auth_status={"NONCE_USED": 429}) as venue:  # type: ignore[arg-type]
        used = NonceAllocator()
        async with control_of(venue, nonces=used) as (control, heard):
            await control.call("balance")
            used.last -= 1
            stand_still(control)
            assert (await control.call("balance"))[0] == 200
            assert heard == [("balance", Held(RateVerdict.NONCE, 0))]


@live
async def test_a_blocked_address_is_a_ban_and_cancels_are_still_tried() -> None:
    with venue_with(rate_scale=0.0005, rate_block_after_windows=1, rate_block_s=60.0) as venue:
        throttle = Throttle(ENDPOINTS.values(), random.Random(1), ban_after_ns=SECOND)
        async with control_of(venue, throttle) as (control, heard):
            while RateVerdict.BAN not in {held.verdict for _, held in heard}:
                await control.call("balance")
            kinds = [held.verdict for _, held in heard]
            assert kinds[0] is RateVerdict.LIMIT
            assert kinds[-1] is RateVerdict.BAN
            assert len(kinds) <= 4
            assert heard[-1][1].wait_ns == 60 * SECOND
            status, _ = await control.call("cancel_all")
            assert status == 429  # the venue lets nothing through, but it was tried
            assert heard[-1][0] == "cancel_all"


@live
async def test_accounts_that_share_a_throttle_back_off_together(venue: Venue) -> None:
    throttle = Throttle(ENDPOINTS.values(), random.Random(1))
    async with (
        control_of(venue, throttle) as (one, heard),
        control_of(venue, throttle, account=1) as (other, unheard),
    ):
        venue.fault("http_429", path="/api/v4/trade-account/balance")
        assert (await one.call("balance"))[0] == 429
        began = now_ns()
        assert (await other.call("balance"))[0] == 200
        assert now_ns() - began >= SECOND // 4
        assert (len(heard), unheard) == (1, [])


@live
async def test_a_storm_is_told_and_quoting_comes_back_by_itself(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        venue.fault("storm_429", path=PLACE, seconds=0.3)
        first = rig.place()
        await until(lambda: first.state == "rejected")
        assert rig.place().state == "rejected"
        await until(lambda: len(limits(rig)) == 2)
        assert [(limit.kind, limit.is_venue) for limit in limits(rig)] == [
            ("limit", True),
            ("throttle", False),
        ]
        await until(lambda: rig.gw.throttle.try_take("place", now_ns(), False) == 0)
        await rig.resting()
        assert rig.gw.throttle.is_calm
        assert rig.gw.counts["held-limit"] == 1


@live
async def test_an_order_refused_for_its_nonce_holds_back_nothing(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        await rig.resting()
        venue.fault("clock_skew", by_s=-30.0, seconds=0.2)
        order = rig.place(price=59500)
        await until(lambda: order.state == "rejected")
        ((_, reject),) = rig.seen.named("on_reject")
        assert reject.code == "nonce"
        assert [(limit.kind, limit.wait_ns) for limit in limits(rig)] == [("nonce", 0)]
        await until(lambda: rig.gw.clock.state is ClockState.GOOD or rig.gw.clock.steps)


# ---- the clock guard -------------------------------------------------------------------------


@pytest.mark.parametrize("by_s", [3.0, -3.0])
@live
async def test_a_venue_clock_that_moves_away_stops_orders_and_not_cancels(
    by_s: float, venue: Venue, truth: Truth
) -> None:
    """3 s are within the venue's window, so everything would still work: it stops before."""
    async with gateway(venue, truth=truth) as rig:
        resting = await rig.resting()
        venue.fault("clock_skew", by_s=by_s, seconds=2.0)
        rig.gw.clock.suspect()
        await until(lambda: not rig.gw.clock.is_safe)
        refused = rig.place()
        assert refused.state == "rejected"
        await until(lambda: rig.seen.named("on_reject"))
        assert rig.seen.named("on_reject")[0][1].code == "clock"
        await until(lambda: resting.state == "canceled")  # its quotes were pulled
        assert ("clock", "down") in rig.seen.named("on_connection")
        assert rig.gw.state == "active"
        await until(lambda: rig.gw.clock.is_safe, 10)
        await until(lambda: ("clock", "up") in rig.seen.named("on_connection"))
        await rig.resting()


@pytest.mark.parametrize("by_s", [7.0, -7.0])
@live
async def test_outside_of_the_window_it_halts_and_cancels_pass_by_the_venues_time(
    by_s: float, venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        resting = await rig.resting()
        venue.fault("clock_skew", by_s=by_s)
        rig.gw.clock.suspect()
        await until(lambda: rig.gw.state == "halted")
        assert "clock" in rig.gw.halt_reason
        await until(lambda: resting.state == "canceled")
        assert truth.orders() == []
        # `gateway` verifies the clean stop: signed calls go on passing under the skew


@live
async def test_a_stepped_clock_here_moves_no_nonce_and_stops_orders(
    venue: Venue, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway(venue, truth=truth) as rig:
        resting = await rig.resting()
        monkeypatch.setattr(timekeeping, "time_ns", lambda: time_ns() + 60 * SECOND)
        await until(lambda: rig.gw.counts["clock-steps"])
        await until(lambda: resting.state == "canceled")
        assert rig.gw.counts["held-nonce"] == 0
        assert abs(rig.gw.clock.epoch_ms(now_ns()) - time_ns() // 1_000_000) < 2_000


@pytest.mark.parametrize("by_s", [3600.0, -8.0])
@live
async def test_a_start_with_a_wrong_clock_is_refused_in_words(by_s: float, venue: Venue) -> None:
    venue.fault("clock_skew", by_s=by_s)
    with pytest.raises(
        StartupError, match=r"the venue's clock is .* ahead of this host's"
    ) as caught:
        async with gateway(venue, Recorder()):
            pass
    assert caught.value.code == "clock-off"


@live
async def test_the_bounds_narrow_while_the_gateway_works(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:

        def width() -> int:
            low, high = rig.gw.clock.bounds_ns(now_ns()) or (0, 10**18)
            return high - low

        first = width()
        await until(lambda: width() < first // 4, 8)
        low, high = rig.gw.clock.bounds_ns(now_ns()) or (1, -1)
        assert low <= 2_000_000  # both read the same clock, if not at the same moment
        assert high >= -2_000_000
