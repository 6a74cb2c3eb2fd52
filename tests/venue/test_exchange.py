"""The venue as a whole: conservation, determinism, bulk requests and time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venue.desk import MARKET, START, Desk, account
from tests.venue.test_fields import json_values
from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.events import BookEvent, OrderEvent, OrderEventKind
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import ZERO, Level, Order, OrderType, Side, Status, VenueError
from whitewire.venue.values.requests import (
    CancelAllRequest,
    CancelRequest,
    ExecutedHistoryQuery,
    KillSwitchRequest,
    LimitRequest,
    MarketRequest,
    ModifyRequest,
    OpenOrdersQuery,
    OrderDealsQuery,
    OrderHistoryQuery,
    StopRequest,
)

NAMES = ("alice", "bob", "carol")
LEG = {"market": MARKET, "side": "buy", "amount": "1", "price": "50000"}

# Arbitrary sequences of operations


@st.composite
def operations(
    draw: st.DrawFn, spread: int = 100, at_least: int = 5
) -> list[tuple[str, tuple[object, ...]]]:
    """Steps around 60000; the smaller the spread in cents, the more trades and activations."""
    who = st.sampled_from(NAMES)
    side = st.sampled_from(["buy", "sell"])
    price = st.integers(6_000_000 - spread, 6_000_000 + spread).map(
        lambda cents: Decimal(cents).scaleb(-2)
    )
    amount = st.integers(100, 3_000_000).map(lambda micros: Decimal(micros).scaleb(-6))
    money = st.integers(500, 9_000_000).map(lambda cents: Decimal(cents).scaleb(-2))
    stp = st.sampled_from(["no", "cb", "cn", "co"])
    flag = st.sampled_from(
        [{}, {"post_only": True}, {"ioc": True}, {"rpi": True}, {"retail": True}]
    )
    pick = st.integers(0, 20)
    stop = st.tuples(st.just("stop"), st.tuples(who, side, price, price | st.none(), amount, money))
    operation = st.one_of(
        stop,
        stop,
        st.tuples(st.just("limit"), st.tuples(who, side, price, amount, stp, flag)),
        st.tuples(st.just("limit"), st.tuples(who, side, price, amount, stp, flag)),
        st.tuples(st.just("market"), st.tuples(who, side, money, amount, stp)),
        st.tuples(st.just("stock_market"), st.tuples(who, side, amount, amount, stp)),
        st.tuples(st.just("cancel"), st.tuples(who, pick)),
        st.tuples(st.just("modify"), st.tuples(who, pick, price, amount)),
        st.tuples(st.just("modify_stop"), st.tuples(who, pick, price, amount, money)),
        st.tuples(st.just("cancel_all"), st.tuples(who)),
    )
    return draw(st.lists(operation, min_size=at_least, max_size=40))


def perform(desk: Desk, name: str, arguments: tuple[object, ...]) -> None:
    who = str(arguments[0])
    if name == "limit":
        _, side, price, amount, stp, flags = arguments
        assert isinstance(flags, dict)
        desk.limit(who, str(side), price, amount, stp=stp, **flags)
    elif name in ("market", "stock_market"):
        _, side, buy_amount, sell_amount, stp = arguments
        amount = buy_amount if side == "buy" else sell_amount
        getattr(desk, name)(who, side, amount, stp=stp)
    elif name == "stop":
        _, side, trigger, price, amount, money = arguments
        if price is not None:
            desk.stop_limit(who, str(side), trigger, price, amount)
        else:
            desk.stop_market(who, str(side), trigger, money if side == "buy" else amount)
    elif name == "cancel_all":
        desk.exchange.cancel_all(who, CancelAllRequest(MARKET))
    else:
        orders = desk.exchange.open_orders_of(who)
        if not orders:
            return
        assert isinstance(arguments[1], int)
        order = orders[arguments[1] % len(orders)]
        if name == "cancel":
            desk.cancel(who, order)
        elif name == "modify_stop":
            modify_stop(desk, who, order, *arguments[2:])
        else:
            desk.modify(who, order, price=arguments[2], amount=arguments[3])


def modify_stop(
    desk: Desk, who: str, order: Order, price: object, amount: object, money: object
) -> None:
    """Changes everything that an order of this kind has."""
    is_money_sized = order.price is None and order.side is Side.BUY
    size = {"total": money} if is_money_sized else {"amount": amount}
    fields = {} if order.price is None else {"price": price}
    trigger = {"activation_price": price} if order.is_waiting else {}
    desk.modify(who, order, **size, **fields, **trigger)


def check_books(desk: Desk) -> None:
    """What must hold at any time of every wallet, order and level."""
    frozen: dict[tuple[str, str], Decimal] = {}
    levels: dict[tuple[Side, Decimal], Decimal] = {}
    for name in NAMES:
        for order in desk.exchange.open_orders_of(name):
            asset, price = "BTC", Decimal(1)
            if order.side is Side.BUY:
                asset, price = "USDT", order.price or Decimal(1)
            due = order.left * price
            assert order.frozen == due
            assert order.left + order.deal_stock == order.amount
            frozen[name, asset] = frozen.get((name, asset), ZERO) + due
            check_waits(desk, order)
            if not order.rpi and not order.is_waiting:
                assert order.price is not None
                level = order.side, order.price
                levels[level] = levels.get(level, ZERO) + order.left
        for asset in ("BTC", "USDT"):
            wallet = desk.exchange.balances(name)[asset]
            assert wallet.available >= 0
            assert wallet.freeze == frozen.get((name, asset), ZERO)
    bids, asks = desk.exchange.depth(MARKET, 1000)
    assert {(Side.BUY, *level) for level in bids} | {(Side.SELL, *level) for level in asks} == {
        (side, price, amount) for (side, price), amount in levels.items()
    }
    assert not bids or not asks or bids[0].price < asks[0].price


def check_waits(desk: Desk, order: Order) -> None:
    """A stop order waits exactly until a trade meets it."""
    if order.activation is not None:
        last = desk.exchange.statistics(MARKET).last_price
        assert last is not None
        assert not (order.is_waiting and order.activation.is_met(last, last))


@settings(max_examples=80, deadline=None)
@given(operations())
def test_no_unit_is_ever_made_or_lost(steps: list[tuple[str, tuple[object, ...]]]) -> None:
    desk = Desk()
    desk.trade("60000")
    totals = {asset: desk.total(asset) for asset in ("BTC", "USDT", "ETH")}
    for name, arguments in steps:
        before = (desk.exchange.update_id(MARKET), desk.exchange.depth(MARKET, 1000))
        try:
            perform(desk, name, arguments)
        except VenueError:
            after = (desk.exchange.update_id(MARKET), desk.exchange.depth(MARKET, 1000))
            assert after == before
        check_books(desk)
    assert {asset: desk.total(asset) for asset in totals} == totals
    check_order_events(desk)


def check_order_events(desk: Desk) -> None:
    """Every order's story is told in order: 1 once and first, again when activated, 3 last."""
    finished: set[int] = set()
    opened: set[int] = set()
    waiting: set[int] = set()
    for event in desk.events:
        if not isinstance(event, OrderEvent):
            continue
        order = event.order
        assert order.id not in finished
        if event.event is OrderEventKind.NEW:
            assert (order.id in opened) <= (order.id in waiting and not order.is_waiting)
            (waiting.add if order.is_waiting else waiting.discard)(order.id)
            opened.add(order.id)
        elif event.event is OrderEventKind.CHANGED:
            assert order.id in opened
            assert order.status is Status.PARTIALLY_FILLED
        else:
            assert order.is_finished
            assert (order.id in waiting) == order.is_waiting
            finished.add(order.id)
    alive = {order.id for name in NAMES for order in desk.exchange.open_orders_of(name)}
    assert alive == opened - finished


