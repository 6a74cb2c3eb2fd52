"""How often a client address may call, and what happens when it calls more often.

Owns: the fixed-window counters per (address, endpoint) and per (address, scope), and the
temporary block of an address that keeps going. Must not know: HTTP, what an endpoint does.
Invariant: a request that is refused is counted by no bucket; memory is bounded by the number of
(address, bucket) pairs seen in the current window.

Rules:

* R1  Limits are per client address and fixed windows aligned to the epoch.
* R2  A request must fit both its endpoint's bucket and its scope's.
* R3  A bulk request counts as one.
* R4  An address refused in ten windows in a row is blocked for a minute.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from whitewire.venue.options import RateLimit, WireOptions

__all__ = ["DEFAULT_LIMIT", "SCOPES", "FixedWindow", "RateLimiter"]

DEFAULT_LIMIT = RateLimit(10_000, 10)

# Path prefixes that share a bucket besides their endpoints' own.
SCOPES = {
    "/api/v4/public/": RateLimit(20_000, 10),
    "/api/v4/trade-account/": RateLimit(12_000, 10),
    "/api/v4/main-account/": RateLimit(1_000, 10),
}


@dataclass(slots=True)
class FixedWindow:
    """One counter that starts again at every multiple of the limit's period."""

    window: int = -1
    count: int = 0

    def has_room(self, limit: RateLimit, now: float) -> bool:
        """Whether one more call fits into the window of `now`; starts a new one when it is due."""
        window = int(now // limit.per_s)
        if window != self.window:  # R1
            self.window, self.count = window, 0
        return self.count < limit.limit


_Bucket = tuple[FixedWindow, RateLimit]


@dataclass(slots=True)
class _Address:
    windows: dict[str, FixedWindow] = field(default_factory=dict)
    buckets: dict[tuple[str, RateLimit], list[_Bucket]] = field(default_factory=dict)
    refused_window: int = -2
    refused_in_a_row: int = 0
    blocked_until: float = 0.0


class RateLimiter:
    """Counts requests per client address."""

    def __init__(self, options: WireOptions) -> None:
        self._options = options
        self._addresses: dict[str, _Address] = {}

    def allow(self, client_ip: str, path: str, limit: RateLimit, now: float) -> bool:
        """Counts one request, or refuses it.

        Args:
            client_ip: whose request it is.
            path: the endpoint's path, without its market.
            limit: the endpoint's own limit.
            now: epoch seconds.

        Returns:
            False for a request that must be answered with 429.
        """
        address = self._addresses.get(client_ip)
        if address is None:
            address = self._addresses[client_ip] = _Address()
        if now < address.blocked_until:
            return False
        buckets = address.buckets.get((path, limit))
        if buckets is None:
            buckets = address.buckets[path, limit] = self._buckets(address, path, limit)
        for window, cap in buckets:
            if not window.has_room(cap, now):
                self._note_refusal(address, now)
                return False
        for window, _ in buckets:
            window.count += 1  # R3
        return True

    def _buckets(self, address: _Address, path: str, limit: RateLimit) -> list[_Bucket]:
        """What a request of an endpoint must fit (R2)."""
        wanted = [(path, limit)]
        wanted += [(scope, cap) for scope, cap in SCOPES.items() if path.startswith(scope)]
        return [
            (address.windows.setdefault(name, FixedWindow()), self._scaled(cap))
            for name, cap in wanted
        ]

    def _scaled(self, limit: RateLimit) -> RateLimit:
        if self._options.rate_scale == 1.0:
            return limit
        return RateLimit(max(1, int(limit.limit * self._options.rate_scale)), limit.per_s)

    def _note_refusal(self, address: _Address, now: float) -> None:
        window = int(now // DEFAULT_LIMIT.per_s)
        if window == address.refused_window:
            return
        consecutive = window == address.refused_window + 1
        address.refused_in_a_row = address.refused_in_a_row + 1 if consecutive else 1
        address.refused_window = window
        if address.refused_in_a_row >= self._options.rate_block_after_windows:  # R4
            address.blocked_until = now + self._options.rate_block_s
            address.refused_in_a_row = 0
