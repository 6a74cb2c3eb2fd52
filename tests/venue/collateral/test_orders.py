"""From requests to orders against collateral: rules O1 to O5."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venue.desk import MARKET, PERP, Desk, collateral_accounts, refusal
from whitewire.venue.values.model import OrderType, Product, Status
from whitewire.venue.values.requests import ModifyRequest

FAILED = "Validation failed"


@pytest.fixture
def desk() -> Desk:
    made = Desk(accounts=collateral_accounts())
    made.perp_trade("60000")
    return made


def long(desk: Desk, amount: str = "1", who: str = "alice", **fields: object) -> None:
    desk.perp_limit("yin", "sell", "60000", amount)
    desk.perp_limit(who, "buy", "60000", amount, **fields)


def test_o1_amounts_are_stock_for_every_type(desk: Desk) -> None:
    desk.perp_limit("yin", "sell", "60000", "1")
    order = desk.perp_market("alice", "buy", "0.5")
    assert (order.deal_stock, order.deal_money, order.left) == (Decimal("0.5"), 30000, 0)
    assert (order.type, order.type_code, order.product) == (OrderType.MARKET, 8, Product.FUTURES)
    assert desk.perp_trigger("alice", "buy", "61000", "0.001").amount == Decimal("0.001")


def test_o1_the_grid_is_the_stocks(desk: Desk) -> None:
    for place in (desk.perp_market, desk.perp_limit):
        more = ("60000",) if place == desk.perp_limit else ()
        assert refusal(place, "alice", "buy", *more, "0.0005")[:2] == (422, 32)
    assert refusal(desk.perp_trigger, "alice", "buy", "61000", "0.0015")[:2] == (422, 32)
    margin = desk.perp_limit("alice", "buy", "60000", "0.1", market=MARKET)
    assert (margin.product, margin.type_code) == (Product.MARGIN, 7)


def test_markets_without_collateral_are_not_there(desk: Desk) -> None:
    assert refusal(desk.perp_limit, "alice", "buy", "0.05", "1", market="ETH_BTC")[:2] == (422, 31)
    assert refusal(desk.limit, "alice", "buy", "60000", "1", market=PERP)[:2] == (422, 31)


def test_post_only_that_would_take_is_refused_under_14(desk: Desk) -> None:
    desk.perp_limit("bob", "sell", "60000", "0.1")
    assert refusal(desk.perp_limit, "alice", "buy", "60000", "0.1", post_only=True)[:3] == (
        422,
        14,
        FAILED,
    )
    resting = desk.perp_limit("alice", "buy", "59000", "0.1", post_only=True)
    assert refusal(desk.modify, "alice", resting, price="60000")[:2] == (422, 14)
    assert desk.last(resting).status is Status.OPEN


def test_best_offer_orders_take_a_price_at_once_and_stops_later(desk: Desk) -> None:
    desk.perp_limit("bob", "sell", "60100", "0.1")
    desk.perp_limit("bob", "buy", "59900", "0.1")
    own = desk.perp_limit("alice", "buy", None, "0.01", bbo_role=1)
    assert (own.price, own.post_only, own.bbo_role) == (59900, True, None)
    other = desk.perp_limit("alice", "buy", None, "0.01", bbo_role=2)
    assert other.status is Status.FILLED
    stop = desk.perp_stop_limit("alice", "buy", "60150", None, "0.01", bbo_role=1)
    assert (stop.price, stop.bbo_role) == (None, 1)
    desk.perp_limit("yin", "sell", "60150", "0.1")
    desk.perp_limit("yang", "buy", "60150", "0.1")
    assert (desk.last(stop).price, desk.last(stop).status) == (59900, Status.OPEN)


# O2


@pytest.mark.parametrize("side", ["LONG", "SHORT"])
def test_o2_one_way_mode_knows_both_alone(desk: Desk, side: str) -> None:
    wrong = (422, 114, FAILED, {"positionSide": ["Hedge mode position side does not match"]})
    assert refusal(desk.perp_limit, "alice", "buy", "60000", "1", position_side=side) == wrong
    desk.perp_limit("alice", "buy", "59000", "0.1", position_side="BOTH")
    assert refusal(desk.perp_limit, "alice", "buy", "1", "1", position_side="both")[:2] == (422, 30)


def test_o2_hedge_mode_needs_a_side_on_futures_only(desk: Desk) -> None:
    desk.exchange.collateral.set_hedge_mode("alice", True)
    for side in (None, "BOTH"):
        assert refusal(desk.perp_limit, "alice", "buy", "1", "6", position_side=side)[1] == 114
        assert refusal(desk.tpsl, "alice", "61000", position_side=side)[1] == 114
    desk.perp_limit("alice", "buy", "59000", "0.1", market=MARKET)
    wrong = refusal(
        desk.perp_limit, "alice", "buy", "59000", "1", market=MARKET, position_side="LONG"
    )
    assert wrong[1] == 114


# O3


def test_o3_reduce_only_needs_a_position_on_the_other_side_and_is_cut(desk: Desk) -> None:
    nothing = (
        422,
        116,
        FAILED,
        {"reduceOnly": ["Reduce-only: Position doesn't exist or wrong side"]},
    )
    assert refusal(desk.perp_limit, "alice", "sell", "61000", "1", reduce_only=True) == nothing
    long(desk, "0.3")
    assert refusal(desk.perp_limit, "alice", "buy", "59000", "1", reduce_only=True) == nothing
    order = desk.perp_limit("alice", "sell", "61000", "1", reduce_only=True)
    assert (order.amount, order.left, order.reduce_only) == (
        Decimal("0.3"),
        Decimal("0.3"),
        True,
    )


def test_o3_reduce_only_has_no_exits(desk: Desk) -> None:
    long(desk)
    refused = refusal(
        desk.perp_limit, "alice", "sell", "61000", "1", reduce_only=True, stop_loss="62000"
    )
    assert refused[:2] == (422, 30)
    assert list(refused[3]) == ["reduceOnly"]


def test_o3_a_close_in_hedge_mode_is_reduce_only_and_not_larger_than_its_position(
    desk: Desk,
) -> None:
    desk.exchange.collateral.set_hedge_mode("alice", True)
    long(desk, "0.5", position_side="LONG")
    too_much = refusal(desk.perp_limit, "alice", "sell", "61000", "0.6", position_side="LONG")
    assert too_much[1:] == (
        115,
        FAILED,
        {"amount": ["Order would open position in the opposite direction."]},
    )
    order = desk.perp_limit("alice", "sell", "61000", "0.5", position_side="LONG")
    assert (order.reduce_only, order.frozen) == (True, 0)
    with_exits = refusal(
        desk.perp_limit, "alice", "sell", "61000", "0.5", position_side="LONG", stop_loss="62000"
    )
    assert with_exits[:2] == (422, 30)
    opens = desk.perp_limit("alice", "sell", "61000", "0.6", position_side="SHORT")
    assert not opens.reduce_only
    assert refusal(desk.perp_limit, "alice", "buy", "1", "1", position_side="SHORT")[1] == 115


def test_o3_what_reduces_may_be_of_a_small_total(desk: Desk) -> None:
    long(desk, "0.002")
    desk.perp_limit("yin", "buy", "60000", "0.001")
    desk.perp_limit("alice", "sell", "60000", "0.001")
    assert refusal(desk.perp_limit, "alice", "sell", "4000", "0.001")[3].keys() == {"total"}
    stop = desk.perp_stop_limit("alice", "sell", "4000", "4000", "0.001", reduce_only=True)
    moved = desk.exchange.modify("alice", ModifyRequest(PERP, stop.id, price="3000"))
    assert moved.price == 3000


# O4


@pytest.mark.parametrize(
    ("side", "gain", "loss", "code"),
    [
        ("buy", "59000", None, 105),
        ("buy", "60000", None, 105),
        ("buy", "61000", "60000", 106),
        ("buy", None, "60001", 106),
        ("sell", "61000", None, 105),
        ("sell", "60000", None, 105),
        ("sell", "59000", "60000", 106),
        ("sell", None, "59000", 106),
    ],
)
def test_o4_exits_lie_on_their_sides(
    desk: Desk, side: str, gain: str | None, loss: str | None, code: int
) -> None:
    exits = {"take_profit": gain, "stop_loss": loss}
    assert refusal(desk.perp_limit, "alice", side, "60000", "0.1", **exits)[:2] == (422, code)
    long(desk)
    counter = "buy" if side == "sell" else "sell"
    desk.perp_limit("yang", counter, "60000", "1")
    assert refusal(desk.perp_market, "alice", side, "0.1", **exits)[:2] == (422, code)


def test_o4_an_entry_of_its_own_price_is_compared_with_that(desk: Desk) -> None:
    entry = desk.perp_limit("alice", "buy", "50000", "0.1", take_profit="51000", stop_loss="49000")
    assert entry.exits is not None
    assert (entry.exits.take_profit, entry.exits.stop_loss) == (51000, 49000)
    assert entry.exits.id == entry.group_id == entry.id - 1
    assert refusal(desk.perp_limit, "alice", "buy", "1", "6", stop_loss="abc")[:2] == (422, 30)


# O5


def test_o5_the_limit_leg_must_rest_and_the_stop_leg_lies_beyond(desk: Desk) -> None:
    desk.perp_limit("bob", "sell", "60100", "0.1")
    takes = refusal(desk.oco, "alice", "buy", "0.1", "60100", "61000", "61000")
    assert takes[1:] == (150, FAILED, {"price": ["Take profit order is not post only."]})
    wrong = refusal(desk.oco, "alice", "buy", "0.1", "59000", "59500", "61000")
    assert wrong[1] == 151
    assert refusal(desk.oco, "alice", "buy", "0.1", "59000", "60000", "61000")[:2] == (422, 30)
    desk.perp_limit("bob", "buy", "59900", "0.1")
    assert refusal(desk.oco, "alice", "sell", "0.1", "59900", "59000", "59000")[1] == 150
    assert refusal(desk.oco, "alice", "sell", "0.1", "61000", "60500", "59000")[1] == 151
    group = desk.oco("alice", "sell", "0.1", "61000", "59000", "58900")
    assert (group.stop_leg.type_code, group.limit_leg.type_code) == (9, 7)


def test_o5_needs_a_stop_price_and_a_last_price(desk: Desk) -> None:
    assert refusal(desk.oco, "alice", "sell", "0.1", "61000", "59000", None)[3] == {
        "stop_limit_price": ["Stop limit price field is required."]
    }
    quiet = Desk(accounts=collateral_accounts())
    assert refusal(quiet.oco, "alice", "sell", "0.1", "61000", "59000", "59000")[:2] == (422, 30)
    assert quiet.exchange.open_orders_of("alice") == []


# Exits of a whole position


def test_exits_need_a_position_and_one_price(desk: Desk) -> None:
    assert refusal(desk.tpsl, "alice", take_profit="61000")[1:] == (
        104,
        FAILED,
        {"market": ["Position does not exist."]},
    )
    assert list(refusal(desk.tpsl, "alice")[3]) == ["activation_price"]
    long(desk)
    assert refusal(desk.tpsl, "alice", take_profit="59000")[1] == 105
    assert refusal(desk.tpsl, "alice", stop_loss="61000")[1] == 106
    stop_loss, take_profit = desk.tpsl("alice", take_profit="61000")
    assert stop_loss is None
    assert take_profit is not None
    assert (take_profit.side.value, take_profit.reduce_only) == ("sell", True)
    view = desk.position("alice")
    assert view is not None
    assert view.take_profit == take_profit
    assert view.stop_loss is None


def test_modify_keeps_what_a_reduce_only_order_is(desk: Desk) -> None:
    """Y5."""
    long(desk, "0.3")
    order = desk.perp_limit("alice", "sell", "61000", "0.1", reduce_only=True)
    moved = desk.modify("alice", order, amount="5")
    assert (moved.amount, moved.reduce_only, moved.product) == (
        Decimal("0.3"),
        True,
        Product.FUTURES,
    )
    group = desk.oco("alice", "sell", "0.1", "61000", "59000", "58900")
    for leg in group.legs:
        assert refusal(desk.modify, "alice", leg, amount="0.2")[1:] == (
            155,
            FAILED,
            {"orderId": ["Conditional order cannot be modified."]},
        )
