"""What closed positions brought: one sum for each.

Owns: adding up the records of a position, and the validation of the query. Must not know: open
positions, prices, HTTP. Invariant: reading changes nothing.

Rules:
    X1  The gross profit has the trading fees taken off already; the net one the funding too.
    X2  Averages are over the fills that made the position larger, and over those that made it
        smaller. What the venue took over without a trade is in the profit, not in the averages.
    X3  The newest close comes first, of equal ones the larger id. Offset and limit together reach
        10000.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from whitewire.venue.collateral.dates import read_dates
from whitewire.venue.collateral.requests import ClosedPnlQuery
from whitewire.venue.engine.positions import Position
from whitewire.venue.engine.wallet import CollateralWallet
from whitewire.venue.orders.queries import page_of, read_page
from whitewire.venue.values import refusals
from whitewire.venue.values.model import ZERO
from whitewire.venue.values.money import add, multiply, quotient, subtract
from whitewire.venue.values.refusals import Problems

_PAGE = 100
_REACH = 10_000


@dataclass(frozen=True, slots=True)
class ClosedPosition:
    """One closed position with what it brought, in money (X1, X2).

    Attributes:
        size: stock of the fills that made it smaller.
    """

    position: Position
    gross: Decimal
    net: Decimal
    fees: Decimal
    entry_price: Decimal
    exit_price: Decimal
    size: Decimal


def closed_positions(
    wallet: CollateralWallet, query: ClosedPnlQuery, now: float | None
) -> list[ClosedPosition]:
    """A page of an account's closed positions (X3).

    Raises:
        VenueError: 422 with 30.
    """
    problems = Problems()
    start, end = read_dates(query.start_date, query.end_date, now, problems)
    limit, offset = read_page(query.limit, query.offset, _PAGE, problems)
    if limit + offset > _REACH:
        text = f"The sum of offset and limit may not be greater than {_REACH}."
        problems.add(refusals.REQUIRED, "offset", text)
    problems.refuse()
    wanted = [
        position
        for position in wallet.closed
        if (start is None or position.modified >= start)
        and (end is None or position.modified <= end)
    ]
    wanted.sort(key=lambda position: (int(position.modified), position.id), reverse=True)
    return [_sum_up(wallet, position) for position in page_of(wanted, limit, offset)]


def _sum_up(wallet: CollateralWallet, position: Position) -> ClosedPosition:
    fees = bought = paid = sold = received = held = ZERO
    for record in wallet.records:
        if record.position_id != position.id:
            continue
        money = multiply(record.price, record.trade_amount)
        fees = add(fees, record.fee)
        if abs(record.amount) > held:
            bought, paid = add(bought, record.trade_amount), add(paid, money)
        else:
            sold, received = add(sold, record.trade_amount), add(received, money)
        held = abs(record.amount)
    gross = subtract(position.realized, fees)
    return ClosedPosition(
        position=position,
        gross=gross,
        net=add(gross, position.funding),
        fees=fees,
        entry_price=quotient(paid, bought) if bought else ZERO,
        exit_price=quotient(received, sold) if sold else ZERO,
        size=sold,
    )
