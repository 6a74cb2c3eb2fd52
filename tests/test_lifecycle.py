"""Start and stop: the order of the steps, and what is left when one of them fails."""

from __future__ import annotations

import asyncio
import gc
import time
from decimal import Decimal

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
from whitewire.config import OrdersConfig
from whitewire.errors import StartupError
from whitewire.gateway import Gateway
from whitewire.lifecycle import Lifecycle
from whitewire.venue import Venue
from whitewire.venue.values.events import OrderEvent

STATUS = "/api/v4/order/kill-switch/status"
SWITCH = "/api/v4/order/kill-switch"


class Quoter(Recorder):
    """Quotes both sides as soon as it may; `seen_first` is the best bid of then."""

    seen_first: tuple[Decimal, Decimal] | None = None

    def on_start(self, gw: Gateway) -> None:
        super().on_start(gw)
        self.seen_first = gw.book(MARKET).best_bid  # later on it may be our own
        gw.set_quotes(MARKET, [(60000, "0.01")], [(60100, "0.01")])


# ---- start ----------------------------------------------------------------------------------


@live
async def test_the_kill_switch_is_armed_and_verified_before_the_first_order(
    venue: Venue, truth: Truth
) -> None:
    armed_at_order: list[bool] = []

    def look(event: object) -> None:
        if isinstance(event, OrderEvent) and event.account == truth.me:
            timers = exchange.kill_switch_status(truth.me)
            armed_at_order.append([timer.market for timer in timers] == [MARKET])

    exchange = venue.call(lambda exchange: exchange)
    venue.call(lambda exchange: exchange.listeners.append(look))
    async with gateway(venue, Quoter(), truth=truth):
        await until(lambda: len(truth.orders()) == 2)
    assert len(armed_at_order) >= 4
    assert all(armed_at_order)


@live
async def test_on_start_is_the_first_callback_and_on_stop_comes_once(
    venue: Venue, truth: Truth
) -> None:
    seen = Quoter()
    async with gateway(venue, seen, truth=truth) as rig:
        assert seen.names[0] == "on_start"
        assert seen.seen_first == (Decimal(59000), Decimal("0.5"))
        assert {row.asset for row in rig.gw.balances.all()} >= {"BTC", "USDT"}
        await until(lambda: len(truth.orders()) == 2)
    assert seen.names.count("on_stop") == 1
    assert seen.named("on_stop")[0][1] == "the test is over"
    after_stop = seen.names[seen.names.index("on_stop") + 1 :]
    assert "on_order" in after_stop  # the cancels are still told
    assert set(after_stop) <= {"on_order", "on_balance", "on_book", "on_ticker", "on_kill_switch"}


class Latecomer(Recorder):
    """Tries to place and to start a timer when it is over."""

    def on_stop(self, gw: Gateway, reason: str) -> None:
        super().on_stop(gw, reason)
        self.order = gw.limit(MARKET, "buy", 60000, "0.01")
        gw.set_quotes(MARKET, [(60000, "0.01")], [])
        gw.every(0.001)


@live
async def test_on_stop_may_not_place(venue: Venue, truth: Truth) -> None:
    seen = Latecomer()
    async with gateway(venue, seen, truth=truth):
        pass
    assert seen.order.reject is not None
    assert seen.order.reject.code == "halted"
    assert truth.placed() == 0
    assert seen.named("on_timer") == []


@pytest.mark.parametrize(
    ("path", "text"),
    [(SWITCH, "did not arm the kill switch"), (STATUS, "does not show the kill switch as armed")],
)
@live
async def test_without_a_kill_switch_there_is_no_start(
    venue: Venue, truth: Truth, path: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whitewire.switches.ARM_TIMEOUT_S", 0.3)
    venue.restrict_key(venue.accounts[0].key, denied_paths=[path])
    seen = Quoter()
    lifecycle = Lifecycle(seen, config_for(venue), credentials_of(venue))
    with pytest.raises(StartupError, match=text) as caught:
        await run_to_its_end(lifecycle)
    assert "not authorized" in str(caught.value)
    assert (seen.calls, truth.placed(), truth.timers()) == ([], 0, [])


@live
async def test_a_feed_that_never_answers_ends_the_start(
    venue: Venue, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.fault("drop_ws", times=50)  # each message of the client cuts the connection
    lifecycle = Lifecycle(Recorder(), config_for(venue), credentials_of(venue))
    with pytest.raises(StartupError, match="closed the connection"):
        await run_to_its_end(lifecycle)


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("trade-account/balance", "the account's balance"),
        ("orders", "the list of open orders"),
        ("profile/websocket_token", "a WebSocket token"),
    ],
)
@live
async def test_what_the_key_may_not_do_is_named(
    venue: Venue, truth: Truth, path: str, what: str
) -> None:
    venue.restrict_key(venue.accounts[0].key, denied_paths=[f"/api/v4/{path}"])
    with pytest.raises(StartupError, match=f"refused {what}: .*not authorized.*; check the key"):
        await run_to_its_end(Lifecycle(Recorder(), config_for(venue), credentials_of(venue)))


