"""A gateway on the embedded venue, over real sockets, and the venue's own truth beside it.

`Truth` asks the venue's engine on the venue's thread; nothing of it passes through the gateway.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, ParamSpec

import uvloop

from whitewire import (
    Book,
    Fill,
    Gap,
    Limit,
    Order,
    OrderNotice,
    Position,
    Reject,
    Side,
    Strategy,
    Trade,
)
from whitewire.config import Config, Credentials, MarketConfig, OrdersConfig, VenueConfig
from whitewire.gateway import Gateway
from whitewire.lifecycle import Lifecycle
from whitewire.protocol.expected import Drift
from whitewire.protocol.fees import FeeSurprise, MarketFees
from whitewire.strategy import CALLBACKS, Balance, Recovered, Ticker
from whitewire.venue import Venue
from whitewire.venue.collateral.requests import CollateralRequest
from whitewire.venue.values import model as venue_model
from whitewire.venue.values.requests import CancelRequest, LimitRequest

MARKET = "BTC_USDT"
LIMITS = MarketConfig(
    max_order_amount=Decimal(1), max_order_notional=Decimal(100_000), collar_percent=Decimal(50)
)
P = ParamSpec("P")


def live(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs an async test on a fresh uvloop; whatever asyncio would only log is a failure."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        unhandled: list[dict[str, Any]] = []

        async def main() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, context: unhandled.append(context))
            await test(*args, **kwargs)
            leaked = asyncio.all_tasks() - {asyncio.current_task()}
            assert not leaked, f"tasks left behind: {leaked}"

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
        assert not unhandled, [(c.get("message"), repr(c.get("exception"))) for c in unhandled]

    return run


async def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Returns once `condition` holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {condition.__qualname__}")
        await asyncio.sleep(0.002)


def config_for(
    venue: Venue, /, *markets: str, limits: MarketConfig = LIMITS, **sections: Any
) -> Config:
    """A configuration for the embedded venue; keywords replace whole sections."""
    where = VenueConfig(rest=venue.rest, public_rest=venue.public_rest, ws=venue.ws, ca=venue.ca)
    sections.setdefault("venue", where)
    return Config(markets=dict.fromkeys(markets or (MARKET,), limits), **sections)


def credentials_of(venue: Venue, account: int = 0) -> Credentials:
    """The key of one of the venue's accounts."""
    spec = venue.accounts[account]
    return Credentials(key=spec.key, secret=spec.secret)


class Truth:
    """What the venue itself knows of its first account; the second one makes the market."""

    def __init__(self, venue: Venue, market: str = MARKET, account: int = 0) -> None:
        self.venue = venue
        self.market = market
        self.me = venue.accounts[account].name
        self.other = venue.accounts[1 - account].name
        self.events: list[venue_model.Event] = []
        venue.call(lambda exchange: exchange.listeners.append(self.events.append))

    def orders(self) -> list[venue_model.Order]:
        """Our open orders, oldest first."""
        found = self.venue.call(lambda exchange: exchange.open_orders_of(self.me, self.market))
        return list(reversed(found))

    def quotes(self) -> set[tuple[str, Decimal, Decimal]]:
        """Side, price and what is left of each open order."""
        return {(o.side.value, o.price or Decimal(0), o.left) for o in self.orders()}

    def finished(self) -> list[venue_model.Order]:
        """Our finished orders, oldest first."""
        found = self.venue.call(lambda exchange: exchange.finished_orders_of(self.me, self.market))
        return list(reversed(found))

    def placed(self) -> int:
        """How many placements of ours the engine took, whatever became of them."""
        return len(self.orders()) + len(self.finished())

    def deals(self) -> list[venue_model.Deal]:
        """Our deals, newest first."""
        return self.venue.call(lambda exchange: exchange.deals_of(self.me, self.market))

    def timers(self) -> list[str]:
        """Markets of our armed kill switches."""
        timers = self.venue.call(lambda exchange: exchange.kill_switch_status(self.me))
        return [timer.market for timer in timers]

    def stock(self) -> Decimal:
        """All of the market's stock that we have, frozen or not."""
        stock = self.market.split("_")[0]
        wallet = self.venue.call(lambda exchange: exchange.balance(self.me, stock))
        return wallet.available + wallet.freeze

    def make(
        self, side: str, price: object, amount: object, *, who: str = "", **more: Any
    ) -> venue_model.Order:
        """Places an order of the other account."""
        fields = {"market": self.market, "side": side, "price": str(price), "amount": str(amount)}
        if self.market.endswith("_PERP"):
            wanted = CollateralRequest(venue_model.OrderType.LIMIT, **fields, **more)
            return self.venue.call(lambda e: e.collateral.place(who or self.other, wanted))
        request = LimitRequest(**fields, **more)
        return self.venue.call(lambda exchange: exchange.place(who or self.other, request))

    def unmake(self, order: venue_model.Order) -> None:
        """Cancels an order of the other account."""
        request = CancelRequest(market=self.market, order_id=order.id)
        self.venue.call(lambda exchange: exchange.cancel(order.account, request))

    def make_market(self, bid: object = 59000, ask: object = 61000) -> None:
        """A book with one order on each side, far enough apart to quote between."""
        self.make("buy", bid, "0.5")
        self.make("sell", ask, "0.5")


