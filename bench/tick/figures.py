"""What the rounds of a match come to: percentiles, paired ratios, and their targets.

Owns: the statistics and the tables. Must not know: processes. Invariant: percentiles are of all
rounds together, ratios of one round each, so that what slowed a round slowed both of its sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.micro.measure import Ratio

__all__ = ["QUANTILES", "Match", "Tail", "merged", "quantile", "table"]

Pairs = Sequence[Sequence[int]]
"""(duration in ns, how often), ascending."""

QUANTILES = {"p10": 0.1, "p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
_WORDS = {True: "yes", False: "NO", None: ""}


def quantile(pairs: Pairs, share: float) -> int:
    """The smallest duration that `share` of all do not exceed; 0 of nothing."""
    total = sum(count for _, count in pairs)
    seen = 0
    for value, count in pairs:
        seen += count
        if seen >= share * total:
            return value
    return 0


def merged(rounds: Iterable[Pairs]) -> list[tuple[int, int]]:
    """All rounds as one histogram."""
    counts: Counter[int] = Counter()
    for pairs in rounds:
        for value, count in pairs:
            counts[value] += count
    return sorted(counts.items())


@dataclass(frozen=True, slots=True)
class Tail:
    """A promise about tails: p99.9 over p50, of one client compared with another's."""

    over: str
    under: str
    at_most: float


@dataclass(frozen=True, slots=True)
class Match:
    """Clients that played the same rounds.

    Attributes:
        title: as printed.
        rounds: histogram of each round, by client.
        missed: ticks without an order, of all ticks, by client.
        promises: over and under are names of clients; those that did not play are left out.
    """

    title: str
    rounds: Mapping[str, Sequence[Pairs]]
    missed: Mapping[str, tuple[int, int]]
    promises: Sequence[Ratio | Tail]

    def ratios(self) -> Iterator[tuple[Ratio | Tail, float, float | None, bool | None]]:
        """(promise, value, value by first deciles, met) of every promise that can be judged."""
        for promise in self.promises:
            if promise.over not in self.rounds or promise.under not in self.rounds:
                continue
            if isinstance(promise, Tail):
                value = self._tail(promise.over) / self._tail(promise.under)
                yield promise, value, None, value <= promise.at_most
            else:
                value, first = self._paired(promise, 0.5), self._paired(promise, 0.1)
                yield promise, value, first, promise.met(value)

    def _paired(self, ratio: Ratio, share: float) -> float:
        sides = zip(self.rounds[ratio.over], self.rounds[ratio.under], strict=True)
        return median(quantile(over, share) / quantile(under, share) for over, under in sides)

    def _tail(self, client: str) -> float:
        pairs = merged(self.rounds[client])
        return quantile(pairs, QUANTILES["p99.9"]) / quantile(pairs, 0.5)

    def lines(self) -> Iterator[str]:
        """The tables, in Markdown."""
        yield f"## {self.title}"
        yield ""
        yield from table(("client", *(f"{name} µs" for name in QUANTILES), "missed"), self._rows())
        yield ""
        rows = []
        for promise, value, first, met in self.ratios():
            is_tail = isinstance(promise, Tail)
            target = f"<= {promise.at_most:g}" if isinstance(promise, Tail) else promise.target
            rows.append(
                (
                    promise.over,
                    promise.under,
                    "p99.9 / p50" if is_tail else "p50",
                    f"{value:.2f}",
                    "" if first is None else f"{first:.2f}",
                    target,
                    _WORDS[met],
                )
            )
        if rows:
            head = ("takes so many times as long", "as", "by", "paired", "by p10", "target", "met")
            yield from table(head, rows)
            yield ""

    def _rows(self) -> list[tuple[str, ...]]:
        rows = []
        for client, rounds in self.rounds.items():
            pairs = merged(rounds)
            times = (f"{quantile(pairs, share) / 1e3:,.1f}" for share in QUANTILES.values())
            missed, ticks = self.missed[client]
            rows.append((client, *times, f"{missed:,} of {ticks:,}"))
        return rows

    def as_json(self) -> dict[str, Any]:
        """Everything that the tables show, and the histograms."""
        clients = []
        for client, rounds in self.rounds.items():
            pairs = merged(rounds)
            found = {name: quantile(pairs, share) for name, share in QUANTILES.items()}
            missed, ticks = self.missed[client]
            clients.append(
                {"client": client, "ns": found, "missed": missed, "ticks": ticks, "pairs": pairs}
            )
        ratios = [
            {
                "over": promise.over,
                "under": promise.under,
                "by": "p99.9/p50" if isinstance(promise, Tail) else "p50",
                "ratio": value,
                "by_p10": first,
                "met": met,
            }
            for promise, value, first, met in self.ratios()
        ]
        return {"title": self.title, "clients": clients, "ratios": ratios}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    yield line(header)
    yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    yield from map(line, rows)
