"""One row for each REST endpoint: how it is brought to answer, well and badly.

A new endpoint of the venue is one more row: its path as the specification writes it, and a
function that asks it for everything that it can answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.venue.fidelity.recording import Record, RecordingRest
from tests.venue.naive import Nonces
from whitewire.venue import Venue

Json = Any
MARKET = "BTC_USDT"
_LIMIT = {"market": MARKET, "side": "buy", "price": "100", "amount": "0.1"}


@dataclass(slots=True)
class World:
    """A venue without traders and two of its accounts."""

    venue: Venue
    record: Record
    rest: RecordingRest
    other: RecordingRest

    @contextmanager
    def elsewhere(self, clock: Callable[[], float] = time.time, **options: Json) -> Iterator[World]:
        """Another venue whose messages are recorded too."""
        nonces = Nonces(clock)
        with (
            Venue(traders=False, clock=clock, **options) as venue,
            RecordingRest(venue, self.record, 0, nonces) as rest,
            RecordingRest(venue, self.record, 1, nonces) as other,
        ):
            yield World(venue, self.record, rest, other)

    def refuse(self, path: str, status: int, /, **params: Json) -> None:
        """A request that must be refused with this status."""
        answer = self.rest.post(path, **params)
        assert answer[0] == status, (path, answer)

    def get(self, path: str, status: int = 200) -> Json:
        """A public request that must be answered with this status."""
        answer = self.rest.get(path)
        assert answer[0] == status, (path, answer)
        return answer[1]

    def trade(self, amount: str = "0.1") -> Json:
        """The first account buys of the second; the taker's order."""
        self.other.limit("sell", "100", amount)
        return self.rest.limit("buy", "100", amount, clientOrderId=f"t-{time.monotonic_ns()}")

    def stop_limit(self) -> Json:
        """The first account waits to buy; a trade makes sure that there is a last price."""
        self.trade()
        stop = {"market": MARKET, "side": "buy", "amount": "0.1", "price": "205"}
        return self.rest.ok("order/stop_limit", **stop, activation_price="200")


Row = Callable[[World], None]


def _public(path: str) -> Row:
    def ask(world: World) -> None:
        world.get(path)

    return ask


def _order_book(world: World) -> None:
    world.rest.limit("buy", "90")
    world.other.limit("sell", "110")
    world.get(f"orderbook/{MARKET}")
    world.get(f"orderbook/{MARKET}?limit=1&level=2")
    world.get(f"orderbook/{MARKET}?level=abc")
    world.get(f"orderbook/{MARKET}?limit=abc", 422)
    world.get("orderbook/NO_SUCH", 422)


def _depth(world: World) -> None:
    world.trade()
    world.rest.limit("buy", "99")
    world.other.limit("sell", "101")
    world.get(f"orderbook/depth/{MARKET}")
    world.get("orderbook/depth/NO_SUCH", 422)


def _trades(world: World) -> None:
    world.trade()
    world.get(f"trades/{MARKET}?type=buy")
    world.get(f"trades/{MARKET}")
    world.get(f"trades/{MARKET}?type=none", 422)
    world.get("trades/NO_SUCH", 422)


def _fee(world: World) -> None:
    world.rest.ok("market/fee")
    world.rest.ok("market/fee", market="NO_SUCH")


def _token(world: World) -> None:
    world.rest.ok("profile/websocket_token")


def _new(world: World) -> None:
    rest = world.rest
    rest.limit("buy", "90", clientOrderId="n-1", postOnly=True, stp="cn")
    rest.limit("buy", "90", stp="no", ioc=True)
    rest.limit("buy", "90", rpi=True)
    rest.limit("buy", "90", retail=True)
    rest.ok("order/new", market=MARKET, side="buy", amount="0.1", bboRole=1)
    world.other.limit("sell", "100")
    rest.limit("buy", "100", "0.2")
    rest.limit("sell", "100", "0.05", stp="cb")
    world.refuse("order/new", 422)
    world.refuse("order/new", 422, **{**_LIMIT, "clientOrderId": "n-1"})
    world.refuse("order/new", 400, **{**_LIMIT, "amount": "9000000"})
    rest.limit("sell", "500")
    world.refuse("order/new", 400, **{**_LIMIT, "price": "500", "postOnly": True})


def _bulk(world: World) -> None:
    poor = {**_LIMIT, "amount": "9000000"}
    world.rest.ok("order/bulk", orders=[_LIMIT, poor, {**_LIMIT, "retail": True}])
    world.rest.ok("order/bulk", orders=[_LIMIT, poor, _LIMIT], stopOnFail=True)
    world.refuse("order/bulk", 422, orders="x")
    world.refuse("order/bulk", 422, orders=[_LIMIT] * 21)


