"""The documented refusals of orders and requests against collateral.

Owns: their numbers and texts. Must not know: when to raise which. Invariant: all of them are 422
"Validation failed", unless a function here spells out something else.
"""

from __future__ import annotations

from whitewire.venue.model import VenueError
from whitewire.venue.refusals import NO_FUNDS, inner, validation

NO_REDUCTION = "Reduce-only: Position doesn't exist or wrong side"


def no_margin() -> VenueError:
    """Too little free margin."""
    return validation(10, "amount", NO_FUNDS)


def position_too_big() -> VenueError:
    """A position beyond the bracket of the account's leverage."""
    return validation(111, "amount", "Position is too big.")


def pending_too_big() -> VenueError:
    """Orders that could make a position beyond the bracket."""
    return validation(112, "amount", "Pending orders value is too big.")


def mode_is_locked(key: str) -> VenueError:
    """Leverage or mode of an account that has positions or orders."""
    text = "Position side cannot be changed while open positions or orders exist."
    return validation(113, key, text)


def wrong_position_side() -> VenueError:
    """A position side that the account's mode does not have."""
    return validation(114, "positionSide", "Hedge mode position side does not match")


def would_flip() -> VenueError:
    """A close in hedge mode that is larger than the position."""
    return validation(115, "amount", "Order would open position in the opposite direction.")


def nothing_to_reduce() -> VenueError:
    """A reduce-only order without a position on the other side."""
    return validation(116, "reduceOnly", NO_REDUCTION)


def no_position() -> VenueError:
    """Take-profit and stop-loss for a position that does not exist."""
    return validation(104, "market", "Position does not exist.")


def position_not_found() -> VenueError:
    """Close of a position that is unknown, closed or another account's."""
    return validation(104, "positionId", "Position does not exist.")


def wrong_take_profit() -> VenueError:
    """A take-profit trigger on the wrong side of the price."""
    return validation(105, "takeProfit", "Wrong activation price for take profit.")


def wrong_stop_loss() -> VenueError:
    """A stop-loss trigger on the wrong side of the price."""
    return validation(106, "stopLoss", "Wrong activation price for stop loss.")


def take_profit_would_take() -> VenueError:
    """The limit leg of an OCO that would match."""
    return validation(150, "price", "Take profit order is not post only.")


def wrong_oco_stop() -> VenueError:
    """The stop leg of an OCO on the wrong side of the price."""
    return validation(151, "activation_price", "Wrong activation price for stop loss.")


def conditional_not_modifiable() -> VenueError:
    """Modify of a leg of an OCO or OTO."""
    return validation(155, "orderId", "Conditional order cannot be modified.")


def group_not_found(key: str) -> VenueError:
    """Cancel of a group that is unknown or over."""
    return inner(2, key, "Unexecuted order was not found.")


def invalid_ticker() -> VenueError:
    """A balance of an asset that is not there."""
    return validation(30, "ticker", "ticker is invalid.")
