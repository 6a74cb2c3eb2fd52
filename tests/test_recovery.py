"""What goes wrong at the venue, and that nothing is believed, repeated or left behind after it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway_rig import (
    MARKET,
    Recorder,
    Rig,
    Truth,
    config_for,
    credentials_of,
    gateway,
    live,
    run_to_its_end,
    until,
)
from whitewire import Gap
from whitewire.config import RecoveryConfig
from whitewire.errors import StartupError
from whitewire.lifecycle import Lifecycle
from whitewire.venue import Venue
from whitewire.venue.values.model import Order as VenueOrder

PLACE = "/api/v4/order/new"
CANCEL = "/api/v4/order/cancel"
MODIFY = "/api/v4/order/modify"
BULK = "/api/v4/order/bulk"
BID, ASK = (Decimal(60000), Decimal("0.01")), (Decimal(60100), Decimal("0.01"))


async def quoted(rig: Rig) -> None:
    """One quote on each side, known to rest."""
    rig.gw.set_quotes(MARKET, [BID], [ASK])
    await until(lambda: len(rig.gw.open_orders()) == 2)
    await until(lambda: all(order.can_modify for order in rig.gw.open_orders()))


async def back_in_sight(rig: Rig) -> None:
    """The market may be quoted, and quotes rest again."""
    await until(lambda: rig.gw.may_quote(MARKET))
    await quoted(rig)
    assert rig.truth.quotes() == {("buy", *BID), ("sell", *ASK)}


# ---- the feed -------------------------------------------------------------------------------


class Prober(Recorder):
    """Looks around, and tries to quote, while it is told of a gap."""

    def __init__(self) -> None:
        super().__init__()
        self.could_quote: list[list[bool]] = []
        self.refused: list[str] = []

    def on_gap(self, gap: Gap) -> None:
        super().on_gap(gap)
        gw = self.named("on_start")[0][0]
        self.could_quote.append([gw.may_quote(name) for name in gw.markets])
        order = gw.limit(MARKET, "buy", 60000, "0.01")
        self.refused.append(order.reject.code if order.reject else "")
        gw.set_quotes(MARKET, [BID], [ASK])


async def lose_a_delta(venue: Venue, truth: Truth) -> None:
    """The next message of the book does not chain to the one before."""
    venue.fault("gap", market=truth.market)
    truth.make("buy", 59100, "0.1")
    await asyncio.sleep(0.15)
    truth.make("buy", 59200, "0.1")


@live
async def test_a_gap_pulls_the_quotes_until_a_snapshot_came(venue: Venue, truth: Truth) -> None:
    seen = Prober()
    async with gateway(venue, seen, truth=truth) as rig:
        await quoted(rig)
        await lose_a_delta(venue, truth)
        await until(lambda: seen.named("on_recovered"))
        assert (seen.could_quote, seen.refused) == ([[False]], ["halted"])
        assert rig.gw.counts["quotes-ignored"] == 1
        assert [gap.market for (gap,) in seen.named("on_gap")] == [MARKET]
        assert seen.names.index("on_gap") < seen.names.index("on_recovered")
        (recovered,) = seen.named("on_recovered")[0]
        assert recovered.market == MARKET
        assert recovered.blind_ns > 0
        assert (Decimal(59100), Decimal("0.1")) in rig.gw.book(MARKET).bids()
        await until(lambda: not truth.orders())
        await back_in_sight(rig)
        assert rig.gw.feed.sessions == 1


@live
async def test_only_the_market_with_the_gap_is_shut(venue: Venue) -> None:
    eth = Truth(venue, "ETH_USDT")
    btc = Truth(venue)
    for truth, bid, ask in ((btc, 59000, 61000), (eth, 2900, 3100)):
        truth.make_market(bid, ask)
    config = config_for(venue, "BTC_USDT", "ETH_USDT")
    seen = Prober()
    async with gateway(venue, seen, config, truth=btc) as rig:
        rig.gw.set_quotes("ETH_USDT", [(2950, "0.1")], [])
        await until(eth.orders)
        await lose_a_delta(venue, btc)
        await until(lambda: seen.could_quote)
        assert seen.could_quote == [[False, True]]
        assert len(eth.orders()) == 1
        await until(lambda: rig.gw.may_quote("BTC_USDT"))


@pytest.mark.parametrize("fault", ["drop_ws", "malformed_frame", "oversized_frame"])
@pytest.mark.usefixtures("impatient")
@live
async def test_a_lost_feed_pulls_everything_and_comes_back(
    venue: Venue, truth: Truth, fault: str
) -> None:
    config = config_for(venue, "BTC_USDT", "ETH_USDT")
    Truth(venue, "ETH_USDT").make_market(2900, 3100)
    seen = Prober()
    async with gateway(venue, seen, config, truth=truth) as rig:
        await quoted(rig)
        venue.fault(fault, method="depth_update")
        truth.make("buy", 59100, "0.1")
        await until(lambda: rig.seen.named("on_gap"))
        assert [gap.market for (gap,) in rig.seen.named("on_gap")] == [None]
        assert ("on_connection", ("feed", "down")) in rig.seen.calls
        await until(lambda: not truth.orders())
        await until(lambda: len(rig.seen.named("on_recovered")) == 2)
        assert (seen.could_quote, seen.refused) == ([[False, False]], ["halted"])
        await back_in_sight(rig)
        assert rig.gw.feed.sessions == 2
        assert rig.gw.counts["peer-faults"] == (0 if fault == "drop_ws" else 1)
        assert rig.gw.counts["unknown"] == 0


@pytest.mark.usefixtures("impatient")
@live
async def test_no_market_opens_before_the_venue_was_asked(venue: Venue, truth: Truth) -> None:
    """The books come back with the subscriptions; the answer about our orders takes longer."""
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting()
        venue.fault("slow_ack", path="/api/v4/orders", times=2, ms=300)
        venue.fault("drop_ws", method="depth_update")
        truth.make("buy", 59100, "0.1")
        await until(lambda: rig.gw.counts["feed-losses"])
        await until(lambda: rig.gw.feed.is_up and not rig.gw.book(MARKET).is_stale)
        await asyncio.sleep(0.1)
        assert not rig.gw.may_quote(MARKET)
        assert rig.seen.named("on_recovered") == []
        await until(lambda: rig.gw.may_quote(MARKET))
        assert order.state == "canceled"


@pytest.mark.usefixtures("impatient")
@live
async def test_what_happened_while_blind_is_found_out(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        filled = await rig.resting("sell", 60500, amount="0.02")
        partly = await rig.resting("sell", 60600, amount="0.02")
        venue.fault("http_429", path=CANCEL)  # one of them stays, whatever was asked for
        for method in ("ordersPending_update", "deals_update"):
            venue.fault("drop_ws", method=method)
        truth.make("buy", 60600, "0.03", ioc=True)  # its pushes cut the feed
        await until(lambda: rig.gw.counts["feed-losses"])
        await until(lambda: rig.gw.may_quote(MARKET), 10)
        assert (filled.state, filled.filled) == ("filled", Decimal("0.02"))
        assert partly.filled == Decimal("0.01")
        assert sum(fill.amount for fill in rig.seen.fills) == Decimal("0.03")
        assert rig.gw.inventory(MARKET).sold == Decimal("0.03")
        assert {balance.asset for (balance,) in rig.seen.named("on_balance")} >= {"BTC"}


@pytest.mark.usefixtures("impatient")
@live
async def test_answers_of_an_earlier_session_open_nothing(
    venue: Venue, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed is lost and back again while the venue is being asked."""
    async with gateway(venue, truth=truth) as rig:
        call = rig.gw.control.call
        asked: list[str] = []

        async def lose_the_feed(name: str, fields: Any = None) -> Any:
            asked.append(name)
            rig.gw.feed.sessions += asked.count("open_orders") == 1
            return await call(name, fields)

        monkeypatch.setattr(rig.gw.control, "call", lose_the_feed)
        rig.gw.is_reconciled = False
        rig.gw.go_blind(MARKET)
        rig.gw.blind[MARKET].is_fresh = True
        await rig.lifecycle.recovery.run()
        assert "open_orders" in asked
        assert not rig.gw.may_quote(MARKET)
        await until(lambda: rig.gw.may_quote(MARKET))
        assert asked.count("open_orders") >= 2


