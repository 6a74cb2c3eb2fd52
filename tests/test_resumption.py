"""A start with a past: what a journal and the venue say together, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.gateway_rig import (
    MARKET,
    Recorder,
    Truth,
    config_for,
    credentials_of,
    gateway,
    live,
    run_to_its_end,
    until,
)
from tests.journal_rig import MARKETS, fact, fill, placed, start, write
from whitewire import lifecycle as lifecycle_module
from whitewire.bookkeeping import Bookkeeper
from whitewire.config import Config, JournalConfig, StartConfig
from whitewire.errors import ConfigError, JournalError, StartupError
from whitewire.journal.projection import Projection
from whitewire.journal.reader import newest_session, replay
from whitewire.journal.records import LastDeal, Record
from whitewire.lifecycle import Lifecycle
from whitewire.protocol.nonce import NonceAllocator
from whitewire.venue import Venue
from whitewire.venue.events import OrderEvent
from whitewire.venue.model import Order as VenueOrder

CANCEL = "/api/v4/order/cancel"
pytestmark = pytest.mark.usefixtures("impatient")


class Past:
    """An earlier session: its journal, and the orders that it left at the venue."""

    def __init__(self, venue: Venue, truth: Truth, folder: Path) -> None:
        self.truth = truth
        self.config = config_for(venue, journal=JournalConfig(path=str(folder), durable_ms=1))
        found = Bookkeeper(self.config, venue.accounts[0].key).folder
        assert found is not None
        self.folder = found
        self.folder.mkdir(parents=True)

    def order(self, name: str, price: int = 60_000, side: str = "buy") -> VenueOrder:
        """An order of ours that rests at the venue."""
        return self.truth.make(
            side, price, "0.01", who=self.truth.me, client_order_id=name, post_only=True
        )

    def fill(self, order: VenueOrder, amount: str = "0.01") -> int:
        """Somebody trades with it; the deal's id."""
        side = "sell" if order.side.value == "buy" else "buy"
        self.truth.make(side, order.price, amount, ioc=True)
        return self.truth.deals()[0].id

    def recorded(self, *records: Record, last_deal: int = 0, session: int = 1) -> None:
        """What the earlier session wrote down."""
        first: Sequence[Record] = [start(session), MARKETS[0], LastDeal(MARKET, last_deal)]
        write(self.folder, session, first, *([record] for record in records))

    def keeping(self) -> Config:
        """The configuration that keeps orders."""
        return msgspec.structs.replace(self.config, start=StartConfig(leftovers="keep"))


@pytest.fixture
def past(venue: Venue, truth: Truth, tmp_path: Path) -> Past:
    return Past(venue, truth, tmp_path / "state")


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
        assert rig.seen.names[:2] == ["on_start", "on_recovered"]
        assert rig.seen.named("on_recovered")[0][0].resolved_orders == 1
    assert replay(past.folder).orders == {}


