"""Sockets for tests of the order methods: authorized, and with short forms of the common calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue, WireOptions
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.model import AccountSpec

MARKET = "BTC_USDT"
PERP = "BTC_PERP"
REPLY_KEYS = [
    *("id", "market", "type", "side", "post_only", "ioc", "ctime", "mtime", "price", "amount"),
    *("left", "deal_stock", "deal_money", "deal_fee", "client_order_id", "stp", "status"),
]
STOP_KEYS = ["activation_price", "activation_condition", "activated"]
STOP_REPLY_KEYS = [*REPLY_KEYS[:8], *STOP_KEYS, *REPLY_KEYS[8:]]


def order_venue(
    wire: WireOptions | None = None,
    engine: ExchangeOptions | None = None,
    clock: Callable[[], float] = time.time,
) -> Venue:
    """A venue for three accounts with ample funds, of which the last may send no special flags."""
    funds = {"BTC": Decimal(100), "USDT": Decimal(1_000_000)}
    accounts = [
        AccountSpec(name, f"key-{name}", f"secret-{name}", funds, {"USDT": Decimal(1_000_000)})
        for name in "abc"
    ]
    accounts[2] = replace(accounts[2], rpi_enabled=False, retail_enabled=False)
    wire = replace(wire or WireOptions(), token_ttl_s=3_600.0)
    return Venue(traders=False, wire=wire, engine=engine, accounts=accounts, clock=clock)


def limit_totals(venue: Venue, market: str, most: Decimal) -> None:
    """Gives a market a greatest total; its rules are one object that all of the venue sees."""
    venue.call(lambda exchange: object.__setattr__(exchange.markets[market], "max_total", most))


class OrderSocket(WsClient):
    """A socket of one account."""

    def __init__(self, venue: Venue, token: str) -> None:
        super().__init__(venue)
        assert self.call("authorize", token, "public") == {"status": "success"}

    def place(self, method: str, side: str, amount: str, **fields: Any) -> Any:
        """Places an order on the market."""
        return self.call(
            f"order_{method}_place", {"market": MARKET, "side": side, "amount": amount, **fields}
        )

    def limit(self, side: str, price: str, amount: str = "0.1", **fields: Any) -> Any:
        """Places a limit order."""
        return self.place("limit", side, amount, price=price, **fields)

    def error(self, method: str, *params: Any) -> tuple[int, str]:
        """Number and text of a call that must be refused."""
        reply = self.request(method, list(params))
        assert reply["result"] is None, reply
        assert list(reply) == ["error", "result", "id"]
        assert list(reply["error"]) == ["code", "message"]
        return reply["error"]["code"], reply["error"]["message"]

    def pending(self, count: int) -> list[tuple[int, int, str]]:
        """(event, id, status) of the next pushes about orders."""
        pushes = [self.push("ordersPending_update") for _ in range(count)]
        return [(event, order["id"], order["status"]) for event, order in pushes]


class CollateralSocket(OrderSocket):
    """A socket of one account that trades futures."""

    def place(self, method: str, side: str, amount: str, **fields: Any) -> Any:
        """Places an order against collateral."""
        call = {"market": PERP, "side": side, "amount": amount, **fields}
        return self.call(f"collateral_order_{method}_place", call)

    def cancel_all(self) -> None:
        """Cancels every order, of futures and on margin."""
        for market in (PERP, MARKET):
            call = {"market": market, "type": ["spot", "margin", "futures"]}
            assert self.call("order_cancel_all", call) == {}

    def flatten(self, other: CollateralSocket) -> None:
        """Closes the position against the other account's, which is the opposite one."""
        for side, opposite in (("buy", "sell"), ("sell", "buy")):
            other.limit(opposite, "60000", "10")
            self.request(
                "collateral_order_market_place",
                [{"market": PERP, "side": side, "amount": "10", "reduce_only": True}],
            )
            other.cancel_all()
        self.pushes.clear()


def token_of(rest: RestClient) -> str:
    """A token of an account."""
    token: str = rest.ok("profile/websocket_token")["websocket_token"]
    return token


def trade(ws: OrderSocket, theirs: OrderSocket, price: str) -> None:
    """Makes a last price, of which the first socket is told; the book is as before."""
    theirs.limit("sell", price, "0.1")
    assert ws.limit("buy", price, "0.1")["status"] == "FILLED"
    ws.pending(1)


def part(order: Any, *keys: str) -> list[Any]:
    """Some members of an order."""
    return [order[key] for key in keys]
