"""What a journal amounts to: the orders that may rest, the positions, the last deals.

Owns: the folding of records into what a start has to know. Must not know: files, the venue.
Invariant: a pure function of the records, in their order; a fill counts once however often it is
recorded.

Rules
-----
1. An order is remembered until it is final and all of its fills are recorded: an order's end may be
   known before its deals are.
2. A fill is new when its (deal id, venue id) is; of the keys as many are kept as a page of the
   venue's history can repeat, and more.
3. `Carry` replaces everything before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from whitewire.journal.records import (
    Carry,
    FillFact,
    KnownOrder,
    LastDeal,
    MarketSeen,
    ModifySent,
    OrderFact,
    Placed,
    PositionRow,
    Record,
    SessionStart,
    Standing,
)
from whitewire.protocol.order_states import DONE

__all__ = ["JournalState"]

KEPT_KEYS = 20_000
_DONE = frozenset(state.value for state in DONE)
_ZERO = Decimal(0)


class JournalState:
    """See the module's documentation.

    Attributes:
        session: number of the newest session, 0 when there was none.
        orders: those that are remembered, by client id (rule 1).
        positions, last_deals, markets: by market.
        fill_keys: (deal id, venue id) of the newest fills, oldest first (rule 2).
        standing: how the account's profit stood last, None where that was never recorded.
        duplicates: fills that were recorded again.
    """

    def __init__(self) -> None:
        self.session = 0
        self.orders: dict[str, KnownOrder] = {}
        self.positions: dict[str, PositionRow] = {}
        self.last_deals: dict[str, int] = {}
        self.markets: dict[str, MarketSeen] = {}
        self.fill_keys: dict[tuple[int, int], None] = {}
        self.standing: Standing | None = None
        self.duplicates = 0

    def fold_all(self, records: Iterable[Record]) -> JournalState:
        """Folds records in their order; returns itself."""
        for record in records:
            self.fold(record)
        return self

    def fold(self, record: Record) -> None:
        """Takes one record into account."""
        if isinstance(record, OrderFact):
            self._fact(record)
        elif isinstance(record, Placed):
            self.orders[record.client_id] = KnownOrder(
                record.client_id, record.market, record.side, record.ticks, record.lots,
                record.flags, "sent", [], 0, [], False, record.ticks, record.lots,
            )  # fmt: skip
        elif isinstance(record, FillFact):
            self._fill(record)
        elif isinstance(record, ModifySent):
            order = self.orders.get(record.client_id)
            if order is not None:
                order.is_replacement_due = True
                order.target_ticks, order.target_lots = record.ticks, record.lots
        elif isinstance(record, LastDeal):
            newest = max(record.deal_id, self.last_deals.get(record.market, 0))
            self.last_deals[record.market] = newest
        elif isinstance(record, MarketSeen):
            self.markets[record.name] = record
        elif isinstance(record, SessionStart):
            self.session = record.number
        elif isinstance(record, Standing):
            self.standing = record
        elif isinstance(record, Carry):
            self._take(record)

    def carry(self) -> Carry:
        """All of it as one record (rule 3)."""
        return Carry(
            list(self.orders.values()),
            self.positions,
            self.last_deals,
            list(self.fill_keys),
            list(self.markets.values()),
            self.standing,
        )

    def _take(self, carry: Carry) -> None:
        self.orders = {order.client_id: order for order in carry.orders}
        self.positions = carry.positions
        self.last_deals = carry.last_deals
        self.fill_keys = dict.fromkeys(carry.fill_keys)
        self.markets = {market.name: market for market in carry.markets}
        self.standing = carry.standing

    def _fact(self, fact: OrderFact) -> None:
        order = self.orders.get(fact.client_id)
        if order is None:
            return
        order.state = fact.state
        order.ticks, order.lots = fact.ticks, fact.lots
        order.filled_lots = max(order.filled_lots, fact.filled_lots)
        order.is_replacement_due = fact.is_replacement_due
        order.target_ticks, order.target_lots = fact.target_ticks, fact.target_lots
        if fact.venue_id and fact.venue_id not in order.venue_ids:
            order.venue_ids.append(fact.venue_id)
        self._forget_if_settled(order)

    def _fill(self, fill: FillFact) -> None:
        key = (fill.deal_id, fill.venue_id)
        if key in self.fill_keys:
            self.duplicates += 1
            return
        self.fill_keys[key] = None
        if len(self.fill_keys) > KEPT_KEYS:
            del self.fill_keys[next(iter(self.fill_keys))]
        self.last_deals[fill.market] = max(fill.deal_id, self.last_deals.get(fill.market, 0))
        self._book(fill)
        order = self.orders.get(fill.client_id)
        if order is not None:
            order.fills.append(fill)
            if fill.venue_id not in order.venue_ids:
                order.venue_ids.append(fill.venue_id)
            self._forget_if_settled(order)

    def _forget_if_settled(self, order: KnownOrder) -> None:
        if order.state in _DONE and sum(fill.lots for fill in order.fills) >= order.filled_lots:
            self.orders.pop(order.client_id, None)  # rule 1

    def _book(self, fill: FillFact) -> None:
        """The sums of `protocol.positions`, whose twin this is."""
        row = self.positions.get(fill.market)
        if row is None:
            row = self.positions[fill.market] = PositionRow(_ZERO, _ZERO, _ZERO, _ZERO, 0, {})
        market = self.markets[fill.market]
        worth = fill.price * fill.amount
        if fill.side == "buy":
            row.stock += fill.amount
            row.money -= worth
            row.bought += fill.amount
        else:
            row.stock -= fill.amount
            row.money += worth
            row.sold += fill.amount
        row.fills += 1
        if fill.fee_asset == market.stock:
            row.stock -= fill.fee
        elif fill.fee_asset == market.money:
            row.money -= fill.fee
        if fill.fee:
            row.fees[fill.fee_asset] = row.fees.get(fill.fee_asset, _ZERO) + fill.fee
