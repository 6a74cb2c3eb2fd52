"""The bounds of the venue's clock hold, and orders stop before the nonce window is in danger."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whitewire.protocol.clock import ClockState, VenueClock
from whitewire.protocol.nonce import MAX_LEAD_MS, NonceAllocator

SECOND = 1_000_000_000
EPOCH = 1_700_000_000 * SECOND
START = 5_000 * SECOND


class World:
    """This host's clocks and the venue's; times of the world are monotonic ns."""

    def __init__(self, ahead_ns: int, seed: int = 1) -> None:
        self.now = START
        self.wall_ns = EPOCH - START  # wall clock minus monotonic clock
        self.venue_ns = self.wall_ns + ahead_ns  # the venue's minus the monotonic one
        self.rng = random.Random(seed)
        self.clock = VenueClock(self.wall, self.now)

    @property
    def wall(self) -> int:
        return self.now + self.wall_ns

    def tick(self, pause_ns: int = 0) -> ClockState:
        self.now += pause_ns
        return self.clock.on_tick(self.wall, self.now)

    def ask(self, there_ns: int = 1_000_000, back_ns: int = 1_000_000) -> ClockState:
        sent = self.now
        self.now += there_ns
        stated = (self.now + self.venue_ns) // SECOND
        self.now += back_ns
        return self.clock.on_venue_time(stated, sent, self.now)

    def ask_well(self) -> ClockState:
        """A question at the moment that the clock wants."""
        self.now = max(self.now, self.clock.best_moment_ns(self.now))
        return self.ask()

    def push(self, way_ns: int) -> None:
        self.clock.on_push(self.now - way_ns + self.venue_ns, self.now)

    def holds(self) -> None:
        """The bounds contain the truth."""
        bounds = self.clock.bounds_ns(self.now)
        assert bounds is not None
        assert bounds[0] <= self.venue_ns - self.wall_ns <= bounds[1]


def test_nothing_passes_before_the_venue_was_asked() -> None:
    world = World(0)
    assert world.tick(SECOND) is ClockState.UNKNOWN
    assert not world.clock.is_safe
    assert world.clock.bounds_ns(world.now) is None
    assert "not known" in world.clock.describe(world.now)
    assert world.clock.is_due(world.now)
    world.push(0)  # a push alone is no evidence
    assert world.clock.state is ClockState.UNKNOWN
    assert world.ask() is ClockState.GOOD
    assert world.clock.is_safe


@settings(deadline=None, max_examples=200)
@given(
    ahead_ns=st.integers(-20 * SECOND, 20 * SECOND),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["ask", "ask_well", "push", "tick"]),
            st.integers(0, 30 * SECOND),
            st.integers(0, SECOND),
            st.integers(0, SECOND),
        ),
        max_size=40,
    ),
    drift_ppm=st.integers(-400, 400),
)
def test_the_bounds_hold_whatever_the_ways_and_drifts_are(
    ahead_ns: int, steps: list[tuple[str, int, int, int]], drift_ppm: int
) -> None:
    world = World(ahead_ns)
    world.ask()
    for what, pause, there, back in steps:
        world.now += pause
        world.venue_ns += pause * drift_ppm // 1_000_000
        if what == "ask":
            world.ask(there, back)
        elif what == "ask_well":
            world.ask_well()
        elif what == "push":
            world.push(there)
        else:
            world.tick()
        world.holds()
    assert world.clock.disagreements == 0


@given(ahead_ns=st.integers(-20 * SECOND, 20 * SECOND))
def test_ten_good_questions_find_the_clock_to_milliseconds(ahead_ns: int) -> None:
    world = World(ahead_ns)
    for _ in range(12):
        world.ask_well()
        world.tick(1_000_000)
    bounds = world.clock.bounds_ns(world.now)
    assert bounds is not None
    assert bounds[1] - bounds[0] < 10_000_000
    world.holds()


@settings(deadline=None)
@given(ahead_ns=st.integers(-30 * SECOND, 30 * SECOND), seed=st.integers())
def test_nonces_are_within_the_venues_window_however_wrong_our_clock_is(
    ahead_ns: int, seed: int
) -> None:
    """With the longest lead, by the first answer; the window is 5 s to both sides."""
    world = World(ahead_ns, seed)
    world.ask()
    nonces = NonceAllocator()
    for _ in range(MAX_LEAD_MS - 200):
        nonce = nonces.next(world.clock.epoch_ms(world.now))
    assert abs(nonce - (world.now + world.venue_ns) // 1_000_000) <= 5_000


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("ahead_s", "state"),
    [
        (0.1, ClockState.GOOD),
        (0.4, ClockState.OFF),
        (1.9, ClockState.OFF),
        (2.6, ClockState.UNSAFE),
        (3.9, ClockState.UNSAFE),
        (4.2, ClockState.LOST),
        (3600.0, ClockState.LOST),
    ],
)
def test_the_verdict_by_distance(ahead_s: float, state: ClockState, sign: int) -> None:
    world = World(round(sign * ahead_s * 1e9))
    for _ in range(10):
        world.ask_well()
        world.tick(1_000_000)
    assert world.clock.state is state
    assert world.clock.is_safe is (state in (ClockState.GOOD, ClockState.OFF))


def test_a_doubtful_clock_is_refused_and_only_a_proven_one_halts() -> None:
    """One answer leaves a second open: 3.5 s may be 4.5, which stops placing but not more."""
    for thousandth in range(0, 1000, 50):
        world = World(3 * SECOND + SECOND // 2)
        world.now += thousandth * 1_000_000
        assert world.ask() is ClockState.UNSAFE


def test_it_is_safe_again_only_with_a_margin() -> None:
    world = World(0)
    for _ in range(10):
        world.ask_well()
        world.tick(1_000_000)
    states = []
    for ahead_ms in (2_300, 2_600, 2_300, 1_900):
        world.wall_ns = world.venue_ns - ahead_ms * 1_000_000
        world.tick(1_000_000)
        for _ in range(10):
            world.ask_well()
        states.append(world.clock.is_safe)
    assert states == [True, False, False, True]


@pytest.mark.parametrize("step_s", [-3600, -3, 3, 3600])
def test_a_step_of_our_clock_is_noticed_and_moves_no_nonce(step_s: int) -> None:
    world = World(0)
    for _ in range(10):
        world.ask_well()
        world.tick(1_000_000)
    assert not world.clock.is_due(world.now)
    world.wall_ns += step_s * SECOND
    before = world.clock.epoch_ms(world.now)
    assert world.tick() in (ClockState.UNSAFE, ClockState.LOST)
    assert world.clock.steps == 1
    assert world.clock.is_due(world.now)
    assert world.clock.best_moment_ns(world.now) == world.now  # at once
    assert world.clock.epoch_ms(world.now) == before
    world.ask()
    world.holds()
    assert abs(world.clock.epoch_ms(world.now) - (world.now + world.venue_ns) // 10**6) <= 10
    world.wall_ns -= step_s * SECOND  # set right again
    assert world.tick() is (ClockState.GOOD if step_s > 0 else ClockState.UNSAFE)
    assert world.ask() is ClockState.GOOD  # forward it might have been sleep
    assert world.clock.steps == 2


def test_a_host_that_slept_is_found_by_the_next_answer() -> None:
    """The monotonic clock stood still, so our wall clock and the venue's both went ahead of it."""
    world = World(0)
    for _ in range(10):
        world.ask_well()
        world.tick(1_000_000)
    world.wall_ns += 60 * SECOND
    world.venue_ns += 60 * SECOND
    world.tick()
    assert not world.clock.is_safe
    world.ask()
    world.holds()
    assert world.clock.is_safe
    assert world.clock.epoch_ms(world.now) == world.wall // 1_000_000


