"""Funds behind spot orders: rules F1 to F4, with stops that only the WebSocket has."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.venue.desk import MARKET, Desk, account, refusal
from whitewire.venue.engine.matching import NewOrder
from whitewire.venue.values.activation import Activation, Condition
from whitewire.venue.values.model import Order, OrderType, Side, Status
from whitewire.venue.values.requests import ModifyRequest, StopRequest


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.trade("60000")
    return made


def submit(
    desk: Desk, side: Side, kind: OrderType, trigger: int, amount: str, **more: object
) -> Order:
    """A stop handed to the engine itself."""
    new = NewOrder(
        account=desk.exchange._accounts["alice"],
        spec=desk.exchange.markets[MARKET],
        side=side,
        type=kind,
        amount=Decimal(amount),
        activation=Activation(
            Decimal(trigger), Condition.GTE if side is Side.BUY else Condition.LTE
        ),
        **more,  # type: ignore[arg-type]
    )
    return desk.exchange._engine.submit(new, desk.now).snapshot()


def stock_stop(desk: Desk, side: Side, trigger: int, amount: str) -> Order:
    return submit(desk, side, OrderType.STOP_STOCK_MARKET, trigger, amount)


def best_offer_stop(desk: Desk, side: Side, trigger: int, amount: str, role: int) -> Order:
    return submit(desk, side, OrderType.STOP_LIMIT, trigger, amount, bbo_role=role)


def kinds(desk: Desk) -> list[str]:
    return [text for text in desk.said("alice") if text[0] in "123"]


# F1 to F3


def test_f1_a_buy_freezes_money_and_a_sell_stock(desk: Desk) -> None:
    desk.limit("alice", "buy", "50000", "2")
    desk.limit("alice", "sell", "70000", "3")
    assert desk.wallet("alice", "USDT") == ("900000", "100000")
    assert desk.wallet("alice", "BTC") == ("7", "3")
    assert refusal(desk.limit, "alice", "buy", "50000", "18.000001")[:2] == (400, 10)
    assert refusal(desk.limit, "alice", "sell", "70000", "7.000001")[:2] == (400, 10)
    assert refusal(desk.stop_market, "alice", "sell", "50000", "7.000001")[:2] == (422, 32)
    assert desk.wallet("alice", "USDT") == ("900000", "100000")


def test_f2_the_difference_to_the_limit_comes_back_at_each_fill(desk: Desk) -> None:
    desk.limit("bob", "sell", "60000", "0.4")
    desk.limit("alice", "buy", "61000", "1")
    assert desk.wallet("alice", "USDT") == ("939400", "36600")
    desk.limit("bob", "sell", "60500", "0.1")
    assert desk.wallet("alice", "USDT")[1] == "30500"


def test_f3_a_replacement_has_the_old_orders_funds(desk: Desk) -> None:
    order = desk.limit("alice", "buy", "50000", "20")
    assert desk.modify("alice", order, price="49000").frozen == 980_000
    (order,) = desk.exchange.open_orders_of("alice")
    assert refusal(desk.modify, "alice", order, price="50001")[:2] == (422, 10)
    assert desk.wallet("alice", "USDT") == ("20000", "980000")


# F4: stops that are sized in stock


def test_f4_a_stock_sized_buy_freezes_at_its_trigger_and_then_what_it_pays(desk: Desk) -> None:
    stop = stock_stop(desk, Side.BUY, 61_000, "0.5")
    assert (stop.frozen, stop.type_code, stop.price) == (30_500, 203, None)
    assert desk.wallet("alice", "USDT") == ("969500", "30500")
    desk.limit("bob", "sell", "61500", "0.2")
    desk.limit("bob", "sell", "61600", "1")
    desk.limit("carol", "sell", "61000", "0.001")
    desk.said()
    desk.limit("bob", "buy", "61000", "0.001")
    done = desk.last(stop)
    assert (done.status, done.deal_stock, done.deal_money, done.left) == (
        Status.FILLED,
        Decimal("0.5"),
        Decimal(12_300 + 18_480),
        0,
    )
    number = desk.number(stop.id)
    assert kinds(desk) == [f"1 OPEN {number}", f"3 FILLED {number}"]
    assert desk.wallet("alice", "USDT") == ("969220", "0")
    assert desk.wallet("alice", "BTC") == ("10.4995", "0")


def test_f4_a_stock_sized_sell_freezes_its_stock(desk: Desk) -> None:
    stop = stock_stop(desk, Side.SELL, 59_000, "0.5")
    assert desk.wallet("alice", "BTC") == ("9.5", "0.5")
    desk.limit("bob", "buy", "58000", "0.3")
    desk.trade("59000")
    done = desk.last(stop)
    assert (done.status, done.deal_stock, done.left) == (
        Status.CANCELED,
        Decimal("0.3"),
        Decimal("0.2"),
    )
    assert desk.wallet("alice", "BTC") == ("9.7", "0")


def test_f4_one_that_lacks_funds_at_its_activation_is_cancelled(desk: Desk) -> None:
    stop = stock_stop(desk, Side.BUY, 61_000, "16")
    desk.limit("alice", "buy", "100", "200")
    desk.limit("bob", "sell", "62000", "10")
    desk.limit("carol", "sell", "62500", "9")
    desk.limit("carol", "sell", "61000", "0.001")
    desk.said()
    desk.limit("bob", "buy", "61000", "0.001")
    done = desk.last(stop)
    assert (done.status, done.deal_stock) == (Status.CANCELED, 0)
    number = desk.number(stop.id)
    assert kinds(desk) == [f"1 OPEN {number}", f"3 CANCELED {number}"]
    assert desk.wallet("alice", "USDT") == ("980000", "20000")
    assert desk.asks() == [("62000", "10"), ("62500", "9")]


def test_f4_what_it_has_frozen_counts_among_the_funds(desk: Desk) -> None:
    stop = stock_stop(desk, Side.BUY, 61_000, "10")
    desk.limit("bob", "sell", "61500", "9.9")
    desk.limit("carol", "sell", "61000", "0.001")
    desk.limit("bob", "buy", "61000", "0.001")
    done = desk.last(stop)
    assert (done.status, done.deal_stock) == (Status.CANCELED, Decimal("9.9"))
    assert desk.wallet("alice", "USDT") == ("391150", "0")


def test_f4_a_best_offer_stop_has_the_same_funds(desk: Desk) -> None:
    stop = best_offer_stop(desk, Side.BUY, 61_000, "10", 1)
    desk.limit("bob", "buy", "60900", "1")
    desk.limit("bob", "sell", "61000", "0.001")
    desk.limit("carol", "buy", "61000", "0.001")
    assert (desk.last(stop).frozen, desk.last(stop).price) == (609_000, 60_900)
    assert desk.wallet("alice", "USDT") == ("391000", "609000")


def test_f4_an_empty_side_ends_it(desk: Desk) -> None:
    stop = stock_stop(desk, Side.BUY, 61_000, "1")
    desk.trade("61000")
    assert (desk.last(stop).status, desk.last(stop).deal_stock) == (Status.CANCELED, 0)
    assert desk.wallet("alice", "USDT") == ("1000000", "0")


def test_f4_one_beyond_the_funds_at_its_trigger_is_refused(desk: Desk) -> None:
    assert refusal(stock_stop, desk, Side.BUY, 61_000, "16.4")[:2] == (422, 32)
    assert refusal(stock_stop, desk, Side.SELL, 59_000, "10.1")[:2] == (422, 32)


# F4: best-offer stops


@pytest.mark.parametrize(("role", "price"), [(1, 60_800), (2, 61_200)])
def test_f4_a_best_offer_stop_takes_its_price_at_its_activation(
    desk: Desk, role: int, price: int
) -> None:
    stop = best_offer_stop(desk, Side.BUY, 61_000, "0.5", role)
    assert (stop.price, stop.frozen, stop.type_code) == (None, 30_500, 3)
    desk.limit("bob", "sell", "61200", "0.2")
    desk.limit("bob", "buy", "60800", "0.3")
    desk.limit("carol", "sell", "61000", "0.001")
    desk.limit("bob", "buy", "61000", "0.001")
    state = desk.last(stop)
    assert (state.price, state.is_finished) == (price, False)
    filled = Decimal("0.2") if role == 2 else Decimal(0)
    assert (state.deal_stock, state.left) == (filled, Decimal("0.5") - filled)
    assert state.frozen == price * state.left
    desk.cancel("alice", stop)
    assert desk.wallet("alice", "USDT")[1] == "0"


@pytest.mark.parametrize(("role", "price"), [(1, 59_200), (2, 58_800)])
def test_f4_a_selling_one_freezes_stock_throughout(desk: Desk, role: int, price: int) -> None:
    stop = best_offer_stop(desk, Side.SELL, 59_000, "0.5", role)
    desk.limit("bob", "sell", "59200", "0.2")
    desk.limit("bob", "buy", "58800", "0.3")
    desk.limit("carol", "buy", "59000", "0.001")
    desk.limit("bob", "sell", "59000", "0.001")
    state = desk.last(stop)
    assert (state.price, state.frozen) == (price, state.left)
    assert state.deal_stock == (Decimal("0.3") if role == 2 else 0)


@pytest.mark.parametrize("role", [1, 2])
def test_f4_a_side_without_a_price_ends_it(desk: Desk, role: int) -> None:
    stop = best_offer_stop(desk, Side.BUY, 61_000, "0.5", role)
    desk.said()
    desk.trade("61000")
    number = desk.number(stop.id)
    assert kinds(desk) == [f"1 OPEN {number}", f"3 CANCELED {number}"]
    assert desk.wallet("alice", "USDT") == ("1000000", "0")
    assert desk.bids() == desk.asks() == []


def test_f4_a_price_beyond_the_funds_ends_it(desk: Desk) -> None:
    stop = best_offer_stop(desk, Side.BUY, 61_000, "16", 2)
    desk.limit("bob", "sell", "65000", "1")
    desk.limit("carol", "sell", "61000", "0.001")
    desk.limit("bob", "buy", "61000", "0.001")
    assert (desk.last(stop).status, desk.last(stop).deal_stock) == (Status.CANCELED, 0)
    assert desk.asks() == [("65000", "1")]
    assert desk.wallet("alice", "USDT") == ("1000000", "0")


# The same through requests


def placed(
    desk: Desk, kind: OrderType, side: str, trigger: str, amount: str, **more: object
) -> Order:
    request = StopRequest(kind, MARKET, side, amount, None, trigger)
    return desk.exchange.place("alice", replace(request, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(("side", "trigger"), [("buy", "61000"), ("sell", "59000")])
def test_a_stop_stock_market_request_is_sized_in_stock_on_both_sides(
    desk: Desk, side: str, trigger: str
) -> None:
    stop = placed(desk, OrderType.STOP_STOCK_MARKET, side, trigger, "0.5")
    assert (stop.type, stop.type_code, stop.amount) == (
        OrderType.STOP_STOCK_MARKET,
        203,
        Decimal("0.5"),
    )
    assert stop.frozen == (30_500 if side == "buy" else Decimal("0.5"))
    assert refusal(placed, desk, OrderType.STOP_STOCK_MARKET, side, trigger, "0.0000001")[1] == 32
    moved = desk.exchange.modify("alice", ModifyRequest(MARKET, stop.id, amount="0.25"))
    assert moved.amount == Decimal("0.25")
    by_total = ModifyRequest(MARKET, moved.id, total="1000")
    assert refusal(desk.exchange.modify, "alice", by_total)[:2] == (422, 162)


def test_a_best_offer_stop_request_takes_its_price_when_it_says_so(desk: Desk) -> None:
    desk.limit("bob", "buy", "59000", "1")
    later = placed(
        desk, OrderType.STOP_LIMIT, "buy", "61000", "0.5", bbo_role=1, bbo_at_activation=True
    )
    assert (later.price, later.bbo_role, later.frozen) == (None, 1, 30_500)
    at_once = placed(desk, OrderType.STOP_LIMIT, "buy", "61000", "0.5", bbo_role=1)
    assert (at_once.price, at_once.bbo_role) == (59_000, None)
    empty = placed(
        desk, OrderType.STOP_LIMIT, "sell", "59500", "0.5", bbo_role=1, bbo_at_activation=True
    )
    assert empty.price is None, "an empty side is no matter before the activation"
    for role in (None, 3, "1"):
        fields = {"bbo_role": role, "bbo_at_activation": True}
        refused = refusal(placed, desk, OrderType.STOP_LIMIT, "buy", "61000", "0.5", **fields)
        assert refused[:2] == (422, 30)


def test_a_waiting_best_offer_stop_has_no_price_to_modify(desk: Desk) -> None:
    stop = best_offer_stop(desk, Side.BUY, 61_000, "0.5", 1)
    assert refusal(desk.modify, "alice", stop, price="60000")[:2] == (422, 164)
    moved = desk.modify("alice", stop, activation_price="61500", amount="1")
    assert (moved.price, moved.bbo_role, moved.frozen) == (None, 1, 61_500)


def test_sums_never_change() -> None:
    desk = Desk(accounts=[account(name) for name in ("alice", "bob", "carol")])
    before = {asset: desk.total(asset) for asset in ("BTC", "USDT")}
    desk.trade("60000")
    stock_stop(desk, Side.BUY, 61_000, "0.5")
    best_offer_stop(desk, Side.SELL, 59_000, "0.7", 2)
    desk.limit("bob", "sell", "61500", "1")
    desk.trade("61000")
    desk.limit("bob", "buy", "58000", "1")
    desk.trade("59000")
    assert {asset: desk.total(asset) for asset in before} == before
