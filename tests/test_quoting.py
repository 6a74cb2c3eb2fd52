"""Desired-state quoting: what rests at the venue is what was wished last, and never more."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal

import pytest

from tests.gateway_rig import (
    MARKET,
    Recorder,
    Rig,
    Truth,
    config_for,
    gateway,
    live,
    orders_config,
    until,
)
from whitewire import Book, _core
from whitewire.venue import Venue
from whitewire.venue.values.events import OrderEvent
from whitewire.venue.values.model import Side, Status

Quotes = list[tuple[Decimal, Decimal]]
WIDEST = 5


def quotes_of(bids: Quotes, asks: Quotes) -> set[tuple[str, Decimal, Decimal]]:
    return {("buy", *quote) for quote in bids} | {("sell", *quote) for quote in asks}


def wish(rng: random.Random) -> tuple[Quotes, Quotes]:
    """Up to five quotes a side around a middle that moves farther than the spread is wide."""
    middle = Decimal(60000) + rng.randint(-2_000, 2_000) / Decimal(100)

    def side(sign: int) -> Quotes:
        first = Decimal(rng.randint(1, 300)) / 100
        count = rng.choice((0, 1, 3, 3, WIDEST))
        return [
            (middle + sign * (first + i), Decimal(rng.randint(10, 20)) / 1000) for i in range(count)
        ]

    return side(-1), side(1)


class Watch:
    """Counts at the venue, at every change of an order of ours, what must never be."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.crowded = 0
        self.crossed = 0
        self.self_trades = 0
        self.live: dict[int, tuple[Side, Decimal]] = {}
        truth.venue.call(lambda exchange: exchange.listeners.append(self.look))

    def look(self, event: object) -> None:
        if not isinstance(event, OrderEvent) or event.account != self.truth.me:
            return
        order = event.order
        if order.is_finished:
            self.live.pop(order.id, None)
            self.self_trades += order.status is Status.CANCELED_STP
        else:
            self.live[order.id] = (order.side, order.price or Decimal(0))
        bids = [price for side, price in self.live.values() if side is Side.BUY]
        asks = [price for side, price in self.live.values() if side is Side.SELL]
        self.crowded += max(len(bids), len(asks)) > WIDEST
        self.crossed += bool(bids and asks and max(bids) >= min(asks))


def is_settled(rig: Rig) -> bool:
    return all(order.state == "open" and not order.in_flight for order in rig.gw.open_orders())


async def wish_until_true(rig: Rig, bids: Quotes, asks: Quotes) -> None:
    """Repeats a wish as a strategy does with each book, since a refused quote is not repeated.

    There are fewer places in flight than quotes, and the gate refuses a quote that would cross
    the book in sight, in which our own former quotes stand for up to 100 ms.
    """
    wanted = quotes_of(bids, asks)
    for _ in range(100):
        rig.gw.set_quotes(MARKET, bids, asks)
        await until(lambda: is_settled(rig))
        if rig.truth.quotes() == wanted:
            return
        await asyncio.sleep(0.01)
    assert rig.truth.quotes() == wanted


@pytest.mark.parametrize(("seed", "transport"), [(1, "pipelined"), (2, "pipelined"), (3, "bulk")])
@live
async def test_random_wishes_come_true_and_nothing_else(
    venue: Venue, truth: Truth, seed: int, transport: str
) -> None:
    rng = random.Random(seed)
    watch = Watch(truth)
    orders = orders_config(transport=transport, in_flight=3, cancel_reserve=1)
    async with gateway(venue, config=config_for(venue, orders=orders), truth=truth) as rig:
        for step in range(200):
            bids, asks = wish(rng)
            rig.gw.set_quotes(MARKET, bids, asks)
            if rng.random() < 0.3:
                await asyncio.sleep(rng.random() * 0.004)
            if step % 10 == 9:
                await wish_until_true(rig, bids, asks)
        assert (watch.crowded, watch.crossed, watch.self_trades) == (0, 0, 0)
        assert rig.gw.counts["illegal"] == 0
        assert rig.gw.counts["unknown"] == 0


@live
async def test_quotes_survive_fills_in_the_middle(venue: Venue, truth: Truth) -> None:
    rng = random.Random(7)
    watch = Watch(truth)
    async with gateway(venue, truth=truth) as rig:
        for _ in range(40):
            bids, asks = wish(rng)
            rig.gw.set_quotes(MARKET, bids, asks)
            await asyncio.sleep(rng.random() * 0.004)
            if best := rng.choice([bids, asks])[:1]:
                side = "sell" if best[0] in bids else "buy"
                truth.make(side, best[0][0], "0.004", ioc=True)
        rig.gw.set_quotes(MARKET, [], [])
        await until(lambda: not truth.orders())
        await until(lambda: len(rig.seen.fills) == len(truth.deals()))
        keys = {(fill.deal_id, fill.venue_id) for fill in rig.seen.fills}
        assert keys == {(deal.id, deal.order_id) for deal in truth.deals()}
        assert len(truth.deals()) > 3
        assert (watch.crowded, watch.crossed, watch.self_trades) == (0, 0, 0)


