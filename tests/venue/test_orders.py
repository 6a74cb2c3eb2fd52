"""Validation of orders: numbers, keys and texts of every refusal."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venue.desk import MARKET, Desk, account
from whitewire.venue.orders.bulk import read_legs, read_stop_on_fail
from whitewire.venue.values.model import Order, OrderType, Status, VenueError
from whitewire.venue.values.requests import LimitRequest, MarketRequest

GOOD = {"market": MARKET, "side": "buy", "amount": "1", "price": "60000"}
NUMERIC_AMOUNT = "Amount field should be numeric string or number."
NUMERIC_PRICE = "Price field should be numeric string or number."
SMALL_AMOUNT = ["Given amount is less than min amount 0.00001", "Min amount step = 0.000001"]
IOC_POST_ONLY = "Either IOC or PostOnly flag in true state is allowed."


def place(desk: Desk, **body: object) -> Order:
    return desk.exchange.place("alice", LimitRequest.from_body({**GOOD, **body}))


def refused(desk: Desk, **body: object) -> tuple[int, int, dict[str, list[str]]]:
    with pytest.raises(VenueError) as caught:
        place(desk, **body)
    assert caught.value.message == "Validation failed"
    return caught.value.http_status, caught.value.code, caught.value.errors


@pytest.fixture(scope="module")
def desk() -> Desk:
    """An empty book that no test of this module changes."""
    return Desk(accounts=[account("alice"), account("plain")])


@pytest.mark.parametrize(
    ("key", "value", "code", "texts"),
    [
        ("market", None, 30, ["Market field is required."]),
        ("market", "", 31, ["Market field should not be empty string."]),
        ("market", "BTCUSDT", 31, ["Market field format is invalid."]),
        ("market", 7, 31, ["Market field format is invalid."]),
        ("market", "XXX_YYY", 31, ["Market is not available."]),
        ("side", None, 30, ["Side field is required."]),
        ("side", "BUY", 30, ["Side field should contain only 'buy' or 'sell' values."]),
        ("side", 1, 30, ["Side field should contain only 'buy' or 'sell' values."]),
        ("amount", None, 30, ["Amount field is required."]),
        ("amount", "one", 32, [NUMERIC_AMOUNT]),
        ("amount", "1e-3", 32, [NUMERIC_AMOUNT]),
        ("amount", True, 32, [NUMERIC_AMOUNT]),
        ("amount", "0", 32, ["Amount should be greater than 0."]),
        ("amount", "-1", 32, ["Amount should be greater than 0."]),
        ("amount", "0.000009", 32, SMALL_AMOUNT),
        ("amount", "1.0000001", 32, ["Min amount step = 0.000001"]),
        ("price", None, 30, ["Price field is required."]),
        ("price", {}, 33, [NUMERIC_PRICE]),
        ("price", "1e5", 33, [NUMERIC_PRICE]),
        ("price", 0, 33, ["Price should be greater than 0."]),
        ("price", "0.001", 33, ["Price field should be at least 0.01", "Min price step = 0.01"]),
        ("price", "60000.001", 33, ["Min price step = 0.01"]),
        ("clientOrderId", 5, 36, ["ClientOrderId field should be a string."]),
        (
            "clientOrderId",
            "q 1",
            36,
            ["ClientOrderId field should contain only latin letters, numbers and dashes."],
        ),
        (
            "clientOrderId",
            "q" * 65,
            36,
            ["ClientOrderId field should be at most 64 characters."],
        ),
        ("postOnly", "true", 30, ["PostOnly field should be a boolean."]),
        ("ioc", 1, 30, ["Ioc field should be a boolean."]),
        ("rpi", "false", 30, ["Rpi field should be a boolean."]),
        ("retail", [], 30, ["Retail field should be a boolean."]),
        ("stp", "xx", 30, ["Stp field should contain only 'no', 'cb', 'cn' or 'co' values."]),
        ("stp", False, 30, ["Stp field should contain only 'no', 'cb', 'cn' or 'co' values."]),
        ("bboRole", 3, 30, ["BboRole field should contain only 1 or 2 values."]),
        ("bboRole", True, 30, ["BboRole field should contain only 1 or 2 values."]),
    ],
)
def test_one_wrong_field(desk: Desk, key: str, value: object, code: int, texts: list[str]) -> None:
    assert refused(desk, **{key: value}) == (422, code, {key: texts})


def test_several_wrong_fields_are_named_at_once_under_the_lowest_number(desk: Desk) -> None:
    assert refused(desk, market=None, side=None, amount="x", price="y") == (
        422,
        30,
        {
            "market": ["Market field is required."],
            "side": ["Side field is required."],
            "amount": [NUMERIC_AMOUNT],
            "price": [NUMERIC_PRICE],
        },
    )


@pytest.mark.parametrize(
    ("flags", "code", "key", "text"),
    [
        ({"ioc": True, "postOnly": True}, 37, "ioc", IOC_POST_ONLY),
        (
            {"ioc": True, "rpi": True},
            40,
            "ioc",
            "Either IOC or RPI flag in true state is allowed.",
        ),
        (
            {"rpi": True, "retail": True},
            41,
            "retail",
            "api.tradeErrors.flagsCantBeCombined.rpiRetail",
        ),
        (
            {"rpi": True, "postOnly": True},
            30,
            "rpi",
            "Either RPI or PostOnly flag in true state is allowed.",
        ),
        (
            {"bboRole": 2, "postOnly": True},
            30,
            "bboRole",
            "PostOnly flag is not allowed with bboRole.",
        ),
        ({"bboRole": 1, "ioc": True}, 30, "bboRole", "IOC flag is not allowed with bboRole 1."),
    ],
)
def test_flags_that_exclude_each_other(
    desk: Desk, flags: dict[str, object], code: int, key: str, text: str
) -> None:
    assert refused(desk, **flags) == (422, code, {key: [text]})


@pytest.mark.parametrize(("flag", "code"), [("retail", 42), ("rpi", 43)])
def test_flags_that_need_a_permission(flag: str, code: int) -> None:
    desk = Desk(accounts=[account("alice", rpi_enabled=False, retail_enabled=False)])
    assert refused(desk, **{flag: True}) == (
        422,
        code,
        {flag: [f"api.validation.{flag}.not_allowed"]},
    )


def test_totals_are_bounded() -> None:
    desk = Desk()
    text = "Total (amount * price) is less than 5"
    assert refused(desk, amount="0.0001", price="49999.99") == (422, 30, {"total": [text]})
    assert place(desk, amount="0.0001", price="50000").status is Status.OPEN


def test_a_greatest_total_counts_unless_it_is_zero() -> None:
    spec = replace(Desk().exchange.markets[MARKET], max_total=Decimal(1000))
    desk = Desk(markets=[spec])
    text = "Total (amount * price) is greater than 1000"
    assert refused(desk, amount="1", price="1000.01") == (422, 30, {"total": [text]})
    assert place(desk, amount="1", price="1000").status is Status.OPEN


@pytest.mark.parametrize(
    ("amount", "price"), [("1.500", "60000.10"), (1, 60000), (Decimal("1.5"), Decimal("60000.1"))]
)
def test_numbers_come_as_text_with_zeros_or_as_json_numbers(amount: object, price: object) -> None:
    assert place(Desk(), amount=amount, price=price).status is Status.OPEN


@given(st.text(alphabet="abcXYZ019.-_", min_size=1, max_size=64))
def test_client_ids_allow_letters_digits_dash_dot_underscore(client_id: str) -> None:
    assert place(Desk(), clientOrderId=client_id).client_order_id == client_id


def test_an_empty_client_id_counts_as_absent() -> None:
    desk = Desk()
    assert place(desk, clientOrderId="").client_order_id == ""
    assert place(desk, clientOrderId="").client_order_id == ""


def test_a_negative_precision_takes_whole_millions_only() -> None:
    desk = Desk(accounts=[account("alice", balances={"USDT": Decimal(10**6)})])
    good = {"market": "PEPE_USDT", "amount": "2000000", "price": "0.00001"}
    assert refused(desk, **{**good, "amount": "2500000"})[2] == {
        "amount": ["Min amount step = 1000000"]
    }
    assert place(desk, **good).status is Status.OPEN


def test_best_offer_prices() -> None:
    desk = Desk()
    with pytest.raises(VenueError) as caught:
        place(desk, price=None, bboRole=1)
    assert (caught.value.http_status, caught.value.code) == (400, 12)
    desk.limit("bob", "buy", "59000", "1")
    desk.limit("bob", "sell", "61000", "1")
    assert place(desk, price=None, bboRole=1, amount="0.1").price == 59000
    taken = place(desk, price=None, bboRole=2, amount="0.1", ioc=True)
    assert (taken.price, taken.status) == (Decimal(61000), Status.FILLED)


@pytest.mark.parametrize(
    ("kind", "side", "amount", "code", "texts"),
    [
        (OrderType.MARKET, "buy", None, 30, ["Amount field is required."]),
        (OrderType.MARKET, "buy", "x", 32, [NUMERIC_AMOUNT]),
        (OrderType.MARKET, "buy", "10.001", 32, ["Min amount step = 0.01"]),
        (
            OrderType.MARKET,
            "buy",
            "4.99",
            32,
            ["Total amount should be no less than 5 + trade fee"],
        ),
        (OrderType.MARKET, "sell", "0.000001", 32, SMALL_AMOUNT),
        (OrderType.STOCK_MARKET, "buy", "0.000001", 32, SMALL_AMOUNT),
        (OrderType.STOCK_MARKET, "sell", "1.0000001", 32, ["Min amount step = 0.000001"]),
    ],
)
def test_market_orders(
    desk: Desk, kind: OrderType, side: str, amount: object, code: int, texts: list[str]
) -> None:
    request = MarketRequest.from_body(kind, {"market": MARKET, "side": side, "amount": amount})
    with pytest.raises(VenueError) as caught:
        desk.exchange.place("alice", request)
    error = caught.value
    assert (error.http_status, error.code, error.errors) == (422, code, {"amount": texts})


def test_market_orders_name_all_missing_fields(desk: Desk) -> None:
    with pytest.raises(VenueError) as caught:
        desk.exchange.place("alice", MarketRequest.from_body(OrderType.MARKET, {}))
    assert set(caught.value.errors) == {"market", "side", "amount"}


def test_bulk_frames() -> None:
    for orders, text in (
        (None, "The orders must be an array."),
        ({}, "The orders must be an array."),
        ([], "validation.between"),
        ([GOOD] * 21, "validation.between"),
    ):
        with pytest.raises(VenueError) as caught:
            read_legs(orders, LimitRequest.from_body)
        assert (caught.value.code, caught.value.errors) == (30, {"orders": [text]})
    legs = read_legs([GOOD, "nonsense"], LimitRequest.from_body)
    assert isinstance(legs[0], LimitRequest)
    assert isinstance(legs[1], VenueError)
    assert read_stop_on_fail(None) is False
    with pytest.raises(VenueError, match="StopOnFail field should be a boolean"):
        read_stop_on_fail("yes")
