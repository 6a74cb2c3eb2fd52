"""Private events, responses, the gate and the order table: every answer is checked, then timed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from bench.micro import answers, events, ledger
from bench.micro.measure import Suite, WrongAnswerError
from bench.micro.native import Library
from bench.micro.private import private_frames, responses

CheckAndTime = Callable[[Suite, str, int], None]

# The first test builds the native loops.
pytestmark = pytest.mark.timeout(900)

_NAMES = {
    "events": (events.CCXT, events.JSON, events.ORJSON, events.EVENT, events.LOOP),
    "answers": (answers.H11, answers.HTTPTOOLS, answers.PARSER, answers.LOOP),
    "gate": (ledger.ADMIT, ledger.CHECK, ledger.TOPS),
    "lives": (ledger.LIFE,),
    "recoveries": (ledger.MANY, ledger.FEW),
}


@pytest.mark.parametrize(
    ("suite", "name"), [(suite, name) for suite, names in _NAMES.items() for name in names]
)
def test_case(
    check_and_time: CheckAndTime, other_suites: dict[str, Suite], suite: str, name: str
) -> None:
    check_and_time(other_suites[suite], name, 2)


def test_every_case_is_benchmarked(other_suites: dict[str, Suite]) -> None:
    found = {name: tuple(case.name for case in suite.cases) for name, suite in other_suites.items()}
    assert found == _NAMES


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert private_frames(30) == private_frames(30) != private_frames(30, seed=6)
    assert responses(30) == responses(30) != responses(30, seed=7)


def test_every_kind_of_private_frame_is_there() -> None:
    methods = [json.loads(frame)["method"] for frame in private_frames(8)]
    kinds = ["ordersPending_update", "deals_update", "ordersExecuted_update", "balanceSpot_update"]
    assert methods == kinds * 2


@pytest.mark.parametrize("name", [answers.H11, answers.HTTPTOOLS, answers.PARSER, answers.LOOP])
def test_a_response_of_another_status_is_refused(library: Library, name: str) -> None:
    found = responses(20)
    found[7] = found[7].replace(b"200 OK", b"503 No")
    with pytest.raises(WrongAnswerError):
        answers.suite(found, library).case(name).check()


@pytest.mark.parametrize("name", [events.EVENT, events.LOOP])
def test_a_frame_that_is_no_order_is_refused(library: Library, name: str) -> None:
    frames = private_frames(20)
    frames[4] = frames[4].replace(b"ordersPending", b"ordersPendent")
    with pytest.raises(WrongAnswerError):
        events.suite(frames, library).case(name).check()
