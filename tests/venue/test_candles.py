"""Candles and totals, held against sums over the very trades."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from whitewire.venue.streams.candles import DAY_S, KEPT_S, Bar, Chart, is_interval, opening
from whitewire.venue.values.model import PublicTrade, Side

MONDAY = 1_785_715_200  # 2026-08-03 00:00 UTC
WEEK_S = 7 * DAY_S


def trade(time: float, price: str, amount: str = "1") -> PublicTrade:
    money = Decimal(price) * Decimal(amount)
    return PublicTrade(
        1, time, "BTC_USDT", Decimal(price), Decimal(amount), money, Side.BUY, rpi=False
    )


def chart(*trades: PublicTrade) -> Chart:
    made = Chart()
    for one in trades:
        made.add(one)
    return made


def summed(time: int, trades: list[PublicTrade]) -> Bar:
    """One bar by definition."""
    prices = [one.price for one in trades]
    return Bar(
        time,
        prices[0],
        prices[-1],
        max(prices),
        min(prices),
        sum((one.amount for one in trades), Decimal(0)),
        sum((one.money for one in trades), Decimal(0)),
    )


def flow(seed: int, count: int, mean_gap_s: float) -> list[PublicTrade]:
    rng = random.Random(seed)
    time = float(MONDAY)
    trades = []
    for _ in range(count):
        time += rng.expovariate(1 / mean_gap_s)
        trades.append(trade(time, str(rng.randint(100, 200)), str(rng.randint(1, 9))))
    return trades


def test_intervals_are_the_ancestors() -> None:
    good = {1, 2, 30, 60, 120, 900, 1_800, 3_600, 14_400, 43_200, DAY_S, 3 * DAY_S, WEEK_S}
    assert {seconds for seconds in good if is_interval(seconds)} == good
    bad = (-60, 0, 7, 59, 61, 90, 420, 3_599, 5_400, 18_000, DAY_S + 3_600, 8 * DAY_S)
    assert not [seconds for seconds in bad if is_interval(seconds)]


def test_a_candle_opens_at_a_multiple_and_a_week_on_monday() -> None:
    assert opening(MONDAY + 3_725.9, 3_600) == MONDAY + 3_600
    assert opening(MONDAY + 3_725.9, 60) == MONDAY + 3_720
    assert opening(MONDAY + 6.9 * DAY_S, WEEK_S) == MONDAY
    assert opening(MONDAY - 1, WEEK_S) == MONDAY - WEEK_S


@pytest.mark.parametrize(
    ("interval", "mean_gap_s"), [(1, 0.4), (15, 3.0), (60, 9.0), (900, 60.0), (DAY_S, 2_000.0)]
)
def test_candles_are_the_sums_of_their_trades(interval: int, mean_gap_s: float) -> None:
    trades = flow(interval, 400, mean_gap_s)
    last = int(trades[-1].time)
    candles = chart(*trades).candles(MONDAY, last, interval)
    assert candles
    price: Decimal | None = None
    for candle in candles:
        inside = [one for one in trades if opening(one.time, interval) == candle.time]
        if inside:
            assert candle == summed(candle.time, inside)
        else:
            assert price is not None
            assert candle == Bar(candle.time, price, price, price, price)
        price = candle.close
    times = [candle.time for candle in candles]
    first = opening(trades[0].time, interval)
    assert times == list(range(first, opening(last, interval) + 1, interval))


def test_candles_of_a_stretch_begin_at_the_price_before_it() -> None:
    made = chart(trade(MONDAY + 5, "100"), trade(MONDAY + 601, "120"))
    found = made.candles(MONDAY + 120, MONDAY + 240, 60)
    assert [(bar.time - MONDAY, bar.close, bar.volume) for bar in found] == [
        (seconds, Decimal(100), Decimal(0)) for seconds in (120, 180, 240)
    ]
    assert made.candles(MONDAY - 600, MONDAY - 60, 60) == []
    assert made.candles(MONDAY + 240, MONDAY + 120, 60) == []
    assert Chart().candles(MONDAY, MONDAY + 60, 60) == []


def test_a_query_answers_the_newest_1440() -> None:
    made = chart(trade(MONDAY, "100"), trade(MONDAY + DAY_S + 3_000, "120"))
    found = made.candles(0, MONDAY + DAY_S + 3_000, 60)
    assert len(found) == 1_440
    assert (found[-1].time, found[-1].close) == (MONDAY + DAY_S + 3_000, Decimal(120))


@pytest.mark.parametrize(("period", "grain"), [(1, 1), (600, 1), (7_200, 60), (DAY_S, 60)])
def test_a_period_is_the_sum_of_its_trades(period: int, grain: int) -> None:
    trades = flow(period, 3_000, period / 500)
    made = chart(*trades)
    since = trades[-1].time - period
    edge = -(-since // grain) * grain
    inside = [one for one in trades if one.time >= edge]
    assert made.total(since) == summed(int(since), inside)


def test_a_quiet_period_is_flat_at_the_last_price() -> None:
    made = chart(trade(MONDAY, "100"), trade(MONDAY + 1, "120"))
    assert made.total(MONDAY + DAY_S) == Bar(MONDAY + DAY_S, *[Decimal(120)] * 4)
    assert Chart().total(MONDAY) is None


def stored(made: Chart) -> int:
    return sum(len(tier.bars) for tier in made._coarse_first)


def later(seconds: float) -> Callable[[int], float]:
    return lambda number: MONDAY + number * seconds


@pytest.mark.parametrize("time", [later(1), later(60), later(3_600)])
def test_memory_is_bounded(time: Callable[[int], float]) -> None:
    made = Chart()
    for number in range(12_000):
        made.add(trade(time(number), "100"))
    assert stored(made) <= KEPT_S // 3_600 + 1_500 + 3_660
