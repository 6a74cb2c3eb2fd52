"""Made-up markets: rules that fit together, and a venue that lists and trades them."""

from __future__ import annotations

import pytest

from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.money import is_multiple
from whitewire.venue.values.synthetic_markets import synthetic_markets


def test_grids_agree_with_precisions_and_names_differ() -> None:
    markets = synthetic_markets(100)
    assert len({spec.name for spec in markets}) == 100
    for spec in markets:
        assert spec.name == f"{spec.stock}_{spec.money}"
        assert spec.tick_size.as_tuple().exponent == -spec.money_prec
        assert spec.step_size.as_tuple().exponent == -spec.stock_prec
        assert is_multiple(spec.reference_price, spec.tick_size)
        assert is_multiple(spec.min_amount, spec.step_size)
    assert synthetic_markets(7) == markets[:7]


def test_each_kind_can_be_traded() -> None:
    markets = synthetic_markets(5)
    names = tuple(spec.name for spec in markets)
    now = 1_785_730_130.0
    exchange = Exchange(
        markets, (), seed=1, clock=lambda: now, options=ExchangeOptions(traded_markets=names)
    )
    exchange.tick(now + 5)
    for name in names:
        bids, asks = exchange.depth(name, 100)
        assert len(bids) == len(asks) == 100
        assert bids[0].price < asks[0].price
        assert exchange.update_id(name) > exchange.options.first_update_id + 400
        assert exchange.top(name).bid == bids[0]


@pytest.mark.parametrize("count", [0, -1, 1_001])
def test_a_count_beyond_its_bounds_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 1000"):
        synthetic_markets(count)