def _market(path: str, amount: str) -> Row:
    def order(world: World) -> None:
        world.refuse(path, 400, market=MARKET, side="buy", amount="10")
        world.other.limit("sell", "100", "1")
        world.other.limit("buy", "90", "1")
        world.rest.ok(path, market=MARKET, side="buy", amount=amount, clientOrderId="m-1")
        world.rest.ok(path, market=MARKET, side="sell", amount="0.1", stp="no")
        world.refuse(path, 422, market=MARKET, side="sell", amount="90000000")
        world.refuse(path, 422, market="NO_SUCH", side="both")

    return order


def _stop_limit(world: World) -> None:
    stop = {"market": MARKET, "side": "buy", "amount": "0.1", "price": "205"}
    world.trade()
    world.rest.ok("order/stop_limit", **stop, activation_price="200", clientOrderId="s-1")
    world.rest.ok("order/stop_limit", **{**stop, "side": "sell"}, activation_price="50", stp="cb")
    world.rest.ok("orders", market=MARKET)
    world.refuse("order/stop_limit", 422, **stop)
    world.refuse("order/stop_limit", 422, **{**stop, "amount": "9000000"}, activation_price="200")


def _stop_market(world: World) -> None:
    stop = {"market": MARKET, "side": "sell", "amount": "0.1"}
    world.trade()
    world.other.limit("buy", "80", "1")
    world.rest.ok("order/stop_market", **stop, activation_price="95", clientOrderId="s-2")
    world.rest.ok("order/stop_market", **stop, activation_price="50", stp="cn")
    world.rest.ok("orders", market=MARKET)
    world.refuse("order/stop_market", 422, **stop)
    world.refuse("order/stop_market", 422, **{**stop, "amount": "9000000"}, activation_price="50")


def _cancel(world: World) -> None:
    resting = world.rest.limit("buy", "90")["orderId"]
    world.rest.ok("order/cancel", market=MARKET, orderId=resting)
    world.refuse("order/cancel", 400, market=MARKET, orderId=resting)
    world.refuse("order/cancel", 422, market=MARKET)
    world.rest.limit("buy", "90", clientOrderId="c-1", retail=True)
    world.rest.ok("order/cancel", market=MARKET, clientOrderId="c-1")
    stop = world.stop_limit()["orderId"]
    world.rest.ok("order/cancel", market=MARKET, orderId=stop)


def _cancel_all(world: World) -> None:
    world.rest.limit("buy", "90")
    world.rest.ok("order/cancel/all", market=MARKET, type=["spot"])
    world.rest.ok("order/cancel/all")
    world.refuse("order/cancel/all", 422, type="spot")


def _cancel_bulk(world: World) -> None:
    first = world.rest.limit("buy", "90", clientOrderId="b-1")["orderId"]
    unknown = {"market": MARKET, "orderId": 1}
    orders = [{"market": MARKET, "orderId": first}, unknown, {"market": MARKET}]
    world.rest.ok("order/cancel/bulk", orders=orders)
    world.refuse("order/cancel/bulk", 422, orders="x")


def _modify(world: World) -> None:
    resting = world.rest.limit("buy", "90", clientOrderId="y-1")["orderId"]
    world.rest.ok("order/modify", market=MARKET, orderId=resting, price="91", amount="0.2")
    world.rest.ok("order/modify", market=MARKET, clientOrderId="y-1", price="90", stp="no")
    stop = world.stop_limit()["orderId"]
    world.rest.ok("order/modify", market=MARKET, orderId=stop, activationPrice="201")
    retail = world.rest.limit("buy", "90", retail=True)["orderId"]
    world.rest.ok("order/modify", market=MARKET, orderId=retail, price="89")
    world.refuse("order/modify", 400, market=MARKET, orderId=resting, price="91")
    world.refuse("order/modify", 422, market=MARKET, clientOrderId="y-1")
    world.refuse("order/modify", 422, market=MARKET, clientOrderId="y-1", amount="9000000")
    world.refuse("order/modify", 422, market="NO_SUCH", orderId=1, price="1")


def _kill_switch(world: World) -> None:
    world.rest.ok("order/kill-switch", market=MARKET, timeout="60", types=["spot", "margin"])
    world.rest.ok("order/kill-switch", market=MARKET, timeout="60")
    world.rest.ok("order/kill-switch", market=MARKET, timeout=None)
    world.refuse("order/kill-switch", 422, market=MARKET)
    world.refuse("order/kill-switch", 422, market="NO_SUCH", timeout="60")


