"""Reading the top of the book: every case's numbers are compared for every frame, then timed.

A time is that of a thousand frames, so milliseconds read as microseconds a frame.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.micro import tickers
from bench.micro.measure import Suite, WrongAnswerError
from bench.micro.native import Library
from bench.micro.stream import ticker_frames
from bench.micro.tickers import CALL, CALLBACK, ENTRY, LOOP, MSGSPEC, ORJSON

CheckAndTime = Callable[[Suite, str, int], None]

# The first test builds the native loops.
pytestmark = pytest.mark.timeout(900)

_NAMES = (ORJSON, MSGSPEC, CALLBACK, CALL, ENTRY, LOOP)


@pytest.mark.parametrize("name", _NAMES)
def test_ticker(check_and_time: CheckAndTime, ticker_suite: Suite, name: str) -> None:
    check_and_time(ticker_suite, name, 1)


def test_every_case_is_benchmarked(ticker_suite: Suite) -> None:
    assert tuple(case.name for case in ticker_suite.cases) == _NAMES


@pytest.mark.parametrize("name", [CALLBACK, CALL, ENTRY, LOOP])
def test_a_frame_that_is_no_ticker_is_refused(library: Library, name: str) -> None:
    frames = ticker_frames(10)
    frames[4] = frames[4].replace(b"bookTicker_update", b"somethingElse")
    with pytest.raises(WrongAnswerError):
        tickers.suite(frames, library, None).case(name).check()
