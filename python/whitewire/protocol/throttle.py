"""Our own rate limits, kept below the venue's.

Owns: how many calls of each endpoint may still be made. Must not know: connections, clocks.
Invariant: in no window of the venue's length, wherever it starts, do our calls exceed its limit;
a cancel always has a share that nothing else can use up.

Rules
-----
1. The venue counts per IP, in windows whose phase is not documented. A bucket of a tenth of the
   limit, refilled with the other nine tenths per window, cannot exceed it in any window.
2. Endpoint and scope are counted both (venue unknown 37). Everything signed shares one scope of
   10 000 in 10 s, which is also what one key's nonces allow; public data shares 20 000.
3. Cancels and the kill switch may use all of their scope, everything else four fifths of it. An
   endpoint's own bucket needs no reserve, since it serves only the one or only the other.
4. A bulk request counts once.
5. Status 429 stops everything but cancels for 1 s, doubling to 30 s while it goes on; on a cancel
   endpoint it stops that endpoint alone. A minute without 429 forgets it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from whitewire.endpoints import Endpoint
from whitewire.protocol.backoff import Backoff

__all__ = ["Throttle"]

_SECOND_NS = 1_000_000_000
_BURST_SHARE = 10
_FREE_SHARE_PERCENT = 80
_PRIVATE_SCOPE = 10_000
_PUBLIC_SCOPE = 20_000
_SCOPE_SECONDS = 10
_FORGET_NS = 60 * _SECOND_NS


class _Bucket:
    """Kept as the time at which it would be full again, so a call costs one addition.

    Args:
        limit: calls allowed per window.
        seconds: length of the window.
    """

    __slots__ = ("_cost_ns", "_depth_ns", "_full_ns")

    def __init__(self, limit: int, seconds: int) -> None:
        burst = max(limit // _BURST_SHARE, 1)
        rate = max(limit - burst, 1)
        self._cost_ns = -(-seconds * _SECOND_NS // rate)
        self._depth_ns = burst * self._cost_ns
        self._full_ns = 0

    def wait_ns(self, now_ns: int) -> int:
        """How long until one call fits, 0 when it fits now."""
        return max(self._full_ns + self._cost_ns - self._depth_ns - now_ns, 0)

    def take(self, now_ns: int) -> None:
        """Spend one call."""
        self._full_ns = max(self._full_ns, now_ns) + self._cost_ns


class _Scope:
    """A bucket for everything, and a smaller one for what is not a cancel (rule 3)."""

    __slots__ = ("_all", "_free")

    def __init__(self, limit: int) -> None:
        self._all = _Bucket(limit, _SCOPE_SECONDS)
        self._free = _Bucket(limit * _FREE_SHARE_PERCENT // 100, _SCOPE_SECONDS)

    def wait_ns(self, now_ns: int, is_cancel: bool) -> int:
        wait_ns = self._all.wait_ns(now_ns)
        return wait_ns if is_cancel else max(wait_ns, self._free.wait_ns(now_ns))

    def take(self, now_ns: int, is_cancel: bool) -> None:
        self._all.take(now_ns)
        if not is_cancel:
            self._free.take(now_ns)


class _Penalty:
    """The consequence of status 429 (rule 5)."""

    __slots__ = ("_backoff", "_last_ns", "until_ns")

    def __init__(self, rng: random.Random) -> None:
        self._backoff = Backoff(rng)
        self._last_ns = 0
        self.until_ns = 0

    def add(self, now_ns: int) -> int:
        if now_ns - self._last_ns > _FORGET_NS:
            self._backoff.reset()
        self._last_ns = now_ns
        if now_ns >= self.until_ns:  # answers to calls sent before the first one do not add up
            self.until_ns = now_ns + self._backoff.next_ns()
        return self.until_ns - now_ns


class Throttle:
    """The buckets of every endpoint and scope.

    Args:
        endpoints: what may be called, with the venue's limits.
        rng: spreads the waits after a 429.
    """

    def __init__(self, endpoints: Iterable[Endpoint], rng: random.Random) -> None:
        private = _Scope(_PRIVATE_SCOPE)
        public = _Scope(_PUBLIC_SCOPE)
        general = _Penalty(rng)
        self._buckets: dict[str, tuple[_Bucket, _Scope]] = {}
        self._penalties: dict[str, _Penalty] = {}
        for endpoint in endpoints:
            scope = private if endpoint.method == "POST" else public
            own = _Bucket(endpoint.limit, endpoint.per_seconds)
            self._buckets[endpoint.name] = (own, scope)
            self._penalties[endpoint.name] = _Penalty(rng) if endpoint.is_cancel else general

    def try_take(self, name: str, now_ns: int, is_cancel: bool) -> int:
        """Ask for one call of an endpoint.

        Args:
            name: the endpoint's name.
            now_ns: monotonic ns.
            is_cancel: it cancels or guards, and may use the reserve.

        Returns:
            0 when it may be made now, and is counted; otherwise how long to wait, ns.
        """
        own, scope = self._buckets[name]
        wait_ns = max(
            own.wait_ns(now_ns),
            scope.wait_ns(now_ns, is_cancel),
            self._penalties[name].until_ns - now_ns,
        )
        if wait_ns > 0:
            return wait_ns
        own.take(now_ns)
        scope.take(now_ns, is_cancel)
        return 0

    def on_429(self, name: str, now_ns: int) -> int:
        """The venue rejected a call of `name` with status 429; returns the wait, ns."""
        return self._penalties[name].add(now_ns)
