"""A start with a past: what a journal and the venue say together, over real sockets."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.gateway_rig import (
    MARKET,
    Truth,
    gateway,
    live,
    until,
)
from tests.journal_rig import MARKETS, fact, fill, placed
from tests.past_rig import Past
from whitewire.journal.reader import replay
from whitewire.venue import Venue

CANCEL = "/api/v4/order/cancel"
pytestmark = pytest.mark.usefixtures("impatient")


# ---- orders ---------------------------------------------------------------------------------


@live
async def test_a_recorded_order_that_rests_is_canceled_and_known(
    venue: Venue, truth: Truth, past: Past
) -> None:
    order = past.order("ww-1")
    past.recorded(placed(), fact(venue_id=order.id))
    async with gateway(venue, config=past.config, truth=truth) as rig:
        assert truth.orders() == []
        known = rig.gw.store.by_client_id("ww-1")
        assert known is not None
        assert (known.state, known.venue_id) == ("canceled", order.id)
        assert rig.gw.open_orders() == []
        told = [name for name in rig.seen.names if name != "on_kill_switch"]
        assert told[:2] == ["on_start", "on_recovered"]
        assert rig.seen.named("on_recovered")[0][0].resolved_orders == 1
    assert replay(past.folder).orders == {}


@live
async def test_an_order_can_be_kept_and_is_ours_again(
    venue: Venue, truth: Truth, past: Past
) -> None:
    name = "ww-0-0000000007"
    order, unknown = past.order(name), past.order("ww-lost", 60_001)
    past.recorded(placed(name), fact(name, venue_id=order.id))
    async with gateway(venue, config=past.keeping(), truth=truth) as rig:
        assert [found.id for found in truth.orders()] == [order.id] != [unknown.id]
        (known,) = rig.gw.open_orders()
        assert (known.client_id, known.state, known.price) == (name, "open", Decimal(60_000))
        buys, _, position, _ = rig.gw.engine.guard.sums(0)
        assert (buys[0], buys[1], position) == (1, known.amount_lots, 0), "the gate counts it"
        past.fill(order, "0.004")
        await until(lambda: rig.seen.fills)
        assert rig.gw.inventory(MARKET).bought == Decimal("0.004")
        known.modify(price=Decimal(60_050))
        await until(lambda: truth.quotes() == {("buy", Decimal(60_050), Decimal("0.01"))})
        await until(lambda: known.can_modify)
        assert (await rig.resting(price=59_000)).client_id.endswith("0000000008"), "numbers go on"
        buys, _, position, _ = rig.gw.engine.guard.sums(0)
        assert (buys[0], position) == (2, 4_000)


@live
async def test_an_order_that_never_arrived_is_told_so(
    venue: Venue, truth: Truth, past: Past
) -> None:
    past.recorded(placed())
    async with gateway(venue, config=past.config, truth=truth) as rig:
        known = rig.gw.store.by_client_id("ww-1")
        assert known is not None
        assert known.reject is not None
        assert (known.state, known.reject.code) == ("rejected", "never-arrived")
        assert truth.placed() == 0


@live
async def test_a_modification_without_an_answer_is_found_out(
    venue: Venue, truth: Truth, past: Past
) -> None:
    old = past.order("ww-1")
    past.recorded(
        placed(), fact(venue_id=old.id - 1, is_replacement_due=True, target_ticks=6_000_100)
    )
    async with gateway(venue, config=past.keeping(), truth=truth) as rig:
        (known,) = rig.gw.open_orders()
        assert (known.state, known.venue_id) == ("open", old.id)


@live
async def test_an_order_in_a_market_that_is_not_traded_any_more_is_canceled(
    venue: Venue, truth: Truth, past: Past
) -> None:
    eth = Truth(venue, "ETH_USDT")
    eth.make("buy", 2_900, "0.1", who=eth.me, client_order_id="ww-9")
    past.recorded(MARKETS[1], placed("ww-9", "ETH_USDT"))
    async with gateway(venue, config=past.config, truth=truth):
        assert eth.orders() == []


# ---- fills ----------------------------------------------------------------------------------


@live
async def test_fills_while_we_were_gone_are_told_once_and_the_position_goes_on(
    venue: Venue, truth: Truth, past: Past
) -> None:
    order = past.order("ww-1")
    known = past.fill(order, "0.002")
    deals = [past.fill(order, "0.003"), past.fill(order, "0.005")]
    recorded = fill(known, lots=2_000, venue_id=order.id, fee=Decimal(0))
    past.recorded(placed(), fact(venue_id=order.id), recorded)
    async with gateway(venue, config=past.config, truth=truth) as rig:
        assert [found.deal_id for found in rig.seen.fills] == deals
        told = [name for name in rig.seen.names if name != "on_kill_switch"]
        assert told[:6] == [
            *("on_start", "on_fill", "on_position", "on_fill", "on_position", "on_recovered")
        ]
        position = rig.gw.inventory(MARKET)
        assert (position.bought, position.fills) == (Decimal("0.01"), 3)
        done = rig.gw.store.by_client_id("ww-1")
        assert done is not None
        assert (done.state, done.filled) == ("filled", Decimal("0.01"))
    async with gateway(venue, config=past.config, truth=truth) as rig:
        assert rig.seen.fills == []
        assert rig.gw.inventory(MARKET).bought == Decimal("0.01")
    state = replay(past.folder)
    assert [key[0] for key in state.fill_keys] == [known, *deals]
    assert (state.orders, state.duplicates) == ({}, 0)


@live
async def test_a_fill_of_a_finished_order_is_not_lost(
    venue: Venue, truth: Truth, past: Past
) -> None:
    """The end of an order can be recorded without its deal, and newer deals with theirs."""
    first, second = past.order("ww-1"), past.order("ww-2", 60_001)
    lost, known = past.fill(second), past.fill(first)
    past.recorded(
        placed(),
        placed("ww-2"),
        fact("ww-2", "filled", 10_000, venue_id=second.id),
        fact("ww-1", "filled", 10_000, venue_id=first.id),
        fill(known, "ww-1", venue_id=first.id),
    )
    assert lost < known
    async with gateway(venue, config=past.config, truth=truth) as rig:
        assert [found.deal_id for found in rig.seen.fills] == [lost]
        assert rig.gw.inventory(MARKET).fills == 2


@live
async def test_a_fill_of_an_order_whose_record_is_lost_is_told(
    venue: Venue, truth: Truth, past: Past
) -> None:
    """The last commit before a crash can be missing; the prefix tells that the order was ours."""
    past.recorded()
    deal = past.fill(past.order("ww-unrecorded", 60_500, "sell"), "0.004")
    foreign = past.fill(past.order("mine", 60_400, "sell"), "0.004")
    async with gateway(venue, config=past.config, truth=truth) as rig:
        assert [found.deal_id for found in rig.seen.fills] == [deal] != [foreign]
        assert rig.seen.fills[0].order.client_id == "ww-unrecorded"
        assert rig.gw.inventory(MARKET).sold == Decimal("0.004")
        assert [order.client_order_id for order in truth.orders()] == ["mine"]
    assert replay(past.folder).orders == {}


@live
async def test_a_first_journal_begins_at_the_newest_deal(
    venue: Venue, truth: Truth, past: Past
) -> None:
    before = past.fill(past.order("ww-1"))
    for _ in range(2):
        async with gateway(venue, config=past.config, truth=truth) as rig:
            assert rig.seen.fills == []
            assert rig.gw.inventory(MARKET).fills == 0
    assert replay(past.folder).last_deals == {MARKET: before}


@live
async def test_more_fills_than_a_page_are_found(venue: Venue, truth: Truth, past: Past) -> None:
    past.recorded()
    deals = [past.fill(past.order(f"ww-{i}")) for i in range(130)]
    async with gateway(venue, config=past.config, truth=truth) as rig:
        assert [found.deal_id for found in rig.seen.fills] == deals
