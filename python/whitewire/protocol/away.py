"""What happened while the private stream was away, and what it says while the venue is asked.

Owns: the difference between before and after a gap; the private events that wait during the
questions. Must not know: how the venue is asked, the strategy's callbacks. Invariant: an event
that was offered is handed back exactly once, in the order of its arrival, unless it repeats
one that waits already.

Rules
-----
1. Ended orders are those that were open when the stream was lost, or came into being since, and
   are done at the end; fills are those told in between; each once, whatever told it.
2. Deals repeat when deal id and order id are equal; pushes of one order when event and change time
   are equal. Pushes of one order with different times are all kept, even if they are out of order:
   the order table decides, by what only grows.
3. No more than a bound waits: beyond it everything is handed back and nothing waits any more,
   because a stream that is this busy needs no history.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

from whitewire.protocol.balances import Balance
from whitewire.protocol.events import EventKind
from whitewire.protocol.orders import Fill, Order

__all__ = ["Away", "Missed", "PrivateBuffer"]

MOST_WAITING = 10_000


class Missed(NamedTuple):
    """The difference; `foreign` are (market, venue id, client id)."""

    ended: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()
    balances: tuple[Balance, ...] = ()
    foreign: tuple[tuple[str, int, str], ...] = ()

    def then(self, later: Missed) -> Missed:
        """This and what came later."""
        return Missed(
            self.ended + later.ended,
            self.fills + later.fills,
            self.balances + later.balances,
            self.foreign + later.foreign,
        )


class Away:
    """Notes what happens from the loss of the stream to the end of the questions (rule 1)."""

    def __init__(self) -> None:
        self.is_away = False
        self._open: dict[str, Order] = {}
        self._balances: dict[str, Balance] = {}
        self._fills: list[Fill] = []
        self._foreign: dict[int, tuple[str, int, str]] = {}

    def begin(self, orders: Iterable[Order], balances: Iterable[Balance]) -> None:
        """The stream is lost; a further loss before the end begins nothing anew.

        Args:
            orders: ours that are not done.
            balances: as they were.
        """
        if self.is_away:
            return
        self.is_away = True
        self._open = {order.client_id: order for order in orders}
        self._balances = {balance.asset: balance for balance in balances}
        self._fills.clear()
        self._foreign.clear()

    def on_order(self, order: Order) -> None:
        """Something happened to an order of ours."""
        if self.is_away:
            self._open.setdefault(order.client_id, order)

    def on_fill(self, fill: Fill) -> None:
        """A fill of ours was told."""
        if self.is_away:
            self._fills.append(fill)

    def on_foreign(self, market: str, venue_id: int, client_id: str) -> None:
        """An order of somebody else was seen for the first time."""
        if self.is_away:
            self._foreign[venue_id] = (market, venue_id, client_id)

    def end(self, balances: Iterable[Balance]) -> Missed:
        """The venue was asked and its word applied; the difference since `begin`."""
        if not self.is_away:
            return Missed()
        self.is_away = False
        return Missed(
            tuple(order for order in self._open.values() if order.is_done),
            tuple(self._fills),
            tuple(row for row in balances if self._balances.get(row.asset) != row),
            tuple(self._foreign.values()),
        )


class PrivateBuffer:
    """Private events that wait while the venue is asked (rules 2 and 3)."""

    _KINDS = frozenset({EventKind.ORDER_PENDING, EventKind.DEAL, EventKind.BALANCES})

    def __init__(self) -> None:
        self._is_open = False
        self._events: list[tuple[int, int, Any]] = []
        self._seen: set[Hashable] = set()
        self.dropped = 0

    def open(self) -> None:
        """From now on private events wait."""
        self._is_open = True

    def take(self, kind: int, market: int, event: Any) -> bool:
        """Whether this event waits; True also for one that repeats a waiting one."""
        if not self._is_open or kind not in self._KINDS or len(self._events) >= MOST_WAITING:
            return False
        key = _key(kind, event)
        if key is not None and key in self._seen:
            self.dropped += 1
            return True
        self._seen.add(key)
        self._events.append((kind, market, event))
        return True

    @property
    def is_full(self) -> bool:
        """Whether the bound is reached, so that everything has to be handed back (rule 3)."""
        return len(self._events) >= MOST_WAITING

    def close(self) -> list[tuple[int, int, Any]]:
        """Nothing waits any more; what waited, as (kind, market, event), oldest first."""
        self._is_open = False
        events, self._events = self._events, []
        self._seen.clear()
        return events


def _key(kind: int, event: Any) -> Hashable:
    """What two events have in common when one repeats the other; None for a balance (absolute)."""
    if kind == EventKind.DEAL:
        return (kind, event[0], event[3])  # deal id, order id
    if kind == EventKind.ORDER_PENDING:
        return (kind, event[0], event[1], event[9], event[12])  # event, id, change time, left
    return None
