"""The refusal of the engine, and the causes that it can have.

Owns: the list of causes and the exception. Must not know: which refusals there are, or wires.
Invariant: a reason names one cause, whichever request met it, so that a wire with numbers of its
own need not read texts; a refusal without one is about the form of a field.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, auto

__all__ = ["Reason", "VenueError"]


class Reason(Enum):
    """A cause of refusal that is more than a malformed field."""

    NOT_FOUND = auto()
    NO_FUNDS = auto()
    NO_MARGIN = auto()  # the collateral wallet does not carry the order
    AMOUNT_TOO_SMALL = auto()  # in stock or in money
    OFF_GRID = auto()  # no multiple of the market's step or tick
    TOTAL_TOO_BIG = auto()  # bounds: least and greatest total
    NO_COUNTERPARTY = auto()
    WOULD_TAKE = auto()
    MARGIN_WOULD_TAKE = auto()
    CLIENT_ID_TAKEN = auto()
    FORBIDDEN_FLAG = auto()  # the account may not send it
    PRICE_BAND = auto()  # bounds: the band
    STOP_PRICE_BAND = auto()  # bounds: the band
    ACTIVATION_IS_LAST_PRICE = auto()
    NO_ACTIVATION_PRICE = auto()  # the order that is to be modified has none
    NO_PRICE = auto()  # neither has it this
    WRONG_TOTAL = auto()
    WRONG_AMOUNT = auto()
    WRONG_PRICE = auto()
    # Of collateral orders and their groups.
    NO_POSITION = auto()
    WRONG_TAKE_PROFIT = auto()
    WRONG_STOP_LOSS = auto()
    POSITION_TOO_BIG = auto()
    PENDING_TOO_BIG = auto()
    POSITION_SIDE_MISMATCH = auto()
    WOULD_OPEN_OPPOSITE = auto()
    NOTHING_TO_REDUCE = auto()
    TAKE_PROFIT_WOULD_TAKE = auto()
    WRONG_STOP_TRIGGER = auto()
    CONDITIONAL_MODIFY = auto()
    TPSL_MODIFY = auto()


class VenueError(Exception):
    """A documented refusal, ready to be printed as REST's error object.

    Attributes:
        http_status: status line of a REST answer (an item of a bulk answer ignores it).
        code: the venue's number, scoped to the endpoint that raised it.
        message: the venue's headline, for example "Validation failed".
        errors: request key to the list of texts about it.
        reason: the cause, where it is more than a malformed field.
        bounds: least and greatest good value, for the reasons that have them.
    """

    def __init__(
        self,
        http_status: int,
        code: int,
        message: str,
        errors: dict[str, list[str]],
        *,
        reason: Reason | None = None,
        bounds: tuple[Decimal, Decimal] | None = None,
    ) -> None:
        super().__init__(f"{http_status}/{code} {message}: {errors}")
        self.http_status = http_status
        self.code = code
        self.message = message
        self.errors = errors
        self.reason = reason
        self.bounds = bounds
