"""The orders by which a recorded feed stands in a book of the venue.

Owns: the internal makers' resting orders, price by price, and what a recorded trade does to them.
Must not know: files, messages, when anything is due. Invariant: all it does goes through the
engine or takes from its own orders only, so money is conserved and no user's order is touched but
by a match.

Rules:

* R1  The recording says how much rests at a price besides the users. To bring a level to a size,
      what is missing queues at the back as a new order; what is too much is taken off the newest
      orders first, and the one that is cut keeps its place. So a user's place in a queue gets
      better by trades alone, or where nothing else is left behind it to take away.
* R2  A recorded order that crosses a user's order trades with it as a taker, at the user's price;
      what is left of it rests. It does so each time that the recording states the level anew.
* R3  What a user takes from a level is gone until the recording next states that level.
* R4  Recorded levels that cross each other: the newer one ends the older.
* R5  A recorded trade is an internal taker's order, limited to the trade's price and size, that
      never rests. What users have at that price or better it meets first, in the usual order.
      The recording's own better levels give way before it, since the trade says that they are
      gone, and what is missing at its price is put there. So it prints just as it was recorded,
      in one piece, unless a user's order is in its way.
* R6  A recorded trade with an RPI order meets an RPI order, as a retail taker does.
* R7  Within one message the levels change in an order that shows no best price that was not
      there: a side that gives way first, what improves before what goes.
* R8  An order that the engine refuses (a price band of the options) is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from whitewire.venue.drivers.driver import MarketFloor
from whitewire.venue.drivers.recording import RecordedTrade
from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.matching import NewOrder
from whitewire.venue.values.model import ZERO, Order, OrderType, Side, Stp, VenueError
from whitewire.venue.values.money import add, subtract

__all__ = ["ReplayBook", "is_better"]


class ReplayBook:
    """One market's recorded levels as orders."""

    def __init__(self, floor: MarketFloor) -> None:
        self._spec = floor.spec
        self._engine = floor.engine
        self._book = floor.book
        self._makers = floor.makers
        self._takers = floor.takers
        self._orders: dict[Side, dict[Decimal, list[Order]]] = {Side.BUY: {}, Side.SELL: {}}
        self._unannounced: Order | None = None

    def prices(self, side: Side) -> Iterable[Decimal]:
        """Where the recording has, or had, orders."""
        return self._orders[side].keys()

    def better(self, side: Side, limit: Decimal | None) -> list[Decimal]:
        """Prices of live recorded orders that are better than `limit`; all of them with None."""
        found: dict[Decimal, None] = {}
        for price, order in self._book.makers(side, False):
            if limit is not None and not is_better(side, price, limit):
                break
            if order.account == self._makers.spec.name:
                found[price] = None
        return list(found)

    def arrange(self, sizes: Mapping[Side, Mapping[Decimal, Decimal]], now: float) -> None:
        """Brings levels to sizes (R1); others stay as they are."""
        bids = [price for price, size in sizes[Side.BUY].items() if size]
        # one step of the grid counts as reached, so that an ask at the bid itself is found
        reached = add(max(bids), self._spec.tick_size) if bids else None
        rises = reached is not None and bool(self.better(Side.SELL, reached))
        first = Side.SELL if rises else Side.BUY  # R7
        for side in (first, first.opposite):
            self._arrange_side(side, sizes[side], now)
        self._announce(now)

    def trade(self, trade: RecordedTrade, now: float) -> list[Decimal]:
        """Lets a recorded trade happen (R5).

        Returns:
            The prices of the maker's side whose levels are not as they were stated any more.
        """
        side = trade.side.opposite
        users_before, users_at, outrun = self._look(side, trade.price)
        for price in outrun:
            self._cancel_all(side, price, now)
        needed = max(ZERO, subtract(trade.amount, users_before))
        if needed:
            self._supply(side, trade, needed, users_at, now)
        self._submit(
            self._takers, trade.side, trade.price, trade.amount, now, ioc=True, retail=trade.rpi
        )
        for order in self._live(side, trade.price):
            if order.rpi:
                self._cancel(order, now)
        self._announce(now)
        return [*outrun, trade.price]

    def _look(self, side: Side, limit: Decimal) -> tuple[Decimal, Decimal, list[Decimal]]:
        """What is in a trade's way: users' amounts before and at its price, own better prices."""
        before = at = ZERO
        own: dict[Decimal, None] = {}
        for price, order in self._book.makers(side, False):
            if price != limit and not is_better(side, price, limit):
                break
            if order.account != self._makers.spec.name:
                if price == limit:
                    at = add(at, order.left)
                else:
                    before = add(before, order.left)
            elif price != limit:
                own[price] = None
        return before, at, list(own)

    def _supply(
        self, side: Side, trade: RecordedTrade, needed: Decimal, users_at: Decimal, now: float
    ) -> None:
        """Sees to it that a trade finds at its price what it needs there."""
        own = self._live(side, trade.price)
        resting = _total(own)
        if trade.rpi and not self._crosses(side, trade.price):  # R6
            self._rest(side, trade.price, needed, now, rpi=True)
        elif users_at:  # queues count, so nobody's place is given away
            missing = subtract(needed, add(users_at, resting))
            if missing > ZERO:
                self._rest(side, trade.price, missing, now)
            return
        elif len(own) == 1 and resting >= needed:
            return
        else:  # R5: one order, so that there is one print
            self._rest(side, trade.price, max(needed, resting), now)
        for order in own:
            self._cancel(order, now)

    def _crosses(self, side: Side, price: Decimal) -> bool:
        """Whether an order would match on arrival."""
        best = self._book.best(side.opposite)
        return best is not None and not is_better(side.opposite, price, best.price)

    def _arrange_side(self, side: Side, sizes: Mapping[Decimal, Decimal], now: float) -> None:
        best_first = sorted(sizes, reverse=side is Side.BUY)
        standing = {price: _total(self._live(side, price)) for price in best_first}
        for price in best_first:  # R7
            missing = subtract(sizes[price], standing[price])
            if missing > ZERO:
                self._rest(side, price, missing, now)
        for price in reversed(best_first):
            surplus = subtract(standing[price], sizes[price])
            if surplus > ZERO:
                self._take_off(side, price, surplus, now)

    def _take_off(self, side: Side, price: Decimal, amount: Decimal, now: float) -> None:
        """Takes an amount off a level, from its newest orders first (R1)."""
        for order in reversed(self._live(side, price)):
            if order.left <= amount:
                amount = subtract(amount, order.left)
                self._cancel(order, now)
            elif amount:
                self._book.reduce(order, amount, now)
                self._unannounced = order
                return

    def _announce(self, now: float) -> None:
        """Ends the engine's cycle where the last change was a cut.

        The engine tells about the book at the end of a cycle, and cutting an order is none. An
        order that nobody can see, at once withdrawn, makes it one.
        """
        cut = self._unannounced
        if cut is None or cut.price is None:
            return
        unseen = self._submit(
            self._makers, cut.side, cut.price, self._spec.step_size, now, rpi=True
        )
        if unseen is not None:
            self._cancel(unseen, now)

    def _rest(
        self, side: Side, price: Decimal, amount: Decimal, now: float, *, rpi: bool = False
    ) -> None:
        order = self._submit(self._makers, side, price, amount, now, rpi=rpi)  # R2
        if order is not None and not order.is_finished:
            self._orders[side].setdefault(price, []).append(order)

    def _submit(
        self,
        account: Account,
        side: Side,
        price: Decimal,
        amount: Decimal,
        now: float,
        *,
        ioc: bool = False,
        rpi: bool = False,
        retail: bool = False,
    ) -> Order | None:
        """Sends an order; None where it was refused (R8)."""
        new = NewOrder(
            account=account,
            spec=self._spec,
            side=side,
            type=OrderType.LIMIT,
            amount=amount,
            price=price,
            stp=Stp.CANCEL_OLD,  # R4
            ioc=ioc,
            rpi=rpi,
            retail=retail,
            product=self._spec.plain_product,
        )
        try:
            order = self._engine.submit(new, now)
        except VenueError:
            return None
        self._unannounced = None
        return order

    def _cancel_all(self, side: Side, price: Decimal, now: float) -> None:
        for order in self._live(side, price):
            self._cancel(order, now)

    def _cancel(self, order: Order, now: float) -> None:
        self._engine.cancel(order, now)
        self._unannounced = None

    def _live(self, side: Side, price: Decimal) -> tuple[Order, ...]:
        """Own orders at a price, oldest first; forgets those that are over."""
        levels = self._orders[side]
        orders = [order for order in levels.get(price, ()) if not order.is_finished]
        if orders:
            levels[price] = orders
        else:
            levels.pop(price, None)
        return tuple(orders)


def _total(orders: Iterable[Order]) -> Decimal:
    return sum((order.left for order in orders), ZERO)


def is_better(side: Side, price: Decimal, other: Decimal) -> bool:
    """Whether a resting order of `side` at `price` comes before one at `other`."""
    return price > other if side is Side.BUY else price < other
