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
        with only dust left counts as filled.
    E7  A replacement is checked as if the old order and its frozen funds were gone already; then
        the old order ends with event 3 and the new one queues at the back under a new id.
    E8  A cycle ends with the public trades, one book event and the balance events, in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import count

from whitewire.venue import refusals
from whitewire.venue.accounts import Account, FeePot
from whitewire.venue.book import Book
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.matching import Ending, NewOrder, Plan, plan_match
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
        """Ends a resting order."""
        self._end_resting(order, status, now)
        self._finish_cycle(order.market, now)

    def _plan(self, new: NewOrder, old: Order | None) -> Plan:
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
            self._check_price_band(new.spec.name, new.price)
        available = new.account.available(_paid_asset(new.spec, new.side))
        if old is not None:
            available = add(available, old.frozen)  # E7
        if _funds_needed(new, plan) > available:  # E1
            if old is not None:
                raise refusals.no_funds_modify()
            is_limit = new.type is OrderType.LIMIT
            raise refusals.no_funds_limit() if is_limit else refusals.no_funds_market()
        if new.type is not OrderType.LIMIT:  # E3
            if plan.first_price is None:
                raise refusals.no_counterparty("amount")
            least = multiply(plan.first_price, new.spec.min_amount)
            if new.spends_money and new.amount < least:
                raise refusals.amount_too_small()
        elif new.is_maker_only and plan.first_price is not None:  # E2
            raise refusals.would_take() if old is None else refusals.would_take_modify()

    def _check_price_band(self, market: str, price: Decimal) -> None:
        percent = self._options.price_band_percent
        last = self._tapes[market].last_price
        if percent is None or last is None:
            return
        width = percent_of(last, percent)
        lowest, highest = subtract(last, width), add(last, width)
        if not lowest <= price <= highest:
            raise refusals.outside_price_band(lowest, highest)

    def _execute(self, new: NewOrder, plan: Plan, now: float) -> Order:
        order = _order_of(new, next(self._order_ids), now)
        order.frozen = _funds_needed(new, plan)
        new.account.freeze(_paid_asset(new.spec, new.side), order.frozen)
        new.account.open(order)
        self._involved[new.account.spec.name] = new.account
        for step in plan.steps:
            if step.amount is None:
                self._end_resting(step.maker, self._options.stp_status, now)
            else:
                self._trade(order, new.spends_money, step.maker, step.amount, now)
        self._conclude(order, plan.ending, now)
        self._finish_cycle(order.market, now)
        return order

    def _conclude(self, order: Order, ending: Ending, now: float) -> None:
        """Gives an incoming order its state after matching (E5, E6)."""
        is_limit = order.type is OrderType.LIMIT
        if ending is Ending.STP:
            self._retire(order, self._options.stp_status, now)
        elif ending is Ending.BAND:
            self._retire(order, Status.CANCELED_TAKER_BAND, now)
        elif ending is Ending.DONE:
            self._retire(order, Status.FILLED, now)
        elif not is_limit or order.ioc:
            partial = self._options.partial_ioc_status if order.ioc else Status.CANCELED
            self._retire(order, partial if order.deal_stock else Status.CANCELED, now)
        else:
            resting = self._options.resting_status
            order.status = Status.PARTIALLY_FILLED if order.deal_stock else resting
            self._books[order.market].add(order, now)
            self._report(order, OrderEventKind.NEW)

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

    def _finish_cycle(self, market: str, now: float) -> None:
        """Publishes everything that the cycle has caused (E8)."""
        private, self._private = self._private, []
        trades, self._trades = self._trades, []
        involved, self._involved = self._involved, {}
        if not self._options.deals_before_orders:
            private.sort(key=lambda event: isinstance(event, DealEvent))
        for event in private:
            self._publish(event)
        for trade in trades:
            self._publish(TradeEvent(trade))
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


def _funds_needed(new: NewOrder, plan: Plan) -> Decimal:
    """What the order freezes on arrival, in the asset that it pays."""
    if new.side is Side.SELL or new.spends_money:
        return new.amount
    return plan.money if new.price is None else multiply(new.price, new.amount)


def _order_of(new: NewOrder, order_id: int, now: float) -> Order:
    return Order(
        id=order_id,
        account=new.account.spec.name,
        market=new.spec.name,
        side=new.side,
        type=new.type,
        price=new.price,
        amount=new.amount,
        left=new.amount,
        client_order_id=new.client_order_id,
        ctime=now,
        mtime=now,
        fee_asset=new.spec.stock if new.side is Side.BUY else new.spec.money,
        maker_fee=new.spec.maker_fee,
        taker_fee=new.spec.taker_fee,
        stp=new.stp,
        post_only=new.post_only,
        ioc=new.ioc,
        rpi=new.rpi,
        retail=new.retail,
    )


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
