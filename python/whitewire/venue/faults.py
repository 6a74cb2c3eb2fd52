"""Misbehaviour on request: a counted table of triggers that the wire looks up as it goes.

Owns: which faults exist, which arguments each takes, and how many times each armed one will
still fire. Must not know: how a fault is carried out (the module that calls `take` does that).
Invariant: an armed fault fires exactly `times` times, on the first occasions that match it.

To add a fault: give it a row in `FAULTS`, and call `take` where it happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["FAULTS", "Fault", "FaultTable"]

FaultValue = str | int | float

# What an occasion can be recognised by, given with `take`; any of them may narrow a fault.
_FACTS = frozenset({"path", "market", "method"})

# Fault name to its own arguments and their defaults. REST faults happen to one request, the
# others to one WebSocket push; `drop_ws` also to one incoming message.
FAULTS: Mapping[str, Mapping[str, FaultValue]] = MappingProxyType(
    {
        "http_429": {},  # the front refuses; nothing is executed
        "http_503_html": {},  # the front's error page; nothing is executed
        "drop_rest": {"when": "before"},  # RST "before" or "after" the request is executed
        "lost_ack": {},  # an accepted order request is never answered, connection left open
        "slow_ack": {"ms": 100},  # executed now, answered later
        "truncated_response": {},  # full Content-Length, half the body, close
        "close_mid_pipeline": {},  # answered with `Connection: close`, the rest is not read
        "chunked": {},  # answered with a chunked body
        "drop_ws": {},  # RST
        "gap": {},  # one depth delta never leaves
        "malformed_frame": {},  # a push that is not JSON
        "oversized_frame": {"bytes": 11 * 1024 * 1024},  # a push padded with white space
    }
)


@dataclass(slots=True)
class Fault:
    """One armed fault.

    Attributes:
        name: its row in `FAULTS`.
        remaining: how often it will still fire.
        values: its arguments, defaults filled in.
        facts: what an occasion must look like to set it off; empty for any.
    """

    name: str
    remaining: int
    values: dict[str, FaultValue]
    facts: dict[str, str]


class FaultTable:
    """Armed faults, oldest first."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []

    def arm(self, name: str, times: int = 1, **args: FaultValue) -> None:
        """Arms a fault for the next `times` matching occasions.

        Args:
            name: a row of `FAULTS`.
            times: how many occasions, at least 1.
            args: the fault's own arguments, and facts (`path`, `market`, `method`) to match.

        Raises:
            ValueError: an unknown name or argument, or `times` below 1.
        """
        defaults = FAULTS.get(name)
        if defaults is None:
            raise ValueError(f"no fault is named {name!r}; there are {', '.join(FAULTS)}")
        unknown = args.keys() - defaults.keys() - _FACTS
        if unknown or times < 1:
            raise ValueError(f"fault {name!r} does not take {sorted(unknown) or times}")
        values = {key: args.get(key, default) for key, default in defaults.items()}
        facts = {key: str(value) for key, value in args.items() if key in _FACTS}
        self._armed.append(Fault(name, times, values, facts))

    def take(self, name: str, **facts: str) -> Fault | None:
        """Fires the oldest armed fault of this name that matches the occasion, if any."""
        if not self._armed:
            return None
        for fault in self._armed:
            if fault.name == name and fault.facts.items() <= facts.items():
                fault.remaining -= 1
                if fault.remaining == 0:
                    self._armed.remove(fault)
                return fault
        return None
