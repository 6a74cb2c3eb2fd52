"""The seeded world of one order, in which the venue is also asked while everything else goes on.

Owns: questions whose answers are applied later, and private events that wait meanwhile or do not.
Must not know: how the table concludes. Invariant: an answer says what was true when it was asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.order_desk import PREFIX
from tests.order_world import World
from whitewire.protocol import reconcile as rec
from whitewire.protocol.away import PrivateBuffer
from whitewire.protocol.control_replies import FinishedOrder
from whitewire.protocol.events import Deal, EventKind, OrderUpdate
from whitewire.protocol.replies import OrderReply


@dataclass
class AskingWorld(World):
    """A world with at most one question on its way."""

    asked: tuple[list[OrderReply], list[Deal], int] | None = None
    buffer: PrivateBuffer = field(default_factory=PrivateBuffer)

    def step(self) -> None:
        if self.rng.random() < 0.2:
            self.now_ns += 1
            if self.asked is None:
                self.ask()
            else:
                self.conclude()
            return
        super().step()

    def ask(self) -> None:
        is_quiet = not (self.late or self.pushes_left or self.deals_left)
        if is_quiet and all(request.is_executed for request in self.sent):
            self.now_ns += 2 * rec.QUARANTINE_NS  # nothing is under way: time may pass
        self.asked = (self.venue.active(), list(self.venue.deals), self.now_ns)
        if self.rng.random() < 0.5:
            self.buffer.open()

    def apply(self, event: OrderUpdate | Deal) -> None:
        kind = EventKind.DEAL if isinstance(event, Deal) else EventKind.ORDER_PENDING
        if not self.buffer.take(kind, 0, event):
            super().apply(event)

    def conclude(self) -> None:
        """The lists are as old as the question, the answers about single orders are not."""
        assert self.asked is not None
        (active, deals, asked_ns), self.asked = self.asked, None
        keeps_canceled = self.rng.random() < 0.5
        order_deals: dict[int, list[Deal]] = {}
        by_client: dict[str, list[FinishedOrder]] = {}
        actions: list[rec.Action] = []
        for _ in range(4):
            finished = self.venue.finished(keeps_canceled=keeps_canceled)
            known = {k: v for k, v in finished.items() if k in order_deals}
            evidence = rec.Evidence(active, deals, order_deals, known, asked_ns, by_client)
            actions = rec.reconcile(self.store.recent(), evidence, prefix=PREFIX)
            asks = [a for a in actions if isinstance(a, rec.AskDeals | rec.AskClient)]
            if not asks:
                break
            for ask in asks:
                if isinstance(ask, rec.AskClient):
                    by_client[ask.order.client_id] = list(finished.values())
                else:
                    order_deals[ask.venue_id] = [
                        deal for deal in self.venue.deals if deal.venue_id == ask.venue_id
                    ]
        for action in actions:
            if isinstance(action, rec.ApplyDeal):
                self.told += self.store.apply_deal(action.deal)
            elif isinstance(action, rec.Resolve):
                self.told += self.store.resolve(
                    action.order, action.outcome, action.reply, self.now_ns
                )
            elif not isinstance(action, rec.Wait):
                pytest.fail(f"unexpected conclusion {action}")
        for _, _, event in self.buffer.close():
            super().apply(event)

    def settle(self, *, is_lossy: bool = False) -> None:
        if self.asked is not None:
            self.conclude()
        super().settle(is_lossy=is_lossy)
