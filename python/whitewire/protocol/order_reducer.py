"""What one fact does to one order: pushes, deals and losses become table inputs.

Owns: the reading of facts by the rules of `order_states` (whose numbers are cited here) and the
notices that follow. Must not know: other orders, connections, clocks. Invariant: every function is
idempotent in facts; the same reply, push or deal twice changes nothing and tells nothing twice.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from whitewire._core import scaled
from whitewire.errors import PeerError
from whitewire.protocol.events import Deal, OrderUpdate
from whitewire.protocol.order_states import TRANSITIONS, Doubt, Finish, OrderInput, OrderState
from whitewire.protocol.orders import (
    Fill,
    Leg,
    Liquidity,
    NoticeKind,
    Order,
    OrderNotice,
    Reject,
    RejectSource,
)
from whitewire.protocol.replies import OrderReply, RequestKind, finish_of

__all__ = [
    "FINISHED",
    "Facts",
    "deal",
    "facts_of",
    "learn_leg",
    "lose",
    "merge",
    "modify_sent",
    "push",
    "refuse",
    "resolve",
    "scale",
    "step",
]


_FINAL_NOTICE = {
    OrderState.FILLED: NoticeKind.FILLED,
    OrderState.CANCELED: NoticeKind.CANCELED,
    OrderState.REJECTED: NoticeKind.REJECTED,
}
_LOSS = {
    RequestKind.PLACE: Doubt.PLACE,
    RequestKind.BULK: Doubt.PLACE,
    RequestKind.CANCEL: Doubt.CANCEL,
    RequestKind.MODIFY: Doubt.MODIFY,
}
_PLACED = Doubt.PLACE
_REPLACED = Doubt.PLACE | Doubt.MODIFY
_EVERY = Doubt.PLACE | Doubt.CANCEL | Doubt.MODIFY | Doubt.CONTRADICTION
# Rule 3: which doubts an input answers.
_ANSWERS = {
    OrderInput.ACK_OPEN: _PLACED,
    OrderInput.OPENED: _PLACED,
    OrderInput.CHANGED: _PLACED,
    OrderInput.REPLACED: _REPLACED,
    OrderInput.MODIFY_ACKED: _REPLACED,
    OrderInput.RESOLVED_OPEN: _EVERY,
}
FINISHED = {
    Finish.FILLED: OrderInput.FINISHED_FILLED,
    Finish.CANCELED: OrderInput.FINISHED_CANCELED,
}
_FINAL_EVENT = 3
# Members of enumerations are looked up slowly.
_OPEN, _UNKNOWN, _REPLACED_CAUSE = OrderState.OPEN, OrderState.UNKNOWN, OrderInput.REPLACED


class Facts(NamedTuple):
    """What a push or a reply says about one leg; stock and money, as the venue's texts or read."""

    price: Decimal | str | None
    amount: Decimal | str
    deal_stock: Decimal | str
    deal_money: Decimal | str
    finish: Finish | None


def scale(value: Decimal | str, decimals: int) -> int:
    """The integer of a venue number at a market's scale, exactly; of a text by the core if it can.

    Raises:
        PeerError: not a finite number, or finer than the scale.
    """
    if isinstance(value, str):
        evident = scaled(value, decimals)
        if evident is not None:
            return evident
    try:
        exact = Decimal(value).scaleb(decimals)
        whole = int(exact)
    except (InvalidOperation, ValueError, OverflowError):
        raise PeerError("venue-number", f"{value} is not a finite number", "reconnect") from None
    if whole != exact:
        raise PeerError("venue-number", f"{value} has more than {decimals} decimals", "reconnect")
    return whole


