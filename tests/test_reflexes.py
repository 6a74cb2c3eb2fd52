"""Rules at work on the embedded venue: bytes before callbacks, books that agree with the venue."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from tests.gateway_rig import (
    LIMITS,
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
from whitewire import Book, Follow, Order, Pull, Side, Ticker, UsageError
from whitewire._bridge import now_ns
from whitewire.allowance import NONCES
from whitewire.gateway import Gateway
from whitewire.protocol.nonce import NonceAllocator
from whitewire.reflexes import Reflex
from whitewire.venue import Venue

PLACE, MODIFY = "/api/v4/order/new", "/api/v4/order/modify"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(first, one behind the last) of each row of nonces that is given."""
    found: list[tuple[int, int]] = []
    reserve = NonceAllocator.reserve

    def noting(self: NonceAllocator, count: int, now_ms: int) -> int:
        first = reserve(self, count, now_ms)
        if count > 1 or found:
            found.append((first, first + count))
        return first

    monkeypatch.setattr(NonceAllocator, "reserve", noting)
    return found


class Watcher(Recorder):
    """Also notes, at each look at a book or ticker, what had left for an order by then.

    Attributes:
        order: which one.
        looks: best bid, the order's state, its requests in flight, and whether the last of them
            was handed to its socket.
    """

    def __init__(self, *markets: str) -> None:
        super().__init__(*markets)
        self.order: Order | None = None
        self.looks: list[tuple[Decimal, str, int, bool]] = []

    def _look(self, bid: tuple[Decimal, Decimal] | None) -> None:
        if self.order is not None and bid is not None:
            carrier = self.order.carrier
            is_written = carrier is not None and carrier.oldest_age_ns(now_ns()) > 0
            state = str(self.order.state)
            self.looks.append((bid[0], state, self.order.in_flight, is_written))

    def on_book(self, book: Book) -> None:
        self._look(book.best_bid)

    def on_ticker(self, ticker: Ticker) -> None:
        self._look(ticker.bid)


def in_step(rig: Rig) -> bool:
    """Whether the bridge counts what is in flight as the pipelines do."""
    lanes = [lane for lane in rig.gw.entry.lanes if lane.connection is not None]
    return all(
        lane.connection is not None and lane.connection.in_flight == lane.pipeline.in_flight
        for lane in lanes
    )


async def settled(rig: Rig) -> None:
    """Returns when nothing is in flight and the table of orders is the venue's."""
    gw, truth = rig.gw, rig.truth

    def agrees() -> bool:
        ours = {(o.side.value, o.price, o.left) for o in gw.open_orders(MARKET) if o.in_flight == 0}
        return not any(o.in_flight for o in gw.open_orders()) and ours == truth.quotes()

    await until(agrees)
    assert in_step(rig)


@live
async def test_a_pull_is_on_the_wire_before_any_callback_sees_the_top(
    venue: Venue, truth: Truth
) -> None:
    seen = Watcher()
    wall = truth.make("buy", 59500, "0.5")
    truth.make("buy", 59300, "0.5")
    async with gateway(venue, seen, truth=truth) as rig:
        order = await rig.resting("buy", "59200")
        reflex = rig.gw.reflex(MARKET, Pull(side=Side.BUY, through="59300"))
        seen.order = order
        await asyncio.sleep(0.15)
        assert order.is_open
        truth.unmake(wall)
        await until(lambda: order.is_done)
        assert order.state == "canceled"
        assert (reflex.cancels, reflex.moves, rig.gw.counts["cancels"]) == (1, 0, 1)
        # the first that was told of a top without the wall found the cancel on the wire
        first = next(look for look in seen.looks if look[0] < 59500)
        assert first[1:] == ("canceling", 1, True)
        assert seen.kinds(order)[-1] == "canceled"
        assert rig.gw.counts["reflex-left"] == 0
        await settled(rig)


@live
async def test_a_pull_goes_when_the_other_side_comes_near(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, Watcher(), truth=truth) as rig:
        near = await rig.resting("buy", "59950")
        far = await rig.resting("buy", "59500")
        ask = await rig.resting("sell", "60300")
        rig.gw.reflex(MARKET, Pull(side="buy", within_ticks=100_00))
        truth.make("sell", 60010, "0.01")
        await until(lambda: near.is_done)
        assert near.state == "canceled"
        assert far.is_open
        assert ask.is_open
        await settled(rig)


@live
async def test_our_own_orders_are_no_top(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, Watcher(), truth=truth) as rig:
        reflex = rig.gw.reflex(
            MARKET, Follow(side="buy", distance_ticks=0, worst_price="59600", tolerance_ticks=5)
        )
        order = await rig.resting("buy", "59500")  # alone in front: the others bid 59000
        await until(lambda: order.price == 59000 and order.can_modify)
        await asyncio.sleep(0.25)
        assert (order.price, reflex.moves) == (Decimal(59000), 1)
        await settled(rig)


