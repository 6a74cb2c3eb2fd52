"""The reaction of `bench.micro.reflex` as a strategy writes it, on a gateway without sockets.

Owns: a gateway whose one order is ready again after each request. Must not know: how time is taken.
Invariant: what happens between callback and bytes is the gateway's own code: states, admission,
throttle, nonce, lane, gate, template.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from whitewire import _core
from whitewire._bridge import OrderConnection
from whitewire.bookkeeping import Bookkeeper
from whitewire.config import Config, MarketConfig, VenueConfig
from whitewire.endpoints import ENDPOINTS
from whitewire.gateway import Gateway
from whitewire.market import Market, Side
from whitewire.protocol.balances import Balances
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.order_flags import Flags
from whitewire.protocol.orders import OrderState
from whitewire.protocol.pipeline import Pipeline
from whitewire.protocol.throttle import Throttle
from whitewire.strategy import Strategy

__all__ = ["Desk"]

_NOWHERE = "http://127.0.0.1:1"


class Desk:
    """A gateway with one lane and one resting bid.

    Args:
        engine: with the market, a key and a book.
        market: its name; one decimal of price, three of amount.
        connection: of the lane.
        client_id, ticks, lots: of the bid.
    """

    def __init__(
        self,
        engine: _core.Engine,
        market: str,
        connection: OrderConnection,
        client_id: bytes,
        ticks: int,
        lots: int,
    ) -> None:
        limits = MarketConfig(max_order_amount=Decimal(10), max_order_notional=Decimal(10**7))
        config = Config(
            venue=VenueConfig(rest=_NOWHERE, public_rest=_NOWHERE, ws="ws://127.0.0.1:1"),
            markets={market: limits},
        )
        self._throttle = Throttle(ENDPOINTS.values(), random.Random(1))
        self._nonces = NonceAllocator()
        self._gateway = gateway = Gateway(
            Strategy(),
            config,
            engine,
            Bookkeeper(config, "key"),
            id_prefix="mm-",
            nonces=self._nonces,
            throttle=self._throttle,
            balances=Balances(),
        )
        self._market = Market(market, "BTC", "USDT", 1, 3)
        gateway.add_market(self._market, engine.book(0, market))
        gateway.clock.is_safe = True
        engine.halt_market(0, False)
        self._pipeline = Pipeline(10**6, 10**6)
        self._pipeline.ready = True
        lane = SimpleNamespace(
            connection=connection,
            push=self._pipeline.push,
            endpoint=lambda kind, is_collateral: kind.value,
            number=lambda nonce: nonce(),
        )
        gateway.entry = cast(Any, SimpleNamespace(pick=lambda order, is_cancel, on_socket: lane))
        self._order = gateway.store.create(
            self._market, Side.BUY, ticks, lots, client_id.decode(), 0
        )
        self._order.flags = Flags.of(Side.BUY, True, False, False, "cn")
        self.forget()

    def forget(self) -> None:
        """Forgets the calls that were counted and the nonces that were given."""
        cells = self._throttle._numbers
        for at in range(len(cast(list[int], cells))):
            cells[at] = 0
        self._nonces.last = 0

    def _make_ready(self) -> None:
        self._pipeline.on_close()
        self._pipeline.ready = True
        self._order.state, self._order.is_replacement_due = OrderState.OPEN, False

    def cancel(self, is_near: Callable[[tuple[int, ...]], bool]) -> Callable[[], None]:
        """A callback that cancels the bid where a ticker's row says so."""
        ticker, order = self._gateway.engine.ticker, self._order

        def on_ticker() -> None:
            self._make_ready()
            row = ticker(0)
            if row is not None and is_near(row):
                order.cancel()

        return on_ticker

    def modify(self, target: Callable[[tuple[int, ...]], int]) -> Callable[[], None]:
        """A callback that moves the bid to where a ticker's row says."""
        ticker, order, price = self._gateway.engine.ticker, self._order, self._market.price

        def on_ticker() -> None:
            self._make_ready()
            row = ticker(0)
            if row is not None:
                order.modify(price=price(target(row)))

        return on_ticker
