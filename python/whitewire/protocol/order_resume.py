"""An order of an earlier session, made anew from what was recorded of it.

Owns: the way from a record to an `Order` in state UNKNOWN. Must not know: where the record was
kept, clocks. Invariant: nothing recorded is believed to be the present; the order waits for the
venue's word like one whose request got no answer (rule 3 of `order_states`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from whitewire.market import Market, Side
from whitewire.protocol import order_reducer
from whitewire.protocol.events import Deal
from whitewire.protocol.order_states import Finish
from whitewire.protocol.order_table import OrderStore
from whitewire.protocol.orders import Order
from whitewire.protocol.replies import RequestKind

__all__ = ["Remembered", "resume"]

_EARLIER = "it is of an earlier session"


@dataclass(slots=True, frozen=True)
class Remembered:
    """What was recorded of an order.

    Attributes:
        market, side, client_id, flags: as placed.
        ticks, lots: of the newest leg.
        venue_ids: its legs, oldest first.
        deals: its fills that are booked.
        target: ticks and lots of a modification that may still take effect, or None.
    """

    market: Market
    side: Side
    client_id: str
    flags: int
    ticks: int
    lots: int
    venue_ids: Sequence[int] = ()
    deals: Iterable[Deal] = ()
    target: tuple[int, int] | None = None


def resume(store: OrderStore, past: Remembered, now_ns: int) -> Order:
    """Puts the order into `store`, UNKNOWN; its booked fills will not be told again.

    Raises:
        UsageError: the client id is taken.
    """
    order = store.create(past.market, past.side, past.ticks, past.lots, past.client_id, now_ns)
    order.flags = past.flags
    for venue_id in past.venue_ids:
        if order.current is not None:
            order.current.finish = Finish.CANCELED
        order.current = order.add_leg(venue_id)
        store.index(order)
    for deal in past.deals:
        order_reducer.deal(order, deal)
    if past.target is not None:
        order.is_replacement_due = True
        order.target_ticks, order.target_lots = past.target
        order_reducer.lose(order, RequestKind.MODIFY, _EARLIER, now_ns)
    if order.current is None:
        order_reducer.lose(order, RequestKind.PLACE, _EARLIER, now_ns)
    order_reducer.lose(order, RequestKind.CANCEL, _EARLIER, now_ns)
    order.t_unknown_ns = now_ns
    store.changed(order)
    return order
