"""Misbehaviour on request: the armed faults, and which of them an occasion sets off.

Owns: what is armed, since when, for how long and for how many more times. Must not know: how a
fault is carried out (the module that calls `take` or `holds` does that). Invariant: a fault that
is armed for n times strikes exactly the first n occasions that match it while it is armed; with
the same seed and the same occasions, chance strikes the same ones.

To add a fault: give it a row in `kinds.FAULTS`, and call `take` where it happens.

Triggers, which combine:

* F1  `times`: the next so many occasions. One, unless something else bounds the fault.
* F2  `probability`: each occasion is struck with this chance, drawn from the seed.
* F3  `at`: armed from this moment on, in seconds of venue time since the venue was made.
* F4  `seconds`: armed for so long, in venue time, from `at` or from now.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from whitewire.venue.faults.kinds import FAULTS, FaultKind, FaultValue, Strikes, check

__all__ = ["FAULTS", "Fault", "FaultTable", "FaultValue"]


@dataclass(slots=True)
class Fault:
    """One armed fault.

    Attributes:
        name: its row in `FAULTS`.
        remaining: how often it will still strike; infinity where only time bounds it.
        probability: chance of each matching occasion.
        starts: venue time from which it is armed, epoch seconds.
        ends: venue time at which it is over, epoch seconds.
        values: its arguments, defaults filled in.
        facts: what an occasion must look like to set it off; empty for any.
    """

    name: str
    remaining: float
    probability: float
    starts: float
    ends: float
    values: dict[str, FaultValue]
    facts: dict[str, str]


class FaultTable:
    """Armed faults, oldest first.

    Attributes:
        struck: how many occasions each fault has struck, by name.
    """

    def __init__(self, clock: Callable[[], float] = time.time, seed: int = 1) -> None:
        """Arms nothing yet.

        Args:
            clock: the venue's time, epoch seconds; `at` counts from now.
            seed: of the chances.
        """
        self._clock = clock
        self._made = clock()
        self._random = random.Random(f"faults:{seed}")
        self._armed: list[Fault] = []
        self.struck: Counter[str] = Counter()

    def arm(
        self,
        /,
        name: str,
        times: int | None = None,
        *,
        probability: float | None = None,
        at: float | None = None,
        seconds: float | None = None,
        **args: FaultValue,
    ) -> None:
        """Arms a fault.

        Args:
            name: a row of `FAULTS`.
            times: how many matching occasions it strikes, at least 1 (F1).
            probability: chance of each matching occasion, above 0 and at most 1 (F2).
            at: seconds of venue time since the venue was made; now, where it is not given (F3).
            seconds: how long it stays armed (F4).
            args: the fault's own arguments, and the facts that narrow it.

        Raises:
            ValueError: an unknown name or argument, or a trigger that makes no sense.
        """
        kind = check(name, args)
        _check_triggers(name, kind, times, probability, at, seconds)
        if times is None and probability is None and seconds is None:
            seconds = kind.lasts_s
        bounded = times is not None or (probability is None and seconds is None)
        starts = self._clock() if at is None else self._made + at
        self._armed.append(
            Fault(
                name=name,
                remaining=(times or 1) if bounded else math.inf,
                probability=1.0 if probability is None else probability,
                starts=starts,
                ends=math.inf if seconds is None else starts + seconds,
                values={key: args.get(key, default) for key, default in kind.values.items()},
                facts={key: str(value) for key, value in args.items() if key in kind.facts},
            )
        )

    @property
    def are_armed(self) -> bool:
        """Whether there is any at all; while there is none, nothing need be asked for."""
        return bool(self._armed)

    def take(self, name: str, **facts: str) -> Fault | None:
        """Sets off the oldest armed fault of this name that matches the occasion, if any."""
        for fault in self._live(name):
            if fault.facts.items() <= facts.items() and self._strikes(fault):
                fault.remaining -= 1
                self.struck[name] += 1
                if fault.remaining == 0:
                    self._armed.remove(fault)
                return fault
        return None

    def holds(self, name: str) -> Fault | None:
        """The newest fault of this name that is in force; asking changes nothing."""
        return next(reversed(self._live(name)), None)

    def next_change(self) -> float | None:
        """When a fault that is waiting for its moment comes due, epoch seconds; None if none is."""
        now = self._clock() if self._armed else 0.0
        return min((fault.starts for fault in self._armed if fault.starts > now), default=None)

    def _strikes(self, fault: Fault) -> bool:
        return fault.probability >= 1 or self._random.random() < fault.probability  # F2

    def _live(self, name: str) -> list[Fault]:
        """Faults of a name that are armed at this moment; forgets all that are over (F3, F4)."""
        if not self._armed:
            return []
        now = self._clock()
        if any(fault.ends <= now for fault in self._armed):
            self._armed = [fault for fault in self._armed if fault.ends > now]
        return [fault for fault in self._armed if fault.name == name and fault.starts <= now]


def _check_triggers(
    name: str,
    kind: FaultKind,
    times: object,
    probability: object,
    at: object,
    seconds: object,
) -> None:
    """Refuses triggers that make no sense, for this fault or at all.

    Raises:
        ValueError: says which.
    """
    if times is not None and (type(times) is not int or times < 1):
        raise ValueError(f"times of fault {name!r} was {times!r}, and is a number from 1")
    for label, value in (("probability", probability), ("at", at), ("seconds", seconds)):
        if value is None:
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        least = 0 if label == "at" else math.ulp(0.0)
        most = 1.0 if label == "probability" else 1e9
        if not is_number or not least <= value <= most:  # type: ignore[operator]
            raise ValueError(f"{label} of fault {name!r} was {value!r}")
    is_counted = times is not None or probability is not None
    if kind.strikes is Strikes.STATE and is_counted:
        raise ValueError(f"fault {name!r} lasts; it takes at and seconds")
    if kind.strikes is Strikes.ONCE and (is_counted or seconds is not None):
        raise ValueError(f"fault {name!r} happens once; it takes at")
