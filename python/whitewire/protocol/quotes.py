"""Desired quotes against live orders: what to send so that one becomes the other.

Owns: the slots of one market and the difference. Must not know: transports, books, time.
Invariant: a slot has at most one order that is not done; what is decided never lets a bid of ours
reach an ask of ours.

Rules
-----
1. Slot i of a side carries the i-th quote of that side, best first.
2. A resting order stays when its size is as wanted and its price within the tolerance. The size
   compared is the order's, not what is left of it, so a partial fill alone sends nothing. The
   tolerance ends where the order would stand in the way of a wish of the other side.
3. Otherwise it is modified: one request, at the back of the queue. An empty slot is placed.
4. A slot that is busy (in flight, modifying, canceling, unknown) remembers the newest wish and is
   taken up by `settle`. To pull a quote is never delayed: unless a cancel is under way or the
   order is unknown, the cancel is sent behind what is in flight.
5. A wish that reaches the other side's wishes is dropped. One that reaches a *living* order of the
   other side waits until that order has moved; when both sides move up or down, one side can
   always go first.
6. `settle` acts only on wishes that waited. A quote that was refused is not repeated by itself;
   the strategy's next wish decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from whitewire.market import Side
from whitewire.protocol.orders import Order, OrderState

__all__ = [
    "Action",
    "Cancel",
    "Drop",
    "Keep",
    "Level",
    "Modify",
    "Place",
    "Slot",
    "Slots",
    "diff",
    "settle",
]


class Level(NamedTuple):
    """One wished quote: price in ticks, size in lots."""

    price_ticks: int
    amount_lots: int


class Slot:
    """One place in the quotes of a side.

    Attributes:
        side, index: which place.
        order: its order; the caller sets it after a `Place`.
        wanted: the newest wish, None for no quote.
        is_waiting: the wish could not be acted on yet (rules 4 and 5).
    """

    __slots__ = ("index", "is_waiting", "order", "side", "wanted")

    def __init__(self, side: Side, index: int) -> None:
        self.side = side
        self.index = index
        self.order: Order | None = None
        self.wanted: Level | None = None
        self.is_waiting = False

    @property
    def live(self) -> Order | None:
        """The order while it is not done."""
        order = self.order
        return None if order is None or order.is_done else order


class Slots:
    """The slots of one market; they grow with the longest quote list seen."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids: list[Slot] = []
        self.asks: list[Slot] = []

    @property
    def has_waiting(self) -> bool:
        """Whether `settle` has anything to look at (rule 6)."""
        for side in (self.bids, self.asks):
            for slot in side:
                if slot.is_waiting:
                    return True
        return False

    def of(self, order: Order) -> Slot | None:
        """The slot of an order, or None when it is not a quote."""
        side = self.bids if order.side is Side.BUY else self.asks
        return next((slot for slot in side if slot.order is order), None)


class Place(NamedTuple):
    """Create an order at `level` and set `slot.order`."""

    slot: Slot
    level: Level


class Modify(NamedTuple):
    """Move the slot's order to `level`."""

    slot: Slot
    level: Level


class Cancel(NamedTuple):
    """Cancel the slot's order."""

    slot: Slot


class Keep(NamedTuple):
    """Send nothing; `reason` is `same`, `tolerance` or `waits`."""

    slot: Slot
    reason: str


class Drop(NamedTuple):
    """The wish is given up because it would reach our own other side (rule 5)."""

    slot: Slot
    level: Level
    reason: str


Action = Place | Modify | Cancel | Keep | Drop


def diff(
    slots: Slots, bids: Sequence[Level], asks: Sequence[Level], tolerance_ticks: int = 0
) -> list[Action]:
    """Note the wishes in `slots` and say what to send now, cancels first.

    Args:
        slots: the market's slots; changed: wishes, and slots added.
        bids, asks: the wished quotes, best first; empty pulls that side.
        tolerance_ticks: a price this close to the wished one is good enough, ticks.
    """
    _wish(slots.bids, Side.BUY, bids)
    _wish(slots.asks, Side.SELL, asks)
    drops: list[Action] = []
    if bids and asks:
        lowest_ask = min([level.price_ticks for level in asks])
        for slot, level in zip(slots.bids, bids, strict=False):
            if level.price_ticks >= lowest_ask:
                slot.wanted = None
                drops.append(Drop(slot, level, "bid reaches our own ask"))
    return _act(slots, tolerance_ticks, False) + drops


def settle(slots: Slots, tolerance_ticks: int = 0) -> list[Action]:
    """Take up the wishes that waited; call it after any event of an order in these slots."""
    return _act(slots, tolerance_ticks, True)


def _wish(side: list[Slot], word: Side, levels: Sequence[Level]) -> None:
    for index in range(len(side), len(levels)):
        side.append(Slot(word, index))
    for slot in side:
        slot.wanted = levels[slot.index] if slot.index < len(levels) else None


def _act(slots: Slots, tolerance_ticks: int, only_waiting: bool) -> list[Action]:
    """What to send for the wishes of all slots, or of those that waited; cancels first."""
    cancels: list[Action] = []
    others: list[Action] = []
    for side, other_side in ((slots.bids, slots.asks), (slots.asks, slots.bids)):
        edge: int | None = None  # of the other side, looked up when first needed
        for slot in side:
            if only_waiting and not slot.is_waiting:
                continue
            slot.is_waiting = False
            wanted, order = slot.wanted, slot.live
            if wanted is None:
                if order is not None:
                    action = _pull(slot, order)
                    (cancels if isinstance(action, Cancel) else others).append(action)
                continue
            is_settled = order is None or order.can_modify
            is_good = order is not None and _is_good(order, wanted, tolerance_ticks)
            if order is not None and is_settled and is_good and not _blocks(order, other_side):
                same = order.price_ticks == wanted.price_ticks
                others.append(Keep(slot, "same" if same else "tolerance"))
                continue
            if edge is None:
                edge = _edge(other_side)
            if not is_settled or _reaches(wanted.price_ticks, slot.side, edge):
                slot.is_waiting = True
                others.append(Keep(slot, "waits"))
            else:
                others.append(Place(slot, wanted) if order is None else Modify(slot, wanted))
    return cancels + others


def _pull(slot: Slot, order: Order) -> Action:
    if order.state in (OrderState.CANCELING, OrderState.UNKNOWN):
        slot.is_waiting = True
        return Keep(slot, "waits")
    return Cancel(slot)


def _is_good(order: Order, wanted: Level, tolerance_ticks: int) -> bool:
    return (
        order.amount_lots == wanted.amount_lots
        and abs(order.price_ticks - wanted.price_ticks) <= tolerance_ticks
    )


def _blocks(order: Order, other_side: Sequence[Slot]) -> bool:
    """Whether `order` stands where a wish of the other side would meet it (rule 2)."""
    return any(
        slot.wanted is not None and _reaches(order.price_ticks, order.side, slot.wanted.price_ticks)
        for slot in other_side
    )


def _edge(side: Sequence[Slot]) -> int:
    """The most aggressive price that a living order of `side` has or moves to, ticks; 0 if none."""
    edge = 0
    for slot in side:
        order = slot.live
        if order is None:
            continue
        for ticks in (order.price_ticks, order.target_ticks):
            if edge == 0 or (ticks > edge if slot.side is Side.BUY else ticks < edge):
                edge = ticks
    return edge


def _reaches(ticks: int, side: Side, edge: int) -> bool:
    """Whether a quote at `ticks` would meet the other side, whose foremost price is `edge`."""
    return edge != 0 and (ticks >= edge if side is Side.BUY else ticks <= edge)
