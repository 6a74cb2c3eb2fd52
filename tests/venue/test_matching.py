"""Plans of a walk along the book."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.desk import account
from tests.venue.test_book import order
from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.book import Book
from whitewire.venue.engine.matching import Ending, NewOrder, plan_match
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import Order, OrderType, Side, Stp

SPEC = default_markets()[0]


def taker(amount: str, price: str | None, **fields: object) -> NewOrder:
    return NewOrder(
        account=Account(account("t"), history_limit=1),
        spec=SPEC,
        side=Side.BUY,
        type=OrderType.LIMIT if price else OrderType.MARKET,
        amount=Decimal(amount),
        price=Decimal(price) if price else None,
        **fields,  # type: ignore[arg-type]
    )


def whole(maker: Order) -> Decimal:
    """No order reduces a position."""
    return maker.left


def book() -> Book:
    made = Book(SPEC.name, 0, 0.0)
    for number, price in ((1, 100), (2, 101), (3, 102)):
        made.add(order(number, Side.SELL, price, 2), 0.0)
    return made


def test_planning_changes_nothing() -> None:
    made = book()
    before = made.levels(Side.SELL, 10)
    plan = plan_match(made, taker("5", "102"), None, whole)
    assert [(step.maker.id, step.amount) for step in plan.steps] == [
        (1, Decimal(2)),
        (2, Decimal(2)),
        (3, Decimal(1)),
    ]
    assert (plan.ending, plan.money, plan.first_price) == (
        Ending.DONE,
        Decimal(504),
        Decimal(100),
    )
    assert made.levels(Side.SELL, 10) == before
    assert [maker.left for _, maker in made.makers(Side.SELL, True)] == [2, 2, 2]


def test_a_limit_ends_at_its_price() -> None:
    plan = plan_match(book(), taker("5", "100.5"), None, whole)
    assert [step.maker.id for step in plan.steps] == [1]
    assert plan.ending is Ending.NO_MORE


def test_nothing_acceptable_has_no_first_price() -> None:
    plan = plan_match(book(), taker("5", "99"), None, whole)
    assert (plan.steps, plan.first_price, plan.ending) == ([], None, Ending.NO_MORE)


def test_a_market_buy_stops_at_dust() -> None:
    plan = plan_match(book(), taker("250.00000001", None), None, whole)
    assert [step.amount for step in plan.steps] == [2, Decimal("0.495049")]
    assert plan.ending is Ending.DONE


def test_the_band_bounds_a_market_order_too() -> None:
    plan = plan_match(book(), taker("100000", None), Decimal("1.5"), whole)
    assert [step.maker.id for step in plan.steps] == [1, 2]
    assert plan.ending is Ending.BAND


def test_an_ignored_order_is_not_met() -> None:
    plan = plan_match(book(), taker("1", "101"), None, whole, ignored_id=1)
    assert [step.maker.id for step in plan.steps] == [2]


def test_prevention_modes_end_or_pass() -> None:
    def steps(mode: Stp) -> tuple[list[tuple[int, Decimal | None]], Ending]:
        made = book()
        own = order(4, Side.SELL, 101, 1)
        own.account = "t"
        made.add(own, 0.0)
        plan = plan_match(made, taker("6", "102", stp=mode), None, whole)
        return [(step.maker.id, step.amount) for step in plan.steps], plan.ending

    one, two = Decimal(1), Decimal(2)
    assert steps(Stp.CANCEL_NEW) == ([(1, two), (2, two)], Ending.STP)
    assert steps(Stp.CANCEL_BOTH) == ([(1, two), (2, two), (4, None)], Ending.STP)
    assert steps(Stp.CANCEL_OLD) == ([(1, two), (2, two), (4, None), (3, two)], Ending.DONE)
    assert steps(Stp.NO) == ([(1, two), (2, two), (4, one), (3, one)], Ending.DONE)
