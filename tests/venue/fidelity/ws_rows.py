"""One row for each channel of the WebSocket: its calls, and what makes it push.

A new channel is one more row. A row is run where the venue has its methods.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.venue.fidelity.recording import RecordingWs
from tests.venue.fidelity.rest_rows import MARKET, World

Json = Any


@dataclass(slots=True)
class Line:
    """A socket of the first account, and the world that it watches."""

    ws: RecordingWs
    world: World

    def refuse(self, method: str, *params: Json) -> None:
        """A call that must be refused."""
        self.ws.refused(method, *params)


Drive = Callable[[Line], None]


@dataclass(frozen=True, slots=True)
class Row:
    """A channel: the methods that it takes, those that it pushes under, and how it is driven."""

    drive: Drive
    calls: tuple[str, ...]
    pushes: tuple[str, ...] = ()


def family(name: str, *verbs: str) -> tuple[str, ...]:
    """A channel's methods by what they do."""
    return tuple(f"{name}_{verb}" for verb in verbs)


_ALL = ("request", "subscribe", "unsubscribe")
_STREAM = ("subscribe", "unsubscribe")


def _service(line: Line) -> None:
    line.ws.call("ping")
    line.ws.call("time")
    line.refuse("ping", 1)
    line.refuse("no_such_method")


def _authorize(line: Line) -> None:
    line.ws.authorize(line.world.rest)
    line.refuse("authorize", "bad", "public")
    line.refuse("authorize")


def _depth(line: Line) -> None:
    ws = line.ws
    line.world.rest.limit("buy", "90")
    line.world.other.limit("sell", "110")
    ws.call("depth_request", MARKET, 100, "0")
    ws.call("depth_subscribe", MARKET, 100, "0", True)
    ws.push("depth_update")
    line.world.rest.limit("buy", "91")  # one side changes
    ws.push("depth_update")
    line.world.other.limit("sell", "91", "0.2")  # both do
    ws.push("depth_update")
    ws.call("depth_unsubscribe", MARKET)
    ws.call("depth_unsubscribe")
    line.refuse("depth_subscribe", "NO_SUCH", 100, "0", True)
    line.refuse("depth_request", MARKET, 101, "0")


def _book_ticker(line: Line) -> None:
    line.ws.call("bookTicker_subscribe", "ETH_BTC")
    line.ws.push("bookTicker_update")  # an empty book
    line.ws.call("bookTicker_subscribe", MARKET)
    line.ws.push("bookTicker_update")
    line.world.rest.limit("buy", "92")
    line.ws.push("bookTicker_update")
    line.ws.call("bookTicker_unsubscribe", MARKET)
    line.ws.call("bookTicker_unsubscribe")


def _trades(line: Line) -> None:
    line.world.trade()
    line.ws.call("trades_request", MARKET, 100, 0)
    line.ws.call("trades_subscribe", MARKET)
    line.ws.push("trades_update")
    line.world.trade()
    line.ws.push("trades_update")
    line.ws.call("trades_unsubscribe")
    line.refuse("trades_request", MARKET, 0, 0)


def _last_price(line: Line) -> None:
    line.world.trade()
    line.ws.call("lastprice_request", MARKET)
    line.ws.call("lastprice_request", "ETH_BTC")  # never traded
    line.ws.call("lastprice_subscribe", MARKET)
    line.world.trade()
    line.ws.push("lastprice_update")
    line.ws.call("lastprice_unsubscribe")


def _market(line: Line) -> None:
    line.world.trade()
    line.ws.call("market_request", MARKET, 86_400)
    line.ws.call("market_subscribe", MARKET, "ETH_BTC")
    line.ws.push("market_update")
    line.world.trade()
    line.ws.push("market_update")
    line.ws.call("market_unsubscribe")
    line.refuse("market_request", "NO_SUCH", 86_400)


def _market_today(line: Line) -> None:
    line.world.trade()
    line.ws.call("marketToday_query", MARKET)
    line.ws.call("marketToday_subscribe", MARKET, "ETH_BTC")
    line.ws.push("marketToday_update")
    line.world.trade()
    line.ws.push("marketToday_update")
    line.ws.call("marketToday_unsubscribe")
    line.refuse("marketToday_query", "NO_SUCH")


