"""One engine cycle: rules E8 to E11 of the engine as the listeners see them."""

from __future__ import annotations

import pytest

from tests.venue.desk import MARKET, PERP, Desk, account, collateral_accounts
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.events import BalanceEvent, BookEvent, OrderEvent
from whitewire.venue.values.model import Order, Status
from whitewire.venue.values.requests import CancelAllRequest

ALL = CancelAllRequest()


@pytest.fixture
def desk() -> Desk:
    made = Desk(accounts=collateral_accounts())
    made.trade("60000")
    made.perp_trade("60000")
    made.said()
    return made


def test_e8_private_events_then_trades_then_books_then_balances(desk: Desk) -> None:
    desk.limit("alice", "sell", "60000", "1")
    desk.limit("alice", "sell", "60001", "1")
    desk.said()
    desk.limit("bob", "buy", "60001", "1.5")
    assert desk.said() == [
        "deal 5",
        "deal 7",
        "3 FILLED 5",
        "deal 6",
        "deal 7",
        "2 PARTIALLY_FILLED 6",
        "3 FILLED 7",
        "trade 1",
        "trade 0.5",
        "book top",
        "balance USDT,BTC",
        "balance BTC,USDT",
    ]


def test_e8_one_book_event_for_each_book_that_changed_and_none_for_others(desk: Desk) -> None:
    desk.limit("alice", "buy", "59000", "1", rpi=True)
    assert desk.said() == ["1 OPEN 5", "balance USDT"]
    desk.events.clear()
    desk.exchange.cancel_all("alice", ALL)
    assert not any(isinstance(event, BookEvent) for event in desk.events)
    desk.perp_limit("alice", "buy", "59000", "1")
    books = [event.market for event in desk.events if isinstance(event, BookEvent)]
    assert books == [PERP]


def test_e8_collateral_changes_no_trade_wallet(desk: Desk) -> None:
    desk.perp_limit("bob", "sell", "60000", "1")
    desk.perp_limit("alice", "buy", "60000", "1")
    assert not any(isinstance(event, BalanceEvent) for event in desk.events)


def test_e8_internal_accounts_say_nothing_in_private() -> None:
    desk = Desk(ExchangeOptions(traded_markets=(MARKET,)))
    desk.now += 3
    desk.exchange.tick(desk.now)
    kinds = {type(event).__name__ for event in desk.events}
    assert kinds == {"BookEvent", "TradeEvent"}
    desk.market("alice", "buy", "6000")
    named = {event.account for event in desk.events if isinstance(event, OrderEvent)}
    assert named == {"alice"}


def test_e9_stops_enter_by_arrival_each_after_the_trades_before_it(desk: Desk) -> None:
    late = desk.perp_stop_limit("alice", "buy", "60500", "60600", "0.1")
    early = desk.perp_trigger("bob", "buy", "60400", "0.1")
    desk.perp_limit("yin", "sell", "60500", "0.1")
    desk.perp_limit("yin", "sell", "60600", "0.1")
    desk.said()
    desk.perp_limit("yang", "buy", "60500", "0.1")
    texts = [text for text in desk.said() if not text.startswith("deal")]
    assert texts == [
        "3 FILLED 7",
        "3 FILLED 9",
        "trade 0.1",
        f"1 OPEN {desk.number(late.id)}",
        "3 FILLED 8",
        f"3 FILLED {desk.number(late.id)}",
        "trade 0.1",
        f"1 OPEN {desk.number(early.id)}",
        f"3 CANCELED {desk.number(early.id)}",
        "book top",
    ]
    assert desk.last(late).status is Status.FILLED
    assert desk.last(early).status is Status.CANCELED


def test_e9_stops_of_one_market_do_not_see_trades_of_another(desk: Desk) -> None:
    stop = desk.perp_trigger("alice", "buy", "61000", "0.1")
    desk.trade("61000")
    assert desk.last(stop).is_waiting
    desk.perp_trade("61000")
    assert desk.last(stop).is_finished


