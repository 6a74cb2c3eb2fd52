"""Stop orders in the engine: waiting, activation, cycles, and what they do to funds and events."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venue.desk import MARKET, START, Desk
from tests.venue.test_exchange import operations, perform
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.events import Event, OrderEvent, OrderEventKind, TradeEvent
from whitewire.venue.values.model import Order, Role, Status, VenueError
from whitewire.venue.values.requests import CancelAllRequest, KillSwitchRequest


@pytest.fixture
def desk() -> Desk:
    """A market whose last trade was at 60000 and whose book is empty."""
    desk = Desk()
    desk.trade("60000")
    desk.said()
    return desk


def state(desk: Desk, who: str, order: Order) -> Order:
    """An order as it is now."""
    orders = [*desk.exchange.open_orders_of(who), *desk.exchange.finished_orders_of(who)]
    return next(each for each in orders if each.id == order.id)


# Waiting


@pytest.mark.parametrize(
    ("place", "asset", "wallet"),
    [
        (
            lambda desk: desk.stop_limit("alice", "buy", "60100", "60200", "2"),
            "USDT",
            ("879600", "120400"),
        ),
        (lambda desk: desk.stop_limit("alice", "sell", "59900", "59800", "2"), "BTC", ("8", "2")),
        (lambda desk: desk.stop_market("alice", "buy", "60100", "600"), "USDT", ("999400", "600")),
        (lambda desk: desk.stop_market("alice", "sell", "59900", "3"), "BTC", ("7", "3")),
    ],
)
def test_a_waiting_stop_is_open_and_frozen_but_not_in_the_book(
    desk: Desk, place: Callable[[Desk], Order], asset: str, wallet: tuple[str, str]
) -> None:
    update_id = desk.exchange.update_id(MARKET)
    order = place(desk)
    assert desk.said() == ["1 OPEN 3?", f"balance {asset}"]
    assert desk.wallet("alice", asset) == wallet
    assert desk.exchange.open_orders_of("alice") == [order]
    assert (order.status, order.is_waiting, order.left) == (Status.OPEN, True, order.amount)
    assert (desk.bids(), desk.asks(), desk.exchange.update_id(MARKET)) == ([], [], update_id)
    desk.trade("59950")
    desk.trade("60050")
    assert state(desk, "alice", order) == order


def cancel_one(desk: Desk, order: Order) -> None:
    desk.cancel("alice", order)


def cancel_in_bulk(desk: Desk, order: Order) -> None:
    desk.exchange.cancel_bulk("alice", [{"market": MARKET, "orderId": order.id}])


def cancel_all(desk: Desk, order: Order) -> None:
    desk.exchange.cancel_all("alice", CancelAllRequest(order.market, ["spot"]))


def let_the_kill_switch_fire(desk: Desk, order: Order) -> None:
    desk.exchange.kill_switch("alice", KillSwitchRequest(order.market, "5"))
    desk.exchange.tick(START + 6)


@pytest.mark.parametrize("end", [cancel_one, cancel_in_bulk, cancel_all, let_the_kill_switch_fire])
def test_every_way_to_cancel_ends_a_waiting_stop(
    desk: Desk, end: Callable[[Desk, Order], None]
) -> None:
    order = desk.stop_market("alice", "buy", "60100", "600", client_order_id="s")
    desk.said()
    end(desk, order)
    assert desk.said() == ["3 CANCELED 3?", "balance USDT"]
    assert desk.wallet("alice", "USDT") == ("1000000", "0")
    ended = state(desk, "alice", order)
    assert (ended.status, ended.left, ended.is_waiting) == (Status.CANCELED, 600, True)
    desk.trade("60100")
    assert desk.said("alice") == []
    desk.stop_market("alice", "buy", "60200", "600", client_order_id="s")


# Activation


def test_an_activated_stop_limit_rests_under_its_id_as_any_limit_order(desk: Desk) -> None:
    order = desk.stop_limit("alice", "sell", "59900", "60500", "1", client_order_id="s")
    desk.now += 5
    desk.said()
    desk.trade("59900")
    assert desk.said("alice") == ["1 OPEN 3"]
    now = state(desk, "alice", order)
    assert now.activation is not None
    assert now.activation.time == START + 5
    assert (now.ctime, now.mtime) == (START, START + 5)
    assert (now.type, now.status, now.client_order_id) == (order.type, Status.OPEN, "s")
    assert desk.asks() == [("60500", "1")]
    assert desk.wallet("alice", "BTC") == ("9", "1")
    desk.limit("bob", "buy", "60500", "0.4")
    desk.limit("bob", "buy", "60500", "0.6")
    assert desk.said("alice") == [
        *("deal 3", "2 PARTIALLY_FILLED 3", "balance BTC,USDT"),
        *("deal 3", "3 FILLED 3", "balance BTC,USDT"),
    ]
    assert desk.exchange.deals_of("alice")[0].role is Role.MAKER


def test_an_activated_stop_limit_queues_behind_those_who_rested_before(desk: Desk) -> None:
    early = desk.stop_limit("alice", "sell", "59900", "60500", "1")
    resting = desk.limit("bob", "sell", "60500", "1")
    desk.trade("59900")
    desk.limit("carol", "buy", "60500", "1")
    assert state(desk, "bob", resting).status is Status.FILLED
    assert state(desk, "alice", early).left == 1


def test_an_activated_stop_limit_takes_what_it_can_and_reports_2_when_it_rests(
    desk: Desk,
) -> None:
    order = desk.stop_limit("alice", "buy", "60100", "60200", "1")
    desk.limit("carol", "sell", "60100", "0.3")
    desk.limit("carol", "sell", "60150", "0.2")
    desk.said()
    desk.limit("bob", "buy", "60100", "0.3")
    assert desk.said("alice") == [
        *("1 OPEN 3", "deal 3", "2 PARTIALLY_FILLED 3", "balance USDT,BTC"),
    ]
    now = state(desk, "alice", order)
    assert (now.left, now.deal_money) == (Decimal("0.8"), Decimal(12030))
    assert desk.wallet("alice", "USDT") == ("939810", "48160")  # the better price came back
    assert desk.bids() == [("60200", "0.8")]


def test_an_activated_stop_market_takes_and_is_over(desk: Desk) -> None:
    order = desk.stop_market("alice", "buy", "60100", "601.6")
    desk.limit("carol", "sell", "60100", "0.1")
    desk.limit("carol", "sell", "60150", "0.2")
    desk.said()
    desk.limit("bob", "buy", "60100", "0.1")
    assert desk.said("alice") == ["1 OPEN 3", "deal 3", "3 FILLED 3", "balance USDT,BTC"]
    now = state(desk, "alice", order)
    assert (now.deal_stock, now.deal_money, now.left) == (
        *(Decimal("0.010001"), Decimal("601.56015"), Decimal("0.03985")),
    )
    assert desk.wallet("alice", "USDT") == ("999398.43985", "0")
    assert desk.exchange.deals_of("alice")[0].role is Role.TAKER


@pytest.mark.parametrize("ask", [None, "6000000"])
def test_a_stop_market_that_cannot_buy_a_step_is_cancelled(desk: Desk, ask: str | None) -> None:
    desk.stop_market("alice", "buy", "60100", "5")
    desk.trade("60050")
    desk.said()
    desk.limit("carol", "sell", "60100", "0.1")
    if ask is not None:
        desk.limit("carol", "sell", ask, "0.1")
    desk.limit("bob", "buy", "60100", "0.1")
    assert desk.said("alice") == ["1 OPEN 3", "3 CANCELED 3", "balance USDT"]
    assert desk.wallet("alice", "USDT") == ("1000000", "0")


def test_prevention_acts_when_the_stop_enters_the_market(desk: Desk) -> None:
    own = desk.limit("alice", "sell", "60200", "1")
    stop = desk.stop_limit("alice", "buy", "60100", "60200", "1", stp="cn")
    desk.trade("60100")
    assert state(desk, "alice", stop).status is Status.CANCELED_STP
    assert state(desk, "alice", own).status is Status.OPEN
    assert desk.wallet("alice", "USDT") == ("1000000", "0")


def test_a_stop_that_is_met_on_arrival_fires_at_once(desk: Desk) -> None:
    order = desk.stop_limit("alice", "buy", "59900", "60200", "1")
    assert desk.said() == ["1 OPEN 3?", "1 OPEN 3", "book top", "balance USDT"]
    assert (order.is_waiting, order.status, order.left) == (False, Status.OPEN, 1)
    desk.limit("carol", "sell", "60300", "1")
    desk.said()
    taken = desk.stop_market("bob", "buy", "59900", "6030")
    assert desk.said("bob") == ["1 OPEN 5?", "1 OPEN 5", "deal 5", "3 FILLED 5", "balance USDT,BTC"]
    assert (taken.status, taken.deal_stock) == (Status.FILLED, Decimal("0.1"))


# Cycles


def test_stops_enter_the_cycle_of_the_trade_by_arrival_after_its_public_print(desk: Desk) -> None:
    desk.stop_limit("alice", "buy", "60100", "60300", "0.1")
    desk.stop_limit("alice", "buy", "60050", "60300", "0.1")
    for price in ("60100", "60200", "60250"):
        desk.limit("carol", "sell", price, "0.1")
    desk.said()
    desk.limit("bob", "buy", "60100", "0.1")
    assert desk.said() == [
        *("deal 5", "deal 8", "3 FILLED 5", "3 FILLED 8", "trade 0.1"),
        *("1 OPEN 3", "deal 6", "deal 3", "3 FILLED 6", "3 FILLED 3", "trade 0.1"),
        *("1 OPEN 4", "deal 7", "deal 4", "3 FILLED 7", "3 FILLED 4", "trade 0.1"),
        *("book top", "balance USDT,BTC", "balance BTC,USDT", "balance USDT,BTC"),
    ]


def test_stops_that_stops_set_off_come_after_those_of_the_first_trade(desk: Desk) -> None:
    orders = {
        name: desk.stop_limit("alice", "sell", trigger, "50000", "0.1", client_order_id=name)
        for name, trigger in (("first", "59900"), ("chained", "59800"), ("second", "59900"))
    }
    for price in ("59900", "59800", "59700", "59600"):
        desk.limit("carol", "buy", price, "0.1")
    desk.limit("bob", "sell", "59900", "0.1")
    got = {name: state(desk, "alice", order).deal_money for name, order in orders.items()}
    assert got == {"first": 5980, "second": 5970, "chained": 5960}
    assert desk.exchange.statistics(MARKET).last_price == 59600


@pytest.mark.parametrize(("side", "trigger"), [("buy", "59950"), ("sell", "59050")])
def test_every_fill_of_a_walk_counts_not_only_the_last(side: str, trigger: str) -> None:
    desk = Desk()
    desk.trade("59500")
    if side == "buy":  # met by the first of two falling prices
        desk.limit("carol", "buy", "60000", "0.1")
        desk.limit("carol", "buy", "59900", "0.1")
        order = desk.stop_limit("alice", side, trigger, "58000", "0.1")
        desk.limit("bob", "sell", "59900", "0.2")
    else:  # met by the first of two rising prices
        desk.limit("carol", "sell", "59000", "0.1")
        desk.limit("carol", "sell", "59100", "0.1")
        order = desk.stop_limit("alice", side, trigger, "61000", "0.1")
        desk.limit("bob", "buy", "59100", "0.2")
    assert not state(desk, "alice", order).is_waiting


class Watcher:
    """Says from public trades alone which stop order has to be activated next."""

    def __init__(self) -> None:
        self.last = Decimal(0)
        self.waiting: dict[int, Order] = {}
        self.met: set[int] = set()
        self.round: list[int] = []
        self.activated = 0

    def see(self, event: Event) -> None:
        if isinstance(event, TradeEvent):
            self.last = event.trade.price
            met = {number for number, order in self.waiting.items() if self.is_met(order)}
            self.met |= met - set(self.round)
        elif isinstance(event, OrderEvent):
            self.see_order(event.event, event.order)

    def see_order(self, kind: OrderEventKind, order: Order) -> None:
        if order.is_waiting and kind is OrderEventKind.NEW:
            self.waiting[order.id] = order
            if self.is_met(order):
                self.met.add(order.id)
        elif order.is_waiting:
            assert kind is OrderEventKind.FINISHED
            assert order.id not in self.met
            del self.waiting[order.id]
        elif self.waiting.pop(order.id, None):
            self.activated += 1
            assert kind is OrderEventKind.NEW
            if not self.round:
                self.round = sorted(self.met)
                self.met.clear()
            assert self.round.pop(0) == order.id

    def is_met(self, order: Order) -> bool:
        assert order.activation is not None
        return order.activation.is_met(self.last, self.last)


stops = st.lists(
    st.tuples(
        st.sampled_from(["alice", "bob", "carol"]),
        st.sampled_from([("buy", 1), ("sell", -1)]),
        st.integers(1, 3),
        st.integers(-3, 3),
    ),
    min_size=4,
    max_size=10,
)


@settings(max_examples=80, deadline=None)
@given(stops, operations(spread=3, at_least=15))
def test_exactly_the_stops_that_trades_meet_are_activated_round_by_round(
    placed: list[tuple[str, tuple[str, int], int, int]],
    steps: list[tuple[str, tuple[object, ...]]],
) -> None:
    desk, watcher = Desk(), Watcher()
    desk.exchange.listeners.append(watcher.see)
    desk.trade("60000")
    for who, (side, direction), away, limit in placed:
        cents = Decimal("0.01")
        desk.stop_limit(who, side, 60000 + cents * direction * away, 60000 + cents * limit, "0.1")
    for name, arguments in steps:
        with suppress(VenueError):
            perform(desk, name, arguments)
        assert not watcher.met
        assert not watcher.round


def test_orders_before_deals_holds_within_each_part_of_a_cycle() -> None:
    desk = Desk(ExchangeOptions(deals_before_orders=False))
    desk.trade("60000")
    desk.stop_market("alice", "sell", "59900", "0.1")
    desk.limit("carol", "buy", "59900", "0.2")
    desk.said()
    desk.limit("bob", "sell", "59900", "0.1")
    assert [text for text in desk.said() if text[0] in "123dt"] == [
        *("2 PARTIALLY_FILLED 4", "3 FILLED 5", "deal 4", "deal 5", "trade 0.1"),
        *("1 OPEN 3", "3 FILLED 4", "3 FILLED 3", "deal 4", "deal 3", "trade 0.1"),
    ]


def test_the_simulated_market_fires_stops() -> None:
    desk = Desk(ExchangeOptions(traded_markets=(MARKET,)))
    desk.exchange.tick(START + 10)
    last = desk.exchange.statistics(MARKET).last_price
    assert last is not None
    orders = [
        desk.stop_market("alice", side, last + step, amount)
        for side, step, amount in (("buy", 1, "60"), ("sell", -1, "0.001"))
    ]
    desk.exchange.tick(START + 40)
    fired = [state(desk, "alice", order) for order in orders]
    assert Status.FILLED in {order.status for order in fired}
    for order in fired:
        assert (order.status is Status.FILLED) != order.is_waiting
