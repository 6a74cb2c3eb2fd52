"""One market's order book.

Owns: the resting orders in matching order, the public levels and the public counter. Must not
know: accounts, funds, fees, who matches whom. Invariant: a ladder lists exactly the prices that
have orders, best first, and a queue's public level states the sum of what is left of its visible
orders; a level that nothing has changed stays the same object.

Rules:
    B1  Better prices first; at one price, earlier arrivals first.
    B2  At one price every ordinary order precedes every RPI order, whatever the arrival times.
    B3  RPI orders are not public: not in levels, not in the top, and they do not move the counter.
    B4  The counter moves by one for each change of a public level.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal

from whitewire.venue.values.model import ZERO, Level, Order, Side, Top
from whitewire.venue.values.money import add, subtract


class _Queue:
    """Orders at one price: the ordinary ones, then the RPI ones (B2), each oldest first.

    `level` is what the public sees, None where all are RPI orders (B3).
    """

    __slots__ = ("level", "ordinary", "price", "rpi")

    def __init__(self, price: Decimal) -> None:
        self.price = price
        self.ordinary: dict[int, Order] = {}
        self.rpi: dict[int, Order] = {}
        self.level: Level | None = None

    def grow(self, amount: Decimal) -> None:
        """Adds to the public amount."""
        before = ZERO if self.level is None else self.level.amount
        self.level = Level(self.price, add(before, amount))

    def shrink(self, amount: Decimal) -> None:
        """Takes from the public amount; without visible orders there is no level."""
        before = ZERO if self.level is None else self.level.amount
        self.level = Level(self.price, subtract(before, amount)) if self.ordinary else None


class _Ladder:
    """One side, best price first (B1): bids are keyed by their negated price.

    `queues` has the queue of each key at the same place; `_by_key` finds it.
    """

    __slots__ = ("_by_key", "_is_bid", "_keys", "queues")

    def __init__(self, is_bid: bool) -> None:
        self._is_bid = is_bid
        self._keys: list[Decimal] = []
        self._by_key: dict[Decimal, _Queue] = {}
        self.queues: list[_Queue] = []

    def _key(self, price: Decimal) -> Decimal:
        return price.copy_negate() if self._is_bid else price

    def at(self, price: Decimal) -> _Queue:
        """The queue of a price that has orders."""
        return self._by_key[self._key(price)]

    def open(self, price: Decimal) -> _Queue:
        """The queue of a price, made if there is none."""
        key = self._key(price)
        queue = self._by_key.get(key)
        if queue is None:
            queue = self._by_key[key] = _Queue(price)
            place = bisect_left(self._keys, key)
            self._keys.insert(place, key)
            self.queues.insert(place, queue)
        return queue

    def close_if_empty(self, queue: _Queue) -> None:
        """Drops a queue without orders."""
        if not queue.ordinary and not queue.rpi:
            key = self._key(queue.price)
            place = bisect_left(self._keys, key)
            del self._by_key[key], self._keys[place], self.queues[place]


class Book:
    """The book of one market.

    Attributes:
        update_id: counter of public changes (B4).
        changed_at: engine time of the last public change, epoch seconds.
        top: best public levels as of the last `refresh_top`.
    """

    __slots__ = ("_asks", "_bids", "changed_at", "top", "update_id")

    def __init__(self, market: str, first_update_id: int, now: float) -> None:
        self._bids = _Ladder(is_bid=True)
        self._asks = _Ladder(is_bid=False)
        self.update_id = first_update_id
        self.changed_at = now
        self.top = Top(market, now, first_update_id, None, None)

    def add(self, order: Order, now: float) -> None:
        """Queues a priced order behind its equals."""
        queue = self._ladder(order.side).open(_price(order))
        if order.rpi:
            queue.rpi[order.id] = order  # B2, B3
        else:
            queue.ordinary[order.id] = order
            queue.grow(order.left)
            self._count(now)

    def remove(self, order: Order, now: float) -> None:
        """Takes an order out, with whatever is left of it."""
        ladder = self._ladder(order.side)
        queue = ladder.at(_price(order))
        if order.rpi:
            del queue.rpi[order.id]
        else:
            del queue.ordinary[order.id]
            queue.shrink(order.left)
            self._count(now)
        ladder.close_if_empty(queue)

    def reduce(self, order: Order, amount: Decimal, now: float) -> None:
        """Takes `amount` off what is left of a resting order; an empty order leaves the book."""
        ladder = self._ladder(order.side)
        queue = ladder.at(_price(order))
        order.left = subtract(order.left, amount)
        if not order.left:
            del (queue.rpi if order.rpi else queue.ordinary)[order.id]
        if not order.rpi:
            queue.shrink(amount)
            self._count(now)
        ladder.close_if_empty(queue)

    def makers(self, side: Side, sees_rpi: bool) -> Iterator[tuple[Decimal, Order]]:
        """Resting orders of `side` in matching order (B1, B2), each with its price.

        The book must not change while this is being walked.
        """
        for queue in self._ladder(side).queues:
            for order in queue.ordinary.values():
                yield queue.price, order
            if sees_rpi:
                for order in queue.rpi.values():
                    yield queue.price, order

    def levels(self, side: Side, limit: int) -> list[Level]:
        """The best `limit` public levels, best first."""
        queues = self._ladder(side).queues
        levels = [queue.level for queue in queues[:limit] if queue.level is not None]  # B3
        if len(levels) < limit < len(queues):  # some of them are RPI orders only
            levels = [queue.level for queue in queues if queue.level is not None]
        return levels[:limit]

    def best(self, side: Side) -> Level | None:
        """The best public level."""
        for queue in self._ladder(side).queues:
            if queue.level is not None:  # B3
                return queue.level
        return None

    def refresh_top(self, now: float) -> bool:
        """Brings `top` up to date; whether a best price or amount is different."""
        bid, ask = self.best(Side.BUY), self.best(Side.SELL)
        if bid == self.top.bid and ask == self.top.ask:
            return False
        self.top = Top(self.top.market, now, self.update_id, bid, ask)
        return True

    def _ladder(self, side: Side) -> _Ladder:
        return self._bids if side is Side.BUY else self._asks

    def _count(self, now: float) -> None:
        self.update_id += 1  # B4
        self.changed_at = now


def _price(order: Order) -> Decimal:
    if order.price is None:
        raise ValueError(f"order {order.id} has no price and cannot rest")
    return order.price