@settings(max_examples=15, deadline=None)
@given(operations(), st.integers(0, 3))
def test_the_same_seed_and_calls_give_the_same_events(
    steps: list[tuple[str, tuple[object, ...]]], seed: int
) -> None:
    desks = [Desk(ExchangeOptions(traded_markets=(MARKET,)), seed=seed) for _ in range(2)]
    for desk in desks:
        for name, arguments in steps:
            desk.now += 0.07
            with suppress(VenueError):
                perform(desk, name, arguments)
    assert repr(desks[0].events) == repr(desks[1].events)


# Arbitrary JSON in every field


KEYS = (
    *(
        "activation_price",
        "side",
        "amount",
        "price",
        "clientOrderId",
        "postOnly",
        "ioc",
        "bboRole",
        "stp",
        "rpi",
    ),
    *("retail", "orderId", "total", "activationPrice", "timeout", "types", "type", "status"),
    *("startDate", "endDate", "limit", "offset"),
)
bodies = st.dictionaries(st.sampled_from(KEYS), json_values)


@settings(deadline=None)
@given(bodies, st.sampled_from([None, MARKET]) | json_values)
def test_whatever_the_json_holds_the_answer_is_a_value_or_a_refusal(
    fields: dict[str, object], market: object
) -> None:
    desk = Desk()
    desk.trade("60000")
    desk.limit("bob", "sell", "60000", "1")
    body = {**fields, "market": market}
    exchange = desk.exchange
    calls: list[Callable[[], object]] = [
        lambda: exchange.place("alice", LimitRequest.from_body(body)),
        lambda: exchange.place("alice", MarketRequest.from_body(OrderType.MARKET, body)),
        lambda: exchange.place("alice", MarketRequest.from_body(OrderType.STOCK_MARKET, body)),
        lambda: exchange.place("alice", StopRequest.from_body(OrderType.STOP_LIMIT, body)),
        lambda: exchange.place("alice", StopRequest.from_body(OrderType.STOP_MARKET, body)),
        lambda: exchange.place_bulk("alice", [body, body], market),
        lambda: exchange.modify("alice", ModifyRequest.from_body(body)),
        lambda: exchange.cancel("alice", CancelRequest.from_body(body)),
        lambda: exchange.cancel_bulk("alice", [body]),
        lambda: exchange.cancel_all("alice", CancelAllRequest.from_body(body)),
        lambda: exchange.kill_switch("alice", KillSwitchRequest.from_body(body)),
        lambda: exchange.kill_switch_status("alice", market),
        lambda: exchange.balance("alice", market),
        lambda: exchange.open_orders("alice", OpenOrdersQuery.from_body(body)),
        lambda: exchange.order_deals("alice", OrderDealsQuery.from_body(body)),
        lambda: exchange.executed_history("alice", ExecutedHistoryQuery.from_body(body)),
        lambda: exchange.order_history("alice", OrderHistoryQuery.from_body(body)),
    ]
    for call in calls:
        with suppress(VenueError):
            call()
    assert desk.total("BTC") == 30


