"""`python -m bench.venue.load`: can the embedded venue bear what benches ask of it?

Owns: the program: its modes, targets, table and exit code. Must not know: how requests are made,
sent or checked. Invariant: nothing is printed about a run in which one answer was wrong.

The venue has one CPU to itself, this program and the subscriber the other. Tables go to stdout,
talk to stderr. Exit codes: 0 every target met, 1 one missed or a wrong answer, 2 usage.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from bench.venue.drive import closed_loop, open_loop
from bench.venue.process import Child, VenueProcess
from bench.venue.soak import Memory
from bench.venue.supply import Supply
from bench.venue.wire import Connection, WrongAnswerError, open_tls

__all__ = ["Row", "Target", "main", "quantile"]

_STEADY = str(Path(__file__).with_name("steady.toml"))
_CONNECTIONS = 4
_RESTING = 50
_KEYS = 16
_WARM_S = 5.0
# Under a real-time policy the kernel takes a twentieth of each second from who uses all of it.
_REST_S = 2.0
_SYNTHETIC = 100


@dataclass(frozen=True, slots=True)
class Target:
    """What a run promises."""

    name: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the value keeps the promise."""
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value < self.most
        )


@dataclass(slots=True)
class Row:
    """One run: figures by name, and what was promised about them."""

    title: str
    figures: dict[str, float]
    targets: list[Target] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The row as a Markdown section."""
        yield f"## {self.title}"
        yield ""
        yield "| figure | value | target | met |"
        yield "|---|---:|---:|---|"
        targets = {target.name: target for target in self.targets}
        for name, value in self.figures.items():
            target = targets.get(name)
            if target is None:
                yield f"| {name} | {value:,.2f} | | |"
                continue
            bound = f">= {target.least:g}" if target.most is None else f"< {target.most:g}"
            yield f"| {name} | {value:,.2f} | {bound} | {'yes' if target.met else 'NO'} |"
        yield ""


def quantile(ordered: Sequence[int], part: float) -> float:
    """The least value that `part` of all values do not exceed, in ms of ns."""
    rank = max(0, -int(-part * len(ordered) // 1) - 1)
    return ordered[rank] / 1e6


class _Bench:
    """One venue, its connections and its supply."""

    def __init__(self, venue: VenueProcess, options: argparse.Namespace, bulk: int = 1) -> None:
        address = venue.first_line
        self.venue = venue
        self.options = options
        self.connections = [
            Connection(open_tls(address["rest"], address["ca"])) for _ in range(_CONNECTIONS)
        ]
        self.supply = Supply(venue.keys, _CONNECTIONS, _RESTING, bulk)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for connection in self.connections:
            connection.sock.close()

    def open(self, seconds: float, title: str, on_second: Callable[[int], None]) -> Row:
        """A run on the schedule, after one that fills the venue's memory of finished orders."""
        closed_loop(self.connections, self.supply, depth=self.options.depth, seconds=_WARM_S)
        time.sleep(_REST_S)
        self._forget()
        before = 0.0

        def watch(second: int) -> None:
            nonlocal before
            before = before or self.venue.cpu_s()
            on_second(second)

        took, late_ns = self._schedule(seconds, watch)
        row = self._row(title, took, self.venue.cpu_s() - before)
        row.figures["sent late p99 ms"] = quantile(sorted(late_ns), 0.99)
        row.figures["sent late longest ms"] = max(late_ns) / 1e6
        return row

    def _schedule(
        self, seconds: float, on_second: Callable[[int], None]
    ) -> tuple[float, list[int]]:
        return open_loop(
            self.connections,
            self.supply,
            rate=self.options.rate,
            burst=self.options.burst,
            seconds=seconds,
            on_second=on_second,
        )

    def closed(self, seconds: float) -> Row:
        """As fast as it answers."""
        self._forget()
        before = self.venue.cpu_s()
        took = closed_loop(self.connections, self.supply, depth=self.options.depth, seconds=seconds)
        return self._row("orders, as fast as they are answered", took, self.venue.cpu_s() - before)

    def _forget(self) -> None:
        for connection in self.connections:
            del connection.order_ns[:], connection.cancel_ns[:]

    def _row(self, title: str, took: float, cpu_s: float) -> Row:
        orders = sorted(ns for each in self.connections for ns in each.order_ns)
        cancels = sorted(ns for each in self.connections for ns in each.cancel_ns)
        requests = len(orders) + len(cancels)
        figures = {
            "orders accepted a second": len(orders) / took,
            "requests answered a second": requests / took,
            "order p50 ms": quantile(orders, 0.5),
            "order p99 ms": quantile(orders, 0.99),
            "order p99.9 ms": quantile(orders, 0.999),
            "order longest ms": orders[-1] / 1e6,
            "cancel p99 ms": quantile(cancels, 0.99),
            "venue CPU share": cpu_s / took,
            "venue CPU µs a request, all in": cpu_s / requests * 1e6,
        }
        return Row(title, figures)


def _order_targets(row: Row, options: argparse.Namespace) -> Row:
    rate, p99 = "orders accepted a second", "order p99 ms"
    row.targets += [
        # Half a per cent for where the last burst falls.
        Target(rate, row.figures[rate], least=options.rate * 0.995),
        Target(p99, row.figures[p99], most=options.p99_ms),
    ]
    return row


