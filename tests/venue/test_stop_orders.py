"""Validation of stop orders: numbers, keys and texts of every refusal."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.venue.desk import MARKET, Desk, account, refusal
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.activation import Condition
from whitewire.venue.values.model import Order, OrderType
from whitewire.venue.values.requests import StopRequest

LIMIT, MARKET_TYPE = OrderType.STOP_LIMIT, OrderType.STOP_MARKET
GOOD = {
    "market": MARKET,
    "side": "buy",
    "amount": "1",
    "price": "60200",
    "activation_price": "60100",
}
LAST = "Activation price should not be equal to the last price."
STEP = "Min activation price step = 0.01"


def place(desk: Desk, kind: OrderType = LIMIT, **body: object) -> Order:
    return desk.exchange.place("alice", StopRequest.from_body(kind, {**GOOD, **body}))


@pytest.fixture(scope="module")
def desk() -> Desk:
    """A market whose last trade was at 60000."""
    desk = Desk()
    desk.trade("60000")
    return desk


@pytest.mark.parametrize("kind", [LIMIT, MARKET_TYPE])
@pytest.mark.parametrize(
    ("key", "value", "code", "errors"),
    [
        ("market", None, 30, {"market": ["Market field is required."]}),
        ("market", "XXX_YYY", 31, {"market": ["Market is not available."]}),
        ("side", None, 30, {"side": ["Side field is required."]}),
        ("side", "x", 30, {"side": ["Side field should contain only 'buy' or 'sell' values."]}),
        ("amount", None, 30, {"amount": ["Amount field is required."]}),
        ("amount", "x", 32, {"amount": ["Amount field should be numeric string or number."]}),
        ("amount", "0", 32, {"amount": ["Amount should be greater than 0."]}),
        (
            "activation_price",
            None,
            30,
            {"activation_price": ["Activation price field is required."]},
        ),
        (
            "activation_price",
            "high",
            30,
            {"activation_price": ["Activation price should be numeric string."]},
        ),
        (
            "activation_price",
            "-1",
            30,
            {"activationPrice": ["Activation price should be greater than 0."]},
        ),
        (
            "activation_price",
            "0.001",
            30,
            {"activationPrice": ["Activation price should be at least 0.01", STEP]},
        ),
        ("activation_price", "60100.001", 30, {"activationPrice": [STEP]}),
        ("activation_price", "60000.00", 30, {"activationPrice": [LAST]}),
        (
            "clientOrderId",
            7,
            36,
            {"clientOrderId": ["ClientOrderId field should be a string."]},
        ),
        (
            "stp",
            "x",
            30,
            {"stp": ["Stp field should contain only 'no', 'cb', 'cn' or 'co' values."]},
        ),
    ],
)
def test_one_wrong_field(
    desk: Desk, kind: OrderType, key: str, value: object, code: int, errors: dict[str, list[str]]
) -> None:
    amount = {"amount": "100"} if kind is MARKET_TYPE else {}
    found = refusal(place, desk, kind, **{**amount, key: value})
    assert found == (422, code, "Validation failed", errors)


@pytest.mark.parametrize(
    ("kind", "body", "code", "errors"),
    [
        (LIMIT, {"price": None}, 30, {"price": ["Price field is required."]}),
        (LIMIT, {"price": "0"}, 33, {"price": ["Price should be greater than 0."]}),
        (LIMIT, {"price": "1.001"}, 33, {"price": ["Min price step = 0.01"]}),
        (
            LIMIT,
            {"amount": "0.00002", "price": "60200"},
            30,
            {"total": ["Total (amount * price) is less than 5"]},
        ),
        (
            LIMIT,
            {"bboRole": 3},
            30,
            {"bboRole": ["BboRole field should contain only 1 or 2 values."]},
        ),
        (LIMIT, {"amount": "1.0000001"}, 32, {"amount": ["Min amount step = 0.000001"]}),
        (MARKET_TYPE, {"amount": "10.001"}, 32, {"amount": ["Min amount step = 0.01"]}),
        (
            MARKET_TYPE,
            {"amount": "4.99"},
            32,
            {"amount": ["Total amount should be no less than 5 + trade fee"]},
        ),
        (
            MARKET_TYPE,
            {"amount": "0.000001", "side": "sell"},
            32,
            {
                "amount": [
                    "Given amount is less than min amount 0.00001",
                    "Min amount step = 0.000001",
                ]
            },
        ),
        (LIMIT, {"amount": "100"}, 32, {"amount": ["Not enough balance."]}),
        (MARKET_TYPE, {"amount": "1000000.01"}, 32, {"amount": ["Not enough balance."]}),
        (MARKET_TYPE, {"amount": "10.1", "side": "sell"}, 32, {"amount": ["Not enough balance."]}),
    ],
)
def test_sizes_prices_and_funds(
    desk: Desk,
    kind: OrderType,
    body: dict[str, object],
    code: int,
    errors: dict[str, list[str]],
) -> None:
    assert refusal(place, desk, kind, **body) == (422, code, "Validation failed", errors)


def test_all_missing_fields_are_named_at_once(desk: Desk) -> None:
    request = StopRequest.from_body(MARKET_TYPE, {})
    *_, errors = refusal(desk.exchange.place, "alice", request)
    assert errors == {
        "market": ["Market field is required."],
        "side": ["Side field is required."],
        "amount": ["Amount field is required."],
        "activation_price": ["Activation price field is required."],
    }


def test_a_market_without_a_trade_has_no_stops() -> None:
    assert refusal(place, Desk()) == (
        422,
        30,
        "Validation failed",
        {"activationPrice": ["Empty history"]},
    )


def test_a_client_id_that_waits_is_taken() -> None:
    desk = Desk()
    desk.trade("60000")
    place(desk, clientOrderId="s")
    _, code, _, errors = refusal(place, desk, clientOrderId="s")
    assert (code, list(errors)) == (36, ["clientOrderId"])


def test_a_stop_limits_price_has_a_band_of_its_own_number() -> None:
    desk = Desk(ExchangeOptions(price_band_percent=Decimal(10)))
    desk.trade("60000")
    status, code, _, errors = refusal(place, desk, price="66000.01")
    assert (status, code, list(errors)) == (422, 251, ["price"])


@pytest.mark.parametrize(
    ("by_last_price", "side", "price", "condition"),
    [
        (False, "buy", "60100", Condition.GTE),
        (False, "sell", "59900", Condition.LTE),
        (True, "buy", "60100", Condition.GTE),
        (True, "buy", "59900", Condition.LTE),
        (True, "sell", "60100", Condition.GTE),
        (True, "sell", "59900", Condition.LTE),
    ],
)
def test_the_condition_follows_the_side_or_the_last_price(
    by_last_price: bool, side: str, price: str, condition: Condition
) -> None:
    desk = Desk(ExchangeOptions(activation_by_last_price=by_last_price))
    desk.trade("60000")
    order = desk.stop_limit("alice", side, price, "60000", "1")
    assert order.activation is not None
    assert order.activation.condition is condition
    assert order.is_waiting


def test_best_offer_prices() -> None:
    desk = Desk()
    desk.trade("60000")
    assert refusal(place, desk, price=None, bboRole=1) == (
        400,
        12,
        "Inner validation failed",
        {"bboRole": ["There is nobody to trade with."]},
    )
    desk.limit("bob", "buy", "59000", "1")
    desk.limit("bob", "sell", "61000", "1")
    assert place(desk, price=None, bboRole=1).price == 59000
    assert place(desk, price=None, bboRole=2).price == 61000
    assert place(desk, price=None, bboRole=2, side="sell", activation_price="59500").price == 59000


def test_stop_market_orders_ignore_a_price_and_a_role(desk: Desk) -> None:
    order = place(desk, MARKET_TYPE, amount="100", bboRole=9)
    assert (order.price, order.is_waiting) == (None, True)


def test_an_account_without_funds_in_the_asset() -> None:
    poor = replace(account("alice"), balances={})
    desk = Desk(accounts=[poor, account("bob"), account("carol")])
    desk.trade("60000")
    status, code, _, errors = refusal(place, desk)
    assert (status, code, errors) == (422, 32, {"amount": ["Not enough balance."]})
