"""How everything about trading against collateral looks in a REST body.

Owns: field names, key order, which keys are left out, and what is text and what is a number. Must
not know: endpoints, HTTP, the engine's state. Invariant: money and sizes are JSON strings, unless
the option for the balances says otherwise; ids are integers.

Rules:

* K1  A new order is the order object and its `oto`, null where it has no exits.
* K2  Legs of an OCO spell `post_only`, `activation_price`, `activation_condition` and `mtime` in
      snake case, between camel-case keys; only the stop leg has a trigger. A new OCO prints plain
      types, fee ratios and the position side; a listed or cancelled one the types of lists, the
      fee asset and, on futures, the position side.
* K3  Legs of conditional-orders are in camel case throughout.
* K4  `pnl` of an open position is what its closed parts realised; `pnlPercent` is unrealised.
* K5  Funding is paid by the balance, so a position's own funding is "0".
* K6  Times of funding are text of whole seconds; closed positions have whole seconds as numbers.
* K7  A change of a position says what it realised, null where that is nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from whitewire.venue.collateral.closed import ClosedPosition
from whitewire.venue.collateral.desk import PositionView
from whitewire.venue.collateral.funding import Settlement
from whitewire.venue.collateral.groups import Group, GroupKind
from whitewire.venue.collateral.margin import AssetSummary, Summary
from whitewire.venue.engine.positions import FundingRecord, PositionRecord
from whitewire.venue.options import WireOptions
from whitewire.venue.rest.shapes import RestShapes, error_body
from whitewire.venue.values.model import MarketSpec, Order, PositionSide, Product, VenueError

__all__ = ["CollateralShapes"]

Json = dict[str, Any]


class CollateralShapes:
    """Prints values of collateral trading for REST, numbers in the chosen style."""

    def __init__(self, text: Callable[[Decimal], str], options: WireOptions) -> None:
        self.text = text
        self._orders = RestShapes(
            text,
            fee_rates=options.order_fee_rates,
            margin_type_names=options.margin_type_names,
        )
        self._has_number_balances = options.collateral_balance_numbers

    # Orders

    def created(self, order: Order) -> Json:
        """A new order (K1)."""
        oto = None if order.exits is None else self._orders.oto(order.exits)
        return {**self._orders.order(order), "oto": oto}

    def leg(self, result: Order | VenueError) -> Json:
        """One leg of a bulk answer: exactly one of `result` and `error` is not null."""
        if isinstance(result, VenueError):
            return {"result": None, "error": error_body(result)}
        return {"result": self.created(result), "error": None}

    def created_oco(self, group: Group) -> Json:
        """A new OCO (K2)."""
        return {
            "id": group.id,
            "reduceOnly": group.limit_leg.reduce_only,
            "stop_loss": self._created_leg(group.stop_leg),
            "take_profit": self._created_leg(group.limit_leg),
        }

    def oco(self, group: Group) -> Json:
        """A listed or cancelled OCO (K2)."""
        return {
            "id": group.id,
            "stop_loss": self._listed_leg(group.stop_leg),
            "take_profit": self._listed_leg(group.limit_leg),
        }

    def conditional(self, group: Group) -> Json:
        """A record of conditional-orders: an OCO or an OTO (K3)."""
        if group.kind is GroupKind.OCO:
            return {
                "id": group.id,
                "type": "oco",
                "stopLoss": self._camel_leg(group.stop_leg),
                "takeProfit": self._camel_leg(group.limit_leg),
            }
        shape: Json = {"id": group.id, "type": "oto"}
        exits = group.entry.exits
        if exits is not None and exits.stop_loss is not None:
            shape["stopLossPrice"] = self.text(exits.stop_loss)
        if exits is not None and exits.take_profit is not None:
            shape["takeProfitPrice"] = self.text(exits.take_profit)
        return {**shape, "conditionalOrder": self._orders.listed_order(group.entry)}

    def _leg_head(self, order: Order, type_text: str) -> Json:
        return {
            "orderId": order.id,
            "clientOrderId": order.client_order_id,
            "market": order.market,
            "side": order.side.value,
            "type": type_text,
            "timestamp": order.ctime,
            "dealMoney": self.text(order.deal_money),
            "dealStock": self.text(order.deal_stock),
            "amount": self.text(order.amount),
        }

    def _leg_price(self, order: Order, *, snake: bool) -> Json:
        shape: Json = {"mtime": order.mtime}
        if order.price is not None:
            shape["price"] = self.text(order.price)
        trigger = order.activation
        if trigger is not None:
            shape["activation_price" if snake else "activationPrice"] = self.text(trigger.price)
            key = "activation_condition" if snake else "activationCondition"
            shape[key] = trigger.condition.value
            shape["activated"] = int(not order.is_waiting)
        return shape

    def _created_leg(self, order: Order) -> Json:
        return {
            **self._leg_head(order, order.type.value),
            "takerFee": self.text(order.taker_fee),
            "makerFee": self.text(order.maker_fee),
            "left": self.text(order.left),
            "dealFee": self.text(order.deal_fee),
            "post_only": order.post_only,
            **self._leg_price(order, snake=True),
            "status": order.status.value,
            "stp": order.stp.value,
            "positionSide": order.position_side.value,
        }

    def _listed_leg(self, order: Order, *, snake: bool = True) -> Json:
        side = {"positionSide": order.position_side.value}
        return {
            **self._leg_head(order, self._orders.type_in_lists(order)),
            "left": self.text(order.left),
            "dealFee": self.text(order.deal_fee),
            "post_only" if snake else "postOnly": order.post_only,
            **({"feeAsset": order.fee_asset} if snake else {}),
            "status": order.status.value,
            "stp": order.stp.value,
            **(side if order.product is Product.FUTURES else {}),
            "reduceOnly": order.reduce_only,
            **self._leg_price(order, snake=snake),
        }

    def _camel_leg(self, order: Order) -> Json:
        return self._listed_leg(order, snake=False)

    # Account

    def balance(self, asset: AssetSummary) -> Any:
        """What there is of an asset: text, or a number that was one in JSON, if the options say."""
        text = self.text(asset.balance)
        return json.loads(text) if self._has_number_balances else text

    def asset(self, asset: AssetSummary) -> Json:
        """An entry of the balance summary."""
        return {
            "asset": asset.asset,
            "balance": self.text(asset.balance),
            "borrow": self.text(asset.borrow),
            "availableWithoutBorrow": self.text(asset.available_without_borrow),
            "availableWithBorrow": self.text(asset.available_with_borrow),
        }

    def summary(self, summary: Summary) -> Json:
        """The account's summary."""
        return {
            "equity": self.text(summary.equity),
            "margin": self.text(summary.margin),
            "freeMargin": self.text(summary.free_margin),
            "unrealizedFunding": "0",  # K5
            "pnl": self.text(summary.unrealized),
            "leverage": summary.leverage,
            "marginFraction": self.text(summary.margin_fraction),
        }

    # Positions

    def position(self, view: PositionView) -> Json:
        """An open position (K4, K5)."""
        text, position = self.text, view.position
        return {
            "positionId": position.id,
            "market": position.market,
            "openDate": position.opened,
            "modifyDate": position.modified,
            "amount": text(position.amount),
            "basePrice": text(position.base_price),
            "liquidationPrice": self._optional(view.liquidation_price),
            "liquidationState": position.state,
            "pnl": text(position.realized),
            "pnlPercent": text(view.unrealized_percent),
            "margin": text(view.margin),
            "freeMargin": text(view.free_margin),
            "funding": text(position.funding),
            "unrealizedFunding": "0",
            "unrealizedPnl": text(view.unrealized),
            "positionSide": position.side.value,
            "tpsl": self._exits(view),
        }

    def _optional(self, value: Decimal | None) -> str | None:
        return None if value is None else self.text(value)

    def _exits(self, view: PositionView) -> Json | None:
        shape: Json = {}
        both = (("takeProfit", view.take_profit), ("stopLoss", view.stop_loss))
        for name, order in both:
            if order is not None and order.activation is not None:
                shape[f"{name}Id"] = order.id
                shape[name] = self.text(order.activation.price)
        return shape or None

    def position_record(self, record: PositionRecord) -> Json:
        """One change of a position (K7)."""
        text = self.text
        return {
            "positionId": record.position_id,
            "market": record.market,
            "openDate": record.opened,
            "modifyDate": record.modified,
            "amount": text(record.amount),
            "basePrice": text(record.base_price),
            "realizedFunding": text(record.realized_funding),
            "liquidationPrice": self._optional(record.liquidation_price),
            "liquidationState": record.liquidation_state,
            "orderDetail": {
                "id": record.order_id,
                "tradeAmount": text(record.trade_amount),
                "price": text(record.price),
                "tradeFee": text(record.fee),
                "fundingFee": None,
                "realizedPnl": text(record.realized) if record.realized else None,
            },
            "side": record.side.value,
            "isHedge": record.side is not PositionSide.BOTH,
        }

    def closed_position(self, closed: ClosedPosition, spec: MarketSpec) -> Json:
        """A closed position, average prices trimmed to the market's precision (K6)."""
        text, position = self.text, closed.position
        grid = Decimal(1).scaleb(-spec.money_prec)
        return {
            "positionId": position.id,
            "market": position.market,
            "grossPnl": text(closed.gross),
            "netPnl": text(closed.net),
            "totalTradeFee": text(closed.fees),
            "totalFunding": text(-position.funding),
            "avgEntryPrice": text(closed.entry_price.quantize(grid, ROUND_DOWN)),
            "avgExitPrice": text(closed.exit_price.quantize(grid, ROUND_DOWN)),
            "closedSize": text(closed.size),
            "amount": "0",
            "side": position.side.value,
            "isHedge": position.side is not PositionSide.BOTH,
            "openDate": int(position.opened),
            "closeDate": int(position.modified),
        }

    # Funding

    def funding(self, record: FundingRecord) -> Json:
        """A settlement of one position (K6)."""
        text = self.text
        return {
            "market": record.market,
            "fundingTime": str(int(record.time)),
            "fundingRate": text(record.rate),
            "fundingAmount": text(record.amount),
            "positionAmount": text(record.position_amount),
            "settlementPrice": text(record.settlement_price),
            "rateCalculatedTime": str(int(record.rate_time)),
        }

    def settlement(self, settlement: Settlement) -> Json:
        """A settlement of one market (K6)."""
        return {
            "fundingTime": str(int(settlement.time)),
            "fundingRate": self.text(settlement.rate),
            "market": settlement.market,
            "settlementPrice": self.text(settlement.price),
            "rateCalculatedTime": str(int(settlement.rate_time)),
        }
