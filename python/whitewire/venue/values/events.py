"""What the engine tells the world: one value for each thing that can happen.

Owns: the events of a venue and the numbers that the wire knows them by. Must not know: who listens,
JSON, clocks. Invariant: an event is a value that nobody changes afterwards.

Rules of the wire that these values encode:
    V5  An order event says 1 for new, 2 for changed and 3 for finished.
    V6  A position event says 1 for a margin call and 2 for a liquidation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from whitewire.venue.values.model import Deal, Order, PublicTrade


class OrderEventKind(IntEnum):
    """First member of an ordersPending update (V5)."""

    NEW = 1
    CHANGED = 2
    FINISHED = 3


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """An account's order appeared, changed or finished."""

    account: str
    event: OrderEventKind
    order: Order


@dataclass(frozen=True, slots=True)
class DealEvent:
    """An account's order was matched."""

    account: str
    deal: Deal


@dataclass(frozen=True, slots=True)
class TradeEvent:
    """The public tape got a new trade."""

    trade: PublicTrade


@dataclass(frozen=True, slots=True)
class BookEvent:
    """A market's public book changed; one event for each engine cycle, not for each level.

    Attributes:
        update_id: the book's counter after the cycle.
        time: engine time of the cycle, epoch seconds.
        top_changed: whether a best price or its amount is different from before the cycle.
    """

    market: str
    update_id: int
    time: float
    top_changed: bool


@dataclass(frozen=True, slots=True)
class BalanceEvent:
    """An account's trade wallet changed in these assets."""

    account: str
    assets: tuple[str, ...]


class PositionEventKind(IntEnum):
    """First member of a marginPositionsEvents update (V6)."""

    MARGIN_CALL = 1
    LIQUIDATION = 2


@dataclass(frozen=True, slots=True)
class PositionEvent:
    """A position is in danger or is being liquidated; `position_id` says which."""

    account: str
    event: PositionEventKind
    position_id: int


Event = OrderEvent | DealEvent | TradeEvent | BookEvent | BalanceEvent | PositionEvent
