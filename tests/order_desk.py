"""A venue for one order, and short spellings of what it says.

`VenueOrder` is the truth: it executes requests and fills and says what the real venue would say
about them. It shares no code with the order table, so an error in one cannot hide in the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from whitewire.market import Market, Number, Side
from whitewire.protocol.control_replies import FinishedOrder
from whitewire.protocol.events import Deal, OrderUpdate
from whitewire.protocol.order_table import OrderStore
from whitewire.protocol.orders import Order, Reject, RejectSource
from whitewire.protocol.replies import Ack, OrderReply, Refused

PREFIX = "ww-"
CLIENT_ID = "ww-1"
MARKET = Market("BTC_USDT", "BTC", "USDT", 2, 6)
PRICE = 6_000_000
AMOUNT = 10

NOT_FOUND = Refused(
    Reject(
        RejectSource.VENUE,
        "not-found",
        "Inner validation failed",
        status=400,
        venue_code=2,
        fields={"orderId": ["Unexecuted order was not found."]},
    )
)
THROTTLED = Refused(
    Reject(RejectSource.VENUE, "throttled", status=429, retryable=True, untouched=True)
)
NO_FUNDS = Refused(Reject(RejectSource.VENUE, "no-funds", status=422, venue_code=10))
WOULD_TAKE = Refused(
    Reject(RejectSource.VENUE, "would-take", status=400, venue_code=13, retryable=True)
)


def typed(actions: Iterable[object]) -> list[tuple[type, object]]:
    """Actions with their types, since named tuples of different types can be equal."""
    return [(type(action), action) for action in actions]


class Recorder:
    """Order actions that are only written down."""

    def __init__(self) -> None:
        self.modified: list[tuple[Order, Number | None, Number | None]] = []
        self.canceled: list[Order] = []

    def modify_order(self, order: Order, price: Number | None, amount: Number | None) -> None:
        self.modified.append((order, price, amount))

    def cancel_order(self, order: Order) -> None:
        self.canceled.append(order)


def new_store(**options: int) -> OrderStore:
    """An empty table."""
    return OrderStore(PREFIX, Recorder(), **options)


def new_order(
    store: OrderStore,
    client_id: str = CLIENT_ID,
    *,
    side: Side = Side.BUY,
    ticks: int = PRICE,
    lots: int = AMOUNT,
) -> Order:
    """An order in state SENT."""
    return store.create(MARKET, side, ticks, lots, client_id, 1)


@dataclass
class VenueLeg:
    """The truth about one venue id."""

    venue_id: int
    ticks: int
    lots: int
    dealt: int = 0
    status: str = "OPEN"

    @property
    def left(self) -> int:
        return self.lots - self.dealt

    @property
    def is_alive(self) -> bool:
        return self.status in ("OPEN", "PARTIALLY_FILLED")


@dataclass
class VenueOrder:
    """One client id at the venue; `pushes` and `deals` collect what it says by itself."""

    client_id: str = CLIENT_ID
    side: Side = Side.BUY
    next_id: int = 1_000
    legs: list[VenueLeg] = field(default_factory=list)
    pushes: list[OrderUpdate] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    was_refused: bool = False

    @property
    def live(self) -> VenueLeg | None:
        return self.legs[-1] if self.legs and self.legs[-1].is_alive else None

    @property
    def dealt(self) -> int:
        return sum(leg.dealt for leg in self.legs)

    def place(
        self, ticks: int = PRICE, lots: int = AMOUNT, *, take: int = 0, ioc: bool = False
    ) -> Ack:
        """Enter the book, taking `take` lots at once."""
        leg = VenueLeg(self.next_id, ticks, lots)
        self.next_id += 7
        self.legs.append(leg)
        self._trade(leg, take, role=2)
        if leg.left == 0:
            self.push(leg, 3)
        elif ioc:
            leg.status = "CANCELED"
            self.push(leg, 3)
        else:
            self.push(leg, 1)
        return self.ack(leg)

    def fill(self, lots: int) -> None:
        """Somebody trades with the resting order."""
        leg = self.live
        assert leg is not None
        self._trade(leg, lots, role=1)
        self.push(leg, 2 if leg.is_alive else 3)

    def cancel(self) -> Ack | Refused:
        """Cancel by client id."""
        leg = self.live
        if leg is None:
            return NOT_FOUND
        leg.status = "CANCELED"
        self.push(leg, 3)
        return self.ack(leg)

    def modify(self, ticks: int, lots: int, *, take: int = 0) -> Ack | Refused:
        """Cancel and create again under a new id."""
        if isinstance(self.cancel(), Refused):
            return NOT_FOUND
        return self.place(ticks, lots, take=take)

    def _trade(self, leg: VenueLeg, lots: int, role: int) -> None:
        if lots == 0:
            return
        leg.dealt += lots
        leg.status = "FILLED" if leg.left == 0 else "PARTIALLY_FILLED"
        self.deals.append(
            Deal(
                deal_id=len(self.deals) + 50,
                time_ns=1_700_000_000_000_000_000 + len(self.deals),
                market=MARKET.name,
                venue_id=leg.venue_id,
                price=f"{MARKET.price(leg.ticks):f}",
                amount=f"{MARKET.amount(lots):f}",
                fee="0.001",
                client_id=self.client_id,
                side=2 if self.side is Side.BUY else 1,
                role=role,
                fee_asset="USDT",
            )
        )

    def push(self, leg: VenueLeg, event: int) -> None:
        """Say how the leg stands now."""
        self.pushes.append(
            OrderUpdate(
                event=event,
                venue_id=leg.venue_id,
                market=MARKET.name,
                order_type=1,
                side=2 if self.side is Side.BUY else 1,
                post_only=False,
                ioc=False,
                rpi=False,
                ctime_ns=1,
                mtime_ns=len(self.pushes) + 1,
                price=f"{MARKET.price(leg.ticks):f}",
                amount=f"{MARKET.amount(leg.lots):f}",
                left=f"{MARKET.amount(leg.left):f}",
                deal_stock=f"{MARKET.amount(leg.dealt):f}",
                deal_money=f"{MARKET.amount(leg.dealt) * MARKET.price(leg.ticks):f}",
                deal_fee="0",
                client_id=self.client_id,
                status=leg.status,
                stp="no",
                fee_asset="USDT",
            )
        )

    def row(self, leg: VenueLeg) -> OrderReply:
        """The order object of a REST answer."""
        return OrderReply(
            venue_id=leg.venue_id,
            market=MARKET.name,
            amount=MARKET.amount(leg.lots),
            left=MARKET.amount(leg.left),
            client_id=self.client_id,
            side=self.side,
            price=MARKET.price(leg.ticks),
            deal_stock=MARKET.amount(leg.dealt),
            deal_money=MARKET.amount(leg.dealt) * MARKET.price(leg.ticks),
            status=leg.status,
            timestamp=Decimal(leg.venue_id),
        )

    def ack(self, leg: VenueLeg) -> Ack:
        """A REST answer about the leg as it stands now."""
        return Ack(self.row(leg))

    def active(self) -> list[OrderReply]:
        """Its rows in the active list."""
        return [self.row(leg) for leg in self.legs if leg.is_alive]

    def finished(self, *, keeps_canceled: bool = True) -> dict[int, FinishedOrder]:
        """Its rows in the finished list; B2B accounts keep no canceled orders."""
        return {
            leg.venue_id: FinishedOrder(
                leg.venue_id,
                MARKET.amount(leg.lots),
                leg.status,
                self.client_id,
                MARKET.amount(leg.dealt),
            )
            for leg in self.legs
            if not leg.is_alive and (keeps_canceled or leg.status == "FILLED")
        }
