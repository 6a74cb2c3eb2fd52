"""One order: the handle that a strategy holds, and the facts behind it.

Owns: `Order`, `Leg`, `Fill`, `Reject`, the notices, and their read-only face. Must not know: how
facts arrive, sockets, clocks. Invariant: only `order_reducer` and `order_answers` write an order's
facts, by the rules of `order_states` (an old one's first: `order_resume`); `in_flight`
and `carrier` belong to `pipeline`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from whitewire.market import Market, Number, Side
from whitewire.protocol.order_states import DONE, RESTING, Doubt, Finish, OrderInput, OrderState

if TYPE_CHECKING:
    from whitewire.protocol.pipeline import Pipeline

__all__ = [
    "Doubt",
    "Fill",
    "Finish",
    "Latency",
    "Leg",
    "Liquidity",
    "NoticeKind",
    "Order",
    "OrderActions",
    "OrderInput",
    "OrderNotice",
    "OrderState",
    "Reject",
    "RejectSource",
]

KEPT_LEGS = 16
_SENT, _OPEN, _NO_DOUBTS = OrderState.SENT, OrderState.OPEN, Doubt.NONE  # slow to look up


class RejectSource(StrEnum):
    """Who refused."""

    LOCAL = "local"
    VENUE = "venue"


@dataclass(slots=True, frozen=True)
class Reject:
    """Why a request was refused.

    Attributes:
        source: our own gate or the venue.
        code: stable text, as `would-take`, `no-funds`, `throttled`, `not-found`.
        message: for people; the venue's words, or ours.
        status: HTTP status, 0 where there was none (our own refusal, or the WebSocket's).
        venue_code: the venue's number, scoped to the endpoint; None when there was none.
        fields: the venue's field name to texts.
        retryable: the same intent may succeed later, as a new order.
        untouched: refused before the matching engine could act on it.
    """

    source: RejectSource
    code: str
    message: str = ""
    status: int = 0
    venue_code: int | None = None
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    retryable: bool = False
    untouched: bool = False


class Latency(NamedTuple):
    """Monotonic times of an order, ns; 0 means that it did not happen yet."""

    t_submit_ns: int
    t_sent_ns: int
    t_ack_ns: int
    t_event_ns: int


class Leg(msgspec.Struct, eq=False):
    """What is known of one venue order id; every field only grows (rule 1).

    Attributes:
        venue_id: the venue's order id.
        amount_lots: its size once another leg replaced it, 0 before; dealt_lots, dealt_money: the
            venue's running totals, lots and money.
        fill_lots, fill_money: sums of the deals seen, lots and money.
        finish: how it ended, None while alive.
        is_pushed: an `ordersPending` push named it.
    """

    venue_id: int
    amount_lots: int = 0
    dealt_lots: int = 0
    dealt_money: Decimal = Decimal(0)
    fill_lots: int = 0
    fill_money: Decimal = Decimal(0)
    finish: Finish | None = None
    is_pushed: bool = False

    def add(self, other: Leg) -> None:
        """Take over the amounts of another leg."""
        self.dealt_lots += other.dealt_lots
        self.dealt_money += other.dealt_money
        self.fill_lots += other.fill_lots
        self.fill_money += other.fill_money

    @property
    def filled_lots(self) -> int:
        """Filled amount by the stream that is ahead, lots."""
        return self.dealt_lots if self.dealt_lots > self.fill_lots else self.fill_lots

    @property
    def filled_money(self) -> Decimal:
        """Money of `filled_lots`."""
        return self.fill_money if self.fill_lots >= self.dealt_lots else self.dealt_money


class OrderActions(Protocol):
    """What a handle can ask for. A refusal arrives as an event, never as an exception."""

    def modify_order(self, order: Order, price: Number | None, amount: Number | None) -> None:
        """Replace price, amount or both; None keeps."""
        ...

    def cancel_order(self, order: Order) -> None:
        """Cancel by client id."""
        ...


class Order:
    """Handle of one order: identity that never changes, and live facts.

    `price`, `amount` and `left` are those of the current leg; `filled`, `avg_price` and `fee`
    cover all legs, so `amount == left + filled` holds only until the first modify.

    Attributes:
        client_id: our id, never reused. market, side, tag: as given at creation.
        state: see `OrderState`. reject: why it was refused, when it was.
        price_ticks, amount_lots: of the current leg.
        target_ticks, target_lots: of the modify in flight, otherwise the current ones.
        t_submit_ns, t_sent_ns, t_ack_ns, t_event_ns, t_changed_ns, t_unknown_ns, t_done_ns:
            monotonic ns, 0 until it happens.
        flags: which request template made it; the gateway's own.
        in_flight, carrier: unanswered requests about it, and the connection that carries them.
        legs, past, current, doubts, is_replacement_due: the facts of the theory in `order_states`.
    """

    __slots__ = (
        "_actions", "_fees", "_fill_keys", "amount_lots", "carrier", "client_id", "current",
        "doubts", "flags", "in_flight", "is_replacement_due", "legs", "market", "past",
        "price_ticks", "reject", "side", "state", "t_ack_ns", "t_changed_ns", "t_done_ns",
        "t_event_ns", "t_sent_ns", "t_submit_ns", "t_unknown_ns", "tag", "target_lots",
        "target_ticks",
    )  # fmt: skip

    def __init__(
        self,
        market: Market,
        side: Side,
        price_ticks: int,
        amount_lots: int,
        client_id: str,
        actions: OrderActions,
        t_submit_ns: int,
        tag: object = None,
        flags: int = 0,
    ) -> None:
        self.market = market
        self.side = side
        self.price_ticks = self.target_ticks = price_ticks
        self.amount_lots = self.target_lots = amount_lots
        self.client_id, self.tag, self.flags = client_id, tag, flags
        self.state = _SENT
        self.reject: Reject | None = None
        self.in_flight = 0
        self.carrier: Pipeline | None = None
        self.legs: tuple[Leg, ...] = ()
        self.past: Leg | None = None
        self.current: Leg | None = None
        self.doubts, self.is_replacement_due = _NO_DOUBTS, False
        self.t_submit_ns = self.t_changed_ns = t_submit_ns
        self.t_sent_ns = self.t_ack_ns = self.t_event_ns = self.t_unknown_ns = self.t_done_ns = 0
        self._actions = actions
        self._fees: dict[str, Decimal] | None = None
        self._fill_keys: set[tuple[int, int]] | None = None

    def modify(self, price: Number | None = None, amount: Number | None = None) -> None:
        """Ask for another price (money per stock), amount (stock) or both; loses priority."""
        self._actions.modify_order(self, price, amount)

    def cancel(self) -> None:
        """Ask the venue to cancel; harmless when the order is done."""
        self._actions.cancel_order(self)

    @property
    def is_open(self) -> bool:
        """The venue has confirmed it and has not finished it."""
        return self.state in RESTING

    @property
    def is_done(self) -> bool:
        """Filled, canceled or rejected; never changes back."""
        return self.state in DONE

    @property
    def is_unknown(self) -> bool:
        """A request got no answer and the venue has not told yet."""
        return self.state is OrderState.UNKNOWN

    @property
    def can_modify(self) -> bool:
        """Resting with nothing in flight (rule 2)."""
        return self.state is _OPEN and self.in_flight == 0

    @property
    def can_cancel(self) -> bool:
        """Not finished, and no cancel waits for its answer; UNKNOWN may be canceled again."""
        return self.state is not OrderState.CANCELING and self.state not in DONE

    @property
    def venue_id(self) -> int:
        """Venue id of the current leg, 0 while there is none."""
        return self.current.venue_id if self.current is not None else 0

    @property
    def venue_ids(self) -> tuple[int, ...]:
        """The venue ids of its legs, oldest first; those of the past are forgotten (rule 6)."""
        return tuple(leg.venue_id for leg in self.legs)

    @property
    def price(self) -> Decimal:
        """Limit price of the current leg, money per stock."""
        return self.market.price(self.price_ticks)

    @property
    def amount(self) -> Decimal:
        """Size of the current leg, stock."""
        return self.market.amount(self.amount_lots)

    @property
    def filled_lots(self) -> int:
        """Filled over all legs, lots."""
        lots = 0 if self.past is None else self.past.filled_lots
        for leg in self.legs:
            lots += leg.dealt_lots if leg.dealt_lots > leg.fill_lots else leg.fill_lots
        return lots

    @property
    def filled(self) -> Decimal:
        """Filled over all legs, stock."""
        return self.market.amount(self.filled_lots)

    @property
    def left_lots(self) -> int:
        """Unfilled part of the current leg, lots; of a finished order, what was not filled."""
        done = self.current.filled_lots if self.current is not None else 0
        return max(self.amount_lots - done, 0)

    @property
    def left(self) -> Decimal:
        """Unfilled part of the current leg, stock."""
        return self.market.amount(self.left_lots)

    @property
    def avg_price(self) -> Decimal | None:
        """Money over stock of all fills, None before the first."""
        lots = self.filled_lots
        if lots == 0:
            return None
        past = Decimal(0) if self.past is None else self.past.filled_money
        money = sum([leg.filled_money for leg in self.legs], past)
        return money / self.market.amount(lots)

    @property
    def fee(self) -> dict[str, Decimal]:
        """Fees of the deals seen, by asset."""
        return dict(self._fees or {})

    @property
    def latency(self) -> Latency:
        """Submit, socket write, ack and first event, monotonic ns."""
        return Latency(self.t_submit_ns, self.t_sent_ns, self.t_ack_ns, self.t_event_ns)

    def leg(self, venue_id: int) -> Leg | None:
        """The leg of a venue id, newest first, or the past that it is part of, or None."""
        for leg in reversed(self.legs):
            if leg.venue_id == venue_id:
                return leg
        return self.past if self.past is not None and venue_id <= self.past.venue_id else None

    def add_leg(self, venue_id: int) -> Leg:
        """Add a leg; the oldest beyond `KEPT_LEGS` becomes part of the past (rule 6)."""
        leg = Leg(venue_id)
        self.legs = (*self.legs, leg)
        if len(self.legs) > KEPT_LEGS:
            oldest, self.legs = self.legs[0], self.legs[1:]
            if self.past is not None:
                oldest.add(self.past)
            self.past = oldest
        return leg

    def has_fill(self, key: tuple[int, int]) -> bool:
        """Whether the fill (deal id, venue id) is booked."""
        return self._fill_keys is not None and key in self._fill_keys

    def book_fill(self, key: tuple[int, int], fee_asset: str, fee: Decimal) -> bool:
        """Book the fill (deal id, venue id; a self-trade shares deal ids); False if known."""
        if self._fill_keys is None or self._fees is None:
            self._fill_keys, self._fees = set(), {}
        if key in self._fill_keys:
            return False
        self._fill_keys.add(key)
        self._fees[fee_asset] = self._fees.get(fee_asset, Decimal(0)) + fee
        return True

    def __repr__(self) -> str:
        return (
            f"<Order {self.client_id} {self.market.name} {self.side} "
            f"{self.amount:f} @ {self.price:f} {self.state}>"
        )


class NoticeKind(StrEnum):
    """What a notice tells about an order.

    ACKED: a placement or modify was acknowledged. OPENED: it was pushed as resting. PARTIAL: the
    venue shows more filled. REPLACED: a modify took effect. CANCELED, FILLED, REJECTED: final.
    UNKNOWN: the venue must be asked. RESOLVED: no longer unknown. REFUSED: a cancel or modify was
    refused (see `reject`). ILLEGAL: a fact contradicts what is known (see `detail`).
    """

    ACKED = "acked"
    OPENED = "opened"
    PARTIAL = "partial"
    REPLACED = "replaced"
    CANCELED = "canceled"
    FILLED = "filled"
    UNKNOWN = "unknown"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    REFUSED = "refused"
    ILLEGAL = "illegal"


class OrderNotice(NamedTuple):
    """Something happened to an order."""

    order: Order
    kind: NoticeKind
    reject: Reject | None = None
    detail: str = ""


class Liquidity(StrEnum):
    """Our role in a fill."""

    MAKER = "maker"
    TAKER = "taker"


@dataclass(slots=True, frozen=True)
class Fill:
    """One fill of one of our orders, reported exactly once.

    Attributes:
        order: the handle. deal_id, venue_id: together the fill's identity.
        price, amount: money per stock, stock; price_ticks, amount_lots: the same as integers.
        fee, fee_asset: what the venue took. liquidity: our role.
        ts_exch_ns: the venue's time, epoch ns.
    """

    order: Order
    deal_id: int
    venue_id: int
    price: Decimal
    amount: Decimal
    price_ticks: int
    amount_lots: int
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity
    ts_exch_ns: int

    @property
    def market(self) -> Market:
        """The order's market."""
        return self.order.market

    @property
    def side(self) -> Side:
        """The order's side."""
        return self.order.side
