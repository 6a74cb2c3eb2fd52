"""The pool: rules V1 to V3."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.desk import MARKET, Desk, collateral_accounts
from whitewire.venue.collateral.pool import Pool


def pool_of(desk: Desk) -> Pool:
    return desk.exchange._parts.pool


def test_v1_a_margin_buy_from_a_spot_seller_is_paid_by_the_pool_which_keeps_the_stock() -> None:
    desk = Desk(accounts=collateral_accounts())
    desk.limit("bob", "sell", "60000", "1")
    desk.perp_limit("alice", "buy", "60000", "1", market=MARKET)
    assert pool_of(desk).amounts == {"BTC": Decimal(1), "USDT": Decimal(-60000)}
    assert desk.wallet("bob", "USDT")[0] == "1059940"
    assert desk.wallet("alice", "BTC") == ("10", "0"), "no stock reaches the trade wallet"
    assert desk.money("alice") == "99940"
    desk.limit("bob", "buy", "61000", "1")
    desk.perp_limit("alice", "sell", "61000", "1", market=MARKET)
    assert {asset: amount for asset, amount in pool_of(desk).amounts.items() if amount} == {}
    assert desk.money("alice") == "100879", "profit of 1000 less two fees"


def test_v1_a_margin_sell_is_delivered_by_the_pool() -> None:
    desk = Desk(accounts=collateral_accounts())
    desk.limit("bob", "buy", "60000", "1")
    desk.perp_limit("alice", "sell", "60000", "1", market=MARKET)
    assert pool_of(desk).amounts == {"BTC": Decimal(-1), "USDT": Decimal(60000)}
    assert desk.wallet("bob", "BTC")[0] == "10.999"


def test_v1_futures_need_no_stock_and_profits_are_paid_in_money() -> None:
    desk = Desk(accounts=collateral_accounts())
    desk.perp_limit("bob", "sell", "60000", "1")
    desk.perp_limit("alice", "buy", "60000", "1")
    assert not any(pool_of(desk).amounts.values())
    desk.perp_limit("carol", "buy", "61000", "1")
    desk.perp_limit("alice", "sell", "61000", "1")
    assert not pool_of(desk).amounts["BTC"]
    assert pool_of(desk).amounts["USDT"] == Decimal(60000) - 61000, "owed by bob, long is carol"


def test_v2_and_v3_losses_and_positions_taken_over() -> None:
    pool = Pool()
    pool.move("USDT", Decimal(5))
    pool.bear("USDT", Decimal(7))
    assert (pool.amounts, pool.losses) == ({"USDT": Decimal(-2)}, {"USDT": Decimal(7)})
    pool.take_over("BTC_PERP", Decimal(2))
    pool.take_over("BTC_PERP", Decimal(-3))
    assert pool.taken == {"BTC_PERP": Decimal(-1)}
    assert pool.amounts == {"USDT": Decimal(-2)}
