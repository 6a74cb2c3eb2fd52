"""What a market traded, summed up: candles of any width and the totals of any period.

Owns: each market's bars of a second, a minute and an hour, and putting them together. Must not
know: sockets, subscriptions, orders, clocks. Invariant: every trade is in one bar of each width
for as long as that width is kept; memory is bounded however long and busy a market is.

Rules:

* Q1  A candle opens at a multiple of its interval since the epoch, a week's on Monday.
* Q2  Intervals are the ancestor's: whole seconds that divide a minute, whole minutes that divide
      an hour, whole hours that divide a day, whole days up to a week.
* Q3  A candle without trades is flat at the price before it; none is older than the first bar.
* Q4  A query answers at most the newest 1440 candles of what it asks for.
* Q5  The start of a period is exact to the second within the last hour, to the minute within the
      last day, to the hour before. A period without trades is flat at the last price.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal

from whitewire.venue.values.model import ZERO, PublicTrade
from whitewire.venue.values.money import add

__all__ = ["DAY_S", "KEPT_S", "Bar", "Chart", "is_interval", "opening"]

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
KEPT_S = 31 * DAY_S
_WEEK_S = 7 * DAY_S
_FIRST_MONDAY = 4 * DAY_S
_MAX_CANDLES = 1_440


@dataclass(slots=True)
class Bar:
    """Prices and volumes of a stretch of time that opens at `time`, epoch seconds."""

    time: int
    open: Decimal
    close: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal = ZERO
    money: Decimal = ZERO

    def append(self, later: Bar) -> None:
        """Takes in what happened afterwards."""
        self.close = later.close
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.volume = add(self.volume, later.volume)
        self.money = add(self.money, later.money)


def _flat(time: int, price: Decimal) -> Bar:
    return Bar(time, price, price, price, price)


def _joined(time: int, bars: list[Bar]) -> Bar:
    whole = replace(bars[0], time=time)
    for bar in bars[1:]:
        whole.append(bar)
    return whole


def is_interval(seconds: int) -> bool:
    """Whether there are candles of this width (Q2)."""
    if seconds >= DAY_S:
        return seconds <= _WEEK_S and not seconds % DAY_S
    for unit, whole in ((1, MINUTE_S), (MINUTE_S, HOUR_S), (HOUR_S, DAY_S)):
        if unit <= seconds < whole:
            return not seconds % unit and not whole % seconds
    return False


def opening(time: float, interval: int) -> int:
    """When the candle that `time` falls into opened (Q1)."""
    offset = _FIRST_MONDAY if interval == _WEEK_S else 0
    return (int(time) - offset) // interval * interval + offset


class _Tier:
    """Bars of one width, oldest first, for so many seconds back from the newest."""

    __slots__ = ("bars", "keep_s", "width")

    def __init__(self, width: int, keep_s: int) -> None:
        self.width = width
        self.keep_s = keep_s
        self.bars: dict[int, Bar] = {}

    def add(self, trade: Bar) -> None:
        time = trade.time // self.width * self.width
        bar = self.bars.get(time)
        if bar is not None:
            bar.append(trade)
            return
        self.bars[time] = replace(trade, time=time)
        while next(iter(self.bars)) <= time - self.keep_s:
            del self.bars[next(iter(self.bars))]

    def between(self, start: int, end: int) -> list[Bar]:
        """Bars that open in [start, end); `start` is a multiple of the width."""
        bars = self.bars
        start = max(start, next(iter(bars), start))
        return [bars[time] for time in range(start, end, self.width) if time in bars]

    def close_before(self, time: int) -> Decimal | None:
        """The last price of the bars before `time`."""
        for bar in reversed(self.bars.values()):
            if bar.time < time:
                return bar.close
        return None


class Chart:
    """One market's history of prices."""

    __slots__ = ("_coarse_first", "_last_price", "_newest")

    def __init__(self) -> None:
        # Each keeps a little more than what the next coarser one counts in.
        self._coarse_first = (
            _Tier(HOUR_S, KEPT_S),
            _Tier(MINUTE_S, DAY_S + HOUR_S),
            _Tier(1, HOUR_S + MINUTE_S),
        )
        self._newest = 0
        self._last_price: Decimal | None = None

    def add(self, trade: PublicTrade) -> None:
        """Takes in one trade; trades come in order of time."""
        bar = _flat(int(trade.time), trade.price)
        bar.volume, bar.money = trade.amount, trade.money
        for tier in self._coarse_first:
            tier.add(bar)
        self._newest = bar.time
        self._last_price = trade.price

    def candles(self, start: int, end: int, interval: int) -> list[Bar]:
        """Candles that overlap [start, end], oldest first (Q1 to Q4)."""
        tier = next(tier for tier in self._coarse_first if not interval % tier.width)
        if not tier.bars:
            return []
        newest = opening(end, interval)
        oldest = opening(max(start, next(iter(tier.bars))), interval)
        oldest = max(oldest, newest - (_MAX_CANDLES - 1) * interval)  # Q4
        price = tier.close_before(oldest)
        found = []
        for time in range(oldest, newest + 1, interval):
            bars = tier.between(time, time + interval)
            if bars:
                candle = _joined(time, bars)
            elif price is not None:
                candle = _flat(time, price)  # Q3
            else:
                continue
            price = candle.close
            found.append(candle)
        return found

    def total(self, start: float) -> Bar | None:
        """All that was traded from `start` on, as one bar; None before the first trade (Q5)."""
        if self._last_price is None:
            return None
        bars: list[Bar] = []
        end = self._newest + 1
        for tier in self._coarse_first:
            edge = math.ceil(start / tier.width) * tier.width
            if edge < end:
                bars[:0] = tier.between(edge, end)
                end = edge
        if not bars:
            return _flat(int(start), self._last_price)
        return _joined(int(start), bars)