# ---- orders of others, and of earlier sessions -----------------------------------------------


def leave(truth: Truth, client_id: str, price: int) -> VenueOrder:
    return truth.make("buy", price, "0.01", who=truth.me, client_order_id=client_id)


@live
async def test_leftovers_are_canceled_and_foreign_orders_left_alone(
    venue: Venue, truth: Truth
) -> None:
    leave(truth, "ww-old-1", 59500)
    leave(truth, "ww-old-2", 59501)
    foreign = {leave(truth, "mine", 59502).id, leave(truth, "", 59503).id}
    async with gateway(venue, truth=truth) as rig:
        assert {order.id for order in truth.orders()} == foreign
        assert rig.gw.counts["foreign-orders"] == 2
        assert rig.gw.open_orders() == []
    assert {order.id for order in truth.orders()} == foreign


@live
async def test_more_leftovers_than_a_page(venue: Venue, truth: Truth) -> None:
    for number in range(130):
        leave(truth, f"ww-old-{number}", 59000 + number)
    async with gateway(venue, truth=truth):
        assert truth.orders() == []


@live
async def test_leftovers_that_cannot_be_canceled_stop_the_start(venue: Venue, truth: Truth) -> None:
    leave(truth, "ww-old-1", 59500)
    venue.fault("http_503_html", path=CANCEL, times=9)
    lifecycle = Lifecycle(Recorder(), config_for(venue), credentials_of(venue))
    with pytest.raises(StartupError, match="1 orders of an earlier session cannot be canceled"):
        await run_to_its_end(lifecycle)
    assert truth.timers() == []


