"""How orders, deals, balances and refusals look in a REST body.

Owns: field names, key order, which keys are left out, and what is text and what is a number.
Must not know: endpoints, HTTP, the engine's state. Invariant: money and sizes are JSON strings,
ids and whole seconds are integers, other times are numbers with a fraction.

Rules:

* S1  `price`, `postOnly` and `ioc` belong to limit shapes; a market order has none of them.
* S2  `retail` is there only where the order was sent with it; `feeAsset` where there is one.
* S3  History prints price "0" for a market or stop-market order.
* S4  A refusal without field texts has no `errors`.
* S5  A stop order says `activation_price`, gte or lte, and whether it was activated as 0 or 1.
      History spells it `activationPrice`, prints >= or <=, and the whole second of activation, 0
      where it never came. No other order has any of the three.
* S6  Until 2023 an order also named its fee ratios, `takerFee` and `makerFee`; some clients still
      need them.
* S7  The usual fees are those of the market that is listed first when the venue opens; they stay
      when it is delisted.
* S8  An order against collateral says `positionSide` and `reduceOnly`, and `oto` where it is the
      entry of one. Lists and histories call its type "margin limit" and so on, if the options say
      so; what creates, changes or cancels it uses the plain names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from whitewire.venue.orders.kill_switch import KillSwitchTimer
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import Deal, Exits, MarketSpec, Order, Product, VenueError, Wallet

__all__ = ["RestShapes", "error_body", "usual_market"]

Json = dict[str, Any]


def error_body(error: VenueError) -> Json:
    """The venue's error object."""
    body: Json = {"code": error.code, "message": error.message}
    if error.errors:  # S4
        body["errors"] = error.errors
    return body


def usual_market(listed: Mapping[str, MarketSpec]) -> MarketSpec:
    """The market whose fees are the usual ones (S7), of a listing that may be empty."""
    return next(iter(listed.values()), default_markets()[0])


