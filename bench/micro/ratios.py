"""`python -m bench.micro.ratios`: every micro-benchmark once, as ratios beside their targets.

Owns: the program. Must not know: how anything is measured or checked. Invariant: nothing is printed
about a suite whose answers are not all right.

Tables go to stdout, talk to stderr. Exit codes: 0 measured (whether targets are met is in the
table), 1 a wrong answer, 2 usage, or something is missing or unfit, such as a debug build.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from bench.micro import answers, books, events, ledger, orders, tickers
from bench.micro.floor import Floor
from bench.micro.measure import (
    CannotMeasureError,
    Quiet,
    Ratio,
    Suite,
    WrongAnswerError,
    measure,
    paired,
    tenth,
)
from bench.micro.native import Library
from bench.micro.private import private_frames, responses
from bench.micro.stream import depth_frames, ticker_frames
from whitewire import _core

__all__ = ["main", "suites"]

_ROUNDS = 51
_QUIET_BUDGET_S = 10.0
_PACKAGES = ("whitewire", "orjson", "msgspec", "ccxt", "picows", "httptools", "h11")
_NO_FLOOR = (
    "no C floor: set WHITEWIRE_FLOOR to a folder with 01_sign/sign.c and 02_book/book.c to add"
    " its rows"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A ratio as measured.

    Attributes:
        ratio: what it compares.
        value: median of the paired ratios.
        undisturbed: ratio of the first deciles. Neighbours slow Python down more than short native
            loops, so that a busy machine flatters; this one shows a quiet machine's.
        met: whether both keep the promise; None where there is none.
    """

    ratio: Ratio
    value: float
    undisturbed: float
    met: bool | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A suite and its samples, ns per item and round, by case."""

    suite: Suite
    samples: dict[str, list[float]]

    def rows(self) -> Iterator[Row]:
        """Every ratio of the suite."""
        for ratio in self.suite.ratios:
            over, under = self.samples[ratio.over], self.samples[ratio.under]
            value, undisturbed = paired(over, under), tenth(over) / tenth(under)
            yield Row(ratio, value, undisturbed, ratio.met(value) and ratio.met(undisturbed))

    def as_json(self) -> dict[str, object]:
        """Everything that the tables show."""
        cases = [
            {"case": name, "median_ns": median(values), "p10_ns": tenth(values)}
            for name, values in self.samples.items()
        ]
        ratios = [
            {
                "over": row.ratio.over,
                "under": row.ratio.under,
                "ratio": row.value,
                "undisturbed": row.undisturbed,
                "target": row.ratio.target,
                "met": row.met,
            }
            for row in self.rows()
        ]
        return {"suite": self.suite.title, "cases": cases, "ratios": ratios}

    def lines(self) -> Iterator[str]:
        """The tables, in Markdown."""
        yield f"## {self.suite.title}"
        yield ""
        yield from _table(
            ("case", f"median ns/{self.suite.item}", "p10"),
            [
                (name, f"{median(values):,.1f}", f"{tenth(values):,.1f}")
                for name, values in self.samples.items()
            ],
        )
        yield ""
        if not self.suite.ratios:
            return
        words = {True: "yes", False: "NO", None: ""}
        yield from _table(
            ("takes so many times as long", "as", "paired", "undisturbed", "target", "met"),
            [
                (
                    row.ratio.over,
                    row.ratio.under,
                    f"{row.value:.2f}",
                    f"{row.undisturbed:.2f}",
                    row.ratio.target,
                    words[row.met],
                )
                for row in self.rows()
            ],
        )
        yield ""


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    yield line(header)
    yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    yield from map(line, rows)


def suites(library: Library, floor: Floor | None) -> list[Suite]:
    """All suites, not yet checked."""
    return [
        *(orders.suite(form, library, floor) for form in orders.Form),
        books.suite(depth_frames(), library, floor),
        tickers.suite(ticker_frames(), library, floor),
        events.suite(private_frames(), library),
        answers.suite(responses(), library),
        ledger.gate(library),
        ledger.lives(),
        ledger.recoveries(),
    ]


def _environment() -> dict[str, str]:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "machine": f"{cpu}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def refuse_debug_build() -> None:
    """Refuses to measure what nobody should use.

    Raises:
        CannotMeasureError: the installed core was built without optimisation.
    """
    if _core.build_profile != "release":
        raise CannotMeasureError(
            f"the installed core is a {_core.build_profile} build; install it with pip or make"
        )


def _stale_core() -> bool:
    """Whether the installed core is older than its sources, so that the rows differ in code."""
    sources = Path(__file__).parents[2] / "native"
    files = [sources / "Cargo.toml", *sources.glob("src/**/*.rs")]
    return max(file.stat().st_mtime for file in files) > Path(_core.__file__).stat().st_mtime


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.micro.ratios", description=__doc__)
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="interleaved rounds, 3 or more")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there as well")
    arguments = parser.parse_args(argv)
    if arguments.rounds < 3:
        parser.error(f"--rounds was {arguments.rounds}; a median needs 3 or more")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; its exit code."""
    arguments = _arguments(argv)
    try:
        refuse_debug_build()
        floor = Floor.from_environment()
        todo = suites(Library(), floor)
        for suite in todo:
            suite.check()
    except CannotMeasureError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except WrongAnswerError as error:
        print(f"bench: wrong answer: {error}", file=sys.stderr)
        return 1
    if _stale_core():
        print("bench: called from Python is an installed core older than native/", file=sys.stderr)
    environment, quiet, start = _environment(), Quiet(_QUIET_BUDGET_S), time.monotonic()
    print("; ".join(f"{name} {text}" for name, text in environment.items()), end="\n\n")
    measured = []
    for suite in todo:
        print(f"bench: {suite.title}, {arguments.rounds} rounds", file=sys.stderr)
        done = Measured(suite, measure(suite.cases, arguments.rounds, quiet))
        print(*done.lines(), sep="\n", flush=True)
        measured.append(done)
    if floor is None:
        print(_NO_FLOOR)
    print(f"bench: measured in {time.monotonic() - start:.0f} s", file=sys.stderr)
    if arguments.json is not None:
        document = {"environment": environment, "suites": [item.as_json() for item in measured]}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
