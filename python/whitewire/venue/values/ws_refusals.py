"""The error numbers of the WebSocket: their texts, and which of them an engine's refusal gets.

Owns: the table of numbers, independent of REST's, and the refusal of a method call. Must not know:
methods, parameters, sockets. Invariant: every reason has a number; a refusal without a reason is
an invalid argument.

Rules:

* N1  6 is two refusals: an order that is not open, and a call before authorize.
* N2  11 is two refusals: an amount below the least, and a token that is not good.
* N3  A price outside its band is refused with the bound that it breaks; so is a total above the
      greatest, as an invalid argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from whitewire.venue.values.money import to_text
from whitewire.venue.values.reasons import Reason, VenueError

__all__ = [
    "INTERNAL_ERROR",
    "INVALID_ARGUMENT",
    "METHOD_NOT_FOUND",
    "ORDER_NOT_FOUND",
    "REQUIRE_AUTHENTICATION",
    "SERVICE_TIMEOUT",
    "SERVICE_UNAVAILABLE",
    "TEXTS",
    "TOO_MANY_REQUESTS",
    "TOO_MANY_USER_ORDERS",
    "TOO_MANY_USER_REQUESTS",
    "WsRefusal",
    "engine_refusal",
    "invalid",
    "refused",
]

_ORDER_NOT_FOUND = "order not found"
_TOO_MANY_REQUESTS = "too many requests"

TEXTS: Mapping[int, str] = MappingProxyType(
    {
        1: "invalid argument",
        2: "internal error",
        3: "service unavailable",
        4: "method not found",
        5: "service timeout",
        6: "require authentication",  # N1
        7: _TOO_MANY_REQUESTS,
        8: "unknown asset",
        9: "unknown market",
        10: "balance not enough",
        11: "amount too small",  # N2
        12: "not enough traders",
        13: "order by taker price",
        14: "margin order by taker price",
        15: "margin exchange stock not enough",
        16: "margin exchange money not enough",
        17: "user margin balance not enough",
        19: "market is not margin market",
        40: "order is not post only",
        41: "order is not ioc",
        42: "order slippage threshold",
        43: "client order id already exists",
        51: "trading in the market is not allowed",
        101: "activation price equals last price",
        103: "max num margin stop market orders",
        104: "margin position not exists",
        105: "wrong activation price for take profit",
        106: "wrong activation price for stop loss",
        108: "wrong limit price for take profit",
        111: "margin position is too big",
        112: "margin pending orders value is too big",
        113: "user position side change mode",
        114: "position side does not match the user's setting",
        115: "would open the opposite position",
        116: "margin order with reduce only is rejected",
        150: "take profit is not post only",
        151: "wrong activation price for stop loss",
        152: "can not place stop loss",
        153: "can not place take profit",
        154: "price is outside spread",
        155: "conditional order modification",
        156: "wrong order type",
        158: "wrong activation price for limit",
        159: "wrong limit price for stop market",
        160: "tpsl order modification",
        161: "conditional order validation",
        162: "wrong param total",
        163: "wrong param amount",
        164: "wrong param price",
        200: "unknown conditional order type",
        201: "unknown trigger order type",
        250: "price is out of bands",  # N3
        251: "activation price is out of bands",
        601: "account is restricted from trading",
        602: "order contains forbidden flags",
        10000: "too many requests per period",
        10001: "too many new orders per period",
        10006: "region is unknown or not supported",
        10007: "futures are not available in the region",
        10008: "margin is not available in the region",
        10009: "spot is not available in the region",
        10010: "this market is restricted in your region",
    }
)

INVALID_ARGUMENT = (1, TEXTS[1])
INTERNAL_ERROR = (2, TEXTS[2])
SERVICE_UNAVAILABLE = (3, TEXTS[3])
METHOD_NOT_FOUND = (4, TEXTS[4])
SERVICE_TIMEOUT = (5, TEXTS[5])
REQUIRE_AUTHENTICATION = (6, TEXTS[6])  # N1
ORDER_NOT_FOUND = (6, _ORDER_NOT_FOUND)
TOO_MANY_REQUESTS = (7, _TOO_MANY_REQUESTS)
TOO_MANY_USER_REQUESTS = (10000, TEXTS[10000])
TOO_MANY_USER_ORDERS = (10001, TEXTS[10001])

_CODES: Mapping[Reason, int] = MappingProxyType(
    {
        Reason.NOT_FOUND: 6,
        Reason.NO_FUNDS: 10,
        Reason.NO_MARGIN: 17,
        Reason.AMOUNT_TOO_SMALL: 11,
        Reason.OFF_GRID: 1,
        Reason.TOTAL_TOO_BIG: 1,
        Reason.NO_COUNTERPARTY: 12,
        Reason.WOULD_TAKE: 13,
        Reason.MARGIN_WOULD_TAKE: 14,
        Reason.CLIENT_ID_TAKEN: 43,
        Reason.FORBIDDEN_FLAG: 602,
        Reason.PRICE_BAND: 250,
        Reason.STOP_PRICE_BAND: 251,
        Reason.ACTIVATION_IS_LAST_PRICE: 101,
        Reason.NO_ACTIVATION_PRICE: 158,
        Reason.NO_PRICE: 159,
        Reason.WRONG_TOTAL: 162,
        Reason.WRONG_AMOUNT: 163,
        Reason.WRONG_PRICE: 164,
        Reason.NO_POSITION: 104,
        Reason.WRONG_TAKE_PROFIT: 105,
        Reason.WRONG_STOP_LOSS: 106,
        Reason.POSITION_TOO_BIG: 111,
        Reason.PENDING_TOO_BIG: 112,
        Reason.POSITION_SIDE_MISMATCH: 114,
        Reason.WOULD_OPEN_OPPOSITE: 115,
        Reason.NOTHING_TO_REDUCE: 116,
        Reason.TAKE_PROFIT_WOULD_TAKE: 150,
        Reason.WRONG_STOP_TRIGGER: 151,
        Reason.CONDITIONAL_MODIFY: 155,
        Reason.TPSL_MODIFY: 160,
    }
)


class WsRefusal(Exception):
    """A refused method call.

    Attributes:
        from_engine: whether the engine refused it, not the door before it.
    """

    def __init__(self, code: int, message: str, *, from_engine: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.from_engine = from_engine


def invalid(text: str = TEXTS[1]) -> WsRefusal:
    """A refusal of parameters."""
    return WsRefusal(1, text)


def refused(code: int) -> WsRefusal:
    """A refusal by its number."""
    return WsRefusal(code, TEXTS[code])


def engine_refusal(
    error: VenueError, price: Decimal | None = None, off_grid_code: int = 1
) -> WsRefusal:
    """What a refusal of the engine is on the WebSocket.

    Args:
        price: the price that the call named, if any; it tells which bound it breaks.
        off_grid_code: number of what is no multiple of its step, which is not published.
    """
    if error.reason is None:
        return WsRefusal(*INVALID_ARGUMENT, from_engine=True)
    code = off_grid_code if error.reason is Reason.OFF_GRID else _CODES[error.reason]
    text = _ORDER_NOT_FOUND if error.reason is Reason.NOT_FOUND else TEXTS[code]
    if error.bounds is not None:
        lowest, highest = error.bounds
        if error.reason is Reason.TOTAL_TOO_BIG:
            text = f"amount * price must be <= {to_text(highest)}"
        elif error.reason is Reason.PRICE_BAND:
            text = _band_text(price, lowest, highest)
    return WsRefusal(code, text, from_engine=True)


def _band_text(price: Decimal | None, lowest: Decimal, highest: Decimal) -> str:
    """The bound that a price breaks; both, where the call named no price (N3)."""
    above, below = f">= {to_text(lowest)}", f"<= {to_text(highest)}"
    if price is None:
        return f"price must be {above} and {below}"
    return f"price must be {above if price < lowest else below}"