def step(
    order: Order, cause: OrderInput, now_ns: int, detail: str = "", reject: Reject | None = None
) -> list[OrderNotice]:
    """Move `order` through the table and tell what changed."""
    old = order.state
    new = TRANSITIONS[cause].get(old)
    notices: list[OrderNotice] = []
    if new is None:
        text = f"{cause.name} in state {old.name}" + (f": {detail}" if detail else "")
        notices.append(OrderNotice(order, NoticeKind.ILLEGAL, None, text))
        if order.is_done:
            return notices  # rule 5: a final order stays what it is
        order.doubts |= Doubt.CONTRADICTION
        new = _UNKNOWN
    elif old is _UNKNOWN and new is _OPEN:
        order.doubts &= ~_ANSWERS[cause]
        if order.doubts:
            new = _UNKNOWN  # rule 3
    order.t_changed_ns = now_ns
    if cause is _REPLACED_CAUSE and not notices:
        notices.append(OrderNotice(order, NoticeKind.REPLACED))
    if new is old:
        return notices
    order.state = new
    if old is _UNKNOWN:
        notices.append(OrderNotice(order, NoticeKind.RESOLVED, None, cause.value))
    if new is _UNKNOWN:
        order.t_unknown_ns = now_ns
        notices.append(OrderNotice(order, NoticeKind.UNKNOWN, reject, detail or cause.value))
    elif new in _FINAL_NOTICE:
        order.t_done_ns = now_ns
        order.doubts = Doubt.NONE
        notices.append(OrderNotice(order, _FINAL_NOTICE[new], reject, detail))
    return notices


def modify_sent(order: Order, price_ticks: int, amount_lots: int, now_ns: int) -> list[OrderNotice]:
    """A modify to this price (ticks) and size (lots) is on the wire."""
    if order.state is OrderState.OPEN:
        order.is_replacement_due = True
        order.target_ticks, order.target_lots = price_ticks, amount_lots
    return step(order, OrderInput.MODIFY_SENT, now_ns)


def refuse(order: Order, reject: Reject, now_ns: int) -> list[OrderNotice]:
    """The placement was refused, by our own gate or by the venue."""
    if not order.is_done:
        order.reject = reject
    return step(order, OrderInput.REFUSED, now_ns, reject.message, reject)


def lose(order: Order, kind: RequestKind, reason: str, now_ns: int) -> list[OrderNotice]:
    """A request about `order` got no usable answer (rule 3)."""
    doubt = _LOSS[kind]
    is_known = doubt is Doubt.PLACE and order.current is not None
    is_known = is_known or (doubt is Doubt.MODIFY and not order.is_replacement_due)
    if is_known:
        return []  # a push already told what the answer would have told
    if not order.is_done:
        order.doubts |= doubt
    if doubt is not Doubt.CANCEL:
        order.t_unknown_ns = now_ns  # what may still take effect starts its quarantine anew
    return step(order, OrderInput.LOST, now_ns, reason)


def push(order: Order, update: OrderUpdate, now_ns: int) -> list[OrderNotice] | None:
    """One `ordersPending` push about `order`; None when it brought no news."""
    if order.t_event_ns == 0:
        order.t_event_ns = now_ns
    finish = None
    if update.event == _FINAL_EVENT:  # final whatever the text says; the text tells how
        left = Decimal(update.left)
        by_left = Finish.FILLED if left == 0 else Finish.CANCELED
        finish = finish_of(update.status, left) or by_left
    facts = Facts(update.price, update.amount, update.deal_stock, update.deal_money, finish)
    notices: list[OrderNotice] = []
    leg = learn_leg(order, update.venue_id, now_ns, notices)
    if leg is None:
        return notices
    if leg is order.past:
        return None  # rule 6
    if leg.finish is not None and finish is not None and leg.finish is not finish:
        text = f"leg {leg.venue_id} was {leg.finish}, now {finish}"
        return notices + step(order, OrderInput.CONTRADICTION, now_ns, text)
    is_first = not leg.is_pushed
    leg.is_pushed = True
    is_oldest = order.past is None and order.legs[0] is leg
    if is_first and update.event == 1 and is_oldest and not order.is_done:
        notices.append(OrderNotice(order, NoticeKind.OPENED))
    has_news = is_first or (finish is not None and leg.finish is None)
    has_news = has_news or scale(facts.deal_stock, order.market.amount_decimals) > leg.dealt_lots
    if not has_news:
        return None
    return notices + merge(order, leg, facts, _push_cause(order, leg, update.event, finish), now_ns)


