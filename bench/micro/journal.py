"""What the journal costs the hot thread, and how long a record takes to be durable.

Owns: its measurement. Must not know: sockets, the venue. Invariant: what is measured is read back
and counted before a number is printed.

    python -m bench.micro.journal [--folder DIR] [--json FILE]

The folder decides what a commit costs: give one on the disk that the journal will be on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench.micro.measure import expect
from whitewire.bookkeeping import Bookkeeper
from whitewire.config import Config, JournalConfig, MarketConfig, VenueConfig
from whitewire.journal.reader import frames, replay
from whitewire.journal.records import Placed
from whitewire.journal.writer import Writer
from whitewire.market import Market, Side
from whitewire.protocol.orders import Fill, Liquidity, NoticeKind, Order, OrderNotice

BATCH = 2_000
ROUNDS = 60
COMMITS = 300
RECORD = Placed(1, "ww-mwwrke0s-000000000000000000000000000000000001", "BTC_USDT", "buy", 1, 2, 3)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", metavar="DIR", help="where to write, default temporary")
    parser.add_argument("--json", metavar="FILE", help="write the numbers as JSON too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        numbers = {**_append(Path(name) / "a"), **_latency(Path(name) / "b")}
        numbers |= asyncio.run(_hooks(Path(name) / "c"))
        numbers |= _reading(Path(name) / "a")
    for label, value in numbers.items():
        print(f"{label:<52} {value:>12,.0f}")
    if options.json:
        Path(options.json).write_text(json.dumps(numbers, indent=2) + "\n")


def _writer(folder: Path) -> Writer:
    folder.mkdir()
    return Writer(
        folder,
        1,
        durable_ms=10,
        segment_bytes=1 << 26,
        queue_limit=1_000_000,
        on_breach=lambda reason: expect(False, reason),
    )


def _per_call(call: Callable[[], object], settle: Callable[[], object]) -> list[float]:
    """Nanoseconds of a call on this thread's own clock, a reading for each round."""
    readings = []
    for _ in range(ROUNDS):
        began = time.thread_time_ns()
        for _ in range(BATCH):
            call()
        readings.append((time.thread_time_ns() - began) / BATCH)
        settle()
    return readings


def _append(folder: Path) -> dict[str, float]:
    book = _writer(folder)
    append, record = book.append, RECORD
    readings = _per_call(lambda: append(record), book.flush)
    empty = _per_call(lambda: None, lambda: None)
    began = time.perf_counter_ns()
    for _ in range(100_000):
        append(record)
    book.flush(60)
    took_s = (time.perf_counter_ns() - began) / 1e9
    book.close()
    expect(book.committed == ROUNDS * BATCH + 100_000, "records are missing")
    return {
        "append, ns of the hot thread (median)": median(readings) - median(empty),
        "sustained, records/s": 100_000 / took_s,
    }


def _latency(folder: Path) -> dict[str, float]:
    """One record at a time: from its append until it is durable, woken at once and by the clock."""
    book = _writer(folder)
    woken = []
    for _ in range(COMMITS):
        began = time.perf_counter_ns()
        book.append(RECORD)
        book.flush()
        woken.append((time.perf_counter_ns() - began) / 1e3)
    waited = []
    for number in range(COMMITS, COMMITS + 60):
        began = time.perf_counter_ns()
        book.append(RECORD)
        while book.committed <= number:
            time.sleep(0.0002)
        waited.append((time.perf_counter_ns() - began) / 1e3)
    book.close()
    return {
        "commit and fdatasync, µs (median)": median(woken),
        "commit and fdatasync, µs (99 %)": quantiles(woken, n=100)[-1],
        "append until durable at durable_ms=10, µs (median)": median(waited),
        "append until durable at durable_ms=10, µs (worst)": max(waited),
        "disk's share of a commit, µs (mean)": book.sync_ns / book.commits / 1e3,
    }


async def _hooks(folder: Path) -> dict[str, float]:
    """What the gateway calls: a record is made of an order, and appended."""
    url = "https://127.0.0.1:1"
    limits = MarketConfig(max_order_amount=Decimal(1), max_order_notional=Decimal(1))
    config = Config(
        venue=VenueConfig(rest=url, public_rest=url, ws="wss://127.0.0.1:1"),
        markets={"BTC_USDT": limits},
        journal=JournalConfig(path=str(folder), queue_limit=1_000_000),
    )
    book, silent = Bookkeeper(config, "key"), Bookkeeper(config, "other")
    book.open(1, lambda reason: expect(False, reason), lambda shut: None)
    market = Market("BTC_USDT", "BTC", "USDT", 2, 6)
    order = Order(market, Side.BUY, 6_000_000, 10_000, RECORD.client_id, _nobody(), 1)
    order.current = order.add_leg(11)
    one = Decimal(1)
    fill = Fill(order, 1, 11, one, one, 1, 1, one, "BTC", Liquidity.MAKER, 1)
    notices = [OrderNotice(order, NoticeKind.ACKED)]
    empty = median(_per_call(lambda: None, lambda: None))
    calls: dict[str, Callable[[], object]] = {
        "placed": lambda: book.placed(order),
        "note of an order": lambda: book.note(notices),
        "note of a fill": lambda: book.note([fill]),
        "placed, without a journal": lambda: silent.placed(order),
    }
    found = {
        f"{name}, ns of the hot thread (median)": median(_per_call(call, book.flush)) - empty
        for name, call in calls.items()
    }
    book.close()
    return found


def _nobody() -> Any:
    return object()


def _reading(folder: Path) -> dict[str, float]:
    began = time.perf_counter_ns()
    count = sum(len(frame.records) for _, frame in frames(folder))
    took_s = (time.perf_counter_ns() - began) / 1e9
    began = time.perf_counter_ns()
    replay(folder)
    replay_s = (time.perf_counter_ns() - began) / 1e9
    return {"read, records/s": count / took_s, "replayed, records/s": count / replay_s}


if __name__ == "__main__":
    main()
