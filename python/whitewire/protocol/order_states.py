"""The states of one order and the one table that joins them.

Owns: `OrderState`, `OrderInput`, `Doubt`, the transition table and its theory. Must not know:
orders, streams, time. Invariant: a pair of state and input has exactly one successor or is illegal,
and a final state has no successor but itself.

Theory
------
Three streams tell about one order: REST answers, `ordersPending` pushes and `deals`. Nothing
relates their order (venue unknown 31, 32), so every fact must be usable whenever it comes.

1. A *leg* is one venue order id. A modify cancels the leg and creates another under the same
   client id, at the back of the queue; so an order is a chain of legs, one of them current. What
   is known of a leg only grows: dealt amount rises, a finish is final. That makes facts about a
   leg commute, and a late or repeated one harmless.
2. A modify is sent only when nothing else is in flight, so at most one *replacement is due* at
   any time, and an unseen venue id under our client id is that replacement. While it is due, a
   canceled current leg may be the modify's old leg: `OLD_LEG_GONE`, not the end of the order.
   A filled current leg is the end: the venue cannot replace what is gone.
3. A request without an answer is neither done nor undone (`LOST` leads to UNKNOWN). UNKNOWN keeps
   a set of *doubts*; it is left for OPEN only when the last doubt is answered, and for a final
   state by the venue's own finish. Proof of life answers a doubt about the placement, never one
   about a cancel or modify, because it may be older than that request.
4. A refused cancel or modify is harmless only when it was stopped before the matching engine
   (`*_REFUSED`). "No such open order" (`*_MISSED`) is not a cancel: the order may be filled.
   A modify that the engine refused has an unspecified fate (venue unknown 27): UNKNOWN.
5. Final states never change. A pair without a cell is *illegal*: it is counted and reported, a
   living order becomes UNKNOWN and reconcile asks the venue; a final order stays what it was.
6. A quote may move for as long as it lives, so only the newest legs are kept apart. Older ones are
   summed up as the *past*: their deals still count, their pushes are no news any more. Venue ids
   grow, so an id up to the newest of the past is part of it.
"""

from __future__ import annotations

from enum import IntFlag, StrEnum

__all__ = [
    "DONE",
    "RESTING",
    "TRANSITIONS",
    "Doubt",
    "Finish",
    "OrderInput",
    "OrderState",
    "next_state",
]


class OrderState(StrEnum):
    """Where an order stands, as far as the venue's own words go."""

    SENT = "sent"
    OPEN = "open"
    MODIFYING = "modifying"
    CANCELING = "canceling"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"


class OrderInput(StrEnum):
    """Everything that can happen to an order; the numbers are those of the theory above."""

    ACK_OPEN = "place acknowledged, resting"
    ACK_FILLED = "place acknowledged, filled at once"
    ACK_CANCELED = "place acknowledged, canceled at once (IOC, STP)"
    REFUSED = "place refused"
    CANCEL_SENT = "cancel sent"
    CANCEL_ACKED = "cancel acknowledged"
    CANCEL_REFUSED = "cancel refused before the engine (4)"
    CANCEL_MISSED = "cancel found no open order (4)"
    MODIFY_SENT = "modify sent"
    MODIFY_ACKED = "modify acknowledged with its new leg"
    MODIFY_REFUSED = "modify refused before the engine (4)"
    MODIFY_MISSED = "modify refused by the engine (4)"
    LOST = "a request got no usable answer (3)"
    OPENED = "pushed as new, current leg"
    CHANGED = "pushed as changed, current leg"
    REPLACED = "the due replacement was seen (2)"
    FINISHED_FILLED = "current leg finished, filled"
    FINISHED_CANCELED = "current leg finished, canceled, no replacement due"
    OLD_LEG_GONE = "a leg finished that is, or may be, replaced (2)"
    RESOLVED_OPEN = "reconcile: it rests"
    RESOLVED_FILLED = "reconcile: it is filled"
    RESOLVED_CANCELED = "reconcile: it is canceled"
    NEVER_ARRIVED = "reconcile: the venue never had it"
    CONTRADICTION = "a fact that fits no history (unexpected leg, answer for another order)"


# Columns: Sent Open Modifying Canceling Unknown | Filled canceled(X) Rejected; dot: illegal (5).
# OPEN out of Unknown is subject to rule 3.
_TABLE = """
    ACK_OPEN           O O M C O   F X .
    ACK_FILLED         F F F F F   F . .
    ACK_CANCELED       X X X X X   . X .
    REFUSED            R . . R R   . . R
    CANCEL_SENT        C C C C U   F X R
    CANCEL_ACKED       X X X X X   . X .
    CANCEL_REFUSED     S O M O U   F X R
    CANCEL_MISSED      U U U U U   F X R
    MODIFY_SENT        . M . . .   . . .
    MODIFY_ACKED       . O O C O   F X .
    MODIFY_REFUSED     . O O C U   F X .
    MODIFY_MISSED      . U U C U   F X .
    LOST               U U U U U   F X R
    OPENED             O O M C O   F X .
    CHANGED            O O M C O   F X .
    REPLACED           . . O C O   . . .
    FINISHED_FILLED    F F F F F   F . .
    FINISHED_CANCELED  X X X X X   . X .
    OLD_LEG_GONE       . O M C U   F X .
    RESOLVED_OPEN      O O M C O   . . .
    RESOLVED_FILLED    F F F F F   F . .
    RESOLVED_CANCELED  X X X X X   . X .
    NEVER_ARRIVED      R . . R R   . . R
    CONTRADICTION      . . . . .   . . .
"""
_STATES = dict(zip("SOMCUFXR", OrderState, strict=True))
DONE = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED})
RESTING = frozenset({OrderState.OPEN, OrderState.MODIFYING, OrderState.CANCELING})


def _read_table(text: str) -> dict[OrderInput, dict[OrderState, OrderState]]:
    rows: dict[OrderInput, dict[OrderState, OrderState]] = {}
    for line in text.split("\n"):
        if not line.strip():
            continue
        name, *letters = line.split()
        cells = zip(OrderState, letters, strict=True)
        rows[OrderInput[name]] = {
            state: _STATES[letter] for state, letter in cells if letter != "."
        }
    return rows


# The row of each input: the state after it, by the state before; no cell where it is illegal.
TRANSITIONS = _read_table(_TABLE)


def next_state(state: OrderState, cause: OrderInput) -> OrderState | None:
    """The table: the state after `cause`, or None when the pair is illegal (rule 5)."""
    return TRANSITIONS[cause].get(state)


class Finish(StrEnum):
    """How a leg ended."""

    FILLED = "filled"
    CANCELED = "canceled"


class Doubt(IntFlag):
    """What UNKNOWN waits to learn (rule 3)."""

    NONE = 0
    PLACE = 1
    CANCEL = 2
    MODIFY = 4
    CONTRADICTION = 8
