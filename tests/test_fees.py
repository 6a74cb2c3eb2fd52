"""The account's fees: read, compared with the last ones, and with what fills cost."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from whitewire.errors import PeerError, VenueRefusal
from whitewire.protocol.fees import FeeTable, MarketFees, read_market_fees

D = Decimal
MARKETS = ("BTC_USDT", "BTC_PERP", "ETH_USDT")


def answer(**changes: Any) -> bytes:
    fields = {
        "error": None,
        "taker": "0.1",
        "maker": "0.08",
        "futures_taker": "0.035",
        "futures_maker": "0.01",
        "rpi_maker_fee_premium": "0.015",
        "futures_rpi_maker_fee_premium": None,
        "custom_fee": {
            "ETH_USDT": {"taker": "0.2", "maker": "-0.01"},
            "X_Y": {"taker": "9", "maker": "9"},
        },
    }
    return json.dumps(fields | changes).encode()


def test_the_effective_fee_is_the_lower_one_and_the_others_markets_are_left_out() -> None:
    fees = read_market_fees(200, answer(), MARKETS)
    assert fees == {
        "BTC_USDT": MarketFees("BTC_USDT", D("0.0008"), D("0.001"), D("0.00015")),
        "BTC_PERP": MarketFees("BTC_PERP", D("0.0001"), D("0.00035"), None),
        "ETH_USDT": MarketFees("ETH_USDT", D("-0.0001"), D("0.001"), D("0.00015"), is_custom=True),
    }


@pytest.mark.parametrize("custom", [{}, [], None])
def test_no_custom_fees(custom: object) -> None:
    assert not any(
        f.is_custom for f in read_market_fees(200, answer(custom_fee=custom), MARKETS).values()
    )


def test_what_cannot_be_read_is_no_fee() -> None:
    with pytest.raises(VenueRefusal):
        read_market_fees(422, b"{}", MARKETS)
    for status, body in ((503, answer()), (200, b"{"), (200, answer(maker="NaN"))):
        with pytest.raises(PeerError):
            read_market_fees(status, body, MARKETS)


def test_the_premium_is_for_makers_of_rpi_orders() -> None:
    fees = read_market_fees(200, answer(), MARKETS)["BTC_USDT"]
    assert fees.rate(is_maker=True) == D("0.0008")
    assert fees.rate(is_maker=True, is_rpi=True) == D("0.00095")
    assert fees.rate(is_maker=False, is_rpi=True) == D("0.001")


def test_changes_are_told_and_the_first_word_is_none() -> None:
    table = FeeTable()
    old = read_market_fees(200, answer(), MARKETS)
    assert table.update(old) == []
    assert table.update(old) == []
    new = read_market_fees(200, answer(maker="0.05"), MARKETS)
    assert table.update(new) == [(old["BTC_USDT"], new["BTC_USDT"])]
    assert table.of("BTC_USDT") == new["BTC_USDT"]
    assert table.of("DOGE_USDT") is None


def check(table: FeeTable, fee: str, base: str = "100", *, is_maker: bool = True) -> object:
    return table.check("BTC_USDT", 7, D(fee), D(base), is_maker=is_maker)


def test_a_fill_is_explained_by_the_fee_of_its_role_or_by_the_one_before() -> None:
    table = FeeTable()
    assert check(table, "5") is None  # nothing is known yet
    table.update(read_market_fees(200, answer(), MARKETS))
    assert check(table, "0.08") is None
    assert check(table, "0.1", is_maker=False) is None
    assert check(table, "0.00000001", "0.00000555") is None  # rounded to the venue's precision
    table.update(read_market_fees(200, answer(maker="0.05"), MARKETS))
    assert check(table, "0.05") is None
    assert check(table, "0.08") is None
    table.update(read_market_fees(200, answer(maker="0.05"), MARKETS))
    assert check(table, "0.08") is not None


def test_a_surprise_is_told_once_until_the_fees_change() -> None:
    table = FeeTable()
    table.update(read_market_fees(200, answer(), MARKETS))
    found = check(table, "0.1")
    assert found == ("BTC_USDT", 7, "maker", D("0.0008"), D("0.001"))
    assert check(table, "0.1") is None
    assert check(table, "0.2") is not None
    table.update(read_market_fees(200, answer(maker="0.07"), MARKETS))
    assert check(table, "0.1") is not None
