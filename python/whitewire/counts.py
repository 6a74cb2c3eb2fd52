"""How often things happened, by name.

Owns: the counters of a gateway. Must not know: what is counted. Invariant: what never happened
counts 0, and asking for it adds nothing.

`collections.Counter` is the same, but each `+= 1` on it looks up a method: every order pays thrice.
"""

from __future__ import annotations

__all__ = ["Counts"]


class Counts(dict[str, int]):
    """Counters by name."""

    __slots__ = ()

    def __missing__(self, name: str) -> int:
        return 0
