"""Several orders in one request.

Owns: the frame of a bulk request and the order of its legs. Must not know: what a leg is, how it
is placed. Invariant: `results[i]` belongs to `legs[i]`; after a stop there are fewer of them.

Rules:
    K1  A bulk request has 1 to 20 legs; one that is no object is refused in its place.
    K2  With stopOnFail the first failure ends the request; it is reported last, if the options say
        so, and nothing after it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from whitewire.venue.orders.fields import read_flag
from whitewire.venue.values import refusals
from whitewire.venue.values.model import Order, VenueError
from whitewire.venue.values.refusals import Problems

MAX_LEGS = 20

Leg = TypeVar("Leg")


def read_legs(orders: object, read: Callable[[Mapping[str, Any]], Leg]) -> list[Leg | VenueError]:
    """Validates the frame of a bulk request (K1).

    Raises:
        VenueError: 422 with 30, for the whole request.
    """
    if not isinstance(orders, list):
        raise refusals.validation(refusals.REQUIRED, "orders", "The orders must be an array.")
    if not 1 <= len(orders) <= MAX_LEGS:
        raise refusals.validation(refusals.REQUIRED, "orders", "validation.between")
    wrong = refusals.validation(refusals.REQUIRED, "request", "Invalid order format")
    return [read(leg) if isinstance(leg, Mapping) else wrong for leg in orders]


def read_stop_on_fail(value: object) -> bool:
    """Validates the flag of a bulk request.

    Raises:
        VenueError: 422 with 30.
    """
    problems = Problems()
    flag = read_flag(value, "stopOnFail", problems)
    problems.refuse()
    return flag


def run_legs(
    legs: Sequence[Leg | VenueError],
    place: Callable[[Leg, float], Order],
    *,
    gap_s: float,
    stops: bool,
    reports_failure: bool,
) -> list[Order | VenueError]:
    """Places leg after leg (K2).

    Args:
        place: places one leg, so many seconds after the one before it.
        gap_s: engine time between two legs.
    """
    results: list[Order | VenueError] = []
    for position, leg in enumerate(legs):
        try:
            if isinstance(leg, VenueError):
                raise leg
            results.append(place(leg, gap_s if position else 0.0))
        except VenueError as refusal:
            if not stops or reports_failure:
                results.append(refusal)
            if stops:
                break
    return results
