"""When our position and the venue's differ, and what that means."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from whitewire.protocol.position_watch import (
    ADOPT_NS,
    ALARM_NS,
    CADENCE_NS,
    SILENCE_NS,
    PositionWatch,
    Silence,
    Verdict,
)

SECOND = 1_000_000_000
V = Verdict


def judged(watch: PositionWatch, theirs: int, at_s: float, is_settled: bool = True) -> Verdict:
    return watch.compare(Decimal(theirs), is_settled, int(at_s * SECOND))


def test_a_difference_becomes_an_alarm_and_then_the_venues_word() -> None:
    watch = PositionWatch()
    said = [judged(watch, 1, second) for second in range(10)]
    assert said == [V.DIFFERS] * 4 + [V.ALARM] + [V.DIFFERS] * 3 + [V.TAKE_OVER] * 2
    assert watch.is_alarmed
    watch.held(Decimal(1), 10 * SECOND)
    assert judged(watch, 1, 10) is V.AGREES
    assert not watch.is_alarmed


def test_nothing_is_taken_over_while_our_orders_are_in_doubt() -> None:
    watch = PositionWatch()
    said = {judged(watch, 1, second, is_settled=False) for second in range(60)}
    assert said == {V.DIFFERS, V.ALARM}
    assert judged(watch, 1, 60) is V.TAKE_OVER


def test_an_agreement_in_between_begins_anew() -> None:
    watch = PositionWatch()
    for second in range(0, 40, 2):
        assert judged(watch, 1, second) is V.DIFFERS
        assert judged(watch, 0, second + 1) is V.AGREES


def test_what_we_held_within_the_cadence_agrees_and_later_it_does_not() -> None:
    watch = PositionWatch()
    watch.held(Decimal(1), 10 * SECOND)
    watch.held(Decimal(2), 11 * SECOND)
    assert judged(watch, 0, 11.5) is V.AGREES
    assert judged(watch, 1, 12.4) is V.AGREES
    assert judged(watch, 0, 12.4) is V.DIFFERS
    assert judged(watch, 1, 12.6) is V.DIFFERS


@given(
    st.lists(
        st.tuples(st.integers(0, 2 * SECOND), st.integers(-2, 2), st.integers(-2, 2)), max_size=40
    )
)
def test_it_agrees_exactly_with_the_slow_way(rows: list[tuple[int, int, int]]) -> None:
    """The slow way keeps every interval in which an amount was held, for ever."""
    watch = PositionWatch()
    now, ours = 0, 0
    intervals: list[tuple[int, int]] = []  # amount, end
    since: int | None = None
    alarmed: int | None = None
    for step_ns, amount, theirs in rows:
        now += step_ns
        if amount != ours:
            intervals.append((ours, now))
            ours = amount
        watch.held(Decimal(amount), now)
        said = watch.compare(Decimal(theirs), True, now)
        recent = {held for held, end in intervals if now - end <= CADENCE_NS} | {ours}
        if theirs in recent:
            since = alarmed = None
            assert said is V.AGREES
        elif since is None:
            since = now
            assert said is V.DIFFERS
        elif alarmed is None:
            is_late = now - since > ALARM_NS
            assert said is (V.ALARM if is_late else V.DIFFERS)
            alarmed = now if is_late else None
        else:
            assert said is (V.TAKE_OVER if now - alarmed > ADOPT_NS else V.DIFFERS)


def test_silence_is_told_once_until_it_ends() -> None:
    silence = Silence()
    assert not silence.check(False, 0)
    assert not silence.check(True, SECOND)
    assert not silence.check(True, SECOND + SILENCE_NS)
    assert silence.check(True, SECOND + SILENCE_NS + 1)
    assert not silence.check(True, 100 * SECOND)
    silence.heard(101 * SECOND)
    assert not silence.check(True, 101 * SECOND + SILENCE_NS)
    assert silence.check(True, 102 * SECOND + SILENCE_NS)
    assert not silence.check(False, 200 * SECOND)
    assert not silence.check(True, 201 * SECOND)