@live
async def test_a_follow_keeps_its_distance_within_its_limits(venue: Venue, truth: Truth) -> None:
    seen = Watcher()
    async with gateway(venue, seen, truth=truth) as rig:
        order = await rig.resting("sell", "60900")
        seen.order = order
        rule = Follow(side="sell", distance_ticks=500, worst_price="60500", tolerance_ticks=100)
        reflex = rig.gw.reflex(MARKET, rule, [order])
        await until(lambda: order.price == 61005 and order.can_modify)
        first = truth.make("sell", 60800, "0.01")
        await until(lambda: order.price == 60805 and order.can_modify)
        near = truth.make("sell", "60799.50", "0.01")  # within the tolerance
        await asyncio.sleep(0.25)
        assert order.price == 60805
        deep = truth.make("sell", 60100, "0.01")
        await until(lambda: order.price == 60500 and order.can_modify)
        for made in (first, near, deep):
            truth.unmake(made)
        await until(lambda: order.price == 61005 and order.can_modify)
        assert reflex.moves == rig.gw.counts["modifies"] == 4
        assert all(in_flight <= 1 for _, _, in_flight, _ in seen.looks)
        await settled(rig)


@live
async def test_what_the_gate_refuses_is_not_moved(venue: Venue, truth: Truth) -> None:
    limits = msgspec.structs.replace(LIMITS, max_order_notional=Decimal("590.5"))
    async with gateway(venue, Watcher(), config_for(venue, limits=limits), truth=truth) as rig:
        order = await rig.resting("buy", "58500")
        reflex = rig.gw.reflex(MARKET, Follow(side="buy", distance_ticks=0, worst_price="60000"))
        await until(lambda: order.price == 59000 and order.can_modify)
        above = truth.make("buy", 59100, "0.01")
        await until(lambda: rig.gw.engine.reflexes.refused > 0)
        assert order.can_modify
        truth.make("buy", 59050, "0.01")
        truth.unmake(above)
        await until(lambda: order.price == 59050 and order.can_modify)
        assert reflex.moves == 2
        await settled(rig)


def handles(gw: Gateway) -> list[Reflex]:
    """Rules of the market, whatever became of them."""
    return list(gw.reflexes._rules.get(MARKET, {}).values())


