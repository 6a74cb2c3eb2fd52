"""Typed calls about trading against collateral.

Owns: names and parameters of these endpoints. Must not know: our own positions. Invariant: a method
is one call of one endpoint. What is placed or canceled here goes past the gateway, as in
`rest_spot`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from whitewire.errors import PeerError
from whitewire.market import Number
from whitewire.protocol.replies import is_figure
from whitewire.protocol.replies_collateral import (
    AdlQuantile,
    ClosedPosition,
    CollateralAsset,
    CollateralSummary,
    FundingPage,
    HedgeMode,
    Leverage,
    OpenPosition,
    PositionChange,
)
from whitewire.protocol.replies_orders import (
    BulkItem,
    ConditionalOrders,
    OcoOrder,
    OrderDetail,
)
from whitewire.transport.rest_base import RestBase, number

__all__ = ["RestCollateral"]


class RestCollateral(RestBase):
    """Margin and futures trading; amounts are stock on both sides."""

    # ---- placing ----------------------------------------------------------------------------

    async def collateral_limit(
        self, market: str, side: str, amount: Number, price: Number, **more: Any
    ) -> OrderDetail:
        """A limit order; `more` are the venue's names (postOnly, reduceOnly, stopLoss, ...)."""
        return await self._margin(
            "collateral_limit", market, side, amount, price=number(price), **more
        )

    async def collateral_market(
        self, market: str, side: str, amount: Number, **more: Any
    ) -> OrderDetail:
        """A market order."""
        return await self._margin("collateral_market", market, side, amount, **more)

    async def collateral_stop_limit(
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
        return await self._margin("collateral_stop_limit", market, side, amount, **prices, **more)

    async def collateral_trigger_market(
        self, market: str, side: str, amount: Number, activation_price: Number, **more: Any
    ) -> OrderDetail:
        """A market order that waits for its trigger."""
        trigger = number(activation_price)
        return await self._margin(
            "collateral_trigger_market", market, side, amount, activation_price=trigger, **more
        )

    async def collateral_oco(
        self,
        market: str,
        side: str,
        amount: Number,
        price: Number,
        activation_price: Number,
        stop_limit_price: Number,
        **more: Any,
    ) -> OcoOrder:
        """A take-profit at `price` and a stop at `activation_price`; one cancels the other."""
        return await self._one(
            "collateral_oco",
            OcoOrder,
            market=market,
            side=str(side),
            amount=number(amount),
            price=number(price),
            activation_price=number(activation_price),
            stop_limit_price=number(stop_limit_price),
            **more,
        )

    async def collateral_bulk(
        self, orders: Sequence[Mapping[str, Any]], *, stop_on_fail: bool | None = None
    ) -> list[BulkItem]:
        """Up to 20 limit orders with the venue's own names; item i answers order i."""
        return await self._list("collateral_bulk", BulkItem, orders=orders, stopOnFail=stop_on_fail)

    # ---- groups -----------------------------------------------------------------------------

    async def oco_orders(
        self, market: str | None = None, *, limit: int | None = None, offset: int | None = None
    ) -> list[OcoOrder]:
        """The OCO pairs that wait."""
        page = {"limit": limit, "offset": offset}
        return await self._list("oco_orders", OcoOrder, market=market, **page)

    async def conditional_orders(
        self, market: str | None = None, *, limit: int | None = None, offset: int | None = None
    ) -> ConditionalOrders:
        """OCO pairs and OTO entries."""
        page = {"limit": limit, "offset": offset}
        return await self._one("conditional_orders", ConditionalOrders, market=market, **page)

    async def cancel_oco(self, market: str, order_id: int) -> OcoOrder:
        """Cancels both legs of an OCO."""
        return await self._one("cancel_oco", OcoOrder, market=market, orderId=order_id)

    async def cancel_oto(self, market: str, oto_id: int) -> None:
        """Cancels the exits of an order; the order itself stays."""
        await self._one("cancel_oto", list[Any], market=market, otoId=oto_id)

    async def cancel_conditional(self, market: str, group_id: int) -> None:
        """Cancels an OCO or an OTO by its id."""
        await self._one("cancel_conditional", list[Any], market=market, id=group_id)

    # ---- the account ------------------------------------------------------------------------

    async def collateral_balance(self) -> dict[str, Decimal]:
        """What there is of each asset."""
        balances = await self._map("collateral_balance", Decimal)
        for asset, balance in balances.items():
            if not is_figure(balance):
                raise PeerError("venue-answer", f"the balance of {asset} was {balance}")
        return balances

    async def collateral_assets(self) -> list[CollateralAsset]:
        """Each asset with what is borrowed and available."""
        return await self._list("collateral_assets", CollateralAsset)

    async def collateral_summary(self) -> CollateralSummary:
        """Equity, margin and leverage of the account."""
        return await self._one("collateral_summary", CollateralSummary)

    async def set_leverage(self, leverage: int) -> Leverage:
        """Sets the leverage of the whole account; refused (113) while anything is open."""
        return await self._one("set_leverage", Leverage, leverage=leverage)

    async def hedge_mode(self) -> HedgeMode:
        """Whether the account is in hedge mode; the gateway trades in one-way mode only."""
        return await self._one("hedge_mode", HedgeMode)

    async def set_hedge_mode(self, hedge_mode: bool) -> HedgeMode:
        """Changes the mode; refused (113) while anything is open."""
        return await self._one("set_hedge_mode", HedgeMode, hedgeMode=hedge_mode)

    # ---- positions --------------------------------------------------------------------------

    async def positions(self, market: str | None = None) -> list[OpenPosition]:
        """The open positions."""
        return await self._list("positions", OpenPosition, market=market)

    async def position_history(
        self,
        market: str | None = None,
        *,
        position_id: int | None = None,
        limit: int | None = None,
        offset: int | None = None,
        **filters: Any,
    ) -> list[PositionChange]:
        """What orders did to positions."""
        fields = {"market": market, "positionId": position_id, "limit": limit, "offset": offset}
        return await self._list("position_history", PositionChange, **fields, **filters)

    async def closed_positions(
        self, *, limit: int | None = None, offset: int | None = None, **filters: Any
    ) -> list[ClosedPosition]:
        """What closed positions brought."""
        page = {"limit": limit, "offset": offset}
        return await self._list("closed_positions", ClosedPosition, **page, **filters)

    async def close_position(self, market: str, position_id: int) -> None:
        """Closes a position at the market, past the gateway's gate."""
        await self._one("close_position", list[Any], market=market, positionId=position_id)

    async def funding_history(
        self, market: str | None = None, *, limit: int | None = None, offset: int | None = None
    ) -> FundingPage:
        """Settlements of funding, newest first."""
        page = {"limit": limit, "offset": offset}
        return await self._one("funding_history", FundingPage, market=market, **page)

    async def adl_quantiles(self) -> list[AdlQuantile]:
        """Places in the queue of automatic deleveraging."""
        return await self._list("adl_quantiles", AdlQuantile)

    async def _margin(
        self, name: str, market: str, side: str, amount: Number, **more: Any
    ) -> OrderDetail:
        fields = {"market": market, "side": str(side), "amount": number(amount)}
        return await self._one(name, OrderDetail, **fields, **more)
