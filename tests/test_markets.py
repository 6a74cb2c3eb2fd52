"""The venue's market list, and the gate's limits made from it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.config import MarketConfig
from whitewire.errors import PeerError, StartupError
from whitewire.market import Market, Product
from whitewire.markets import engine_limits, read_markets

ROW: dict[str, Any] = {
    "name": "BTC_USDT",
    "stock": "BTC",
    "money": "USDT",
    "stockPrec": "6",
    "moneyPrec": "2",
    "minAmount": "0.00001",
    "minTotal": "5.05",
    "maxTotal": "0",
    "tradesEnabled": True,
}
PEPE = ROW | {"name": "PEPE_USDT", "stock": "PEPE", "stockPrec": "-6", "minAmount": "1000000"}
GRID = ROW | {"name": "X_USDT", "tickSize": "0.05", "stepSize": "0.001"}


def body(*rows: dict[str, Any]) -> bytes:
    return json.dumps(rows).encode()


def test_markets_come_in_the_order_asked_for() -> None:
    markets = read_markets(body(ROW, GRID, PEPE), ["PEPE_USDT", "BTC_USDT"])
    assert [(market.name, market.index) for market in markets] == [
        ("PEPE_USDT", 0),
        ("BTC_USDT", 1),
    ]
    pepe, btc = markets
    assert (pepe.amount_decimals, pepe.min_amount_lots) == (-6, 1)
    assert (btc.price_decimals, btc.amount_decimals, btc.min_amount_lots) == (2, 6, 10)
    assert (btc.tick_size, btc.step_size, btc.min_total) == (1, 1, Decimal("5.05"))
    (grid,) = read_markets(body(GRID), ["X_USDT"])
    assert (grid.tick_size, grid.step_size) == (5, 1000)


def test_a_product_is_the_lists_unless_margin_is_asked_for() -> None:
    listing = body(ROW | {"isCollateral": True}, PEPE, GRID | {"type": "tradfiFutures"})
    names = ["BTC_USDT", "PEPE_USDT", "X_USDT"]
    markets = read_markets(listing, names)
    assert [market.product.value for market in markets] == ["spot", "spot", "futures"]
    assert [market.is_collateral for market in markets] == [False, False, True]

    def asked(name: str, product: str) -> Market:
        limits = MarketConfig(
            max_order_amount=Decimal(1), max_order_notional=Decimal(1), product=product
        )
        return read_markets(listing, [name], {name: limits})[0]

    assert asked("BTC_USDT", "margin").product is Product.MARGIN
    assert asked("BTC_USDT", "spot").product is Product.SPOT
    assert asked("X_USDT", "futures").product is Product.FUTURES
    for name, product in [
        ("BTC_USDT", "futures"), ("PEPE_USDT", "margin"), ("X_USDT", "spot"), ("X_USDT", "margin")
    ]:  # fmt: skip
        with pytest.raises(StartupError, match=f"{name}: product was {product}, which the venue"):
            asked(name, product)


def test_a_market_that_is_not_listed_is_named_with_its_neighbour() -> None:
    with pytest.raises(StartupError, match="'BTC_USD'; did you mean BTC_USDT"):
        read_markets(body(ROW), ["BTC_USD"])
    with pytest.raises(StartupError, match="check its spelling"):
        read_markets(body(ROW), ["DOGE_EUR"])


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"[]x",
        b'{"code":1}',
        b"[1]",
        b"null",
        body({"name": "BTC_USDT"}),
        body(ROW | {"stockPrec": "many"}),
        body(ROW | {"minAmount": None}),
        body(ROW | {"minTotal": "a lot"}),
    ],
)
def test_what_is_no_market_list_is_a_peer_error(answer: bytes) -> None:
    with pytest.raises(PeerError, match="market list is malformed"):
        read_markets(answer, ["BTC_USDT"])


def limits(amount: str, notional: str, **more: Any) -> MarketConfig:
    return MarketConfig(
        max_order_amount=Decimal(amount), max_order_notional=Decimal(notional), **more
    )


def test_limits_are_never_widened() -> None:
    (btc,) = read_markets(body(ROW | {"maxTotal": "700"}), ["BTC_USDT"])
    gate = engine_limits(btc, limits("0.0123456789", "1000.999999999", max_book_age_ms=250))
    assert gate["max_order_lots"] == 12_345
    assert gate["min_order_lots"] == 10
    assert gate["max_notional"] == 700 * 10**8  # the venue's own maximum is lower
    assert gate["min_notional"] == 505 * 10**6
    assert gate["max_book_age_ns"] == 250_000_000
    assert gate["collar_ppm"] == 20_000
    huge = engine_limits(btc, limits("1e30", "1e40", collar_percent=Decimal("1e9")))
    assert huge["max_order_lots"] == 2**63 - 1
    assert huge["collar_ppm"] == 2**32 - 1


@pytest.mark.parametrize(("amount", "notional"), [("0.000009", "100"), ("1", "5.04")])
def test_limits_below_the_venues_minimum_allow_nothing(amount: str, notional: str) -> None:
    (btc,) = read_markets(body(ROW), ["BTC_USDT"])
    with pytest.raises(StartupError, match=r"below the venue's minimum of 0.000010? and 5.05; rai"):
        engine_limits(btc, limits(amount, notional))


@given(
    st.decimals("0.01", "1e9", places=4),
    st.decimals("10", "1e12", places=4),
    st.integers(0, 9),
    st.integers(-6, 9),
)
def test_limits_hold_in_ticks_and_lots(
    amount: Decimal, notional: Decimal, price_decimals: int, amount_decimals: int
) -> None:
    market = Market("M", "S", "T", price_decimals, amount_decimals)
    try:
        gate = engine_limits(market, limits(str(amount), str(notional)))
    except StartupError:
        assert amount < market.amount(1)
        return
    lots, most = gate["max_order_lots"], gate["max_notional"]
    assert market.amount(lots) <= amount < market.amount(lots + 1)
    unit = market.price(1) * market.amount(1)
    assert most * unit <= notional < (most + 1) * unit
