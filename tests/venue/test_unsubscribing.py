"""Channels fall silent for whoever leaves them, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue, WireOptions

FAST = WireOptions(balance_interval_ms=20, rate_scale=100.0)
SUCCESS = {"status": "success"}


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue(traders=False, wire=FAST) as running:
        yield running


@pytest.mark.parametrize(
    ("subscribe", "params", "unsubscribe"),
    [
        ("trades_subscribe", ["BTC_USDT"], "trades_unsubscribe"),
        ("balanceSpot_subscribe", [], "balanceSpot_unsubscribe"),
        ("ordersPending_subscribe", ["BTC_USDT"], "ordersPending_unsubscribe"),
        ("ordersExecuted_subscribe", [["BTC_USDT"], 0], "ordersExecuted_unsubscribe"),
        ("deals_subscribe", [["BTC_USDT"]], "deals_unsubscribe"),
    ],
)
def test_who_leaves_a_channel_hears_no_more_of_it(
    venue: Venue,
    rest: RestClient,
    other: RestClient,
    subscribe: str,
    params: list[object],
    unsubscribe: str,
) -> None:
    update = subscribe.replace("_subscribe", "_update")
    with WsClient(venue) as leaving, WsClient(venue) as staying:
        for ws in (leaving, staying):
            ws.authorize(rest)
            assert ws.call(subscribe, *params) == SUCCESS
            if update == "trades_update":
                ws.push(update)  # those that there were

        other.limit("sell", "100")
        rest.limit("buy", "100")
        for ws in (leaving, staying):
            ws.push(update)
        assert leaving.call(unsubscribe) == SUCCESS
        leaving.pushes.clear()
        staying.pushes.clear()

        other.limit("sell", "100")
        rest.limit("buy", "100")
        staying.push(update)
        assert leaving.is_quiet(0.1)
        assert not leaving.pushes
