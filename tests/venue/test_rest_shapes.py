"""Optional keys and null members that the happy paths do not reach."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from whitewire.venue.orders.kill_switch import KillSwitchTimer
from whitewire.venue.rest.shapes import RestShapes, error_body, usual_market
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import Order, OrderType, Side, VenueError
from whitewire.venue.values.money import to_ancestor_text, to_text

ORDER = Order(
    id=1,
    account="account-1",
    market="BTC_USDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    price=Decimal("1.50"),
    amount=Decimal(2),
    left=Decimal(2),
    client_order_id="",
    ctime=1.5,
    mtime=2.5,
    fee_asset="BTC",
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.001"),
)
SHAPES = RestShapes(to_text)


def test_retail_is_printed_only_where_it_was_sent() -> None:
    assert "retail" not in SHAPES.order(ORDER)
    assert SHAPES.order(replace(ORDER, retail=True))["retail"] is True


def test_fee_asset_is_left_out_where_there_is_none() -> None:
    assert "feeAsset" not in SHAPES.order(replace(ORDER, fee_asset=""))


def test_fee_ratios_are_there_only_for_those_who_need_them() -> None:
    assert not {"takerFee", "makerFee"} & set(SHAPES.order(ORDER))
    old = RestShapes(to_text, fee_rates=True).order(ORDER)
    assert (old["takerFee"], old["makerFee"]) == ("0.001", "0.001")


def test_a_refusal_has_errors_only_if_there_are_any() -> None:
    assert error_body(VenueError(401, 0, "No.", {})) == {"code": 0, "message": "No."}
    errors = {"amount": ["Not enough balance."]}
    assert error_body(VenueError(400, 10, "Bad", errors))["errors"] == errors


def test_a_timer_without_types_prints_null() -> None:
    assert SHAPES.timer(KillSwitchTimer("BTC_USDT", 1, 6, None))["types"] is None
    assert SHAPES.timer(KillSwitchTimer("BTC_USDT", 1, 6, ("spot",)))["types"] == ["spot"]


def test_exactly_one_member_of_a_leg_is_null() -> None:
    refused = VenueError(400, 10, "Bad", {})
    for leg in (SHAPES.leg, SHAPES.cancelled_leg):
        assert leg(refused) == {"result": None, "error": {"code": 10, "message": "Bad"}}
        assert leg(ORDER)["error"] is None
        assert leg(ORDER)["result"]["orderId"] == 1


def test_numbers_follow_the_chosen_style() -> None:
    tiny = replace(ORDER, deal_fee=Decimal("1E-8"))
    assert SHAPES.order(tiny)["dealFee"] == "0.00000001"
    assert RestShapes(to_ancestor_text).order(tiny)["dealFee"] == "1e-8"


def test_the_usual_fees_are_those_of_the_first_market_or_of_the_default_list() -> None:
    first, second, *_ = default_markets()
    dear = replace(second, taker_fee=Decimal("0.002"))
    assert usual_market({dear.name: dear, first.name: first}) is dear
    assert usual_market({}) == first