class Recorder(Strategy):
    """Notes every call: (callback's name, its arguments)."""

    def __init__(self, *markets: str) -> None:
        self.markets = markets
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def named(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of each call of one callback."""
        return [values for called, values in self.calls if called == name]

    @property
    def names(self) -> list[str]:
        """The callbacks in the order in which they were called."""
        return [name for name, _ in self.calls]

    @property
    def fills(self) -> list[Fill]:
        """Every fill that was told."""
        return [values[0] for values in self.named("on_fill")]

    def kinds(self, order: Order) -> list[str]:
        """What was told about one order."""
        return [str(notice.kind) for told, notice in self.named("on_order") if told is order]

    def _note(self, name: str, *values: object) -> None:
        self.calls.append((name, values))

    def on_start(self, gw: Gateway) -> None:
        self._note("on_start", gw)

    def on_book(self, book: Book) -> None:
        self._note("on_book", book)

    def on_ticker(self, ticker: Ticker) -> None:
        self._note("on_ticker", ticker)

    def on_trade(self, trade: Trade) -> None:
        self._note("on_trade", trade)

    def on_order(self, order: Order, event: OrderNotice) -> None:
        self._note("on_order", order, event)

    def on_fill(self, fill: Fill) -> None:
        self._note("on_fill", fill)

    def on_reject(self, order: Order, reject: Reject) -> None:
        self._note("on_reject", order, reject)

    def on_balance(self, balance: Balance) -> None:
        self._note("on_balance", balance)

    def on_drift(self, drift: Drift) -> None:
        self._note("on_drift", drift)

    def on_fees(self, fees: MarketFees, surprise: FeeSurprise | None) -> None:
        self._note("on_fees", fees, surprise)

    def on_position(self, position: Position) -> None:
        self._note("on_position", position)

    def on_gap(self, gap: Gap) -> None:
        self._note("on_gap", gap)

    def on_recovered(self, recovered: Recovered) -> None:
        self._note("on_recovered", recovered)

    def on_connection(self, stream: str, state: str) -> None:
        self._note("on_connection", stream, state)

    def on_limit(self, limit: Limit) -> None:
        self._note("on_limit", limit)

    def on_kill_switch(self, market: str, state: str) -> None:
        self._note("on_kill_switch", market, state)

    def on_timer(self, now_ns: int) -> None:
        self._note("on_timer", now_ns)

    def on_stop(self, gw: Gateway, reason: str) -> None:
        self._note("on_stop", gw, reason)


assert set(CALLBACKS) <= set(vars(Recorder)), "the recorder misses a callback"


class Rig:
    """One running gateway.

    Attributes:
        gw: the gateway.
        seen: its strategy; a `Recorder` unless the test gave its own.
        truth: the venue's own view.
    """

    def __init__(self, lifecycle: Lifecycle, strategy: Any, truth: Truth) -> None:
        self.lifecycle = lifecycle
        self.gw = lifecycle.gateway
        self.seen = strategy
        self.truth = truth

    def place(self, side: str | Side = "buy", price: object = 60000, **more: Any) -> Order:
        """Places an order of 0.01, post-only unless told otherwise."""
        amount = more.pop("amount", "0.01")
        return self.gw.limit(self.truth.market, side, str(price), amount, **more)

    async def resting(self, side: str | Side = "buy", price: object = 60000, **more: Any) -> Order:
        """Places an order and waits until it rests and was acknowledged."""
        order = self.place(side, price, **more)
        await until(lambda: order.can_modify)
        return order


@asynccontextmanager
async def gateway(
    venue: Venue,
    strategy: Strategy | None = None,
    config: Config | None = None,
    *,
    truth: Truth | None = None,
    account: int = 0,
) -> AsyncIterator[Rig]:
    """Runs a gateway until the block ends, then stops it and checks that the stop was clean."""
    truth = truth or Truth(venue, account=account)
    strategy = strategy or Recorder()
    lifecycle = Lifecycle(strategy, config or config_for(venue), credentials_of(venue, account))
    running = asyncio.get_running_loop().create_task(lifecycle.run())
    try:
        await until(lambda: lifecycle.gateway.state != "starting" or running.done(), 20)
        if running.done():
            await running
        yield Rig(lifecycle, strategy, truth)
    finally:
        lifecycle.stop("the test is over")
        await running
    assert lifecycle.is_clean
    assert [o for o in truth.orders() if o.client_order_id.startswith("ww-")] == []
    assert truth.timers() == []


async def run_to_its_end(lifecycle: Lifecycle) -> None:
    """Runs a gateway that is expected to end by itself, and soon."""
    async with asyncio.timeout(15):
        await lifecycle.run()


def orders_config(**changes: Any) -> OrdersConfig:
    """Small pools, so that tests can fill them."""
    return OrdersConfig(**({"connections": 2, "in_flight": 4, "cancel_reserve": 2} | changes))
