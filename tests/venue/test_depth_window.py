"""Grouping and differences of windows."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from whitewire.venue.engine.depth_window import changed_levels, group_levels
from whitewire.venue.values.model import Level

SIDES = st.dictionaries(st.integers(1, 30), st.integers(1, 9), max_size=15)


def levels(side: dict[int, int], *, is_bid: bool) -> list[Level]:
    return [Level(Decimal(price), Decimal(side[price])) for price in sorted(side, reverse=is_bid)]


@given(before=SIDES, after=SIDES, is_bid=st.booleans())
def test_applying_the_difference_gives_the_new_window(
    before: dict[int, int], after: dict[int, int], is_bid: bool
) -> None:
    changes = changed_levels(
        levels(before, is_bid=is_bid), levels(after, is_bid=is_bid), is_bid=is_bid
    )
    prices = [level.price for level in changes]
    assert prices == sorted(set(prices), reverse=is_bid)
    book = {Decimal(price): Decimal(size) for price, size in before.items()}
    for price, size in changes:
        assert book.get(price) != size
        if size:
            book[price] = size
        else:
            del book[price]
    assert book == {Decimal(price): Decimal(size) for price, size in after.items()}


@given(before=SIDES, after=SIDES, is_bid=st.booleans(), limit=st.integers(1, 10))
def test_silent_evictions_are_mended_by_truncating(
    before: dict[int, int], after: dict[int, int], is_bid: bool, limit: int
) -> None:
    old = levels(before, is_bid=is_bid)[:limit]
    new = levels(after, is_bid=is_bid)[:limit]
    silent = new[-1].price if len(new) == limit else None
    changes = changed_levels(old, new, is_bid=is_bid, silent_beyond=silent)
    book = {level.price: level.amount for level in old}
    for price, size in changes:
        book[price] = size
    shown = sorted(((p, s) for p, s in book.items() if s), reverse=is_bid)[:limit]
    assert shown == new


def test_an_evicted_level_is_removed_aloud_by_default_and_not_in_the_silent_style() -> None:
    old = levels({100: 1, 99: 1}, is_bid=True)
    new = levels({101: 1, 100: 1}, is_bid=True)
    added, gone = Level(Decimal(101), Decimal(1)), Level(Decimal(99), Decimal(0))
    assert changed_levels(old, new, is_bid=True) == [added, gone]
    assert changed_levels(old, new, is_bid=True, silent_beyond=Decimal(100)) == [added]


@given(side=SIDES, step=st.integers(1, 7), upward=st.booleans())
def test_groups_keep_the_total_and_lie_on_the_grid(
    side: dict[int, int], step: int, upward: bool
) -> None:
    groups = group_levels(levels(side, is_bid=not upward), Decimal(step), upward=upward)
    assert sum(level.amount for level in groups) == sum(side.values())
    prices = [level.price for level in groups]
    assert prices == sorted(set(prices), reverse=not upward)
    assert all(price % step == 0 for price in prices)
    if side:
        best = min(side) if upward else max(side)
        assert 0 <= (prices[0] - best if upward else best - prices[0]) < step


def changed_plainly(
    before: list[Level], after: list[Level], *, is_bid: bool, silent_beyond: Decimal | None
) -> list[Level]:
    old, new = dict(before), dict(after)
    changes = [level for level in after if old.get(level.price) != level.amount]
    for price in old.keys() - new.keys():
        beyond = silent_beyond is not None and (
            price <= silent_beyond if is_bid else price >= silent_beyond
        )
        if not beyond:
            changes.append(Level(price, Decimal(0)))
    return sorted(changes, key=lambda level: level.price, reverse=is_bid)


@given(before=SIDES, after=SIDES, is_bid=st.booleans(), is_silent=st.booleans(), data=st.data())
def test_the_difference_is_that_of_the_plain_way(
    before: dict[int, int],
    after: dict[int, int],
    is_bid: bool,
    is_silent: bool,
    data: st.DataObject,
) -> None:
    old = levels(before, is_bid=is_bid)
    known = {level.price: level for level in old}
    # Unchanged levels are the same objects as before, or equal ones.
    new = [
        known[level.price]
        if known.get(level.price) == level and data.draw(st.booleans())
        else level
        for level in levels(after, is_bid=is_bid)
    ]
    worst = new[-1].price if new and is_silent else None
    assert changed_levels(old, new, is_bid=is_bid, silent_beyond=worst) == changed_plainly(
        old, new, is_bid=is_bid, silent_beyond=worst
    )
