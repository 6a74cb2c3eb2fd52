"""The public REST endpoints about futures.

Owns: the bodies of GET public/futures and public/funding-history. Must not know: HTTP framing,
accounts, rate limits. Invariant: reading changes nothing.

Rules:

* F1  Everything about a futures market is text, but for brackets, leverage and interval; the next
      settlement is text of milliseconds.
* F2  Volumes, highest and lowest price are those since the venue started, at most of the trades
      that it remembers; without a trade the mark stands for them, and "0" for a missing quote.
* F3  The history of funding is newest first, at most 100 records; what is wrong with a parameter
      is a bare text under its name, an unknown or spot market a list of texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from http import HTTPStatus
from itertools import islice
from typing import Any

from whitewire.venue.access.core import VenueCore
from whitewire.venue.engine.depth_window import WHOLE_BOOK
from whitewire.venue.rest.collateral_shapes import CollateralShapes
from whitewire.venue.rest.public import PublicRefusal
from whitewire.venue.values.model import Level, MarketSpec

__all__ = ["FuturesEndpoints"]

Json = Any
_MAX_RECORDS = 100
_MAX_OFFSET = 1_000_000
_NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum"}


class FuturesEndpoints:
    """Handlers; each takes the market of the path ("" where there is none) and the query."""

    def __init__(self, core: VenueCore) -> None:
        self._exchange = core.exchange
        self._board = core.exchange.collateral.board
        self._text: Callable[[Decimal], str] = core.number_text
        self._shapes = CollateralShapes(core.number_text, core.options)

    def futures(self, _market: str, _query: Mapping[str, str]) -> Json:
        """GET public/futures."""
        specs = [spec for spec in self._exchange.markets.values() if spec.is_futures]
        return {"success": True, "message": None, "result": [self._futures(spec) for spec in specs]}

    def _futures(self, spec: MarketSpec) -> Json:
        text, view = self._text, self._board.view(spec)
        seen, top = self._exchange.statistics(spec.name), self._exchange.top(spec.name)
        prices = [trade.price for trade in self._exchange.recent_trades(spec.name, WHOLE_BOOK)]
        return {
            "ticker_id": spec.name,
            "stock_currency": spec.stock,
            "money_currency": spec.money,
            "last_price": text(seen.last_price or view.mark),
            "stock_volume": text(seen.stock_volume),
            "money_volume": text(seen.money_volume),
            "bid": self._price(top.bid),
            "ask": self._price(top.ask),
            "high": text(max(prices, default=view.mark)),  # F2
            "low": text(min(prices, default=view.mark)),
            "product_type": "Perpetual",
            "open_interest": text(view.open_interest),
            "index_price": text(view.index),
            "mark_price": text(view.mark),
            "index_name": _NAMES.get(spec.stock, spec.stock),
            "index_currency": spec.stock,
            "funding_rate": text(view.funding_rate),
            "funding_cap": text(view.cap),
            "funding_floor": text(-view.cap),
            "next_funding_rate_timestamp": str(round(view.next_funding * 1000)),  # F1
            "brackets": {str(leverage): most for leverage, most in spec.brackets.items()},
            "max_leverage": max(spec.brackets, default=100),
            "funding_interval_minutes": view.interval_s // 60,
        }

    def _price(self, level: Level | None) -> str:
        return "0" if level is None else self._text(level.price)

    def funding_history(self, market: str, query: Mapping[str, str]) -> Json:
        """GET public/funding-history/{market} (F3)."""
        spec = self._exchange.markets.get(market)
        if spec is None or not spec.is_futures:
            raise _refused("market", ["Market is not available."])
        start = _whole("startDate", query, default=0)
        end = _whole("endDate", query, default=None)
        limit = _whole("limit", query, default=_MAX_RECORDS, least=1, most=_MAX_RECORDS)
        offset = _whole("offset", query, default=0, most=_MAX_OFFSET)
        if end is not None and start is not None and end < start:
            raise _refused("endDate", "endDate must be greater than startDate")
        found = (
            one
            for one in self._board.settlements(market)
            if one.time >= (start or 0) and (end is None or one.time <= end)
        )
        first = offset or 0
        page = islice(found, first, first + (limit or _MAX_RECORDS))
        return [self._shapes.settlement(one) for one in page]


def _refused(field: str, text: object) -> PublicRefusal:
    return PublicRefusal(HTTPStatus.UNPROCESSABLE_ENTITY, {field: text})


def _whole(
    name: str,
    query: Mapping[str, str],
    *,
    default: int | None,
    least: int = 0,
    most: int | None = None,
) -> int | None:
    """A whole number of the query within its bounds, or the default where it is absent."""
    text = query.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2**63))):
        raise _refused(name, f"{name} must be an integer")
    value = int(text)
    if value < least:
        raise _refused(name, f"{name} must be greater than or equal to {least}")
    if most is not None and value > most:
        raise _refused(name, f"{name} must be less than or equal to {most}")
    return value
