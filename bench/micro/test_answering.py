"""What the bench of an answer calls right, and what it would refuse."""

from __future__ import annotations

import pytest

from bench.micro import answering
from bench.micro.measure import WrongAnswerError
from tests.order_desk import new_order, new_store
from whitewire.protocol.orders import OrderState


def test_every_answer_is_booked(capsys: pytest.CaptureFixture[str]) -> None:
    assert answering.main(["--rounds", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert tuple(line.split(" median")[0].strip() for line in lines) == answering.NAMES


def test_an_order_that_heard_nothing_is_a_wrong_answer() -> None:
    with pytest.raises(WrongAnswerError, match="sent instead of open"):
        answering.verify(new_order(new_store()), OrderState.OPEN)
