"""Exact decimal arithmetic and the venue's number texts.

Owns: the two decimal contexts, reading numbers out of requests, grids, and printing. Must not
know: markets, orders or JSON. Invariant: nothing here depends on the calling thread's decimal
context, and nothing that goes into a wallet was rounded.

Rules:
    N1  Products that become fees keep 34 digits and are rounded down.
    N2  Sums and products that move money between wallets are exact; one that is not is a fault.
    N3  A request may write a number as text or as a JSON number, with trailing zeros; exponents
        in text are refused.
    N4  Numbers are printed plainly and normalised: no trailing zeros, zero is "0".
    N5  The venue's ancestor printed numbers below a millionth with an exponent.
    N6  Averages, shares and ratios are cut to twelve decimals.
"""

from __future__ import annotations

import re
from decimal import (
    ROUND_DOWN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)

_FAULTS = [InvalidOperation, DivisionByZero, Overflow]
_ROUNDED = Context(prec=34, rounding=ROUND_DOWN, traps=_FAULTS)  # N1
_EXACT = Context(prec=120, rounding=ROUND_DOWN, traps=[*_FAULTS, Inexact])  # N2
_WIDE = Context(prec=120, rounding=ROUND_DOWN, traps=_FAULTS)

_TWELFTH = Decimal("1e-12")

add = _EXACT.add
subtract = _EXACT.subtract
multiply = _EXACT.multiply

# The longest number that a request may carry on either side of its point. It keeps every product
# of two numbers inside the exact context.
_DIGITS = 30
_NUMBER = re.compile(rf"-?[0-9]{{1,{_DIGITS}}}(\.[0-9]{{1,{_DIGITS}}})?", re.ASCII)


def read_number(value: object) -> Decimal | None:
    """Reads a request's number (N3); None where it is not one.

    Args:
        value: a decoded JSON value; fractions must have been decoded to `Decimal`.
    """
    if isinstance(value, str):
        return Decimal(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if isinstance(value, int) and value.bit_length() > 4 * _DIGITS:
        return None
    number = Decimal(value)
    if not number.is_finite() or number.adjusted() >= _DIGITS:
        return None
    exponent = number.as_tuple().exponent
    return number if isinstance(exponent, int) and -_DIGITS <= exponent < _DIGITS else None


def fee_of(amount: Decimal, ratio: Decimal) -> Decimal:
    """The fee on `amount`, in its unit (N1)."""
    return _ROUNDED.multiply(amount, ratio)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The greatest multiple of `step` that is not above a non-negative `value`."""
    return _EXACT.multiply(_WIDE.divide_int(value, step), step)


def affordable(money: Decimal, price: Decimal, step: Decimal) -> Decimal:
    """How much stock `money` buys at `price`, in whole steps."""
    return floor_to(_WIDE.divide(money, price), step)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether `value` lies on the grid of `step`."""
    return not _WIDE.remainder(value, step)


def percent_of(value: Decimal, percent: Decimal) -> Decimal:
    """`percent` hundredths of `value`."""
    return _WIDE.divide(_WIDE.multiply(value, percent), Decimal(100))


def quotient(value: Decimal, divisor: Decimal) -> Decimal:
    """A ratio (N6)."""
    return _WIDE.quantize(_WIDE.divide(value, divisor), _TWELFTH)


def share_of(value: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The share of `value` that `part` is of `whole` (N6)."""
    return _WIDE.quantize(_WIDE.divide(_WIDE.multiply(value, part), whole), _TWELFTH)


def to_text(value: Decimal) -> str:
    """Prints a number as the venue does (N4)."""
    return format(value.normalize(_WIDE), "f") if value else "0"


def to_ancestor_text(value: Decimal) -> str:
    """Prints a number as the venue's ancestor did (N5): "1e-8", and "0e-8" for a scaled zero."""
    text = str(value)
    return text.lower() if "E" in text else to_text(value)
