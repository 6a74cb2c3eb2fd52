"""The limits that a configuration sets: of an account, and of each of its markets.

Owns: their schema and which of them a live start demands. Must not know: how they are obeyed (see
native/src/gate), other sections. Invariant: what protects money has no default.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from whitewire.errors import ConfigError

__all__ = ["LimitsConfig", "MarketConfig", "Section", "demand_positive", "missing"]


class Section(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A table of the file; unknown keys are errors."""


Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Window = Annotated[int, msgspec.Meta(ge=1, le=86_400_000)]


class LimitsConfig(Section, frozen=True):
    """Limits of the account, in the money of its markets (see `MarketConfig.money_rate`).

    Attributes:
        max_open_orders: most open orders, Unknown ones included. Live: must be given.
        max_open_notional: most price times amount of all open orders. Live: must be given.
        max_loss: most that may be lost from midnight UTC on (without a journal: or the start);
            open positions are valued at the book's mid. Beyond it the account is KILLED. Live:
            must be given.
        max_drawdown: the same from the highest equity since the account was armed (without a
            journal: since the start). Live: must be given.
        state_file: where KILLED is remembered across restarts, relative to the configuration file;
            None is a file of the account in the journal's folder, or nowhere without one.
        orders_per_s, order_burst: rate of placements and changes, and how many at once.
        cancels_per_s, cancel_burst: rate of cancels above which placements wait, never cancels.
        max_rejects, reject_window_s: more refusals of the venue within the window (those of
            post-only orders that would take do not count) make the account REDUCING for as long;
            more than twice as many halt it. 0 for any.
    """

    max_open_orders: Count | None = None
    max_open_notional: Decimal | None = None
    max_loss: Decimal | None = None
    max_drawdown: Decimal | None = None
    state_file: str | None = None
    orders_per_s: Count | None = None
    order_burst: Count = 20
    cancels_per_s: Count | None = None
    cancel_burst: Count = 100
    max_rejects: Annotated[int, msgspec.Meta(ge=0, le=500)] = 20
    reject_window_s: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 5


class MarketConfig(Section, frozen=True):
    """Product and risk limits of one market; the first two limits have no default.

    Attributes:
        max_order_amount: largest amount of one order, stock.
        max_order_notional: largest price times amount of one order, money.
        max_open_orders, max_open_notional: of the market's open orders. Live: must be given.
        max_side_orders, max_side_notional: of one side's open orders; None for no further limit.
        max_position: largest position either way, with every open order of that side filled,
            stock; counted from the start, or from the venue's word where it has one. Live: must
            be given.
        collar_percent: farthest a price may be from the book's mid.
        max_move_percent, move_window_s: a mid that moved farther within the window makes the
            market REDUCING for as long; None for any.
        max_book_age_ms: no order is sent when the book heard nothing for longer; the venue
            repeats a silent book every 10 s.
        duplicate_ms: the same side, price and amount again within this time is refused; 0 never.
        allow_self_cross: whether an order may be sent that would meet one of our own.
        max_fills, max_fill_amount, fill_window_ms: more fills, or more stock filled, within the
            window halt the market; None for any.
        frozen_s: for how long; 0 until `gw.resume`.
        max_repeats, repeat_window_s: as many filled orders of one side and price within the
            window halt the account until `whitewire arm`; None for any.
        money_rate: units of the account's money for one of this market's; needed where markets
            differ in their money.
        product: None is what the venue's list says, spot or futures; "margin" trades a spot market
            against collateral.
        leverage: set and verified at start, futures and margin only; None leaves the account's.
            The venue has one leverage for the whole account, so every market must agree.
    """

    max_order_amount: Decimal
    max_order_notional: Decimal
    max_open_orders: Count | None = None
    max_open_notional: Decimal | None = None
    max_side_orders: Count | None = None
    max_side_notional: Decimal | None = None
    max_position: Decimal | None = None
    collar_percent: Decimal = Decimal(2)
    max_move_percent: Decimal | None = None
    move_window_s: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 5
    max_book_age_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 11_000
    duplicate_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] = 0
    allow_self_cross: bool = False
    max_fills: Annotated[int, msgspec.Meta(ge=1, le=1_000)] | None = None
    max_fill_amount: Decimal | None = None
    fill_window_ms: Window = 1_000
    frozen_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0
    max_repeats: Annotated[int, msgspec.Meta(ge=2, le=1_000)] | None = None
    repeat_window_s: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 60
    money_rate: Decimal | None = None
    product: Literal["spot", "margin", "futures"] | None = None
    leverage: Literal[1, 2, 3, 5, 10, 20, 50, 100] | None = None


# What a live start demands of a person: by name, none has a default.
DEMANDED = ("max_open_orders", "max_open_notional", "max_loss", "max_drawdown")
DEMANDED_OF_MARKETS = ("max_open_orders", "max_open_notional", "max_position")


def missing(limits: LimitsConfig, markets: Mapping[str, MarketConfig]) -> list[str]:
    """Names of the limits that a live start needs and that were not given."""
    names = [f"limits.{name}" for name in DEMANDED if getattr(limits, name) is None]
    for market, own in markets.items():
        names += [f"markets.{market}.{n}" for n in DEMANDED_OF_MARKETS if getattr(own, n) is None]
    return names


def demand_positive(limits: LimitsConfig, markets: Mapping[str, MarketConfig], source: str) -> None:
    """Checks every decimal limit.

    Raises:
        ConfigError: one is zero, negative or no number; `source` is named.
    """
    sections = {f"markets.{name}": market for name, market in markets.items()}
    for name, section in {"limits": limits, **sections}.items():
        for field in section.__struct_fields__:
            value = getattr(section, field)
            if isinstance(value, Decimal) and (not value.is_finite() or value <= 0):
                raise ConfigError(
                    "config-limit",
                    f"{source}: {name}.{field} was {value}",
                    "give a positive number",
                )