@live
async def test_a_wish_that_had_to_wait_is_taken_up_by_itself(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        for price in (60000, 60001, 60002):  # the first is on its way when the others come
            rig.gw.set_quotes(MARKET, [(price, "0.01")], [])
        await until(lambda: truth.quotes() == {("buy", Decimal(60002), Decimal("0.01"))})
        assert (rig.gw.counts["sent"], rig.gw.counts["modifies"]) == (1, 1)
        rig.gw.set_quotes(MARKET, [(60003, "0.01")], [])
        rig.gw.set_quotes(MARKET, [], [])
        await until(lambda: not rig.gw.open_orders())
        assert truth.orders() == []


@live
async def test_a_quote_within_the_tolerance_is_left_alone(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        rig.gw.set_quotes(MARKET, [(60000, "0.01")], [(60010, "0.01")])
        await until(lambda: is_settled(rig))
        ids = {order.id for order in truth.orders()}
        rig.gw.set_quotes(MARKET, [("60000.05", "0.01")], [("60009.95", "0.01")], tolerance_ticks=5)
        rig.gw.set_quotes(MARKET, [(60000, "0.01")], [(60010, "0.01")])
        assert {order.id for order in truth.orders()} == ids
        assert rig.gw.counts["modifies"] == 0
        rig.gw.set_quotes(MARKET, [("60000.06", "0.01")], [(60010, "0.01")], tolerance_ticks=5)
        await until(lambda: is_settled(rig))
        assert truth.quotes() == quotes_of(
            [(Decimal("60000.06"), Decimal("0.01"))], [(Decimal(60010), Decimal("0.01"))]
        )


@live
async def test_quotes_are_rounded_to_the_passive_side(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        third = Decimal(1) / 3
        rig.gw.set_quotes(MARKET, [(60000 + third, third / 10)], [(60010 + third, "0.0100009")])
        await until(lambda: is_settled(rig))
        assert truth.quotes() == {
            ("buy", Decimal("60000.33"), Decimal("0.033333")),
            ("sell", Decimal("60010.34"), Decimal("0.01")),
        }


@live
async def test_a_bid_at_our_own_ask_is_dropped(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        rig.gw.set_quotes(MARKET, [(60000, "0.01")], [(60000, "0.01")])
        await until(lambda: is_settled(rig))
        assert {side for side, _, _ in truth.quotes()} == {"sell"}
        assert rig.gw.counts["quotes-dropped"] == 1


class Follower(Recorder):
    """Quotes from within its callbacks: wide while another's bid is the best one, then closer.

    Its own quotes, whose deltas may come in any company, decide nothing.
    """

    has_seen_it = False

    def on_book(self, book: Book) -> None:
        super().on_book(book)
        assert book.best_bid is not None
        is_there = book.best_bid[0] == OTHERS_BID
        self.has_seen_it |= is_there
        if self.has_seen_it:
            half = 3000 if is_there else 2000
            gw = self.named("on_start")[0][0]
            gw.set_quotes(MARKET, [(60000 - half, "0.01")], [(60000 + half, "0.01")])


OTHERS_BID = 59500


@live
async def test_placements_leave_at_once_and_changes_in_one_write(
    venue: Venue, truth: Truth
) -> None:
    config = config_for(venue, orders=orders_config(connections=1, in_flight=8))
    async with gateway(venue, Follower(), config, truth=truth) as rig:
        tick_to_trade = _core.STAGES.index("tick_to_trade")
        first = truth.make("buy", OTHERS_BID, "0.1")
        await until(lambda: len(truth.orders()) == 2 and is_settled(rig))
        assert rig.gw.engine.stage(tick_to_trade).count == 2
        truth.unmake(first)
        await until(lambda: rig.gw.counts["modifies"] == 2 and is_settled(rig))
        assert rig.gw.engine.stage(tick_to_trade).count == 3
        assert truth.quotes() == quotes_of(
            [(Decimal(58000), Decimal("0.01"))], [(Decimal(62000), Decimal("0.01"))]
        )


@live
async def test_nothing_is_remembered_of_a_wish_that_may_not_be_placed(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        rig.gw.set_armed(MARKET, False)
        rig.gw.set_quotes(MARKET, [(60000, "0.01")], [])
        rig.gw.set_armed(MARKET, True)
        await asyncio.sleep(0.05)
        assert rig.gw.counts["quotes-ignored"] == 1
        assert truth.placed() == 0
