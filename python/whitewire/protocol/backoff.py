"""How long to wait before the next attempt.

Owns: one sequence of waits. Must not know: what is attempted. Invariant: a wait never exceeds the
cap, and never falls below half of its undisturbed length.
"""

from __future__ import annotations

import random

__all__ = ["Backoff"]

_SPREAD = 0.5


class Backoff:
    """Waits that double from `first_ns` to `cap_ns`, each shortened at random by up to a half.

    The random part keeps many clients that lost the venue together from returning together.

    Args:
        rng: source of the random part.
        first_ns: first wait, ns.
        cap_ns: longest wait, ns.
    """

    __slots__ = ("_cap_ns", "_first_ns", "_next_ns", "_rng")

    def __init__(
        self, rng: random.Random, first_ns: int = 1_000_000_000, cap_ns: int = 30_000_000_000
    ) -> None:
        self._rng = rng
        self._first_ns = first_ns
        self._cap_ns = cap_ns
        self._next_ns = first_ns

    def next_ns(self) -> int:
        """The next wait, ns; the one after it is twice as long."""
        full = min(self._next_ns, self._cap_ns)
        self._next_ns = full * 2
        return full - int(full * _SPREAD * self._rng.random())

    def reset(self) -> None:
        """An attempt succeeded: start again from the first wait."""
        self._next_ns = self._first_ns
