"""What the bench of a placement calls answers right, and what it would refuse."""

from __future__ import annotations

import pytest

from bench.micro import placing
from bench.micro.measure import WrongAnswerError


def test_every_call_sends_what_it_should(capsys: pytest.CaptureFixture[str]) -> None:
    assert placing.main(["--rounds", "3"]) == 0
    rows = [line.split(" median")[0].split() for line in capsys.readouterr().out.splitlines()]
    named = [" ".join(row[:-1]) for row in rows if row[-1] == "whole"]
    assert named == [call.name for call in placing.CALLS]
    assert sum(row == ["written"] for row in rows) == len(named) - 1, "all but the moves"


def test_a_missing_order_is_a_wrong_answer() -> None:
    with pytest.raises(WrongAnswerError, match="0 requests instead of 1"):
        placing.verify(placing.CALLS[0], [])
