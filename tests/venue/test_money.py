"""Exact arithmetic and number texts."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.venue.values import money

amounts = st.decimals(
    min_value=0, max_value=10**15, places=12, allow_nan=False, allow_infinity=False
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.010", "0.010"),
        ("60000", "60000"),
        ("-1", "-1"),
        (7, "7"),
        (Decimal("0.5"), "0.5"),
        (Decimal("1E-5"), "0.00001"),
    ],
)
def test_numbers_are_read_from_text_and_json_numbers(value: object, expected: str) -> None:
    assert money.read_number(value) == Decimal(expected)


@pytest.mark.parametrize(
    "value",
    [
        *("", " 1", "1.", ".5", "1e-5", "1E5", "+1", "NaN", "Infinity", "1_000", "\u0663"),
        *("1" * 31, True, None, 0.1, [], {}, 10**40),
        *(Decimal("NaN"), Decimal("1E40"), Decimal("1E-40")),
    ],
)
def test_anything_else_is_not_a_number(value: object) -> None:
    assert money.read_number(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1916.40", "1916.4"),
        ("100.0", "100"),
        ("0E-8", "0"),
        ("3E+6", "3000000"),
        ("0.00000001", "0.00000001"),
        ("0.0000021", "0.0000021"),
    ],
)
def test_numbers_are_printed_plainly(value: str, text: str) -> None:
    assert money.to_text(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.00000001", "1e-8"), ("0E-8", "0e-8"), ("0.0000021", "0.0000021"), ("12.50", "12.5")],
)
def test_the_ancestor_prints_small_numbers_with_an_exponent(value: str, text: str) -> None:
    assert money.to_ancestor_text(Decimal(value)) == text


@given(amounts, amounts)
def test_sums_are_exact_whatever_the_threads_context(left: Decimal, right: Decimal) -> None:
    with localcontext(Context(prec=3)):
        total = money.add(left, right)
        assert money.subtract(total, right).compare(left) == 0


def test_a_product_that_does_not_fit_is_a_fault() -> None:
    with pytest.raises(Inexact):
        money.multiply(Decimal("1." + "1" * 80), Decimal("1." + "1" * 80))


def test_fees_keep_34_digits_and_round_down() -> None:
    third = Decimal("0." + "3" * 34)
    assert money.fee_of(Decimal("0.00105"), Decimal("0.002")) == Decimal("0.0000021")
    assert money.fee_of(Decimal(2), third) == Decimal("0." + "6" * 34)
    assert len(money.fee_of(third, third).as_tuple().digits) == 34


@given(amounts, st.sampled_from(["0.000001", "0.01", "1", "1E+6"]))
def test_flooring_stays_below_by_less_than_a_step(value: Decimal, text: str) -> None:
    step = Decimal(text)
    floored = money.floor_to(value, step)
    assert floored <= value < floored + step
    assert money.is_multiple(floored, step)


@given(
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.decimals(min_value="0.01", max_value=10**6, places=2),
)
def test_affordable_stock_costs_at_most_the_money(funds: Decimal, price: Decimal) -> None:
    step = Decimal("0.000001")
    amount = money.affordable(funds, price, step)
    assert money.multiply(amount, price) <= funds < money.multiply(amount + step, price)