def test_a_slewed_clock_is_followed() -> None:
    world = World(0)
    world.ask()
    for _ in range(600):
        world.wall_ns += 50_000
        world.tick(100_000_000)
    assert world.clock.steps == 0
    assert world.clock.epoch_ms(world.now) == world.wall // 1_000_000


def test_a_venue_that_sets_its_clock_is_believed() -> None:
    world = World(0)
    world.ask()
    world.venue_ns += 6 * SECOND
    assert world.ask() is ClockState.UNSAFE  # at once, but it may be a freak
    assert world.clock.is_due(world.now)
    assert world.ask() is ClockState.LOST
    world.holds()
    world.venue_ns -= 6 * SECOND
    assert world.ask() is ClockState.LOST
    assert world.ask() is ClockState.GOOD


@pytest.mark.parametrize("by_s", [-30, 30])
def test_a_freak_answer_stops_for_a_moment_and_moves_nothing(by_s: int) -> None:
    world = World(0)
    world.ask()
    before = world.clock.epoch_ms(world.now)
    sent = world.now
    world.now += 1_000_000
    stated = (world.now + world.venue_ns) // SECOND + by_s
    assert world.clock.on_venue_time(stated, sent, world.now) is ClockState.UNSAFE
    assert world.clock.epoch_ms(world.now) - before <= 1
    assert world.ask() is ClockState.GOOD
    world.holds()


def test_pushes_narrow_from_below_and_are_ignored_where_they_contradict() -> None:
    world = World(0)
    world.now += 500_000_000
    world.ask()
    world.push(40_000_000)
    bounds = world.clock.bounds_ns(world.now)
    assert bounds is not None
    assert bounds[0] == -40_000_000
    for way in (90_000_000, 3_000_000, 50_000_000):
        world.push(way)
    assert world.clock.bounds_ns(world.now) == (-3_000_000, bounds[1])  # the shortest way counts
    world.clock.on_push(world.now + world.venue_ns + 5 * SECOND, world.now)
    assert world.clock.disagreements == 1
    assert world.clock.bounds_ns(world.now) == (-3_000_000, bounds[1])


def test_an_answer_that_took_seconds_is_worth_nothing() -> None:
    world = World(0)
    world.ask(1_500_000_000, 1_500_000_000)
    assert world.clock.state is ClockState.UNKNOWN


def test_it_asks_often_until_it_knows_and_seldom_then() -> None:
    world, asked = World(0), 0
    while world.now < START + 120 * SECOND:
        world.tick(100_000_000)
        if world.clock.is_due(world.now):
            world.clock.asked(world.now)
            world.ask_well()
            asked += 1
    assert 8 <= asked <= 20


def test_evidence_grows_old() -> None:
    world = World(0)
    world.ask()
    assert world.tick(600 * SECOND) is ClockState.GOOD
    assert world.tick(9_000 * SECOND) is ClockState.UNSAFE
