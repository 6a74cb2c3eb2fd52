"""`python -m bench.micro.growth`: what an update costs, and what a market weighs, by their number.

Owns: streams that are spread over one or many markets, and processes that hold so many. Must not
know: how a market is found. Invariant: a time is printed only where every frame was taken.

Two hundred sessions of a hundred deltas each go to one market after the other, or to many in turns:
with N markets, N sessions run side by side and each update is of another market than the one
before. The bytes are the same but for the names, so what differs is how cold a market's state is.

Exit codes: 0 measured, met or not; 1 a wrong answer; 2 something is missing or unfit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.micro.measure import (
    CannotMeasureError,
    Case,
    Quiet,
    Ratio,
    WrongAnswerError,
    measure,
    paired,
    tenth,
)
from bench.micro.native import FrameLoop, Library
from bench.micro.ratios import refuse_debug_build
from bench.micro.stream import (
    AMOUNT_DECIMALS,
    MARKET,
    NO_LIMITS,
    PRICE_DECIMALS,
    depth_frames,
    ticker_frames,
)
from whitewire import _core

__all__ = ["COUNTS", "depth_turns", "main", "market_name", "ticker_turns", "weigh"]

COUNTS = (1, 20, 200)
_SESSIONS = max(COUNTS)
_AT_MOST = 1.1


def market_name(number: int) -> str:
    """A name of the length of the stream's own."""
    return f"M{number:02X}_PERP"


def _renamed(frame: bytes, number: int) -> bytes:
    return frame.replace(MARKET.encode(), market_name(number).encode())


def depth_turns(markets: int, deltas: int = 100, sessions: int = _SESSIONS) -> list[bytes]:
    """Sessions of a snapshot and its deltas, so many side by side as there are markets."""
    session = depth_frames(deltas)
    side_by_side = [_renamed(frame, number) for frame in session for number in range(markets)]
    return side_by_side * (sessions // markets)


def ticker_turns(markets: int, count: int = 20_000) -> list[bytes]:
    """Tickers of all markets in turns."""
    frames = ticker_frames(count)
    return [_renamed(frame, number % markets) for number, frame in enumerate(frames)]


def _cases(library: Library, kind: str, turns: dict[int, list[bytes]]) -> list[Case]:
    cases = []
    for markets, frames in turns.items():
        names = ",".join(map(market_name, range(markets)))
        loop = FrameLoop(library, names, frames)
        run = loop.run
        cases.append(Case(f"{kind}, {markets} markets", run, lambda run=run: run(1), len(frames)))
    return cases


def _hold(markets: int) -> None:
    """Prints the resident bytes of this process with so many markets in use."""
    engine = _core.Engine(host="localhost", paths=("/", "/", "/", "/"), id_base="mm-")
    for number in range(markets):
        name = market_name(number)
        engine.add_market(name, PRICE_DECIMALS, AMOUNT_DECIMALS, 100, NO_LIMITS)
    session = depth_frames(10)
    for number in range(markets):
        for frame in session:
            engine.on_frame(_renamed(frame, number), 1)
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    print(int(pages) * 4096)


def weigh(few: int = 1, many: int = _SESSIONS) -> float:
    """Resident bytes of one more market: its book, full on both sides, and its ticker."""
    command = [sys.executable, "-m", "bench.micro.growth", "--hold"]
    resident = [
        int(subprocess.run([*command, str(count)], capture_output=True, check=True).stdout)
        for count in (few, many)
    ]
    return (resident[1] - resident[0]) / (many - few)


def _judge(samples: dict[str, list[float]], kind: str) -> list[dict[str, object]]:
    """Prints a table of one kind of update; its rows."""
    rows: list[dict[str, object]] = []
    base = samples[f"{kind}, {COUNTS[0]} markets"]
    for markets in COUNTS:
        found = samples[f"{kind}, {markets} markets"]
        value, undisturbed = paired(found, base), tenth(found) / tenth(base)
        ratio = Ratio("", "", at_most=_AT_MOST)
        met = ratio.met(value) and ratio.met(undisturbed)
        print(
            f"{kind:<7} {markets:>4} markets {median(found):>7.1f} ns an update, "
            f"{value:.2f} paired, {undisturbed:.2f} undisturbed of one market's, "
            f"target {ratio.target}: {'met' if met else 'MISSED'}"
        )
        rows.append({"kind": kind, "markets": markets, "paired": value, "met": met})
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.micro.growth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there as well")
    parser.add_argument("--hold", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.hold is not None:
        _hold(options.hold)
        return 0
    try:
        refuse_debug_build()
        library = Library()
        cases = _cases(library, "depth", {n: depth_turns(n) for n in COUNTS})
        cases += _cases(library, "ticker", {n: ticker_turns(n) for n in COUNTS})
        for case in cases:
            case.check()
    except CannotMeasureError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except WrongAnswerError as error:
        print(f"bench: wrong answer: {error}", file=sys.stderr)
        return 1
    samples = measure(cases, options.rounds, Quiet(10.0))
    rows = _judge(samples, "depth") + _judge(samples, "ticker")
    weight = weigh()
    print(f"memory  {weight / 1024:.1f} KiB resident for each market, depth 100, book and ticker")
    if options.json is not None:
        document = {"rows": rows, "bytes_per_market": weight}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
