"""Margins: rules G1 to G5."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.venue.desk import MARKET, PERP, Desk, account, collateral_accounts
from whitewire.venue.collateral.margin import Margins
from whitewire.venue.engine.positions import Position
from whitewire.venue.engine.wallet import CollateralWallet
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import PositionSide, Side

SPECS = {spec.name: spec for spec in default_markets()}
BOTH = PositionSide.BOTH
MARKS = {MARKET: Decimal(50000), PERP: Decimal(50100), "ETH_USDT": Decimal(2000)}


def margins(percent: str = "0.5") -> Margins:
    return Margins(SPECS, lambda market: MARKS[market], Decimal(percent))


def holding(amount: str, cost: str, market: str = PERP, **balances: str) -> CollateralWallet:
    wallet = CollateralWallet({name: Decimal(text) for name, text in balances.items()}, 10)
    wallet.positions[market, BOTH] = Position(
        1, market, BOTH, 0.0, 0.0, Decimal(amount), Decimal(cost)
    )
    return wallet


def test_g1_collateral_counts_at_its_mark_and_nothing_without_a_market() -> None:
    wallet = CollateralWallet({"USDT": Decimal(10), "BTC": Decimal(2), "XYZ": Decimal(99)}, 1)
    assert margins().equity(wallet) == 100_010
    assert margins().worth("XYZ") == 0
    held = holding("2", "100000", USDT="10")
    assert margins().unrealized(held) == 200
    assert margins().equity(held) == 210


def test_g1_the_mark_is_the_last_trade_and_before_it_the_reference() -> None:
    desk = Desk(accounts=[account("alice", collateral={"BTC": Decimal(1)}), account("bob")])
    assert desk.exchange.collateral.summary("alice").equity == 60000
    desk.limit("bob", "sell", "59000", "0.001")
    desk.limit("bob", "buy", "59000", "0.001")
    assert desk.exchange.collateral.summary("alice").equity == 59000


def test_g2_the_larger_of_all_buys_and_all_sells_over_the_leverage() -> None:
    wallet = holding("1", "50000", USDT="1")
    wallet.leverage = 5
    assert margins().required(wallet) == 10020
    wallet.expect(PERP, BOTH, Side.SELL, Decimal(60000))
    assert margins().required(wallet) == 10020, "a sell of less than twice the position"
    wallet.expect(PERP, BOTH, Side.SELL, Decimal(60000))
    assert margins().required(wallet) == (120000 - 50100) / 5
    wallet.expect(PERP, BOTH, Side.BUY, Decimal(40000))
    assert margins().required(wallet) == (50100 + 40000) / 5
    wallet.expect("ETH_USDT", BOTH, Side.BUY, Decimal(1000))
    assert margins().required(wallet) == (90100 + 1000) / 5
    assert margins().required(wallet, {(PERP, BOTH, Side.BUY): Decimal(0)}) == (69900 + 1000) / 5
    assert margins().free(wallet) == margins().equity(wallet) - margins().required(wallet)


def test_g2_the_sides_of_hedge_mode_are_two_positions() -> None:
    wallet = CollateralWallet({}, 1)
    for side, amount in ((PositionSide.LONG, 1), (PositionSide.SHORT, -1)):
        wallet.positions[PERP, side] = Position(
            1, PERP, side, 0.0, 0.0, Decimal(amount), Decimal(amount * 50100)
        )
    assert margins().required(wallet) == 10020


def test_g3_maintenance_is_a_percentage_of_what_is_held() -> None:
    assert margins().maintenance(holding("-2", "-100000")) == Decimal("501")
    assert margins("3").maintenance(holding("2", "100000")) == Decimal("3006")


@pytest.mark.parametrize("amount", ["1", "-1", "0.1", "-0.1"])
def test_g4_at_the_liquidation_price_equity_is_maintenance(amount: str) -> None:
    wallet = holding(amount, str(Decimal(amount) * 50000), USDT="3000", BTC="0.01")
    price = margins().liquidation_price(wallet, wallet.positions[PERP, BOTH])
    if price is None:
        assert amount == "0.1", "more collateral than the position is worth"
        return
    there = Margins(SPECS, lambda name: price if name == PERP else MARKS[name], Decimal("0.5"))
    tick = SPECS[PERP].tick_size
    assert abs(there.equity(wallet) - there.maintenance(wallet)) <= tick * 2
    assert (price < 50100) is (Decimal(amount) > 0)


def test_g4_there_is_none_without_a_positive_price() -> None:
    rich = holding("1", "50000", USDT="1000000")
    assert margins().liquidation_price(rich, rich.positions[PERP, BOTH]) is None
    closed = holding("0", "0", USDT="1")
    assert margins().liquidation_price(closed, closed.positions[PERP, BOTH]) is None
    all_of_it = holding("1", "50000", USDT="1")
    assert margins("100").liquidation_price(all_of_it, all_of_it.positions[PERP, BOTH]) is None
    odd = {**SPECS, PERP: replace(SPECS[PERP], money="XYZ")}
    unknown = Margins(odd, lambda name: MARKS[name], Decimal(1))
    assert unknown.liquidation_price(all_of_it, all_of_it.positions[PERP, BOTH]) is None


def test_g5_margin_positions_borrow_what_the_wallet_does_not_have() -> None:
    long = margins().assets(holding("1", "50000", MARKET, USDT="30000"), ("USDT", "BTC"))
    assert (long["USDT"].borrow, long["BTC"].borrow) == (20000, 0)
    short = margins().assets(holding("-1", "-50000", MARKET, BTC="0.4", USDT="9"), ("USDT", "BTC"))
    assert (short["USDT"].borrow, short["BTC"].borrow) == (0, Decimal("0.6"))
    futures = margins().assets(holding("1", "50100", USDT="5"), ("USDT",))
    assert futures["USDT"].borrow == 0


def test_what_is_available_is_free_of_margin_and_more_with_leverage() -> None:
    asset = margins().assets(holding("1", "50100", USDT="30000"), ("USDT", "BTC", "XYZ"))
    free = 30000 - 5010
    assert asset["USDT"].available_without_borrow == free
    assert asset["USDT"].available_with_borrow == free * 10
    assert asset["BTC"].available_without_borrow == 0
    assert asset["BTC"].available_with_borrow == Decimal(free) / 50000 * 10
    assert asset["XYZ"].available_with_borrow == 0


def test_the_summary_adds_up() -> None:
    desk = Desk(ExchangeOptions(), collateral_accounts())
    desk.perp_limit("bob", "sell", "60000", "1")
    desk.perp_limit("alice", "buy", "60000", "1")
    desk.perp_trade("61000")
    summary = desk.exchange.collateral.summary("alice")
    assert (summary.unrealized, summary.margin) == (1000, 6100)
    assert summary.equity == 100_000 - 21 + 1000
    assert summary.free_margin == summary.equity - summary.margin
    assert abs(summary.margin_fraction - summary.margin / summary.equity) < Decimal("1e-11")
