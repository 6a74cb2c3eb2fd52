"""Every pair of the order table."""

from __future__ import annotations

import itertools

import pytest

from whitewire.protocol.order_states import DONE, RESTING, OrderInput, OrderState, next_state

S, C = OrderState, OrderInput
LIVING = [state for state in S if state not in DONE]
PAIRS = list(itertools.product(S, C))

# Written a second time, by input: where a living order goes, "=" for staying, "!" for illegal;
# in the order SENT, OPEN, MODIFYING, CANCELING, UNKNOWN.
LIVING_TABLE = {
    C.ACK_OPEN: (S.OPEN, "=", "=", "=", S.OPEN),
    C.ACK_FILLED: (S.FILLED,) * 5,
    C.ACK_CANCELED: (S.CANCELED,) * 5,
    C.REFUSED: (S.REJECTED, "!", "!", S.REJECTED, S.REJECTED),
    C.CANCEL_SENT: (S.CANCELING, S.CANCELING, S.CANCELING, "=", "="),
    C.CANCEL_ACKED: (S.CANCELED,) * 5,
    C.CANCEL_REFUSED: ("=", "=", "=", S.OPEN, "="),
    C.CANCEL_MISSED: (S.UNKNOWN,) * 5,
    C.MODIFY_SENT: ("!", S.MODIFYING, "!", "!", "!"),
    C.MODIFY_ACKED: ("!", "=", S.OPEN, "=", S.OPEN),
    C.MODIFY_REFUSED: ("!", "=", S.OPEN, "=", "="),
    C.MODIFY_MISSED: ("!", S.UNKNOWN, S.UNKNOWN, "=", "="),
    C.LOST: (S.UNKNOWN,) * 5,
    C.OPENED: (S.OPEN, "=", "=", "=", S.OPEN),
    C.CHANGED: (S.OPEN, "=", "=", "=", S.OPEN),
    C.REPLACED: ("!", "!", S.OPEN, "=", S.OPEN),
    C.FINISHED_FILLED: (S.FILLED,) * 5,
    C.FINISHED_CANCELED: (S.CANCELED,) * 5,
    C.OLD_LEG_GONE: ("!", "=", "=", "=", "="),
    C.RESOLVED_OPEN: (S.OPEN, "=", "=", "=", S.OPEN),
    C.RESOLVED_FILLED: (S.FILLED,) * 5,
    C.RESOLVED_CANCELED: (S.CANCELED,) * 5,
    C.NEVER_ARRIVED: (S.REJECTED, "!", "!", S.REJECTED, S.REJECTED),
    C.CONTRADICTION: ("!",) * 5,
}
# What a final order takes as a late or repeated fact; everything else contradicts it.
EARLIER = {C.CANCEL_SENT, C.CANCEL_REFUSED, C.CANCEL_MISSED, C.LOST}
ALIVE = {
    C.ACK_OPEN, C.OPENED, C.CHANGED, C.MODIFY_ACKED, C.MODIFY_REFUSED, C.MODIFY_MISSED,
    C.OLD_LEG_GONE,
}  # fmt: skip
HARMLESS = {
    S.FILLED: EARLIER | ALIVE | {C.ACK_FILLED, C.FINISHED_FILLED, C.RESOLVED_FILLED},
    S.CANCELED: EARLIER
    | ALIVE
    | {C.ACK_CANCELED, C.CANCEL_ACKED, C.FINISHED_CANCELED, C.RESOLVED_CANCELED},
    S.REJECTED: EARLIER | {C.REFUSED, C.NEVER_ARRIVED},
}


@pytest.mark.parametrize(("state", "cause"), PAIRS)
def test_every_pair_has_the_one_successor_that_the_theory_gives_it(
    state: OrderState, cause: OrderInput
) -> None:
    if state in DONE:
        word: OrderState | str = "=" if cause in HARMLESS[state] else "!"
    else:
        word = LIVING_TABLE[cause][LIVING.index(state)]
    expected = word if isinstance(word, OrderState) else {"=": state, "!": None}[word]
    assert next_state(state, cause) is expected


def test_final_states_are_never_left() -> None:
    assert {next_state(s, c) for s, c in PAIRS if s in DONE} <= {*DONE, None}
    assert all(next_state(s, c) in (s, None) for s, c in PAIRS if s in DONE)


def test_a_lost_answer_always_leads_a_living_order_to_unknown() -> None:
    assert {next_state(state, C.LOST) for state in LIVING} == {S.UNKNOWN}


def test_unknown_is_left_only_by_the_venues_own_word() -> None:
    exits = {cause for cause in C if next_state(S.UNKNOWN, cause) not in (S.UNKNOWN, None)}
    own_doing = {C.CANCEL_SENT, C.MODIFY_SENT, C.LOST, C.CANCEL_MISSED, C.MODIFY_MISSED}
    assert exits.isdisjoint(own_doing)
    assert {C.RESOLVED_OPEN, C.RESOLVED_FILLED, C.RESOLVED_CANCELED, C.NEVER_ARRIVED} <= exits


def test_states_are_either_final_resting_or_neither() -> None:
    assert frozenset({S.FILLED, S.CANCELED, S.REJECTED}) == DONE
    assert frozenset({S.OPEN, S.MODIFYING, S.CANCELING}) == RESTING
