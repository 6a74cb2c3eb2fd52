"""The dates that histories of positions are asked between.

Owns: their validation. Must not know: what happened in between. Invariant: reading changes
nothing.

Rules:
    T1  Dates are whole seconds, both may be absent; the start is not after the end, the end at
        most one second ahead of now (30). There is no least and no greatest span.
"""

from __future__ import annotations

from whitewire.venue.orders.queries import read_int
from whitewire.venue.values import refusals
from whitewire.venue.values.refusals import Problems

_AHEAD_S = 1.0


def read_dates(
    start_date: object, end_date: object, now: float | None, problems: Problems
) -> tuple[int | None, int | None]:
    """Start and end (T1); without `now` the end may be any."""
    start = read_int(start_date, "startDate", problems)
    end = read_int(end_date, "endDate", problems)
    if start is not None and end is not None and start > end:
        text = "StartDate should be less than endDate."
        problems.add(refusals.REQUIRED, "startDate", text)
    if end is not None and now is not None and end > now + _AHEAD_S:
        text = "EndDate should not be in the future."
        problems.add(refusals.REQUIRED, "endDate", text)
    return start, end