@contextmanager
def _venue(options: argparse.Namespace, *arguments: str) -> Iterator[VenueProcess]:
    shared = ["--keys", str(_KEYS)]
    if options.venue_cpu is not None:
        shared += ["--cpu", str(options.venue_cpu)]
    if options.profile:
        shared += ["--profile", options.profile]
    with VenueProcess("launcher", [*shared, *arguments]) as venue:
        yield venue


def run_orders(options: argparse.Namespace) -> list[Row]:
    """Orders alone: on the schedule, then as fast as they are answered."""
    with (
        _venue(options, "--scenario", options.scenario) as venue,
        _Bench(venue, options) as bench,
    ):
        row = bench.open(
            options.seconds,
            f"orders, {options.rate:g} a second, each cancelled by a request of its own",
            lambda second: None,
        )
        closed = bench.closed(options.seconds / 2)
        closed.targets.append(
            Target(
                "orders accepted a second",
                closed.figures["orders accepted a second"],
                least=options.rate,
            )
        )
        return [_order_targets(row, options), closed]


def run_markets(options: argparse.Namespace) -> list[Row]:
    """Orders while a client follows the depth of many markets."""
    rows = []
    with (
        _venue(options, "--scenario", _STEADY, "--synthetic", str(options.markets)) as venue,
        _subscriber(venue, options) as subscriber,
        _Bench(venue, options, options.bulk) as bench,
    ):

        def start(second: int) -> None:
            if second == 0:
                subscriber.tell()

        title = (
            f"orders, {options.rate:g} a second, cancelled {options.bulk} at once, while"
            f" {options.markets} markets are followed"
        )
        row = bench.open(options.seconds, title, start)
        report = subscriber.last_line()
        rates = [count / report["seconds"] for count in report["updates"].values()]
        row.figures |= {
            "markets followed": len(rates),
            "updates a second, slowest market": min(rates),
            "updates a second, all": sum(rates),
            "update p99 ms": report["late_ms"][1],
            "breaks of a chain": report["breaks"],
        }
        slowest, breaks = "updates a second, slowest market", "breaks of a chain"
        _order_targets(row, options)
        row.targets += [
            # Ten a second, but for a tick in twenty that finds nothing new or comes late.
            Target(slowest, min(rates), least=9.5),
            Target(breaks, report["breaks"], most=1),
        ]
        rows.append(row)
    return rows


@contextmanager
def _subscriber(venue: VenueProcess, options: argparse.Namespace) -> Iterator[Child]:
    address = venue.first_line
    arguments = ["--url", address["ws"], "--ca", address["ca"]]
    if options.cpu is not None:
        arguments += ["--cpu", str(options.cpu)]
    with Child("subscriber", [*arguments, *address["markets"][1:]]) as subscriber:
        yield subscriber


def run_soak(options: argparse.Namespace) -> list[Row]:
    """Orders for a long time beside a fast market; does memory stay where it is?"""
    with _venue(options, "--scenario", "fast") as venue, _Bench(venue, options) as bench:
        memory = Memory()
        row = bench.open(
            options.soak,
            f"soak: {options.soak:g} s of scenario fast",
            lambda second: memory.note(second, venue.resident_mib()),
        )
        row.figures |= memory.figures()
        growth = "growth, MiB a minute"
        _order_targets(row, options)
        row.targets.append(Target(growth, row.figures[growth], most=memory.MOST_MIB_A_MINUTE))
        return [row]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.venue.load", description=__doc__)
    parser.add_argument("--rate", type=float, default=3_000, help="placements a second offered")
    parser.add_argument("--burst", type=int, default=8, help="of them at once, over 4 connections")
    parser.add_argument("--depth", type=int, default=8, help="closed loop: in flight on each")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    parser.add_argument("--p99-ms", type=float, default=3.0, help="target of the service time")
    parser.add_argument("--scenario", default="calm", help="of the run without markets")
    parser.add_argument(
        "--markets", type=int, default=_SYNTHETIC, help="followed in the second run"
    )
    parser.add_argument("--bulk", type=int, default=20, help="second run: cancels in a request")
    parser.add_argument("--only", choices=("orders", "markets"), help="one of the two runs")
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="this run instead")
    parser.add_argument("--venue-cpu", type=int, default=1, help="CPU of the venue, default 1")
    parser.add_argument("--cpu", type=int, default=0, help="CPU of this program, default 0")
    parser.add_argument("--profile", metavar="FILE", help="cProfile of the venue; distorts")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON too")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for and returns the exit code."""
    options = _parser().parse_args(arguments)
    allowed = os.sched_getaffinity(0)
    missing = {options.cpu, options.venue_cpu} - allowed
    if missing:
        print(f"bench: this process may not use CPU {min(missing)}", file=sys.stderr)
        return 2
    os.sched_setaffinity(0, {options.cpu})
    try:
        if options.soak:
            rows = run_soak(options)
        else:
            rows = run_orders(options) if options.only != "markets" else []
            rows += run_markets(options) if options.only != "orders" else []
    except WrongAnswerError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        os.sched_setaffinity(0, allowed)
    _report(rows, options.json)
    return int(not all(target.met for row in rows for target in row.targets))


def _report(rows: Iterable[Row], path: str | None) -> None:
    rows = list(rows)
    for row in rows:
        print("\n".join(row.lines()), flush=True)
    if path is not None:
        document = {
            "date_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "python": platform.python_version(),
            "kernel": platform.release(),
            "load": os.getloadavg(),
            "runs": [
                {**asdict(row), "met": all(target.met for target in row.targets)} for row in rows
            ],
        }
        Path(path).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
