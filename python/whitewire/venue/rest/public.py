"""The public REST endpoints: what anybody may ask.

Owns: the bodies of GET /api/v4/public/*. Must not know: HTTP framing, keys, rate limits.
Invariant: answers come from the engine's public readers only, so they never show RPI orders.

Rules:

* P1  Fees are printed in percent, here and in `market/fee`; the engine keeps ratios.
* P2  Precisions are strings holding an integer, which may be negative.
* P3  An unknown market is 422 with the bare field map as body.
* P4  Order book: at most 100 levels, 0 or no limit meaning 100 and more being cut to it; a
      limit that is not a number is 422, a level that is not a number answers null sides.
* P5  In public trades `quote_volume` is the stock amount and `base_volume` the money.
* P6  A higher `level` groups prices by ten ticks each, asks upward and bids downward.
* P7  Depth shows every level within 2 % of the last price, both edges included; the whole book
      before the first trade. A perpetual has none: 422.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from whitewire.venue.access.core import VenueCore
from whitewire.venue.engine.depth_window import WHOLE_BOOK, group_levels
from whitewire.venue.rest.shapes import usual_market
from whitewire.venue.values.model import Level, MarketSpec
from whitewire.venue.values.money import add, multiply, subtract

__all__ = ["PublicEndpoints", "PublicRefusal"]

Json = Any
_MAX_LEVELS = 100
_MAX_GROUPING = 10
_HUNDRED = Decimal(100)
_NEAR = Decimal("0.02")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,4000}", re.ASCII)


class PublicRefusal(Exception):
    """A refused public request: its status and its bare body."""

    def __init__(self, status: HTTPStatus, body: Json) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


def _unprocessable(field: str, text: str) -> PublicRefusal:
    return PublicRefusal(HTTPStatus.UNPROCESSABLE_ENTITY, {field: [text]})


def _whole_number(text: str) -> int | None:
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None


class PublicEndpoints:
    """Handlers; each takes the market of the path ("" where there is none) and the query."""

    def __init__(self, core: VenueCore) -> None:
        self._exchange = core.exchange
        self._core = core
        self._clock = core.clock
        self._text: Callable[[Decimal], str] = core.number_text
        self._usual = usual_market(core.exchange.markets)

    def ping(self, _market: str, _query: Mapping[str, str]) -> Json:
        """GET public/ping."""
        return ["pong"]

    def time(self, _market: str, _query: Mapping[str, str]) -> Json:
        """GET public/time: whole seconds."""
        return {"time": int(self._core.stated_time())}

    def platform_status(self, _market: str, _query: Mapping[str, str]) -> Json:
        """GET public/platform/status."""
        is_down = self._core.faults.holds("maintenance") is not None
        return {"status": "system maintenance" if is_down else "system operational"}

    def markets(self, _market: str, _query: Mapping[str, str]) -> Json:
        """GET public/markets."""
        return [self._market(spec) for spec in self._exchange.markets.values()]

    def _market(self, spec: MarketSpec) -> Json:
        text = self._text
        return {
            "name": spec.name,
            "stock": spec.stock,
            "money": spec.money,
            "stockPrec": str(spec.stock_prec),  # P2
            "moneyPrec": str(spec.money_prec),
            "feePrec": str(spec.fee_prec),
            "makerFee": text(spec.maker_fee * _HUNDRED),  # P1
            "takerFee": text(spec.taker_fee * _HUNDRED),
            "minAmount": text(spec.min_amount),
            "minTotal": text(spec.min_total),
            "maxTotal": text(spec.max_total),
            "tradesEnabled": spec.trades_enabled,
            "isCollateral": spec.is_collateral,
            "type": spec.type,
            "isTradFiFutures": spec.is_tradfi_futures,
            "delistedAt": spec.delisted_at,
            "tickSize": text(spec.tick_size),
            "stepSize": text(spec.step_size),
        }

    def order_book(self, market: str, query: Mapping[str, str]) -> Json:
        """GET public/orderbook/{market}."""
        spec = self._spec(market)
        limit = _whole_number(query.get("limit") or "0")
        if limit is None:
            raise _unprocessable("limit", "The limit must be an integer.")  # P4
        limit = min(max(limit, 0), _MAX_LEVELS) or _MAX_LEVELS
        level = _whole_number(query.get("level") or "0")
        book = {"ticker_id": spec.name, "timestamp": int(self._clock())}
        if level is None:
            return {**book, "asks": None, "bids": None}
        grouping = min(max(level, 0), _MAX_GROUPING)
        if grouping:
            bids, asks = self._exchange.depth(market, WHOLE_BOOK)
            step = spec.tick_size * 10**grouping  # P6
            bids = group_levels(bids, step, upward=False)[:limit]
            asks = group_levels(asks, step, upward=True)[:limit]
        else:
            bids, asks = self._exchange.depth(market, limit)
        return {**book, "asks": self._levels(asks), "bids": self._levels(bids)}

    def depth(self, market: str, _query: Mapping[str, str]) -> Json:
        """GET public/orderbook/depth/{market} (P7)."""
        spec = self._spec(market)
        if spec.type != "spot":
            raise _unprocessable("market", "Market is not available.")
        bids, asks = self._exchange.depth(market, WHOLE_BOOK)
        last = self._exchange.statistics(market).last_price
        if last is not None:
            reach = multiply(last, _NEAR)
            bids = [level for level in bids if level.price >= subtract(last, reach)]
            asks = [level for level in asks if level.price <= add(last, reach)]
        return {
            "ticker_id": spec.name,
            "timestamp": int(self._clock()),
            "asks": self._levels(asks),
            "bids": self._levels(bids),
        }

    def _levels(self, levels: list[Level]) -> Json:
        return [[self._text(level.price), self._text(level.amount)] for level in levels]

    def trades(self, market: str, query: Mapping[str, str]) -> Json:
        """GET public/trades/{market}: up to 100, newest first."""
        self._spec(market)
        side = query.get("type")
        if side not in (None, "buy", "sell"):
            raise _unprocessable("type", "Type should be 'sell' or 'buy'.")
        return [
            {
                "tradeID": trade.id,
                "price": self._text(trade.price),
                "quote_volume": self._text(trade.amount),  # P5
                "base_volume": self._text(trade.money),
                "trade_timestamp": int(trade.time),
                "type": trade.side.value,
                "rpi": trade.rpi,
            }
            for trade in self._exchange.recent_trades(market, _MAX_LEVELS)
            if side is None or trade.side.value == side
        ]

    def ticker(self, _market: str, _query: Mapping[str, str]) -> Json:
        """GET public/ticker: every market."""
        return {name: self._ticker(name) for name in self._exchange.markets}

    def _ticker(self, market: str) -> Json:
        seen = self._exchange.statistics(market)
        last, first = seen.last_price or Decimal(0), seen.open_price or Decimal(0)
        change = (last - first) / first * _HUNDRED if first else Decimal(0)
        return {
            "base_id": 0,
            "quote_id": 0,
            "last_price": self._text(last),
            "quote_volume": self._text(seen.money_volume),
            "base_volume": self._text(seen.stock_volume),
            "isFrozen": False,
            "change": self._text(change.quantize(Decimal("0.01"))),
        }

    def assets(self, _market: str, _query: Mapping[str, str]) -> Json:
        """GET public/assets: every asset that a market trades; nothing can be moved in or out."""
        fees = self._usual
        return {
            ticker: {
                "name": ticker,
                "unified_cryptoasset_id": 0,
                "can_withdraw": False,
                "can_deposit": False,
                "min_withdraw": "0",
                "max_withdraw": "0",
                "maker_fee": self._text(fees.maker_fee * _HUNDRED),  # P1
                "taker_fee": self._text(fees.taker_fee * _HUNDRED),
                "min_deposit": "0",
                "max_deposit": "0",
                "currency_precision": precision,
                "is_memo": False,
                "memo": {"deposit": False, "withdraw": False},
                "networks": {"deposits": [ticker], "withdraws": [ticker], "default": ticker},
                "limits": {"deposit": {ticker: {"min": "0"}}, "withdraw": {ticker: {"min": "0"}}},
                "confirmations": {ticker: 1},
            }
            for ticker, precision in self._precisions().items()
        }

    def fee(self, _market: str, _query: Mapping[str, str]) -> Json:
        """GET public/fee: deposit and withdrawal fees; nothing can be moved in or out."""
        free = {"max_amount": "0", "min_amount": "0", "fixed": None, "flex": None}
        return {
            ticker: {
                "is_depositable": False,
                "is_withdrawal": False,
                "is_api_withdrawal": False,
                "is_api_depositable": False,
                "ticker": ticker,
                "name": ticker,
                "providers": [],
                "withdraw": free,
                "deposit": free,
            }
            for ticker in self._precisions()
        }

    def _precisions(self) -> dict[str, int]:
        precisions: dict[str, int] = {}
        for spec in self._exchange.markets.values():
            for ticker, decimals in ((spec.stock, spec.stock_prec), (spec.money, spec.money_prec)):
                precisions[ticker] = max(precisions.get(ticker, 0), decimals)
        return precisions

    def collateral_markets(self, _market: str, _query: Mapping[str, str]) -> Json:
        """GET public/collateral/markets."""
        names = [spec.name for spec in self._exchange.markets.values() if spec.is_collateral]
        return {"success": True, "message": None, "result": names}

    def _spec(self, market: str) -> MarketSpec:
        spec = self._exchange.markets.get(market)
        if spec is None:
            raise _unprocessable("market", "Market is not available.")  # P3
        return spec
