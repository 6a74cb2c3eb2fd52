"""Orders on their way out, over real sockets: what reaches the venue, and what is refused here."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.gateway_rig import MARKET, Rig, Truth, config_for, gateway, live, orders_config, until
from whitewire import NumberError, Order, UsageError
from whitewire.market import Side
from whitewire.protocol.order_flags import Flags
from whitewire.venue import Venue


@live
async def test_an_order_rests_and_is_canceled(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting("buy", "60000.5", tag="mine")
        assert truth.quotes() == {("buy", Decimal("60000.5"), Decimal("0.01"))}
        assert truth.orders()[0].client_order_id == order.client_id
        assert truth.orders()[0].post_only
        assert order.tag == "mine"
        order.cancel()
        await until(lambda: order.is_done)
        assert (order.state, truth.orders()) == ("canceled", [])
        assert rig.seen.kinds(order)[-1] == "canceled"
        order.cancel()  # harmless
        assert rig.gw.counts["cancels"] == 1


@live
async def test_fills_are_told_once_and_add_up(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        before = truth.stock()
        order = await rig.resting("sell", 60500, amount="0.03")
        truth.make("buy", 60500, "0.01")
        await until(lambda: rig.seen.fills and order.filled == Decimal("0.01"))
        assert (order.state, order.left) == ("open", Decimal("0.02"))
        truth.make("buy", 60600, "0.02")
        await until(lambda: order.is_done and len(rig.seen.fills) == 2)
        assert order.state == "filled"
        assert [fill.deal_id for fill in rig.seen.fills] == [d.id for d in truth.deals()][::-1]
        assert [fill.liquidity for fill in rig.seen.fills] == ["maker", "maker"]
        assert order.avg_price == 60500
        assert order.fee == {"USDT": sum(deal.fee for deal in truth.deals())}
        position = rig.gw.inventory(MARKET)
        assert position.stock == truth.stock() - before == Decimal("-0.03")
        assert position.money == sum(deal.money - deal.fee for deal in truth.deals())


@live
async def test_an_ioc_order_takes_what_there_is(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = rig.place("buy", 61000, amount="0.6", post_only=False, ioc=True)
        await until(lambda: order.is_done and rig.seen.fills)
        assert (order.state, order.filled, truth.orders()) == ("canceled", Decimal("0.5"), [])
        assert rig.seen.fills[0].liquidity == "taker"


@live
async def test_a_modify_moves_the_order(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting("buy", 60000)
        first = order.venue_id
        order.modify(price="60010.25", amount="0.02")
        assert order.state == "modifying"
        # the pushes may show the new leg before the reply comes, and until then it is busy
        await until(lambda: order.can_modify)
        assert truth.quotes() == {("buy", Decimal("60010.25"), Decimal("0.02"))}
        assert order.venue_ids == (first, truth.orders()[0].id)
        assert order.client_id == truth.orders()[0].client_order_id
        assert "replaced" in rig.seen.kinds(order)
        order.modify(amount="0.01")
        await until(lambda: order.can_modify)
        assert truth.quotes() == {("buy", Decimal("60010.25"), Decimal("0.01"))}


@live
async def test_a_change_of_a_busy_order_is_refused_here(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = rig.place()
        order.modify(price=60001)
        await until(lambda: order.is_open)
        (told, reject) = rig.seen.named("on_reject")[0]
        assert (told, reject.source, reject.code) == (order, "local", "not-open")
        assert truth.quotes() == {("buy", Decimal(60000), Decimal("0.01"))}


@live
async def test_the_venues_refusal_reaches_the_strategy(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        truth.make("sell", 60500, "0.1")  # the next depth message, up to 100 ms away, shows it
        order = rig.place("buy", 60600)
        await until(lambda: order.is_done)
        assert (order.state, truth.orders(), truth.deals()) == ("rejected", [], [])
        (told, reject) = rig.seen.named("on_reject")[0]
        assert told is order
        assert (reject.source, reject.code, reject.retryable) == ("venue", "would-take", True)
        assert rig.gw.counts["rejected-would-take"] == 1


@live
async def test_the_gate_refuses_what_our_own_book_would_cross(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = rig.place("buy", 61000)
        assert order.state == "rejected"
        assert rig.seen.named("on_reject") == []  # the caller has its handle first
        await until(lambda: rig.seen.named("on_reject"))
        assert order.reject is not None
        assert (order.reject.source, order.reject.code) == ("local", "would-cross")
        assert truth.placed() == 0


@pytest.mark.parametrize("bulk", [False, True])
@live
async def test_a_ladder_is_placed_leg_by_leg(venue: Venue, truth: Truth, bulk: bool) -> None:
    config = config_for(venue, orders=orders_config(in_flight=30))
    async with gateway(venue, config=config, truth=truth) as rig:
        quotes = rig.gw.quote(
            MARKET,
            bids=[(60000 - i, "0.01") for i in range(12)],
            asks=[(60100 + i, "0.01") for i in range(12)],
            mode="bulk" if bulk else "pipelined",
        )
        await until(lambda: quotes.all_acked)
        assert quotes.errors == []
        assert [order.side for order in quotes.orders] == ["buy"] * 12 + ["sell"] * 12
        assert truth.quotes() == {(o.side.value, o.price, o.amount) for o in quotes.orders}
        assert 0 < quotes.first_ack_ns <= quotes.last_ack_ns


@pytest.mark.parametrize("bulk", [False, True])
@live
async def test_one_bad_leg_spoils_no_other(venue: Venue, truth: Truth, bulk: bool) -> None:
    async with gateway(venue, truth=truth) as rig:
        quotes = rig.gw.quote(
            MARKET,
            bids=[(60000, "0.01"), (59990, "0.00001"), (59980, "0.01")],  # 0.6 USDT is too little
            asks=[(60100, "0.01"), (200_000, "0.01")],  # outside the collar
            mode="bulk" if bulk else "pipelined",
        )
        await until(lambda: quotes.all_acked)
        codes = [order.reject.code if order.reject else "" for order in quotes.orders]
        assert codes == ["", "notional-too-small", "", "", "price-collar"]
        assert [reject.source for _, reject in quotes.errors] == ["local", "local"]
        good = [order for order in quotes.orders if not order.reject]
        assert truth.quotes() == {(o.side.value, o.price, o.amount) for o in good}


@live
async def test_a_leg_that_the_venue_refuses_spoils_no_other(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        # 20 BTC are there; the amounts are below each order's limit and above the funds together
        quotes = rig.gw.quote(
            MARKET, [], [(60100 + i, "1") for i in range(20)] + [(60200, "0.5")], mode="bulk"
        )
        await until(lambda: quotes.all_acked)
        assert [order.reject.code if order.reject else "" for order in quotes.orders] == [
            *[""] * 20,
            "no-funds",
        ]
        assert len(truth.orders()) == 20


@live
async def test_more_orders_than_the_pipelines_hold_are_refused_here(
    venue: Venue, truth: Truth
) -> None:
    config = config_for(venue, orders=orders_config(connections=2, in_flight=3))
    async with gateway(venue, config=config, truth=truth) as rig:
        rig.gw.path.enter()
        orders = [rig.place("buy", 60000 - i) for i in range(9)]
        rig.gw.path.leave()
        await until(lambda: all(order.is_open or order.is_done for order in orders))
        states = [order.state for order in orders]
        assert states == ["open"] * 6 + ["rejected"] * 3
        assert {order.reject.code for order in orders[6:] if order.reject} == {"no-lane"}
        assert len(truth.orders()) == 6
        assert len({lane.pipeline.name for lane in rig.gw.entry.lanes}) == 2


@live
async def test_cancels_use_the_reserve_and_then_wait_in_line(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, orders=orders_config(connections=1, in_flight=4, cancel_reserve=2))
    async with gateway(venue, config=config, truth=truth) as rig:
        orders = await burst(rig, 4, 60000) + await burst(rig, 4, 59990)
        rig.gw.path.enter()
        blocked = [rig.place("buy", 59900 - i) for i in range(4)]
        assert rig.gw.cancel_all() == 12
        assert rig.gw.cancel_all() == 12  # asked for again: still one cancel each
        assert rig.gw.counts["cancels"] == 2
        rig.gw.path.leave()
        await until(lambda: all(order.is_done for order in [*orders, *blocked]))
        assert rig.gw.counts["cancels"] == 12
        assert (truth.orders(), truth.placed()) == ([], 12)
        assert rig.gw.counts["rejected-not-found"] == 0


@live
async def test_a_cancel_follows_its_placement_on_the_same_connection(
    venue: Venue, truth: Truth
) -> None:
    config = config_for(venue, orders=orders_config(connections=3, in_flight=8))
    async with gateway(venue, config=config, truth=truth) as rig:
        for _ in range(10):
            rig.gw.path.enter()
            orders = [rig.place("buy", 60000 - i) for i in range(6)]
            carriers = [order.carrier for order in orders]
            for order in orders:
                order.cancel()
            assert [order.carrier for order in orders] == carriers
            rig.gw.path.leave()
            await until(lambda: not any(o.in_flight or not o.is_done for o in orders))  # noqa: B023
            assert {order.state for order in orders} == {"canceled"}
        assert len(set(carriers)) == 3
        assert rig.gw.counts["rejected-not-found"] == 0


@live
async def test_client_ids_are_unique_and_ours(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        await burst(rig, 16)
        ids = [order.client_order_id for order in truth.orders()]
        assert len(set(ids)) == 16
        assert all(client_id.startswith("ww-") for client_id in ids)


async def burst(rig: Rig, count: int, first: int = 60000) -> list[Order]:
    """So many orders that rest."""
    orders = [rig.place("buy", first - i) for i in range(count)]
    await until(lambda: all(order.can_modify for order in orders))
    return orders


@live
async def test_a_number_off_the_grid_is_an_error_before_the_wire(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        with pytest.raises(NumberError, match=r"60000\.001 is not a multiple of 0\.01") as caught:
            rig.place("buy", "60000.001")
        assert "use 60000.00 or 60000.01" in str(caught.value)
        with pytest.raises(NumberError, match="not a multiple"):
            rig.place(amount="0.0000001")
        with pytest.raises(UsageError, match="exclude each other"):
            rig.place(ioc=True, post_only=True)
        with pytest.raises(UsageError, match="use no, cb, cn or co"):
            rig.place(stp="maybe")
        with pytest.raises(UsageError, match="DOGE_USDT is not traded here; known: BTC_USDT"):
            rig.gw.limit("DOGE_USDT", "buy", 1, 1)
        order = await rig.resting()
        with pytest.raises(NumberError, match="not a multiple"):
            order.modify(price="60000.001")
        assert truth.placed() == 1


def test_flags_are_the_cores_bits() -> None:
    assert Flags.of(Side.BUY, True, False, False, "no") == 0b000010
    assert Flags.of(Side.SELL, False, True, False, "cb") == 0b010101
    assert Flags.of(Side.SELL, False, False, True, "co") == 0b111001
