"""The collateral wallet: rules L1 to L3."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.desk import PERP, Desk, collateral_accounts, refusal
from whitewire.venue.engine.positions import Position
from whitewire.venue.engine.wallet import DEFAULT_LEVERAGE, LEVERAGES, CollateralWallet
from whitewire.venue.values.model import PositionSide, Side

BOTH = PositionSide.BOTH


def test_l1_leverage_is_one_of_eight_and_ten_at_first() -> None:
    desk = Desk(accounts=collateral_accounts())
    assert desk.exchange.collateral.summary("alice").leverage == DEFAULT_LEVERAGE == 10
    assert LEVERAGES == (1, 2, 3, 5, 10, 20, 50, 100)
    for leverage in LEVERAGES:
        assert desk.exchange.collateral.set_leverage("alice", leverage) == leverage
    for leverage in (0, 4, 101, "5", None, True):
        assert refusal(desk.exchange.collateral.set_leverage, "alice", leverage)[:2] == (422, 30)


def test_l2_hedge_mode_has_two_positions_and_one_way_mode_one() -> None:
    desk = Desk(accounts=collateral_accounts())
    desk.exchange.collateral.set_hedge_mode("alice", True)
    desk.perp_limit("alice", "buy", "60000", "0.2", position_side="LONG")
    desk.perp_limit("alice", "sell", "60000", "0.2", position_side="SHORT")
    assert desk.held("alice", side="LONG") == "0.2"
    assert desk.held("alice", side="SHORT") == "-0.2"
    desk.perp_limit("bob", "buy", "60000", "0.2")
    desk.perp_limit("bob", "sell", "60000", "0.3")
    desk.perp_limit("carol", "buy", "60000", "0.1")
    assert desk.held("bob") == "-0.1"


def test_l3_reduce_only_orders_and_what_is_gone_are_not_pending() -> None:
    desk = Desk(accounts=collateral_accounts())
    desk.perp_limit("bob", "sell", "60000", "1")
    desk.perp_limit("alice", "buy", "60000", "1")
    wallet = desk.exchange._accounts["alice"].collateral
    desk.perp_limit("alice", "sell", "61000", "1", reduce_only=True)
    assert wallet.pending == {}
    order = desk.perp_limit("alice", "buy", "59000", "0.5")
    assert wallet.pending == {(PERP, BOTH, Side.BUY): Decimal(29500)}
    desk.perp_limit("bob", "sell", "59000", "0.2")
    assert wallet.pending == {(PERP, BOTH, Side.BUY): Decimal(17700)}
    desk.cancel("alice", order)
    assert wallet.pending == {}


def test_what_is_pending_is_counted_at_the_orders_price_whatever_it_traded_at() -> None:
    desk = Desk(accounts=collateral_accounts())
    desk.perp_limit("bob", "sell", "59000", "0.4")
    order = desk.perp_limit("alice", "buy", "60000", "1")
    wallet = desk.exchange._accounts["alice"].collateral
    assert order.deal_money == 23_600
    assert wallet.pending == {(PERP, BOTH, Side.BUY): Decimal(36_000)}
    desk.perp_limit("bob", "sell", "58000", "0.6")
    assert wallet.pending == {}


def test_balances_may_become_debts_and_busy_is_said() -> None:
    wallet = CollateralWallet({"USDT": Decimal(5)}, 10)
    wallet.credit("USDT", Decimal(-8))
    assert wallet.balance("USDT") == -3
    assert wallet.balance("BTC") == 0
    assert dict(wallet.balances()) == {"USDT": -3}
    assert not wallet.is_busy
    wallet.expect(PERP, BOTH, Side.BUY, Decimal(7))
    assert wallet.is_busy
    wallet.expect(PERP, BOTH, Side.BUY, Decimal(-7))
    assert not wallet.is_busy
    assert wallet.held(PERP, BOTH) == 0
    wallet.positions[PERP, BOTH] = Position(1, PERP, BOTH, 0.0, 0.0, Decimal(-2))
    assert wallet.is_busy
    assert wallet.held(PERP, BOTH) == -2
