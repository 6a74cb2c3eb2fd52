"""A start as a recovery: identity, the order of the steps, and what makes it fail closed."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
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
    orders_config,
    run_to_its_end,
    until,
)
from tests.journal_rig import fact, placed
from tests.past_rig import Past
from whitewire import lifecycle as lifecycle_module
from whitewire.config import JournalConfig
from whitewire.errors import ConfigError, JournalError, StartupError
from whitewire.journal.projection import Projection
from whitewire.journal.reader import newest_session, replay
from whitewire.lifecycle import Lifecycle
from whitewire.protocol.nonce import NonceAllocator
from whitewire.venue import Venue
from whitewire.venue.values.events import OrderEvent

CANCEL = "/api/v4/order/cancel"
pytestmark = pytest.mark.usefixtures("impatient")


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
async def test_no_order_leaves_once_its_record_does_not_fit(
    venue: Venue, truth: Truth, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = msgspec.structs.replace(
        past.config,
        journal=msgspec.structs.replace(past.config.journal, queue_limit=100),
        orders=orders_config(connections=4, in_flight=64),
    )
    stuck = threading.Event()
    async with gateway(venue, config=config, truth=truth) as rig:
        monkeypatch.setattr("whitewire.journal.writer.os.fdatasync", lambda file: stuck.wait(10))
        orders = [rig.place("buy", 59_500 + i) for i in range(240)]
        refused = [order for order in orders if order.reject is not None]
        assert {order.reject.code for order in refused if order.reject} == {"halted"}
        assert orders[-len(refused) :] == refused, "all after the first one"
        await until(lambda: rig.gw.state == "halted")
        assert rig.gw.halt_reason == "journal: 100 records wait for the disk"
        await until(lambda: not truth.orders())
        stuck.set()
    assert truth.placed() == 240 - len(refused)


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
