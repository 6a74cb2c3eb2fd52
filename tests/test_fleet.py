"""Several accounts in one process: they quote at once, and the trouble of one is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fleet_rig import (
    NAMES,
    Quoter,
    config_of,
    fleet_of,
    ids,
    key_of,
    keys_of,
    truths_of,
    venue_of_two,
)
from tests.gateway_rig import (
    LIMITS,
    MARKET,
    Recorder,
    Truth,
    config_for,
    credentials_of,
    live,
    until,
)
from whitewire.errors import ConfigError, StartupError, UsageError
from whitewire.fleet import Fleet
from whitewire.gateway import Gateway
from whitewire.report import fleet_summary
from whitewire.running import run
from whitewire.strategy import Strategy
from whitewire.venue import Venue


@pytest.fixture
def venue() -> Iterator[Venue]:
    with venue_of_two() as running:
        yield running


@pytest.fixture
def truths(venue: Venue) -> dict[str, Truth]:
    return truths_of(venue)


@pytest.fixture(autouse=True)
def _nothing_secret_is_logged(venue: Venue, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever goes wrong in a test, tracebacks included."""
    caplog.set_level("DEBUG")
    yield
    for spec in venue.accounts:
        assert spec.key not in caplog.text
        assert spec.secret not in caplog.text


class Hedger(Recorder):
    """Quotes, and takes the other side of each fill on another account."""

    def on_start(self, gw: Gateway) -> None:
        super().on_start(gw)
        self.hedge = gw.account("hedge")
        self.first = self.hedge.limit(MARKET, "buy", 59900, "0.02")
        gw.set_quotes(MARKET, [(60000, "0.01")], [(60100, "0.01")])

    def on_fill(self, fill: Any) -> None:
        super().on_fill(fill)
        self.second = self.hedge.limit(MARKET, "sell", 60500, fill.amount)


# ---- together -------------------------------------------------------------------------------


@live
async def test_two_accounts_quote_at_once(venue: Venue, truths: dict[str, Truth]) -> None:
    strategies: dict[str, Strategy] = {name: Quoter() for name in NAMES}
    async with fleet_of(venue, strategies) as fleet:
        await until(lambda: all(len(truth.orders()) == 2 for truth in truths.values()))
        assert [truth.timers() for truth in truths.values()] == [[MARKET], [MARKET]]
        main, hedge = (member.gateway for member in fleet.members.values())
        assert main.throttle is hedge.throttle
        assert main.nonces is not hedge.nonces
        assert (main.name, main.account("hedge"), hedge.account("hedge")) == ("main", hedge, hedge)
        with pytest.raises(UsageError, match="no account spare; known: main, hedge"):
            main.account("spare")
        hears = strategies["main"]
        assert isinstance(hears, Recorder)
        await until(lambda: ("account hedge", "up") in hears.named("on_connection"))
    assert fleet.is_clean
    for truth in truths.values():
        assert (truth.orders(), truth.timers()) == ([], [])
    data = fleet_summary(fleet)
    assert data["clean"]
    for name in NAMES:
        assert data["accounts"][name]["orders"]["acknowledged"] == 2
        assert data["accounts"][name]["failure"] == ""


@live
async def test_one_strategy_hedges_on_an_account_without_one(
    venue: Venue, truths: dict[str, Truth]
) -> None:
    """From `on_start` on, where the other account can be traded already."""
    seen = Hedger()
    main, hedge = truths.values()
    async with fleet_of(venue, {"main": seen}) as fleet:
        await until(lambda: seen.first.can_modify and len(main.orders()) == 2)
        assert [o.client_order_id for o in hedge.orders()] == [seen.first.client_id]
        assert hedge.timers() == [MARKET]
        main.make("sell", 60000, "0.004")
        await until(lambda: len(hedge.orders()) == 2)
        assert seen.second.market.name == MARKET
        await until(lambda: seen.second.can_modify)
        # what happens on the other account is not told here
        assert {order.client_id for order, _ in seen.named("on_order")}.isdisjoint(
            {seen.first.client_id, seen.second.client_id}
        )
        seen.second.cancel()
        await until(lambda: len(hedge.orders()) == 1)
        assert fleet.members["hedge"].gateway.inventory(MARKET).stock == 0
    assert fleet.is_clean
    assert (hedge.orders(), hedge.timers()) == ([], [])


