"""Who takes part in a cell: a strategy that asks for everything, a crowd that trades with it.

Owns: the strategy, the other account's orders, a configuration with short waits. Must not know:
faults, phases, what is checked. Invariant: what the strategy asks for beyond its limits is refused
before the wire, and it never stops asking.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from unittest import mock

from tests.gateway_rig import config_for
from whitewire import Book, Strategy, lifecycle
from whitewire import recovery as recovery_module
from whitewire.config import (
    Config,
    FeedConfig,
    KillSwitchConfig,
    MarketConfig,
    OrdersConfig,
    RecoveryConfig,
)
from whitewire.gateway import Gateway
from whitewire.protocol import owed, throttle
from whitewire.protocol.backoff import Backoff
from whitewire.protocol.reconcile import reconcile
from whitewire.protocol.session import Session
from whitewire.transport import control, feed, order_entry
from whitewire.venue import Venue, WireOptions
from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.values.model import VenueError
from whitewire.venue.values.requests import LimitRequest

__all__ = ["ABILITIES", "LIMITS", "MARKET", "WIRE", "Ability", "Crowd", "Quoter", "impatience"]

MARKET = "BTC_USDT"
CENTER = Decimal(60_000)
LIMITS = MarketConfig(
    max_order_amount=Decimal("0.0165"),
    max_order_notional=Decimal(1_000),
    collar_percent=Decimal(5),
    max_book_age_ms=3_000,
)
WIRE = WireOptions(
    depth_interval_ms=50, depth_keepalive_s=0.3, balance_interval_ms=50, nonce_window_ms=5_000
)
KILL_SWITCH_S = 5
# Faults are what is wanted here, not news. (aiofastnet 1.2 also logs a handshake that was cut with
# a traceback that cannot be printed.)
CHATTY = ("whitewire", "picows", "aiofastnet")
QUOTE_EVERY_S = 0.04
TRADE_EVERY_S = 0.03


class Quoter(Strategy):
    """Moves a ladder that breathes; asks for too much now and then.

    Attributes:
        is_busy: whether it moves; otherwise what rests is left alone.
        asked: orders beyond a limit that it asked for.
    """

    markets = (MARKET,)

    def __init__(self, is_busy: bool = True) -> None:
        self.is_busy = is_busy
        self.asked = 0
        self._step = 0
        self._gateway: Gateway | None = None

    def on_start(self, gw: Gateway) -> None:
        """Quotes at once and goes on by a timer."""
        self._gateway = gw
        self._quote(gw)
        gw.every(QUOTE_EVERY_S)

    def on_timer(self, now_ns: int) -> None:
        """Moves on."""
        if self.is_busy and self._gateway is not None:
            self._step += 1
            self._quote(self._gateway)
            if self._step % 5 == 0:
                self._ask_too_much(self._gateway)

    def on_book(self, book: Book) -> None:
        """Takes every book, as strategies do; the timer sets the pace."""

    def _quote(self, gw: Gateway) -> None:
        center = CENTER + 5 * (self._step % 7)
        bids = 1 + self._step // 3 % 3
        asks = 1 + self._step // 4 % 3
        gw.set_quotes(
            MARKET,
            bids=[(center - 40 - 10 * i, "0.01") for i in range(bids)],
            asks=[(center + 40 + 10 * i, "0.01") for i in range(asks)],
        )

    def _ask_too_much(self, gw: Gateway) -> None:
        for side, price, amount in (
            ("buy", CENTER - 100, "0.0166"),  # more than an order may have
            ("sell", CENTER + 1_000, "0.0165"),  # more than an order may be worth
            ("buy", CENTER * 9 / 10, "0.001"),  # too far away
        ):
            gw.limit(MARKET, side, str(price), amount)
            self.asked += 1


class Crowd:
    """The venue's second account: a wide market, and small takers that hit our quotes."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._name = venue.accounts[1].name
        self._trades = 0
        self._task: asyncio.Task[None] | None = None
        self._market(CENTER - 2_000, CENTER + 2_000)

    def _market(self, bid: Decimal, ask: Decimal) -> None:
        def make(exchange: Exchange) -> None:
            for side, price in (("buy", bid), ("sell", ask)):
                request = LimitRequest(market=MARKET, side=side, price=str(price), amount="5")
                exchange.place(self._name, request)

        self._venue.call(make)

    def _trade(self, exchange: Exchange) -> None:
        self._trades += 1
        side, price = ("sell", CENTER - 1_000) if self._trades % 2 else ("buy", CENTER + 1_000)
        request = LimitRequest(market=MARKET, side=side, price=str(price), amount="0.002", ioc=True)
        with contextlib.suppress(VenueError):  # the market may be delisted
            exchange.place(self._name, request)

    def trade(self) -> None:
        """One taker."""
        self._venue.call(self._trade)

    def start(self) -> None:
        """Trades until `stop`."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.to_thread(self.trade)
            await asyncio.sleep(TRADE_EVERY_S)

    async def stop(self) -> None:
        """Ends, and returns when nothing of it is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None


@dataclass(frozen=True, slots=True)
class Ability:
    """What a gateway can do besides, as an axis of the matrix: journal, futures, accounts ...

    Attributes:
        name: of the value on the axis.
        sections: further sections of the configuration.
    """

    name: str
    sections: dict[str, Any]

    def config(self, venue: Venue, transport: str) -> Config:
        """A configuration with waits that are short enough for a cell."""
        sections: dict[str, Any] = {
            "orders": OrdersConfig(
                transport=transport,  # type: ignore[arg-type]
                connections=2,
                in_flight=6,
                cancel_reserve=6,
                ack_timeout_ms=400,
            ),
            "feed": FeedConfig(depth=20, ping_interval_ms=150, pong_timeout_ms=300),
            "kill_switch": KillSwitchConfig(timeout_s=KILL_SWITCH_S),
            "recovery": RecoveryConfig(every_s=1),
        } | self.sections
        return config_for(venue, MARKET, limits=LIMITS, **sections)


ABILITIES = {ability.name: ability for ability in (Ability("plain", {}),)}


@contextlib.contextmanager
def impatience() -> Iterator[None]:
    """Reconnections and conclusions without the waits that a real venue needs; no news of them."""
    quick = partial(Backoff, first_ns=20_000_000, cap_ns=200_000_000)
    with contextlib.ExitStack() as stack:
        for name in CHATTY:
            logger = logging.getLogger(name)
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL)
        for module in (feed, order_entry, throttle):
            stack.enter_context(mock.patch.object(module, "Backoff", quick))
        stack.enter_context(mock.patch.object(recovery_module, "RETRY_NS", 50_000_000))
        patient = partial(reconcile, quarantine_ns=600_000_000)
        stack.enter_context(mock.patch.object(recovery_module, "reconcile", patient))
        stack.enter_context(mock.patch.object(owed, "PATIENCE_NS", 200_000_000))
        stack.enter_context(mock.patch.object(control, "CALL_TIMEOUT_S", 0.8))
        stack.enter_context(mock.patch.object(feed, "CONNECT_TIMEOUT_S", 1.5))
        alert = partial(Session, reply_timeout_ns=1_500_000_000)
        stack.enter_context(mock.patch.object(feed, "Session", alert))
        stack.enter_context(mock.patch.object(lifecycle, "STOP_TIMEOUT_S", 3.0))
        yield