# Bulk


def outcome(desk: Desk, results: list[Order | VenueError]) -> list[object]:
    return [
        result.code if isinstance(result, VenueError) else desk.number(result.id)
        for result in results
    ]


def test_bulk_legs_succeed_and_fail_on_their_own() -> None:
    desk = Desk()
    legs = [LEG, {**LEG, "amount": "1000"}, "nonsense", {**LEG, "market": "ETH_USDT"}]
    results = desk.exchange.place_bulk("alice", legs)
    assert outcome(desk, results) == [1, 10, 30, 2]
    refusal = results[1]
    assert isinstance(refusal, VenueError)
    assert (refusal.message, refusal.errors) == (
        "Inner validation failed",
        {"amount": ["Not enough balance."]},
    )
    assert [text for text in desk.said() if text[0] == "1"] == ["1 OPEN 1", "1 OPEN 2"]


def test_stop_on_fail_ends_with_the_failed_leg() -> None:
    legs = [LEG, {**LEG, "side": "x"}, LEG]
    desk = Desk()
    assert outcome(desk, desk.exchange.place_bulk("alice", legs, True)) == [1, 30]
    desk = Desk(ExchangeOptions(stop_on_fail_reports_failure=False))
    assert outcome(desk, desk.exchange.place_bulk("alice", legs, True)) == [1]
    assert len(desk.exchange.open_orders_of("alice")) == 1


