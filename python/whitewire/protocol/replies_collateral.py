"""Answers about collateral: balances, leverage, positions, funding.

Owns: the shapes of these answers. Must not know: our own positions, what the answers are for.
Invariant: a figure is a `Decimal` or, where the venue has none, None; never a float.

Rules
-----
1. A balance is a text or a JSON number (venue trap 47); both become a `Decimal`.
2. `pnl` of a listed position is what its closed parts realised (venue trap 51).
3. A closed position may be listed once more, its prices empty; empty is None.
4. Times are epoch seconds; those of funding are texts of whole seconds (venue trap 14).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from whitewire.protocol.replies import Figures

__all__ = [
    "AdlQuantile",
    "ClosedPosition",
    "CollateralAsset",
    "CollateralSummary",
    "Funding",
    "FundingPage",
    "HedgeMode",
    "Leverage",
    "OpenPosition",
    "PositionChange",
    "PositionChangeOrder",
]

_ZERO = Decimal(0)


class CollateralAsset(Figures, frozen=True, rename="camel"):
    """One asset of the collateral account."""

    asset: str
    balance: Decimal
    borrow: Decimal
    available_without_borrow: Decimal
    available_with_borrow: Decimal


class CollateralSummary(Figures, frozen=True, rename="camel"):
    """The collateral account as a whole, money in USDT; leverage is that of the account."""

    equity: Decimal
    margin: Decimal
    free_margin: Decimal
    leverage: int
    unrealized_funding: Decimal = _ZERO
    pnl: Decimal = _ZERO
    margin_fraction: Decimal = _ZERO


class Leverage(msgspec.Struct, frozen=True):
    """The leverage of the account, as it was set."""

    leverage: int


class HedgeMode(msgspec.Struct, frozen=True, rename="camel"):
    """Whether the account holds long and short positions of a market side by side."""

    hedge_mode: bool


class OpenPosition(Figures, frozen=True, rename="camel"):
    """An open position; amount is stock, negative for a short one (rules 2 and 3)."""

    position_id: int
    market: str
    amount: Decimal
    base_price: Any = None
    open_date: Decimal = _ZERO
    modify_date: Decimal = _ZERO
    liquidation_price: Any = None
    liquidation_state: str | None = None
    pnl: Decimal | None = None
    pnl_percent: Decimal | None = None
    margin: Decimal | None = None
    free_margin: Decimal | None = None
    funding: Decimal | None = None
    unrealized_funding: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    position_side: str = ""
    tpsl: dict[str, Any] | list[Any] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("base_price", "liquidation_price"):
            _optional(name, getattr(self, name))

    @property
    def entry(self) -> Decimal | None:
        """Average price of entry; None for a closed position (rule 3)."""
        return _optional("base_price", self.base_price)

    @property
    def liquidation(self) -> Decimal | None:
        """Price at which it is liquidated; None where there is no such price."""
        return _optional("liquidation_price", self.liquidation_price) or None


class _Price(Figures, frozen=True):
    value: Decimal


def _optional(name: str, value: object) -> Decimal | None:
    """A price that may be missing or empty (rule 3)."""
    if value is None or value == "":
        return None
    try:
        return msgspec.convert({"value": value}, _Price).value
    except msgspec.ValidationError as error:
        raise ValueError(f"{name} was {value!r}: {error}") from None


class PositionChangeOrder(Figures, frozen=True, rename="camel"):
    """What one order did to a position."""

    id: int
    trade_amount: Decimal
    price: Decimal
    trade_fee: Decimal
    funding_fee: Decimal | None = None
    realized_pnl: Decimal | None = None


class PositionChange(Figures, frozen=True, rename="camel"):
    """The state of a position after one order changed it."""

    position_id: int
    market: str
    amount: Decimal
    order_detail: PositionChangeOrder
    open_date: Decimal = _ZERO
    modify_date: Decimal = _ZERO
    base_price: str | None = None
    realized_funding: Decimal | None = None
    liquidation_price: str | None = None
    liquidation_state: str | None = None
    side: str = ""
    is_hedge: bool = False


class ClosedPosition(Figures, frozen=True, rename="camel"):
    """What a closed position brought, in money; times in whole seconds."""

    position_id: int
    market: str
    gross_pnl: Decimal
    net_pnl: Decimal
    total_trade_fee: Decimal
    total_funding: Decimal
    avg_entry_price: Decimal
    avg_exit_price: Decimal
    closed_size: Decimal
    side: str = ""
    open_date: Decimal = _ZERO
    close_date: Decimal = _ZERO


class Funding(Figures, frozen=True, rename="camel"):
    """One settlement of funding; amounts in money, negative where the account paid (rule 4)."""

    market: str
    funding_time: str
    funding_rate: Decimal
    funding_amount: Decimal
    position_amount: Decimal = _ZERO
    settlement_price: Decimal = _ZERO
    rate_calculated_time: str = ""


class FundingPage(msgspec.Struct, frozen=True):
    """A page of settlements, newest first."""

    records: list[Funding]
    limit: int = 0
    offset: int = 0


class AdlQuantile(msgspec.Struct, frozen=True):
    """Where positions of a futures market stand in the queue of automatic deleveraging."""

    market: str
    long: int | None = None
    short: int | None = None
