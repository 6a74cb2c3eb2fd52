"""Canceling everything: what to ask the venue, what again, and when nothing rests any more.

Owns: the order of a mass cancel's requests, their repetition, and the proof of its success. Must
not know: connections, clocks, who presses. Invariant: CLEAR only by the venue's own lists, never
by an answer to a cancel; whatever one path meets, the others go on.

Rules
-----
1. Three paths begin together and none waits for another: a cancel for each order that a list
   shows, cancel-all, and timers shortened to their least. Lists and timers are asked on both
   routes, cancels in the zone and, after a failure, on the other route in turn.
2. Every request is harmless when repeated. One that failed is repeated after 200 ms, doubling to
   2 s; one that met a rate limit after 1 s, doubling to 8 s, and it holds back all cancels.
3. What was taken is repeated only when a list that was asked after its answer still shows an order
   that it should have ended; a timer only when it has had the time to fire.
4. A timer that one route has taken is not asked of the other; an order that is not found is gone.
5. Two empty lists prove it, the second one asked `settle_ns` after the first one came: a placement
   that was on its way may land behind the first. A list that shows an order annuls the first.
6. At most `budget` cancels are in flight; the rest wait in the order of the list, and a list that
   is empty forgets them.
7. At the deadline it has FAILED: what the last lists showed may still rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from whitewire.endpoints import Route

__all__ = ["Ask", "PathReport", "PressState", "RedButton", "Report", "Resting", "Result", "Way"]

PAGE = 100
TIMER_S = 5

_MS = 1_000_000
_PACE_NS = 100 * _MS
_RETRY_NS, _MAX_RETRY_NS = 200 * _MS, 2_000 * _MS
_LIMITED_NS, _MAX_LIMITED_NS = 1_000 * _MS, 8_000 * _MS
# A timer counts whole seconds and is late by up to one.
_FIRED_NS = (TIMER_S + 2) * 1_000 * _MS


class Way(StrEnum):
    """What a request does."""

    CANCELS = "cancels"
    CANCEL_ALL = "cancel-all"
    TIMERS = "timers"
    LIST = "list"


class Result(StrEnum):
    """What became of a request."""

    TAKEN = "taken"
    REFUSED = "refused"
    LIMITED = "limited"
    LOST = "lost"


class PressState(StrEnum):
    """Where a press stands."""

    PRESSED = "pressed"
    CLEAR = "clear"
    FAILED = "failed"


class Ask(NamedTuple):
    """One request: `market` "" means all of them, `venue_id` is an order, `offset` a page's."""

    way: Way
    route: Route
    market: str = ""
    venue_id: int = 0
    offset: int = 0


class Resting(NamedTuple):
    """An open order as far as a cancel needs it."""

    market: str
    venue_id: int


class PathReport(NamedTuple):
    """What one path did.

    Attributes:
        took_ns: from the press to the last request that was taken; None when none was.
        trouble: why the last one that failed did.
    """

    way: Way
    route: Route
    sent: int
    taken: int
    failed: int
    took_ns: int | None
    trouble: str


class Report(NamedTuple):
    """How a press ended.

    Attributes:
        state: CLEAR or FAILED.
        took_ns: from the press to the end.
        canceled: orders that a list showed and a later one did not; what was gone before the
            first list came is not counted.
        resting: what the last lists showed.
        is_blind: no list ever came.
    """

    state: PressState
    took_ns: int
    canceled: int
    resting: tuple[Resting, ...]
    is_blind: bool
    paths: tuple[PathReport, ...]


class _Track:
    """One request and its repetitions."""

    __slots__ = ("due_ns", "failures", "is_pending", "offset", "taken_ns")

    def __init__(self, due_ns: int) -> None:
        self.due_ns: int | None = due_ns  # None: until a list says otherwise (rule 3)
        self.is_pending = False
        self.taken_ns = 0
        self.failures = 0
        self.offset = 0

    def is_due(self, now_ns: int) -> bool:
        return not self.is_pending and self.due_ns is not None and now_ns >= self.due_ns

    def fail(self, result: Result, now_ns: int) -> None:
        first, most = (
            (_LIMITED_NS, _MAX_LIMITED_NS)
            if result is Result.LIMITED
            else (_RETRY_NS, _MAX_RETRY_NS)
        )
        self.due_ns = now_ns + min(first << min(self.failures, 8), most)
        self.failures += 1