@pytest.mark.usefixtures("impatient")
@live
async def test_an_order_of_ours_that_nobody_knows_is_canceled_when_it_shows(
    venue: Venue, truth: Truth
) -> None:
    async with gateway(venue, truth=truth) as rig:
        leave(truth, "ww-ghost", 59500)
        foreign = leave(truth, "mine", 59501).id
        await until(lambda: [order.id for order in truth.orders()] == [foreign])
        assert rig.gw.counts["foreign"] >= 2
        assert rig.seen.named("on_order") == []


# ---- pushes that are lost in silence --------------------------------------------------------


@pytest.mark.usefixtures("impatient")
@live
async def test_a_deal_that_never_came_is_asked_for(
    venue: Venue, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whitewire.protocol.owed.PATIENCE_NS", 100_000_000)
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting("sell", 60500, amount="0.02")
        venue.fault("private_missing", method="deals_update")
        truth.make("buy", 60500, "0.01", ioc=True)
        await until(lambda: rig.gw.inventory(MARKET).sold == Decimal("0.01"))
        assert order.left == Decimal("0.01")
        assert len(rig.seen.fills) == 1
        assert len(rig.gw.reactions.owed) == 0


@pytest.mark.usefixtures("impatient")
@live
async def test_everything_is_asked_about_in_turn(venue: Venue, truth: Truth) -> None:
    """A fill of which no push came at all, neither order, deal nor balance."""
    config = config_for(venue, recovery=RecoveryConfig(every_s=1))
    async with gateway(venue, config=config, truth=truth) as rig:
        order = await rig.resting("sell", 60500)
        venue.fault("private_missing", seconds=0.5)
        truth.make("buy", 60500, "0.01", ioc=True)
        await until(lambda: order.state == "filled")
        await until(lambda: rig.gw.inventory(MARKET).sold == Decimal("0.01"))
        await until(lambda: rig.gw.balances.get("BTC").total == truth.stock())


@pytest.mark.usefixtures("impatient")
@live
async def test_a_gap_in_the_book_asks_about_orders_too(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        order = await rig.resting("sell", 60500)
        await until(lambda: rig.gw.book(MARKET).best_ask == (Decimal(60500), Decimal("0.01")))
        venue.fault("http_429", path=CANCEL)  # the gap pulls it; its answer must not tell
        venue.fault("private_missing", seconds=0.3)
        venue.fault("gap", market=MARKET)
        truth.make("buy", 60500, "0.01", ioc=True)
        await asyncio.sleep(0.15)
        truth.make("buy", 59200, "0.1")
        await until(lambda: order.state == "filled")
        assert rig.gw.inventory(MARKET).sold == Decimal("0.01")
