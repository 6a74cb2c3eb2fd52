"""Properties that the exchange documents and that the venue has a reason not to send.

The reasons are data, in `absent.toml`.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable
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
    """Properties by patterns of their message's place and of their own path, and why.

    Attributes:
        places: patterns of a message's place.
        names: patterns of a property's path.
        reason: why they are missing.
        protocol: where the protocol's reference says so.
        if_served: the row holds only where the venue serves this path.
        unless_served: the row holds only where it does not.
    """

    places: tuple[str, ...]
    names: tuple[str, ...]
    reason: str
    protocol: str
    if_served: str = ""
    unless_served: str = ""

    def holds(self, paths: Collection[str]) -> bool:
        """Whether the row is about a venue that serves these paths."""
        is_served = not self.if_served or self.if_served in paths
        return is_served and self.unless_served not in paths

    def concerns(self, place: Place) -> bool:
        """Whether this is about a message."""
        return any(fnmatchcase(" ".join(place), pattern) for pattern in self.places)

    def covers(self, place: str, name: str) -> bool:
        """Whether this is the reason for a missing property."""
        return any(fnmatchcase(place, pattern) for pattern in self.places) and any(
            fnmatchcase(name, pattern) for pattern in self.names
        )


@cache
def read_absences() -> tuple[Absence, ...]:
    """Every reason, in the order of the file."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))["absent"]
    return tuple(Absence(tuple(row.pop("places")), tuple(row.pop("names")), **row) for row in rows)


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
