"""What a subscription means on every event channel: all or some markets, replacement, the end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue, WireOptions

FAST = WireOptions(balance_interval_ms=20, lastprice_interval_ms=20, rate_scale=100.0)
SUCCESS = {"status": "success"}
PRICES = count(101)  # every trade is known by its price
ASKED, OTHER = "BTC_USDT", "ETH_USDT"

# How a channel is asked for some markets, none meaning all.
FLAT = ["trades", "lastprice", "ordersPending"]
CHANNELS = [*FLAT, "ordersExecuted", "deals"]
UNSUBSCRIBE = {
    "trades": "trades_unsubscribe",
    "lastprice": "lastprice_unsubscribe",
    "ordersPending": "ordersPending_unsubscribe",
    "ordersExecuted": "ordersExecuted_unsubscribe",
    "deals": "deals_unsubscribe",
    "balanceSpot": "balanceSpot_unsubscribe",
}


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue(traders=False, wire=FAST) as running:
        yield running


def subscribe(ws: WsClient, channel: str, *markets: str) -> None:
    """Subscribes; what a channel shows at once is read."""
    params: list[Any] = list(markets) if channel in [*FLAT, "balanceSpot"] else [list(markets)]
    if channel == "ordersExecuted":
        params.append(0)
    assert ws.call(f"{channel}_subscribe", *params) == SUCCESS
    if channel == "trades" and markets:
        ws.push("trades_update")


class Traders:
    """Two accounts that trade with each other, each time at another price."""

    def __init__(self, rest: RestClient, other: RestClient) -> None:
        self.rest, self.other = rest, other

    def trade(self, market: str) -> str:
        """The price of a trade in which the first account buys."""
        fields = {"market": market, "price": str(next(PRICES)), "amount": "0.1"}
        self.other.ok("order/new", side="sell", **fields)
        self.rest.ok("order/new", side="buy", **fields)
        return fields["price"]


@pytest.fixture
def traders(rest: RestClient, other: RestClient) -> Traders:
    both = Traders(rest, other)
    for market in (ASKED, OTHER):
        both.trade(market)
    return both


@pytest.fixture
def sockets(venue: Venue, rest: RestClient) -> Iterator[tuple[WsClient, WsClient]]:
    """Two sockets of the first account."""
    with WsClient(venue) as one, WsClient(venue) as two:
        for ws in (one, two):
            ws.authorize(rest)
        yield one, two


def hear(ws: WsClient, channel: str, market: str, price: str) -> list[str]:
    """Reads until a push is about a trade; the texts of the pushes before it."""
    before: list[str] = []
    while True:
        text = str(ws.push(f"{channel}_update"))
        if f"'{market}'" in text and f"'{price}'" in text:
            return before
        before.append(text)


@pytest.mark.parametrize("channel", [*CHANNELS, "balanceSpot"])
def test_who_leaves_a_channel_hears_no_more_of_it(
    traders: Traders, sockets: tuple[WsClient, WsClient], channel: str
) -> None:
    leaving, staying = sockets
    for ws in sockets:
        subscribe(ws, channel, *([] if channel == "balanceSpot" else [ASKED]))
    traders.trade(ASKED)
    for ws in sockets:
        ws.push(f"{channel}_update")
    assert leaving.call(UNSUBSCRIBE[channel]) == SUCCESS
    leaving.pushes.clear()
    staying.pushes.clear()
    traders.trade(ASKED)
    staying.push(f"{channel}_update")
    assert leaving.is_quiet(0.1)
    assert not leaving.pushes


@pytest.mark.parametrize("channel", CHANNELS)
def test_no_markets_are_all_markets(
    traders: Traders, sockets: tuple[WsClient, WsClient], channel: str
) -> None:
    subscribe(sockets[0], channel)
    for market in (ASKED, OTHER):
        hear(sockets[0], channel, market, traders.trade(market))


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_new_subscription_replaces_the_old_one(
    traders: Traders, sockets: tuple[WsClient, WsClient], channel: str
) -> None:
    changing, staying = sockets
    for ws in sockets:
        subscribe(ws, channel, ASKED)
    subscribe(changing, channel, OTHER)
    changing.pushes.clear()
    hear(staying, channel, ASKED, traders.trade(ASKED))
    before = hear(changing, channel, OTHER, traders.trade(OTHER))
    assert not [text for text in before if f"'{ASKED}'" in text]
