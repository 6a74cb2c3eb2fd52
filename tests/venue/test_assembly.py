"""The parts behind an exchange: one of each, all with the same prices."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.desk import MARKET, PERP, Desk, collateral_accounts
from whitewire.venue.exchange_options import ExchangeOptions


def test_every_part_sees_the_last_trade_and_before_it_the_reference() -> None:
    desk = Desk(accounts=collateral_accounts())
    parts, specs = desk.exchange._parts, desk.exchange.markets
    assert parts.mark(PERP) == 60000
    assert parts.index(specs[PERP]) == 60000
    desk.perp_trade("61000")
    desk.trade("59000")
    assert parts.mark(PERP) == parts.margins.mark(PERP) == 61000
    assert parts.index(specs[PERP]) == parts.margins.worth("BTC") == 59000


def test_the_index_outlives_its_market_and_is_none_without_one() -> None:
    desk = Desk(accounts=collateral_accounts())
    parts, specs = desk.exchange._parts, dict(desk.exchange.markets)
    desk.exchange.delist(MARKET)
    assert parts.index(specs[PERP]) == 60000
    alone = Desk(accounts=collateral_accounts(), markets=[specs[PERP]])
    assert alone.exchange._parts.index(specs[PERP]) is None


def test_spot_and_collateral_fees_go_into_one_pot_cut_alike() -> None:
    desk = Desk(ExchangeOptions(truncate_fees=True), collateral_accounts())
    desk.limit("bob", "sell", "60000.01", "0.0001")
    desk.limit("alice", "buy", "60000.01", "0.0001")
    desk.perp_limit("bob", "sell", "60000.1", "0.001")
    desk.perp_limit("alice", "buy", "60000.1", "0.001")
    assert desk.exchange.fees_collected() == {
        "USDT": Decimal("0.006000") + Decimal("0.006000") + Decimal("0.021000"),
        "BTC": Decimal("0"),
    }


def test_closing_a_market_leaves_the_others_alone() -> None:
    desk = Desk(accounts=collateral_accounts())
    for market, price in ((PERP, "60000"), ("ETH_PERP", "3000")):
        desk.perp_limit("bob", "sell", price, "1", market=market)
        desk.perp_limit("alice", "buy", price, "1", market=market)
    desk.exchange._parts.close_market(PERP, desk.now)
    assert [view.position.market for view in desk.exchange.collateral.positions("alice")] == [
        "ETH_PERP"
    ]
    assert desk.held("bob", "ETH_PERP") == "-1"
    assert set(desk.exchange._parts._clearing.holders) == {"alice", "bob"}
    desk.exchange._parts.close_market("ETH_PERP", desk.now)
    assert not desk.exchange._parts._clearing.holders