def _kill_switch_status(world: World) -> None:
    world.rest.ok("order/kill-switch", market=MARKET, timeout="60")
    world.rest.ok("order/kill-switch", market="ETH_USDT", timeout="60", types=["spot"])
    world.rest.ok("order/kill-switch/status")
    world.rest.ok("order/kill-switch/status", market=MARKET)
    for market in (MARKET, "ETH_USDT"):
        world.rest.ok("order/kill-switch", market=market, timeout=None)
    world.rest.ok("order/kill-switch/status")
    world.refuse("order/kill-switch/status", 422, market="NO_SUCH")


def _orders(world: World) -> None:
    world.rest.limit("buy", "90", clientOrderId="o-1", postOnly=True)
    world.rest.limit("buy", "90", retail=True)
    world.stop_limit()
    world.other.limit("sell", "100", "0.05")
    part = world.rest.limit("buy", "100")["orderId"]
    world.rest.ok("orders")
    world.rest.ok("orders", market=MARKET, orderId=part, limit=1, offset=0)
    world.rest.ok("orders", market=MARKET, clientOrderId="none")
    world.refuse("orders", 422, limit=101)
    world.refuse("orders", 422, market="NO_SUCH")


def _balance(world: World) -> None:
    world.rest.limit("buy", "90")
    world.rest.ok("trade-account/balance")
    world.rest.ok("trade-account/balance", ticker="BTC")
    world.refuse("trade-account/balance", 422, ticker="NONE")


def _order_deals(world: World) -> None:
    order = world.trade()["orderId"]
    deals = world.rest.ok("trade-account/order", orderId=order, limit=10, offset=0)
    assert deals["records"]
    world.rest.ok("trade-account/order", orderId=1)
    world.refuse("trade-account/order", 422)


def _executed_history(world: World) -> None:
    name = world.trade()["clientOrderId"]
    path = "trade-account/executed-history"
    assert world.rest.ok(path)
    assert world.rest.ok(path, market=MARKET, clientOrderId=name, limit=1, offset=0)
    world.rest.ok(path, endDate=1)
    world.rest.ok(path, market=MARKET, endDate=1)
    world.refuse(path, 422, clientOrderId="none")
    world.refuse(path, 422, limit="1")


def _order_history(world: World) -> None:
    world.trade()
    world.trade()
    world.other.limit("buy", "99", "1")
    stop = {"market": MARKET, "side": "sell", "amount": "0.1"}
    world.rest.ok("order/stop_market", **stop, activation_price="99")
    world.rest.ok("order/stop_limit", **stop, activation_price="60", price="59")
    world.rest.ok("order/market", **stop)  # activates the first
    world.rest.ok("order/cancel/all")
    path = "trade-account/order/history"
    assert world.rest.ok(path)
    world.rest.ok(path, market=MARKET, status="CANCELED", limit=10, offset=0)
    world.rest.ok(path, market="ETH_BTC")
    world.refuse(path, 422, status="OPEN")
    world.refuse(path, 422, clientOrderId="none")


ROWS: dict[str, Row] = {
    "public/ping": _public("ping"),
    "public/time": _public("time"),
    "public/markets": _public("markets"),
    "public/ticker": _public("ticker"),
    "public/assets": _public("assets"),
    "public/fee": _public("fee"),
    "public/futures": _public("futures"),
    "public/collateral/markets": _public("collateral/markets"),
    "public/platform/status": _public("platform/status"),
    "public/orderbook/{market}": _order_book,
    "public/orderbook/depth/{market}": _depth,
    "public/trades/{market}": _trades,
    "profile/websocket_token": _token,
    "market/fee": _fee,
    "order/new": _new,
    "order/bulk": _bulk,
    "order/market": _market("order/market", "11"),
    "order/stock_market": _market("order/stock_market", "0.1"),
    "order/stop_limit": _stop_limit,
    "order/stop_market": _stop_market,
    "order/cancel": _cancel,
    "order/cancel/all": _cancel_all,
    "order/cancel/bulk": _cancel_bulk,
    "order/modify": _modify,
    "order/kill-switch": _kill_switch,
    "order/kill-switch/status": _kill_switch_status,
    "orders": _orders,
    "trade-account/balance": _balance,
    "trade-account/order": _order_deals,
    "trade-account/executed-history": _executed_history,
    "trade-account/order/history": _order_history,
}
