"""What an incoming order would do to a book, worked out before anything is done.

Owns: the walk along the opposite side. Must not know: funds, events, or how to change a book.
Invariant: planning changes nothing; carrying a plan out in full is exactly what matching means.

Rules:
    M1  A match happens at the resting order's price.
    M2  A limit order takes resting orders at its price or better.
    M3  A market buy spends money: of each resting order, the whole steps that it can still afford.
        What cannot buy a step is dust and ends the walk.
    M4  Only a retail taker sees RPI orders; price goes before that.
    M5  Self-trade prevention acts only where a match would really happen, and the incoming order's
        mode decides: cb ends both, cn ends the incoming one, co ends the resting one and goes on.
        Matches made before that stand.
    M6  With a taker band, a taker does not walk further from its first price than the band.
    M7  A resting reduce-only order matches no more than is left to reduce; with nothing left it is
        ended instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.book import Book
from whitewire.venue.values.activation import Activation
from whitewire.venue.values.model import (
    ZERO,
    Exits,
    MarketSpec,
    Order,
    OrderType,
    PositionSide,
    Product,
    Side,
    Status,
    Stp,
)
from whitewire.venue.values.money import add, affordable, multiply, percent_of, subtract


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order whose fields are valid, before the engine has accepted it.

    Attributes:
        price: None for the market types.
        amount: stock; money for a market or stop-market buy of spot.
        activation: trigger of the stop types; one with a time is an order that is past it.
        bbo_role: of a best-offer stop, which takes its price when it is activated.
        exits: what an OTO places once this has filled.
        source: who asked for it, as the executed orders print it.
    """

    account: Account
    spec: MarketSpec
    side: Side
    type: OrderType
    amount: Decimal
    price: Decimal | None = None
    client_order_id: str = ""
    stp: Stp = Stp.NO
    post_only: bool = False
    ioc: bool = False
    rpi: bool = False
    retail: bool = False
    activation: Activation | None = None
    bbo_role: int | None = None
    product: Product = Product.SPOT
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    group_id: int | None = None
    exits: Exits | None = None
    source: str = "api"

    @property
    def spends_money(self) -> bool:
        """Whether `amount` is money."""
        return (
            self.side is Side.BUY
            and self.type in (OrderType.MARKET, OrderType.STOP_MARKET)
            and self.product is Product.SPOT
        )

    @property
    def is_waiting(self) -> bool:
        """Whether it stays out of the market for now."""
        return self.activation is not None and self.activation.time is None

    @property
    def is_maker_only(self) -> bool:
        """Whether it must not match: an RPI order is post-only by nature."""
        return self.post_only or self.rpi

    def order(self, order_id: int, now: float) -> Order:
        """The engine's order, as it is before anything happened to it."""
        return Order(
            id=order_id,
            account=self.account.spec.name,
            market=self.spec.name,
            side=self.side,
            type=self.type,
            price=self.price,
            amount=self.amount,
            left=self.amount,
            client_order_id=self.client_order_id,
            ctime=now,
            mtime=now,
            fee_asset=self._fee_asset,
            maker_fee=self.spec.maker_fee,
            taker_fee=self.spec.taker_fee,
            stp=self.stp,
            post_only=self.post_only,
            ioc=self.ioc,
            rpi=self.rpi,
            retail=self.retail,
            activation=self.activation,
            bbo_role=self.bbo_role,
            product=self.product,
            position_side=self.position_side,
            reduce_only=self.reduce_only,
            group_id=self.group_id,
            exits=self.exits,
            source=self.source,
        )

    @property
    def _fee_asset(self) -> str:
        if self.side is Side.BUY and self.product is Product.SPOT:
            return self.spec.stock
        return self.spec.money


class Ending(Enum):
    """Why the walk ended."""

    DONE = "done"  # nothing is left, or only dust
    NO_MORE = "no more"  # no resting order at an acceptable price
    STP = "stp"
    BAND = "band"


@dataclass(frozen=True, slots=True)
class Step:
    """One resting order met: `amount` of stock to match, or None to end it (M5, M7).

    Attributes:
        status: what it ends as; None for self-trade prevention.
    """

    maker: Order
    amount: Decimal | None
    status: Status | None = None


