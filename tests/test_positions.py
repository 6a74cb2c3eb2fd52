"""Inventory and profit from fills alone."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from tests.order_desk import MARKET, new_order, new_store
from whitewire import Fill, Side
from whitewire.protocol.orders import Liquidity
from whitewire.protocol.positions import Position


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
