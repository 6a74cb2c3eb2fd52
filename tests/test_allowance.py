"""What lies aside for the core is fresh, is topped up in time, and is nobody else's."""

from __future__ import annotations

import random
from typing import cast

from tests.test_presigning import keyed_engine
from whitewire._bridge import Path
from whitewire.allowance import NONCES, OFF_MS, RENEW_NS, Allowance
from whitewire.endpoints import ENDPOINTS
from whitewire.gateway import Gateway
from whitewire.protocol.nonce import MAX_LEAD_MS, NonceAllocator
from whitewire.protocol.throttle import Throttle

MS = 1_000_000
START_MS = 1_785_730_136_175


class World:
    """As much of a gateway as an allowance sees; it is its own clock and journal."""

    def __init__(self) -> None:
        self.engine = keyed_engine()
        self.path = Path(self.engine)
        self.throttle = Throttle(ENDPOINTS.values(), random.Random(1))
        self.nonces = NonceAllocator()
        self.reducing = dict[str, str]()
        self.clock = self.journal = self
        self.is_safe = True
        self.ahead_ms = 0

    def epoch_ms(self, now_ns: int) -> int:
        return START_MS + self.ahead_ms + now_ns // MS

    def placed(self, *_: object) -> None:
        raise AssertionError("nothing is placed here")


def make() -> tuple[World, Allowance]:
    world = World()
    return world, Allowance(cast(Gateway, world))


def test_nonces_are_set_aside_and_not_given_to_anybody_else() -> None:
    world, allowance = make()
    core = world.engine.allowance
    assert core.nonces_left(0) == 0
    allowance.check(0)
    assert (core.nonces_left(0), core.epoch_ms(0)) == (NONCES, START_MS)
    assert world.nonces.next(START_MS) == START_MS + NONCES


def test_what_is_old_is_replaced_and_what_is_young_stays() -> None:
    world, allowance = make()
    allowance.check(0)
    allowance.check(RENEW_NS - 1)
    assert world.nonces.last == START_MS + NONCES - 1
    allowance.check(RENEW_NS)
    assert world.nonces.last == START_MS + RENEW_NS // MS + NONCES - 1


def test_a_clock_that_was_off_replaces_them_at_once() -> None:
    world, allowance = make()
    allowance.check(0)
    world.ahead_ms = OFF_MS
    allowance.check(MS)
    assert world.nonces.last == START_MS + NONCES - 1
    world.ahead_ms = OFF_MS + 1
    allowance.check(MS)
    assert world.nonces.last == START_MS + OFF_MS + 2 + NONCES - 1
    assert world.engine.allowance.epoch_ms(MS) == world.epoch_ms(MS)


def test_they_are_topped_up_when_less_than_half_are_left_and_none_is_lost() -> None:
    world, allowance = make()
    core = world.engine.allowance
    for left in (NONCES // 2, NONCES // 2 - 1):
        core.set_nonces(1, left, 2**62)
        given = world.nonces.last
        allowance.spent(0)
        is_low = left < NONCES // 2
        assert (world.nonces.last > given) is is_low
        assert core.nonces_left(0) == left + NONCES * is_low


def test_without_nonces_those_that_are_left_stay() -> None:
    world, allowance = make()
    world.nonces.last = START_MS + MAX_LEAD_MS
    world.engine.allowance.set_nonces(1, 3, 2**62)
    allowance.check(0)
    allowance.spent(0)
    assert world.engine.allowance.nonces_left(0) == 3
