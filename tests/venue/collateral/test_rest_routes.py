"""Which listener serves which endpoint of collateral trading."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.venue.naive import RestClient
from tests.venue.test_rest import COLOCATED as SPOT_AND_UTILITY
from whitewire.venue import Venue

COLOCATED = [
    "collateral-account/balance",
    "collateral-account/balance-summary",
    "collateral-account/summary",
    "collateral-account/leverage",
    "collateral-account/positions/open",
    "collateral-account/positions/history",
    "collateral-account/funding-history",
    "oco-orders",
    "order/collateral/limit",
    "order/collateral/market",
    "order/collateral/stop-limit",
    "order/collateral/trigger-market",
    "order/collateral/oco",
    "order/collateral/bulk",
]
PUBLIC_ONLY = [
    "order/oco-cancel",
    "order/oto-cancel",
    "order/conditional-cancel",
    "conditional-orders",
    "collateral-account/hedge-mode",
    "collateral-account/hedge-mode/update",
    "collateral-account/position/close",
    "collateral-account/positions/closed-pnl",
    "collateral-account/adl-quantile",
]


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue(traders=False) as running:
        yield running


@pytest.fixture
def colocation(venue: Venue) -> Iterator[RestClient]:
    with RestClient(venue, url=venue.rest) as client:
        yield client


def test_there_are_33_colocated_endpoints() -> None:
    ping_and_time = 2
    assert len({*COLOCATED, *SPOT_AND_UTILITY}) + ping_and_time == 33


@pytest.mark.parametrize("path", COLOCATED)
def test_both_listeners_serve_the_fourteen(
    rest: RestClient, colocation: RestClient, path: str
) -> None:
    for client in (rest, colocation):
        assert client.post(path)[0] in (200, 422)


@pytest.mark.parametrize("path", PUBLIC_ONLY)
def test_the_others_are_not_colocated(rest: RestClient, colocation: RestClient, path: str) -> None:
    assert colocation.post(path) == (404, b"")
    assert rest.post(path)[0] in (200, 422)


@pytest.mark.parametrize("path", ["futures", "funding-history/BTC_PERP"])
def test_nor_is_what_everybody_may_ask(rest: RestClient, colocation: RestClient, path: str) -> None:
    assert colocation.get(path) == (404, b"")
    assert rest.get(path)[0] == 200


def test_perpetuals_have_no_depth_near_the_last_price(rest: RestClient) -> None:
    refusal = {"market": ["Market is not available."]}
    assert rest.get("orderbook/depth/BTC_PERP") == (422, refusal)
    assert rest.get("orderbook/depth/BTC_USDT")[0] == 200
    assert rest.get("orderbook/BTC_PERP")[0] == 200
