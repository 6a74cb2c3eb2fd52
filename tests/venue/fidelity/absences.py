"""Properties that the exchange documents and that the venue has a reason not to send.

The reasons are data, in `absent.toml`.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from tests.venue.fidelity.coverage import documented, shown
from tests.venue.fidelity.recording import Sample
from tests.venue.fidelity.specification import Place, Specification

_FILE = Path(__file__).with_name("absent.toml")


@dataclass(frozen=True, slots=True)
class Absence:
    """Properties by patterns of their message's place and of their own path, and why."""

    places: tuple[str, ...]
    names: tuple[str, ...]
    reason: str
    protocol: str

    def covers(self, place: str, name: str) -> bool:
        """Whether this is the reason for a missing property."""
        return any(fnmatchcase(place, pattern) for pattern in self.places) and any(
            fnmatchcase(name, pattern) for pattern in self.names
        )


@cache
def read_absences() -> tuple[Absence, ...]:
    """Every reason, in the order of the file."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))["absent"]
    return tuple(
        Absence(tuple(row["places"]), tuple(row["names"]), row["reason"], row["protocol"])
        for row in rows
    )


def unshown(samples: Iterable[Sample], specification: Specification) -> list[tuple[str, str]]:
    """Place and path of each documented property that no good answer and no push has."""
    seen: defaultdict[Place, set[str]] = defaultdict(set)
    for sample in samples:
        if sample.place[-1] == "200" or sample.place[0] in ("reply", "push"):
            seen[sample.place].update(shown(sample.body))
    return [
        (" ".join(place), name)
        for place, names in sorted(seen.items())
        for name in dict.fromkeys(documented(specification.schema(place)))
        if name not in names
    ]
