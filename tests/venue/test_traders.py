"""The simulated market: deep, two-sided, lively, and deaf to users."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venue.desk import MARKET, START, Desk
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.events import DealEvent, Event, OrderEvent, OrderEventKind, TradeEvent
from whitewire.venue.values.model import PublicTrade, Side
from whitewire.venue.values.money import is_multiple

MARKETS = ["BTC_USDT", "ETH_USDT", "ETH_BTC", "DBTC_DUSDT", "SHIB_USDT", "PEPE_USDT"]


def traded(market: str = MARKET, seed: int = 1) -> Desk:
    return Desk(ExchangeOptions(traded_markets=(market,)), seed=seed)


def run(desk: Desk, seconds: float, step_s: float = 0.1) -> list[Event]:
    end = desk.now + seconds
    while desk.now < end:
        desk.now = min(desk.now + step_s, end)
        desk.exchange.tick(desk.now)
    return desk.events


@pytest.mark.parametrize("market", MARKETS)
def test_the_book_stays_deep_uncrossed_and_on_the_grid(market: str) -> None:
    desk = traded(market)
    spec = desk.exchange.markets[market]
    for _ in range(30):
        bids, asks = desk.exchange.depth(market, 500)
        assert min(len(bids), len(asks)) >= 120
        assert bids[0].price < asks[0].price
        assert asks[0].price - bids[0].price < spec.reference_price / 500
        for price, amount in bids + asks:
            assert is_multiple(price, spec.tick_size)
            assert is_multiple(amount, spec.step_size)
            assert amount > 0
        run(desk, 2)


def test_the_tape_and_the_book_move_many_times_a_second() -> None:
    desk = traded()
    seconds = 30
    events = run(desk, seconds)
    trades = [event.trade for event in events if isinstance(event, TradeEvent)]
    assert 3 * seconds < len(trades) < 15 * seconds
    assert {trade.side for trade in trades} == set(Side)
    assert 20 * seconds < desk.exchange.update_id(MARKET) - 22_216_665_449 < 400 * seconds
    assert len({trade.price for trade in trades}) > seconds


def test_quotes_at_the_touch_are_filled_within_seconds_on_both_sides() -> None:
    desk = traded()
    first_fill: dict[Side, float] = {}
    live: dict[Side, int] = {}
    for _ in range(150):
        run(desk, 0.2)
        top = desk.exchange.top(MARKET)
        for side, level in ((Side.BUY, top.bid), (Side.SELL, top.ask)):
            assert level is not None
            for order in desk.exchange.open_orders_of("alice"):
                if order.id == live.get(side) and order.price != level.price:
                    desk.cancel("alice", order)
            if live.get(side) not in {order.id for order in desk.exchange.open_orders_of("alice")}:
                live[side] = desk.limit("alice", side.value, level.price, "0.01").id
    partial = False
    for event in desk.events:
        if isinstance(event, DealEvent):
            first_fill.setdefault(event.deal.side, event.deal.time - START)
        if isinstance(event, OrderEvent) and event.event is OrderEventKind.CHANGED:
            partial = True
    assert partial
    assert set(first_fill) == set(Side)
    assert max(first_fill.values()) < 15


def test_the_same_seed_gives_the_same_market_however_often_it_is_ticked() -> None:
    coarse, fine, other = traded(), traded(), traded(seed=2)
    run(coarse, 10, step_s=1.0)
    run(fine, 10, step_s=0.013)
    run(other, 10)
    assert coarse.events == fine.events
    assert coarse.events != other.events
    assert coarse.exchange.depth(MARKET, 500) == fine.exchange.depth(MARKET, 500)


def test_users_change_what_they_meet_but_not_the_market() -> None:
    quiet, busy = traded(), traded()
    for _ in range(20):
        run(quiet, 0.5)
        run(busy, 0.5)
        busy.market("alice", "buy", "20000")
        busy.market("alice", "sell", "0.3")
    # Once everything that the user took has been renewed, both books are one again.
    run(quiet, 40)
    run(busy, 40)
    prices = [{level.price for level in quiet.exchange.depth(MARKET, 500)[side]} for side in (0, 1)]
    same = [{level.price for level in busy.exchange.depth(MARKET, 500)[side]} for side in (0, 1)]
    for left, right in zip(prices, same, strict=True):
        assert len(left & right) > 0.9 * max(len(left), len(right))


def test_makers_trade_with_users_and_never_with_each_other() -> None:
    desk = traded()
    run(desk, 20)
    trades: list[PublicTrade] = desk.exchange.recent_trades(MARKET, 1000)
    assert trades
    # A user's quote through the fair price is taken.
    ask = desk.exchange.top(MARKET).ask
    assert ask is not None
    order = desk.limit("alice", "buy", ask.price + 100, "1")
    run(desk, 5)
    assert order.id not in {kept.id for kept in desk.exchange.open_orders_of("alice")}


def test_a_long_pause_is_skipped() -> None:
    desk = traded()
    desk.now += 10_000
    desk.exchange.tick(desk.now)
    last = desk.exchange.recent_trades(MARKET, 1)[0]
    assert last.time > desk.now - 5
    assert len(desk.exchange.recent_trades(MARKET, 1000)) < 1000
    due = desk.exchange.next_due()
    assert due is not None
    assert desk.now < due < desk.now + 1


def test_only_traded_markets_have_a_book() -> None:
    desk = traded()
    run(desk, 1)
    assert desk.exchange.depth("ETH_USDT", 10) == ([], [])
    assert desk.exchange.statistics("ETH_USDT").last_price is None
    assert desk.exchange.statistics(MARKET).stock_volume > Decimal(0)
