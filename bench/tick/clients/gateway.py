"""whitewire: a strategy with a Python callback on the whole gateway.

Owns: the strategy and its configuration. Must not know: how the gateway works. Invariant: gate,
order states, kill switch and reconciliation are at work as in production; only the journal is off.

Market data and orders go to the referee, every other endpoint is moved to the control venue by
`route_overrides`. With several legs a post-only ladder is quoted, and the last answer of each is
timed from the decision on, and printed at the end.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from bench.tick.clients.common import AMOUNT, MARKET, WARM_UP_LADDERS, Told, told
from whitewire import Order, OrderNotice, Strategy
from whitewire._bridge import now_ns
from whitewire.config import Config, Credentials
from whitewire.endpoints import ENDPOINTS, Route
from whitewire.lifecycle import Lifecycle
from whitewire.transport import loop

if TYPE_CHECKING:
    from whitewire._bridge import OrderTicket
    from whitewire._core import Book
    from whitewire.gateway import Gateway

__all__ = ["Chaser", "config", "main"]

_PLACED = ("place", "bulk", "modify", "cancel")
# Three digits, as the referee's own histogram.
_DIGITS = 3


class Chaser(Strategy):
    """Buys at the best bid when it moves; in whole ticks, as a strategy in a hurry does."""

    markets = (MARKET,)

    def __init__(self) -> None:
        self._lots = 0
        self._best = 0
        self._buy: OrderTicket | None = None

    def on_start(self, gw: Gateway) -> None:
        """The best bid that is there was no tick."""
        self._buy = gw.ticket(MARKET, "buy", ioc=True)
        self._lots = gw.market(MARKET).amount_to_lots(AMOUNT)
        self._best = gw.book(MARKET).best_bid_ticks or 0

    def on_book(self, book: Book) -> None:
        """The order of a tick."""
        best = book.best_bid_ticks
        if best is not None and best != self._best:
            self._best = best
            self.act(best)

    def act(self, best: int) -> None:
        """One order; what does not fill at once goes away."""
        assert self._buy is not None
        self._buy.limit(best, self._lots)


@dataclass(slots=True)
class _Ladder:
    """Orders of one tick, until the last of them is answered."""

    number: int
    decided_ns: int
    unanswered: int


class LadderChaser(Chaser):
    """Quotes a ladder from the best bid down, and times the last answer of each.

    Attributes:
        last_answer: counts by nanoseconds from the decision on, three digits.
    """

    def __init__(self, legs: int) -> None:
        super().__init__()
        self.last_answer: Counter[int] = Counter()
        self._legs = range(legs)
        self._ladders = 0
        self._waiting: dict[Order, _Ladder] = {}

    def on_start(self, gw: Gateway) -> None:
        """As for one order, but post-only."""
        super().on_start(gw)
        self._buy = gw.ticket(MARKET, "buy")

    def act(self, best: int) -> None:
        """One order for each leg."""
        assert self._buy is not None
        self._ladders += 1
        ladder = _Ladder(self._ladders, now_ns(), len(self._legs))
        orders = self._buy.ladder([(best - leg, self._lots) for leg in self._legs])
        self._waiting.update(dict.fromkeys(orders, ladder))

    def on_order(self, order: Order, event: OrderNotice) -> None:
        """The last order to end answers the ladder."""
        ladder = self._waiting.pop(order, None) if order.is_done else None
        if ladder is not None:
            ladder.unanswered -= 1
            if ladder.unanswered == 0 and ladder.number > WARM_UP_LADDERS:
                self.last_answer[_rounded(now_ns() - ladder.decided_ns)] += 1


def _rounded(ns: int) -> int:
    unit: int = 10 ** max(0, len(str(ns)) - _DIGITS - 1)
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
    strategy = LadderChaser(told.legs) if told.legs > 1 else Chaser()
    credentials = Credentials(key=told.key, secret=told.secret)
    lifecycle = Lifecycle(strategy, config(told), credentials)
    loop.stop_on_signals(lifecycle.stop)
    await lifecycle.run()
    if isinstance(strategy, LadderChaser):
        print(json.dumps({"last_answer": sorted(strategy.last_answer.items())}))


def main() -> None:
    """The program."""
    loop.run(_work(told()))


if __name__ == "__main__":
    main()