@live
async def test_an_order_can_be_kept_and_is_ours_again(
    venue: Venue, truth: Truth, past: Past
) -> None:
    order, unknown = past.order("ww-1"), past.order("ww-lost", 60_001)
    past.recorded(placed(), fact(venue_id=order.id))
    async with gateway(venue, config=past.keeping(), truth=truth) as rig:
        assert [found.id for found in truth.orders()] == [order.id] != [unknown.id]
        (known,) = rig.gw.open_orders()
        assert (known.client_id, known.state, known.price) == ("ww-1", "open", Decimal(60_000))
        past.fill(order, "0.004")
        await until(lambda: rig.seen.fills)
        assert rig.gw.inventory(MARKET).bought == Decimal("0.004")
        known.modify(price=Decimal(60_050))
        await until(lambda: truth.quotes() == {("buy", Decimal(60_050), Decimal("0.01"))})
        await until(lambda: known.can_modify)


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
        assert rig.seen.names[:6] == [
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


# ---- identity and safety --------------------------------------------------------------------


@live
async def test_a_clock_that_was_set_back_reuses_no_client_id(
    venue: Venue, truth: Truth, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = 2**43
    past.recorded(session=future)
    monkeypatch.setattr(lifecycle_module, "epoch_ms", lambda: 1_000_000_000_000)
    monkeypatch.setattr(lifecycle_module, "_session_times", NonceAllocator())
    ids = set()
    for more in (1, 2):
        async with gateway(venue, config=past.config, truth=truth) as rig:
            ids.add((await rig.resting()).client_id)
            assert newest_session(past.folder) == future + more
    assert len(ids) == 2


@live
async def test_a_number_that_another_start_took_meanwhile_is_not_used(
    venue: Venue, truth: Truth, past: Past
) -> None:
    lifecycle = Lifecycle(Recorder(), past.config, credentials_of(venue))
    past.recorded(session=2**43)
    with pytest.raises(StartupError, match="is recorded already; start again"):
        await run_to_its_end(lifecycle)


@live
async def test_one_account_has_one_gateway(venue: Venue, truth: Truth, past: Past) -> None:
    async with gateway(venue, config=past.config, truth=truth) as rig:
        order = await rig.resting()
        second = Lifecycle(Recorder(), past.config, credentials_of(venue))
        with pytest.raises(StartupError, match="is traded already, by process"):
            await run_to_its_end(second)
        assert order.is_open
        assert truth.timers() == [MARKET]
        async with gateway(venue, config=past.config, account=1):
            pass  # another account has another lock
    async with gateway(venue, config=past.config, truth=truth):
        pass


@live
async def test_kill_switches_are_armed_before_anything_is_asked(
    venue: Venue, truth: Truth, past: Past
) -> None:
    order = past.order("ww-1")
    past.recorded(placed(), fact(venue_id=order.id))
    armed_at_cancel: list[list[str]] = []
    exchange = venue.call(lambda exchange: exchange)

    def look(event: object) -> None:
        if isinstance(event, OrderEvent) and event.account == truth.me:
            timers = exchange.kill_switch_status(truth.me)
            armed_at_cancel.append([timer.market for timer in timers])

    venue.call(lambda exchange: exchange.listeners.append(look))
    async with gateway(venue, config=past.config, truth=truth):
        assert armed_at_cancel == [[MARKET]]


@live
async def test_a_start_that_cannot_end_the_past_leaves_the_kill_switch_armed(
    venue: Venue, truth: Truth, past: Past
) -> None:
    order = past.order("ww-1")
    past.recorded(placed(), fact(venue_id=order.id))
    venue.fault("http_503_html", path=CANCEL, times=3)
    lifecycle = Lifecycle(Recorder(), past.config, credentials_of(venue))
    with pytest.raises(StartupError, match="cannot be canceled"):
        await run_to_its_end(lifecycle)
    assert not lifecycle.is_clean
    assert truth.timers() == [MARKET]
    assert "ww-1" in replay(past.folder).orders
    async with gateway(venue, config=past.config, truth=truth):
        assert truth.orders() == []


@live
async def test_a_corrupt_journal_stops_the_start_before_anything_is_sent(
    venue: Venue, truth: Truth, past: Past
) -> None:
    past.recorded(placed(), fact())
    (path,) = past.folder.glob("*.journal")
    damaged = bytearray(path.read_bytes())
    damaged[60] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(JournalError, match="damaged at offset"):
        await run_to_its_end(Lifecycle(Recorder(), past.config, credentials_of(venue)))
    assert truth.timers() == []


@live
async def test_a_journal_that_fails_halts_the_gateway(
    venue: Venue, truth: Truth, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway(venue, config=past.config, truth=truth) as rig:
        await rig.resting()

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("whitewire.journal.writer.os.fdatasync", fail)
        rig.place("buy", 59_900)
        await until(lambda: rig.gw.state == "halted")
        assert (
            rig.gw.halt_reason == "journal: the disk refused the journal: No space left on device"
        )
        await until(lambda: not truth.orders())
        refused = rig.place()
        assert refused.reject is not None
        assert refused.reject.code == "halted"


@live
async def test_a_journal_that_fails_during_the_start_ends_it(
    venue: Venue, truth: Truth, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle = Lifecycle(Recorder(), past.config, credentials_of(venue))
    running = asyncio.get_running_loop().create_task(run_to_its_end(lifecycle))
    await until(lambda: lifecycle.gateway.markets)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("whitewire.journal.writer.os.fdatasync", fail)
    with pytest.raises(JournalError, match="No space left"):
        await running
    assert truth.placed() == 0


@live
async def test_a_session_leaves_a_whole_account_of_itself(
    venue: Venue, truth: Truth, past: Past
) -> None:
    async with gateway(venue, config=past.config, truth=truth) as rig:
        filled = await rig.resting("sell", 60_500, amount="0.02")
        truth.make("buy", 60_500, "0.02", ioc=True)
        await until(lambda: rig.seen.fills)
        moved = await rig.resting("buy", 60_000)
        moved.modify(price=59_900)
        await until(lambda: moved.can_modify and moved.price == 59_900)
        rejected = rig.place("buy", 59_800, amount="1.5")
        assert rejected.reject is not None
        ids = [filled.client_id, moved.client_id, rejected.client_id]
    with Projection(past.folder) as projection:
        projection.update()
        orders: list[dict[str, Any]] = projection.rows("orders")
        assert [row["client_id"] for row in orders] == ids
        assert [row["state"] for row in orders] == ["filled", "canceled", "rejected"]
        assert [row["modifies"] for row in orders] == [0, 1, 0]
        assert [row["cancels"] for row in orders] == [0, 1, 0]
        assert orders[1]["price"] == "59900.00"
        assert orders[2]["reject"] == rejected.reject.code
        (row,) = projection.rows("fills")
        (deal,) = truth.deals()
        told = (row["deal_id"], row["amount"], row["price"], row["fee"], row["role"])
        assert told[0] == deal.id
        assert Decimal(told[1]) == Decimal("0.02")
        assert told[4] == "maker"
        (session,) = projection.rows("sessions")
        assert session["reason"] == "the test is over"
        assert projection.rows("incidents") == []


def test_without_a_journal_nothing_but_this_machine_is_traded(venue: Venue) -> None:
    config = config_for(venue)
    far = msgspec.structs.replace(config.venue, rest="https://example.com")
    for path in (None, "none"):
        live_config = msgspec.structs.replace(config, venue=far, journal=JournalConfig(path=path))
        with pytest.raises(ConfigError, match="not on this machine; give the path"):
            Lifecycle(Recorder(), live_config, credentials_of(venue))
