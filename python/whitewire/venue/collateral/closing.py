"""From a request to close a position to the order that does it.

Owns: the validation of position/close. Must not know: books, margins. Invariant: what comes out is
against one open position of the account and as large as it.

Rules:
    Z1  A position that is unknown, closed, another account's or another market's is refused (104).
    Z2  A position side may be named, and is then the position's own (114).
    Z3  The closing order is a reduce-only market order.
"""

from __future__ import annotations

from whitewire.venue.collateral.orders import Sight, product_of
from whitewire.venue.collateral.requests import CloseRequest
from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.matching import NewOrder
from whitewire.venue.orders.fields import read_market, read_position_side
from whitewire.venue.orders.queries import read_int
from whitewire.venue.values import collateral_refusals, refusals
from whitewire.venue.values.model import OrderType, Side
from whitewire.venue.values.refusals import Problems


def read_close(request: CloseRequest, account: Account, sight: Sight) -> NewOrder:
    """Validates position/close.

    Raises:
        VenueError: 422 with 30, 31, 104 or 114.
    """
    problems = Problems()
    spec = read_market(request.market, sight.markets, problems)
    position_id = read_int(request.position_id, "positionId", problems)
    side = read_position_side(request.position_side, problems)
    if request.position_id is None:
        text = "PositionId field is required."
        problems.add(refusals.REQUIRED, "positionId", text)
    problems.refuse()
    spec = problems.given(spec)
    held = account.collateral.positions.values()
    position = next((one for one in held if one.id == position_id), None)
    if position is None or position.market != spec.name:
        raise collateral_refusals.position_not_found()  # Z1
    if request.position_side is not None and side is not position.side:
        raise collateral_refusals.wrong_position_side()  # Z2
    return NewOrder(
        account=account,
        spec=spec,
        side=Side.SELL if position.amount > 0 else Side.BUY,
        type=OrderType.MARKET,
        amount=abs(position.amount),
        product=product_of(spec),
        position_side=position.side,
        reduce_only=True,  # Z3
    )