@live
async def test_rules_that_cannot_be_are_refused(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        gw = rig.gw
        bid, ask = await rig.resting("buy", 59500), await rig.resting("sell", 60500)
        follow = Follow(side="buy", distance_ticks=1, worst_price=60000)
        named = gw.reflex(MARKET, follow, [bid])
        named.watch(bid)
        wrong: list[tuple[Any, ...]] = [
            (follow, None),
            (follow, [bid]),
            (follow, [ask]),
            ("pull", None),
            (Follow(side="sell", distance_ticks=1, worst_price=-5), None),
        ]
        for rule, orders in wrong:
            with pytest.raises(UsageError):
                gw.reflex(MARKET, rule, orders)
            assert handles(gw) == [named]
        whole = gw.reflex(MARKET, Pull(side="buy", through=1))
        with pytest.raises(UsageError, match="whole side"):
            whole.watch(bid)
        rules = [gw.reflex(MARKET, Pull(side="buy", through=1)) for _ in range(62)]
        with pytest.raises(UsageError, match="64 rules"):
            gw.reflex(MARKET, Pull(side="buy", through=1))
        for reflex in (named, whole, *rules):
            reflex.disarm()
            reflex.disarm()
        assert handles(gw) == []
        assert gw.engine.reflexes.watched(0) == []


@pytest.mark.parametrize(
    "rule",
    [
        lambda: Pull(side="buy"),
        lambda: Pull(side="buy", within_ticks=-1),
        lambda: Pull(side="buy", within_ticks=True),
        lambda: Follow(side="buy", distance_ticks=10**13, worst_price=1),
        lambda: Follow(side="buy", distance_ticks=1, worst_price=1, tolerance_ticks=-1),
    ],
)
def test_rules_that_mean_nothing_are_refused(rule: Any) -> None:
    with pytest.raises(UsageError):
        rule()


@live
async def test_a_disarmed_rule_does_nothing(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, Watcher(), truth=truth) as rig:
        order = await rig.resting("buy", "59950")
        reflex = rig.gw.reflex(MARKET, Pull(side="buy", within_ticks=10_00))
        reflex.disarm()
        truth.make("sell", 59951, "0.01")
        await asyncio.sleep(0.25)
        assert order.is_open
        assert repr(reflex).endswith("disarmed>")


@live
async def test_a_ladders_quotes_are_pulled_and_placed_again_by_the_next_wish(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, Watcher(), truth=truth) as rig:
        gw = rig.gw
        bids = [("59950", "0.01"), ("59940", "0.01")]
        reflex = gw.reflex(MARKET, Pull(side="buy", within_ticks=45_00))
        gw.set_quotes(MARKET, bids, [])
        await until(lambda: [o.can_modify for o in gw.open_orders()] == [True, True])
        near = truth.make("sell", 59990, "0.01")
        await until(lambda: truth.quotes() == {("buy", Decimal(59940), Decimal("0.01"))})
        truth.unmake(near)
        await asyncio.sleep(0.15)
        gw.set_quotes(MARKET, bids, [])
        await until(lambda: len(truth.quotes()) == 2)
        assert reflex.cancels == 1
        await settled(rig)


@live
async def test_orders_of_the_socket_are_pulled_over_the_pool(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, orders=orders_config(transport="websocket"))
    async with gateway(venue, Watcher(), config, truth=truth) as rig:
        order = await rig.resting("buy", "59950")
        reflex = rig.gw.reflex(MARKET, Pull(side="buy", within_ticks=50_00))
        truth.make("sell", 59990, "0.01")
        await until(lambda: order.is_done)
        assert (order.state, reflex.cancels) == ("canceled", 1)
        await settled(rig)


@live
async def test_a_cancel_goes_behind_what_is_in_flight(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, Watcher(), truth=truth) as rig:
        gw = rig.gw
        gw.reflex(MARKET, Pull(side="buy", within_ticks=50_00))
        venue.fault("slow_ack", path=PLACE, ms=300)
        order = rig.place("buy", "59950")
        carrier = order.carrier
        truth.make("sell", 59990, "0.01")
        await until(lambda: gw.counts["cancels"])
        assert (order.in_flight, order.carrier) == (2, carrier)
        await until(lambda: order.is_done)
        assert (order.state, gw.counts["cancels"]) == ("canceled", 1)
        assert gw.counts["reflex-left"] >= 1
        await settled(rig)


@live
async def test_without_nonces_or_room_python_cancels_in_the_same_call(
    venue: Venue, truth: Truth
) -> None:
    seen = Watcher()
    async with gateway(venue, seen, truth=truth) as rig:
        gw = rig.gw
        order = await rig.resting("buy", "59950")
        gw.reflex(MARKET, Pull(side="buy", within_ticks=50_00))
        gw.engine.allowance.set_nonces(1, 0, 0)
        gw.allowance._reserve = lambda epoch_ms: None  # type: ignore[method-assign]
        truth.make("sell", 59990, "0.01")
        await until(lambda: order.is_done)
        assert order.state == "canceled"
        assert gw.counts["reflex-left"] >= 1
        await settled(rig)


@live
async def test_nonces_are_renewed_and_never_repeated(
    venue: Venue, truth: Truth, given: list[tuple[int, int]]
) -> None:
    async with gateway(venue, Watcher(), truth=truth) as rig:
        gw = rig.gw
        order = await rig.resting("buy", "58900")
        gw.reflex(MARKET, Follow(side="buy", distance_ticks=0, worst_price="60000"))
        for step in range(6):
            truth.make("buy", 59010 + step, "0.001")
            await until(lambda step=step: order.price == 59010 + step and order.can_modify)
        await asyncio.sleep(1.7)
        assert sum(last - first == NONCES for first, last in given) >= 2
        assert all(before[1] <= after[0] for before, after in pairwise(given))
        await settled(rig)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["lost_ack", "drop_rest"])
@live
async def test_an_answer_that_is_lost_leaves_the_table_true(
    venue: Venue, truth: Truth, fault: str
) -> None:
    config = config_for(venue, orders=orders_config(connections=1, ack_timeout_ms=150))
    async with gateway(venue, Watcher(), config, truth=truth) as rig:
        gw = rig.gw
        order, other = await rig.resting("buy", "58900"), await rig.resting("buy", "58800")
        gw.reflex(MARKET, Follow(side="buy", distance_ticks=0, worst_price="60000"), [order])
        await until(lambda: order.price == 59000 and order.can_modify)
        pull = gw.reflex(MARKET, Pull(side="buy", through=59100), [other])
        await until(lambda: pull.cancels and other.is_done)
        venue.fault(fault, path=MODIFY, **({} if fault == "lost_ack" else {"when": "before"}))
        truth.make("buy", 59050, "0.01")
        await until(lambda: gw.counts["lost-requests"] == 1)
        await until(lambda: order.price == 59050 and order.can_modify)
        await settled(rig)


@live
async def test_a_blind_market_has_no_reflexes(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, Watcher(), truth=truth) as rig:
        gw = rig.gw
        order = await rig.resting("buy", "58900")
        reflex = gw.reflex(MARKET, Follow(side="buy", distance_ticks=0, worst_price="60000"))
        await until(lambda: order.price == 59000 and order.can_modify)
        gw.go_blind(MARKET)
        truth.make("buy", 59050, "0.01")
        await asyncio.sleep(0.05)
        assert reflex.moves == 1
