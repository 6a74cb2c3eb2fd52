"""The documented refusals of orders and requests against collateral.

Owns: their numbers and texts. Must not know: when to raise which. Invariant: all of them are 422
"Validation failed", unless a function here spells out something else.
"""

from __future__ import annotations

from whitewire.venue.values.reasons import Reason, VenueError
from whitewire.venue.values.refusals import NO_FUNDS, inner, validation

NO_REDUCTION = "Reduce-only: Position doesn't exist or wrong side"


def no_margin() -> VenueError:
    """Too little free margin."""
    return validation(10, "amount", NO_FUNDS, reason=Reason.NO_MARGIN)


def position_too_big() -> VenueError:
    """A position beyond the bracket of the account's leverage."""
    return validation(111, "amount", "Position is too big.", reason=Reason.POSITION_TOO_BIG)


def pending_too_big() -> VenueError:
    """Orders that could make a position beyond the bracket."""
    text = "Pending orders value is too big."
    return validation(112, "amount", text, reason=Reason.PENDING_TOO_BIG)


def mode_is_locked(key: str) -> VenueError:
    """Leverage or mode of an account that has positions or orders."""
    text = "Position side cannot be changed while open positions or orders exist."
    return validation(113, key, text)


def wrong_position_side() -> VenueError:
    """A position side that the account's mode does not have."""
    text = "Hedge mode position side does not match"
    return validation(114, "positionSide", text, reason=Reason.POSITION_SIDE_MISMATCH)


def would_flip() -> VenueError:
    """A close in hedge mode that is larger than the position."""
    text = "Order would open position in the opposite direction."
    return validation(115, "amount", text, reason=Reason.WOULD_OPEN_OPPOSITE)


def nothing_to_reduce() -> VenueError:
    """A reduce-only order without a position on the other side."""
    return validation(116, "reduceOnly", NO_REDUCTION, reason=Reason.NOTHING_TO_REDUCE)


def no_position() -> VenueError:
    """Take-profit and stop-loss for a position that does not exist."""
    return validation(104, "market", "Position does not exist.", reason=Reason.NO_POSITION)


def position_not_found() -> VenueError:
    """Close of a position that is unknown, closed or another account's."""
    return validation(104, "positionId", "Position does not exist.")


def wrong_take_profit() -> VenueError:
    """A take-profit trigger on the wrong side of the price."""
    text = "Wrong activation price for take profit."
    return validation(105, "takeProfit", text, reason=Reason.WRONG_TAKE_PROFIT)


def wrong_stop_loss() -> VenueError:
    """A stop-loss trigger on the wrong side of the price."""
    text = "Wrong activation price for stop loss."
    return validation(106, "stopLoss", text, reason=Reason.WRONG_STOP_LOSS)


def take_profit_would_take() -> VenueError:
    """The limit leg of an OCO that would match."""
    text = "Take profit order is not post only."
    return validation(150, "price", text, reason=Reason.TAKE_PROFIT_WOULD_TAKE)


def wrong_oco_stop() -> VenueError:
    """The stop leg of an OCO on the wrong side of the price."""
    text = "Wrong activation price for stop loss."
    return validation(151, "activation_price", text, reason=Reason.WRONG_STOP_TRIGGER)


def conditional_not_modifiable() -> VenueError:
    """Modify of a leg of an OCO or OTO."""
    text = "Conditional order cannot be modified."
    return validation(155, "orderId", text, reason=Reason.CONDITIONAL_MODIFY)


def tpsl_not_modifiable() -> VenueError:
    """Modify of an exit of a whole position."""
    text = "Take profit and stop loss orders cannot be modified."
    return validation(160, "orderId", text, reason=Reason.TPSL_MODIFY)


def group_not_found(key: str) -> VenueError:
    """Cancel of a group that is unknown or over."""
    return inner(2, key, "Unexecuted order was not found.", Reason.NOT_FOUND)


def invalid_ticker() -> VenueError:
    """A balance of an asset that is not there."""
    return validation(30, "ticker", "ticker is invalid.")
