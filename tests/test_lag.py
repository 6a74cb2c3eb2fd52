"""The loop-lag gauge: a loop that hangs shows, with everything that was due meanwhile."""

from __future__ import annotations

import asyncio
import time

from tests.gateway_rig import live, until
from whitewire.transport.lag import PERIOD_NS, LagGauge


@live
async def test_a_stall_counts_as_often_as_something_was_due() -> None:
    gauge = LagGauge()
    gauge.start()
    await until(lambda: gauge.total.count >= 2)
    before = gauge.take()
    assert before.count >= 2
    periods = 5
    time.sleep(periods * PERIOD_NS / 1e9)
    await asyncio.sleep(0.001)
    stalled = gauge.take()
    gauge.stop()
    assert stalled.count >= periods
    # the first of them waited for the whole stall less one period, the next for one less each
    assert stalled.max >= (periods - 1) * PERIOD_NS
    assert stalled.value_at(0.5) >= PERIOD_NS
    assert stalled.min <= 2 * PERIOD_NS


@live
async def test_an_interval_begins_anew_and_the_total_keeps_all() -> None:
    gauge = LagGauge()
    gauge.start()
    await until(lambda: gauge.total.count >= 3)
    first = gauge.take()
    assert gauge.take().count == 0
    await until(lambda: gauge.total.count > first.count)
    gauge.stop()
    second = gauge.take()
    assert gauge.total.count == first.count + second.count
    assert gauge.total.max == max(first.max, second.max)


@live
async def test_nothing_is_measured_once_it_has_stopped() -> None:
    gauge = LagGauge()
    gauge.start()
    gauge.stop()
    gauge.stop()
    await asyncio.sleep(3 * PERIOD_NS / 1e9)
    assert gauge.total.count == 0
    gauge.start()
    await until(lambda: gauge.total.count > 0)
    gauge.stop()