@live
async def test_callbacks_go_to_the_strategy_of_the_account(
    venue: Venue, truths: dict[str, Truth]
) -> None:
    main, hedge = Recorder(), Recorder()
    async with fleet_of(venue, {"main": main, "hedge": hedge}) as fleet:
        order = fleet.members["main"].gateway.account("hedge").limit(MARKET, "buy", 60000, "0.01")
        await until(lambda: order.can_modify)
        truths["hedge"].make("sell", 60000, "0.01")
        await until(lambda: hedge.fills)
    assert (len(hedge.fills), main.fills, main.named("on_order")) == (1, [], [])


@live
async def test_limits_and_orders_are_each_accounts_own(
    venue: Venue, truths: dict[str, Truth]
) -> None:
    own = {"markets": {MARKET: {"max_order_amount": "0.005"}}, "orders": {"connections": 1}}
    config = config_for(venue, accounts={"main": {}, "hedge": own})
    strategies: dict[str, Strategy] = {name: Recorder() for name in NAMES}
    async with fleet_of(venue, strategies, config) as fleet:
        main, hedge = (member.gateway for member in fleet.members.values())
        refused = hedge.limit(MARKET, "buy", 60000, "0.01")
        assert refused.reject is not None
        passed = main.limit(MARKET, "buy", 60000, "0.01")
        await until(lambda: passed.can_modify)
        assert (main.config.orders.connections, hedge.config.orders.connections) == (4, 1)
    assert truths["hedge"].placed() == 0


# ---- the trouble of one ---------------------------------------------------------------------


@pytest.mark.parametrize("first", NAMES)
@live
async def test_a_start_that_is_refused_leaves_the_other_alone(
    venue: Venue, truths: dict[str, Truth], first: str
) -> None:
    other = next(name for name in NAMES if name != first)
    venue.restrict_key(key_of(venue, first), enabled=False)
    seen = Quoter()
    async with fleet_of(venue, {first: Quoter(), other: seen}) as fleet:
        await until(lambda: len(truths[other].orders()) == 2)
        assert isinstance(fleet.failures[first], StartupError)
        await until(lambda: (f"account {first}", "down") in seen.named("on_connection"))
        gateway = fleet.members[other].gateway
        assert not gateway.account.has_started(first)
        assert gateway.account.has_started(other)
        assert gateway.account.names == NAMES
        with pytest.raises(UsageError, match=f"account {first} has not started; ask gw.acc"):
            gateway.account(first)
    assert not fleet.is_clean
    assert fleet.is_account_clean(other)
    assert truths[first].placed() == 0
    assert "check the key" in fleet_summary(fleet)["accounts"][first]["failure"]


@live
async def test_a_callback_that_raises_halts_its_own_account(
    venue: Venue, truths: dict[str, Truth]
) -> None:
    class Bad(Quoter):
        def on_fill(self, fill: Any) -> None:
            raise LookupError("a bug of the user")

    seen = Quoter()
    async with fleet_of(venue, {"main": seen, "hedge": Bad()}) as fleet:
        await until(lambda: all(len(truth.orders()) == 2 for truth in truths.values()))
        mine = ids(truths["main"])
        truths["hedge"].make("sell", 60000, "0.02")  # meets both, the older one first
        await until(lambda: fleet.members["hedge"].gateway.state == "halted")
        await until(lambda: not truths["hedge"].orders() and not truths["hedge"].timers())
        await until(lambda: ("account hedge", "down") in seen.named("on_connection"))
        assert set(ids(truths["main"])) <= set(mine)
        assert any(order.side.value == "sell" for order in truths["main"].orders())
        assert fleet.members["main"].gateway.may_quote(MARKET)
        refused = fleet.members["main"].gateway.account("hedge").limit(MARKET, "buy", 1, 1)
        assert refused.reject is not None
    assert not fleet.is_account_clean("hedge")
    assert fleet.is_account_clean("main")