@live
async def test_books_that_never_come_end_the_start(
    venue: Venue, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whitewire.startup.BOOKS_TIMEOUT_S", 0.3)
    monkeypatch.setattr("whitewire.recovery.SNAPSHOT_AGE_NS", -(10**18))
    with pytest.raises(StartupError, match="no usable book of BTC_USDT"):
        await run_to_its_end(Lifecycle(Recorder(), config_for(venue), credentials_of(venue)))
    assert truth.timers() == []


@live
async def test_an_old_first_snapshot_is_not_quoted_from(venue: Venue, truth: Truth) -> None:
    """Rule 10 of the depth channel: sight comes with the second message."""
    await asyncio.sleep(2.2)  # the book's last change is now too old
    began = time.monotonic()
    async with gateway(venue, truth=truth) as rig:
        assert time.monotonic() - began > 0.7  # the keepalive, a second after the snapshot
        assert rig.gw.engine.counters()["snapshots"] >= 2


@live
async def test_a_stop_during_the_start_gives_it_up(venue: Venue, truth: Truth) -> None:
    venue.fault("slow_ack", path="/api/v4/trade-account/balance", ms=2_000)
    seen = Quoter()
    lifecycle = Lifecycle(seen, config_for(venue), credentials_of(venue))
    running = asyncio.get_running_loop().create_task(lifecycle.run())
    await asyncio.sleep(0.2)
    began = time.monotonic()
    lifecycle.stop("changed my mind")
    await running
    assert time.monotonic() - began < 0.5
    assert (seen.calls, truth.placed(), truth.timers()) == ([], 0, [])


@live
async def test_a_failed_start_closes_what_it_opened(venue: Venue, truth: Truth) -> None:
    config = config_for(venue, "BTC_USDT", "NOPE_USDT")
    lifecycle = Lifecycle(Recorder(), config, credentials_of(venue))
    with pytest.raises(StartupError, match="does not list the market 'NOPE_USDT'"):
        await run_to_its_end(lifecycle)
    del lifecycle
    gc.collect()  # an open socket would warn, and warnings are errors


# ---- stop -----------------------------------------------------------------------------------


@live
async def test_a_stop_with_orders_in_flight_waits_for_their_end(venue: Venue, truth: Truth) -> None:
    async with gateway(venue, truth=truth) as rig:
        for i in range(12):
            rig.place("buy", 60000 - i)
        assert rig.gw.counts["sent"] == 12
    assert truth.placed() == 12


@pytest.mark.usefixtures("impatient")
@live
async def test_a_stop_resolves_what_got_no_answer(venue: Venue, truth: Truth) -> None:
    """Housekeeping goes on: the overdue connection is ended, the cancel sent on another one."""
    config = config_for(venue, orders=orders_config(connections=1, ack_timeout_ms=200))
    async with gateway(venue, config=config, truth=truth) as rig:
        venue.fault("lost_ack", path="/api/v4/order/cancel")
        venue.fault("http_429", path="/api/v4/orders")
        await rig.resting()


@live
async def test_a_stop_that_cannot_be_verified_leaves_the_kill_switch_armed(
    venue: Venue, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whitewire.lifecycle.STOP_TIMEOUT_S", 0.5)
    lifecycle = Lifecycle(Quoter(), config_for(venue), credentials_of(venue))
    running = asyncio.get_running_loop().create_task(lifecycle.run())
    await until(lambda: len(truth.orders()) == 2)
    venue.fault("http_503_html", path="/api/v4/order/cancel", times=1000)
    lifecycle.stop("now")
    await running
    assert not lifecycle.is_clean
    assert truth.timers() == [MARKET]
    assert len(truth.orders()) == 2


@live
async def test_an_internal_failure_stops_the_gateway_cleanly(
    venue: Venue, truth: Truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle = Lifecycle(Quoter(), config_for(venue), credentials_of(venue))
    running = asyncio.get_running_loop().create_task(lifecycle.run())
    await until(lambda: len(truth.orders()) == 2)

    async def broken() -> None:
        raise LookupError("a bug of ours")

    lifecycle.gateway.is_in_doubt = True
    monkeypatch.setattr(lifecycle.recovery, "run", broken)
    await running
    assert lifecycle.gateway.counts["internal-errors"] >= 1
    assert "a bug of ours" in lifecycle.gateway.halt_reason
    assert (truth.orders(), truth.timers()) == ([], [])


# ---- two gateways, and time -----------------------------------------------------------------


@live
async def test_two_gateways_live_in_one_process(venue: Venue, truth: Truth) -> None:
    first_truth = Truth(venue, account=0)
    second_truth = Truth(venue, account=1)
    other = config_for(venue, orders=OrdersConfig(id_prefix="bb"))
    async with (
        gateway(venue, truth=first_truth) as first,
        gateway(venue, config=other, truth=second_truth, account=1) as second,
    ):
        bid = await first.resting("buy", 60000)
        ask = await second.resting("sell", 60100)
        assert bid.client_id != ask.client_id
        taker = second.place("sell", 60000, post_only=False)
        await until(lambda: bid.is_done and taker.is_done)
        assert (bid.state, taker.state) == ("filled", "filled")
        # the deals travel on a stream of their own, behind the order's state
        inventories = first.gw.inventory(MARKET), second.gw.inventory(MARKET)
        await until(lambda: all(inventory.fills for inventory in inventories))
        assert inventories[0].bought == inventories[1].sold == bid.filled


def test_sessions_of_one_process_never_share_client_ids(venue: Venue) -> None:
    prefixes = set()
    for _ in range(20):
        lifecycle = Lifecycle(Recorder(), config_for(venue), credentials_of(venue))
        engine = lifecycle.gateway.engine
        engine.add_market(MARKET, 2, 6, 100, _NO_LIMITS)
        prefixes.add(engine.client_id_prefix(0, 0))
    assert len(prefixes) == 20


_NO_LIMITS = {
    "min_order_lots": 1,
    "max_order_lots": 2**63 - 1,
    "min_notional": 0,
    "max_notional": 2**127 - 1,
    "collar_ppm": 10**6,
    "max_book_age_ns": 10**9,
    "price_step": 1,
    "amount_step": 1,
}
