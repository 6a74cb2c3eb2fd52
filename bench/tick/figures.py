"""What the rounds of a match come to: percentiles, paired ratios, and their targets.

Owns: the statistics and the tables. Must not know: processes. Invariant: percentiles are of all
rounds together, ratios of one round each, so that what slowed a round slowed both of its sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.micro.measure import Ratio

__all__ = ["QUANTILES", "Match", "Played", "Tail", "merged", "quantile", "table"]

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


@dataclass(slots=True)
class Played:
    """One client's rounds.

    Attributes:
        rounds: their histograms.
        ticks: how many there were.
        folded: those of them that a later tick's order answered.
        missed: those that nothing answered.
    """

    rounds: list[Pairs] = field(default_factory=list)
    ticks: int = 0
    folded: int = 0
    missed: int = 0


@dataclass(slots=True)
class Match:
    """Clients that play the same rounds.

    Attributes:
        title: as printed.
        promises: over and under are names of clients; those that do not play are left out.
        played: by client.
    """

    title: str
    promises: Sequence[Ratio | Tail]
    played: dict[str, Played] = field(default_factory=dict)

    def expect(self, clients: Iterable[str]) -> None:
        """Who plays, in the order of the table."""
        self.played = {client: Played() for client in clients}

    def add(self, client: str, pairs: Pairs, report: Mapping[str, int]) -> None:
        """One round of one client, and the referee's counts of it."""
        played = self.played[client]
        played.rounds.append(pairs)
        played.ticks += report["ticks"]
        played.folded += report["folded"]
        played.missed += report["missed"]

    def ratios(self) -> Iterator[tuple[Ratio | Tail, float, float | None, bool | None]]:
        """(promise, value, value by first deciles, met) of every promise that can be judged."""
        for promise in self.promises:
            if promise.over not in self.played or promise.under not in self.played:
                continue
            if isinstance(promise, Tail):
                value = self._tail(promise.over) / self._tail(promise.under)
                yield promise, value, None, value <= promise.at_most
            else:
                value, first = self._paired(promise, 0.5), self._paired(promise, 0.1)
                yield promise, value, first, promise.met(value)

    def _paired(self, ratio: Ratio, share: float) -> float:
        over, under = self.played[ratio.over].rounds, self.played[ratio.under].rounds
        sides = zip(over, under, strict=True)
        return median(quantile(mine, share) / quantile(its, share) for mine, its in sides)

    def _tail(self, client: str) -> float:
        pairs = merged(self.played[client].rounds)
        return quantile(pairs, QUANTILES["p99.9"]) / quantile(pairs, 0.5)

    def lines(self) -> Iterator[str]:
        """The tables, in Markdown."""
        yield f"## {self.title}"
        yield ""
        times = (f"{name} µs" for name in QUANTILES)
        yield from table(("client", *times, "ticks", "folded", "missed"), self._rows())
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
        for client, played in self.played.items():
            pairs = merged(played.rounds)
            times = (f"{quantile(pairs, share) / 1e3:,.1f}" for share in QUANTILES.values())
            counts = (f"{count:,}" for count in (played.ticks, played.folded, played.missed))
            rows.append((client, *times, *counts))
        return rows

    def as_json(self) -> dict[str, Any]:
        """Everything that the tables show, and the histograms."""
        clients = []
        for client, played in self.played.items():
            pairs = merged(played.rounds)
            clients.append(
                {
                    "client": client,
                    "ns": {name: quantile(pairs, share) for name, share in QUANTILES.items()},
                    "p50_ns_of_rounds": [quantile(each, 0.5) for each in played.rounds],
                    "ticks": played.ticks,
                    "folded": played.folded,
                    "missed": played.missed,
                    "pairs": pairs,
                }
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
