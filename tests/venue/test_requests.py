"""From JSON bodies to request values."""

from __future__ import annotations

from whitewire.venue.values.model import OrderType
from whitewire.venue.values.requests import (
    CancelAllRequest,
    KillSwitchRequest,
    LimitRequest,
    MarketRequest,
    Missing,
    ModifyRequest,
)


def test_wire_keys_become_fields_and_others_are_ignored() -> None:
    body = {"market": "M", "postOnly": True, "bboRole": 2, "clientOrderId": "q", "nonce": 1}
    expected = LimitRequest(market="M", post_only=True, bbo_role=2, client_order_id="q")
    assert LimitRequest.from_body(body) == expected
    assert CancelAllRequest.from_body({"type": ["spot"]}).types == ["spot"]
    assert ModifyRequest.from_body({"activationPrice": "1"}).activation_price == "1"
    market = MarketRequest.from_body(OrderType.STOCK_MARKET, {"amount": 5})
    assert (market.type, market.amount) == (OrderType.STOCK_MARKET, 5)


def test_a_missing_timeout_is_not_a_null_timeout() -> None:
    assert KillSwitchRequest.from_body({}).timeout is Missing.MISSING
    assert KillSwitchRequest.from_body({"timeout": None}).timeout is None
