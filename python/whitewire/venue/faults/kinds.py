"""The catalogue of faults: what can go wrong, with which arguments, on which occasions.

Owns: the name of every fault, its arguments and their defaults, the facts that narrow it, and
whether it strikes occasions, holds for a while or happens once. Must not know: what is armed, the
clock, how a fault is carried out. Invariant: a request for a fault that passed `check` can be
carried out as it stands.

Faults of REST happen to one request (`path` narrows them), those of the WebSocket to one push or
one call (`method`) and those of depth to one delta (`market`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum, auto
from types import MappingProxyType

from whitewire.venue.values.ws_refusals import TEXTS

__all__ = ["FAULTS", "FaultKind", "FaultValue", "Strikes", "check", "did_you_mean"]

FaultValue = str | int | float


class Strikes(Enum):
    """When an armed fault takes effect."""

    OCCASIONS = auto()  # on the next ones that match, or on each with a probability
    STATE = auto()  # for as long as it is armed
    ONCE = auto()  # at its moment


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the catalogue.

    Attributes:
        facts: what may narrow it to matching occasions; texts.
        values: its own arguments and their defaults; what is given must be of the same kind.
        strikes: when it takes effect.
        lasts_s: how long it is armed where nothing is said; None: for one occasion.
    """

    facts: frozenset[str] = frozenset()
    values: Mapping[str, FaultValue] = field(default_factory=dict)
    strikes: Strikes = Strikes.OCCASIONS
    lasts_s: float | None = None


_REST = frozenset({"path"})
_PUSH = frozenset({"method"})
_CALL = frozenset({"method"})
_MARKET = frozenset({"market"})
# `side` is "rest" or "ws".
_EITHER = frozenset({"side", "path", "method"})

FAULTS: Mapping[str, FaultKind] = MappingProxyType(
    {
        # REST: the front refuses and nothing is executed.
        "http_429": FaultKind(_REST),
        "http_500": FaultKind(_REST),
        "http_502": FaultKind(_REST),
        "http_503_html": FaultKind(_REST),
        "storm_429": FaultKind(_REST, lasts_s=5.0),
        # REST: one request or its answer.
        "lost_request": FaultKind(_REST),  # swallowed: neither executed nor answered
        "drop_rest": FaultKind(_REST, {"when": "before"}),  # RST before or after execution
        "truncated_response": FaultKind(_REST),  # full Content-Length, half the body, close
        "malformed_json": FaultKind(_REST),  # a whole response with half a JSON text
        "close_mid_pipeline": FaultKind(_REST),  # `Connection: close`, the rest is not read
        "chunked": FaultKind(_REST),  # answered with a chunked body
        # Either side.
        "lost_ack": FaultKind(_EITHER),  # an accepted order request is never answered
        "slow_ack": FaultKind(_EITHER, {"ms": 100}),  # executed now, answered later
        "half_open": FaultKind(_EITHER),  # a connection stays open, deaf and dumb
        "unknown_json": FaultKind(_EITHER),  # an answer with a new member; a push of a new kind
        # WebSocket: one call of an order method.
        "ws_refused": FaultKind(_CALL, {"error": 3}),  # with this number, without execution
        "ws_timeout": FaultKind(_CALL, {"when": "after"}),  # error 5 before or after execution
        "late_order": FaultKind(_CALL, {"ms": 100}),  # executed later; the next calls overtake it
        # WebSocket: one push. `drop_ws` also happens to an incoming message: RST before or after
        # its execution.
        "drop_ws": FaultKind(_PUSH, {"when": "before"}),
        "stall_ws": FaultKind(_PUSH, lasts_s=5.0),  # calls are answered, pushes are lost
        "malformed_frame": FaultKind(_PUSH),  # a push that is not JSON
        "oversized_frame": FaultKind(_PUSH, {"bytes": 11 * 1024 * 1024}),  # padded with blanks
        # Depth: one delta of one subscriber.
        "gap": FaultKind(_MARKET),  # never leaves
        "duplicate_delta": FaultKind(_MARKET),  # leaves twice
        "reordered_delta": FaultKind(_MARKET),  # leaves after the next one
        "stale_delta": FaultKind(_MARKET),  # is followed by the one before it
        "crossed_book": FaultKind(_MARKET),  # carries a bid above the best ask
        "keepalive_snapshot": FaultKind(_MARKET),  # a full snapshot at the next look
        "stale_snapshot": FaultKind(_MARKET, {"s": 5.0}),  # the first one leaves late, as it was
        # Private pushes and the session.
        "private_late": FaultKind(_PUSH, {"ms": 500}),
        "private_duplicated": FaultKind(_PUSH),
        "private_missing": FaultKind(_PUSH),
        "private_before_ack": FaultKind(),  # a request's pushes leave before its answer
        "expired_token": FaultKind(),  # the next token is issued already expired
        "authorize_failed": FaultKind(values={"code": 2}),  # 1, 2, 6 or 11
        "kill_switch_refused": FaultKind(_MARKET),  # 422, whether to arm or to delete
        # The venue itself.
        "clock_skew": FaultKind(
            values={"by_s": 6.0}, strikes=Strikes.STATE, lasts_s=math.inf
        ),  # of the time that it states and holds nonces against
        "maintenance": FaultKind(
            values={"ws_grace_s": 0.0}, strikes=Strikes.STATE, lasts_s=5.0
        ),  # 503; sockets answer 3 for the grace, then are closed
        "market_delisted": FaultKind(values={"market": ""}, strikes=Strikes.ONCE),  # for good
    }
)

_CHOICES: Mapping[str, tuple[FaultValue, ...]] = {
    "when": ("before", "after"),
    "side": ("rest", "ws"),
    "code": (1, 2, 6, 11),
    "error": tuple(TEXTS),
}


def did_you_mean(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """The end of a sentence about an unknown name: the nearest one, or all there are."""
    near = get_close_matches(name, list(known), 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"


def check(name: str, args: Mapping[str, FaultValue]) -> FaultKind:
    """The row of a fault whose arguments are in order.

    Raises:
        ValueError: an unknown name or argument, or an argument of the wrong kind.
    """
    kind = FAULTS.get(name)
    if kind is None:
        raise ValueError(f"no fault is named {name!r}; {did_you_mean(name, FAULTS)}")
    for key, value in args.items():
        if key not in kind.values and key not in kind.facts:
            known = (*kind.values, *sorted(kind.facts), "times", "probability", "at", "seconds")
            raise ValueError(f"fault {name!r} does not take {key!r}; {did_you_mean(key, known)}")
        expected = "a text" if isinstance(kind.values.get(key, ""), str) else "a number"
        wanted = str if expected == "a text" else int | float
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ValueError(f"{key} of fault {name!r} was {value!r}, not {expected}")
        if key in _CHOICES and value not in _CHOICES[key]:
            choices = " or ".join(str(choice) for choice in _CHOICES[key])
            raise ValueError(f"{key} of fault {name!r} was {value!r}, and is {choices}")
        if not isinstance(value, str) and not _is_sensible(key, value):
            raise ValueError(f"{key} of fault {name!r} was {value!r}")
    if kind.strikes is Strikes.ONCE and not all(args.get(key) for key in kind.values):
        raise ValueError(f"fault {name!r} needs {', '.join(kind.values)}")
    return kind


def _is_sensible(key: str, value: float) -> bool:
    """Whether a number is finite and, unless a clock runs behind by it, not negative."""
    return math.isfinite(value) and (value >= 0 or key == "by_s")
