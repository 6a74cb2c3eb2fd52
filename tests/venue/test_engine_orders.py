"""Market orders, replacements, client ids, bands and fees."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.venue.desk import MARKET, Desk, account, refusal
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.model import Status
from whitewire.venue.values.money import to_text


@pytest.fixture
def desk() -> Desk:
    return Desk()


# Market orders


def test_a_market_buy_spends_money_and_leaves_dust(desk: Desk) -> None:
    desk.limit("alice", "sell", "63000", "1")
    order = desk.market("bob", "buy", "100")
    assert (order.status, order.price, to_text(order.amount)) == (Status.FILLED, None, "100")
    assert to_text(order.deal_stock) == "0.001587"
    assert to_text(order.deal_money) == "99.981"
    assert to_text(order.left) == "0.019"
    assert desk.wallet("bob", "USDT") == ("999900.019", "0")


def test_a_market_sell_walks_the_book(desk: Desk) -> None:
    desk.limit("alice", "buy", "60000", "1")
    desk.limit("alice", "buy", "59000", "1")
    order = desk.market("bob", "sell", "1.5")
    assert (order.status, order.deal_money, order.left) == (
        Status.FILLED,
        Decimal(89500),
        Decimal(0),
    )


def test_a_stock_market_buy_is_sized_in_stock_and_freezes_nothing_afterwards(desk: Desk) -> None:
    desk.limit("alice", "sell", "60000", "1")
    desk.limit("alice", "sell", "61000", "1")
    order = desk.stock_market("bob", "buy", "1.5")
    assert (order.status, order.deal_stock, order.deal_money) == (
        Status.FILLED,
        Decimal("1.5"),
        Decimal(90500),
    )
    assert desk.wallet("bob", "USDT") == ("909500", "0")


@pytest.mark.parametrize("kind", ["market", "stock_market"])
def test_a_market_order_that_empties_the_book_is_cancelled(desk: Desk, kind: str) -> None:
    desk.limit("alice", "buy", "60000", "0.4")
    desk.said()
    order = getattr(desk, kind)("bob", "sell", "1")
    assert (order.status, order.left) == (Status.CANCELED, Decimal("0.6"))
    assert desk.said("bob")[:2] == ["deal 2", "3 CANCELED 2"]


def test_refusals_of_market_orders(desk: Desk) -> None:
    assert refusal(desk.market, "bob", "buy", "100")[:2] == (400, 12)
    desk.limit("alice", "sell", "600000", "1")
    assert refusal(desk.market, "bob", "buy", "5.5") == (
        400,
        11,
        "Inner validation failed",
        {"amount": ["Amount too small."]},
    )
    assert refusal(desk.market, "bob", "buy", "1000001") == (
        422,
        32,
        "Validation failed",
        {"amount": ["Not enough balance."]},
    )
    desk.limit("alice", "sell", "600000", "3")
    assert refusal(desk.stock_market, "bob", "buy", "2")[:2] == (422, 32)


def test_limit_orders_without_funds(desk: Desk) -> None:
    expected = (400, 10, "Inner validation failed", {"amount": ["Not enough balance."]})
    assert refusal(desk.limit, "alice", "buy", "60000", "17") == expected
    assert refusal(desk.limit, "alice", "sell", "60000", "10.000001") == expected
    assert desk.limit("alice", "sell", "60000", "10").status is Status.OPEN


# Modify


def test_modify_takes_a_new_id_at_the_back_and_keeps_the_client_id(desk: Desk) -> None:
    first = desk.limit("alice", "buy", "60000", "1", client_order_id="q-1", post_only=True)
    other = desk.limit("bob", "buy", "60000", "1")
    desk.said()
    moved = desk.modify("alice", first, amount="2")
    assert moved.id > other.id
    assert (moved.client_order_id, moved.amount, moved.post_only) == (
        "q-1",
        Decimal(2),
        True,
    )
    assert desk.said() == ["3 CANCELED 1", "1 OPEN 3", "book top", "balance USDT"]
    desk.limit("carol", "sell", "60000", "1")
    assert [text for text in desk.said() if text.startswith("3 FILLED")] == [
        "3 FILLED 2",
        "3 FILLED 4",
    ]


def test_modify_counts_the_old_orders_funds_as_free(desk: Desk) -> None:
    order = desk.limit("alice", "buy", "50000", "20")
    assert desk.wallet("alice", "USDT") == ("0", "1000000")
    moved = desk.modify("alice", order, price="40000", amount="25")
    assert moved.status is Status.OPEN
    assert refusal(desk.modify, "alice", moved, amount="25.1") == (
        422,
        10,
        "Validation failed",
        {"amount": ["Not enough balance."]},
    )
    assert [order.id for order in desk.exchange.open_orders_of("alice")] == [moved.id]


def test_a_refused_modify_loses_the_order_where_the_option_says_so() -> None:
    desk = Desk(ExchangeOptions(modify_refusal_loses_order=True))
    order = desk.limit("alice", "buy", "50000", "20")
    desk.said()
    assert refusal(desk.modify, "alice", order, amount="21")[:2] == (422, 10)
    assert desk.said() == ["3 CANCELED 1", "book top", "balance USDT"]
    assert desk.exchange.open_orders_of("alice") == []


def test_modify_that_crosses_trades_without_event_1(desk: Desk) -> None:
    desk.limit("bob", "sell", "60000", "1")
    order = desk.limit("alice", "buy", "59000", "1")
    desk.said()
    moved = desk.modify("alice", order, price="60000")
    assert moved.status is Status.FILLED
    assert desk.said("alice") == ["3 CANCELED 2", "deal 3", "3 FILLED 3", "balance USDT,BTC"]


def test_modify_of_a_post_only_order_that_would_take_keeps_it(desk: Desk) -> None:
    desk.limit("bob", "sell", "60000", "1")
    order = desk.limit("alice", "buy", "59000", "1", post_only=True)
    assert refusal(desk.modify, "alice", order, price="60000")[:2] == (422, 13)
    assert desk.bids() == [("59000", "1")]


def test_modify_never_meets_the_order_that_it_replaces(desk: Desk) -> None:
    order = desk.limit("alice", "sell", "60000", "1")
    assert desk.modify("alice", order, price="59000").status is Status.OPEN
    assert desk.asks() == [("59000", "1")]


def test_modify_drops_the_prevention_mode_unless_it_is_sent_again(desk: Desk) -> None:
    order = desk.limit("alice", "buy", "60000", "1", stp="cn")
    moved = desk.modify("alice", order, price="59000")
    assert moved.stp.value == "no"
    assert desk.modify("alice", moved, price="58000", stp="cn").stp.value == "cn"


def test_modify_of_the_price_alone_moves_what_is_left(desk: Desk) -> None:
    order = desk.limit("alice", "buy", "60000", "1")
    desk.limit("bob", "sell", "60000", "0.4")
    moved = desk.modify("alice", order, price="59000")
    assert (moved.amount, moved.left, moved.deal_stock) == (
        Decimal("0.6"),
        Decimal("0.6"),
        Decimal(0),
    )


# Client ids


def test_a_client_id_is_unique_among_open_orders_of_one_market(desk: Desk) -> None:
    order = desk.limit("alice", "buy", "60000", "1", client_order_id="q")
    text = "This client order id is already used by the current account."
    assert refusal(desk.limit, "alice", "buy", "60000", "1", client_order_id="q") == (
        422,
        36,
        "Validation failed",
        {"clientOrderId": [text]},
    )
    desk.limit("alice", "buy", "60000", "1", client_order_id="Q")
    desk.limit("bob", "buy", "60000", "1", client_order_id="q")
    desk.limit("alice", "buy", "3000", "1", client_order_id="q", market="ETH_USDT")
    desk.cancel("alice", order)
    assert desk.limit("alice", "buy", "60000", "1", client_order_id="q").status is Status.OPEN


def test_the_older_rule_spans_markets() -> None:
    desk = Desk(ExchangeOptions(client_id_unique_per_account=True))
    desk.limit("alice", "buy", "60000", "1", client_order_id="q")
    fields = {"client_order_id": "q", "market": "ETH_USDT"}
    assert refusal(desk.limit, "alice", "buy", "3000", "1", **fields)[:2] == (422, 36)


# Bands and fees


def test_a_taker_band_ends_the_walk() -> None:
    desk = Desk(ExchangeOptions(taker_band_percent=Decimal(1)))
    desk.limit("alice", "sell", "60000", "1")
    desk.limit("alice", "sell", "60601", "1")
    order = desk.limit("bob", "buy", "61000", "2")
    assert (order.status, order.left) == (Status.CANCELED_TAKER_BAND, Decimal(1))
    assert desk.market("bob", "buy", "60601").status is Status.FILLED


def test_a_limit_that_ends_inside_the_band_rests() -> None:
    desk = Desk(ExchangeOptions(taker_band_percent=Decimal(1)))
    desk.limit("alice", "buy", "60000", "1")
    desk.limit("alice", "buy", "59000", "1")
    assert desk.limit("bob", "sell", "59500", "2").status is Status.PARTIALLY_FILLED


def test_a_price_band_refuses_far_limits() -> None:
    desk = Desk(ExchangeOptions(price_band_percent=Decimal(10)))
    desk.limit("alice", "sell", "60000", "1")
    desk.limit("bob", "buy", "60000", "1")
    assert refusal(desk.limit, "bob", "buy", "53999.99", "1") == (
        422,
        250,
        "Validation failed",
        {"price": ["Price should be between 54000 and 66000."]},
    )
    assert desk.limit("bob", "buy", "54000", "1").status is Status.OPEN


def test_fees_are_exact_products_unless_they_are_cut() -> None:
    for options, fee in (
        (ExchangeOptions(), "0.00006"),
        (ExchangeOptions(truncate_fees=True), "0"),
    ):
        desk = Desk(options)
        exact = replace(desk.exchange.markets[MARKET], fee_prec=4)
        desk = Desk(options, markets=[exact])
        desk.limit("alice", "sell", "60000", "0.06")
        assert to_text(desk.limit("bob", "buy", "60000", "0.06").deal_fee) == fee


def test_internal_accounts_have_no_private_events() -> None:
    desk = Desk(accounts=[account("alice"), account("ghost", is_internal=True)])
    desk.limit("ghost", "sell", "60000", "1")
    assert desk.said() == ["book top"]
    desk.limit("alice", "buy", "60000", "1")
    assert [text for text in desk.said() if text.startswith("deal")] == ["deal 2"]
