"""What follows from a cycle: rules A1 to A3, in one market and in several."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venue.desk import MARKET, PERP, Desk, account, collateral_accounts
from whitewire.venue.collateral.requests import PositionHistoryQuery
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.model import AccountSpec, Order, Status
from whitewire.venue.values.money import to_text

HISTORY = PositionHistoryQuery()


def accounts(**money: str) -> list[AccountSpec]:
    """Yin and yang, bob and carol, and others with what is given."""
    poor = [account(name, collateral={"USDT": Decimal(text)}) for name, text in money.items()]
    return [*collateral_accounts(10**8)[1:], *poor]


@pytest.fixture
def desk() -> Desk:
    made = Desk(accounts=accounts(alice="7000"))
    made.perp_trade("60000")
    return made


def enter(desk: Desk, side: str, amount: str, who: str = "alice", **fields: object) -> None:
    """A position at 60000 against yin."""
    counter = {"market": fields["market"]} if "market" in fields else {}
    desk.perp_limit("yin", "sell" if side == "buy" else "buy", "60000", amount, **counter)
    desk.perp_limit(who, side, "60000", amount, **fields)


def orders(desk: Desk, who: str = "alice") -> list[str]:
    return [text for text in desk.said(who) if text[0] in "123p"]


def totals(desk: Desk) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = dict(desk.exchange.fees_collected())
    for asset, amount in desk.exchange._parts.pool.amounts.items():
        sums[asset] = sums.get(asset, Decimal(0)) + amount
    for owner in desk.exchange._accounts.values():
        for asset, balance in owner.collateral.balances():
            sums[asset] = sums.get(asset, Decimal(0)) + balance
    return sums


# A1


def test_a1_what_reduces_shrinks_with_the_position_and_ends_with_it(desk: Desk) -> None:
    enter(desk, "buy", "0.5")
    resting = desk.perp_limit("alice", "sell", "61000", "0.5", reduce_only=True)
    waiting = desk.perp_stop_limit("alice", "sell", "59000", "58000", "0.4", reduce_only=True)
    small = desk.perp_limit("alice", "sell", "62000", "0.1", reduce_only=True)
    desk.perp_limit("yin", "buy", "60000", "0.5")
    desk.said()
    desk.perp_market("alice", "sell", "0.3")
    assert [desk.last(order).left for order in (resting, waiting, small)] == [
        Decimal("0.2"),
        Decimal("0.2"),
        Decimal("0.1"),
    ]
    numbers = [desk.number(order.id) for order in (resting, waiting)]
    assert orders(desk)[1:] == [f"2 OPEN {numbers[0]}", f"2 OPEN {numbers[1]}?"]
    assert desk.last(resting).amount == Decimal("0.2")
    assert desk.exchange.depth(PERP, 1)[1] == [(Decimal(61000), Decimal("0.2"))]
    desk.perp_market("alice", "sell", "0.2")
    assert {desk.last(order).status for order in (resting, waiting, small)} == {
        Status.AUTO_CANCELED_REDUCE_ONLY
    }


def test_a1_a_partially_filled_order_keeps_what_it_has_dealt(desk: Desk) -> None:
    enter(desk, "buy", "0.5")
    order = desk.perp_limit("alice", "sell", "61000", "0.5", reduce_only=True)
    desk.perp_limit("bob", "buy", "61000", "0.1")
    desk.perp_limit("yin", "buy", "60000", "0.5")
    desk.perp_market("alice", "sell", "0.3")
    state = desk.last(order)
    assert (state.status, state.amount, state.left, state.deal_stock) == (
        Status.PARTIALLY_FILLED,
        Decimal("0.2"),
        Decimal("0.1"),
        Decimal("0.1"),
    )


def test_a1_a_maker_at_several_levels_reduces_no_more_than_there_is(desk: Desk) -> None:
    """M7: one walk meets all of them."""
    enter(desk, "buy", "0.3")
    legs = [
        desk.perp_limit("alice", "sell", price, "0.2", reduce_only=True)
        for price in ("60100", "60200", "60300")
    ]
    desk.perp_limit("yin", "sell", "60400", "1")
    taker = desk.perp_limit("bob", "buy", "60400", "1")
    assert [(leg.status, leg.deal_stock) for leg in map(desk.last, legs)] == [
        (Status.FILLED, Decimal("0.2")),
        (Status.AUTO_CANCELED_REDUCE_ONLY, Decimal("0.1")),
        (Status.AUTO_CANCELED_REDUCE_ONLY, Decimal(0)),
    ]
    assert taker.deal_stock == 1
    assert desk.held("alice") == "0"


def test_a1_the_account_itself_may_take_what_reduces(desk: Desk) -> None:
    """The position is as large as before, and so are the orders that are left."""
    enter(desk, "buy", "0.2")
    first = desk.perp_limit("alice", "sell", "60100", "0.2", reduce_only=True)
    second = desk.perp_limit("alice", "sell", "60200", "0.2", reduce_only=True)
    desk.perp_limit("alice", "buy", "60200", "0.3")
    assert desk.held("alice") == "0.2"
    assert (desk.last(first).status, desk.last(second).status) == (
        Status.FILLED,
        Status.PARTIALLY_FILLED,
    )
    assert desk.last(second).left == Decimal("0.1")


# A2


def test_a2_everything_against_collateral_ends_and_the_market_takes_the_position(
    desk: Desk,
) -> None:
    enter(desk, "buy", "1")
    resting = desk.perp_limit("alice", "sell", "70000", "0.5")
    waiting = desk.perp_trigger("alice", "sell", "50000", "0.5", reduce_only=True)
    spot = desk.limit("alice", "buy", "100", "1")
    desk.perp_limit("bob", "buy", "53250", "0.4")
    desk.perp_limit("bob", "buy", "53200", "5")
    desk.said()
    desk.perp_limit("yin", "sell", "53250", "0.4")
    texts = orders(desk)
    closing = desk.exchange.finished_orders_of("alice")[0]
    assert texts == [
        "position 2",
        f"3 AUTO_CANCELED_LIQUIDATION {desk.number(resting.id)}",
        f"3 AUTO_CANCELED_LIQUIDATION {desk.number(waiting.id)}?",
        f"3 FILLED {desk.number(closing.id)}",
    ]
    assert (closing.source, closing.deal_money, closing.reduce_only) == (
        "liquidation",
        53200,
        True,
    )
    assert desk.held("alice") == "0"
    assert desk.money("alice") == to_text(7000 - Decimal(21) - 6800 - closing.deal_fee)
    assert desk.open("alice") == [desk.number(spot.id)]
    assert not desk.exchange._parts.pool.losses


def test_a2_what_nobody_takes_is_the_venues_at_the_mark(desk: Desk) -> None:
    before = totals(desk)
    enter(desk, "buy", "1")
    desk.perp_limit("bob", "buy", "53200", "0.4")
    desk.perp_limit("yin", "sell", "53200", "0.3")
    assert desk.held("alice") == "0"
    pool = desk.exchange._parts.pool
    assert pool.taken == {PERP: Decimal("0.9")}
    assert not pool.amounts["BTC"], "contracts are nobody's stock"
    assert totals(desk) == before
    last = desk.exchange.collateral.position_history("alice", HISTORY)[0]
    assert (last.order_id, last.amount, last.trade_amount, last.price) == (
        0,
        0,
        Decimal("0.9"),
        53200,
    )
    assert (last.fee, last.realized, last.liquidation_state) == (0, -6120, "liquidation")
    assert desk.held("yin") == "-1.301"


def test_a2_a_taken_over_margin_position_keeps_its_stock_with_the_venue() -> None:
    desk = Desk(accounts=accounts(alice="7000"))
    desk.trade("60000")
    desk.limit("bob", "sell", "60000", "1")
    desk.perp_limit("alice", "buy", "60000", "1", market=MARKET)
    desk.limit("carol", "sell", "53100", "0.001")
    desk.limit("bob", "buy", "53100", "0.001")
    pool = desk.exchange._parts.pool
    assert (pool.taken, pool.amounts["BTC"]) == ({MARKET: Decimal(1)}, Decimal(1))
    assert desk.held("alice", MARKET) == "0"
    assert pool.amounts["USDT"] == -53100, "what it would get at the mark"
    assert desk.wallet("bob", "BTC")[0] == "9.001998"


def test_a2_the_venue_bears_what_the_account_cannot_pay(desk: Desk) -> None:
    enter(desk, "buy", "1")
    desk.perp_limit("bob", "buy", "50000", "2")
    desk.perp_limit("yin", "sell", "50000", "0.5")
    assert desk.money("alice") == "0"
    owed = 10_000 + 21 + Decimal("17.5") - 7_000
    assert desk.exchange._parts.pool.losses == {"USDT": owed}


def test_a2_collateral_of_another_asset_pays_with_a_debt_in_money() -> None:
    rich = account("alice", collateral={"BTC": Decimal(1)})
    desk = Desk(accounts=[*accounts(), rich])
    desk.perp_trade("60000")
    enter(desk, "sell", "2")
    desk.perp_limit("bob", "sell", "90000", "9")
    desk.perp_limit("yin", "buy", "90000", "0.001")
    assert desk.held("alice") == "0"
    assert Decimal(desk.money("alice")) < -59_000
    assert desk.money("alice", "BTC") == "1"
    equity = desk.exchange.collateral.summary("alice").equity
    assert equity == 0, "what BTC at 60000 does not cover is the venue's loss"


def test_a2_holds_for_two_markets_and_both_sides_of_hedge_mode(desk: Desk) -> None:
    desk.exchange.collateral.set_hedge_mode("alice", True)
    enter(desk, "buy", "0.9", position_side="LONG")
    enter(desk, "sell", "0.1", position_side="SHORT")
    desk.perp_trade("3000", "0.01", market="ETH_PERP")
    desk.perp_limit("yin", "sell", "3000", "2", market="ETH_PERP")
    desk.perp_limit("alice", "buy", "3000", "2", market="ETH_PERP", position_side="LONG")
    desk.perp_limit("bob", "buy", "2990", "1", market="ETH_PERP")
    desk.perp_limit("bob", "buy", "51500", "9")
    desk.perp_limit("bob", "sell", "51600", "9")
    desk.said()
    desk.perp_limit("yin", "sell", "51500", "0.001")
    texts = orders(desk)
    assert [text for text in texts if text.startswith("position")] == ["position 2"] * 3
    assert not desk.exchange._accounts["alice"].collateral.positions
    assert "alice" not in desk.exchange._parts._clearing.holders
    assert desk.exchange._parts.pool.taken == {"ETH_PERP": Decimal(1)}


def test_a2_one_liquidation_may_cause_the_next() -> None:
    desk = Desk(accounts=accounts(alice="6500", dave="9000"))
    desk.perp_trade("60000")
    enter(desk, "buy", "1")
    enter(desk, "buy", "1", who="dave")
    desk.perp_limit("bob", "buy", "53700", "0.5")
    desk.perp_limit("bob", "buy", "51200", "1")
    desk.perp_limit("bob", "buy", "50000", "9")
    desk.perp_limit("yin", "sell", "53700", "0.5")
    assert (desk.held("alice"), desk.held("dave")) == ("0", "0")


def test_a2_an_entry_that_is_liquidated_places_no_exits(desk: Desk) -> None:
    enter(desk, "buy", "1")
    desk.exchange._accounts["alice"].collateral.credit("USDT", Decimal(10_000))
    again = desk.perp_limit("alice", "buy", "53000", "0.5", take_profit="59000")
    desk.perp_limit("bob", "buy", "52000", "5")
    desk.perp_limit("yin", "sell", "53000", "0.1")
    desk.exchange._accounts["alice"].collateral.credit("USDT", Decimal(-9_900))
    desk.said()
    desk.perp_trade("3000", "0.01", market="ETH_PERP")
    assert desk.last(again).status is Status.AUTO_CANCELED_LIQUIDATION
    assert desk.open("alice") == []
    assert sum(text.startswith("1 ") for text in orders(desk)) == 0


def test_funding_may_liquidate(desk: Desk) -> None:
    enter(desk, "buy", "1")
    desk.exchange._accounts["alice"].collateral.credit("USDT", Decimal(-6_679 + 3))
    desk.trade("59990")
    assert desk.held("alice") == "1"
    desk.now = desk.exchange._parts.funding.next_due()
    desk.exchange.tick(desk.now)
    assert desk.held("alice") == "0"


# A3


def test_a3_one_call_until_it_is_above_again(desk: Desk) -> None:
    enter(desk, "buy", "1")
    desk.said()

    def calls(price: str) -> int:
        desk.perp_trade(price)
        return orders(desk).count("position 1")

    assert calls("53700") == 0, "equity 679 of 537"
    assert calls("53500") == 1
    assert calls("53450") == 0
    view = desk.position("alice")
    assert view is not None
    assert view.position.state == "margin_call"
    assert calls("53700") == 0
    view = desk.position("alice")
    assert view is not None
    assert view.position.state is None
    assert calls("53500") == 1


def test_a3_the_multiple_is_an_option() -> None:
    desk = Desk(ExchangeOptions(margin_call_multiple=Decimal(20)), accounts(alice="7000"))
    enter(desk, "buy", "1")
    desk.said()
    desk.perp_trade("58000")
    assert orders(desk) == ["position 1"]


@pytest.mark.parametrize(("percent", "survives"), [("0.5", True), ("10", False)])
def test_a2_the_maintenance_is_an_option(percent: str, survives: bool) -> None:
    options = ExchangeOptions(maintenance_percent=Decimal(percent))
    desk = Desk(options, accounts(alice="7000"))
    enter(desk, "buy", "1")
    desk.perp_trade("58000")  # some 5000 of equity are left
    assert (desk.position("alice") is not None) == survives


def test_the_book_is_whole_after_it(desk: Desk) -> None:
    enter(desk, "buy", "1")
    left: Order = desk.perp_limit("bob", "buy", "53200", "1.5")
    desk.perp_limit("yin", "sell", "53200", "0.2")
    assert desk.last(left).left == Decimal("0.3")
    assert desk.exchange.depth(PERP, 5)[0] == [(Decimal(53200), Decimal("0.3"))]


def test_a1_looks_at_orders_that_a_resting_order_has_overtaken(desk: Desk) -> None:
    """The position shrinks by a part of an order that goes on resting."""
    enter(desk, "buy", "0.5")
    reduces = desk.perp_limit("alice", "sell", "62000", "0.5", reduce_only=True)
    resting = desk.perp_limit("alice", "sell", "61000", "0.5")
    desk.perp_limit("bob", "buy", "61000", "0.3")
    assert not desk.last(resting).is_finished
    assert desk.last(reduces).left == Decimal("0.2")


def test_a2_exactly_the_maintenance_is_enough(desk: Desk) -> None:
    enter(desk, "buy", "1")
    desk.exchange._accounts["alice"].collateral.credit("USDT", Decimal(286))
    desk.perp_trade("53000")
    assert desk.exchange.collateral.summary("alice").equity == 265
    assert desk.held("alice") == "1"
    desk.exchange._accounts["alice"].collateral.credit("USDT", Decimal("-0.01"))
    desk.perp_trade("53000")
    assert desk.held("alice") == "0"


def test_a3_exactly_the_multiple_is_enough(desk: Desk) -> None:
    enter(desk, "buy", "1")
    desk.exchange._accounts["alice"].collateral.credit("USDT", Decimal(286 + 265))
    desk.said()
    desk.perp_trade("53000")
    assert orders(desk) == []
    desk.perp_trade("52999")
    assert orders(desk) == ["position 1"]
