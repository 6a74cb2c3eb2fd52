"""What a run of `whitewire bench acks` was asked for, checked.

Owns: the options, their bounds, and what a run with real money demands. Must not know: how a
burst is sent. Invariant: a `Request` that exists can be run; with `live` it has every cap.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from whitewire.bench.plan import Caps, Cell, Due, Mode, Way, schedule, ways
from whitewire.config_process import ReceiveMode
from whitewire.endpoints import ENDPOINTS
from whitewire.errors import UsageError

__all__ = ["MAX_LEGS", "Request", "caps_of", "chosen_ways", "decimal_of", "legs_of", "writable"]

MAX_LEGS = 20
# Venue: placements, calls of one endpoint, per second and address (`endpoints`).
VENUE_ORDERS_PER_S = ENDPOINTS["place"].limit // ENDPOINTS["place"].per_seconds
# What one request costs beside the modelled service, at most, so that a burst and its cancels are
# over when the next one is due.
REQUEST_US = 500
SETTLE_MS = 20
LIVE_INTERVAL_MS = 500.0


@dataclass(slots=True, frozen=True)
class Request:
    """A run.

    Attributes:
        ways, legs: what is compared, in the order in which it is shown.
        rounds: how often each pair of them is sent, without those that warm up.
        connections: of the order path (k).
        interval_ms: between two bursts.
        distance_percent: of the orders from the best bid.
        market, seed: as given.
        receive: how the loop waits for the venue.
        service, service_us, is_tls: of the embedded venue.
        caps: with real money, or in a rehearsal of that; None on the embedded venue.
    """

    ways: tuple[Way, ...]
    legs: tuple[int, ...]
    rounds: int
    connections: int
    interval_ms: float
    distance_percent: Decimal
    market: str
    seed: int
    receive: ReceiveMode = "block"
    service: str = "serial"
    service_us: int = 0
    is_tls: bool = True
    caps: Caps | None = None

    @property
    def cells(self) -> list[Cell]:
        """Every pair of a way and a number of legs."""
        return [Cell(way, legs) for legs in self.legs for way in self.ways]

    @property
    def transport(self) -> Mode:
        """What the gateway is configured with: an order socket is opened where it is asked for."""
        return "websocket" if any(way.mode == "websocket" for way in self.ways) else "pipelined"

    def plan(self) -> list[Due]:
        """Its schedule."""
        return schedule(
            self.cells,
            self.rounds,
            interval_ms=self.interval_ms,
            orders_per_s=None if self.caps is None else self.caps.orders_per_s,
            seed=self.seed,
        )


def chosen_ways(names: list[str] | None, connections: int) -> tuple[Way, ...]:
    """The ways of these names, all where none is named.

    Raises:
        UsageError: there is no such way.
    """
    known = {way.name: way for way in ways(connections)}
    for name in names or ():
        if name not in known:
            raise UsageError(
                "bench-transport", f"there is no transport {name}", f"known: {', '.join(known)}"
            )
    return tuple(way for name, way in known.items() if not names or name in names)


def legs_of(text: str) -> tuple[int, ...]:
    """Numbers of legs, as `1,5,20`.

    Raises:
        UsageError: not that, or beyond what one bulk request carries.
    """
    try:
        numbers = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        numbers = ()
    if not numbers or not all(1 <= number <= MAX_LEGS for number in numbers):
        raise UsageError(
            "bench-legs", f"--legs was {text}", f"give numbers from 1 to {MAX_LEGS}, as 1,5,20"
        )
    return numbers


def interval_of(given_ms: float | None, legs: int, service_us: int, is_live: bool) -> float:
    """Milliseconds between two bursts: as given, or enough for the slowest way and its cancels.

    Raises:
        UsageError: it is not between a millisecond and a minute.
    """
    if given_ms is None:
        return (
            LIVE_INTERVAL_MS if is_live else SETTLE_MS + 2 * legs * (service_us + REQUEST_US) / 1e3
        )
    if not 1 <= given_ms <= 60_000:
        raise UsageError(
            "bench-interval", f"--interval-ms was {given_ms:g}", "choose from 1 to 60000"
        )
    return given_ms


def decimal_of(option: str, text: str | None) -> Decimal | None:
    """A positive number of the command line.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0:
        raise UsageError("bench-number", f"{option} was {text}", "give a positive number")
    return value


def caps_of(max_orders: int | None, max_notional: Decimal | None, rate: int | None) -> Caps:
    """The caps of a live run.

    Raises:
        UsageError: one is missing, or the rate is above the venue's.
    """
    given = {"--max-orders": max_orders, "--max-notional": max_notional, "--rate": rate}
    missing = [option for option, value in given.items() if value is None]
    if max_orders is None or max_notional is None or rate is None:
        raise UsageError(
            "bench-caps-missing",
            f"a live run has no default for {', '.join(missing)}",
            "decide how many orders, how much money resting, and how many orders a second",
        )
    if max_orders < 1:
        raise UsageError("bench-caps", f"--max-orders was {max_orders}", "give a positive number")
    if not 1 <= rate <= VENUE_ORDERS_PER_S:
        raise UsageError(
            "bench-rate",
            f"--rate was {rate}",
            f"the venue takes {VENUE_ORDERS_PER_S} placements a second from one address",
        )
    return Caps(max_orders, max_notional, rate)


def writable(option: str, file: str | None) -> Path | None:
    """The path of a file that will be written at the end.

    Raises:
        UsageError: it cannot be; better now than after minutes.
    """
    if file is None:
        return None
    path = Path(file).resolve()
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise UsageError("bench-file", f"cannot write {option} {file}", "choose another folder")
    return path
