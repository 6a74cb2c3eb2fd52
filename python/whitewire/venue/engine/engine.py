"""The matching engine: what happens to an order whose fields are valid.

Owns: acceptance, the life of an order and the events of one engine cycle. Must not know: request
fields, time other than the argument, what an order does to funds, or who placed it and why.
Invariant: a refused order has changed nothing; an order's events are those of its states.

Rules:
    E1  Funds are checked before anything else that depends on the book.
    E2  A maker-only order that would match is refused whole, without any event.
    E3  A market order needs somebody on the other side, and money for the least amount there.
    E4  A price may not be too far from the last trade, if the options say so.
    E5  Per fill the deals go out first, then the maker's event 2 or 3; after the last fill the
        taker's single event: 1 if it rests, 3 if it is over.
    E6  Market and ioc orders never rest. What an ioc order leaves is cancelled. A market order
        that has traded and has only dust left counts as filled.
    E7  A replacement is checked as if the old order and its frozen funds were gone already; then
        the old order ends with event 3 and the new one queues at the back under a new id.
    E8  A cycle ends with the public trades, one event for each book that changed and the balance
        events, in this order.
    E9  A stop order sets its funds aside on arrival and waits outside the book. When an order is
        through, the stops that its trades have met enter the same cycle, earliest arrival first;
        then those met by theirs, and so on. A new stop is held against the last trade at once.
    E10 An activated stop keeps its id, type and status and reports event 1 a second time, after
        the public trades that came before it. From there on it is known: where it trades and
        rests it reports 2 instead of another 1, and where it only rests nothing. A best-offer stop
        takes its price now; without one, or without the funds that it needs now, it is cancelled.
    E11 What orders mean for groups and reduce-only orders is carried out before the next stop is
        activated, what prices mean for margins when no stop is met any more; both in the same
        cycle, and both may cause more of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import count

from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.aftermath import Aftermath, NoAftermath
from whitewire.venue.engine.book import Book
from whitewire.venue.engine.clearing import Clearing
from whitewire.venue.engine.cycle import Cycle
from whitewire.venue.engine.matching import Ending, NewOrder, Plan, plan_match
from whitewire.venue.engine.tape import Tape
from whitewire.venue.engine.waiting import WaitingOrders
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values import refusals
from whitewire.venue.values.events import Event, OrderEventKind
from whitewire.venue.values.model import (
    MarketSpec,
    Order,
    Product,
    PublicTrade,
    Role,
    Status,
    VenueError,
)
from whitewire.venue.values.money import add, multiply, percent_of, subtract


class Engine:
    """Matches and reports.

    Attributes:
        aftermath: what follows from a cycle.
        order_ids: where orders and groups get their ids.
    """

    def __init__(
        self,
        specs: Mapping[str, MarketSpec],
        books: Mapping[str, Book],
        tapes: Mapping[str, Tape],
        accounts: Mapping[str, Account],
        clearings: Mapping[Product, Clearing],
        options: ExchangeOptions,
        publish: Callable[[Event], None],
    ) -> None:
        self.aftermath: Aftermath = NoAftermath()
        self.order_ids = count(options.first_order_id)
        self._specs = specs
        self._books = books
        self._tapes = tapes
        self._accounts = accounts
        self._clearings = clearings
        self._options = options
        self._deal_ids = count(options.first_deal_id)
        self._waiting = {name: WaitingOrders() for name in books}
        self._cycle = Cycle(accounts, books, publish, deals_first=options.deals_before_orders)

    # Whole cycles

    def submit(self, new: NewOrder, now: float) -> Order:
        """Accepts and matches an order; returns the engine's own object.

        Raises:
            VenueError: refused; nothing has changed.
        """
        order = self.enter(new, now)
        self.finish_cycle(now)
        return order

    def replace(self, old: Order, new: NewOrder, now: float) -> Order:
        """Ends `old` and submits `new` in its place (E7).

        Raises:
            VenueError: refused; the old order stays unless the options say otherwise.
        """
        plan = self._plan(new, old)
        try:
            self._check(new, plan, old)
        except VenueError:
            if self._options.modify_refusal_loses_order:
                self.cancel(old, now)
            raise
        self.end(old, Status.CANCELED, now)
        order = self._execute(new, plan, now)
        self.finish_cycle(now)
        return order

    def cancel(self, order: Order, now: float) -> None:
        """Ends a resting or waiting order."""
        self.end(order, Status.CANCELED, now)
        self.finish_cycle(now)

    # Parts of a cycle

    def check(self, new: NewOrder) -> None:
        """Whether `enter` would accept an order.

        Raises:
            VenueError: it would not.
        """
        self._check(new, self._plan(new, None), None)

    def enter(self, new: NewOrder, now: float) -> Order:
        """Accepts and matches an order within a cycle that somebody else finishes.

        Raises:
            VenueError: refused; nothing has changed.
        """
        plan = self._plan(new, None)
        self._check(new, plan, None)
        return self._execute(new, plan, now)

    def end(self, order: Order, status: Status, now: float) -> None:
        """Ends a resting or waiting order within a cycle."""
        if order.is_waiting:
            self._waiting[order.market].remove(order)
        else:
            self._books[order.market].remove(order, now)
        self._retire(order, status, now)

    def shrink(self, order: Order, left: Decimal, now: float) -> None:
        """Leaves `left` of a resting or waiting order, less than there is but not nothing."""
        excess = subtract(order.left, left)
        if order.is_waiting:
            order.left = left
        else:
            self._books[order.market].reduce(order, excess, now)
        order.amount = subtract(order.amount, excess)
        order.mtime = now
        self._cycle.involve(order)
        self._cycle.report(order, OrderEventKind.CHANGED)

    def finish_cycle(self, now: float, *, has_revalued: bool = False) -> None:
        """Carries out what the cycle has caused and publishes it (E8, E9, E11).

        Args:
            has_revalued: whether accounts are to be looked at even if nothing was traded.
        """
        while has_revalued or self._cycle.is_unsettled:
            while self._cycle.is_unsettled:
                has_revalued = self._activate_met(now) or has_revalued
                self._follow(now)
            if has_revalued:
                has_revalued = False
                self.aftermath.watch(now)
        self._cycle.finish(now)

    def _follow(self, now: float) -> None:
        if touched := self._cycle.take_touched():
            self.aftermath.follow(touched, now)

    def _plan(self, new: NewOrder, old: Order | None) -> Plan:
        if new.is_waiting:
            return Plan()
        return plan_match(
            self._books[new.spec.name],
            new,
            self._options.taker_band_percent,
            self._reducible,
            old.id if old is not None else None,
        )

    def _reducible(self, order: Order) -> Decimal:
        return self._clearings[order.product].reducible(order)

    def _check(self, new: NewOrder, plan: Plan, old: Order | None) -> None:
        if new.client_order_id:
            holder = new.account.by_client_id(new.spec.name, new.client_order_id)
            if holder is not None and holder is not old:
                raise refusals.client_id_taken()
        if new.price is not None:
            self._check_price_band(new.spec.name, new.price, is_stop=new.activation is not None)
        self._clearings[new.product].check(new, plan, old)  # E1
        if new.is_waiting:
            return
        if new.price is None:  # E3
            if plan.first_price is None:
                raise refusals.no_counterparty("amount")
            least = multiply(plan.first_price, new.spec.min_amount)
            if new.spends_money and new.amount < least:
                raise refusals.amount_too_small()
        elif new.is_maker_only and plan.first_price is not None:  # E2
            if new.product is not Product.SPOT:
                raise refusals.would_take_collateral()
            raise refusals.would_take() if old is None else refusals.would_take_modify()

    def _check_price_band(self, market: str, price: Decimal, *, is_stop: bool) -> None:
        percent = self._options.price_band_percent
        last = self._tapes[market].last_price
        if percent is None or last is None:
            return
        width = percent_of(last, percent)
        lowest, highest = subtract(last, width), add(last, width)
        if not lowest <= price <= highest:  # E4
            raise refusals.outside_price_band(lowest, highest, is_stop=is_stop)

    def _execute(self, new: NewOrder, plan: Plan, now: float) -> Order:
        order = new.order(next(self.order_ids), now)
        self._clearings[order.product].reserve(order, new, plan)
        new.account.open(order)
        self._cycle.involve(order)
        if new.is_waiting:
            self._wait(order)
        else:
            self._match(order, new, plan, now)
        return order

    def _wait(self, order: Order) -> None:
        """Puts a new stop order aside and holds it against the last trade (E9)."""
        order.status = self._options.resting_status
        self._waiting[order.market].add(order)
        self._cycle.report(order, OrderEventKind.NEW)
        last = self._tapes[order.market].last_price
        if last is not None:
            self._cycle.price_seen(order.market, last)

    def _activate_met(self, now: float) -> bool:
        """Runs the stops that the cycle's trades have met until no more are (E9).

        Returns:
            Whether there were trades.
        """
        has_traded = False
        while traded_at := self._cycle.take_prices():
            has_traded = True
            for market, prices in traded_at.items():
                waiting = self._waiting[market]
                for order in waiting.met(min(prices), max(prices)) if waiting else ():
                    self._follow(now)
                    if not order.is_finished:
                        waiting.remove(order)
                        self._activate(order, now)
        return has_traded

    def _activate(self, order: Order, now: float) -> None:
        """Lets one stop order into the market (E10)."""
        if order.activation is None:
            raise ValueError(f"order {order.id} is no stop order")
        self._cycle.flush()
        order.activation = replace(order.activation, time=now)
        order.mtime = now
        self._cycle.involve(order)
        self._cycle.report(order, OrderEventKind.NEW)
        self.aftermath.activated(order, now)
        clearing = self._clearings[order.product]
        refusal = clearing.prepare(order)
        if refusal is not None:
            self._retire(order, refusal, now)
            return
        if order.bbo_role is not None:
            side = order.side if order.bbo_role == 1 else order.side.opposite
            level = self._books[order.market].best(side)
            if level is None:
                self._retire(order, Status.CANCELED, now)
                return
            order.price = level.price
        new = NewOrder(
            account=self._accounts[order.account],
            spec=self._specs[order.market],
            side=order.side,
            type=order.type,
            amount=order.left,
            price=order.price,
            stp=order.stp,
            activation=order.activation,
            product=order.product,
            position_side=order.position_side,
            reduce_only=order.reduce_only,
        )
        plan = self._plan(new, None)
        refusal = clearing.adjust(order, new, plan)
        if refusal is None:
            self._match(order, new, plan, now, is_known=True)
        else:
            self._retire(order, refusal, now)

    def _match(
        self, order: Order, new: NewOrder, plan: Plan, now: float, *, is_known: bool = False
    ) -> None:
        """Carries out a plan and gives the order its state after it."""
        for step in plan.steps:
            if step.amount is None:
                self.end(step.maker, step.status or self._options.stp_status, now)
            else:
                self._trade(order, new.spends_money, step.maker, step.amount, now)
        self._conclude(order, plan.ending, now, is_known=is_known)

    def _conclude(self, order: Order, ending: Ending, now: float, *, is_known: bool) -> None:
        """Gives an incoming order its state after matching (E5, E6)."""
        if ending is Ending.STP:
            self._retire(order, self._options.stp_status, now)
        elif ending is Ending.BAND:
            self._retire(order, Status.CANCELED_TAKER_BAND, now)
        elif ending is Ending.DONE and order.deal_stock:
            self._retire(order, Status.FILLED, now)
        elif order.price is None or order.ioc:
            partial = self._options.partial_ioc_status if order.ioc else Status.CANCELED
            self._retire(order, partial if order.deal_stock else Status.CANCELED, now)
        else:
            resting = self._options.resting_status
            order.status = Status.PARTIALLY_FILLED if order.deal_stock else resting
            self._books[order.market].add(order, now)
            if not is_known:
                self._cycle.report(order, OrderEventKind.NEW)
            elif order.deal_stock:  # E10
                self._cycle.report(order, OrderEventKind.CHANGED)

    def _trade(
        self, taker: Order, spends_money: bool, maker: Order, amount: Decimal, now: float
    ) -> None:
        """Settles one match at the maker's price."""
        if maker.price is None:
            raise ValueError(f"order {maker.id} rests without a price")
        trade = PublicTrade(
            id=next(self._deal_ids),
            time=now,
            market=taker.market,
            price=maker.price,
            amount=amount,
            money=multiply(maker.price, amount),
            side=taker.side,
            rpi=maker.rpi,
        )
        self._settle(maker, Role.MAKER, taker.id, trade)
        self._settle(taker, Role.TAKER, maker.id, trade)
        taker.left = subtract(taker.left, trade.money if spends_money else amount)
        self._books[taker.market].reduce(maker, amount, now)
        self._tapes[taker.market].add(trade)
        self._cycle.trade(trade)
        if maker.left:
            maker.status = Status.PARTIALLY_FILLED
            self._cycle.report(maker, OrderEventKind.CHANGED)
        else:
            self._retire(maker, Status.FILLED, now)

    def _settle(self, order: Order, role: Role, counter_order_id: int, trade: PublicTrade) -> None:
        """Settles one party, updates its order and reports its deal."""
        self._cycle.involve(order)
        fee = self._clearings[order.product].settle(order, role, trade)
        order.deal_stock = add(order.deal_stock, trade.amount)
        order.deal_money = add(order.deal_money, trade.money)
        order.deal_fee = add(order.deal_fee, fee)
        order.mtime = trade.time
        self._cycle.deal(order, role, counter_order_id, trade, fee)

    def _retire(self, order: Order, status: Status, now: float) -> None:
        """Ends an order that is not in a book: funds, registers, event 3."""
        account = self._accounts[order.account]
        self._cycle.involve(order)
        self._clearings[order.product].release(order)
        order.status = status
        order.is_finished = True
        order.mtime = now
        account.close(order)
        account.remember(order)
        self._cycle.report(order, OrderEventKind.FINISHED)
