"""Public answers: markets, futures, assets, fees, books, trades.

Owns: the shapes of public documents and of the account's own fees. Must not know: which markets we
trade (`markets` turns one row into ours). Invariant: as `replies_reading`.

Rules
-----
1. The lists of markets, futures, assets, tickers and fees are large (`read_large`).
2. Fees are in percent: "0.1" is a tenth of a percent (venue trap 42).
3. In public trades `quote_volume` is the stock and `base_volume` the money (venue trap 44).
4. Precisions are texts of whole numbers, and may be negative (venue trap 43).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from whitewire.protocol.replies import Figures, is_figure

__all__ = [
    "AccountFees",
    "AssetRow",
    "FeePair",
    "FundingRate",
    "FuturesRow",
    "MarketRow",
    "PlatformStatus",
    "PublicBook",
    "PublicDeal",
    "ServerTime",
    "TickerRow",
    "TransferFee",
    "Wrapped",
]

_ZERO = Decimal(0)


class ServerTime(msgspec.Struct, frozen=True):
    """The venue's clock, whole epoch seconds."""

    time: int


class PlatformStatus(msgspec.Struct, frozen=True):
    """Whether the venue works: "system operational" or "system maintenance"."""

    status: str


class MarketRow(Figures, frozen=True, rename="camel"):
    """One listed market (rules 2 and 4); `delisted_at` is an epoch second or None."""

    name: str
    stock: str
    money: str
    stock_prec: str
    money_prec: str
    min_amount: Decimal
    min_total: Decimal
    max_total: Decimal
    fee_prec: str = "0"
    maker_fee: Decimal = _ZERO
    taker_fee: Decimal = _ZERO
    trades_enabled: bool = True
    is_collateral: bool = False
    type: str = "spot"
    is_trad_fi_futures: bool = False
    delisted_at: int | None = None
    tick_size: Decimal | None = None
    step_size: Decimal | None = None


class FuturesRow(Figures, frozen=True):
    """One futures market; the next funding time is a text of milliseconds."""

    ticker_id: str
    stock_currency: str
    money_currency: str
    last_price: Decimal
    funding_rate: Decimal
    next_funding_rate_timestamp: str
    max_leverage: int
    bid: Decimal | None = None
    ask: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    stock_volume: Decimal | None = None
    money_volume: Decimal | None = None
    open_interest: Decimal | None = None
    index_price: Decimal | None = None
    mark_price: Decimal | None = None
    product_type: str = ""
    brackets: dict[str, int] = {}  # noqa: RUF012 - msgspec copies it
    funding_cap: Decimal | None = None
    funding_floor: Decimal | None = None
    funding_interval_minutes: int = 0


class Wrapped(msgspec.Struct, frozen=True):
    """A list in the venue's older envelope."""

    result: list[Any]
    success: bool = True
    message: str | None = None


class TickerRow(Figures, frozen=True):
    """A day's figures of one market: last price, volumes in stock and money, change in percent."""

    last_price: Decimal
    base_volume: Decimal
    quote_volume: Decimal
    change: Decimal
    is_frozen: bool = msgspec.field(name="isFrozen", default=False)


class AssetRow(Figures, frozen=True):
    """One asset, as far as trading is concerned; fees in percent (rule 2)."""

    name: str
    can_withdraw: bool = False
    can_deposit: bool = False
    min_withdraw: Decimal | None = None
    max_withdraw: Decimal | None = None
    min_deposit: Decimal | None = None
    maker_fee: Decimal | None = None
    taker_fee: Decimal | None = None
    currency_precision: int = 0


class TransferFee(msgspec.Struct, frozen=True):
    """Fees of moving one asset in and out, as the venue prints them."""

    ticker: str
    name: str = ""
    is_depositable: bool = False
    is_withdrawal: bool = False
    providers: list[str] = []
    deposit: dict[str, Any] | None = None
    withdraw: dict[str, Any] | None = None


class PublicBook(msgspec.Struct, frozen=True):
    """A book without a sequence: it cannot be joined with the feed (venue trap 67)."""

    ticker_id: str
    timestamp: int
    asks: list[tuple[Decimal, Decimal]] | None = None
    bids: list[tuple[Decimal, Decimal]] | None = None

    def __post_init__(self) -> None:
        for price, amount in (*(self.asks or ()), *(self.bids or ())):
            if not (is_figure(price) and is_figure(amount)):
                raise ValueError(f"level was {price}, {amount}")


class PublicDeal(Figures, frozen=True):
    """A public trade (rule 3): `quote_volume` is stock, `base_volume` money; whole seconds."""

    trade_id: int = msgspec.field(name="tradeID")
    price: Decimal
    quote_volume: Decimal
    base_volume: Decimal
    trade_timestamp: int
    type: str
    rpi: bool = False


class FundingRate(Figures, frozen=True, rename="camel"):
    """A past funding rate of a market; times are texts of whole seconds."""

    market: str
    funding_time: str
    funding_rate: Decimal
    settlement_price: Decimal = _ZERO
    rate_calculated_time: str = ""


class FeePair(Figures, frozen=True):
    """Fees in percent (rule 2); a negative maker fee is a rebate."""

    taker: Decimal
    maker: Decimal


class AccountFees(Figures, frozen=True):
    """The account's fees in percent (rule 2); a custom fee replaces that of its market."""

    taker: Decimal
    maker: Decimal
    futures_taker: Decimal | None = None
    futures_maker: Decimal | None = None
    rpi_maker_fee_premium: Decimal | None = None
    futures_rpi_maker_fee_premium: Decimal | None = None
    custom_fee: dict[str, FeePair] | list[Any] = {}  # noqa: RUF012 - msgspec copies it
    error: str | None = None

    @property
    def custom(self) -> dict[str, FeePair]:
        """Custom fees by market; an empty map may come as an array (venue trap 45)."""
        return self.custom_fee if isinstance(self.custom_fee, dict) else {}
