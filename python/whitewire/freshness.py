"""Data that grew too old on a session that lives: found, told, and mended.

Owns: sampling the age of each channel's data, and what follows from it. Must not know: which age
is too old (see `protocol.staleness`). Invariant: a market whose book is stale has its gate shut and
its quotes pulled before the strategy hears of it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from whitewire.protocol.staleness import BookSample, Remedy, Staleness
from whitewire.strategy import Gap

if TYPE_CHECKING:
    from whitewire._core import Book
    from whitewire.gateway import Gateway
    from whitewire.market import Market
    from whitewire.protocol.staleness import Verdict

__all__ = ["Freshness"]

log = logging.getLogger("whitewire")


class Freshness:
    """See the module's documentation.

    Args:
        gateway: whose feed and books.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._has_tickers = gateway.callbacks.wants("on_ticker")
        self._judges: dict[str, Staleness] = {}
        self._session = 0

    def check(self, now_ns: int) -> None:
        """Looks at every market; call about ten times a second."""
        gateway = self._gateway
        if not gateway.feed.is_up:
            return
        is_new = self._session != gateway.feed.sessions
        self._session = gateway.feed.sessions
        for market in gateway.by_index:
            judge = self._judges.get(market.name)
            if judge is None:
                age_ms = gateway.config.markets[market.name].max_book_age_ms
                judge = self._judges[market.name] = Staleness(age_ms * 1_000_000)
            if is_new:
                judge.on_session(now_ns)
            verdict = judge.check(self._sample(market), now_ns)
            if verdict is not None:
                self._act(market, verdict)

    def _sample(self, market: Market) -> BookSample:
        gateway = self._gateway
        book = gateway.books[market.index]
        if not self._has_tickers:
            return BookSample(book.ts_recv_ns)
        ticker = gateway.engine.ticker(market.index)
        if ticker is None:  # its first message comes with the subscription
            return BookSample(book.ts_recv_ns, 0, not book.is_stale)
        return BookSample(book.ts_recv_ns, ticker[6], self._do_tops_differ(market, book, ticker))

    @staticmethod
    def _do_tops_differ(market: Market, book: Book, ticker: tuple[int, ...]) -> bool:
        if book.is_stale:
            return False
        bid, ask = book.best_bid, book.best_ask
        shown = (
            (market.price_to_ticks(bid[0]) if bid else 0),
            (market.price_to_ticks(ask[0]) if ask else 0),
        )
        return shown != (ticker[0], ticker[2])

    def _act(self, market: Market, verdict: Verdict) -> None:
        gateway = self._gateway
        seconds = verdict.age_ns / 1e9
        reason = f"{verdict.channel}: nothing for {seconds:.1f} s on a session that answers"
        gateway.counts[f"stale-{verdict.channel}"] += 1
        log.warning("%s: %s; %s", market.name, reason, verdict.remedy.value)
        if verdict.remedy is Remedy.GIVE_UP:
            gateway.feed.give_up(f"{market.name}: {reason}")
            return
        gateway.go_blind(market.name)
        gateway.cancel_all(market)
        gateway.feed.resubscribe(market.name)
        gateway.callbacks.on_gap(Gap(market.name, reason))
