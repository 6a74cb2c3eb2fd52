"""Runs of `bench acks` that never happened, for tests of what is made of one."""

from __future__ import annotations

import copy
import functools
import random
from decimal import Decimal
from typing import Any

from whitewire.bench.burst import Leg, Outcome
from whitewire.bench.desk import Found
from whitewire.bench.options import Request
from whitewire.bench.plan import Due, ways
from whitewire.bench.summary import summarize

ENDPOINT = {"kind": "embedded", "words": "embedded venue, 200 µs for each order <serial>"}


def request(legs: tuple[int, ...] = (1, 5, 20), rounds: int = 30) -> Request:
    """A run of every way."""
    return Request(
        ways=tuple(ways(4)),
        legs=legs,
        rounds=rounds,
        connections=4,
        interval_ms=50.0,
        distance_percent=Decimal(10),
        market="BTC_USDT",
        seed=1,
    )


def found(asked: Request, service_us: int = 200) -> Found:
    """What an endpoint that serves one connection's orders one by one would answer."""
    dice = random.Random(3)
    run = Found(amount=Decimal("0.0001"), best_bid=Decimal("60123.4"))
    run.is_clean, run.is_whole, run.resting = True, True, 0
    for due in asked.plan():
        # so much slower is the host in this burst
        slow = 4.0 if dice.random() < 0.05 else dice.uniform(1, 1.2)
        legs = tuple(
            Leg(int(ack * 1000 * slow), dice.randint(-20_000, 90_000))
            for ack in acks_us(due, service_us, dice.randint(90, 130))
        )
        run.outcomes.append(Outcome(due, 30_000, legs, False))
        run.placed += len(legs)
    return run


def acks_us(due: Due, service_us: int, trip_us: int) -> list[int]:
    """When each leg of a burst is answered, µs, with so much time on the way."""
    way, legs = due.cell
    if way.mode == "bulk":
        return [trip_us + service_us * legs] * legs
    if way.is_sequential:
        return [(trip_us + service_us) * (leg + 1) for leg in range(legs)]
    return [trip_us + service_us * (leg // way.connections + 1) for leg in range(legs)]


def data(legs: tuple[int, ...] = (1, 5, 20), rounds: int = 30) -> dict[str, Any]:
    """The figures of such a run, with everything that the command adds; a copy of one's own."""
    return copy.deepcopy(_data(legs, rounds))


@functools.cache
def _data(legs: tuple[int, ...], rounds: int) -> dict[str, Any]:
    asked = request(legs, rounds)
    machine = {"when": "2026-11-25 12:00 UTC", "command": "whitewire bench acks --html 'a<b.html'"}
    return {**summarize(asked, found(asked)), "endpoint": ENDPOINT, "machine": machine}
