"""What the answer to a request does to its order.

Owns: the reading of answers by the rules of `order_states` (whose numbers are cited here). Must not
know: other orders, connections, clocks, pushes and deals (see `order_reducer`). Invariant: an
answer in short does what the whole one of the same text does; the same answer twice changes nothing
and tells nothing twice.
"""

from __future__ import annotations

from whitewire.protocol.order_reducer import (
    FINISHED,
    facts_of,
    learn_leg,
    lose,
    merge,
    refuse,
    step,
)
from whitewire.protocol.order_states import DONE, Doubt, Finish, OrderInput
from whitewire.protocol.orders import Leg, NoticeKind, Order, OrderNotice, Reject
from whitewire.protocol.replies import Ack, Ambiguous, Refused, Reply, RequestKind
from whitewire.protocol.replies_plain import PlainAck

__all__ = ["cancel_reply", "modify_reply", "place_reply"]

_ACKED = {
    None: OrderInput.ACK_OPEN,
    Finish.FILLED: OrderInput.ACK_FILLED,
    Finish.CANCELED: OrderInput.ACK_CANCELED,
}
_TOLD_ACKED, _new = NoticeKind.ACKED, tuple.__new__  # slow to look up


def place_reply(order: Order, reply: Reply, now_ns: int) -> list[OrderNotice]:
    """The verdict on the placement."""
    if isinstance(reply, Refused):
        return refuse(order, reply.reject, now_ns)
    if isinstance(reply, Ambiguous):
        return lose(order, RequestKind.PLACE, reply.reason, now_ns)
    notices = _acked(order)
    leg = _leg_in(order, reply, now_ns, notices)
    if leg is None or leg is not order.current:
        return notices
    if isinstance(reply, PlainAck):
        return notices + _stand(order, leg, reply, reply.finish, _ACKED[reply.finish], now_ns)
    facts = facts_of(reply.order)
    return notices + merge(order, leg, facts, _ACKED[facts.finish], now_ns)


def cancel_reply(order: Order, reply: Reply, now_ns: int) -> list[OrderNotice]:
    """The verdict on a cancel."""
    if isinstance(reply, Refused):
        notices = _refused(order, reply.reject)
        is_harmless = reply.reject.untouched and order.current is not None
        if is_harmless and not order.is_replacement_due and not order.doubts:
            return notices + step(order, OrderInput.CANCEL_REFUSED, now_ns)  # rule 4
        if not order.is_done:
            order.doubts |= Doubt.CANCEL
        return notices + step(order, OrderInput.CANCEL_MISSED, now_ns, reply.reject.message)
    if isinstance(reply, Ambiguous):
        return lose(order, RequestKind.CANCEL, reply.reason, now_ns)
    notices = []
    leg = _leg_in(order, reply, now_ns, notices)
    if leg is None:
        return notices
    if leg is not order.current:
        text = f"the cancel's answer names the old leg {leg.venue_id}"
        return notices + step(order, OrderInput.CONTRADICTION, now_ns, text)
    # The order is gone whatever its status text says; only a fill differs.
    if isinstance(reply, PlainAck):
        cause = OrderInput.CANCEL_ACKED
        return notices + _stand(order, leg, reply, Finish.CANCELED, cause, now_ns)
    facts = facts_of(reply.order)._replace(finish=reply.order.finish or Finish.CANCELED)
    is_filled = facts.finish is Finish.FILLED
    cause = OrderInput.FINISHED_FILLED if is_filled else OrderInput.CANCEL_ACKED
    return notices + merge(order, leg, facts, cause, now_ns)


def modify_reply(order: Order, reply: Reply, now_ns: int) -> list[OrderNotice]:
    """The verdict on a modify."""
    if isinstance(reply, Refused):
        notices = _refused(order, reply.reject)
        order.is_replacement_due = False
        order.target_ticks, order.target_lots = order.price_ticks, order.amount_lots
        if order.current is not None and order.current.finish is Finish.CANCELED:
            # Rule 2: no replacement follows, so what looked like the old leg was the order.
            return notices + step(order, OrderInput.FINISHED_CANCELED, now_ns)
        if reply.reject.untouched or order.is_done:
            return notices + step(order, OrderInput.MODIFY_REFUSED, now_ns)
        order.doubts |= Doubt.MODIFY  # rule 4
        return notices + step(order, OrderInput.MODIFY_MISSED, now_ns, reply.reject.message)
    if isinstance(reply, Ambiguous):
        return lose(order, RequestKind.MODIFY, reply.reason, now_ns)
    notices = _acked(order)
    leg = _leg_in(order, reply, now_ns, notices)
    if leg is None or leg is not order.current:
        return notices
    order.is_replacement_due = False
    if isinstance(reply, PlainAck):
        return notices + _stand(order, leg, reply, reply.finish, _modified(reply.finish), now_ns)
    facts = facts_of(reply.order)
    return notices + merge(order, leg, facts, _modified(facts.finish), now_ns)


def _modified(finish: Finish | None) -> OrderInput:
    return OrderInput.MODIFY_ACKED if finish is None else FINISHED[finish]


def _leg_in(
    order: Order, reply: Ack | PlainAck, now_ns: int, notices: list[OrderNotice]
) -> Leg | None:
    """The leg that an answer names, or None when the answer is about another order."""
    if isinstance(reply, PlainAck):
        return learn_leg(order, reply.venue_id, now_ns, notices)
    said = reply.order
    if said.client_id not in ("", order.client_id) or said.market != order.market.name:
        text = f"the answer is about {said.market} {said.client_id}"
        notices[:] = step(order, OrderInput.CONTRADICTION, now_ns, text)
        return None
    return learn_leg(order, said.venue_id, now_ns, notices)


def _stand(
    order: Order,
    leg: Leg,
    plain: PlainAck,
    finish: Finish | None,
    cause: OrderInput,
    now_ns: int,
) -> list[OrderNotice]:
    """As `merge`, of an answer in short: the current leg stands like this, and nothing is dealt."""
    if leg.finish is None:
        leg.finish = finish
    order.price_ticks, order.amount_lots = plain.price_ticks, plain.amount_lots
    if not order.is_replacement_due:
        order.target_ticks, order.target_lots = plain.price_ticks, plain.amount_lots
    order.t_changed_ns = now_ns
    return step(order, cause, now_ns)


def _acked(order: Order) -> list[OrderNotice]:
    """An acknowledgement of an order that is done is no news."""
    if order.state in DONE:
        return []
    return [_new(OrderNotice, (order, _TOLD_ACKED, None, ""))]


def _refused(order: Order, reject: Reject) -> list[OrderNotice]:
    """A refused cancel or modify of an order that is done is the end of a race, not news."""
    return [] if order.is_done else [OrderNotice(order, NoticeKind.REFUSED, reject)]
