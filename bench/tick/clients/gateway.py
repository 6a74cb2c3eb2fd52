"""whitewire: a strategy with a Python callback on the whole gateway.

Owns: the strategy and its configuration. Must not know: how the gateway works. Invariant: gate,
order states, kill switch and reconciliation are at work as in production; only the journal is off.

Market data and orders go to the referee, every other endpoint is moved to the control venue by
`route_overrides`. With several legs the last answer of each burst is timed from the callback's
start, and printed at the end.
"""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from bench.tick.clients.common import AMOUNT, MARKET, Told, told
from whitewire import Order, Strategy
from whitewire._bridge import now_ns
from whitewire.config import Config, Credentials
from whitewire.endpoints import ENDPOINTS, Route
from whitewire.lifecycle import Lifecycle
from whitewire.transport import loop

if TYPE_CHECKING:
    from whitewire._core import Book
    from whitewire.gateway import Gateway

__all__ = ["Chaser", "config", "main"]

_PLACED = ("place", "bulk", "modify", "cancel")
_PRICE_STEP = Decimal("0.01")
# Three digits, as the referee's own histogram.
_DIGITS = 3


class Chaser(Strategy):
    """Buys at the best bid, and one price step lower for each further leg, when it moves."""

    markets = (MARKET,)

    def __init__(self, legs: int) -> None:
        self._steps = [_PRICE_STEP * leg for leg in range(legs)]
        self._amount = Decimal(AMOUNT)
        self._best = Decimal(0)
        self._gateway: Gateway | None = None

    def on_start(self, gw: Gateway) -> None:
        """The best bid that is there was no tick."""
        self._gateway = gw
        best = gw.book(MARKET).best_bid
        self._best = best[0] if best else Decimal(0)

    def on_book(self, book: Book) -> None:
        """One order for each leg."""
        best = book.best_bid
        if best is None or best[0] == self._best or self._gateway is None:
            return
        self._best = best[0]
        for step in self._steps:
            self._gateway.limit(MARKET, "buy", best[0] - step, self._amount, ioc=True)


class TimedChaser(Chaser):
    """Also times the last answer of each burst, from the moment at which it was decided.

    Attributes:
        last_answer: counts by nanoseconds, three digits.
    """

    def __init__(self, legs: int) -> None:
        super().__init__(legs)
        self.last_answer: Counter[int] = Counter()
        self._decided_ns = 0
        self._unanswered = 0

    def on_book(self, book: Book) -> None:
        """As the chaser does, beside a clock."""
        self._decided_ns, self._unanswered = now_ns(), len(self._steps)
        super().on_book(book)

    def on_order(self, order: Order) -> None:
        """The last order to end answers the burst."""
        if order.is_done:
            self._unanswered -= 1
            if self._unanswered == 0:
                took = now_ns() - self._decided_ns
                self.last_answer[_rounded(took)] += 1


def _rounded(ns: int) -> int:
    unit = 10 ** max(0, len(str(ns)) - _DIGITS - 1)
    return ns // unit * unit


def config(told: Told) -> Config:
    """The gateway's configuration."""
    moved = {
        name: "public"
        for name, endpoint in ENDPOINTS.items()
        if endpoint.route is Route.COLOCATION and name not in _PLACED
    }
    process: dict[str, Any] = {"cpu": told.cpu}
    if told.receive != "block":
        process["receive"] = told.receive
    tree = {
        "venue": {
            "rest": told.rest,
            "public_rest": told.control,
            "ws": told.ws,
            "ca": told.ca,
            "route_overrides": moved,
        },
        "orders": {"connections": told.connections},
        "process": process,
        "journal": {"path": "none"},
        "markets": {
            MARKET: {
                "max_order_amount": "1",
                "max_order_notional": "100000",
                "collar_percent": "50",
            }
        },
    }
    return msgspec.convert(tree, Config)


async def _work(told: Told) -> None:
    strategy = TimedChaser(told.legs) if told.legs > 1 else Chaser(told.legs)
    credentials = Credentials(key=told.key, secret=told.secret)
    lifecycle = Lifecycle(strategy, config(told), credentials)
    loop.stop_on_signals(lifecycle.stop)
    await lifecycle.run()
    if isinstance(strategy, TimedChaser):
        print(json.dumps({"last_answer": sorted(strategy.last_answer.items())}))


def main() -> None:
    """The program."""
    loop.run(_work(told()))


if __name__ == "__main__":
    main()
