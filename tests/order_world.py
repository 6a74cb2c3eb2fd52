"""A seeded world around one order: the table, the venue, and all that is on its way between them.

Owns: the choice of what happens next. Must not know: how the table concludes. Invariant: everything
that happens could happen at the real venue: answers come in the order of the requests unless their
connection was lost, everything else in any order and more than once.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tests.order_desk import (
    AMOUNT,
    NO_FUNDS,
    PREFIX,
    PRICE,
    THROTTLED,
    WOULD_TAKE,
    VenueOrder,
    new_order,
    new_store,
)
from whitewire.protocol import reconcile as rec
from whitewire.protocol.control_replies import FinishedOrder
from whitewire.protocol.events import Deal, OrderUpdate
from whitewire.protocol.order_table import Notice, OrderStore
from whitewire.protocol.orders import Order, OrderState
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import Reply, RequestKind

# Endings are rarer than the rest, so that a history becomes long enough to be interesting.
WEIGHTS = {"cancel": 1, "outside-cancel": 1, "fill": 2, "modify": 12}


@dataclass
class Sent:
    """A request on its way: what becomes of it was decided when it was sent."""

    kind: RequestKind
    fate: str  # answered, or lost with or without effect
    target: tuple[int, int] = (PRICE, AMOUNT)
    reply: Reply | None = None
    is_executed: bool = False


@dataclass
class World:
    """The order table, the venue, and everything that is on its way between them."""

    rng: random.Random
    store: OrderStore = field(default_factory=new_store)
    venue: VenueOrder = field(default_factory=VenueOrder)
    sent: list[Sent] = field(default_factory=list)
    late: list[Sent] = field(default_factory=list)
    told: list[Notice] = field(default_factory=list)
    pushes_left: list[int] = field(default_factory=list)
    deals_left: list[int] = field(default_factory=list)
    now_ns: int = 10

    def __post_init__(self) -> None:
        self.order: Order = new_order(self.store)
        self.known = (0, 0)
        self.send(RequestKind.PLACE)

    def send(self, kind: RequestKind) -> None:
        fate = self.rng.choice(["answered"] * 5 + ["lost-done", "lost-undone"])
        self.order.in_flight += 1
        request = Sent(kind, fate)
        if kind is RequestKind.CANCEL:
            self.told += self.store.cancel_sent(self.order, self.now_ns)
        if kind is RequestKind.MODIFY:
            request.target = (PRICE + self.rng.randint(1, 9), AMOUNT + 3)
            self.told += self.store.modify_sent(self.order, *request.target, self.now_ns)
        self.sent.append(request)

    def collect(self) -> None:
        """What the venue said meanwhile can be heard from now on."""
        pushes, deals = self.known
        self.pushes_left += range(pushes, len(self.venue.pushes))
        self.deals_left += range(deals, len(self.venue.deals))
        self.known = (len(self.venue.pushes), len(self.venue.deals))

    def execute(self, request: Sent) -> None:
        request.is_executed = True
        if request.fate == "lost-undone":
            return
        refusal = self.rng.choice([None] * 10 + [THROTTLED, NO_FUNDS])
        if request.kind is RequestKind.PLACE:
            take = self.rng.choice([0] * 6 + [4, 4, AMOUNT])
            ioc = self.rng.random() < 0.5 if take == 4 else False
            if refusal is None:
                request.reply = self.venue.place(take=take, ioc=ioc)
            else:
                request.reply, self.venue.was_refused = WOULD_TAKE, True
        elif request.kind is RequestKind.CANCEL:
            request.reply = self.venue.cancel() if refusal is not THROTTLED else THROTTLED
        elif refusal is None:
            take = self.rng.choice([0, 0, 0, 0, 4, AMOUNT + 3])
            request.reply = self.venue.modify(*request.target, take=take)
        else:
            request.reply = refusal
            if refusal is NO_FUNDS and self.rng.random() < 0.5:
                self.venue.cancel()  # the old order is lost although the new one was refused
        self.collect()

    def answer(self, request: Sent) -> None:
        self.sent.remove(request)
        self.order.in_flight -= 1
        if request.fate == "answered":
            assert request.reply is not None
            self.told += self.store.on_reply(request.kind, self.order, request.reply, self.now_ns)
        else:
            lost = Request(request.kind, (self.order,))
            self.told += self.store.on_lost(lost, self.now_ns)

    def hear(self, waiting: list[int], said: Sequence[OrderUpdate | Deal]) -> None:
        index = self.rng.choice(waiting)
        if not self.rng.random() < 0.5:  # otherwise it will be heard again
            waiting.remove(index)
        self.apply(said[index])

    def apply(self, event: OrderUpdate | Deal) -> None:
        if isinstance(event, Deal):
            self.told += self.store.apply_deal(event)
        else:
            self.told += self.store.apply_update(event, self.now_ns)

    def choices(self) -> dict[str, list[Sent]]:
        """What can happen next; a lost request may be executed late, and its loss seen early."""
        pending = [r for r in self.sent if not r.is_executed]
        in_order = [r for r in pending if r.fate == "answered"][:1]
        late = [r for r in pending if r.fate != "answered"]
        first = [r for r in self.sent if r.fate == "answered"][:1]
        answerable = [r for r in first if r.is_executed] + [
            r for r in self.sent if r.fate != "answered"
        ]
        # A request waits for the ones sent before it, unless their connection was lost.
        if in_order and any(r in late for r in self.sent[: self.sent.index(in_order[0])]):
            in_order = in_order if self.rng.random() < 0.5 else []
        moves = {"execute": in_order + late, "answer": answerable}
        if self.pushes_left:
            moves["push"] = []
        if self.deals_left:
            moves["deal"] = []
        if self.venue.live is not None:
            moves["fill"] = moves["outside-cancel"] = []
        if self.order.can_cancel:
            moves["cancel"] = []
        if self.order.can_modify:
            moves["modify"] = []
        return {k: v for k, v in moves.items() if v or k not in ("execute", "answer")}

    def step(self) -> None:
        moves = self.choices()
        if not moves:
            return
        self.now_ns += 1
        move = self.rng.choice([m for m in sorted(moves) for _ in range(WEIGHTS.get(m, 6))])
        live = self.venue.live
        if move == "execute":
            self.execute(self.rng.choice(moves[move]))
        elif move == "answer":
            self.forget(self.rng.choice(moves[move]))
        elif move == "push":
            self.hear(self.pushes_left, self.venue.pushes)
        elif move == "deal":
            self.hear(self.deals_left, self.venue.deals)
        elif move == "fill" and live is not None:
            self.venue.fill(self.rng.randint(1, live.left))
            self.collect()
        elif move == "outside-cancel":
            self.venue.cancel()
            self.collect()
        elif move in ("cancel", "modify"):
            self.send(RequestKind(move))

    def forget(self, request: Sent) -> None:
        """Deliver an answer, or the loss of one; a lost request may still be executed later."""
        if request.fate != "answered" and not request.is_executed:
            self.order.in_flight -= 1
            self.sent.remove(request)
            self.late.append(request)
            lost = Request(request.kind, (self.order,))
            self.told += self.store.on_lost(lost, self.now_ns)
            return
        self.answer(request)

    def settle(self, *, is_lossy: bool = False) -> None:
        """Everything on its way arrives; or some of it never, because the session was lost."""
        for request in [*self.late, *self.sent]:
            if not request.is_executed:
                self.execute(request)
        for waiting in (self.pushes_left, self.deals_left):
            self.rng.shuffle(waiting)
            if is_lossy:
                del waiting[self.rng.randint(0, len(waiting)) :]
        while self.sent or self.pushes_left or self.deals_left:
            self.now_ns += 1
            stream = self.rng.choice(["answers", "pushes", "deals"])
            if stream == "answers" and self.sent:
                self.answer(self.sent[0])
            elif stream == "pushes" and self.pushes_left:
                self.apply(self.venue.pushes[self.pushes_left.pop()])
            elif stream == "deals" and self.deals_left:
                self.apply(self.venue.deals[self.deals_left.pop()])

    @property
    def truth(self) -> OrderState:
        if not self.venue.legs:
            return OrderState.REJECTED
        if self.venue.live is not None:
            return OrderState.OPEN
        is_filled = self.venue.legs[-1].status == "FILLED"
        return OrderState.FILLED if is_filled else OrderState.CANCELED

    def reconcile(self, *, keeps_canceled: bool) -> None:
        """Ask the venue as the gateway does, after the quarantine."""
        asked_ns = self.now_ns + 2 * rec.QUARANTINE_NS
        order_deals: dict[int, list[Deal]] = {}
        actions: list[rec.Action] = []
        by_client: dict[str, list[FinishedOrder]] = {}
        finished = self.venue.finished(keeps_canceled=keeps_canceled)
        for _ in range(4):
            evidence = rec.Evidence(
                self.venue.active(),
                self.venue.deals,
                order_deals,
                {k: v for k, v in finished.items() if k in order_deals},
                asked_ns,
                by_client,
            )
            actions = rec.reconcile(self.store.recent(), evidence, prefix=PREFIX)
            asks = [a for a in actions if isinstance(a, rec.AskDeals | rec.AskClient)]
            if not asks:
                break
            for ask in asks:
                if isinstance(ask, rec.AskClient):
                    by_client[ask.order.client_id] = list(finished.values())
                    continue
                order_deals[ask.venue_id] = [
                    deal for deal in self.venue.deals if deal.venue_id == ask.venue_id
                ]
        for action in actions:
            if isinstance(action, rec.ApplyDeal):
                self.told += self.store.apply_deal(action.deal)
            elif isinstance(action, rec.Resolve):
                self.told += self.store.resolve(
                    action.order, action.outcome, action.reply, asked_ns
                )
            else:
                pytest.fail(f"unexpected conclusion {action}")
