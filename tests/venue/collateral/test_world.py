"""Anything may happen, in any order: money, margins, groups and books stay what they must be."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from decimal import Decimal, getcontext, localcontext
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venue.collateral.commands import COMMANDS, drawn, run
from tests.venue.collateral.profile import examples
from tests.venue.collateral.world import Draw, World
from tests.venue.desk import MARKET, PERP
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.events import PositionEvent
from whitewire.venue.values.model import Status

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
from tests.venue.collateral.test_world import digest
print(digest(5, 150))
"""

draws = st.tuples(
    st.integers(0, len(COMMANDS) - 1),
    st.integers(0, 3),
    st.integers(0, 1),
    st.integers(0, 24),
    st.integers(1, 12),
    st.integers(0, 255),
)


def story(seed: int, length: int, options: ExchangeOptions | None = None) -> World:
    """A world that has lived through random commands."""
    source, world = random.Random(seed), World(options)
    for _ in range(length):
        run(world, drawn(source))
    world.check_end()
    return world


@cache
def finished(seed: int) -> World:
    """A long story that was told already."""
    return story(seed, 150)


def digest(seed: int, length: int) -> str:
    """Of everything that a story's venue has said."""
    text = "\n".join(map(repr, story(seed, length).desk.events))
    return hashlib.sha256(text.encode()).hexdigest()


@given(st.lists(draws, min_size=15, max_size=50))
@examples(60)
def test_whatever_is_commanded_everything_holds(commands: list[Draw]) -> None:
    world = World()
    for command in commands:
        run(world, command)
    world.check_end()


@pytest.mark.parametrize("seed", range(16))
def test_long_stories_hold_too(seed: int) -> None:
    finished(seed)


@pytest.mark.parametrize(
    "options",
    [
        ExchangeOptions(activation_by_last_price=True, client_id_unique_per_account=True),
        ExchangeOptions(taker_band_percent=Decimal(1), deals_before_orders=False),
        ExchangeOptions(truncate_fees=True, maintenance_percent=Decimal(5)),
        ExchangeOptions(price_band_percent=Decimal(12), funding_interval_min=1),
    ],
)
def test_they_hold_under_other_options(options: ExchangeOptions) -> None:
    for seed in (1, 2):
        story(seed, 120, options)


def test_they_hold_beside_simulated_traders() -> None:
    options = ExchangeOptions(traded_markets=(PERP, MARKET), funding_interval_min=1)
    story(3, 60, options)


def test_the_stories_have_everything_in_them() -> None:
    """So that the properties above say something."""
    statuses: set[Status] = set()
    calls = 0
    for seed in range(16):
        world = finished(seed)
        statuses |= {order.status for order in world.orders.values()}
        calls += sum(isinstance(event, PositionEvent) for event in world.desk.events)
    assert statuses >= set(Status) - {Status.NEW, Status.CANCELED_TAKER_BAND} - {
        Status.AUTO_CANCELED_USER_MARGIN
    }
    assert calls >= 3


def test_the_same_commands_give_the_same_events_to_the_byte_in_every_process() -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = (run.communicate(timeout=60)[0] for run in runs)
    assert [run.returncode for run in runs] == [0, 0]
    assert first == second == digest(5, 150) + "\n"


def test_nothing_depends_on_the_threads_decimal_context() -> None:
    expected = [repr(event) for event in events(7)]
    with localcontext() as context:
        context.prec = 4
        found = events(7)
        assert getcontext().prec == 4
    assert [repr(event) for event in found] == expected


def events(seed: int) -> list[object]:
    """What a story says, without the checks, which calculate in the thread's context."""
    source, world = random.Random(seed), quiet_world()
    for _ in range(150):
        run(world, drawn(source))
    return list(world.desk.events)


class _Unchecked(World):
    """A world that is not looked at."""

    def check(self) -> None:
        """Nothing."""

    def totals(self) -> dict[str, Decimal]:
        """Nothing."""
        return {}


def quiet_world() -> World:
    with localcontext() as context:
        context.prec = 28
        return _Unchecked()
