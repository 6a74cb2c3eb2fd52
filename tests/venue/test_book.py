"""One market's book: priority, public levels, the counter."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from whitewire.venue.engine.book import Book
from whitewire.venue.values.model import ZERO, Level, Order, OrderType, Side


def order(number: int, side: Side, price: int, amount: int = 1, rpi: bool = False) -> Order:
    return Order(
        id=number,
        account="a",
        market="M",
        side=side,
        type=OrderType.LIMIT,
        price=Decimal(price),
        amount=Decimal(amount),
        left=Decimal(amount),
        client_order_id="",
        ctime=0.0,
        mtime=0.0,
        fee_asset="",
        maker_fee=ZERO,
        taker_fee=ZERO,
        rpi=rpi,
    )


def ids(book: Book, side: Side, sees_rpi: bool = True) -> list[int]:
    return [maker.id for _, maker in book.makers(side, sees_rpi)]


def test_price_then_segment_then_arrival() -> None:
    book = Book("M", 100, 0.0)
    for resting in (
        order(1, Side.BUY, 10, rpi=True),
        order(2, Side.BUY, 10),
        order(3, Side.BUY, 11, rpi=True),
        order(4, Side.BUY, 9),
        order(5, Side.BUY, 10),
    ):
        book.add(resting, 1.0)
    assert ids(book, Side.BUY) == [3, 2, 5, 1, 4]
    assert ids(book, Side.BUY, sees_rpi=False) == [2, 5, 4]
    assert book.levels(Side.BUY, 10) == [
        Level(Decimal(10), Decimal(2)),
        Level(Decimal(9), Decimal(1)),
    ]
    assert book.best(Side.BUY) == Level(Decimal(10), Decimal(2))
    assert book.best(Side.SELL) is None


def test_asks_are_best_first_and_cut_to_the_limit() -> None:
    book = Book("M", 100, 0.0)
    for number, price in enumerate((12, 10, 11)):
        book.add(order(number, Side.SELL, price), 1.0)
    assert [level.price for level in book.levels(Side.SELL, 2)] == [10, 11]
    assert book.levels(Side.SELL, 0) == []


def test_the_counter_moves_once_for_each_public_change() -> None:
    book = Book("M", 100, 0.0)
    visible, hidden = order(1, Side.BUY, 10, 5), order(2, Side.BUY, 10, 5, rpi=True)
    book.add(visible, 1.0)
    assert (book.update_id, book.changed_at) == (101, 1.0)
    book.add(hidden, 2.0)
    book.reduce(hidden, Decimal(1), 3.0)
    book.remove(hidden, 4.0)
    assert (book.update_id, book.changed_at) == (101, 1.0)
    book.reduce(visible, Decimal(2), 5.0)
    assert book.levels(Side.BUY, 1) == [Level(Decimal(10), Decimal(3))]
    book.reduce(visible, Decimal(3), 6.0)
    assert (book.update_id, book.changed_at) == (103, 6.0)
    assert book.levels(Side.BUY, 1) == []


def test_the_top_changes_only_with_the_best_price_or_amount() -> None:
    book = Book("M", 100, 0.0)
    book.add(order(1, Side.BUY, 10), 1.0)
    assert book.refresh_top(1.0)
    book.add(order(2, Side.BUY, 9), 2.0)
    assert not book.refresh_top(2.0)
    assert (book.top.time, book.top.update_id) == (1.0, 101)
    book.add(order(3, Side.BUY, 10), 3.0)
    assert book.refresh_top(3.0)
    assert book.top.bid == Level(Decimal(10), Decimal(2))
    assert book.top.ask is None


orders = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 8), st.integers(1, 9), st.booleans()),
    max_size=40,
)


@given(orders, st.data())
def test_levels_always_sum_up_the_visible_orders(
    placed: list[tuple[Side, int, int, bool]], data: st.DataObject
) -> None:
    book = Book("M", 0, 0.0)
    alive: list[Order] = []
    for number, (side, price, amount, rpi) in enumerate(placed):
        alive.append(order(number, side, price, amount, rpi))
        book.add(alive[-1], 0.0)
        if data.draw(st.booleans()):
            book.remove(alive.pop(data.draw(st.integers(0, len(alive) - 1))), 0.0)
    for side in Side:
        expected: dict[Decimal, Decimal] = {}
        for resting in alive:
            if resting.side is side and not resting.rpi and resting.price is not None:
                expected[resting.price] = expected.get(resting.price, ZERO) + resting.left
        levels = book.levels(side, 100)
        assert dict(levels) == expected
        prices = [level.price for level in levels]
        assert prices == sorted(prices, reverse=side is Side.BUY)


def test_a_level_that_nothing_has_changed_stays_the_same_object() -> None:
    book = Book("M", 1, 0.0)
    near, far = order(1, Side.BUY, 10, 2), order(2, Side.BUY, 9, 1)
    book.add(near, 1.0)
    book.add(far, 1.0)
    first, second = book.levels(Side.BUY, 10)
    book.reduce(near, Decimal(1), 2.0)
    changed, same = book.levels(Side.BUY, 10)
    assert same is second
    assert changed == (first.price, Decimal(1))
