"""Which markets are listed, for what."""

from __future__ import annotations

import pytest

from tests.venue.desk import account
from whitewire.venue.engine.listing import Listing, check_names
from whitewire.venue.values.markets import default_markets


def test_markets_are_listed_for_what_they_can_be_traded_on() -> None:
    listing = Listing(default_markets())
    assert list(listing.all) == [spec.name for spec in default_markets()]
    assert "BTC_PERP" not in listing.spot
    assert "BTC_USDT" in listing.spot
    assert list(listing.collateral) == ["BTC_USDT", "ETH_USDT", "BTC_PERP", "ETH_PERP"]


def test_a_market_that_is_taken_off_is_only_remembered() -> None:
    listing = Listing(default_markets())
    for name in ("BTC_USDT", "BTC_PERP", "NOPE"):
        listing.remove(name)
    for markets in (listing.all, listing.spot, listing.collateral):
        assert "BTC_USDT" not in markets
        assert "BTC_PERP" not in markets
    assert {"BTC_USDT", "BTC_PERP"} <= set(listing.ever)
    assert "NOPE" not in listing.ever


def test_assets_are_those_of_listed_markets() -> None:
    listing = Listing(default_markets())
    assert listing.assets() == tuple(sorted(listing.assets()))
    assert {"BTC", "USDT", "SHIB"} <= set(listing.assets())
    listing.remove("SHIB_USDT")
    assert "SHIB" not in listing.assets()
    assert "USDT" in listing.assets()


def test_names_and_keys_are_unique_and_traded_markets_listed() -> None:
    markets = {spec.name: spec for spec in default_markets()}
    check_names([account("a"), account("b")], markets, ["BTC_USDT"])
    check_names([account("a", key=""), account("b", key="")], markets, [])
    with pytest.raises(ValueError, match="share a name or a key"):
        check_names([account("a"), account("a", key="other")], markets, [])
    with pytest.raises(ValueError, match="share a name or a key"):
        check_names([account("a", key="k"), account("b", key="k")], markets, [])
    with pytest.raises(ValueError, match="no such market to trade: X_Y, Z_W"):
        check_names([], markets, ["X_Y", "BTC_USDT", "Z_W"])
