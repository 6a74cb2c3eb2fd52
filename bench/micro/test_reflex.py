"""A reaction natively and through a callback: both answers are checked, then timed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.micro.measure import Suite, WrongAnswerError
from bench.micro.native import Library
from bench.micro.reflex import CALLBACK, GATEWAY, LOOP, Reaction, suite

CheckAndTime = Callable[[Suite, str, int], None]

# The first test builds the native loops.
pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("case", [GATEWAY, CALLBACK, LOOP])
@pytest.mark.parametrize("reaction", ["cancel", "modify"])
def test_reaction(check_and_time: CheckAndTime, library: Library, reaction: str, case: str) -> None:
    check_and_time(suite(reaction, library), case.format(reaction), 1)


def test_a_request_of_something_else_is_refused() -> None:
    with pytest.raises(WrongAnswerError):
        Reaction("cancel").verify(b"POST /api/v4/order/new HTTP/1.1\r\n\r\n", 0)
