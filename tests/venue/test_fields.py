"""Readers of single fields: a good value or a noted problem, whatever the JSON holds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.venue.orders import fields
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import Side, Stp, VenueError
from whitewire.venue.values.refusals import Problems

MARKETS = {spec.name: spec for spec in default_markets()}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=70)
    | st.sampled_from(["buy", "BTC_USDT", "cancel_new", "1.5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


def problem_of(problems: Problems) -> VenueError | None:
    try:
        problems.refuse()
    except VenueError as error:
        return error
    return None


@given(json_values)
def test_a_reader_returns_a_value_or_notes_a_problem(value: object) -> None:
    readers: dict[str, Callable[[Problems], object]] = {
        "market": lambda noted: fields.read_market(value, MARKETS, noted),
        "side": lambda noted: fields.read_side(value, noted),
        "amount": lambda noted: fields.read_number_field(value, "amount", 32, noted),
    }
    for name, read in readers.items():
        problems = Problems()
        result = read(problems)
        error = problem_of(problems)
        assert (result is None) is (error is not None)
        assert error is None or list(error.errors) == [name]


@given(json_values)
def test_optional_fields_have_defaults(value: object) -> None:
    problems = Problems()
    client_id = fields.read_client_id(value, problems)
    mode = fields.read_stp(value, problems)
    flag = fields.read_flag(value, "ioc", problems)
    error = problem_of(problems)
    noted = set(error.errors) if error else set()
    assert client_id == (value or "") or "clientOrderId" in noted
    assert mode in Stp
    assert flag is (value is True)


@pytest.mark.parametrize(
    ("order_id", "client_order_id", "expected"),
    [(7, None, (7, "")), (7, "", (7, "")), (None, "q", (None, "q"))],
)
def test_orders_are_named_by_one_id(
    order_id: object, client_order_id: object, expected: tuple[int | None, str]
) -> None:
    problems = Problems()
    assert fields.read_order_id(order_id, client_order_id, problems) == expected
    assert problem_of(problems) is None


def test_a_missing_order_id_is_noted_even_if_the_client_id_is_empty() -> None:
    problems = Problems()
    assert fields.read_order_id(None, "", problems) == (None, "")
    error = problem_of(problems)
    assert error is not None
    assert error.errors == {"orderId": ["OrderId field is required."]}


def test_grids_and_least_sizes() -> None:
    spec = MARKETS["BTC_USDT"]
    problems = Problems()
    fields.check_amount(Decimal("0.00001"), spec, problems)
    fields.check_price(Decimal("0.01"), spec, problems)
    assert problem_of(problems) is None
    fields.check_amount(Decimal("0.0000105"), spec, problems)
    fields.check_price(Decimal("0.015"), spec, problems)
    error = problem_of(problems)
    assert error is not None
    assert set(error.errors) == {"amount", "price"}


def test_sides_and_modes_by_name() -> None:
    problems = Problems()
    assert fields.read_side("sell", problems) is Side.SELL
    assert fields.read_stp("cancel_old", problems) is Stp.CANCEL_OLD
    assert fields.read_stp(None, problems) is Stp.NO
    assert problem_of(problems) is None
