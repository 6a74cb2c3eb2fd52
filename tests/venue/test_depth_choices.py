"""Every limit and every price interval that the depth channel offers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue

LIMITS = [1, 5, 10, 20, 30, 50, 100]
# An interval is shown on a market whose prices are finer than it is.
BTC = ("BTC_USDT", "0.1", ["100.19", "100.11", "98.76"], ["110.01", "110.19", "112"])
ETH = ("ETH_BTC", "1", ["0.043219", "0.043211", "0.041234"], ["0.054321", "0.054329", "0.056"])
SHIB = (
    "SHIB_USDT",
    "1000000",
    ["0.000012349", "0.000012341", "0.000011111"],
    ["0.000013331", "0.000013339", "0.000014"],
)
INTERVALS = [
    *((interval, BTC) for interval in ("0", "0.1", "0.01")),
    *((interval, ETH) for interval in ("0.001", "0.0001", "0.00001", "0.000001")),
    *((interval, SHIB) for interval in ("0.0000001", "0.00000001")),
]


@pytest.fixture
def ws(venue: Venue) -> Iterator[WsClient]:
    with WsClient(venue) as client:
        yield client


def place(rest: RestClient, market: str, side: str, prices: list[str], amount: str) -> None:
    """Orders of one amount, in requests of twenty."""
    legs = [{"market": market, "side": side, "price": price, "amount": amount} for price in prices]
    for first in range(0, len(legs), 20):
        answers = rest.ok("order/bulk", orders=legs[first : first + 20])
        assert all(answer["error"] is None for answer in answers), answers


def test_every_limit_shows_so_many_levels(rest: RestClient, ws: WsClient) -> None:
    bids, asks = (
        [str(first + step * n) for n in range(105)] for first, step in ((500, -1), (600, 1))
    )
    place(rest, "BTC_USDT", "buy", bids, "0.02")
    place(rest, "BTC_USDT", "sell", asks, "0.02")
    for limit in LIMITS:
        ws.call("depth_subscribe", "BTC_USDT", limit, "0", True)
        is_full, state, _ = ws.push("depth_update")
        assert is_full
        assert [price for price, _ in state["bids"]] == bids[:limit]
        assert [price for price, _ in state["asks"]] == asks[:limit]
    for limit in range(1, 101):
        state = ws.call("depth_request", "BTC_USDT", limit, "0")
        assert (len(state["bids"]), len(state["asks"])) == (limit, limit)
        if limit not in LIMITS:
            assert ws.refused("depth_subscribe", "BTC_USDT", limit, "0", True) == 1


def grouped(prices: list[str], amount: str, interval: str, *, upward: bool) -> list[list[Decimal]]:
    """Price and amount of each group, in the order of the prices."""
    step, rounding = Decimal(interval), ROUND_CEILING if upward else ROUND_FLOOR
    groups: dict[Decimal, Decimal] = {}
    for price in map(Decimal, prices):
        edge = (price / step).to_integral_value(rounding) * step if step else price
        groups[edge] = groups.get(edge, Decimal(0)) + Decimal(amount)
    return [[price, size] for price, size in groups.items()]


@pytest.mark.parametrize(("interval", "shown"), INTERVALS, ids=lambda value: str(value)[:12])
def test_every_interval_groups_asks_upward_and_bids_downward(
    rest: RestClient, ws: WsClient, interval: str, shown: tuple[str, str, list[str], list[str]]
) -> None:
    market, amount, bids, asks = shown
    place(rest, market, "buy", bids, amount)
    place(rest, market, "sell", asks, amount)
    ws.call("depth_subscribe", market, 100, interval, True)
    _, state, _ = ws.push("depth_update")
    for side, prices, upward in (("bids", bids, False), ("asks", asks, True)):
        levels = [[Decimal(price), Decimal(size)] for price, size in state[side]]
        assert levels == grouped(prices, amount, interval, upward=upward)
    assert ws.call("depth_request", market, 100, interval)["bids"] == state["bids"]


@pytest.mark.parametrize("interval", ["1", "0.000000001", "0.2", "0.10", "1e-1", ""])
def test_there_is_no_other_interval(ws: WsClient, interval: str) -> None:
    assert ws.refused("depth_subscribe", "BTC_USDT", 100, interval, True) == 1
    assert ws.refused("depth_request", "BTC_USDT", 100, interval) == 1
