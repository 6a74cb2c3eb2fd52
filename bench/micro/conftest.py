"""Fixtures of the benchmark suite: the native loops, built once, and the suites on top of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.micro import answers, books, events, ledger, orders, tickers
from bench.micro.measure import Suite
from bench.micro.native import Library
from bench.micro.private import private_frames, responses
from bench.micro.ratios import refuse_debug_build
from bench.micro.stream import depth_frames, ticker_frames


@pytest.fixture(scope="session")
def library() -> Library:
    refuse_debug_build()
    return Library()


@pytest.fixture(scope="session")
def order_suites(library: Library) -> dict[orders.Form, Suite]:
    return {form: orders.suite(form, library, None) for form in orders.Form}


@pytest.fixture(scope="session")
def book_suite(library: Library) -> Suite:
    return books.suite(depth_frames(), library, None)


@pytest.fixture(scope="session")
def ticker_suite(library: Library) -> Suite:
    return tickers.suite(ticker_frames(), library, None)


@pytest.fixture(scope="session")
def other_suites(library: Library) -> dict[str, Suite]:
    """Those that need no C floor, by their modules."""
    return {
        "events": events.suite(private_frames(), library),
        "answers": answers.suite(responses(), library),
        "gate": ledger.gate(library),
        "lives": ledger.lives(),
        "recoveries": ledger.recoveries(),
    }


@pytest.fixture
def check_and_time(benchmark: BenchmarkFixture) -> Callable[[Suite, str, int], None]:
    """Checks a case's answer, then times so many repetitions of it at once.

    One at a time would time the timer: the fastest case takes tens of nanoseconds.
    """

    def run(suite: Suite, name: str, repetitions: int) -> None:
        case = suite.case(name)
        case.check()
        benchmark.group = f"{suite.title}: {repetitions * case.items} times"
        benchmark.pedantic(  # type: ignore[no-untyped-call]
            case.run, args=(repetitions,), rounds=15, warmup_rounds=1
        )

    return run
