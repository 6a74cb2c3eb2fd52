"""How the venue's clock stands to ours, between bounds, and whether orders may rely on it.

Owns: the bounds, the time that nonces are made from, and the verdict on this host's clock. Must
not know: how time is read or the venue asked. Invariant: the bounds hold for every venue clock that
the evidence allows; without evidence, and in doubt, no placement passes. Cancels are never stopped.

Rules
-----
1. Everything is held against the monotonic clock, which nobody sets: what is known is `base`, the
   venue's epoch time minus monotonic time, between `low` and `high`. A step of this host's wall
   clock moves neither, nor the nonces.
2. The venue states whole seconds. Stated S between `sent` and `received`, its clock read S to S + 1
   somewhere in between: `S - received <= base <= S + 1 - sent`. A question that arrives when the
   middle of the bounds turns a second halves them.
3. Pushes carry the time of sending in microseconds, and travel for an unknown while. They are a
   lower bound (`event - received`), best where the way was shortest. But their clock is another
   machine's; REST's is the one that holds the nonces, so where they disagree the push is ignored.
4. Clocks drift: bounds widen by 500 ppm of their age, the most that a kernel slews a clock.
5. An answer that excludes what was known stops placements, and is believed when the next one
   agrees with it: a clock was set. Otherwise it was a freak, such as a cached answer.
6. The nonces' clock is this host's own, as it read before any step, as long as the bounds allow;
   otherwise the middle of the bounds. So nonces are right while this host's clock is wrong, and
   cancels pass.
7. Placements stop when this host's clock may be 2.5 s away from the venue's, and go on when it is
   surely within 2 s: half of the window is left to nonces that run ahead (`protocol.nonce`), to the
   way and to the bounds. Proven to be 4 s away, the host cannot be relied on at all: halt.
8. This host's wall clock and monotonic clock part by more than 50 ms between two looks: one was
   stepped, or the host slept. Asleep the monotonic clock stands still, so the upper bound rises by
   a step forward; the venue is asked at once.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ClockState", "VenueClock"]

_SECOND_NS = 1_000_000_000
_DRIFT_PPM = 500
_STEP_NS = 50_000_000
_WARN_NS = 250_000_000
_REFUSE_NS = 2_500_000_000
_RESUME_NS = 2_000_000_000
_HALT_NS = 4_000_000_000
# An answer that took longer says less than is known before.
_SLOWEST_NS = 2 * _SECOND_NS
_COARSE_NS = 100_000_000
_OFTEN_NS, _SELDOM_NS = _SECOND_NS, 15 * _SECOND_NS


class ClockState(StrEnum):
    """What may be done: all in GOOD and OFF (worth a warning), only cancels in the others."""

    UNKNOWN = "unknown"
    GOOD = "good"
    OFF = "off"
    UNSAFE = "unsafe"
    LOST = "lost"


class VenueClock:
    """See the module's documentation.

    Args:
        wall_ns: this host's wall clock, epoch ns.
        now_ns: monotonic ns, read at the same time.

    Attributes:
        state: the verdict of the last `on_tick` or answer.
        is_safe: whether placements may pass.
        steps: how often this host's clock was stepped.
        disagreements: pushes that were ignored by rule 3.
    """

    def __init__(self, wall_ns: int, now_ns: int) -> None:
        self.state = ClockState.UNKNOWN
        self.is_safe = False
        self.steps = 0
        self.disagreements = 0
        self._wall_ns = wall_ns - now_ns  # this host's own idea of `base`
        self._own_ns = self._wall_ns  # the same as it was before any step
        self._base_ns = self._wall_ns
        self._low: tuple[int, int] | None = None  # bound and when it was found
        self._high: tuple[int, int] | None = None
        self._doubt: tuple[int, int] | None = None  # bounds of an answer that waits to be confirmed
        self._way_ns = 0
        self._next_ns = now_ns

    def epoch_ms(self, now_ns: int) -> int:
        """The time to make a nonce from, Unix milliseconds (rule 6)."""
        return (now_ns + self._base_ns) // 1_000_000

    def bounds_ns(self, now_ns: int) -> tuple[int, int] | None:
        """How far the venue's clock is ahead of this host's, least and most; None if unknown."""
        if self._low is None or self._high is None:
            return None
        low, high = self._bounds(self._low, self._high, now_ns)
        return low - self._wall_ns, high - self._wall_ns

    def describe(self, now_ns: int) -> str:
        """The same in words."""
        bounds = self.bounds_ns(now_ns)
        if bounds is None:
            return "the venue's clock is not known"
        low, high = bounds
        return f"the venue's clock is {low / 1e9:+.3f} to {high / 1e9:+.3f} s ahead of this host's"

    # ---- evidence ---------------------------------------------------------------------------

    def on_tick(self, wall_ns: int, now_ns: int) -> ClockState:
        """Looks at this host's clocks (rule 8) and judges anew; call about ten times a second."""
        wall_base = wall_ns - now_ns
        moved = wall_base - self._wall_ns
        self._wall_ns = wall_base
        if abs(moved) <= _STEP_NS:
            self._own_ns += moved
        else:
            self.steps += 1
            if moved > 0 and self._high is not None:
                bound, found_ns = self._high
                self._high = (bound + moved, found_ns)
            self.suspect()
        return self._judge(now_ns)

    def on_venue_time(self, seconds: int, sent_ns: int, received_ns: int) -> ClockState:
        """The venue stated its time; monotonic ns around the question (rules 2 and 5)."""
        if received_ns - sent_ns > _SLOWEST_NS:
            return self._judge(received_ns)
        stated_ns = seconds * _SECOND_NS
        low, high = stated_ns - received_ns, stated_ns + _SECOND_NS - sent_ns
        self._way_ns = (received_ns - sent_ns) // 2
        if self._low is not None and self._high is not None:
            known_low, known_high = self._bounds(self._low, self._high, received_ns)
            if low <= known_high and known_low <= high:
                low, high = max(low, known_low), min(high, known_high)
            elif self._doubt is None or low > self._doubt[1] or high < self._doubt[0]:
                self._doubt = (low, high)
                self.suspect()
                return self._judge(received_ns)
        self._doubt = None
        self._low, self._high = (low, received_ns), (high, received_ns)
        is_coarse = high - low > 2 * self._way_ns + _COARSE_NS
        self._next_ns = received_ns + (_OFTEN_NS if is_coarse else _SELDOM_NS)
        return self._judge(received_ns)

    def on_push(self, event_ns: int, received_ns: int) -> None:
        """A push that left the venue at `event_ns`, epoch, came at `received_ns` (rule 3)."""
        if self._low is None or self._high is None:
            return
        low, high = self._bounds(self._low, self._high, received_ns)
        bound = event_ns - received_ns
        if bound > high:
            self.disagreements += 1
        elif bound > low:
            self._low = (bound, received_ns)

    def suspect(self) -> None:
        """Something contradicts what is known: ask the venue at the next occasion."""
        self._next_ns = 0

    # ---- questions --------------------------------------------------------------------------

    def is_due(self, now_ns: int) -> bool:
        """Whether the venue should be asked for its time."""
        return now_ns >= self._next_ns

    def asked(self, now_ns: int) -> None:
        """The venue is being asked; should no answer come, not again within a second."""
        self._next_ns = now_ns + _OFTEN_NS

    def best_moment_ns(self, now_ns: int) -> int:
        """When to ask, within a second from now, so that the answer tells most (rule 2)."""
        if self._low is None or self._high is None or self._next_ns == 0:
            return now_ns
        low, high = self._bounds(self._low, self._high, now_ns)
        arrives_ns = now_ns + self._way_ns + (low + high) // 2
        return now_ns + -arrives_ns % _SECOND_NS

    # ---- verdict ----------------------------------------------------------------------------

    @staticmethod
    def _bounds(low: tuple[int, int], high: tuple[int, int], now_ns: int) -> tuple[int, int]:
        """What is known now (rule 4)."""
        wider_low = -(-max(now_ns - low[1], 0) * _DRIFT_PPM // 1_000_000)
        wider_high = -(-max(now_ns - high[1], 0) * _DRIFT_PPM // 1_000_000)
        return low[0] - wider_low, high[0] + wider_high

    def _judge(self, now_ns: int) -> ClockState:
        if self._low is not None and self._high is not None:
            low, high = self._bounds(self._low, self._high, now_ns)
            if low <= self._wall_ns <= high and not low <= self._own_ns <= high:
                self._own_ns = self._wall_ns  # it was set right
            is_own_right = low <= self._own_ns <= high
            self._base_ns = self._own_ns if is_own_right else (low + high) // 2
            least, most = low - self._wall_ns, high - self._wall_ns
            self.state = _verdict(least, most, self.is_safe)
            if self._doubt is not None and self.state is not ClockState.LOST:
                self.state = ClockState.UNSAFE
        self.is_safe = self.state in (ClockState.GOOD, ClockState.OFF)
        return self.state


def _verdict(least_ns: int, most_ns: int, was_safe: bool) -> ClockState:
    """The verdict on bounds of the offset (rule 7)."""
    worst = max(abs(least_ns), abs(most_ns))
    proven = max(least_ns, -most_ns, 0)
    if proven > _HALT_NS:
        return ClockState.LOST
    if worst > (_REFUSE_NS if was_safe else _RESUME_NS):
        return ClockState.UNSAFE
    return ClockState.OFF if proven > _WARN_NS else ClockState.GOOD