@live
async def test_a_key_that_is_revoked_midway_is_the_trouble_of_its_account(
    venue: Venue, truths: dict[str, Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whitewire.lifecycle.STOP_TIMEOUT_S", 0.5)
    strategies: dict[str, Strategy] = {name: Quoter() for name in NAMES}
    async with fleet_of(venue, strategies) as fleet:
        await until(lambda: all(len(truth.orders()) == 2 for truth in truths.values()))
        mine = ids(truths["main"])
        venue.restrict_key(key_of(venue, "hedge"), enabled=False)
        order = fleet.members["hedge"].gateway.limit(MARKET, "buy", 59999, "0.01")
        await until(lambda: order.is_done)
        assert ids(truths["main"]) == mine
        assert fleet.members["main"].gateway.may_quote(MARKET)
    assert (fleet.is_account_clean("main"), fleet.is_account_clean("hedge")) == (True, False)
    assert truths["main"].orders() == []
    assert truths["hedge"].timers() == [MARKET]  # the venue cancels what could not be canceled


@live
async def test_an_error_of_ours_ends_its_own_account(
    venue: Venue, truths: dict[str, Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    strategies: dict[str, Strategy] = {name: Quoter() for name in NAMES}
    async with fleet_of(venue, strategies) as fleet:
        await until(lambda: all(len(truth.orders()) == 2 for truth in truths.values()))
        mine = ids(truths["main"])

        async def broken() -> None:
            raise LookupError("a bug of ours")

        hedge = fleet.members["hedge"]
        hedge.gateway.is_in_doubt = True
        monkeypatch.setattr(hedge.recovery, "run", broken)
        await until(lambda: "hedge" in fleet.seconds)
        assert (truths["hedge"].orders(), ids(truths["main"])) == ([], mine)
        gone = fleet.members["main"].gateway.account("hedge")
        late = gone.limit(MARKET, "buy", 60000, "0.01")
        assert late.reject is not None
        assert gone.cancel_all() == 0
    assert (fleet.is_account_clean("main"), fleet.is_account_clean("hedge")) == (True, False)


@live
async def test_an_exception_that_escapes_a_gateway_stays_in_its_account(
    venue: Venue, truths: dict[str, Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Fleet({"main": Quoter()}, config_of(venue), keys_of(venue))

    async def broken() -> None:
        raise LookupError("a bug of ours")

    monkeypatch.setattr(fleet.members["hedge"], "run", broken)
    running = asyncio.get_running_loop().create_task(fleet.run())
    await until(lambda: len(truths["main"].orders()) == 2)
    assert isinstance(fleet.failures["hedge"], LookupError)
    fleet.stop("the test is over")
    await running
    assert (fleet.is_account_clean("main"), fleet.is_clean) == (True, False)


@live
async def test_one_account_may_be_stopped_alone(venue: Venue, truths: dict[str, Truth]) -> None:
    strategies: dict[str, Strategy] = {name: Quoter() for name in NAMES}
    async with fleet_of(venue, strategies) as fleet:
        await until(lambda: all(len(truth.orders()) == 2 for truth in truths.values()))
        mine = ids(truths["main"])
        fleet.members["hedge"].stop("enough")
        await until(lambda: "hedge" in fleet.seconds)
        assert (truths["hedge"].orders(), truths["hedge"].timers()) == ([], [])
        assert ids(truths["main"]) == mine
    assert fleet.is_clean


@live
async def test_a_strategy_that_needs_another_account_does_not_quote_without_it(
    venue: Venue, truths: dict[str, Truth]
) -> None:
    venue.restrict_key(key_of(venue, "hedge"), enabled=False)
    async with fleet_of(venue, {"main": Hedger()}) as fleet:
        assert fleet.members["main"].gateway.state == "halted"
        assert "the account hedge has not started" in fleet.members["main"].gateway.halt_reason
    assert truths["main"].placed() == 0


# ---- before anything starts -----------------------------------------------------------------


def test_what_cannot_be_a_fleet(venue: Venue) -> None:
    same = dict.fromkeys(NAMES, credentials_of(venue))
    with pytest.raises(ConfigError, match="main and hedge have the same key") as caught:
        Fleet({}, config_of(venue), same)
    assert same["main"].key not in str(caught.value)
    with pytest.raises(UsageError, match=r"no account spare to run a strategy on.*main, hedge"):
        run({"spare": Recorder()}, config_of(venue))
    with pytest.raises(UsageError, match="no account has a strategy"):
        run({}, config_of(venue))
    with pytest.raises(UsageError, match="derive from"):
        run({"main": 3}, config_of(venue))  # type: ignore[dict-item]
    assert config_of(venue).markets[MARKET] == LIMITS