def deal(order: Order, event: Deal) -> list[OrderNotice | Fill] | None:
    """One of our deals; None when it was seen before. It may be old, so no clock moves."""
    now_ns = order.t_changed_ns
    price, amount, fee = Decimal(event.price), Decimal(event.amount), Decimal(event.fee)
    lots = scale(event.amount, order.market.amount_decimals)
    ticks = scale(event.price, order.market.price_decimals)
    if not order.book_fill((event.deal_id, event.venue_id), event.fee_asset, fee):
        return None
    notices: list[OrderNotice] = []
    is_first = not order.legs
    learn_leg(order, event.venue_id, now_ns, notices)
    leg = order.leg(event.venue_id)
    if leg is not None:
        leg.fill_lots += lots
        leg.fill_money += price * amount
    if is_first:
        notices += step(order, OrderInput.OPENED, now_ns)
    role = Liquidity.MAKER if event.role == 1 else Liquidity.TAKER
    fill = Fill(
        order, event.deal_id, event.venue_id, price, amount, ticks, lots, fee, event.fee_asset,
        role, event.time_ns,
    )  # fmt: skip
    return [*notices, fill]


def resolve(
    order: Order, outcome: OrderInput, reply: OrderReply | None, now_ns: int
) -> list[OrderNotice]:
    """What reconcile found out; `reply` is the venue's own view where it had one."""
    if order.is_done:
        return []  # an event was faster than the conclusion
    if outcome is OrderInput.NEVER_ARRIVED:
        text = "the venue never received the placement"
        order.reject = Reject(RejectSource.LOCAL, "never-arrived", text, retryable=True)
        return step(order, outcome, now_ns, text, order.reject)
    order.is_replacement_due = False
    if reply is None:
        return step(order, outcome, now_ns)
    leg = order.leg(reply.venue_id) or order.add_leg(reply.venue_id)
    is_replaced = order.current is not None and leg is not order.current
    notices = [OrderNotice(order, NoticeKind.REPLACED)] if is_replaced else []
    order.current = leg
    return notices + merge(order, leg, facts_of(reply), outcome, now_ns)


def _push_cause(order: Order, leg: Leg, event: int, finish: Finish | None) -> OrderInput | None:
    if leg is not order.current:
        return None if finish is None else OrderInput.OLD_LEG_GONE
    if finish is None:
        return OrderInput.OPENED if event == 1 else OrderInput.CHANGED
    if finish is Finish.CANCELED and order.is_replacement_due:
        return OrderInput.OLD_LEG_GONE  # rule 2
    return FINISHED[finish]


def merge(
    order: Order, leg: Leg, facts: Facts, cause: OrderInput | None, now_ns: int
) -> list[OrderNotice]:
    """Merge the facts into the leg (rule 1), then step, then tell of new fills."""
    market = order.market
    dealt = scale(facts.deal_stock, market.amount_decimals)
    has_grown = dealt > leg.dealt_lots
    if has_grown:
        leg.dealt_lots, leg.dealt_money = dealt, Decimal(facts.deal_money)
    leg.finish = leg.finish or facts.finish
    if leg is order.current:
        order.amount_lots = scale(facts.amount, market.amount_decimals)
        ticks = 0 if facts.price is None else scale(facts.price, market.price_decimals)
        if ticks:
            order.price_ticks = ticks
        if not order.is_replacement_due:
            order.target_ticks, order.target_lots = order.price_ticks, order.amount_lots
    order.t_changed_ns = now_ns
    notices = [] if cause is None else step(order, cause, now_ns)
    if has_grown and not order.is_done:
        notices.append(OrderNotice(order, NoticeKind.PARTIAL))
    return notices


def learn_leg(order: Order, venue_id: int, now_ns: int, notices: list[OrderNotice]) -> Leg | None:
    """The leg of a venue id, added when new (rule 2); None when it fits no history."""
    if not order.legs:
        order.current = first = Leg(venue_id)
        order.legs = (first,)
        return first
    leg = order.leg(venue_id)
    if leg is not None:
        return leg
    is_replacement = order.is_replacement_due
    leg = order.add_leg(venue_id)
    if not is_replacement:
        text = f"unexpected venue id {venue_id}"
        notices += step(order, OrderInput.CONTRADICTION, now_ns, text)
        return None
    order.is_replacement_due = False
    if order.current is not None:
        order.current.amount_lots = order.amount_lots
    order.current = leg
    order.price_ticks, order.amount_lots = order.target_ticks, order.target_lots
    notices += step(order, OrderInput.REPLACED, now_ns)
    return leg


def facts_of(reply: OrderReply) -> Facts:
    """What a whole order object says of its leg."""
    return Facts(reply.price, reply.amount, reply.deal_stock, reply.deal_money, reply.finish)
