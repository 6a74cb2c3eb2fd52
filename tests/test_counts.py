"""Counters that begin at zero."""

from __future__ import annotations

from whitewire.counts import Counts


def test_what_never_happened_counts_nothing_and_is_not_noted() -> None:
    counts = Counts()
    assert counts["sent"] == 0
    assert counts == {}
    counts["sent"] += 2
    counts["sent"] += 1
    assert counts == {"sent": 3}