def test_bulk_legs_share_one_time_unless_a_gap_is_asked_for() -> None:
    for gap_us, expected in ((0, [START, START]), (1_000, [START, START + 0.001])):
        desk = Desk(ExchangeOptions(bulk_leg_gap_us=gap_us))
        desk.exchange.place_bulk("alice", [LEG, LEG])
        times = sorted(order.ctime for order in desk.exchange.open_orders_of("alice"))
        assert times == pytest.approx(expected, abs=1e-6)


# Time, counters, listing


def test_engine_time_never_runs_backwards() -> None:
    desk = Desk()
    desk.now = START + 5
    first = desk.limit("alice", "buy", "50000", "1")
    desk.now = START
    second = desk.limit("alice", "buy", "50000", "1")
    assert (first.ctime, second.ctime) == (START + 5, START + 5)


def test_each_cycle_announces_the_counter_that_depth_then_has() -> None:
    desk = Desk()
    desk.exchange.listeners.append(
        lambda event: (
            seen.append((event.update_id, desk.exchange.update_id(MARKET)))
            if isinstance(event, BookEvent)
            else None
        )
    )
    seen: list[tuple[int, int]] = []
    first = desk.exchange.update_id(MARKET)
    desk.limit("alice", "sell", "60000", "1")
    desk.limit("alice", "sell", "60001", "1")
    desk.limit("bob", "buy", "60001", "3")
    assert seen == [(first + 1, first + 1), (first + 2, first + 2), (first + 5, first + 5)]
    assert desk.exchange.book_time(MARKET) == START


def test_the_top_says_when_it_last_changed() -> None:
    desk = Desk()
    desk.limit("alice", "sell", "60000", "1")
    desk.now += 1
    desk.limit("alice", "sell", "60001", "1")
    top = desk.exchange.top(MARKET)
    assert (top.time, top.bid) == (START, None)
    assert top.ask == Level(Decimal(60000), Decimal(1))
    assert top.update_id == desk.exchange.update_id(MARKET) - 1


def test_internal_accounts_are_not_listed() -> None:
    desk = Desk(ExchangeOptions(traded_markets=(MARKET,)))
    assert set(desk.exchange.accounts) == set(NAMES)


def test_kill_switches_and_traders_share_one_order_of_time() -> None:
    desk = Desk(ExchangeOptions(traded_markets=(MARKET,)))
    desk.exchange.kill_switch("alice", KillSwitchRequest(MARKET, "5"))
    resting = desk.limit("alice", "buy", "50000", "1")
    desk.exchange.tick(START + 20)
    ended = desk.exchange.finished_orders_of("alice")
    assert [(order.id, order.mtime) for order in ended] == [(resting.id, START + 5)]


@pytest.mark.parametrize(
    ("accounts", "traded", "match"),
    [
        ([account("a"), account("a")], (), "share a name"),
        ([account("a"), account("b", key="key-a")], (), "share a name or a key"),
        ([account("simulated-makers")], (), "share a name"),
        ([account("a")], ("X_Y",), "no such market to trade: X_Y"),
    ],
)
def test_a_nonsensical_venue_is_refused(
    accounts: list[object], traded: tuple[str, ...], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        Exchange(
            default_markets(),
            accounts,  # type: ignore[arg-type]
            seed=1,
            clock=lambda: START,
            options=ExchangeOptions(traded_markets=traded),
        )


def test_unknown_names_are_key_errors() -> None:
    desk = Desk()
    with pytest.raises(KeyError):
        desk.exchange.balances("nobody")
    with pytest.raises(KeyError):
        desk.exchange.depth("X_Y", 5)
