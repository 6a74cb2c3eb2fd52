"""The default listing."""

from __future__ import annotations

import pytest

from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import MarketSpec
from whitewire.venue.values.money import is_multiple, to_text


@pytest.mark.parametrize("spec", default_markets(), ids=lambda spec: spec.name)
def test_grids_and_limits_agree(spec: MarketSpec) -> None:
    assert spec.name == f"{spec.stock}_{'PERP' if spec.is_futures else spec.money}"
    assert is_multiple(spec.reference_price, spec.tick_size)
    assert is_multiple(spec.min_amount, spec.step_size)
    assert spec.tick_size.as_tuple().exponent == -spec.money_prec
    assert spec.step_size.as_tuple().exponent == -spec.stock_prec


def test_the_listing_covers_the_awkward_markets() -> None:
    specs = {spec.name: spec for spec in default_markets()}
    assert to_text(specs["BTC_USDT"].step_size) == "0.000001"
    assert to_text(specs["PEPE_USDT"].step_size) == "1000000"
    assert to_text(specs["SHIB_USDT"].tick_size) == "0.000000001"
