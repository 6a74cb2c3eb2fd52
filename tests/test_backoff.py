"""Waits between attempts."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from whitewire.protocol.backoff import Backoff

SECOND = 1_000_000_000


@given(seed=st.integers(), attempts=st.integers(1, 40))
def test_waits_double_up_to_the_cap_and_never_fall_below_their_half(
    seed: int, attempts: int
) -> None:
    backoff = Backoff(random.Random(seed))
    for attempt in range(attempts):
        full = min(SECOND << attempt, 30 * SECOND)
        assert full // 2 <= backoff.next_ns() <= full


def test_success_starts_again() -> None:
    backoff = Backoff(random.Random(1))
    for _ in range(9):
        backoff.next_ns()
    backoff.reset()
    assert backoff.next_ns() <= SECOND


def test_two_clients_wait_differently_and_the_same_seed_alike() -> None:
    waits = [[Backoff(random.Random(seed)).next_ns() for _ in range(3)] for seed in (1, 1, 2)]
    assert waits[0] == waits[1] != waits[2]


def test_first_wait_and_cap_are_configurable() -> None:
    backoff = Backoff(random.Random(3), first_ns=100, cap_ns=250)
    waits = [backoff.next_ns() for _ in range(20)]
    assert 50 <= waits[0] <= 100
    assert all(125 <= wait <= 250 for wait in waits[2:])