class RestShapes:
    """Prints engine values for REST, numbers in the chosen style."""

    def __init__(
        self,
        text: Callable[[Decimal], str],
        *,
        fee_rates: bool = False,
        margin_type_names: bool = True,
    ) -> None:
        self.text = text
        self._fee_rates = fee_rates
        self._margin_type_names = margin_type_names

    def type_in_lists(self, order: Order) -> str:
        """The type as lists and histories call it (S8)."""
        is_plain = order.product is Product.SPOT or not self._margin_type_names
        return order.type.value if is_plain else f"margin {order.type.value}"

    def listed_order(self, order: Order) -> Json:
        """The order object of the active list."""
        return {**self.order(order), "type": self.type_in_lists(order)}

    def order(self, order: Order) -> Json:
        """The order object of create, cancel and modify."""
        text = self.text
        shape: Json = {
            "orderId": order.id,
            "clientOrderId": order.client_order_id,
            "market": order.market,
            "side": order.side.value,
            "type": order.type.value,
            "timestamp": order.ctime,
            "dealMoney": text(order.deal_money),
            "dealStock": text(order.deal_stock),
            "amount": text(order.amount),
            "left": text(order.left),
            "dealFee": text(order.deal_fee),
        }
        if order.price is not None:  # S1
            shape["price"] = text(order.price)
            shape["postOnly"] = order.post_only
            shape["ioc"] = order.ioc
        shape["status"] = order.status.value
        shape["stp"] = order.stp.value
        shape["rpi"] = order.rpi
        if order.retail:  # S2
            shape["retail"] = True
        if order.fee_asset:
            shape["feeAsset"] = order.fee_asset
        if self._fee_rates:  # S6
            shape["takerFee"] = text(order.taker_fee)
            shape["makerFee"] = text(order.maker_fee)
        trigger = order.activation
        if trigger is not None:  # S5
            shape["activation_price"] = text(trigger.price)
            shape["activationCondition"] = trigger.condition.value
            shape["activated"] = int(not order.is_waiting)
        if order.product is not Product.SPOT:  # S8
            shape.update(self._collateral_part(order))
            if order.exits is not None:
                shape["oto"] = self.oto(order.exits)
        return shape

    @staticmethod
    def _collateral_part(order: Order) -> Json:
        return {"positionSide": order.position_side.value, "reduceOnly": order.reduce_only}

    def oto(self, exits: Exits) -> Json:
        """The exits of an entry; only those that there are."""
        prices = {"stopLoss": exits.stop_loss, "takeProfit": exits.take_profit}
        given = {key: self.text(price) for key, price in prices.items() if price is not None}
        return {"otoId": exits.id, **given}

    def finished_order(self, order: Order) -> Json:
        """An entry of the order history."""
        text = self.text
        shape: Json = {
            "amount": text(order.amount),
            "price": "0" if order.price is None else text(order.price),  # S3
            "type": self.type_in_lists(order),
            "id": order.id,
            "clientOrderId": order.client_order_id,
            "side": order.side.value,
            "ctime": order.ctime,
            "ftime": order.mtime,
            "dealFee": text(order.deal_fee),
            "dealStock": text(order.deal_stock),
            "dealMoney": text(order.deal_money),
            "postOnly": order.post_only,
            "ioc": order.ioc,
            "status": order.status.value,
            "feeAsset": order.fee_asset,
            "rpi": order.rpi,
        }
        trigger = order.activation
        if trigger is not None:  # S5
            shape["activated"] = int(trigger.time or 0)
            shape["activationPrice"] = text(trigger.price)
            shape["activationCondition"] = trigger.condition.sign
        if order.product is not Product.SPOT:  # S8
            shape.update(self._collateral_part(order))
        return shape

    def executed_deal(self, deal: Deal) -> Json:
        """An entry of the executed history."""
        text = self.text
        return {
            "id": deal.id,
            "clientOrderId": deal.client_order_id,
            "time": deal.time,
            "side": deal.side.value,
            "role": int(deal.role),
            "amount": text(deal.amount),
            "price": text(deal.price),
            "deal": text(deal.money),
            "fee": text(deal.fee),
            "orderId": deal.order_id,
            "feeAsset": deal.fee_asset,
        }

    def order_deal(self, deal: Deal) -> Json:
        """A record of one order's deals: it names the counterparty's order, not its own."""
        text = self.text
        return {
            "time": deal.time,
            "fee": text(deal.fee),
            "price": text(deal.price),
            "amount": text(deal.amount),
            "id": deal.id,
            "dealOrderId": deal.counter_order_id,
            "clientOrderId": deal.client_order_id,
            "role": int(deal.role),
            "deal": text(deal.money),
            "feeAsset": deal.fee_asset,
            "rpi": deal.rpi,
        }

    def wallet(self, wallet: Wallet) -> Json:
        """One asset of the trade wallet."""
        return {"available": self.text(wallet.available), "freeze": self.text(wallet.freeze)}

    @staticmethod
    def timer(timer: KillSwitchTimer) -> Json:
        """An armed kill switch."""
        return {
            "market": timer.market,
            "startTime": timer.start_time,
            "cancellationTime": timer.cancellation_time,
            "types": None if timer.types is None else list(timer.types),
        }

    def leg(self, result: Order | VenueError) -> Json:
        """One leg of a bulk answer: exactly one of `result` and `error` is not null."""
        if isinstance(result, VenueError):
            return {"result": None, "error": error_body(result)}
        return {"result": self.order(result), "error": None}

    @staticmethod
    def cancelled_leg(result: Order | VenueError) -> Json:
        """One item of a bulk cancel: identifiers only, no state."""
        if isinstance(result, VenueError):
            return {"result": None, "error": error_body(result)}
        ids = {
            "orderId": result.id,
            "clientOrderId": result.client_order_id,
            "market": result.market,
        }
        return {"result": ids, "error": None}
