"""Our own rate limits, kept below the venue's.

Owns: how many calls of each endpoint may still be made. Must not know: connections, clocks, where
its numbers are kept. Invariant: in no window of the venue's length, wherever it starts, do our
calls exceed its limit, those of all accounts and processes on one `Cells` together; a cancel always
has a share that nothing else can use up.

Rules
-----
1. The venue counts per IP, in windows whose phase is not documented. A bucket of a tenth of the
   limit, refilled with the other nine tenths per window, cannot exceed it in any window. A limit
   below 100 is for calls that come by the handful (tokens): there it is half and half.
2. Endpoint and scope are counted both (venue unknown 37). Everything signed shares one scope of
   10 000 in 10 s, which is also what one key's nonces allow; public data shares 20 000. Calls of
   the WebSocket share the scope of what is signed, as the venue's own is not known (unknown 13).
3. Cancels and the kill switch may use all of their scope, everything else four fifths of it. An
   endpoint's own bucket needs no reserve, since it serves only the one or only the other.
4. A bulk request counts once.
5. A true limit (see `rate_verdict`) stops everything of its kind, signed or public, but cancels,
   for 1 s, doubling to 30 s while it goes on; of a cancel endpoint, and of one whose own limit is
   far below its scope's, it stops that endpoint alone. A minute without forgets it.
6. A refusal for the nonce stops nothing.
7. A limit that outlasts two of the venue's windows, with nothing let through in between, is no
   limit any longer: a ban. So is a 403 of the front. It stops everything but cancels for a minute,
   after which one call finds out; cancels go on at the pace of rule 5.
8. Cells of other processes may be held by one that is stopped. Nothing waits for it: a cancel
   counts itself all the same, and anything else asks again a little later.
9. With shared cells, who calls quickly takes several calls at once and spends them within 5 ms, so
   that a lock is not paid for each: twice as many each time that they were all spent, up to 16,
   and one otherwise, so that little is taken in vain. The window of rule 1 may shift by those 5 ms.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from whitewire.endpoints import Endpoint
from whitewire.protocol.backoff import Backoff
from whitewire.protocol.rate_verdict import RateVerdict

__all__ = ["Cells", "Held", "Numbers", "Throttle", "cells_for"]

_SECOND_NS = 1_000_000_000
_BURST_SHARE = 10
_SMALL_LIMIT, _SMALL_BURST_SHARE = 100, 2
_FREE_SHARE_PERCENT = 80
_PRIVATE_SCOPE = 10_000
_PUBLIC_SCOPE = 20_000
_SCOPE_SECONDS = 10
_FORGET_NS = 60 * _SECOND_NS
_BAN_AFTER_NS = 20 * _SECOND_NS
_BAN_NS = 60 * _SECOND_NS
_BUSY_NS = 100_000
_MOST_LEASED = 16
_LEASE_NS = 5_000_000
# A limit below this share of its scope's is the endpoint's own affair (rule 5).
_NARROW_SHARE = 5
# Cells in front of the endpoints': each scope's two buckets and its penalty.
_PRIVATE, _PUBLIC, _FIRST_ENDPOINT = 0, 3, 6
_CELLS_PER_ENDPOINT = 2


class Numbers(Protocol):
    """A list of int64, as far as it is used here."""

    def __getitem__(self, index: int, /) -> int: ...

    def __setitem__(self, index: int, value: int, /) -> None: ...


class Cells(Protocol):
    """Where the numbers are: monotonic ns, two for each endpoint and six besides.

    Attributes:
        numbers: as many as `cells_for` says; 0 to begin with.
        lock: descriptor whose `flock` keeps other processes out.
    """

    numbers: Numbers
    lock: int

    def enter(self) -> bool:
        """Keeps other processes out; False when one of them is in there, at once."""

    def leave(self) -> None:
        """Lets them in again."""


def cells_for(endpoints: Iterable[Endpoint]) -> int:
    """How many numbers the buckets of a table need."""
    return _FIRST_ENDPOINT + _CELLS_PER_ENDPOINT * len(list(endpoints))


class Held(NamedTuple):
    """What an answer costs: `wait_ns` until the next call of its kind, 0 for a nonce refusal."""

    verdict: RateVerdict
    wait_ns: int


class _Row(NamedTuple):
    """One endpoint: cell, cost of a call and room for it, of its own bucket and its scope's two.

    A bucket is the time at which it would be full again, so a call costs one addition; one fits
    from the time that lies `room` before.
    """

    own: int
    own_cost: int
    own_room: int
    all: int
    all_cost: int
    all_room: int
    free: int
    free_cost: int
    free_room: int
    penalty: int


def _bucket(limit: int, seconds: int) -> tuple[int, int]:
    """Cost and room in ns of a bucket that keeps `limit` calls in any window (rule 1)."""
    share = _BURST_SHARE if limit >= _SMALL_LIMIT else _SMALL_BURST_SHARE
    burst = max(limit // share, 1)
    cost = -(-seconds * _SECOND_NS // max(limit - burst, 1))
    return cost, (burst - 1) * cost


class _Lease:
    """Calls of one endpoint that are counted already (rule 9)."""

    __slots__ = ("ends_ns", "is_cancel", "left", "size")

    def __init__(self) -> None:
        self.left = 0
        self.size = 0
        self.ends_ns = 0
        self.is_cancel = False


class _Penalty:
    """The consequence of a refusal; how long lies in a cell, how often is known here."""

    __slots__ = ("_backoff", "_last_ns", "cell")

    def __init__(self, rng: random.Random, cell: int) -> None:
        self._backoff = Backoff(rng)
        self._last_ns = 0
        self.cell = cell

    def add(self, numbers: Numbers, now_ns: int) -> int:
        if now_ns - self._last_ns > _FORGET_NS:
            self._backoff.reset()
        self._last_ns = now_ns
        if now_ns >= numbers[self.cell]:  # answers to calls sent before the first do not add up
            numbers[self.cell] = now_ns + self._backoff.next_ns()
        return numbers[self.cell] - now_ns


class Throttle:
    """The buckets of every endpoint and scope; one for all accounts that share an address.

    Args:
        endpoints: what may be called, with the venue's limits.
        rng: spreads the waits after a refusal.
        cells: shared with other processes; of this process alone when None.
        ban_after_ns: how long a limit may last before it is a ban (rule 7).
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        rng: random.Random,
        cells: Cells | None = None,
        ban_after_ns: int = _BAN_AFTER_NS,
    ) -> None:
        table = list(endpoints)
        self._cells = cells
        self._numbers: Numbers = array("q", [0] * cells_for(table))
        if cells is not None:
            self._numbers = cells.numbers
        self._ban_after_ns = ban_after_ns
        self._limited_ns: int | None = None
        general = {scope: _Penalty(rng, scope + 2) for scope in (_PRIVATE, _PUBLIC)}
        self._rows: dict[str, _Row] = {}
        self._leases = {endpoint.name: _Lease() for endpoint in table}
        self._penalties: dict[str, _Penalty] = {}
        for number, endpoint in enumerate(table):
            is_private = endpoint.method != "GET"
            scope = _PRIVATE if is_private else _PUBLIC
            total = _PRIVATE_SCOPE if is_private else _PUBLIC_SCOPE
            own = _FIRST_ENDPOINT + _CELLS_PER_ENDPOINT * number
            is_narrow = endpoint.limit * _NARROW_SHARE * _SCOPE_SECONDS < (
                _PRIVATE_SCOPE * endpoint.per_seconds
            )
            if endpoint.is_cancel or (is_private and is_narrow):
                penalty = _Penalty(rng, own + 1)
            else:
                penalty = general[scope]
            self._penalties[endpoint.name] = penalty
            self._rows[endpoint.name] = _Row(
                own,
                *_bucket(endpoint.limit, endpoint.per_seconds),
                scope,
                *_bucket(total, _SCOPE_SECONDS),
                scope + 1,
                *_bucket(total * _FREE_SHARE_PERCENT // 100, _SCOPE_SECONDS),
                penalty.cell,
            )
        self._stopped_by_ban = {
            self._penalties[endpoint.name].cell for endpoint in table if not endpoint.is_cancel
        }

    def try_take(self, name: str, now_ns: int, is_cancel: bool) -> int:
        """Ask for one call of an endpoint.

        Args:
            name: the endpoint's name.
            now_ns: monotonic ns.
            is_cancel: it cancels or guards, and may use the reserve.

        Returns:
            0 when it may be made now, and is counted; otherwise how long to wait, ns.
        """
        if self._cells is None:
            return _take(self._numbers, self._rows[name], now_ns, is_cancel, 1)
        lease = self._leases[name]
        if lease.left and now_ns < lease.ends_ns and is_cancel is lease.is_cancel:
            wait_ns = self._numbers[self._rows[name].penalty] - now_ns
            if wait_ns > 0:
                return wait_ns
            lease.left -= 1
            return 0
        return self._lease(self._rows[name], lease, now_ns, is_cancel)

    def _lease(self, row: _Row, lease: _Lease, now_ns: int, is_cancel: bool) -> int:
        """Takes the next calls from the shared cells (rules 8 and 9)."""
        cells, numbers = self._cells, self._numbers
        assert cells is not None
        is_quick = lease.left == 0 and now_ns < lease.ends_ns and is_cancel is lease.is_cancel
        size = min(lease.size * 2, _MOST_LEASED) if is_quick else 1
        lease.left = 0
        if not cells.enter():
            return _take(numbers, row, now_ns, True, 1) if is_cancel else _BUSY_NS
        try:
            wait_ns = _take(numbers, row, now_ns, is_cancel, size)
            if wait_ns > 0 and size > 1:
                size = 1
                wait_ns = _take(numbers, row, now_ns, is_cancel, size)
        finally:
            cells.leave()
        if wait_ns == 0:
            lease.left, lease.size = size - 1, size
            lease.ends_ns, lease.is_cancel = now_ns + _LEASE_NS, is_cancel
        return wait_ns

    def native(self) -> tuple[Any, int]:
        """The numbers as a buffer of int64 that native code may count in, and their lock or -1.

        Counting in it is what `try_take` does with a row of `row`.
        """
        return self._numbers, -1 if self._cells is None else self._cells.lock

    def row(self, name: str) -> tuple[int, ...]:
        """Cell, cost and room (ns) of an endpoint's bucket, then its scope's two; the penalty."""
        return tuple(self._rows[name])

    @property
    def is_calm(self) -> bool:
        """Whether no limit is remembered; then an answer that passed needs no `on_verdict`."""
        return self._limited_ns is None

    def on_verdict(self, name: str, verdict: RateVerdict, now_ns: int) -> Held | None:
        """Takes in what the venue's answer to a call of `name` said (rules 5 to 7).

        Returns:
            What was refused and for how long; None when nothing was.
        """
        if verdict is RateVerdict.PASSED:
            self._limited_ns = None
            return None
        if verdict is RateVerdict.SILENT:
            return None
        if verdict is RateVerdict.NONCE:
            self._limited_ns = None  # it came from behind the front
            return Held(verdict, 0)
        if self._limited_ns is None:
            self._limited_ns = now_ns
        wait_ns = self._penalties[name].add(self._numbers, now_ns)
        if verdict is RateVerdict.LIMIT and now_ns - self._limited_ns < self._ban_after_ns:
            return Held(verdict, wait_ns)
        for cell in self._stopped_by_ban:
            self._numbers[cell] = max(self._numbers[cell], now_ns + _BAN_NS)
        return Held(RateVerdict.BAN, self._numbers[self._rows[name].penalty] - now_ns)


def _take(numbers: Numbers, row: _Row, now_ns: int, is_cancel: bool, calls: int) -> int:
    """Counts calls, or says how long to wait; written out, as every order passes here."""
    own, own_cost, own_room, all_, all_cost, all_room, free, free_cost, free_room, penalty = row
    if calls > 1:
        own_cost, own_room = own_cost * calls, own_room - own_cost * (calls - 1)
        all_cost, all_room = all_cost * calls, all_room - all_cost * (calls - 1)
        free_cost, free_room = free_cost * calls, free_room - free_cost * (calls - 1)
        if own_room < 0 or all_room < 0 or free_room < 0:
            return own_cost  # more than the bucket holds
    own_full, all_full = numbers[own], numbers[all_]
    fits = numbers[penalty]
    if own_full - own_room > fits:
        fits = own_full - own_room
    if all_full - all_room > fits:
        fits = all_full - all_room
    if not is_cancel:
        free_full = numbers[free]
        if free_full - free_room > fits:
            fits = free_full - free_room
        if fits > now_ns:
            return fits - now_ns
        numbers[free] = (free_full if free_full > now_ns else now_ns) + free_cost
    elif fits > now_ns:
        return fits - now_ns
    numbers[own] = (own_full if own_full > now_ns else now_ns) + own_cost
    numbers[all_] = (all_full if all_full > now_ns else now_ns) + all_cost
    return 0
