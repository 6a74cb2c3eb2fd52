"""Inventory and profit from fills alone; positions against collateral."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from tests.order_desk import MARKET, new_order, new_store
from whitewire import Fill, Side
from whitewire.market import Product
from whitewire.protocol.events import PositionRow
from whitewire.protocol.orders import Liquidity
from whitewire.protocol.positions import MarginPosition, Position, position_in


def fill(side: Side, price: str, amount: str, fee: str, asset: str) -> Fill:
    order = new_order(new_store(), side=side)
    return Fill(
        order, 1, 2, Decimal(price), Decimal(amount), 0, 0, Decimal(fee), asset, Liquidity.MAKER, 0
    )  # fmt: skip


def test_a_round_trip_ends_with_its_profit() -> None:
    position = Position(MARKET)
    position.apply(fill(Side.BUY, "100", "2", "0.002", "BTC"))
    assert (position.stock, position.money) == (Decimal("1.998"), Decimal(-200))
    assert position.profit(None) is None
    assert position.profit(Decimal(110)) == Decimal("19.78")
    position.apply(fill(Side.SELL, "110", "1.998", "0.2", "USDT"))
    assert (position.stock, position.money) == (Decimal(0), Decimal("19.58"))
    assert position.profit(None) == Decimal("19.58")
    assert (position.bought, position.sold, position.fills) == (Decimal(2), Decimal("1.998"), 2)


def test_a_fee_in_another_asset_changes_neither_stock_nor_money() -> None:
    position = Position(MARKET)
    position.apply(fill(Side.BUY, "100", "1", "0.5", "WBT"))
    position.apply(fill(Side.BUY, "100", "1", "0.25", "WBT"))
    position.apply(fill(Side.BUY, "100", "1", "0", ""))
    assert (position.stock, position.money) == (Decimal(3), Decimal(-300))
    assert position.fees == {"WBT": Decimal("0.75")}


trades = st.tuples(
    st.sampled_from([Side.BUY, Side.SELL]),
    st.decimals("0.01", "1000", places=2),
    st.decimals("0.001", "10", places=3),
    st.decimals("0", "1", places=4),
    st.sampled_from(["BTC", "USDT", "WBT"]),
)


@given(st.lists(trades, max_size=20))
def test_nothing_gets_lost(rows: list[tuple[Side, Decimal, Decimal, Decimal, str]]) -> None:
    position = Position(MARKET)
    for side, price, amount, fee, asset in rows:
        position.apply(fill(side, str(price), str(amount), str(fee), asset))
    sign = {Side.BUY: 1, Side.SELL: -1}
    stock = cast("Decimal", sum(sign[s] * a for s, _, a, _, _ in rows))
    money = cast("Decimal", sum(-sign[s] * a * p for s, p, a, _, _ in rows))
    paid = {name: sum(f for *_, f, a in rows if a == name) for name in ("BTC", "USDT", "WBT")}
    assert position.stock == stock - paid["BTC"]
    assert position.money == money - paid["USDT"]
    assert position.fees == {name: fee for name, fee in paid.items() if fee}
    assert position.bought - position.sold == stock


# ---- positions against collateral -----------------------------------------------------------

PERP = replace(MARKET, name="BTC_PERP", product=Product.FUTURES)


class Twin:
    """A position in fractions, lot by lot of average cost; nothing is ever cut."""

    def __init__(self) -> None:
        self.amount = self.cost = self.realized = Fraction(0)

    def fill(self, signed: Fraction, price: Fraction) -> None:
        while signed:
            same = self.amount == 0 or (signed > 0) == (self.amount > 0)
            part = signed if same else max(-abs(self.amount), min(abs(self.amount), signed))
            if same:
                self.cost += part * price
            else:
                cost = self.cost * -part / self.amount
                self.realized += -part * price - cost
                self.cost -= cost
            self.amount += part
            signed -= part


def perp_fill(side: Side, price: Decimal, amount: Decimal, fee: Decimal) -> Fill:
    return fill(side, str(price), str(amount), str(fee), "USDT")


perp_trades = st.tuples(
    st.sampled_from([Side.BUY, Side.SELL]),
    st.decimals("0.1", "99999.9", places=1),
    st.decimals("0.001", "9.999", places=3),
    st.decimals("-1", "1", places=6),
)
marks = st.decimals("0.1", "99999.9", places=1)


@given(st.lists(perp_trades, max_size=30), marks)
def test_a_position_is_what_fractions_say(
    rows: list[tuple[Side, Decimal, Decimal, Decimal]], mark: Decimal
) -> None:
    position, twin = MarginPosition(PERP), Twin()
    for side, price, amount, fee in rows:
        position.apply(perp_fill(side, price, amount, fee))
        sign = 1 if side is Side.BUY else -1
        twin.fill(sign * Fraction(amount), Fraction(price))
        assert position.amount == twin.amount
        assert (position.side is None) == (twin.amount == 0)
        assert (position.average is None) == (twin.amount == 0)
        if position.amount == 0:
            assert position.cost == 0
        elif position.average is not None:
            assert position.average > 0
    # each close cuts less than 1e-12, and what it cuts is not lost
    slack = Fraction(len(rows), 10**12)
    assert abs(Fraction(position.realized) - twin.realized) <= slack
    assert abs(Fraction(position.cost) - twin.cost) <= slack
    assert Fraction(position.realized - position.cost) == twin.realized - twin.cost
    fees = sum((fee for *_, fee in rows), Decimal(0))
    whole = twin.realized + twin.amount * Fraction(mark) - twin.cost - Fraction(fees)
    assert Fraction(position.profit(mark) or 0) == whole
    # a market that began flat: the same as what stock and money say
    assert position.stock == position.amount
    assert Position.profit(position, mark) == position.profit(mark)


def test_a_fill_through_the_position_opens_the_other_side_at_its_price() -> None:
    position = MarginPosition(PERP)
    position.apply(perp_fill(Side.BUY, Decimal(100), Decimal(2), Decimal(0)))
    position.apply(perp_fill(Side.SELL, Decimal(110), Decimal(5), Decimal(0)))
    assert (position.amount, position.average, position.side) == (-3, 110, Side.SELL)
    assert position.realized == 20
    position.apply(perp_fill(Side.BUY, Decimal(100), Decimal(3), Decimal("0.5")))
    assert (position.amount, position.cost, position.average) == (0, 0, None)
    assert position.profit(None) == Decimal("49.5")
    position.funding = Decimal(-1)
    assert position.profit(None) == Decimal("48.5")


def test_what_is_taken_over_realises_nothing() -> None:
    position = MarginPosition(PERP)
    position.take_over(Decimal("-0.5"), Decimal(60000))
    assert (position.average, position.realized, position.stock) == (60000, 0, 0)
    assert position.profit(None) is None
    assert position.profit(Decimal(59000)) == 500
    position.take_over(Decimal(0), None)
    assert (position.amount, position.cost, position.profit(None)) == (0, 0, 0)


def test_a_margin_call_ends_and_a_liquidation_does_not() -> None:
    position = MarginPosition(PERP)
    row = PositionRow(1, "BTC_PERP", 0, 0, *("1",) * 5, "margin_call", *("",) * 6)
    assert position.show(row)
    assert not position.show(row)
    assert position.danger == "margin_call"
    assert position.show(row._replace(liq_stage=""))
    assert position.danger == ""
    position.show(row._replace(liq_stage="liquidation"))
    assert position.show(None)
    assert (position.danger, position.venue) == ("liquidation", None)


def test_a_market_has_the_position_of_its_product() -> None:
    assert type(position_in(MARKET)) is Position
    assert type(position_in(PERP)) is MarginPosition
