"""Bulk requests: rules K1 and K2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.venue.desk import Desk, refusal
from whitewire.venue.orders.bulk import MAX_LEGS, read_legs, read_stop_on_fail, run_legs
from whitewire.venue.values.model import Order, VenueError


def read(leg: Mapping[str, Any]) -> str:
    return str(leg["name"])


class Placer:
    """Refuses the legs called bad and remembers every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []
        self.order = Desk().limit("alice", "buy", "100", "1")

    def __call__(self, leg: str, gap_s: float) -> Order:
        self.calls.append((leg, gap_s))
        if leg == "bad":
            raise VenueError(422, 30, "no", {})
        return self.order


def outcome(results: list[Order | VenueError]) -> str:
    return "".join("o" if isinstance(result, Order) else "x" for result in results)


def test_k1_a_frame_has_1_to_20_legs() -> None:
    assert read_legs([{"name": "a"}] * MAX_LEGS, read) == ["a"] * 20
    for frame in ([], [{}] * 21):
        assert refusal(read_legs, frame, read) == (
            422,
            30,
            "Validation failed",
            {"orders": ["validation.between"]},
        )
    for frame in (None, {}, "[]", ({"name": "a"},)):
        assert list(refusal(read_legs, frame, read)[3].values()) == [
            ["The orders must be an array."]
        ]


def test_k1_a_leg_that_is_no_object_is_refused_in_its_place() -> None:
    first, second, third = read_legs([{"name": "a"}, 7, {"name": "b"}], read)
    assert (first, third) == ("a", "b")
    assert isinstance(second, VenueError)
    assert second.errors == {"request": ["Invalid order format"]}


def test_the_flag_is_false_where_it_is_absent() -> None:
    assert [read_stop_on_fail(value) for value in (None, False, True)] == [False, False, True]
    assert refusal(read_stop_on_fail, "true")[:2] == (422, 30)


@pytest.mark.parametrize(
    ("stops", "reports", "expected", "calls"),
    [
        (False, True, "oxoo", ["a", "bad", "b", "c"]),
        (False, False, "oxoo", ["a", "bad", "b", "c"]),
        (True, True, "ox", ["a", "bad"]),
        (True, False, "o", ["a", "bad"]),
    ],
)
def test_k2_the_first_failure_may_end_the_request(
    *, stops: bool, reports: bool, expected: str, calls: list[str]
) -> None:
    placer = Placer()
    results = run_legs(
        ["a", "bad", "b", "c"], placer, gap_s=0.5, stops=stops, reports_failure=reports
    )
    assert outcome(results) == expected
    assert [leg for leg, _ in placer.calls] == calls
    assert [gap for _, gap in placer.calls] == [0.0, *[0.5] * (len(calls) - 1)]


def test_k2_a_leg_that_was_never_read_fails_like_any_other() -> None:
    placer = Placer()
    wrong = VenueError(422, 30, "no", {})
    results = run_legs(["a", wrong, "b"], placer, gap_s=0.0, stops=True, reports_failure=True)
    assert outcome(results) == "ox"
    assert results[1] is wrong