def _candles(line: Line) -> None:
    line.world.trade()
    now = int(time.time())
    assert line.ws.call("candles_request", MARKET, now - 7_200, now, 3_600)
    line.ws.call("candles_subscribe", MARKET, 900)
    line.world.trade()
    line.ws.push("candles_update")
    line.ws.call("candles_unsubscribe")
    line.refuse("candles_request", MARKET, now, now, 7)


def _balance_spot(line: Line) -> None:
    line.ws.authorize(line.world.rest)
    line.ws.call("balanceSpot_request")
    line.ws.call("balanceSpot_request", "BTC", "USDT")
    line.ws.call("balanceSpot_subscribe", "BTC", "USDT")
    line.world.trade()
    line.ws.push("balanceSpot_update")
    line.ws.call("balanceSpot_unsubscribe")
    line.refuse("balanceSpot_request", "NONE")


def _orders_pending(line: Line) -> None:
    rest, other, ws = line.world.rest, line.world.other, line.ws
    line.refuse("ordersPending_subscribe", MARKET)
    ws.authorize(rest)
    ws.call("ordersPending_subscribe", MARKET)
    rest.limit("buy", "90", clientOrderId="p-1", stp="cn", retail=True)
    ws.push("ordersPending_update")
    rest.limit("buy", "100", "0.2")
    other.limit("sell", "100")  # filled in part
    line.world.stop_limit()
    ws.call("ordersPending_request", MARKET, 0, 100)
    other.limit("sell", "100")
    line.world.trade()
    rest.ok("order/cancel/all")
    finished, events = "", set()
    while finished != "p-1":
        event, order = ws.push("ordersPending_update")
        events.add(event)
        finished = order["client_order_id"] if event == 3 else ""
    assert events == {1, 2, 3}
    ws.call("ordersPending_unsubscribe")
    line.refuse("ordersPending_request", MARKET, 0, 101)


def _orders_executed(line: Line) -> None:
    rest, ws = line.world.rest, line.ws
    ws.authorize(rest)
    ws.call("ordersExecuted_subscribe", [MARKET], 0)
    line.world.trade()
    ws.push("ordersExecuted_update")
    line.world.other.limit("sell", "100")
    rest.ok("order/market", market=MARKET, side="buy", amount="10")
    ws.push("ordersExecuted_update")
    line.world.stop_limit()
    rest.limit("buy", "90", clientOrderId="e-1", retail=True)
    rest.ok("order/cancel/all")
    while ws.push("ordersExecuted_update")[0]["client_order_id"] != "e-1":
        pass
    wanted = {"market": MARKET, "order_types": [1, 2]}
    assert ws.call("ordersExecuted_request", wanted, 0, 100)["records"]
    ws.call("ordersExecuted_unsubscribe")
    line.refuse("ordersExecuted_subscribe", [MARKET], 3)


def _deals(line: Line) -> None:
    line.ws.authorize(line.world.rest)
    line.ws.call("deals_subscribe", [MARKET])
    line.world.trade()
    line.ws.push("deals_update")
    assert line.ws.call("deals_request", MARKET, 0, 100)["records"]
    line.ws.call("deals_unsubscribe")
    line.refuse("deals_subscribe", MARKET)


ROWS: dict[str, Row] = {
    "service": Row(_service, ("ping", "time")),
    "authorize": Row(_authorize, ("authorize",)),
    "depth": Row(_depth, family("depth", *_ALL), ("depth_update",)),
    "bookTicker": Row(_book_ticker, family("bookTicker", *_STREAM), ("bookTicker_update",)),
    "trades": Row(_trades, family("trades", *_ALL), ("trades_update",)),
    "lastprice": Row(_last_price, family("lastprice", *_ALL), ("lastprice_update",)),
    "market": Row(_market, family("market", *_ALL), ("market_update",)),
    "marketToday": Row(
        _market_today, family("marketToday", "query", *_STREAM), ("marketToday_update",)
    ),
    "kline": Row(_candles, family("candles", *_ALL), ("candles_update",)),
    "balanceSpot": Row(_balance_spot, family("balanceSpot", *_ALL), ("balanceSpot_update",)),
    "ordersPending": Row(
        _orders_pending, family("ordersPending", *_ALL), ("ordersPending_update",)
    ),
    "ordersExecuted": Row(
        _orders_executed, family("ordersExecuted", *_ALL), ("ordersExecuted_update",)
    ),
    "deals": Row(_deals, family("deals", *_ALL), ("deals_update",)),
}
