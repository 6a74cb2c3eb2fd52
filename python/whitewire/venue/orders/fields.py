"""Reading the fields that several requests share.

Owns: the texts and numbers of their refusals. Must not know: whole requests, or any state beyond
the market list. Invariant: a reader either returns a good value or notes a problem and returns
None; it never raises.

Rules:
    F1  A market is refused under 30 where it is missing, under 31 where it is wrong.
    F2  A client id has 1 to 64 letters, digits, dashes, dots and underscores; an empty one counts
        as absent.
    F3  A flag that is neither absent nor a JSON boolean is refused under 30.
    F4  An order is named by its id or its client id, never by both, never by neither; an empty
        client id counts as absent here too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from whitewire.venue.values import refusals
from whitewire.venue.values.model import MarketSpec, PositionSide, Side, Stp
from whitewire.venue.values.money import is_multiple, read_number, to_text
from whitewire.venue.values.reasons import Reason
from whitewire.venue.values.refusals import Problems

Markets = Mapping[str, MarketSpec]

_MARKET_FORMAT = re.compile(r"[A-Za-z0-9]+_[A-Za-z0-9]+", re.ASCII)
_CLIENT_ID_FORMAT = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_CLIENT_ID_LENGTH = 64

STP_NAMES = {
    "no": Stp.NO,
    "cb": Stp.CANCEL_BOTH,
    "cn": Stp.CANCEL_NEW,
    "co": Stp.CANCEL_OLD,
    "cancel_both": Stp.CANCEL_BOTH,
    "cancel_new": Stp.CANCEL_NEW,
    "cancel_old": Stp.CANCEL_OLD,
}


def read_market(
    value: object,
    markets: Markets,
    problems: Problems,
    unavailable: str = refusals.UNAVAILABLE_MARKET,
) -> MarketSpec | None:
    """A market that must be given (F1)."""
    if value is None:
        problems.add(refusals.REQUIRED, "market", "Market field is required.")
        return None
    return read_optional_market(value, markets, problems, unavailable)


def read_optional_market(
    value: object,
    markets: Markets,
    problems: Problems,
    unavailable: str = refusals.UNAVAILABLE_MARKET,
) -> MarketSpec | None:
    """A market that may be absent (F1)."""
    if value is None:
        return None
    if value == "":
        text = "Market field should not be empty string."
    elif not isinstance(value, str) or not _MARKET_FORMAT.fullmatch(value):
        text = "Market field format is invalid."
    elif value not in markets:
        text = unavailable
    else:
        return markets[value]
    problems.add(refusals.MARKET, "market", text)
    return None


def read_side(value: object, problems: Problems) -> Side | None:
    """`buy` or `sell`."""
    if value is None:
        problems.add(refusals.REQUIRED, "side", "Side field is required.")
    elif value == "buy":
        return Side.BUY
    elif value == "sell":
        return Side.SELL
    else:
        text = "Side field should contain only 'buy' or 'sell' values."
        problems.add(refusals.REQUIRED, "side", text)
    return None


def read_client_id(value: object, problems: Problems) -> str:
    """A client id in its format, or empty text (F2)."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        text = "ClientOrderId field should be a string."
    elif not _CLIENT_ID_FORMAT.fullmatch(value):
        text = "ClientOrderId field should contain only latin letters, numbers and dashes."
    elif len(value) > _CLIENT_ID_LENGTH:
        text = f"ClientOrderId field should be at most {_CLIENT_ID_LENGTH} characters."
    else:
        return value
    problems.add(refusals.CLIENT_ORDER_ID, "clientOrderId", text)
    return ""


def read_stp(value: object, problems: Problems) -> Stp:
    """A self-trade-prevention mode under its short or its long name."""
    if value is None:
        return Stp.NO
    mode = STP_NAMES.get(value) if isinstance(value, str) else None
    if mode is None:
        text = "Stp field should contain only 'no', 'cb', 'cn' or 'co' values."
        problems.add(refusals.REQUIRED, "stp", text)
        return Stp.NO
    return mode


def read_position_side(value: object, problems: Problems) -> PositionSide:
    """The position that an order is for; BOTH where none is named."""
    if value is None:
        return PositionSide.BOTH
    if isinstance(value, str) and value in PositionSide.__members__:
        return PositionSide(value)
    text = "PositionSide field should contain only 'LONG', 'SHORT' or 'BOTH' values."
    problems.add(refusals.REQUIRED, "positionSide", text)
    return PositionSide.BOTH


def read_flag(value: object, key: str, problems: Problems) -> bool:
    """A boolean that is false where it is absent (F3)."""
    if value is None or isinstance(value, bool):
        return bool(value)
    problems.add(refusals.REQUIRED, key, f"{key[0].upper()}{key[1:]} field should be a boolean.")
    return False


def read_number_field(value: object, key: str, code: int, problems: Problems) -> Decimal | None:
    """A positive number that must be given, whatever its size and grid."""
    name = key.capitalize()
    if value is None:
        problems.add(refusals.REQUIRED, key, f"{name} field is required.")
        return None
    number = read_number(value)
    if number is None:
        problems.add(code, key, f"{name} field should be numeric string or number.")
    elif number <= 0:
        problems.add(code, key, f"{name} should be greater than 0.")
    else:
        return number
    return None


def check_amount(amount: Decimal, spec: MarketSpec, problems: Problems) -> None:
    """Least size and grid of an amount of stock."""
    is_small = amount < spec.min_amount
    if not is_small and is_multiple(amount, spec.step_size):
        return
    least = [f"Given amount is less than min amount {to_text(spec.min_amount)}"] if is_small else []
    step = f"Min amount step = {to_text(spec.step_size)}"
    reason = Reason.AMOUNT_TOO_SMALL if is_small else Reason.OFF_GRID
    problems.add(refusals.AMOUNT, "amount", *least, step, reason=reason)


def check_price(price: Decimal, spec: MarketSpec, problems: Problems) -> None:
    """Least size and grid of a price."""
    is_small = price < spec.tick_size
    if not is_small and is_multiple(price, spec.tick_size):
        return
    least = [f"Price field should be at least {to_text(spec.tick_size)}"] if is_small else []
    step = f"Min price step = {to_text(spec.tick_size)}"
    reason = None if is_small else Reason.OFF_GRID
    problems.add(refusals.PRICE, "price", *least, step, reason=reason)


def read_order_id(
    order_id: object, client_order_id: object, problems: Problems
) -> tuple[int | None, str]:
    """The one name that an order is given (F4): its id, or None and its client id."""
    if client_order_id == "":
        client_order_id = None
    if order_id is not None and client_order_id is not None:
        text = "Either orderId or clientOrderId field should be given, not both."
        problems.add(refusals.REQUIRED, "orderId", text)
        return None, ""
    if client_order_id is not None:
        if isinstance(client_order_id, str):
            return None, client_order_id
        text = "ClientOrderId field should be a string."
        problems.add(refusals.CLIENT_ORDER_ID, "clientOrderId", text)
    elif order_id is None:
        problems.add(refusals.REQUIRED, "orderId", "OrderId field is required.")
    elif isinstance(order_id, bool) or not isinstance(order_id, int):
        problems.add(refusals.REQUIRED, "orderId", "OrderId field should be an integer.")
    else:
        return order_id, ""
    return None, ""
