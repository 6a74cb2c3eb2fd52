"""The dead-man timers: every pair of the table, the rules, and a venue that may lose anything."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.order_desk import typed
from whitewire.errors import UsageError
from whitewire.protocol.kill_switch import (
    Action,
    Alarm,
    Arm,
    Disarm,
    KillSwitch,
    SwitchInput,
    SwitchState,
    Verify,
    next_switch_state,
)

S, C = SwitchState, SwitchInput
SECOND = 1_000_000_000
M = "BTC_USDT"
ARM = Arm(M, 60)

MOVES = {
    (S.DISARMED, C.ARM): S.ARMING,
    (S.DISARMING, C.ARM): S.ARMING,
    (S.ARMING, C.ACKED): S.ARMED,
    (S.LATE, C.ACKED): S.ARMED,
    (S.FIRED, C.ACKED): S.ARMED,
    (S.ARMED, C.FAILED): S.LATE,
    (S.ARMED, C.STALE): S.LATE,
    (S.ARMED, C.MISSING): S.LATE,
    (S.ARMED, C.EXPIRED): S.FIRED,
    (S.LATE, C.EXPIRED): S.FIRED,
    (S.DISARMING, C.EXPIRED): S.DISARMED,
    (S.DISARMING, C.DISARMED): S.DISARMED,
    **{(s, C.DISARM): S.DISARMING for s in (S.ARMING, S.ARMED, S.LATE, S.FIRED)},
}


@pytest.mark.parametrize(("state", "cause"), list(itertools.product(S, C)))
def test_every_pair_moves_as_the_theory_says_or_not_at_all(
    state: SwitchState, cause: SwitchInput
) -> None:
    assert next_switch_state(state, cause) is MOVES.get((state, cause), state)


def armed(now_ns: int = 0) -> KillSwitch:
    switch = KillSwitch(60)
    switch.arm(M, now_ns)
    switch.on_ack(M, now_ns, now_ns + 1)
    return switch


def alarms(actions: list[Action]) -> list[SwitchState]:
    return [action.state for action in actions if isinstance(action, Alarm)]


@pytest.mark.parametrize("timeout_s", [4, 601, 0, -1])
def test_only_timeouts_that_the_venue_takes(timeout_s: int) -> None:
    with pytest.raises(UsageError):
        KillSwitch(timeout_s)


def test_arming_is_acknowledged_and_verified_before_quoting() -> None:
    switch = KillSwitch(60)
    assert not switch.may_quote(M, 0)
    assert typed(switch.arm(M, 0)) == typed([ARM])
    assert switch.arm(M, 1) == []
    assert switch.state(M) is S.ARMING
    assert not switch.may_quote(M, 1)
    assert typed(switch.on_ack(M, 0, 5)) == typed([Verify(M)])
    assert switch.may_quote(M, 5)


def test_it_is_renewed_every_quarter() -> None:
    switch = armed()
    assert switch.on_timer(15 * SECOND - 1) == []
    assert typed(switch.on_timer(15 * SECOND)) == typed([ARM])
    assert switch.on_timer(16 * SECOND) == []  # one request in flight
    assert switch.on_ack(M, 15 * SECOND, 16 * SECOND) == []
    assert switch.on_timer(30 * SECOND - 1) == []
    assert typed(switch.on_timer(30 * SECOND)) == typed([ARM])


def test_quoting_ends_a_margin_before_the_timer_can_fire() -> None:
    switch = armed()
    edge = 60 * SECOND - 60 * SECOND // 8
    assert switch.may_quote(M, edge - 1)
    assert not switch.may_quote(M, edge)
    switch.on_timer(15 * SECOND)
    assert alarms(switch.on_timer(edge)) == [S.LATE]
    assert alarms(switch.on_timer(60 * SECOND)) == [S.FIRED]


def test_a_failed_renewal_is_repeated_at_once_then_late() -> None:
    switch = armed()
    switch.on_timer(15 * SECOND)
    assert typed(switch.on_failed(M, "status 503", 16 * SECOND)) == typed([ARM])
    assert switch.may_quote(M, 16 * SECOND)
    assert alarms(switch.on_failed(M, "status 503", 17 * SECOND)) == [S.LATE]
    assert not switch.may_quote(M, 17 * SECOND)
    assert typed(switch.on_timer(17 * SECOND)) == typed([ARM])
    assert switch.on_failed(M, "status 503", 17 * SECOND) == []
    assert typed(switch.on_timer(18 * SECOND)) == typed([ARM])
    assert typed(switch.on_ack(M, 18 * SECOND, 19 * SECOND)) == typed([Verify(M)])
    assert switch.may_quote(M, 19 * SECOND)


def test_after_firing_only_a_new_timer_allows_quoting() -> None:
    switch = armed()
    switch.on_timer(15 * SECOND)
    switch.on_timer(61 * SECOND)
    assert switch.state(M) is S.FIRED
    switch.on_failed(M, "lost", 62 * SECOND)
    assert typed(switch.on_ack(M, 62 * SECOND, 63 * SECOND)) == typed([Verify(M)])
    assert switch.may_quote(M, 63 * SECOND)


def test_an_acknowledgement_that_comes_too_late_is_renewed_not_trusted() -> None:
    switch = KillSwitch(5)
    switch.arm(M, 0)
    assert typed(switch.on_ack(M, 0, 4 * SECOND)) == typed([Arm(M, 5)])
    assert not switch.may_quote(M, 4 * SECOND)


def test_a_timer_that_the_venue_does_not_show_is_not_there() -> None:
    switch = armed()
    assert switch.on_status({M}, 10, 11) == []
    actions = switch.on_status(set(), 10, 11)
    assert alarms(actions) == [S.LATE]
    assert ARM in actions
    assert not switch.may_quote(M, 11)


def test_a_status_asked_before_the_acknowledgement_proves_nothing() -> None:
    switch = armed()
    switch.on_timer(15 * SECOND)
    switch.on_ack(M, 15 * SECOND, 16 * SECOND)
    assert switch.on_status(set(), 15 * SECOND, 17 * SECOND) == []


def test_it_is_not_disarmed_while_orders_rest() -> None:
    switch = armed()
    (alarm,) = switch.disarm(M, 2, 10)
    assert isinstance(alarm, Alarm)
    assert "2 orders" in alarm.message
    assert switch.state(M) is S.ARMED


def test_disarming_is_acknowledged() -> None:
    switch = armed()
    assert typed(switch.disarm(M, 0, 10)) == typed([Disarm(M)])
    assert switch.disarm(M, 0, 11) == []
    assert not switch.may_quote(M, 11)
    assert switch.on_ack(M, 10, 12) == []
    assert switch.state(M) is S.DISARMED
    assert switch.on_timer(10**12) == []
    assert switch.disarm("ETH_USDT", 0, 13) == []


def test_disarming_waits_for_the_renewal_in_flight() -> None:
    switch = armed()
    switch.on_timer(15 * SECOND)
    assert switch.disarm(M, 0, 16 * SECOND) == []
    assert typed(switch.on_ack(M, 15 * SECOND, 17 * SECOND)) == typed([Disarm(M)])
    assert switch.on_ack(M, 17 * SECOND, 18 * SECOND) == []
    assert switch.state(M) is S.DISARMED


def test_arming_again_waits_for_the_disarming_in_flight() -> None:
    switch = armed()
    switch.disarm(M, 0, 10)
    assert switch.arm(M, 11) == []
    assert switch.state(M) is S.ARMING
    assert typed(switch.on_ack(M, 10, 12)) == typed([ARM])
    assert typed(switch.on_ack(M, 12, 13)) == typed([Verify(M)])
    assert switch.may_quote(M, 13)


def test_a_disarming_that_fails_is_repeated_and_ends_with_the_timer() -> None:
    switch = armed()
    switch.disarm(M, 0, SECOND)
    assert typed(switch.on_failed(M, "lost", 2 * SECOND)) == typed([Disarm(M)])
    assert alarms(switch.on_failed(M, "lost", 3 * SECOND)) == [S.DISARMING]
    assert typed(switch.on_timer(4 * SECOND)) == typed([Disarm(M)])
    switch.on_failed(M, "lost", 5 * SECOND)
    switch.on_timer(70 * SECOND - 1)
    states = [switch.state(M)]
    switch.on_timer(70 * SECOND)
    assert [*states, switch.state(M)] == [S.DISARMING, S.DISARMED]


def test_the_end_of_a_disarming_is_that_of_the_last_arming_even_a_lost_one() -> None:
    switch = armed()
    switch.on_timer(15 * SECOND)
    switch.on_failed(M, "lost", 16 * SECOND)
    switch.on_failed(M, "lost", 17 * SECOND)
    switch.disarm(M, 0, 18 * SECOND)
    switch.on_failed(M, "lost", 19 * SECOND)
    switch.on_timer(86 * SECOND - 1)
    states = [switch.state(M)]
    switch.on_timer(86 * SECOND)
    assert [*states, switch.state(M)] == [S.DISARMING, S.DISARMED]


def test_a_new_intention_has_its_own_second_try() -> None:
    switch = armed()
    switch.on_timer(15 * SECOND)
    switch.on_failed(M, "lost", 16 * SECOND)
    switch.on_failed(M, "lost", 17 * SECOND)
    switch.disarm(M, 0, 18 * SECOND)
    assert typed(switch.on_failed(M, "lost", 19 * SECOND)) == typed([Disarm(M)])
    switch.on_failed(M, "lost", 20 * SECOND)
    switch.arm(M, 21 * SECOND)
    assert typed(switch.on_failed(M, "lost", 22 * SECOND)) == typed([ARM])


def test_markets_are_independent() -> None:
    switch = armed()
    switch.arm("ETH_USDT", 5)
    assert switch.may_quote(M, 6)
    assert not switch.may_quote("ETH_USDT", 6)
    assert alarms(switch.on_status({"ETH_USDT"}, 10, 11)) == [S.LATE]


# ---- verified from time to time (rule 7) ------------------------------------------------------


def renewed(switch: KillSwitch, second: int) -> list[Action]:
    """One look, whose renewal is acknowledged at once; what else it asked for."""
    actions = switch.on_timer(second * SECOND)
    for action in actions:
        if isinstance(action, Arm | Disarm):
            switch.on_ack(M, second * SECOND, second * SECOND)
    return [action for action in actions if not isinstance(action, Arm | Disarm)]


def test_the_list_of_timers_is_asked_every_30_seconds() -> None:
    switch = armed(SECOND)
    asked = [second for second in range(2, 125) if renewed(switch, second) == [Verify("")]]
    assert asked == [32, 62, 92, 122]


def test_nothing_is_verified_where_nothing_is_armed() -> None:
    switch = KillSwitch(60)
    assert all(renewed(switch, second) == [] for second in range(0, 100, 10))


def test_a_list_that_cannot_be_had_is_asked_again_and_alarms_at_the_third_time() -> None:
    switch = armed(SECOND)
    told = []
    for second in range(2, 60):
        for action in renewed(switch, second):
            assert action == Verify("")
            told.append((second, alarms(switch.on_status_failed("503", second * SECOND))))
    assert told[:4] == [(32, []), (37, []), (42, [S.ARMED]), (47, [])]
    assert switch.may_quote(M, 59 * SECOND)  # what was acknowledged still counts
    switch.on_status({M}, 60 * SECOND, 60 * SECOND)
    assert [alarms(switch.on_status_failed("503", 61 * SECOND)) for _ in range(3)][2] == [S.ARMED]


# ---- running out (rule 8) ---------------------------------------------------------------------

SHORT = Arm(M, 5)


def test_a_mass_cancel_shortens_the_timers_and_lets_them_fire() -> None:
    switch = armed()
    assert typed(switch.shorten(10 * SECOND)) == typed([SHORT])
    assert switch.shorten(10 * SECOND) == []
    switch.on_ack(M, 10 * SECOND, 11 * SECOND)
    seen = [(at, switch.on_timer(at * SECOND), switch.state(M)) for at in range(11, 17)]
    assert [actions for _, actions, _ in seen] == [[]] * 6  # neither renewed nor an alarm
    assert [state for _, _, state in seen] == [S.ARMED] * 3 + [S.LATE] + [S.FIRED] * 2
    assert typed(switch.on_timer(17 * SECOND)) == typed([SHORT])  # until it is disarmed
    switch.on_ack(M, 17 * SECOND, 17 * SECOND)
    assert typed(switch.disarm(M, 0, 18 * SECOND)) == typed([Disarm(M)])
    switch.on_ack(M, 18 * SECOND, 18 * SECOND)
    assert switch.on_timer(60 * SECOND) == []
    assert switch.state(M) is S.DISARMED


def test_a_renewal_that_was_in_flight_is_followed_by_the_short_one() -> None:
    switch = armed()
    assert typed(switch.on_timer(15 * SECOND)) == typed([ARM])
    assert switch.shorten(15 * SECOND) == []
    assert typed(switch.on_ack(M, 15 * SECOND, 16 * SECOND)) == typed([SHORT])
    assert switch.on_ack(M, 16 * SECOND, 17 * SECOND) == []
    assert [switch.on_timer(at * SECOND) for at in range(17, 23)] == [[]] * 6


def test_a_shortening_that_fails_is_repeated() -> None:
    switch = armed()
    switch.shorten(10 * SECOND)
    assert typed(switch.on_failed(M, "lost", 11 * SECOND)) == typed([SHORT])
    switch.on_failed(M, "lost", 12 * SECOND)
    assert typed(switch.on_timer(13 * SECOND)) == typed([SHORT])


def test_what_is_disarmed_stays_so() -> None:
    switch = armed()
    switch.disarm(M, 0, SECOND)
    assert switch.shorten(2 * SECOND) == []
    switch.on_ack(M, SECOND, 3 * SECOND)
    assert switch.on_timer(100 * SECOND) == []


@settings(deadline=None, max_examples=300)
@given(seed=st.integers(0, 2**32), timeout_s=st.sampled_from([5, 20, 60, 600]))
def test_quoting_is_never_allowed_while_the_venues_timer_may_fire(
    seed: int, timeout_s: int
) -> None:
    rng, switch, now = random.Random(seed), KillSwitch(timeout_s), 0
    fires_ns: int | None = None
    in_flight: list[tuple[int, Arm | Disarm]] = []

    def perform(actions: list[Action]) -> None:
        in_flight.extend((now, a) for a in actions if isinstance(a, Arm | Disarm))

    perform(switch.arm(M, now))
    for _ in range(120):
        now += int(rng.choice([0.01, 0.3, 1, timeout_s / 5]) * SECOND * rng.random())
        assert len(in_flight) <= 1
        if in_flight and rng.random() < 0.5:
            sent, request = in_flight.pop()
            is_taken = rng.random() < 0.7
            if is_taken:  # somewhere on its way; the venue counts whole seconds
                started = rng.randint(sent, now) // SECOND * SECOND
                fires_ns = started + timeout_s * SECOND if isinstance(request, Arm) else None
            if is_taken and rng.random() < 0.8:
                perform(switch.on_ack(M, sent, now))
            else:
                perform(switch.on_failed(M, "lost", now))
        perform(switch.on_timer(now))
        if rng.random() < 0.05:
            perform(switch.disarm(M, 0, now))
        if rng.random() < 0.1:
            perform(switch.arm(M, now))
        if switch.may_quote(M, now):
            assert fires_ns is not None
            assert fires_ns > now
