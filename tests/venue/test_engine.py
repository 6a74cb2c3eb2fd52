"""Matching, settlement and the events of a cycle."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venue.desk import MARKET, Desk, refusal
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.events import DealEvent
from whitewire.venue.values.model import Role, Side, Status
from whitewire.venue.values.money import to_text


@pytest.fixture
def desk() -> Desk:
    return Desk()


# Resting and priority


def test_a_resting_order_freezes_and_reports_and_moves_the_book(desk: Desk) -> None:
    order = desk.limit("alice", "buy", "60000", "0.5")
    assert (order.status, order.left, order.frozen) == (
        Status.OPEN,
        Decimal("0.5"),
        Decimal(30000),
    )
    assert desk.wallet("alice", "USDT") == ("970000", "30000")
    assert desk.bids() == [("60000", "0.5")]
    assert desk.said() == ["1 OPEN 1", "book top", "balance USDT"]


def test_price_beats_time_and_time_beats_size(desk: Desk) -> None:
    late_better = ("59999", "60000", "60000")
    first, second, third = (desk.limit("alice", "buy", price, "1") for price in late_better)
    desk.said()
    desk.limit("bob", "sell", "59999", "2.5")
    texts = desk.said("alice")
    assert texts == [
        f"deal {desk.number(second.id)}",
        f"3 FILLED {desk.number(second.id)}",
        f"deal {desk.number(third.id)}",
        f"3 FILLED {desk.number(third.id)}",
        f"deal {desk.number(first.id)}",
        f"2 PARTIALLY_FILLED {desk.number(first.id)}",
        "balance USDT,BTC",
    ]


def test_matches_happen_at_the_makers_price_and_the_difference_comes_back(desk: Desk) -> None:
    desk.limit("alice", "sell", "60000", "1")
    taken = desk.limit("bob", "buy", "60100", "1")
    assert (taken.status, taken.deal_money, taken.left) == (
        Status.FILLED,
        Decimal(60000),
        Decimal(0),
    )
    assert desk.wallet("bob", "USDT") == ("940000", "0")
    assert desk.wallet("bob", "BTC") == ("10.999", "0")
    assert desk.wallet("alice", "USDT") == ("1059940", "0")
    assert (taken.deal_fee, taken.fee_asset) == (Decimal("0.001"), "BTC")
    assert {asset: to_text(fee) for asset, fee in desk.exchange.fees_collected().items()} == {
        "USDT": "60",
        "BTC": "0.001",
    }


def test_deals_carry_both_sides_of_one_match(desk: Desk) -> None:
    maker = desk.limit("alice", "sell", "60000", "1", client_order_id="mm-1")
    taker = desk.limit("bob", "buy", "60000", "1")
    deals = [event.deal for event in desk.events if isinstance(event, DealEvent)]
    assert [(deal.account, deal.role, deal.side) for deal in deals] == [
        ("alice", Role.MAKER, Side.SELL),
        ("bob", Role.TAKER, Side.BUY),
    ]
    assert len({deal.id for deal in deals}) == 1
    assert (deals[0].order_id, deals[0].counter_order_id) == (maker.id, taker.id)
    assert (deals[1].order_id, deals[1].counter_order_id) == (taker.id, maker.id)
    assert (deals[0].client_order_id, deals[0].money, deals[0].fee) == (
        "mm-1",
        Decimal(60000),
        Decimal(60),
    )
    trade = desk.exchange.recent_trades(MARKET, 10)[0]
    assert (trade.id, trade.side, trade.rpi) == (deals[0].id, Side.BUY, False)


# Event timelines


def test_events_of_a_taker_that_fills_fully(desk: Desk) -> None:
    desk.limit("alice", "sell", "60000", "1")
    desk.said()
    desk.limit("bob", "buy", "60000", "0.4")
    assert desk.said() == [
        "deal 1",
        "deal 2",
        "2 PARTIALLY_FILLED 1",
        "3 FILLED 2",
        "trade 0.4",
        "book top",
        "balance USDT,BTC",
        "balance BTC,USDT",
    ]
    desk.limit("bob", "buy", "60000", "0.6")
    assert desk.said("alice") == ["deal 1", "3 FILLED 1", "balance BTC,USDT"]


def test_events_of_a_partial_fill_that_rests(desk: Desk) -> None:
    desk.limit("alice", "sell", "60000", "0.4")
    desk.said()
    order = desk.limit("bob", "buy", "60000", "1")
    assert (order.status, order.left) == (Status.PARTIALLY_FILLED, Decimal("0.6"))
    assert desk.said("bob") == ["deal 2", "1 PARTIALLY_FILLED 2", "balance USDT,BTC"]
    assert desk.bids() == [("60000", "0.6")]


def test_orders_before_deals_where_the_option_says_so() -> None:
    desk = Desk(ExchangeOptions(deals_before_orders=False))
    desk.limit("alice", "sell", "60000", "1")
    desk.said()
    desk.limit("bob", "buy", "60000", "1")
    assert desk.said()[:4] == ["3 FILLED 1", "3 FILLED 2", "deal 1", "deal 2"]


def test_events_of_a_cancel(desk: Desk) -> None:
    order = desk.limit("alice", "buy", "60000", "1")
    desk.said()
    ended = desk.cancel("alice", order)
    assert (ended.status, ended.left) == (Status.CANCELED, Decimal(1))
    assert desk.said() == ["3 CANCELED 1", "book top", "balance USDT"]
    assert desk.wallet("alice", "USDT") == ("1000000", "0")


# Flags


def test_post_only_that_would_take_is_refused_without_a_trace(desk: Desk) -> None:
    desk.limit("alice", "sell", "60000", "1")
    before = desk.exchange.update_id(MARKET)
    desk.said()
    assert refusal(desk.limit, "bob", "buy", "60000", "1", post_only=True) == (
        400,
        13,
        "Inner validation failed",
        {"postOnly": ["This order couldn't be executed as a maker order and was canceled."]},
    )
    assert desk.said() == []
    assert desk.exchange.update_id(MARKET) == before
    assert desk.limit("bob", "buy", "59999.99", "1", post_only=True).status is Status.OPEN


@pytest.mark.parametrize(
    ("resting", "status", "left"),
    [(None, Status.CANCELED, "1"), ("0.4", Status.CANCELED, "0.6"), ("1", Status.FILLED, "0")],
)
def test_ioc_never_rests(desk: Desk, resting: str | None, status: Status, left: str) -> None:
    if resting:
        desk.limit("alice", "sell", "60000", resting)
    desk.said()
    order = desk.limit("bob", "buy", "60000", "1", ioc=True)
    assert (order.status, to_text(order.left)) == (status, left)
    assert [text for text in desk.said("bob") if text[0] in "123"] == [
        f"3 {status.value} {desk.number(order.id)}"
    ]
    assert desk.bids() == []
    assert desk.wallet("bob", "USDT")[1] == "0"


def test_options_choose_the_open_texts() -> None:
    options = ExchangeOptions(
        resting_status=Status.NEW,
        partial_ioc_status=Status.PARTIALLY_FILLED,
        stp_status=Status.CANCELED,
    )
    desk = Desk(options)
    assert desk.limit("alice", "sell", "60000", "0.4").status is Status.NEW
    assert desk.limit("bob", "buy", "60000", "1", ioc=True).status is Status.PARTIALLY_FILLED
    desk.limit("alice", "sell", "60000", "0.4")
    assert desk.limit("alice", "buy", "60000", "1", stp="cn").status is Status.CANCELED


# RPI


def test_rpi_rests_unseen_and_trades_only_with_retail_takers(desk: Desk) -> None:
    hidden = desk.limit("alice", "sell", "60000", "1", rpi=True)
    assert hidden.status is Status.OPEN
    assert desk.said() == ["1 OPEN 1", "balance BTC"]
    assert desk.asks() == []
    through = desk.limit("bob", "buy", "60001", "1")
    assert through.status is Status.OPEN
    desk.cancel("bob", through)
    taken = desk.limit("bob", "buy", "60001", "0.5", retail=True)
    assert (taken.status, taken.deal_money) == (Status.FILLED, Decimal(30000))
    assert desk.exchange.recent_trades(MARKET, 1)[0].rpi


def test_ordinary_orders_go_before_rpi_at_one_price_but_price_goes_first(desk: Desk) -> None:
    desk.limit("alice", "sell", "60000", "1", rpi=True)
    desk.limit("alice", "sell", "60000", "1")
    desk.limit("alice", "sell", "59999", "1", rpi=True)
    desk.said()
    desk.limit("bob", "buy", "60000", "3", retail=True)
    assert [text for text in desk.said("alice") if text.startswith("deal")] == [
        "deal 3",
        "deal 2",
        "deal 1",
    ]


def test_rpi_itself_is_maker_only(desk: Desk) -> None:
    desk.limit("alice", "sell", "60000", "1")
    assert refusal(desk.limit, "bob", "buy", "60000", "1", rpi=True)[:2] == (400, 13)


# Self-trade prevention


def test_without_prevention_an_account_trades_with_itself(desk: Desk) -> None:
    desk.limit("alice", "sell", "60000", "1")
    desk.said()
    desk.limit("alice", "buy", "60000", "1")
    assert desk.said("alice") == [
        "deal 1",
        "deal 2",
        "3 FILLED 1",
        "3 FILLED 2",
        "balance USDT,BTC",
    ]
    deals = desk.exchange.deals_of("alice")
    assert len({deal.id for deal in deals}) == 1


@pytest.mark.parametrize("name", ["cb", "cancel_both"])
def test_cancel_both(desk: Desk, name: str) -> None:
    desk.limit("alice", "sell", "60000", "1")
    desk.said()
    order = desk.limit("alice", "buy", "60000", "1", stp=name)
    assert (order.status, order.stp.value) == (Status.CANCELED_STP, "cb")
    assert [text for text in desk.said("alice") if text[0] in "123"] == [
        "3 CANCELED_STP 1",
        "3 CANCELED_STP 2",
    ]
    assert desk.exchange.open_orders_of("alice") == []


@pytest.mark.parametrize("name", ["cn", "cancel_new"])
def test_cancel_new_keeps_earlier_fills(desk: Desk, name: str) -> None:
    desk.limit("bob", "sell", "59999", "0.3")
    desk.limit("alice", "sell", "60000", "1")
    desk.said()
    order = desk.limit("alice", "buy", "60000", "1", stp=name)
    assert (order.status, order.left) == (Status.CANCELED_STP, Decimal("0.7"))
    assert desk.said("alice")[:2] == ["deal 3", "3 CANCELED_STP 3"]
    assert desk.asks() == [("60000", "1")]
    assert desk.wallet("alice", "USDT")[1] == "0"


@pytest.mark.parametrize("name", ["co", "cancel_old"])
def test_cancel_old_goes_on(desk: Desk, name: str) -> None:
    desk.limit("alice", "sell", "60000", "1")
    desk.limit("bob", "sell", "60001", "0.4")
    desk.said()
    order = desk.limit("alice", "buy", "60001", "1", stp=name)
    assert (order.status, order.left) == (Status.PARTIALLY_FILLED, Decimal("0.6"))
    assert desk.said("alice")[:3] == ["3 CANCELED_STP 1", "deal 3", "1 PARTIALLY_FILLED 3"]


def test_the_incoming_orders_mode_decides_and_only_on_a_real_match(desk: Desk) -> None:
    desk.limit("alice", "sell", "60000", "1", stp="cn")
    assert desk.limit("alice", "buy", "59999", "1", stp="cb").status is Status.OPEN
    assert desk.limit("alice", "buy", "60000", "1").status is Status.FILLED
