"""What the two sides of a venue share: its style of numbers."""

from __future__ import annotations

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue, WireOptions


def tiny_deal(venue: Venue) -> tuple[str, str]:
    """A fee of a hundred-millionth of a coin, as REST and WebSocket print it."""
    with RestClient(venue) as maker, RestClient(venue, 1) as taker, WsClient(venue) as ws:
        ws.authorize(taker)
        ws.call("deals_subscribe", ["BTC_USDT"])
        maker.ok("order/new", market="BTC_USDT", side="sell", price="600000", amount="0.00001")
        order = taker.ok(
            "order/new", market="BTC_USDT", side="buy", price="600000", amount="0.00001"
        )
        return order["dealFee"], ws.push("deals_update")[6]


def test_numbers_are_plain_by_default() -> None:
    with Venue(traders=False) as venue:
        assert tiny_deal(venue) == ("0.00000001", "0.00000001")


def test_numbers_may_be_printed_with_an_exponent() -> None:
    with Venue(traders=False, wire=WireOptions(exponent_text=True)) as venue:
        rest, ws = tiny_deal(venue)
        assert rest == ws
        assert rest.lower().startswith("1")
        assert "e-8" in rest
