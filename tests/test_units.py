"""The short way to ticks and lots says what the long way says, errors and their texts included."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_market import BTC, COARSE, PEPE
from whitewire import Market, NumberError, Side
from whitewire.market import Number
from whitewire.units import amount_lots, price_ticks


@given(
    market=st.sampled_from([BTC, COARSE, PEPE]),
    price=st.one_of(
        st.decimals(allow_nan=True, allow_infinity=True),
        st.decimals(min_value=0, max_value=10**20, places=4),
        st.integers(-5, 2 * 10**19),
        st.integers(1, 10**7).map(lambda ticks: str(Decimal(ticks) / 100)),
        st.floats(),
        st.sampled_from(["", "x", "1e999999", "-1e999999", Decimal("1E+999999"), "sNaN", True]),
    ),
    side=st.sampled_from([None, Side.BUY, Side.SELL]),
    context=st.sampled_from([Context(prec=28), Context(prec=3), Context(traps=[Inexact])]),
)
def test_the_short_way_says_what_the_long_way_says(
    market: Market, price: Number, side: Side | None, context: Context
) -> None:
    def outcome(convert: Callable[[], int]) -> object:
        try:
            return convert()
        except (NumberError, Inexact) as error:  # the long way's texts obey the context, too
            return type(error), str(error)

    with localcontext(context):
        quick = outcome(lambda: price_ticks(market, price, side))
        quick_lots = outcome(lambda: amount_lots(market, price, exact=side is None))
        assert quick == outcome(lambda: market.price_to_ticks(price, side))
        assert quick_lots == outcome(lambda: market.amount_to_lots(price, exact=side is None))


def test_what_is_on_the_grid_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Market, "_scale", None)
    assert price_ticks(BTC, Decimal("60000.01")) == 6_000_001
    assert price_ticks(BTC, 0.5, Side.SELL) == 50
    assert amount_lots(BTC, "0.01") == 10_000
    assert amount_lots(PEPE, 3_000_000, exact=False) == 3
