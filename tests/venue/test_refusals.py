"""Collecting what is wrong with a request."""

from __future__ import annotations

import pytest

from whitewire.venue.values.model import VenueError
from whitewire.venue.values.reasons import Reason
from whitewire.venue.values.refusals import Problems


def test_nothing_wrong_refuses_nothing() -> None:
    problems = Problems()
    problems.refuse()
    assert problems.given("value") == "value"


def test_texts_add_up_under_the_lowest_number() -> None:
    problems = Problems()
    problems.add(33, "price", "first")
    problems.add(30, "side", "missing")
    problems.add(33, "price", "second", "third")
    with pytest.raises(VenueError) as caught:
        problems.refuse()
    error = caught.value
    assert (error.http_status, error.code, error.message) == (422, 30, "Validation failed")
    assert error.errors == {"price": ["first", "second", "third"], "side": ["missing"]}


def test_a_missing_value_raises_what_was_noted_about_it() -> None:
    problems = Problems()
    problems.add(30, "side", "missing")
    with pytest.raises(VenueError, match="missing"):
        problems.given(None)


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ([Reason.AMOUNT_TOO_SMALL], Reason.AMOUNT_TOO_SMALL),
        ([Reason.FORBIDDEN_FLAG, Reason.AMOUNT_TOO_SMALL], Reason.FORBIDDEN_FLAG),
        ([Reason.AMOUNT_TOO_SMALL, None], None),
        ([None, Reason.AMOUNT_TOO_SMALL], None),
    ],
)
def test_a_malformed_field_outweighs_every_reason(
    reasons: list[Reason | None], expected: Reason | None
) -> None:
    problems = Problems()
    for reason in reasons:
        problems.add(30, "key", "text", reason=reason)
    with pytest.raises(VenueError) as caught:
        problems.refuse()
    assert caught.value.reason is expected