def test_e10_an_activated_stop_that_only_rests_reports_nothing_more(desk: Desk) -> None:
    stop = desk.stop_limit("alice", "buy", "60500", "60100", "0.1")
    desk.said()
    desk.trade("60500")
    number = desk.number(stop.id)
    assert [text for text in desk.said("alice") if text[0] in "123"] == [f"1 OPEN {number}"]
    assert desk.bids() == [("60100", "0.1")]
    desk.limit("bob", "sell", "60100", "0.04")
    assert desk.said("alice")[:2] == [f"deal {number}", f"2 PARTIALLY_FILLED {number}"]


def test_e10_one_that_trades_and_rests_reports_2_instead_of_another_1(desk: Desk) -> None:
    stop = desk.stop_limit("alice", "buy", "60500", "60600", "0.1")
    desk.limit("bob", "sell", "60550", "0.04")
    desk.limit("carol", "sell", "60500", "0.01")
    desk.said()
    desk.limit("bob", "buy", "60500", "0.01")
    number = desk.number(stop.id)
    assert [text for text in desk.said("alice") if text[0] in "d123"] == [
        f"1 OPEN {number}",
        f"deal {number}",
        f"2 PARTIALLY_FILLED {number}",
    ]


def test_e11_what_follows_happens_in_the_same_cycle(desk: Desk) -> None:
    """A trade fills a leg, ends the other, and shrinks what reduces: one book event."""
    desk.perp_limit("yin", "sell", "60000", "0.5")
    desk.perp_limit("alice", "buy", "60000", "0.5")
    first = desk.perp_limit("alice", "sell", "61000", "0.3", reduce_only=True)
    second = desk.perp_limit("alice", "sell", "62000", "0.4", reduce_only=True)
    group = desk.oco("alice", "sell", "0.1", "60900", "59000", "58000")
    desk.said()
    desk.perp_limit("bob", "buy", "61000", "0.4")
    texts = desk.said()
    assert texts.count("book top") == 1
    assert "book" not in texts
    assert desk.last(first).status is Status.FILLED
    assert desk.last(second).left == desk.last(second).amount
    assert desk.held("alice") == "0.1"
    assert str(desk.last(second).left) == "0.1"
    assert desk.last(group.stop_leg).status is Status.CANCELED


class Recorder:
    """Notes what the engine asks for."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def follow(self, touched: list[Order], now: float) -> None:
        self.calls.append(f"follow {len(touched)}")

    def activated(self, order: Order, now: float) -> None:
        self.calls.append(f"activated {order.product.value}")

    def watch(self, now: float) -> None:
        self.calls.append("watch")


def test_e11_orders_are_followed_before_each_activation_and_accounts_watched_last(
    desk: Desk,
) -> None:
    recorder = desk.exchange._engine.aftermath = Recorder()
    desk.perp_stop_limit("alice", "buy", "60500", "50000", "0.1")
    assert recorder.calls == ["follow 1", "watch"]
    desk.perp_stop_limit("alice", "buy", "60500", "50000", "0.1")
    recorder.calls.clear()
    desk.perp_trade("60500")
    first, second = ["follow 1"], ["follow 2", "activated futures", "follow 1"]
    assert recorder.calls == [*first, *second, "activated futures", "follow 1", "watch"]


def test_e11_spot_orders_are_nobodys_but_their_prices_are(desk: Desk) -> None:
    recorder = desk.exchange._engine.aftermath = Recorder()
    desk.limit("alice", "buy", "50000", "1")
    assert recorder.calls == []
    desk.trade("60100")
    assert recorder.calls == ["watch"]


def test_a_spot_engine_needs_nobody_behind_it() -> None:
    desk = Desk(accounts=[account("alice"), account("bob"), account("carol")])
    desk.trade("60000")
    stop = desk.stop_market("alice", "buy", "60500", "600")
    desk.limit("bob", "sell", "60600", "1")
    desk.limit("carol", "sell", "60500", "0.001")
    desk.limit("bob", "buy", "60500", "0.001")
    assert desk.last(stop).status is Status.FILLED
