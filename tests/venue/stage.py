"""A desk whose market a recording drives, for tests of replays.

Owns: putting a hand-written feed behind a desk, and reading its tape. Must not know: the rules
under test. Invariant: the newest trade of the feed's history is not part of the tape that it
shows.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.venue.desk import START, Desk
from tests.venue.recordings import MARKET, Feed
from whitewire.venue import ReplayOptions
from whitewire.venue.drivers.recording import survey
from whitewire.venue.drivers.replay import Replay
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import PublicTrade
from whitewire.venue.values.money import to_text

HISTORY = "100"
SPECS = {spec.name: spec for spec in default_markets()}


class Stage:
    """A desk whose market a recording drives."""

    def __init__(self, feed: Feed, folder: Path, **options: object) -> None:
        path = feed.write(folder / "feed.jsonl")
        options.setdefault("loop", False)
        engine = options.pop("engine", ExchangeOptions(traded_markets=(MARKET,)))
        replay = ReplayOptions(str(path), **options)  # type: ignore[arg-type]
        driver = partial(Replay, options=replay, survey=survey(path, SPECS))
        self.desk = Desk(engine, drivers={MARKET: driver})  # type: ignore[arg-type]

    def at(self, seconds: float) -> Desk:
        """The desk, so many seconds after its start."""
        self.desk.now = START + seconds
        self.desk.exchange.tick(self.desk.now)
        return self.desk

    def printed(self) -> list[tuple[str, str, str]]:
        """The tape, oldest first."""
        return [
            (trade.side.value, to_text(trade.price), to_text(trade.amount))
            for trade in reversed(self.tape())
        ]

    def tape(self) -> list[PublicTrade]:
        """The tape without the history, newest first."""
        trades = self.desk.exchange.recent_trades(MARKET, 1000)
        assert [to_text(trade.price) for trade in trades[-1:]] in ([], [HISTORY])
        return trades[:-1]


def stood() -> Feed:
    """A book of two levels a side, and the history of the tape."""
    return Feed().snapshot(0, [("99", "1"), ("98", "2")], [("101", "1"), ("102", "2")]).history()
