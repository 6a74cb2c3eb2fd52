"""Which channels of a session fell silent although the session lives.

Owns: the age at which each channel is stale, and what to do then. Must not know: sockets, what a
channel carries, how its data is received. Invariant: a channel that is stale is told once until it
speaks again; a session is never given up for a channel that may be silent.

Rules
-----
1. A pong proves the connection, not the data: a session can answer and push nothing. So each
   channel has an age of its own, from the last message that came on it.
2. Depth is never silent: the venue repeats a silent book after 10 s (10.3 s were measured). Older
   than 11 s, or what the market's own limit says if that is more, it is stale.
3. bookTicker says nothing while the best prices stand. It is stale when the book has been showing
   other best prices than its last message for 2 s, all of which it was silent.
4. Deals, orders, balances and trades may be silent for hours; their loss is found by comparing with
   REST (`reconcile`).
5. A stale book is subscribed anew at once. Still stale 10 s later, or a stale ticker (there is no
   lighter remedy): the session is given up, and the next one restores everything.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

__all__ = ["BookSample", "Remedy", "Staleness", "Verdict"]

_SECOND_NS = 1_000_000_000
DEPTH_AGE_NS = 11 * _SECOND_NS
TICKER_AGE_NS = 2 * _SECOND_NS
_PATIENCE_NS = 10 * _SECOND_NS


class Remedy(Enum):
    """What helps against a stale channel."""

    RESUBSCRIBE = "subscribe it anew"
    GIVE_UP = "end the session"


class Verdict(NamedTuple):
    """A stale channel, its age, and the remedy."""

    channel: str
    age_ns: int
    remedy: Remedy


class BookSample(NamedTuple):
    """One market as it is seen now.

    Attributes:
        book_ns, ticker_ns: when depth and bookTicker were last heard, monotonic ns; 0: never.
        do_tops_differ: whether they show different best prices.
    """

    book_ns: int
    ticker_ns: int = 0
    do_tops_differ: bool = False


class Staleness:
    """Judges one market of one session after another.

    Args:
        depth_age_ns: the age at which its book is stale, if above that of rule 2.
    """

    def __init__(self, depth_age_ns: int = 0) -> None:
        self._depth_age_ns = max(depth_age_ns, DEPTH_AGE_NS)
        self._since_ns = 0
        self._cured_ns: int | None = None
        self._differs_ns: int | None = None

    def on_session(self, now_ns: int) -> None:
        """A new session is live: every age counts from now at the earliest."""
        self._since_ns = now_ns
        self._cured_ns = self._differs_ns = None

    def check(self, sample: BookSample, now_ns: int) -> Verdict | None:
        """The verdict on what is stale and was not told yet, or None."""
        return self._check_depth(sample, now_ns) or self._check_ticker(sample, now_ns)

    def _check_depth(self, sample: BookSample, now_ns: int) -> Verdict | None:
        age_ns = now_ns - max(sample.book_ns, self._since_ns)
        if age_ns <= self._depth_age_ns:
            self._cured_ns = None
            return None
        if self._cured_ns is None:
            self._cured_ns = now_ns
            return Verdict("depth", age_ns, Remedy.RESUBSCRIBE)
        if now_ns - self._cured_ns <= _PATIENCE_NS:
            return None
        self._cured_ns = now_ns
        return Verdict("depth", age_ns, Remedy.GIVE_UP)

    def _check_ticker(self, sample: BookSample, now_ns: int) -> Verdict | None:
        heard_ns = max(sample.ticker_ns, self._since_ns)
        if not sample.do_tops_differ or sample.book_ns <= heard_ns:
            self._differs_ns = None
            return None
        if self._differs_ns is None:
            self._differs_ns = now_ns
        silent_ns = now_ns - max(heard_ns, self._differs_ns)
        if silent_ns <= TICKER_AGE_NS:
            return None
        self._differs_ns = None
        return Verdict("ticker", now_ns - heard_ns, Remedy.GIVE_UP)
