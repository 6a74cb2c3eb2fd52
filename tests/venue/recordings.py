"""Recordings for the tests of replays: written by hand, or recorded from a venue over its wire.

Owns: a writer of recordings and a recorder. Must not know: how a replay reads them. Invariant:
what the writer writes chains as the venue's messages do, unless a test says otherwise.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, Self

from tests.venue.naive import WsClient
from whitewire.venue import Venue, VirtualClock

MARKET = "BTC_USDT"
START = 1_700_000_000.0
Rows = list[tuple[str, str]]


class Feed:
    """A recording, message by message; times are seconds after its start."""

    def __init__(self, market: str = MARKET) -> None:
        self.market = market
        self.lines: list[str] = []
        self.update_id = 100
        self.trade_id = 10

    def frame(self, at: float, method: str, params: list[Any]) -> Self:
        frame = json.dumps({"method": method, "params": params, "id": None})
        return self.line(json.dumps({"t": START + at, "frame": frame}))

    def line(self, text: str) -> Self:
        self.lines.append(text + "\n")
        return self

    def snapshot(self, at: float, bids: Rows, asks: Rows) -> Self:
        self.update_id += 10
        state = {"timestamp": 1.5, "update_id": self.update_id, "asks": asks, "bids": bids}
        return self.frame(at, "depth_update", [True, state, self.market])

    def delta(
        self, at: float, bids: Rows | None = None, asks: Rows | None = None, *, lost: int = 0
    ) -> Self:
        """A delta; `lost` is how far it is from the message before it."""
        past = self.update_id + lost
        self.update_id = past + 10
        state: dict[str, Any] = {"update_id": self.update_id, "past_update_id": past}
        state |= {"asks": asks} if asks else {}
        state |= {"bids": bids} if bids else {}
        return self.frame(at, "depth_update", [False, state, self.market])

    def history(self, at: float = 0.0) -> Self:
        """The first trades message: what was there before, the newest at 100."""
        return self.trades(at, [("buy", "104", "1"), ("buy", "100", "1")])

    def trades(self, at: float, trades: list[tuple[str, str, str]], *, rpi: bool = False) -> Self:
        """Trades in the order in which they happened; the message has the newest first."""
        rows = []
        for side, price, amount in trades:
            self.trade_id += 1
            rows.append({"id": self.trade_id, "time": 1.5, "price": price, "amount": amount,
                         "type": side, "rpi": rpi})  # fmt: skip
        return self.frame(at, "trades_update", [self.market, rows[::-1]])

    def ticker(
        self, at: float, bid: tuple[str, str], ask: tuple[str, str], *, ahead: int = 5
    ) -> Self:
        """The best levels; `ahead` is how much newer than the depth they are."""
        tick = [1.5, 1.6, self.market, self.update_id + ahead, *bid, *ask]
        return self.frame(at, "bookTicker_update", [tick])

    def write(self, path: Path) -> Path:
        text = "".join(self.lines).encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
        return path


def record(
    path: Path, seconds: float, *, scenario: str = "fast", seed: int = 5, ticker: bool = False
) -> list[tuple[float, str]]:
    """Records what a venue says, over its wire, in slices of virtual time: (time, frame)."""
    clock = VirtualClock()
    rows: list[tuple[float, str]] = []
    with (
        Venue(clock=clock, scenario=scenario, seed=seed, tls=False) as venue,
        WsClient(venue) as ws,
    ):
        ws.call("depth_subscribe", MARKET, 100, "0", False)
        ws.call("trades_subscribe", MARKET)
        if ticker:
            ws.call("bookTicker_subscribe", MARKET)
        end = clock() + seconds
        while clock() < end:
            ws.call("ping")
            rows += [(clock(), text) for text in ws.texts if "pong" not in text]
            ws.texts.clear()
            clock.advance(0.05)
    lines = [json.dumps({"t": at, "frame": text}) + "\n" for at, text in rows]
    data = "".join(lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return rows
