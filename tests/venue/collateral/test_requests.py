"""What a body of a request becomes."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from whitewire.venue.collateral.requests import (
    CollateralRequest,
    OcoRequest,
    PageQuery,
    PositionHistoryQuery,
)
from whitewire.venue.values.model import OrderType

BODY = {
    "market": "m",
    "side": "s",
    "amount": "a",
    "price": "p",
    "activation_price": "t",
    "clientOrderId": "c",
    "stopLoss": "sl",
    "takeProfit": "tp",
    "postOnly": 1,
    "ioc": 2,
    "rpi": 3,
    "positionSide": "ps",
    "reduceOnly": 4,
    "stp": "co",
    "stop_limit_price": "sp",
}
COMMON = {"market", "side", "amount", "client_order_id", "stop_loss", "take_profit"}
COMMON |= {"position_side", "reduce_only", "stp"}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (OrderType.LIMIT, {"price", "post_only", "ioc", "rpi"}),
        (OrderType.MARKET, set()),
        (OrderType.STOP_LIMIT, {"price", "activation_price"}),
        (OrderType.STOP_MARKET, {"activation_price"}),
    ],
)
def test_each_type_takes_its_own_fields(kind: OrderType, more: set[str]) -> None:
    fields = asdict(CollateralRequest.from_body(kind, BODY))
    assert fields.pop("type") is kind
    assert {name for name, value in fields.items() if value is not None} == COMMON | more
    assert fields["stop_loss"] == "sl"
    assert fields["take_profit"] == "tp"


def test_an_oco_has_two_prices_and_a_trigger() -> None:
    request = OcoRequest.from_body(BODY)
    assert (request.price, request.activation_price, request.stop_limit_price) == ("p", "t", "sp")
    assert (request.client_order_id, request.stop_client_order_id) == ("c", None)
    assert (request.position_side, request.reduce_only, request.stp) == ("ps", 4, "co")


def test_queries() -> None:
    body = {"market": 1, "positionId": 2, "startDate": 3, "endDate": 4, "limit": 5, "offset": 6}
    assert PositionHistoryQuery.from_body(body) == PositionHistoryQuery(1, 2, 3, 4, 5, 6)
    assert PageQuery.from_body(body) == PageQuery(1, 5, 6)
