"""Keeping a book: every case's book is compared level by level with the twin's, then timed.

A time is that of one pass: a snapshot and two thousand deltas.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.micro import books
from bench.micro.books import BOOK, CCXT, LOOP, MSGSPEC, ORJSON
from bench.micro.measure import Suite, WrongAnswerError
from bench.micro.native import FrameLoop, Library
from bench.micro.stream import MARKET, depth_frames

CheckAndTime = Callable[[Suite, str, int], None]

# The first test builds the native loops.
pytestmark = pytest.mark.timeout(900)

_NAMES = (CCXT, ORJSON, MSGSPEC, BOOK, LOOP)


@pytest.mark.parametrize("name", _NAMES)
def test_book(check_and_time: CheckAndTime, book_suite: Suite, name: str) -> None:
    check_and_time(book_suite, name, 1)


def test_every_case_is_benchmarked(book_suite: Suite) -> None:
    assert tuple(case.name for case in book_suite.cases) == _NAMES


def test_a_stream_with_a_gap_is_refused(library: Library) -> None:
    frames = depth_frames(deltas=50)
    del frames[20]
    with pytest.raises(WrongAnswerError, match="gap"):
        books.suite(frames, library, None)


def test_a_loop_whose_frames_are_not_all_taken_is_refused(library: Library) -> None:
    frames = depth_frames(deltas=50)
    del frames[20]
    with pytest.raises(WrongAnswerError, match="frames taken"):
        FrameLoop(library, MARKET, frames).run(1)


def test_a_book_that_differs_in_one_amount_is_refused(library: Library) -> None:
    frames = depth_frames(deltas=50)
    suite = books.suite(frames, library, None)
    twin = books.Twin()
    for frame in frames:
        twin.apply(frame)
    right = twin.levels()
    books.compare(right, twin)
    price, amount = right[1][99]
    right[1][99] = (price, amount + 1)
    with pytest.raises(WrongAnswerError, match=r"bids\[99\]"):
        books.compare(right, twin)
    suite.check()
