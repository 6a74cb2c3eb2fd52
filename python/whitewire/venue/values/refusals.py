"""The documented refusals of the order family, with their numbers and texts.

Owns: the shape of every `VenueError` that the engine raises. Must not know: when to raise which.
Invariant: a refusal of field validation is 422 "Validation failed", one of the engine behind it is
400 "Inner validation failed"; the exceptions are those that a function here spells out.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

from whitewire.venue.values.money import to_text
from whitewire.venue.values.reasons import Reason, VenueError

Value = TypeVar("Value")

REQUIRED = 30
MARKET = 31
AMOUNT = 32
PRICE = 33
CLIENT_ORDER_ID = 36
IOC_POST_ONLY = 37
IOC_RPI = 40
RPI_RETAIL = 41
RETAIL_NOT_ALLOWED = 42
RPI_NOT_ALLOWED = 43

UNAVAILABLE_MARKET = "Market is not available."
NO_FUNDS = "Not enough balance."
WOULD_TAKE = "This order couldn't be executed as a maker order and was canceled."


class Problems:
    """Collects what is wrong with a request, so that several keys are refused at once.

    The refusal carries the lowest of the collected numbers: a missing field (30) outranks a
    malformed one. It has a reason only if nothing is malformed: that of the first problem.
    """

    __slots__ = ("_codes", "_errors", "_reasons")

    def __init__(self) -> None:
        self._codes: list[int] = []
        self._reasons: list[Reason | None] = []
        self._errors: dict[str, list[str]] = {}

    def add(self, code: int, key: str, *texts: str, reason: Reason | None = None) -> None:
        """Notes texts about one request key."""
        self._codes.append(code)
        self._reasons.append(reason)
        self._errors.setdefault(key, []).extend(texts)

    def refuse(self) -> None:
        """Raises what was collected.

        Raises:
            VenueError: something was.
        """
        if self._codes:
            raise self._refusal()

    def given(self, value: Value | None) -> Value:
        """The value of a reader that has noted a problem if it returned None.

        Raises:
            VenueError: it did.
        """
        if value is None:
            raise self._refusal()
        return value

    def _refusal(self) -> VenueError:
        reason = None if None in self._reasons else self._reasons[0]
        return VenueError(422, min(self._codes), "Validation failed", self._errors, reason=reason)


def validation(
    code: int,
    key: str,
    *texts: str,
    reason: Reason | None = None,
    bounds: tuple[Decimal, Decimal] | None = None,
) -> VenueError:
    """A refusal of one field."""
    errors = {key: list(texts)}
    return VenueError(422, code, "Validation failed", errors, reason=reason, bounds=bounds)


def inner(code: int, key: str, text: str, reason: Reason | None = None) -> VenueError:
    """A refusal of the engine."""
    return VenueError(400, code, "Inner validation failed", {key: [text]}, reason=reason)


def order_not_found() -> VenueError:
    """Cancel or modify of an unknown, foreign or finished order; also for a client id."""
    return inner(2, "orderId", "Unexecuted order was not found.", Reason.NOT_FOUND)


def no_funds_limit() -> VenueError:
    """A limit order without funds: the engine's refusal."""
    return inner(10, "amount", NO_FUNDS, Reason.NO_FUNDS)


def no_funds_market() -> VenueError:
    """A market order without funds: a refusal of validation."""
    return validation(AMOUNT, "amount", NO_FUNDS, reason=Reason.NO_FUNDS)


def no_funds_modify() -> VenueError:
    """A replacement without funds: the engine's number under the headline of validation."""
    return validation(10, "amount", NO_FUNDS, reason=Reason.NO_FUNDS)


def amount_too_small() -> VenueError:
    """A market order that cannot trade one step."""
    return inner(11, "amount", "Amount too small.", Reason.AMOUNT_TOO_SMALL)


def no_counterparty(key: str) -> VenueError:
    """Nothing on the other side, or an empty side for a best-offer price."""
    return inner(12, key, "There is nobody to trade with.", Reason.NO_COUNTERPARTY)


def would_take() -> VenueError:
    """A maker-only order that would match."""
    return inner(13, "postOnly", WOULD_TAKE, Reason.WOULD_TAKE)


def would_take_modify() -> VenueError:
    """A maker-only replacement that would match."""
    return validation(13, "postOnly", WOULD_TAKE, reason=Reason.WOULD_TAKE)


def client_id_taken() -> VenueError:
    """A client id that an open order holds."""
    text = "This client order id is already used by the current account."
    return validation(CLIENT_ORDER_ID, "clientOrderId", text, reason=Reason.CLIENT_ID_TAKEN)


def outside_price_band(lowest: Decimal, highest: Decimal, *, is_stop: bool) -> VenueError:
    """A price too far from the last trade; a stop order's has a number of its own."""
    text = f"Price should be between {to_text(lowest)} and {to_text(highest)}."
    code, reason = (251, Reason.STOP_PRICE_BAND) if is_stop else (250, Reason.PRICE_BAND)
    return validation(code, "price", text, reason=reason, bounds=(lowest, highest))


def would_take_collateral() -> VenueError:
    """A maker-only order against collateral that would match."""
    return validation(14, "postOnly", WOULD_TAKE, reason=Reason.MARGIN_WOULD_TAKE)