class _Tally:
    """The figures of one path."""

    __slots__ = ("failed", "sent", "taken", "taken_ns", "trouble")

    def __init__(self) -> None:
        self.sent = self.taken = self.failed = 0
        self.taken_ns: int | None = None
        self.trouble = ""


class _Scope:
    """What the lists of one scope have shown."""

    __slots__ = ("empty_ns", "is_clear", "shown")

    def __init__(self) -> None:
        self.shown: dict[int, Resting] | None = None  # None: no list came yet
        self.empty_ns = 0
        self.is_clear = False


class RedButton:
    """One press. Every method returns nothing or what to ask; call `tick` whenever time passed.

    Args:
        scopes: markets to clear, or ("",) for the whole account.
        timers: markets whose timers are shortened.
        now_ns: when it was pressed, monotonic.
        deadline_ns: how long it may take.
        settle_ns: see rule 5.
        budget: see rule 6.

    Attributes:
        state: see `PressState`.
    """

    def __init__(
        self,
        scopes: Sequence[str],
        timers: Sequence[str],
        now_ns: int,
        *,
        deadline_ns: int,
        settle_ns: int = 300 * _MS,
        budget: int = 48,
    ) -> None:
        self.state = PressState.PRESSED
        self._pressed_ns = now_ns
        self._ended_ns = 0
        self._deadline_ns = now_ns + deadline_ns
        self._settle_ns = settle_ns
        self._budget = budget
        self._hold_ns = 0  # no cancel before (rule 2)
        self._cancels: dict[Resting, _Track] = {}
        self._all = {scope: _Track(now_ns) for scope in scopes}
        self._timers = {(route, name): _Track(now_ns) for name in timers for route in Route}
        self._lists = {(route, scope): _Track(now_ns) for scope in scopes for route in Route}
        self._scopes = {scope: _Scope() for scope in scopes}
        self._seen: set[Resting] = set()
        self._tallies: dict[tuple[Way, Route], _Tally] = {}

    def tick(self, now_ns: int) -> list[Ask]:
        """What to ask now (rules 1, 6 and 7)."""
        if self.state is not PressState.PRESSED:
            return []
        if now_ns >= self._deadline_ns:
            self.state, self._ended_ns = PressState.FAILED, now_ns
            return []
        asks = list(self._due(now_ns))
        for ask in asks:
            self._track(ask).is_pending = True
            self._tally(ask).sent += 1
        return asks

    def _due(self, now_ns: int) -> Iterator[Ask]:
        for (route, scope), track in self._lists.items():
            if track.is_due(now_ns) and not self._scopes[scope].is_clear:
                yield Ask(Way.LIST, route, scope, offset=track.offset)
        for scope, track in self._all.items():
            if track.is_due(now_ns):
                yield Ask(Way.CANCEL_ALL, Route.PUBLIC, scope)
        for (route, market), track in self._timers.items():
            if track.is_due(now_ns):
                yield Ask(Way.TIMERS, route, market)
        if now_ns < self._hold_ns:
            return
        room = self._budget - sum(track.is_pending for track in self._cancels.values())
        for order, track in self._cancels.items():
            if room <= 0:
                return
            if track.is_due(now_ns):
                room -= 1
                route = Route.PUBLIC if track.failures % 2 else Route.COLOCATION
                yield Ask(Way.CANCELS, route, order.market, order.venue_id)

    def on_failed(self, ask: Ask, result: Result, trouble: str, now_ns: int) -> None:
        """A request was refused, limited, or got no answer (rule 2)."""
        track, tally = self._track(ask), self._tally(ask)
        track.is_pending = False
        track.fail(result, now_ns)
        track.offset = 0
        tally.failed += 1
        tally.trouble = trouble
        if ask.way is Way.CANCELS and result is Result.LIMITED:
            self._hold_ns = max(self._hold_ns, now_ns + _LIMITED_NS)

    def on_taken(self, ask: Ask, now_ns: int) -> None:
        """A cancel, cancel-all or timer was taken (rules 3 and 4)."""
        self._take(ask, now_ns)
        if ask.way is Way.TIMERS:
            for route in Route:
                twin = self._timers[route, ask.market]
                twin.due_ns, twin.taken_ns = None, now_ns

    def on_list(self, ask: Ask, rows: Sequence[Resting], asked_ns: int, now_ns: int) -> None:
        """A page of open orders came, asked for at `asked_ns` (rules 3, 5 and 6)."""
        track = self._take(ask, now_ns)
        is_last = len(rows) < PAGE
        track.offset = 0 if is_last else ask.offset + PAGE
        track.due_ns = now_ns + (_PACE_NS if is_last else 0)
        scope = self._scopes[ask.market]
        if rows:
            scope.empty_ns, scope.is_clear = 0, False
            self._still_there(ask.market, rows, asked_ns, now_ns)
        if ask.offset == 0:
            scope.shown = {}
        if scope.shown is not None:
            scope.shown |= {row.venue_id: row for row in rows}
        if ask.offset == 0 and not rows:
            self._show_empty(ask.market, scope, asked_ns, now_ns)

    def _still_there(self, name: str, rows: Iterable[Resting], asked_ns: int, now_ns: int) -> None:
        for row in rows:
            self._seen.add(row)
            track = self._cancels.get(row)
            if track is None:
                self._cancels[row] = _Track(now_ns)
            else:
                self._again(track, asked_ns, now_ns, 0)
            for route in Route:
                timer = self._timers.get((route, row.market))
                if timer is not None:
                    self._again(timer, asked_ns, now_ns, _FIRED_NS)
        self._again(self._all[name], asked_ns, now_ns, 0)

    def _again(self, track: _Track, asked_ns: int, now_ns: int, patience_ns: int) -> None:
        """Rule 3."""
        if track.due_ns is None and asked_ns > track.taken_ns + patience_ns:
            track.due_ns = max(now_ns, track.taken_ns + _RETRY_NS)

    def _show_empty(self, name: str, scope: _Scope, asked_ns: int, now_ns: int) -> None:
        for order, track in list(self._cancels.items()):
            if name in ("", order.market) and not track.is_pending:
                del self._cancels[order]
        if scope.empty_ns == 0:
            scope.empty_ns = now_ns
            for route in Route:
                other = self._lists[route, name]
                if not other.is_pending:
                    other.due_ns = now_ns + self._settle_ns
        elif asked_ns >= scope.empty_ns + self._settle_ns:
            scope.is_clear = True
            if all(each.is_clear for each in self._scopes.values()):
                self.state, self._ended_ns = PressState.CLEAR, now_ns

    def _take(self, ask: Ask, now_ns: int) -> _Track:
        track, tally = self._track(ask), self._tally(ask)
        track.is_pending = False
        track.failures = 0
        track.taken_ns = now_ns
        track.due_ns = None
        tally.taken += 1
        tally.taken_ns = now_ns
        return track

    def _track(self, ask: Ask) -> _Track:
        if ask.way is Way.CANCELS:
            return self._cancels[Resting(ask.market, ask.venue_id)]
        if ask.way is Way.CANCEL_ALL:
            return self._all[ask.market]
        tracks = self._timers if ask.way is Way.TIMERS else self._lists
        return tracks[ask.route, ask.market]

    def _tally(self, ask: Ask) -> _Tally:
        return self._tallies.setdefault((ask.way, ask.route), _Tally())

    def report(self, now_ns: int) -> Report:
        """What was done so far, and what rests as far as the lists told."""
        shown = [scope.shown for scope in self._scopes.values()]
        resting = {row for rows in shown if rows is not None for row in rows.values()}
        paths = [
            PathReport(
                way,
                route,
                tally.sent,
                tally.taken,
                tally.failed,
                None if tally.taken_ns is None else tally.taken_ns - self._pressed_ns,
                tally.trouble,
            )
            for way in Way
            for route in Route
            if (tally := self._tallies.get((way, route))) is not None
        ]
        return Report(
            self.state,
            (self._ended_ns or now_ns) - self._pressed_ns,
            len(self._seen - resting),
            tuple(sorted(resting)),
            any(rows is None for rows in shown),
            tuple(paths),
        )
