"""A market and its arithmetic: ticks and lots.

Owns: the scale of one market and the exact conversion between decimal text at the edge and the
integers inside. Must not know: orders, books, the wire. Invariant: a conversion is exact, or
rounds in the stated safe direction (bid down, ask up) when asked to, or is an error.

Words: a *tick* is 10**-price_decimals of money, a *lot* is 10**-amount_decimals of stock
(`amount_decimals` may be negative: PEPE_PERP trades in multiples of 10**6). `tick_size` and
`step_size` are the venue's grid, counted in ticks and lots.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    Context,
    Decimal,
    Inexact,
    InvalidOperation,
)
from enum import StrEnum

from whitewire.errors import NumberError

__all__ = ["Market", "Number", "Product", "Side"]

Number = str | int | Decimal | float
_INT64_MAX = 2**63 - 1
_INT64_DIGITS = 19
# What has more digits than this is an error: a conversion rounds only where it is asked to.
_EXACT = Context(prec=100, traps=[InvalidOperation, Inexact])


class Side(StrEnum):
    """Side of an order or quote; the value is the venue's REST word."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Product(StrEnum):
    """What trading in a market means; the value is the venue's word."""

    SPOT = "spot"
    MARGIN = "margin"
    FUTURES = "futures"


@dataclass(slots=True, frozen=True)
class Market:
    """One market's identity, scale and limits.

    Attributes:
        name: the venue's name, as `BTC_USDT`.
        stock, money: assets traded and paid.
        price_decimals, amount_decimals: scale; ticks are 10**-price_decimals.
        tick_size, step_size: the venue's grid in ticks and in lots, at least 1.
        min_amount_lots: smallest order amount, lots.
        min_total, max_total: bounds of price times amount in money; max_total 0 means none.
        index: position in the core, set by the gateway.
        product: spot, or against collateral: margin or futures.
    """

    name: str
    stock: str
    money: str
    price_decimals: int
    amount_decimals: int
    tick_size: int = 1
    step_size: int = 1
    min_amount_lots: int = 1
    min_total: Decimal = Decimal(0)
    max_total: Decimal = Decimal(0)
    index: int = 0
    product: Product = Product.SPOT
    _tick: Decimal = field(init=False, repr=False, compare=False)
    _lot: Decimal = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tick", Decimal(1).scaleb(-self.price_decimals))
        object.__setattr__(self, "_lot", Decimal(1).scaleb(-self.amount_decimals))

    @property
    def is_collateral(self) -> bool:
        """Whether it is traded against collateral: there is a position, and leverage."""
        return self.product is not Product.SPOT

    def price_to_ticks(self, price: Number, side: Side | None = None) -> int:
        """Ticks of a price; off the grid it rounds to the passive side, or fails without `side`.

        Args:
            price: money per unit of stock; str and Decimal are taken exactly, a float as its
                shortest text.
            side: BUY rounds down, SELL rounds up; None demands a price on the grid.

        Raises:
            NumberError: not a finite positive number, off the grid, or beyond int64.
        """
        rounding = None if side is None else ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
        return self._scale("price", price, self.price_decimals, self.tick_size, rounding)

    def amount_to_lots(self, amount: Number, *, exact: bool = True) -> int:
        """Lots of an amount; `exact=False` rounds down to the venue's step.

        Raises:
            NumberError: not a finite positive number, off the step, or beyond int64.
        """
        return self._scale(
            "amount", amount, self.amount_decimals, self.step_size, None if exact else ROUND_DOWN
        )

    def check_units(self, price_ticks: int, amount_lots: int) -> None:
        """Whether they can be a price and an amount; the grid is the gate's business.

        Raises:
            NumberError: one is not a whole number from 1 to the largest int64.
        """
        is_price = price_ticks.__class__ is int and 0 < price_ticks <= _INT64_MAX
        if is_price and amount_lots.__class__ is int and 0 < amount_lots <= _INT64_MAX:
            return
        for what, units in (("price", price_ticks), ("amount", amount_lots)):
            if units.__class__ is not int or not 0 < units <= _INT64_MAX:
                raise NumberError(
                    "number-range",
                    f"{self.name}: {what} {units!r} is not a positive int64",
                    "give ticks and lots, as of `Market.price_to_ticks` and `amount_to_lots`",
                )

    def price(self, ticks: int) -> Decimal:
        """The price of `ticks`, money per unit of stock."""
        return ticks * self._tick

    def amount(self, lots: int) -> Decimal:
        """The amount of `lots`, stock."""
        return lots * self._lot

    def _scale(
        self, what: str, value: Number, decimals: int, step: int, rounding: str | None
    ) -> int:
        try:
            exact = Decimal(repr(value) if isinstance(value, float) else value)
            is_positive = exact.is_finite() and exact > 0
            units = exact.scaleb(decimals, _EXACT) if is_positive else exact
        except (InvalidOperation, Inexact, TypeError, ValueError):
            raise NumberError(
                "number-syntax",
                f"{self.name}: {what} {value!r} is not a number",
                "give a decimal such as '0.01'",
            ) from None
        if not is_positive:
            raise NumberError(
                "number-not-positive",
                f"{self.name}: {what} {value!s} is not a positive finite number",
                f"give a {what} above zero",
            )
        if units.adjusted() > _INT64_DIGITS:
            raise self._out_of_range(what, value, decimals, step)
        whole = int(units.to_integral_value(ROUND_FLOOR))
        below = whole - whole % step
        is_on_grid = below == units
        if rounding is None and not is_on_grid:
            unit = Decimal(1).scaleb(-decimals)
            raise NumberError(
                "number-off-grid",
                f"{self.name}: {what} {value!s} is not a multiple of {step * unit:f}",
                f"use {below * unit:f} or {(below + step) * unit:f}",
            )
        result = below if is_on_grid or rounding != ROUND_CEILING else below + step
        if not 0 < result <= _INT64_MAX:
            raise self._out_of_range(what, value, decimals, step)
        return result

    def _out_of_range(self, what: str, value: Number, decimals: int, step: int) -> NumberError:
        return NumberError(
            "number-range",
            f"{self.name}: {what} {value!s} is outside the market's range",
            f"the smallest is {step * Decimal(1).scaleb(-decimals):f}",
        )
