"""One burst: its legs sent in the way that is measured, and what became of each.

Owns: sending, and the moments of every leg. Must not know: the schedule, statistics. Invariant: a
moment counts from when the burst was due, so what delays the sending is part of the figure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from whitewire.protocol.order_table import NoticeKind, OrderNotice
from whitewire.protocol.orders import Order, RejectSource

if TYPE_CHECKING:
    from decimal import Decimal

    from whitewire.bench.plan import Due
    from whitewire.gateway import Gateway

__all__ = ["Burst", "Leg", "Outcome"]

ANSWERS = frozenset({NoticeKind.ACKED, NoticeKind.REJECTED, NoticeKind.UNKNOWN})


@dataclass(slots=True, frozen=True)
class Leg:
    """What became of one leg; times in ns.

    Attributes:
        ack: answer of the venue, from the moment at which the burst was due; None without one.
        event: private event, from that answer (negative when it came first); None without one.
        refusal: code of a refusal, ours or the venue's; empty for none.
        is_unknown: its answer was lost or could not be used.
    """

    ack: int | None
    event: int | None
    refusal: str = ""
    is_unknown: bool = False


@dataclass(slots=True, frozen=True)
class Outcome:
    """A burst that was sent.

    Attributes:
        due: which one.
        sent: from when it was due until its first leg was handed over, ns.
        legs: as given.
        is_late: the burst before it was still being cleaned up when it was due.
    """

    due: Due
    sent: int
    legs: tuple[Leg, ...]
    is_late: bool

    @property
    def acks(self) -> list[int]:
        """The answers, soonest first, ns."""
        return sorted(leg.ack for leg in self.legs if leg.ack is not None)

    @property
    def is_whole(self) -> bool:
        """Whether every leg was accepted."""
        return all(leg.ack is not None and not leg.refusal for leg in self.legs)


@dataclass(slots=True)
class Burst:
    """A burst under way.

    Args:
        due, due_ns: which one, and when on the monotonic clock.
        bids: (price, amount) of each leg.
        is_late: see `Outcome`.

    Attributes:
        orders: the handles so far, by leg.
        answered: set when each leg was answered.
    """

    due: Due
    due_ns: int
    bids: Sequence[tuple[Decimal, Decimal]]
    is_late: bool
    orders: list[Order] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    _answers: int = 0

    def send(self, gateway: Gateway, market: str) -> None:
        """Sends every leg, or the first one where each waits for the one before it."""
        first = 1 if self.due.cell.way.is_sequential else len(self.bids)
        self._quote(gateway, market, self.bids[:first])

    def on_order(self, gateway: Gateway, order: Order, notice: OrderNotice) -> None:
        """Notes an answer, and sends the leg that waited for it."""
        if notice.kind not in ANSWERS or order not in self.orders:
            return
        self._answers += 1
        if self._answers == len(self.bids):
            self.answered.set()
        elif self.due.cell.way.is_sequential and len(self.orders) < len(self.bids):
            following = self.bids[len(self.orders) :][:1]
            self._quote(gateway, order.market.name, following)

    def outcome(self) -> Outcome:
        """What became of it, as far as it is known now."""
        sent = self.orders[0].t_submit_ns - self.due_ns
        legs = tuple(self._leg(order) for order in self.orders)
        unsent = tuple(Leg(None, None) for _ in self.bids[len(legs) :])
        return Outcome(self.due, sent, legs + unsent, self.is_late)

    def _quote(
        self, gateway: Gateway, market: str, bids: Sequence[tuple[Decimal, Decimal]]
    ) -> None:
        self.orders += gateway.quote(market, bids, [], mode=self.due.cell.way.mode).orders

    def _leg(self, order: Order) -> Leg:
        ack = order.t_ack_ns - self.due_ns if order.t_ack_ns else None
        has_both = order.t_ack_ns and order.t_event_ns
        event = order.t_event_ns - order.t_ack_ns if has_both else None
        refusal = ""
        if order.reject is not None:
            ours = order.reject.source is RejectSource.LOCAL
            refusal = f"{'own' if ours else 'venue'}-{order.reject.code}"
        return Leg(ack, event, refusal, order.is_unknown)
