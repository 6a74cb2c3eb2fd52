"""Deterministic market data in the venue's text style.

Owns: the made-up market and how its frames are written. Must not know: who reads them. Invariant:
the same seed gives the same bytes; deltas are chained and are net differences of the top 100.

Rules obeyed, by number:
* M1 — a delta holds the new sizes of the levels that changed within the window, "0" for those that
  left it, best first.
* M2 — `past_update_id` is the update id of the previous frame; ids jump.
* M3 — numbers of money are decimal texts without trailing zeros, times are seconds with a fraction.

The venue leaves an unchanged side out. Here both sides always change, because the C floor that the
core is compared with reads no other form.
"""

from __future__ import annotations

import random

__all__ = [
    "AMOUNT_DECIMALS",
    "MARKET",
    "NO_LIMITS",
    "PRICE_DECIMALS",
    "WINDOW",
    "decimal_text",
    "depth_frames",
    "ticker_frames",
]

MARKET = "BTC_PERP"
PRICE_DECIMALS = 1
AMOUNT_DECIMALS = 3
WINDOW = 100
"""Levels per side of the subscription."""
NO_LIMITS = {
    "min_order_lots": 1,
    "max_order_lots": 10**9,
    "min_notional": 0,
    "max_notional": 10**18,
    "collar_ppm": 10**6,
    "max_book_age_ns": 10**9,
    "price_step": 1,
    "amount_step": 1,
}
"""What the engine's gate asks for of every market; nothing here passes the gate."""

_FULL = 400
_FIRST_MID_TICKS = 629_258
_FIRST_UPDATE_ID = 22_216_665_449
_FIRST_TIME_US = 1_785_730_136_175_524
_PUSH_US = 100_000
# From the engine's state to the push, as on the venue's captured messages.
_SEND_DELAY_US = 59_677


def decimal_text(units: int, decimals: int) -> str:
    """The shortest plain decimal of `units` counted in 10**-decimals (M3)."""
    whole, part = divmod(units, 10**decimals)
    fraction = f"{part:0{decimals}d}".rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)


def _seconds(time_us: int) -> str:
    fraction = f"{time_us % 1_000_000:06d}".rstrip("0") or "0"
    return f"{time_us // 1_000_000}.{fraction}"


def _lots(source: random.Random) -> int:
    return source.randint(1, source.choice((999, 4000)))


class _Side:
    """One side of the full book; a key is the price in ticks, negative for bids: best first."""

    def __init__(self, source: random.Random, sign: int) -> None:
        self._source = source
        self._sign = sign
        self._lots: dict[int, int] = {}
        self._extend(sign * _FIRST_MID_TICKS)

    def _extend(self, last: int) -> None:
        while len(self._lots) < _FULL:
            last += self._source.choice((1, 1, 2, 5, 21))
            self._lots[last] = _lots(self._source)

    @property
    def best(self) -> int:
        return min(self._lots)

    def window(self) -> dict[int, int]:
        return {key: self._lots[key] for key in sorted(self._lots)[:WINDOW]}

    def change(self, other: _Side) -> None:
        """One event near the top: a new size, a level that leaves, or a level that comes."""
        keys = sorted(self._lots)
        rank = min(int(self._source.expovariate(1 / 12)), WINDOW - 10)
        event = self._source.random()
        if event < 0.62:
            self._lots[keys[rank]] = _lots(self._source)
        elif event < 0.80:
            del self._lots[keys[rank]]
        else:
            better = self._source.choice((1, 2)) if rank == 0 else 0
            key = keys[rank] + self._source.randint(0, 3) - better
            if key + other.best > 0:  # still apart from the other side
                self._lots[key] = _lots(self._source)
        self._extend(max(self._lots))

    def text(self, levels: dict[int, int]) -> str:
        rows = (
            f'["{decimal_text(self._sign * key, PRICE_DECIMALS)}", '
            f'"{decimal_text(levels[key], AMOUNT_DECIMALS)}"]'
            for key in sorted(levels)
        )
        return f"[{', '.join(rows)}]"


def _difference(before: dict[int, int], after: dict[int, int]) -> dict[int, int]:
    keys = before.keys() | after.keys()
    return {key: after.get(key, 0) for key in keys if before.get(key) != after.get(key)}  # M1


def _depth_frame(full: bool, time_us: int, ids: str, asks: str, bids: str) -> bytes:
    flag = "true" if full else "false"
    return (
        f'{{"method": "depth_update", "params": [{flag}, {{"timestamp": {_seconds(time_us)}, '
        f'{ids}, "asks": {asks}, "bids": {bids}, '
        f'"event_time": {_seconds(time_us + _SEND_DELAY_US)}}}, "{MARKET}"], "id": null}}'
    ).encode("ascii")


def depth_frames(deltas: int = 2000, seed: int = 7) -> list[bytes]:
    """A snapshot and then `deltas` deltas of sixteen levels on average."""
    source = random.Random(seed)
    asks, bids = _Side(source, 1), _Side(source, -1)
    before = asks.window(), bids.window()
    update_id, time_us = _FIRST_UPDATE_ID, _FIRST_TIME_US
    texts = asks.text(before[0]), bids.text(before[1])
    frames = [_depth_frame(True, time_us, f'"update_id": {update_id}', *texts)]
    while len(frames) <= deltas:
        for side, other in ((asks, bids), (bids, asks)):
            for _ in range(source.randint(1, 14)):
                side.change(other)
        after = asks.window(), bids.window()
        changed = _difference(before[0], after[0]), _difference(before[1], after[1])
        if not all(changed):
            continue
        past, update_id = update_id, update_id + source.randint(1, 60)  # M2
        time_us += _PUSH_US
        ids = f'"update_id": {update_id}, "past_update_id": {past}'
        texts = asks.text(changed[0]), bids.text(changed[1])
        frames.append(_depth_frame(False, time_us, ids, *texts))
        before = after
    return frames


def ticker_frames(count: int = 1000, seed: int = 11) -> list[bytes]:
    """Best bid and ask on a random walk, one frame for each step."""
    source = random.Random(seed)
    bid, update_id, time_us = _FIRST_MID_TICKS, _FIRST_UPDATE_ID, _FIRST_TIME_US
    frames = []
    for _ in range(count):
        bid += source.randint(-9, 9)
        update_id += source.randint(1, 60)
        time_us += source.randint(500, 90_000)
        numbers = (
            decimal_text(bid, PRICE_DECIMALS),
            decimal_text(_lots(source), AMOUNT_DECIMALS),
            decimal_text(bid + source.randint(1, 90), PRICE_DECIMALS),
            decimal_text(_lots(source), AMOUNT_DECIMALS),
        )
        texts = ", ".join(f'"{number}"' for number in numbers)
        frames.append(
            f'{{"method": "bookTicker_update", "params": [[{_seconds(time_us)}, '
            f'{_seconds(time_us + 840)}, "{MARKET}", {update_id}, {texts}]], "id": null}}'.encode()
        )
    return frames
