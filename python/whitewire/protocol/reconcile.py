"""What the venue's own lists say about our orders.

Owns: the conclusions from the active list, the deals and the finished orders. Must not know: how
the lists were fetched, or what is done about a conclusion. Invariant: it concludes only from the
venue's words; it is pure and may be repeated at any time.

Rules
-----
1. A finished order is never revived. If it is in the active list although it had finished before
   the question, it is canceled there; if it finished later, the list is merely old.
2. An order that is in flight, or about which something was heard after the question was asked, is
   left alone: the answer may be older than what is known.
3. Of several active legs of one order the newest creation wins; equal times, the larger id.
   Within a leg progress only grows, so an old row takes nothing back.
4. Absence alone proves nothing until the quarantine is over: lists and histories lag. The
   quarantine starts with the last request that may still take effect, and ends before the question.
5. While a replacement may still come (a modify without an answer), the old leg in the active list
   proves nothing until the quarantine is over either.
6. An absent order is filled when its deals amount to its size, otherwise it ended as the finished
   list says. B2B accounts keep no canceled orders there, so absent from both after asking for its
   deals is canceled.
7. A placement of which neither list, deal nor leg exists after the quarantine counts as never
   arrived: B2B accounts keep no trace of one that came and was canceled without a trade. It is
   never placed again: no action here can place.
8. A deal of our orders that is in a history is handed on; the table drops those it knows.
9. An active order with our prefix that nobody here knows is an orphan: canceled. Any other is
   foreign: reported; left alone unless the owner says otherwise.
10. An Unknown placement without a leg that is in no list is asked for by its client id, from
   `ASK_NS` after the doubt on. A finished row of that name is its leg: it came, and ended so, even
   if no answer and no push about it ever arrived. The deals of that leg are asked for first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from whitewire.protocol.control_replies import FinishedOrder
from whitewire.protocol.deadlines import ASK_NS
from whitewire.protocol.events import Deal
from whitewire.protocol.order_states import Finish, OrderInput
from whitewire.protocol.orders import Order
from whitewire.protocol.replies import OrderReply

__all__ = [
    "QUARANTINE_NS",
    "Action",
    "ApplyDeal",
    "AskClient",
    "AskDeals",
    "CancelOrphan",
    "Evidence",
    "ReportForeign",
    "Resolve",
    "Wait",
    "reconcile",
]

QUARANTINE_NS = 5_000_000_000


class Evidence(NamedTuple):
    """The venue's lists, all asked for at or after `asked_ns`.

    Attributes:
        active: every active order of the markets concerned.
        deals: our latest deals there.
        order_deals: all deals of single orders, by venue id; what `AskDeals` asked for.
        finished: finished orders by venue id, as far as they were asked for.
        asked_ns: when the first question was sent, monotonic ns.
        by_client: finished orders by client id; what `AskClient` asked for.
    """

    active: Sequence[OrderReply]
    deals: Sequence[Deal]
    order_deals: Mapping[int, Sequence[Deal]]
    finished: Mapping[int, FinishedOrder]
    asked_ns: int
    by_client: Mapping[str, Sequence[FinishedOrder]] = MappingProxyType({})


class Resolve(NamedTuple):
    """Apply `outcome` (one of the RESOLVED inputs or NEVER_ARRIVED) to `order`."""

    order: Order
    outcome: OrderInput
    reply: OrderReply | None


class ApplyDeal(NamedTuple):
    """Hand a deal to the order table, which knows whether it is new."""

    deal: Deal


class AskDeals(NamedTuple):
    """Fetch the deals and the finished row of one venue id, then reconcile again."""

    order: Order
    venue_id: int


class AskClient(NamedTuple):
    """Fetch the finished rows and the deals of one client id, then reconcile again."""

    order: Order


class Wait(NamedTuple):
    """Nothing can be concluded about `order` from questions sent before `until_ns`."""

    order: Order
    until_ns: int


class CancelOrphan(NamedTuple):
    """Cancel an active order that should not exist."""

    market: str
    client_id: str
    venue_id: int


class ReportForeign(NamedTuple):
    """Tell about an active order that is not ours, and leave it alone."""

    market: str
    client_id: str
    venue_id: int


Action = Resolve | ApplyDeal | AskDeals | AskClient | Wait | CancelOrphan | ReportForeign


def reconcile(
    orders: Iterable[Order],
    evidence: Evidence,
    *,
    prefix: str,
    quarantine_ns: int = QUARANTINE_NS,
) -> list[Action]:
    """Conclude what `evidence` allows.

    Args:
        orders: every order that is remembered, done or not.
        evidence: the venue's lists; they must cover the markets of all `orders`.
        prefix: what our client ids start with.
        quarantine_ns: how long absence proves nothing, ns.

    Returns:
        Deals first, then conclusions, then what to ask, to await, to cancel and to report.
    """
    ours = {order.client_id: order for order in orders}
    active: dict[str, OrderReply] = {}
    actions: list[Action] = []
    for row in evidence.active:
        if row.client_id in ours:
            known = active.get(row.client_id, row)
            active[row.client_id] = max(known, row, key=_age)  # rule 3
        elif row.client_id.startswith(prefix):
            actions.append(CancelOrphan(row.market, row.client_id, row.venue_id))  # rule 9
        else:
            actions.append(ReportForeign(row.market, row.client_id, row.venue_id))
    deals = _deals_by_order(ours, evidence)
    for order in ours.values():
        own = deals.get(order.client_id, [])
        actions += [
            ApplyDeal(deal) for deal in own if not order.has_fill((deal.deal_id, deal.venue_id))
        ]  # rule 8
        seen = active.get(order.client_id)
        action = _judge(_Case(order, seen, own, evidence, quarantine_ns))
        if action is not None:
            actions.append(action)
    return sorted(actions, key=lambda action: _SEQUENCE.index(type(action)))


_SEQUENCE = (ApplyDeal, Resolve, AskDeals, AskClient, Wait, CancelOrphan, ReportForeign)


class _Case(NamedTuple):
    order: Order
    row: OrderReply | None
    deals: Sequence[Deal]
    evidence: Evidence
    quarantine_ns: int


def _age(row: OrderReply) -> tuple[Decimal, int]:
    return (row.timestamp, row.venue_id)


def _deals_by_order(ours: Mapping[str, Order], evidence: Evidence) -> dict[str, list[Deal]]:
    """Our deals without repetitions, by client id; a deal may name its order by venue id only."""
    by_leg = {leg_id: name for name, order in ours.items() for leg_id in order.venue_ids}
    found: dict[tuple[int, int], tuple[str, Deal]] = {}
    every = [*evidence.deals, *(deal for rows in evidence.order_deals.values() for deal in rows)]
    for deal in every:
        name = deal.client_id if deal.client_id in ours else by_leg.get(deal.venue_id)
        if name is not None:
            found[deal.deal_id, deal.venue_id] = (name, deal)
    by_order: dict[str, list[Deal]] = {}
    for name, deal in found.values():
        by_order.setdefault(name, []).append(deal)
    return by_order


def _judge(case: _Case) -> Action | None:
    order, row, asked_ns = case.order, case.row, case.evidence.asked_ns
    if order.is_done:
        if row is None or order.t_done_ns >= asked_ns:
            return None
        return CancelOrphan(row.market, row.client_id, row.venue_id)  # rule 1
    if order.in_flight or order.t_changed_ns >= asked_ns:
        return None  # rule 2
    if row is not None:
        leg = order.leg(row.venue_id)
        if leg is None or (leg.finish is None and leg is order.current):
            return _judge_present(case, row)
    return _judge_absent(case)


def _judge_present(case: _Case, row: OrderReply) -> Action | None:
    order = case.order
    is_old_leg = order.is_replacement_due and row.venue_id == order.venue_id
    if is_old_leg and case.evidence.asked_ns < _quarantine_end(case):
        return Wait(order, _quarantine_end(case))  # rule 5
    has_news = order.is_unknown or order.current is None or row.venue_id != order.venue_id
    if not has_news and order.current is not None:
        known = order.market.amount(order.current.filled_lots)
        has_news = row.deal_stock > known  # rule 3
    return Resolve(order, OrderInput.RESOLVED_OPEN, row) if has_news else None


def _judge_absent(case: _Case) -> Action:
    order, evidence = case.order, case.evidence
    unseen = [deal.venue_id for deal in case.deals if order.leg(deal.venue_id) is None]
    leg_id = max(unseen, default=order.venue_id)
    size_lots = order.target_lots if unseen else order.amount_lots
    filled = sum([Decimal(d.amount) for d in case.deals if d.venue_id == leg_id], Decimal(0))
    leg = order.leg(leg_id)
    if leg is not None:
        filled = max(filled, order.market.amount(leg.filled_lots))
    if leg_id and filled >= order.market.amount(size_lots):
        return Resolve(order, OrderInput.RESOLVED_FILLED, None)  # rule 6
    finished = evidence.finished.get(leg_id)
    if finished is not None and finished.finish is Finish.FILLED:
        return Resolve(order, OrderInput.RESOLVED_FILLED, None)
    if finished is not None and not order.is_replacement_due:
        return Resolve(order, OrderInput.RESOLVED_CANCELED, None)
    if leg_id and leg_id not in evidence.order_deals:
        return AskDeals(order, leg_id)
    if not leg_id:
        named = _judge_named(case)
        if named is not None:
            return named
    if evidence.asked_ns < _quarantine_end(case):
        return Wait(order, _quarantine_end(case))  # rule 4
    if leg_id:
        return Resolve(order, OrderInput.RESOLVED_CANCELED, None)
    return Resolve(order, OrderInput.NEVER_ARRIVED, None)  # rule 7


def _judge_named(case: _Case) -> Action | None:
    """An absent placement without a leg, by its client id (rule 10)."""
    order, evidence = case.order, case.evidence
    rows = evidence.by_client.get(order.client_id)
    if rows is None:
        is_due = evidence.asked_ns >= min(order.t_unknown_ns + ASK_NS, _quarantine_end(case))
        return AskClient(order) if is_due else None
    row = max(rows, key=lambda row: row.venue_id, default=None)
    if row is None:
        return None
    if row.deal_stock and row.venue_id not in evidence.order_deals:
        return AskDeals(order, row.venue_id)
    is_filled = row.finish is Finish.FILLED
    outcome = OrderInput.RESOLVED_FILLED if is_filled else OrderInput.RESOLVED_CANCELED
    return Resolve(order, outcome, _as_reply(order, row))


def _as_reply(order: Order, row: FinishedOrder) -> OrderReply:
    """The finished row as the venue's order object, so that its leg is learned."""
    return OrderReply(
        venue_id=row.venue_id,
        market=order.market.name,
        amount=row.amount,
        left=row.amount - row.deal_stock,
        client_id=order.client_id,
        side=order.side,
        deal_stock=row.deal_stock,
        deal_money=row.deal_money,
        status=row.status,
    )


def _quarantine_end(case: _Case) -> int:
    order = case.order
    start_ns = order.t_unknown_ns if order.is_unknown else order.t_changed_ns
    return start_ns + case.quarantine_ns
