"""Nonces of one API key.

Owns: which nonce comes next. Must not know: the clock, signing. Invariant: no nonce is given twice,
and none is further ahead of the clock than the venue's window allows.

Rules
-----
1. With `nonceWindow` the venue accepts each value once, in any order, as long as it is Unix
   milliseconds within 5 s of its own clock.
2. One value per millisecond: a burst runs ahead of the clock. It may do so by 4 s; the remaining
   second covers the difference of the clocks and the way to the venue.
3. The clock is the venue's as far as it is known (`protocol.clock`): neither a wrong clock of this
   host nor a step of it makes a nonce that the venue refuses.
4. A process that starts again at once would repeat what it gave ahead of the clock: within one
   process a key of one venue has one allocator. Across processes the venue tells (see
   `transport.control`).
5. Some may be set aside in advance, for who cannot ask (the core's reflexes). They are given at
   that moment, and used while they are within the window.
"""

from __future__ import annotations

from whitewire.errors import NonceExhausted

__all__ = ["MAX_LEAD_MS", "NonceAllocator", "nonces_of"]

MAX_LEAD_MS = 4_000


class NonceAllocator:
    """Gives each nonce once.

    Args:
        last: the last nonce given before, ms; 0 when there was none.
    """

    __slots__ = ("last",)

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def lead_ms(self, now_ms: int) -> int:
        """How far the next nonce would be ahead of the clock (rule 2)."""
        return max(self.last + 1 - now_ms, 0)

    def next(self, now_ms: int) -> int:
        """The next nonce (rule 1).

        Args:
            now_ms: Unix milliseconds (rule 3).

        Raises:
            NonceExhausted: it would be more than `MAX_LEAD_MS` ahead of `now_ms` (rule 2).
        """
        if now_ms > self.last:
            self.last = now_ms
            return now_ms
        return self.reserve(1, now_ms)

    def reserve(self, count: int, now_ms: int) -> int:
        """The first of so many nonces in a row (rule 5).

        Args:
            count: how many.
            now_ms: Unix milliseconds (rule 3).

        Raises:
            NonceExhausted: the last would be more than `MAX_LEAD_MS` ahead (rule 2).
        """
        first = now_ms if now_ms > self.last else self.last + 1
        nonce = first + count - 1
        if nonce - now_ms > MAX_LEAD_MS:
            raise NonceExhausted(
                "nonce-exhausted",
                f"nonce {nonce} would be {nonce - now_ms} ms ahead of the clock",
                "send fewer requests, or check the host's clock",
            )
        self.last = nonce
        return first


_OF_KEY: dict[tuple[str, str], NonceAllocator] = {}


def nonces_of(key: str, venue: str) -> NonceAllocator:
    """The allocator of one key at one venue, the same for the whole process (rule 4).

    Args:
        key: API key.
        venue: URL of its REST host.
    """
    return _OF_KEY.setdefault((key, venue), NonceAllocator())
