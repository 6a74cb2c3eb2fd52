"""When the venue has to be asked although nothing looks wrong: pushes can be lost in silence.

Owns: which orders have fills without deals, since when; when everything was last asked about.
Must not know: how the venue is asked. Invariant: an order whose deals stay away is asked about
again and again, ever more rarely, until they are booked.

Rules
-----
1. The venue tells a fill twice: as a total with the order, and as a deal. Only the deal has price
   and fee, so positions follow deals. A total that is ahead of the deals means that one is owed.
2. A deal may come a little later than the total: `PATIENCE_NS` until it counts as missing.
3. An order that was asked about in vain waits twice as long each time, up to `LONGEST_NS`.
4. A total can be lost with its deal. So everything is asked about every `period_ns`, and after a
   gap in a market's book (the gateway's part), which shows that a session loses messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whitewire.protocol.orders import Order

__all__ = ["LONGEST_NS", "PATIENCE_NS", "OwedDeals"]

PATIENCE_NS = 2_000_000_000
LONGEST_NS = 60_000_000_000


class OwedDeals:
    """See the module's documentation; times are monotonic ns.

    Args:
        patience_ns: rule 2.
        period_ns: rule 4.
    """

    __slots__ = ("_due", "_next_ns", "_patience_ns", "_period_ns")

    def __init__(self, *, period_ns: int, patience_ns: int | None = None) -> None:
        self._patience_ns = PATIENCE_NS if patience_ns is None else patience_ns
        self._period_ns = period_ns
        self._due: dict[Order, tuple[int, int]] = {}  # when to ask, and the wait before that
        self._next_ns = 0

    def __len__(self) -> int:
        return len(self._due)

    def note(self, order: Order, now_ns: int) -> None:
        """Looks at an order that something was just heard of (rule 1)."""
        legs = order.legs if order.past is None else (order.past, *order.legs)
        for leg in legs:
            if leg.dealt_lots > leg.fill_lots:
                self._due.setdefault(order, (now_ns + self._patience_ns, self._patience_ns))
                return
        if self._due:
            self._due.pop(order, None)

    def is_round_due(self, now_ns: int) -> bool:
        """Whether everything has to be asked about again (rule 4); counts from the first call."""
        if self._next_ns == 0:
            self._next_ns = now_ns + self._period_ns
        return now_ns >= self._next_ns

    def is_due(self, now_ns: int) -> bool:
        """Whether the venue has to be asked: an order's patience is over, or it is time."""
        if self.is_round_due(now_ns):
            return True
        return any(due_ns <= now_ns for due_ns, _ in self._due.values())

    def asked(self, now_ns: int) -> None:
        """The venue was asked and its answers were applied (rule 3)."""
        self._next_ns = now_ns + self._period_ns
        for order, (due_ns, wait_ns) in list(self._due.items()):
            self.note(order, now_ns)
            if order in self._due and due_ns <= now_ns:
                longer_ns = min(wait_ns * 2, LONGEST_NS)
                self._due[order] = now_ns + longer_ns, longer_ns
