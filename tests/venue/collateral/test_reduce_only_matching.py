"""M7 against a model that carries every match out at once and looks at positions after each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.venue.collateral.profile import examples
from tests.venue.desk import MARKET, account
from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.book import Book
from whitewire.venue.engine.matching import NewOrder, plan_match
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import Order, OrderType, PositionSide, Product, Side, Status, Stp

SPEC = next(spec for spec in default_markets() if spec.name == MARKET)
NAMES = ("alice", "bob")
Key = tuple[str, PositionSide]
Maker = tuple[str, Product, PositionSide, bool, int, int]
OWNERS = {name: Account(account(name), history_limit=1) for name in NAMES}

sides = st.sampled_from(PositionSide)
makers = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from([Product.SPOT, Product.MARGIN, Product.MARGIN]),
        sides,
        st.booleans(),
        st.integers(1, 4),
        st.integers(1, 6),
    ),
    max_size=8,
)


def made(
    number: int, side: Side, maker: tuple[str, Product, PositionSide, bool, int, int]
) -> Order:
    name, product, position_side, reduces, price, amount = maker
    is_margin = product is Product.MARGIN
    new = NewOrder(
        account=OWNERS[name],
        spec=SPEC,
        side=side,
        type=OrderType.LIMIT,
        amount=Decimal(amount),
        price=Decimal(100 + price if side is Side.SELL else 100 - price),
        product=product,
        position_side=position_side if is_margin else PositionSide.BOTH,
        reduce_only=reduces and is_margin,
    )
    return new.order(number, 0.0)


def moved(held: dict[Key, int], order: Order | NewOrder, name: str, amount: int) -> None:
    if order.product is not Product.SPOT:
        held[name, order.position_side] += amount if order.side is Side.BUY else -amount


def room(held: dict[Key, int], order: Order) -> int:
    position = held[order.account, order.position_side]
    return max(0, position if order.side is Side.SELL else -position)


def brute(
    resting: list[Order], held: dict[Key, int], new: NewOrder
) -> list[tuple[int, int | None, Status | None]]:
    """Match by match, each with the positions as they are then."""
    steps: list[tuple[int, int | None, Status | None]] = []
    left, taker = int(new.amount), new.account.spec.name
    sign = 1 if new.side is Side.BUY else -1
    for maker in sorted(resting, key=lambda order: (sign * (order.price or 0), order.id)):
        if not left:
            break
        if new.stp is not Stp.NO and maker.account == taker:
            if new.stp is not Stp.CANCEL_NEW:
                steps.append((maker.id, None, None))
            if new.stp is Stp.CANCEL_OLD:
                continue
            break
        amount = min(left, int(maker.left))
        if maker.reduce_only:
            amount = min(amount, room(held, maker))
            if not amount:
                steps.append((maker.id, None, Status.AUTO_CANCELED_REDUCE_ONLY))
                continue
        moved(held, maker, maker.account, amount)
        moved(held, new, taker, amount)
        left -= amount
        steps.append((maker.id, amount, None))
    return steps


@given(
    makers,
    st.sampled_from(Side),
    st.sampled_from([Product.SPOT, Product.MARGIN]),
    sides,
    st.sampled_from(NAMES),
    st.sampled_from(Stp),
    st.integers(1, 30),
    st.lists(st.integers(-6, 6), min_size=6, max_size=6),
)
@examples(400)
def test_a_plan_is_what_a_match_after_the_other_would_do(
    many: list[Maker],
    side: Side,
    product: Product,
    position_side: PositionSide,
    name: str,
    stp: Stp,
    amount: int,
    positions: list[int],
) -> None:
    held = dict(zip(((who, of) for who in NAMES for of in PositionSide), positions, strict=True))
    resting: list[Order] = []
    for number, maker in enumerate(many):
        order = made(number, side.opposite, maker)
        if order.reduce_only:  # A1 holds before: no larger than its position
            fits = room(held, order)
            if not fits:
                continue
            order = replace(order, left=min(order.left, Decimal(fits)))
        resting.append(order)
    book = Book(MARKET, 0, 0.0)
    for order in resting:
        book.add(order, 0.0)
    new = NewOrder(
        account=OWNERS[name],
        spec=SPEC,
        side=side,
        type=OrderType.STOCK_MARKET,
        amount=Decimal(amount),
        stp=stp,
        product=product,
        position_side=position_side if product is Product.MARGIN else PositionSide.BOTH,
    )
    before = dict(held)
    plan = plan_match(book, new, None, lambda order: Decimal(room(before, order)))
    found = [
        (step.maker.id, None if step.amount is None else int(step.amount), step.status)
        for step in plan.steps
    ]
    assert found == brute(resting, held, new)
