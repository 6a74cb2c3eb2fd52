"""Typed calls of public data and of what belongs to the account as a whole.

Owns: names and parameters of these endpoints. Must not know: connections, who asks. Invariant: a
method is one call of one endpoint.
"""

from __future__ import annotations

from typing import Any

from whitewire.protocol.replies_public import (
    AccountFees,
    AssetRow,
    FundingRate,
    FuturesRow,
    MarketRow,
    PlatformStatus,
    PublicBook,
    PublicDeal,
    ServerTime,
    TickerRow,
    TransferFee,
    Wrapped,
)
from whitewire.protocol.replies_reading import convert
from whitewire.transport.rest_base import RestBase

__all__ = ["RestPublic"]


class RestPublic(RestBase):
    """Public data, fees and tokens."""

    async def ping(self) -> list[str]:
        """`["pong"]`."""
        return await self._one("ping", list[str])

    async def time(self) -> ServerTime:
        """The venue's clock; a resolution of one second."""
        return await self._one("time", ServerTime)

    async def platform_status(self) -> PlatformStatus:
        """Whether the venue works."""
        return await self._one("platform_status", PlatformStatus)

    async def markets(self) -> list[MarketRow]:
        """Every listed market."""
        return await self._large("markets", list[MarketRow])

    async def futures(self) -> list[FuturesRow]:
        """Every futures market, with funding and brackets."""
        wrapped = await self._large("futures", Wrapped)
        return convert(wrapped.result, list[FuturesRow])

    async def collateral_markets(self) -> list[str]:
        """Names of the markets that can be traded against collateral."""
        wrapped = await self._one("collateral_markets", Wrapped)
        return convert(wrapped.result, list[str])

    async def tickers(self) -> dict[str, TickerRow]:
        """A day's figures of every market."""
        return await self._large("tickers", dict[str, TickerRow])

    async def assets(self) -> dict[str, AssetRow]:
        """Every asset."""
        return await self._large("assets", dict[str, AssetRow])

    async def transfer_fees(self) -> dict[str, TransferFee]:
        """Fees of deposits and withdrawals."""
        return await self._large("transfer_fees", dict[str, TransferFee])

    async def order_book(
        self, market: str, *, limit: int | None = None, level: int | None = None
    ) -> PublicBook:
        """A snapshot of at most 100 levels a side; `level` groups prices."""
        fields: dict[str, Any] = {"market": market, "limit": limit, "level": level}
        return await self._one("order_book", PublicBook, **fields)

    async def near_book(self, market: str) -> PublicBook:
        """Every level within 2 % of the last price; spot only."""
        return await self._one("near_book", PublicBook, market=market)

    async def trades(self, market: str, *, side: str | None = None) -> list[PublicDeal]:
        """The newest 100 trades; `side` is "buy" or "sell"."""
        return await self._list("trades", PublicDeal, market=market, type=side)

    async def funding_rates(
        self,
        market: str,
        *,
        start_s: int | None = None,
        end_s: int | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[FundingRate]:
        """Past funding rates of a futures market, newest first; times in epoch seconds."""
        return await self._list(
            "funding_rates",
            FundingRate,
            market=market,
            startDate=start_s,
            endDate=end_s,
            limit=limit,
            offset=offset,
        )

    async def market_fee(self) -> AccountFees:
        """The account's fees; with custom ones it is a large document."""
        return await self._large("market_fee", AccountFees)

    async def websocket_token(self) -> str:
        """A token for a WebSocket session; the venue gives 10 per minute, to the feed as well."""
        return (await self._one("websocket_token", dict[str, str]))["websocket_token"]
