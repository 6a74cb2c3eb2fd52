"""How fast connections acknowledge: rolling medians, and which connection lags behind.

Owns: the durations of the newest acknowledgements of a connection. Must not know: sockets, clocks,
what was asked for. Invariant: a `Pace` tells the median of exactly the durations in its window, to
within an eighth; everything is an integer.

Only what tells of the connection is kept. A request that found others in flight waited for them, so
it says how much later each one behind another is answered, and nothing about the connection alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from whitewire.protocol.replies import RequestKind

if TYPE_CHECKING:
    from whitewire.protocol.pipeline import Request

__all__ = ["Meter", "Pace", "bucket_of", "floor_of", "laggard"]

WINDOW = 256
# A verdict does not outlive its evidence by more than this.
FRESH_NS = 60_000_000_000
_EXACT = 16  # durations below it have a bucket each
_BUCKETS = 512
# A lane is slow when its median is so many times that of the pool, after so many durations.
LAG, LEAST = 2, 200
# Members of enumerations are looked up slowly.
_OTHER, _BULK = RequestKind.OTHER, RequestKind.BULK


def bucket_of(duration_ns: int) -> int:
    """The bucket of a duration: eight for each power of two."""
    if duration_ns < _EXACT:
        return max(duration_ns, 0)
    shift = duration_ns.bit_length() - 4
    return min((shift << 3) + (duration_ns >> shift), _BUCKETS - 1)


def floor_of(bucket: int) -> int:
    """The smallest duration of a bucket, ns."""
    if bucket < _EXACT:
        return bucket
    return ((bucket & 7) + 8) << ((bucket >> 3) - 1)


class Pace:
    """The median of the newest durations; worked out when somebody asks, not with every answer."""

    __slots__ = ("_at", "_below", "_buckets", "_counts", "_heard_ns", "_new")

    def __init__(self) -> None:
        self._new: deque[int] = deque(maxlen=WINDOW)  # durations that were not looked at yet
        self._buckets: deque[int] = deque()
        self._counts = [0] * _BUCKETS
        self._at = 0  # the bucket of the median
        self._below = 0  # how many are in buckets below it
        self._heard_ns = 0

    def add(self, duration_ns: int, now_ns: int) -> None:
        """Takes a duration, ns, that ended now; the oldest beyond the window is forgotten."""
        self._new.append(duration_ns)
        self._heard_ns = now_ns

    @property
    def count(self) -> int:
        """How many are in the window."""
        return min(len(self._buckets) + len(self._new), WINDOW)

    @property
    def median_ns(self) -> int:
        """The lower median, ns, as the smallest duration of its bucket; 0 without any."""
        while self._new:
            self._take_in(bucket_of(self._new.popleft()))
        return floor_of(self._at) if self._buckets else 0

    def recent_ns(self, now_ns: int) -> int | None:
        """The median while it is fresh; None when nothing was heard for a minute."""
        is_fresh = self.count > 0 and now_ns - self._heard_ns <= FRESH_NS
        return self.median_ns if is_fresh else None

    def _take_in(self, bucket: int) -> None:
        if len(self._buckets) == WINDOW:
            oldest = self._buckets.popleft()
            self._counts[oldest] -= 1
            self._below -= oldest < self._at
        self._buckets.append(bucket)
        self._counts[bucket] += 1
        self._below += bucket < self._at
        rank = (len(self._buckets) - 1) // 2
        while self._below > rank:
            self._at -= 1
            self._below -= self._counts[self._at]
        while self._below + self._counts[self._at] <= rank:
            self._below += self._counts[self._at]
            self._at += 1


class Meter:
    """What the answers on one connection tell about it.

    Attributes:
        alone: from the write to the answer, of single orders that found nothing in flight.
        behind: how much later each further single order of a burst was answered.
        bulk_leg: how much longer a bulk took for each further leg, than a single order.
    """

    __slots__ = ("_answers", "_first", "_first_ns", "_last_ns", "alone", "behind", "bulk_leg")

    def __init__(self) -> None:
        self.alone, self.behind, self.bulk_leg = Pace(), Pace(), Pace()
        self.forget()

    def forget(self) -> None:
        """What is in flight will not be answered."""
        self._first: Request | None = None
        self._first_ns = 0
        self._answers, self._last_ns = 0, 0  # behind the first

    def first_sent(self, request: Request) -> None:
        """A request is on its way, and nothing else is."""
        self._first = request if request.kind is not _OTHER else None

    def answered(self, request: Request, now_ns: int, is_last: bool) -> None:
        """Its answer came; `is_last` when nothing is in flight any more."""
        if request is self._first:
            if request.kind is _BULK:
                self._take_bulk(request, now_ns)
            else:
                self.alone.add(now_ns - request.t_sent_ns, now_ns)
                self._first_ns = now_ns
        elif self._first_ns and request.t_sent_ns <= self._first_ns:
            self._answers += 1
            self._last_ns = now_ns
        else:
            self._first_ns = 0  # sent later: the pauses between are not the venue's
        if is_last:
            if self._first_ns and self._answers:
                self.behind.add((self._last_ns - self._first_ns) // self._answers, now_ns)
            self._first, self._first_ns, self._answers = None, 0, 0

    def _take_bulk(self, request: Request, now_ns: int) -> None:
        if len(request.orders) > 1 and self.alone.count:
            further_ns = max(now_ns - request.t_sent_ns - self.alone.median_ns, 0)
            self.bulk_leg.add(further_ns // (len(request.orders) - 1), now_ns)


def laggard(paces: Sequence[Pace]) -> int | None:
    """Which connection is persistently slower than the pool; None when none is.

    The pool's median is that of its connections' medians, the slow one's included, so of two that
    differ by more than `LAG` the slower one lags behind.
    """
    known = sorted((pace.median_ns, at) for at, pace in enumerate(paces) if pace.count >= LEAST)
    if len(known) < 2:
        return None
    middle, _ = known[(len(known) - 1) // 2]
    worst, at = known[-1]
    return at if worst > LAG * middle else None
