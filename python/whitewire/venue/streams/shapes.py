"""How levels, trades, orders and deals look in a WebSocket message.

Owns: field names, tuple positions, and the frames of replies and pushes. Must not know: sockets,
subscriptions, the engine's state. Invariant: times are epoch seconds with a fraction, money is
text, sides and types are the venue's numbers.

Rules:

* W1  A reply is error, result, id in this order; a push is method, params, id null.
* W2  Price "0" stands for the missing price of a market or stop-market order.
* W3  `retail` is printed only where the order was sent with it.
* W4  An empty side of the book ticker is "0", "0".
* W5  A stop order has its trigger's price and condition, and `activated` as 0 or 1.
* W6  The reply of an order method has an order of members of its own, the trigger before the
      price, and neither `rpi`, `retail` nor `fee_asset`.
* W7  `reduce_only` and `position_side` are printed of orders against collateral only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from whitewire.venue.values.model import Deal, Level, Order, Product, PublicTrade, Top, Wallet
from whitewire.venue.wire.json_text import spaced

__all__ = ["SUCCESS", "WsShapes", "error_reply", "push", "reply"]

Json = dict[str, Any]
SUCCESS = {"status": "success"}
# W6; not every order has all of them.
_REPLY_KEYS = (
    *("id", "market", "type", "side", "post_only", "ioc", "reduce_only", "position_side"),
    *("ctime", "mtime", "activation_price", "activation_condition", "activated"),
    *("price", "amount", "left", "deal_stock", "deal_money", "deal_fee"),
    *("client_order_id", "stp", "status"),
)


def reply(result: Any, request_id: int) -> str:
    """An answer (W1)."""
    return f'{{"error": null, "result": {spaced(result)}, "id": {request_id}}}'


def error_reply(code: int, message: str, request_id: int) -> str:
    """A refusal (W1)."""
    error = spaced({"code": code, "message": message})
    return f'{{"error": {error}, "result": null, "id": {request_id}}}'


def push(method: str, params: Any) -> str:
    """An update (W1)."""
    return f'{{"method": "{method}", "params": {spaced(params)}, "id": null}}'


class WsShapes:
    """Prints engine values for the WebSocket, numbers in the chosen style."""

    def __init__(self, text: Callable[[Decimal], str]) -> None:
        self.text = text

    def levels(self, levels: Iterable[Level]) -> list[list[str]]:
        """One side of a book."""
        text = self.text
        return [[text(level.price), text(level.amount)] for level in levels]

    def book_ticker(self, top: Top, message_time: float) -> list[Any]:
        """The book ticker's 8 fields."""
        bid, ask = self._quote(top.bid), self._quote(top.ask)
        return [top.time, message_time, top.market, top.update_id, *bid, *ask]

    def _quote(self, level: Level | None) -> tuple[str, str]:
        if level is None:
            return "0", "0"  # W4
        return self.text(level.price), self.text(level.amount)

    def trade(self, trade: PublicTrade) -> Json:
        """One public trade."""
        return {
            "id": trade.id,
            "time": trade.time,
            "price": self.text(trade.price),
            "amount": self.text(trade.amount),
            "type": trade.side.value,
            "rpi": trade.rpi,
        }

    def wallet(self, wallet: Wallet) -> Json:
        """One asset of the trade wallet."""
        return {"available": self.text(wallet.available), "freeze": self.text(wallet.freeze)}

    def order_reply(self, order: Order, *, flags: bool) -> Json:
        """An order as the order methods answer it (W6); `flags` adds what only pushes have."""
        whole = self.order(order)
        shape = {key: whole[key] for key in _REPLY_KEYS if key in whole}
        return shape | whole if flags else shape

    def order(self, order: Order) -> Json:
        """An order of ordersPending and of the pushes of ordersExecuted."""
        text = self.text
        shape: Json = {
            "id": order.id,
            "market": order.market,
            "type": order.type_code,
            "side": order.side.code,
            "post_only": order.post_only,
            "ioc": order.ioc,
            "ctime": order.ctime,
            "mtime": order.mtime,
            "price": self._price(order),
            "amount": text(order.amount),
            "left": text(order.left),
            "deal_stock": text(order.deal_stock),
            "deal_money": text(order.deal_money),
            "deal_fee": text(order.deal_fee),
            "client_order_id": order.client_order_id,
            "stp": order.stp.value,
            "status": order.status.value,
            "rpi": order.rpi,
            "fee_asset": order.fee_asset,
        }
        if order.product is not Product.SPOT:  # W7
            shape["reduce_only"] = order.reduce_only
            shape["position_side"] = order.position_side.value
        if order.retail:  # W3
            shape["retail"] = True
        trigger = order.activation
        if trigger is not None:  # W5
            shape["activation_price"] = text(trigger.price)
            shape["activation_condition"] = trigger.condition.value
            shape["activated"] = int(not order.is_waiting)
        return shape

    def executed_order(self, order: Order) -> Json:
        """A record of an ordersExecuted query: it has an end and a source, but no remainder."""
        text = self.text
        return {
            "id": order.id,
            "ctime": order.ctime,
            "ftime": order.mtime,
            "market": order.market,
            "source": order.source,
            "type": order.type_code,
            "side": order.side.code,
            "post_only": order.post_only,
            "ioc": order.ioc,
            "price": self._price(order),
            "amount": text(order.amount),
            "deal_stock": text(order.deal_stock),
            "deal_money": text(order.deal_money),
            "deal_fee": text(order.deal_fee),
            "client_order_id": order.client_order_id,
            "status": order.status.value,
            "fee_asset": order.fee_asset,
            "rpi": order.rpi,
            "retail": order.retail,
            "reduce_only": order.reduce_only,
        }

    def _price(self, order: Order) -> str:
        return "0" if order.price is None else self.text(order.price)  # W2

    def deal_tuple(self, deal: Deal) -> list[Any]:
        """The 11 fields of a deals push."""
        text = self.text
        return [
            deal.id,
            deal.time,
            deal.market,
            deal.order_id,
            text(deal.price),
            text(deal.amount),
            text(deal.fee),
            deal.client_order_id,
            deal.side.code,
            int(deal.role),
            deal.fee_asset,
        ]

    def deal_record(self, deal: Deal) -> Json:
        """A record of a deals query."""
        text = self.text
        return {
            "time": deal.time,
            "id": deal.id,
            "side": deal.side.code,
            "role": int(deal.role),
            "price": text(deal.price),
            "amount": text(deal.amount),
            "deal": text(deal.money),
            "fee": text(deal.fee),
            "order_id": deal.order_id,
            "deal_order_id": deal.counter_order_id,
            "market": deal.market,
            "client_order_id": deal.client_order_id,
            "fee_asset": deal.fee_asset,
        }