@dataclass(slots=True)
class Plan:
    """The steps of a walk and its end.

    Attributes:
        money: price x amount over all matches.
        first_price: price of the best resting order that is acceptable; None if there is none.
    """

    steps: list[Step] = field(default_factory=list)
    ending: Ending = Ending.NO_MORE
    money: Decimal = ZERO
    first_price: Decimal | None = None


Reducible = Callable[[Order], Decimal]


class _Reductions:
    """What resting reduce-only orders may still match in one walk (M7).

    All of them are on one side, so each match takes away what the next may reduce; unless the taker
    gives it back to the same position at once.
    """

    def __init__(self, reducible: Reducible, new: NewOrder) -> None:
        self._reducible = reducible
        self._new = new
        self._taken: dict[tuple[str, PositionSide], Decimal] = {}

    def room(self, maker: Order) -> Decimal:
        """How much of a maker may match."""
        if not maker.reduce_only:
            return maker.left
        taken = self._taken.get((maker.account, maker.position_side), ZERO)
        return min(maker.left, max(ZERO, subtract(self._reducible(maker), taken)))

    def take(self, maker: Order, amount: Decimal) -> None:
        """Notes a match."""
        new = self._new
        taker = (new.account.spec.name, new.product, new.position_side)
        if maker.product is Product.SPOT:
            return
        if (maker.account, maker.product, maker.position_side) != taker:
            key = (maker.account, maker.position_side)
            self._taken[key] = add(self._taken.get(key, ZERO), amount)


def plan_match(
    book: Book,
    new: NewOrder,
    taker_band_percent: Decimal | None,
    reducible: Reducible,
    ignored_id: int | None = None,
) -> Plan:
    """Walks the opposite side for `new`.

    Args:
        taker_band_percent: width of the taker band (M6); None for no band.
        reducible: what a reduce-only order may match, by its owner's position (M7).
        ignored_id: a resting order to leave out, since it will be gone by then.
    """
    plan = Plan()
    left = new.amount
    edge: Decimal | None = None
    reductions = _Reductions(reducible, new)
    for price, maker in book.makers(new.side.opposite, new.retail and not new.is_maker_only):  # M4
        if new.price is not None and _is_worse(new.side, price, new.price):  # M2
            return plan
        if maker.id == ignored_id:
            continue
        if plan.first_price is None:
            plan.first_price = price
            edge = _band_edge(new.side, price, taker_band_percent)
        if edge is not None and _is_worse(new.side, price, edge):  # M6
            plan.ending = Ending.BAND
            return plan
        wanted = affordable(left, price, new.spec.step_size) if new.spends_money else left  # M3
        if not wanted:
            break
        if new.stp is not Stp.NO and maker.account == new.account.spec.name:  # M5
            if new.stp is not Stp.CANCEL_NEW:
                plan.steps.append(Step(maker, None))
            if new.stp is Stp.CANCEL_OLD:
                continue
            plan.ending = Ending.STP
            return plan
        room = reductions.room(maker)
        if not room:  # M7
            plan.steps.append(Step(maker, None, Status.AUTO_CANCELED_REDUCE_ONLY))
            continue
        amount = min(wanted, room)
        money = multiply(price, amount)  # M1
        plan.steps.append(Step(maker, amount))
        reductions.take(maker, amount)
        plan.money = add(plan.money, money)
        left = subtract(left, money if new.spends_money else amount)
        if not left or (new.spends_money and not affordable(left, price, new.spec.step_size)):
            break
    else:
        return plan
    plan.ending = Ending.DONE
    return plan


def funds_needed(new: NewOrder, plan: Plan) -> Decimal:
    """What a spot order freezes on arrival, in the asset that it pays."""
    if new.side is Side.SELL or new.spends_money:
        return new.amount
    if new.price is None and new.activation is not None and new.is_waiting:
        return multiply(new.activation.price, new.amount)
    return plan.money if new.price is None else multiply(new.price, new.amount)


def _is_worse(side: Side, price: Decimal, bound: Decimal) -> bool:
    """Whether a taker of `side` would pay more, or get less, than at `bound`."""
    return price > bound if side is Side.BUY else price < bound


def _band_edge(side: Side, first_price: Decimal, percent: Decimal | None) -> Decimal | None:
    """The worst price of the taker band around the first price (M6)."""
    if percent is None:
        return None
    width = percent_of(first_price, percent)
    return add(first_price, width) if side is Side.BUY else subtract(first_price, width)
