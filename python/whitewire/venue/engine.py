"""The matching engine: what happens to an order whose fields are valid.

Owns: acceptance, settlement, fees, the life of an order and the events of one engine cycle. Must
not know: request fields, time other than the argument, or who placed an order and why. Invariant:
a refused order has changed nothing; every unit that leaves a wallet arrives in another wallet or
in the fee pot.

Rules:
    E1  Funds are checked before anything else that depends on the book.
    E2  A maker-only order that would match is refused whole, without any event.
    E3  A market order needs somebody on the other side, and money for the least amount there.
    E4  A buy that trades below its limit gets the difference back at once.
    E5  Per fill the deals go out first, then the maker's event 2 or 3; after the last fill the
        taker's single event: 1 if it rests, 3 if it is over.
    E6  Market and ioc orders never rest. What an ioc order leaves is cancelled. A market order
        that has traded and has only dust left counts as filled.
    E7  A replacement is checked as if the old order and its frozen funds were gone already; then
        the old order ends with event 3 and the new one queues at the back under a new id.
    E8  A cycle ends with the public trades, one book event and the balance events, in this order.
    E9  A stop order freezes its funds on arrival and waits outside the book. When an order is
        through, the stops that its trades have met enter the same cycle, earliest arrival first;
        then those met by theirs, and so on. A new stop is held against the last trade at once.
    E10 An activated stop keeps its id, type and status and reports event 1 a second time, after
        the public trades that came before it. From there on it is known: where it trades and
        rests it reports 2 instead of another 1, and where it only rests nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import count

from whitewire.venue import refusals
from whitewire.venue.accounts import Account, FeePot
from whitewire.venue.book import Book
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.matching import Ending, NewOrder, Plan, funds_needed, plan_match
from whitewire.venue.model import (
    ZERO,
    BalanceEvent,
    BookEvent,
    Deal,
    DealEvent,
    Event,
    MarketSpec,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderType,
    PublicTrade,
    Role,
    Side,
    Status,
    TradeEvent,
    VenueError,
)
from whitewire.venue.money import (
    add,
    fee_of,
    floor_to,
    multiply,
    percent_of,
    subtract,
)
from whitewire.venue.tape import Tape
from whitewire.venue.waiting import WaitingOrders


class Engine:
    """Matches, settles and reports.

    Attributes:
        fees: what the venue earned.
    """

    def __init__(
        self,
        specs: Mapping[str, MarketSpec],
        books: Mapping[str, Book],
        tapes: Mapping[str, Tape],
        accounts: Mapping[str, Account],
        options: ExchangeOptions,
        publish: Callable[[Event], None],
    ) -> None:
        self.fees = FeePot()
        self._specs = specs
        self._books = books
        self._tapes = tapes
        self._accounts = accounts
        self._options = options
        self._publish = publish
        self._order_ids = count(options.first_order_id)
        self._deal_ids = count(options.first_deal_id)
        self._private: list[OrderEvent | DealEvent] = []
        self._trades: list[PublicTrade] = []
        self._involved: dict[str, Account] = {}
        self._waiting = {name: WaitingOrders() for name in books}
        self._traded_at: list[Decimal] = []
        self._announced = {name: book.update_id for name, book in books.items()}

    def submit(self, new: NewOrder, now: float) -> Order:
        """Accepts and matches an order; returns the engine's own object.

        Raises:
            VenueError: refused; nothing has changed.
        """
        plan = self._plan(new, None)
        self._check(new, plan, None)
        return self._execute(new, plan, now)

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
        self._end_resting(old, Status.CANCELED, now)
        return self._execute(new, plan, now)

    def cancel(self, order: Order, now: float, status: Status = Status.CANCELED) -> None:
        """Ends a resting or waiting order."""
        self._end_resting(order, status, now)
        self._finish_cycle(order.market, now)

    def _plan(self, new: NewOrder, old: Order | None) -> Plan:
        if new.is_waiting:
            return Plan()
        return plan_match(
            self._books[new.spec.name],
            new,
            self._options.taker_band_percent,
            old.id if old is not None else None,
        )

    def _check(self, new: NewOrder, plan: Plan, old: Order | None) -> None:
        if new.client_order_id:
            holder = new.account.by_client_id(new.spec.name, new.client_order_id)
            if holder is not None and holder is not old:
                raise refusals.client_id_taken()
        if new.price is not None:
            self._check_price_band(new.spec.name, new.price, is_stop=new.activation is not None)
        available = new.account.available(_paid_asset(new.spec, new.side))
        if old is not None:
            available = add(available, old.frozen)  # E7
        if funds_needed(new, plan) > available:  # E1
            if old is not None:
                raise refusals.no_funds_modify()
            is_limit = new.type is OrderType.LIMIT
            raise refusals.no_funds_limit() if is_limit else refusals.no_funds_market()
        if new.is_waiting:
            return
        if new.price is None:  # E3
            if plan.first_price is None:
                raise refusals.no_counterparty("amount")
            least = multiply(plan.first_price, new.spec.min_amount)
            if new.spends_money and new.amount < least:
                raise refusals.amount_too_small()
        elif new.is_maker_only and plan.first_price is not None:  # E2
            raise refusals.would_take() if old is None else refusals.would_take_modify()

    def _check_price_band(self, market: str, price: Decimal, *, is_stop: bool) -> None:
        percent = self._options.price_band_percent
        last = self._tapes[market].last_price
        if percent is None or last is None:
            return
        width = percent_of(last, percent)
        lowest, highest = subtract(last, width), add(last, width)
        if not lowest <= price <= highest:
            raise refusals.outside_price_band(lowest, highest, is_stop=is_stop)

    def _execute(self, new: NewOrder, plan: Plan, now: float) -> Order:
        order = new.order(next(self._order_ids), now)
        order.frozen = funds_needed(new, plan)
        new.account.freeze(_paid_asset(new.spec, new.side), order.frozen)
        new.account.open(order)
        self._involved[new.account.spec.name] = new.account
        if new.is_waiting:
            self._wait(order)
        else:
            self._match(order, new, plan, now)
        self._activate_met(order.market, now)
        self._finish_cycle(order.market, now)
        return order

    def _wait(self, order: Order) -> None:
        """Puts a new stop order aside and holds it against the last trade (E9)."""
        order.status = self._options.resting_status
        self._waiting[order.market].add(order)
        self._report(order, OrderEventKind.NEW)
        last = self._tapes[order.market].last_price
        if last is not None:
            self._traded_at.append(last)

    def _activate_met(self, market: str, now: float) -> None:
        """Runs the stops that the cycle's trades have met until no more are (E9)."""
        waiting = self._waiting[market]
        while prices := self._traded_at:
            self._traded_at = []
            if waiting:
                for order in waiting.take_met(min(prices), max(prices)):
                    self._activate(order, now)

    def _activate(self, order: Order, now: float) -> None:
        """Lets one stop order into the market, with the funds that it holds (E10)."""
        if order.activation is None:
            raise ValueError(f"order {order.id} is no stop order")
        self._flush()
        order.activation = replace(order.activation, time=now)
        order.mtime = now
        self._report(order, OrderEventKind.NEW)
        new = NewOrder(
            account=self._accounts[order.account],
            spec=self._specs[order.market],
            side=order.side,
            type=order.type,
            amount=order.left,
            price=order.price,
            stp=order.stp,
            activation=order.activation,
        )
        self._match(order, new, self._plan(new, None), now, is_known=True)

    def _match(
        self, order: Order, new: NewOrder, plan: Plan, now: float, *, is_known: bool = False
    ) -> None:
        """Carries out a plan and gives the order its state after it."""
        for step in plan.steps:
            if step.amount is None:
                self._end_resting(step.maker, self._options.stp_status, now)
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
                self._report(order, OrderEventKind.NEW)
            elif order.deal_stock:  # E10
                self._report(order, OrderEventKind.CHANGED)

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
        self._trades.append(trade)
        self._traded_at.append(trade.price)
        if maker.left:
            maker.status = Status.PARTIALLY_FILLED
            self._report(maker, OrderEventKind.CHANGED)
        else:
            self._retire(maker, Status.FILLED, now)

    def _settle(self, order: Order, role: Role, counter_order_id: int, trade: PublicTrade) -> None:
        """Moves one party's funds, updates its order and reports its deal."""
        spec = self._specs[order.market]
        account = self._accounts[order.account]
        self._involved[order.account] = account
        if order.side is Side.BUY:
            limit = trade.price if order.price is None else order.price
            reserved = multiply(limit, trade.amount)
            account.pay(spec.money, trade.money)
            if reserved != trade.money:
                account.release(spec.money, subtract(reserved, trade.money))  # E4
            received = trade.amount
        else:
            reserved = trade.amount
            account.pay(spec.stock, trade.amount)
            received = trade.money
        fee = fee_of(received, order.maker_fee if role is Role.MAKER else order.taker_fee)
        if self._options.truncate_fees:
            fee = floor_to(fee, Decimal((0, (1,), -spec.fee_prec)))
        account.receive(order.fee_asset, subtract(received, fee))
        self.fees.collect(order.fee_asset, fee)
        order.frozen = subtract(order.frozen, reserved)
        order.deal_stock = add(order.deal_stock, trade.amount)
        order.deal_money = add(order.deal_money, trade.money)
        order.deal_fee = add(order.deal_fee, fee)
        order.mtime = trade.time
        if not account.spec.is_internal:
            deal = _deal_of(order, role, counter_order_id, trade, fee)
            account.deals.append(deal)
            self._private.append(DealEvent(order.account, deal))

    def _end_resting(self, order: Order, status: Status, now: float) -> None:
        if order.is_waiting:
            self._waiting[order.market].remove(order)
        else:
            self._books[order.market].remove(order, now)
        self._retire(order, status, now)

    def _retire(self, order: Order, status: Status, now: float) -> None:
        """Ends an order that is not in a book: funds, registers, event 3."""
        account = self._accounts[order.account]
        self._involved[order.account] = account
        if order.frozen:
            spec = self._specs[order.market]
            account.release(_paid_asset(spec, order.side), order.frozen)
            order.frozen = ZERO
        order.status = status
        order.is_finished = True
        order.mtime = now
        account.close(order)
        account.remember(order)
        self._report(order, OrderEventKind.FINISHED)

    def _report(self, order: Order, event: OrderEventKind) -> None:
        if not self._accounts[order.account].spec.is_internal:
            self._private.append(OrderEvent(order.account, event, order.snapshot()))

    def _flush(self) -> None:
        """Publishes what the cycle's orders have caused so far: private events, then trades."""
        private, self._private = self._private, []
        trades, self._trades = self._trades, []
        if not self._options.deals_before_orders:
            private.sort(key=lambda event: isinstance(event, DealEvent))
        for event in private:
            self._publish(event)
        for trade in trades:
            self._publish(TradeEvent(trade))

    def _finish_cycle(self, market: str, now: float) -> None:
        """Publishes everything that the cycle has caused (E8)."""
        self._flush()
        involved, self._involved = self._involved, {}
        book = self._books[market]
        if book.update_id != self._announced[market]:
            self._announced[market] = book.update_id
            self._publish(BookEvent(market, book.update_id, now, book.refresh_top(now)))
        for name, account in involved.items():
            assets = account.take_touched()
            if assets and not account.spec.is_internal:
                self._publish(BalanceEvent(name, assets))


def _paid_asset(spec: MarketSpec, side: Side) -> str:
    return spec.money if side is Side.BUY else spec.stock


def _deal_of(
    order: Order, role: Role, counter_order_id: int, trade: PublicTrade, fee: Decimal
) -> Deal:
    return Deal(
        id=trade.id,
        time=trade.time,
        account=order.account,
        market=order.market,
        order_id=order.id,
        counter_order_id=counter_order_id,
        client_order_id=order.client_order_id,
        side=order.side,
        role=role,
        price=trade.price,
        amount=trade.amount,
        money=trade.money,
        fee=fee,
        fee_asset=order.fee_asset,
        rpi=trade.rpi,
    )
