"""Random faults from a seed, as a list that can be read before anything happens.

Owns: what is armed when, in a soak. Must not know: who runs it. Invariant: pure; the same seed and
length give the same schedule, whatever the machine does.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.matrix.catalogue import ROWS, Row

__all__ = ["Segment", "Strike", "draw", "fingerprint"]

SEGMENT_S = 8.0
MEAN_GAP_S = 1.2
RESTARTS = 0.25
AT_RESTARTS = 0.5


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault to arm.

    Attributes:
        at: seconds since the segment began.
        row: name in the catalogue, for the table.
        fault: name at the venue.
        args: of `Venue.fault`.
    """

    at: float
    row: str
    fault: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Segment:
    """Some seconds of quoting under faults, then a rest in which everything is compared.

    Attributes:
        seconds: of quoting.
        strikes: in order of time.
        restart: whether the gateway is stopped and started after it.
        at_restart: a fault that is armed just before that, or None.
    """

    seconds: float
    strikes: tuple[Strike, ...]
    restart: bool
    at_restart: Strike | None


def _strike(chance: random.Random, at: float, rows: Sequence[Row]) -> Strike:
    row = chance.choice(rows)
    args = dict(row.args)
    if "times" in args:
        args["times"] = chance.randint(1, 2 * int(args["times"]))
    elif "seconds" in args:
        args["seconds"] = round(chance.uniform(0.1, 2.0), 2)
    return Strike(round(at, 3), row.name, row.fault, args)


def draw(seed: str, seconds: float, segment_s: float = SEGMENT_S) -> list[Segment]:
    """A schedule of `seconds` of quoting in segments; nothing is delisted in it."""
    chance = random.Random(f"soak:{seed}")
    rows = [row for row in ROWS if not row.is_final]
    segments, total = [], 0.0
    while total < seconds:
        length = min(segment_s, max(seconds - total, 1.0))
        strikes, at = [], chance.expovariate(1 / MEAN_GAP_S)
        while at < length:
            strikes.append(_strike(chance, at, rows))
            at += chance.expovariate(1 / MEAN_GAP_S)
        restart = chance.random() < RESTARTS
        at_restart = _strike(chance, 0.0, rows) if chance.random() < AT_RESTARTS else None
        segments.append(Segment(length, tuple(strikes), restart, at_restart if restart else None))
        total += length
    return segments


def fingerprint(segments: Sequence[Segment]) -> str:
    """Eight digits that are the same for the same schedule."""
    text = json.dumps([asdict(segment) for segment in segments], sort_keys=True)
    return f"{zlib.crc32(text.encode()):08x}"
