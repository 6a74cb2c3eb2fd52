"""All orders of the gateway, found by client id and by venue id.

Owns: the index of orders, their retention, and the difference between ours and foreign ones. Must
not know: what a fact means to an order (`order_reducer`, `order_answers`), connections, the
strategy, clocks.
Invariant: a client id names one order for as long as the table remembers it, and an order whose
client id lacks our prefix is reported and never touched.

Finished orders stay findable for a while, because deals may come after the finish.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from whitewire.errors import UsageError
from whitewire.market import Market, Side
from whitewire.protocol import order_answers, order_reducer
from whitewire.protocol.events import Deal, OrderUpdate
from whitewire.protocol.order_states import DONE
from whitewire.protocol.orders import (
    Fill,
    Leg,
    NoticeKind,
    Order,
    OrderActions,
    OrderInput,
    OrderNotice,
    Reject,
)
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import OrderReply, Reply, RequestKind

__all__ = ["Foreign", "Notice", "NoticeKind", "OrderNotice", "OrderStore"]

_FINAL_EVENT = 3
_ANSWERED = {
    RequestKind.PLACE: order_answers.place_reply,
    RequestKind.BULK: order_answers.place_reply,
    RequestKind.CANCEL: order_answers.cancel_reply,
    RequestKind.MODIFY: order_answers.modify_reply,
}
_ILLEGAL = NoticeKind.ILLEGAL  # slow to look up


class Foreign(NamedTuple):
    """An event about an order that is not in the table.

    Attributes:
        market, client_id, venue_id: whose.
        is_orphan: it carries our prefix: an earlier run made it, or it was forgotten.
        is_live: it may rest at the venue.
    """

    market: str
    client_id: str
    venue_id: int
    is_orphan: bool
    is_live: bool


Notice = OrderNotice | Fill | Foreign


class OrderStore:
    """The table.

    Every method that takes a fact returns the notices to hand on, oldest first.

    Args:
        client_id_prefix: what our client ids start with, not empty.
        actions: what order handles call.
        changed: called with an order after each fact about it, before its notices are told.
        keep_finished: how many finished orders stay findable.

    Attributes:
        illegal, duplicates, foreign: counts of contradictions, of pushes and deals without news,
            and of events about orders that are not in the table.
    """

    def __init__(
        self,
        client_id_prefix: str,
        actions: OrderActions,
        changed: Callable[[Order], None] = lambda _: None,
        *,
        keep_finished: int = 10_000,
    ) -> None:
        if not client_id_prefix:
            raise UsageError("client-id-prefix", "the client id prefix is empty", "choose one")
        self.prefix = client_id_prefix
        self._actions = actions
        self.changed = changed
        self._keep_finished = keep_finished
        self._by_client_id: dict[str, Order] = {}
        self._by_venue_id: dict[int, Order] = {}
        self._live: dict[str, Order] = {}
        self._finished: deque[Order] = deque()
        self.illegal = 0
        self.duplicates = 0
        self.foreign = 0

    def create(
        self,
        market: Market,
        side: Side,
        price_ticks: int,
        amount_lots: int,
        client_id: str,
        now_ns: int,
        tag: object = None,
        flags: int = 0,
    ) -> Order:
        """A new order in state SENT.

        Args:
            market, side, price_ticks, amount_lots: what is placed.
            client_id: with our prefix, and never used before.
            now_ns: when the strategy asked for it, monotonic.
            tag: the strategy's own.
            flags: which request template makes it.

        Raises:
            UsageError: the client id is taken.
        """
        if client_id in self._by_client_id:
            raise UsageError("client-id-reused", f"{client_id} is taken", "never reuse a client id")
        order = Order(
            market, side, price_ticks, amount_lots, client_id, self._actions, now_ns, tag, flags
        )
        self._by_client_id[client_id] = self._live[client_id] = order
        return order

    def cancel_sent(self, order: Order, now_ns: int) -> list[OrderNotice]:
        """A cancel is on the wire."""
        return self._file(order, order_reducer.step(order, OrderInput.CANCEL_SENT, now_ns))

    def modify_sent(
        self, order: Order, price_ticks: int, amount_lots: int, now_ns: int
    ) -> list[OrderNotice]:
        """A modify to this price (ticks) and size (lots) is on the wire; see `can_modify`."""
        notices = order_reducer.modify_sent(order, price_ticks, amount_lots, now_ns)
        return self._file(order, notices)

    def refuse(self, order: Order, reject: Reject, now_ns: int) -> list[OrderNotice]:
        """Our own gate refused the placement; it never reached the wire."""
        return self._file(order, order_reducer.refuse(order, reject, now_ns))

    def on_reply(
        self, kind: RequestKind, order: Order, reply: Reply, now_ns: int
    ) -> list[OrderNotice]:
        """The verdict on a request about `order`; for a bulk, on its leg."""
        return self._file(order, _ANSWERED[kind](order, reply, now_ns))

    def on_place_reply(self, order: Order, reply: Reply, now_ns: int) -> list[OrderNotice]:
        """The verdict on the placement."""
        return self._file(order, order_answers.place_reply(order, reply, now_ns))

    def on_cancel_reply(self, order: Order, reply: Reply, now_ns: int) -> list[OrderNotice]:
        """The verdict on a cancel."""
        return self._file(order, order_answers.cancel_reply(order, reply, now_ns))

    def on_modify_reply(self, order: Order, reply: Reply, now_ns: int) -> list[OrderNotice]:
        """The verdict on a modify."""
        return self._file(order, order_answers.modify_reply(order, reply, now_ns))

    def on_lost(
        self, request: Request, now_ns: int, reason: str = "the connection was lost"
    ) -> list[OrderNotice]:
        """`request` will never be answered: nobody knows whether it was done."""
        if request.kind is RequestKind.OTHER:
            return []
        notices: list[OrderNotice] = []
        for order in request.orders:
            lost = order_reducer.lose(order, request.kind, reason, now_ns)
            notices += self._file(order, lost)
        return notices

    def apply_update(self, update: OrderUpdate, now_ns: int) -> list[OrderNotice | Foreign]:
        """One `ordersPending` push; `now_ns` is its arrival, monotonic."""
        order = self._find(update.client_id, update.venue_id)
        if order is None:
            is_live = update.event != _FINAL_EVENT
            return [self._stranger(update.market, update.client_id, update.venue_id, is_live)]
        notices = order_reducer.push(order, update, now_ns)
        if notices is None:
            self.duplicates += 1
            return []
        return [*self._file(order, notices)]

    def apply_deal(self, deal: Deal) -> list[Notice]:
        """One of our deals, from the stream or from a history; it does not move any clock."""
        order = self._find(deal.client_id, deal.venue_id)
        if order is None:
            return [self._stranger(deal.market, deal.client_id, deal.venue_id, False)]
        notices = order_reducer.deal(order, deal)
        if notices is None:
            self.duplicates += 1
            return []
        self._file(order, [notice for notice in notices if isinstance(notice, OrderNotice)])
        return [*notices]

    def resolve(
        self, order: Order, outcome: OrderInput, reply: OrderReply | None, now_ns: int
    ) -> list[OrderNotice]:
        """Apply what `reconcile` concluded; `reply` is the venue's own view where it had one."""
        return self._file(order, order_reducer.resolve(order, outcome, reply, now_ns))

    def old_legs(self) -> list[tuple[Order, Leg]]:
        """Replaced legs that may have been filled and nobody told."""
        return [(order, leg) for order in self.recent() for leg in order.legs if leg.amount_lots]

    def forget_old_legs(self, asked: Iterable[tuple[Order, Leg]]) -> None:
        """The venue was asked for our deals when these were old: they hold nothing untold."""
        for order, leg in asked:
            leg.amount_lots = 0
            self.changed(order)

    def by_client_id(self, client_id: str) -> Order | None:
        """The order of a client id, while it is remembered."""
        return self._by_client_id.get(client_id)

    def by_venue_id(self, venue_id: int) -> Order | None:
        """The order of any of its venue ids, while it is remembered."""
        return self._by_venue_id.get(venue_id)

    def recent(self) -> list[Order]:
        """Every order that is remembered, done or not."""
        return list(self._by_client_id.values())

    def open_orders(self, market: str | None = None) -> list[Order]:
        """Every order that may rest at the venue, whatever is in flight or unknown about it."""
        live = self._live.values()
        return [order for order in live if market is None or order.market.name == market]

    @property
    def open_count(self) -> int:
        """How many orders may rest at the venue."""
        return len(self._live)

    def unknown_orders(self) -> list[Order]:
        """The orders that wait for the venue's word."""
        return [order for order in self._live.values() if order.is_unknown]

    def working_notional(self, market: str) -> Decimal:
        """Money that the orders of `market` may still trade; a modify counts its larger side."""
        total = Decimal(0)
        for order in self.open_orders(market):
            resting = order.price_ticks * order.left_lots
            target = order.target_ticks * order.target_lots if order.is_replacement_due else 0
            total += order.market.price(max(resting, target)) * order.market.amount(1)
        return total

    def _find(self, client_id: str, venue_id: int) -> Order | None:
        order = self._by_client_id.get(client_id) if client_id else None
        return order if order is not None else self._by_venue_id.get(venue_id)

    def _stranger(self, market: str, client_id: str, venue_id: int, is_live: bool) -> Foreign:
        self.foreign += 1
        is_orphan = client_id.startswith(self.prefix)
        return Foreign(market, client_id, venue_id, is_orphan, is_live)

    def index(self, order: Order) -> None:
        """Make the newest leg findable; a fact brings one at most, and pushes one into the past."""
        if order.legs:
            self._by_venue_id[order.legs[-1].venue_id] = order
            if order.past is not None:
                self._by_venue_id.pop(order.past.venue_id, None)

    def _file(self, order: Order, notices: list[OrderNotice]) -> list[OrderNotice]:
        """Keep the indexes and counters true after a fact."""
        self.index(order)
        self.changed(order)
        for notice in notices:
            if notice.kind is _ILLEGAL:
                self.illegal += 1
        if order.state in DONE and self._live.pop(order.client_id, None) is not None:
            self._finished.append(order)
            if len(self._finished) > self._keep_finished:
                self._forget(self._finished.popleft())
        return notices

    def _forget(self, order: Order) -> None:
        del self._by_client_id[order.client_id]
        for leg in order.legs:
            del self._by_venue_id[leg.venue_id]
