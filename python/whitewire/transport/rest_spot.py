"""Typed calls about orders, deals and balances of the trade account.

Owns: names and parameters of these endpoints. Must not know: our own orders. Invariant: a method is
one call of one endpoint.

What is placed or canceled here goes past the gateway: past its gate, its order states and its
quotes. Such an order is nobody's to the gateway, which reports it and leaves it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from whitewire.market import Number
from whitewire.protocol.control_replies import KillSwitchTimer, read_balances, read_kill_switch
from whitewire.protocol.events import BalanceRow
from whitewire.protocol.replies_orders import (
    BulkItem,
    CanceledItem,
    DealRow,
    FinishedDetail,
    OrderDeals,
    OrderDetail,
)
from whitewire.transport.rest_base import RestBase, number

__all__ = ["RestSpot"]


class RestSpot(RestBase):
    """Spot trading, and what spot and collateral orders have in common."""

    # ---- placing ----------------------------------------------------------------------------

    async def place(
        self, market: str, side: str, amount: Number, price: Number, **more: Any
    ) -> OrderDetail:
        """A limit order; `more` are the venue's own names (postOnly, ioc, stp, clientOrderId)."""
        return await self._order("place", market, side, amount, price=number(price), **more)

    async def place_market(
        self, market: str, side: str, amount: Number, **more: Any
    ) -> OrderDetail:
        """A market order; the amount is money for a buy, stock for a sell (venue trap 39)."""
        return await self._order("place_market", market, side, amount, **more)

    async def place_stock_market(
        self, market: str, side: str, amount: Number, **more: Any
    ) -> OrderDetail:
        """A market order whose amount is stock on both sides."""
        return await self._order("place_stock_market", market, side, amount, **more)

    async def place_stop_limit(
        self,
        market: str,
        side: str,
        amount: Number,
        price: Number,
        activation_price: Number,
        **more: Any,
    ) -> OrderDetail:
        """A limit order that waits for its trigger."""
        prices = {"price": number(price), "activation_price": number(activation_price)}
        return await self._order("place_stop_limit", market, side, amount, **prices, **more)

    async def place_stop_market(
        self, market: str, side: str, amount: Number, activation_price: Number, **more: Any
    ) -> OrderDetail:
        """A market order that waits for its trigger; a buy's amount is money."""
        trigger = number(activation_price)
        return await self._order(
            "place_stop_market", market, side, amount, activation_price=trigger, **more
        )

    async def bulk(
        self, orders: Sequence[Mapping[str, Any]], *, stop_on_fail: bool | None = None
    ) -> list[BulkItem]:
        """Up to 20 limit orders, each with the venue's own names; item i answers order i."""
        return await self._list("bulk", BulkItem, orders=orders, stopOnFail=stop_on_fail)

    # ---- changing ---------------------------------------------------------------------------

    async def modify(
        self,
        market: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        **changes: Any,
    ) -> OrderDetail:
        """Replaces an order; `changes` are amount, total, price, activationPrice and stp.

        Without `stp` the replacement has none (venue trap 31).
        """
        ids = {"orderId": order_id, "clientOrderId": client_order_id}
        changed = {
            name: value if name == "stp" else number(value) for name, value in changes.items()
        }
        return await self._one("modify", OrderDetail, market=market, **ids, **changed)

    async def cancel(
        self, market: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderDetail:
        """Cancels one order; code 2 means that it is finished already, not how."""
        ids = {"orderId": order_id, "clientOrderId": client_order_id}
        return await self._one("cancel", OrderDetail, market=market, **ids)

    async def cancel_all(
        self, market: str | None = None, *, types: Sequence[str] | None = None
    ) -> None:
        """Cancels every order of the account or market; it answers nothing, so verify."""
        await self._one("cancel_all", list[Any], market=market, type=types)

    async def cancel_bulk(self, orders: Sequence[Mapping[str, Any]]) -> list[CanceledItem]:
        """Cancels up to 100 orders, each `market` and `orderId` or `clientOrderId`."""
        return await self._list("cancel_bulk", CanceledItem, orders=orders)

    # ---- the kill switch --------------------------------------------------------------------

    async def kill_switch(
        self, market: str, timeout_s: int | None, *, types: Sequence[str] | None = None
    ) -> KillSwitchTimer | None:
        """Sets the dead-man timer of a market; None deletes it. The gateway keeps its own."""
        timeout = None if timeout_s is None else str(timeout_s)
        fields: dict[str, Any] = {"market": market, "timeout": timeout}
        if types is not None:
            fields["types"] = types
        return read_kill_switch(*await self.call("kill_switch", fields))

    async def kill_switch_status(self, market: str | None = None) -> list[KillSwitchTimer]:
        """The timers that run."""
        return await self._list("kill_switch_status", KillSwitchTimer, market=market)

    # ---- asking -----------------------------------------------------------------------------

    async def open_orders(
        self,
        market: str | None = None,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[OrderDetail]:
        """The orders that rest, stop orders that wait included."""
        ids = {"orderId": order_id, "clientOrderId": client_order_id}
        page = {"limit": limit, "offset": offset}
        return await self._list("open_orders", OrderDetail, market=market, **ids, **page)

    async def balance(self) -> list[BalanceRow]:
        """Every asset of the trade account."""
        return read_balances(*await self.call("balance"))

    async def order_deals(
        self, order_id: int, *, limit: int | None = None, offset: int | None = None
    ) -> OrderDeals:
        """The deals of one order."""
        page = {"limit": limit, "offset": offset}
        return await self._one("order_deals", OrderDeals, orderId=order_id, **page)

    async def order_history(
        self,
        market: str | None = None,
        *,
        limit: int | None = None,
        offset: int | None = None,
        **filters: Any,
    ) -> dict[str, list[FinishedDetail]]:
        """Finished orders by market; `filters` are orderId, clientOrderId, status, startDate..."""
        page = {"limit": limit, "offset": offset}
        rows = list[FinishedDetail]
        return await self._map("order_history", rows, market=market, **page, **filters)

    async def executed_history(
        self, market: str, *, limit: int | None = None, offset: int | None = None, **filters: Any
    ) -> list[DealRow]:
        """Our deals of one market, newest first."""
        page = {"limit": limit, "offset": offset}
        return await self._list("executed_history", DealRow, market=market, **page, **filters)

    async def executed_history_all(self, **filters: Any) -> dict[str, list[DealRow]]:
        """Our deals by market, newest first."""
        return await self._map("executed_history", list[DealRow], **filters)

    async def _order(
        self, name: str, market: str, side: str, amount: Number, **more: Any
    ) -> OrderDetail:
        fields = {"market": market, "side": str(side), "amount": number(amount)}
        return await self._one(name, OrderDetail, **fields, **more)
