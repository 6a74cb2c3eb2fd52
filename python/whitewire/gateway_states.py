"""What state a gateway is in, and what it means that a market cannot be seen.

Owns: the names. Must not know: what leads from one to the other (see `gateway`). Invariant: none;
these are values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Blindness", "GatewayState"]


class GatewayState(StrEnum):
    """Whether orders may be placed: only when ACTIVE."""

    STARTING = "starting"
    ACTIVE = "active"
    HALTED = "halted"
    KILLED = "killed"
    STOPPING = "stopping"


@dataclass(slots=True)
class Blindness:
    """A market whose book or orders cannot be trusted.

    Attributes:
        since_ns: when that began, monotonic ns.
        has_snapshot: a snapshot came that was too old to quote from.
        is_fresh: the book can be trusted again.
    """

    since_ns: int
    has_snapshot: bool = False
    is_fresh: bool = False
