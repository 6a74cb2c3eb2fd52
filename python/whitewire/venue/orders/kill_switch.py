"""Kill switches: timers that end an account's orders unless they are refreshed.

Owns: the armed timers and the reading of requests about them. Must not know: orders, or how they
are cancelled. Invariant: at most one timer for each account and market; one that has fired is gone.

Rules:
    K1  A timer belongs to one market of one account; setting it again replaces it, types included.
    K2  The timeout is text of 5 to 600 whole seconds; null deletes, and a missing key is refused.
    K3  A timer says whole seconds and fires on a whole second, less than one second late and
        never early.
    K4  Types are one to three of spot, margin and futures; without them all are meant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from whitewire.venue.orders.fields import Markets, read_market, read_optional_market
from whitewire.venue.values import refusals
from whitewire.venue.values.refusals import Problems
from whitewire.venue.values.requests import KillSwitchRequest, Missing

_SHORTEST_S = 5
_LONGEST_S = 600
ORDER_TYPES = ("spot", "margin", "futures")


@dataclass(frozen=True, slots=True)
class KillSwitchTimer:
    """An armed kill switch as it is printed: whole seconds, types None meaning all."""

    market: str
    start_time: int
    cancellation_time: int
    types: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class _Armed:
    timer: KillSwitchTimer
    due: float


class KillSwitches:
    """All timers of the venue."""

    def __init__(self) -> None:
        self._armed: dict[tuple[str, str], _Armed] = {}

    def apply(
        self, account: str, request: KillSwitchRequest, markets: Markets, now: float
    ) -> KillSwitchTimer | None:
        """Arms, refreshes or deletes a timer.

        Args:
            now: epoch seconds.

        Returns:
            The armed timer, or None where it was deleted.

        Raises:
            VenueError: 422 with 30 or 31.
        """
        problems = Problems()
        spec = read_market(request.market, markets, problems)
        timeout_s = _read_timeout(request.timeout, problems)
        types = _read_types(request.types, problems)
        problems.refuse()
        spec = problems.given(spec)
        key = (account, spec.name)  # K1
        if timeout_s is None:
            self._armed.pop(key, None)
            return None
        start = int(now)
        timer = KillSwitchTimer(spec.name, start, start + timeout_s, types)
        self._armed[key] = _Armed(timer, float(math.ceil(now + timeout_s)))  # K3
        return timer

    def status(self, account: str, market: object, markets: Markets) -> list[KillSwitchTimer]:
        """An account's timers, of one market or of all, in order of market.

        Raises:
            VenueError: 422 with 31.
        """
        problems = Problems()
        spec = read_optional_market(market, markets, problems)
        problems.refuse()
        timers = [armed.timer for (name, _), armed in self._armed.items() if name == account]
        if spec is not None:
            timers = [timer for timer in timers if timer.market == spec.name]
        return sorted(timers, key=lambda timer: timer.market)

    def next_due(self) -> float | None:
        """When the next timer fires, epoch seconds."""
        return min((armed.due for armed in self._armed.values()), default=None)

    def pop_due(self, now: float) -> list[tuple[str, KillSwitchTimer]]:
        """Takes out the timers that fire by `now`: (account, timer) in order of time, then name."""
        due = sorted((armed.due, *key) for key, armed in self._armed.items() if armed.due <= now)
        return [(account, self._armed.pop((account, market)).timer) for _, account, market in due]


def _read_timeout(value: object, problems: Problems) -> int | None:
    """The timeout in seconds, None to delete (K2)."""
    if value is None:
        return None
    if value is Missing.MISSING:
        text = "Timeout field is required."
    elif not isinstance(value, str):
        text = "Timeout field should be a string."
    elif not (value.isascii() and value.isdigit()):
        text = "Timeout field should be numeric string."
    elif len(value) > len(str(_LONGEST_S)) or int(value) > _LONGEST_S:
        text = f"Timeout should be at most {_LONGEST_S}."
    elif int(value) < _SHORTEST_S:
        text = f"Timeout should be at least {_SHORTEST_S}."
    else:
        return int(value)
    problems.add(refusals.REQUIRED, "timeout", text)
    return None


def _read_types(value: object, problems: Problems) -> tuple[str, ...] | None:
    """The kinds of orders that a timer ends (K4)."""
    if value is None:
        return None
    if not isinstance(value, list):
        problems.add(refusals.REQUIRED, "types", "Types field should be an array.")
    elif not 1 <= len(value) <= len(ORDER_TYPES) or any(kind not in ORDER_TYPES for kind in value):
        text = "Types field should contain only 'spot', 'margin' or 'futures' values."
        problems.add(refusals.REQUIRED, "types", text)
    else:
        return tuple(value)
    return None
