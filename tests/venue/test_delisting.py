"""A delisted market ends every order in it, waiting stops too, and frees their funds."""

from __future__ import annotations

from tests.venue.desk import MARKET, Desk, refusal
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.events import OrderEvent, OrderEventKind
from whitewire.venue.values.model import Status, Wallet


def frozen(desk: Desk) -> dict[str, Wallet]:
    return {
        asset: wallet for asset, wallet in desk.exchange.balances("alice").items() if wallet.freeze
    }


def test_resting_orders_and_waiting_stops_end_and_nothing_stays_frozen() -> None:
    desk = Desk(ExchangeOptions(traded_markets=(MARKET,)))
    desk.now += 5
    desk.exchange.tick(desk.now)
    assert desk.exchange.recent_trades(MARKET, 1)
    desk.limit("alice", "buy", "100", "0.1")
    desk.stop_limit("alice", "buy", "90000", "90000", "0.1")
    assert frozen(desk)
    desk.events.clear()
    desk.exchange.delist(MARKET)
    ended = [event for event in desk.events if isinstance(event, OrderEvent)]
    assert [event.event for event in ended] == [OrderEventKind.FINISHED] * 2
    assert {event.order.status for event in ended} == {Status.DELISTING}
    assert desk.exchange.open_orders_of("alice") == []
    assert not frozen(desk)
    assert desk.exchange.depth(MARKET, 10) == ([], [])
    assert desk.exchange.next_due() > desk.now + 3_600, "its traders are gone"
    status, code, _, errors = refusal(desk.limit, "alice", "buy", "100", "0.1")
    assert (status, code, errors) == (422, 31, {"market": ["Market is not available."]})


def test_an_unlisted_market_is_left_alone() -> None:
    desk = Desk()
    desk.exchange.delist("NOPE")
    assert MARKET in desk.exchange.markets
    assert desk.events == []
