"""What happens, turned into callbacks: answers, losses, pushes, gaps.

Owns: the reactions to events of the order lanes and the feed. Must not know: sockets, how orders
are sent. Invariant: a blind market has its gate shut and its quotes pulled before the strategy
hears of it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from whitewire._bridge import now_ns
from whitewire.collateral import COLLATERAL_KINDS
from whitewire.errors import WhitewireError
from whitewire.journal.failpoints import FAILPOINT, hit
from whitewire.market import Market
from whitewire.protocol.away import Away, PrivateBuffer
from whitewire.protocol.events import BalanceRow, Deal, EventKind, OrderUpdate, PublicTrade, side_of
from whitewire.protocol.order_table import Foreign, Notice, NoticeKind, OrderNotice
from whitewire.protocol.orders import Fill, Order, Reject, RejectSource
from whitewire.protocol.owed import OwedDeals
from whitewire.protocol.pipeline import Request
from whitewire.protocol.rate_verdict import RateVerdict, verdict_of_reply
from whitewire.protocol.replies import Refused, Reply, RequestKind
from whitewire.strategy import Balance, Gap, Limit, Ticker, Trade

if TYPE_CHECKING:
    from decimal import Decimal

    from whitewire.gateway import Gateway
    from whitewire.protocol import balances
    from whitewire.protocol.throttle import Held

__all__ = ["Reactions"]

log = logging.getLogger("whitewire")

# Values and members of enumerations are looked up slowly.
_KINDS = {kind: kind.value for kind in NoticeKind}
_UNKNOWN, _ILLEGAL = NoticeKind.UNKNOWN, NoticeKind.ILLEGAL


class Reactions:
    """Implements `transport.order_entry.OrderEntryOwner` and `transport.feed.FeedOwner`.

    Args:
        gateway: whose state changes and whose strategy is told.

    Attributes:
        owed: fills that the venue told without their deals; when it has to be asked anyway.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.owed = OwedDeals(period_ns=gateway.config.recovery.every_s * 1_000_000_000)
        self._is_feed_up = False
        self._are_lanes_up = False
        self._last_trade: dict[str, int] = {}
        self.away = Away()
        self.waiting = PrivateBuffer()

    def notify(self, notices: Sequence[Notice], orders: Iterable[Order] = ()) -> None:
        """Turns what happened to orders into callbacks; then lets ladders take up what waited.

        Args:
            notices: what happened.
            orders: further orders that are less busy than before, though nothing new is known.
        """
        gateway = self._gateway
        touched = {order.market.name for order in orders}
        gateway.path.enter()
        try:
            for notice in notices:
                if isinstance(notice, OrderNotice):
                    touched.add(notice.order.market.name)
                    self._tell(notice)
                elif isinstance(notice, Fill):
                    self._tell_fill(notice)
                else:
                    gateway.counts["foreign"] += 1
                    is_unwanted = notice.is_orphan or gateway.config.recovery.foreign == "cancel"
                    gateway.is_in_doubt |= is_unwanted and notice.is_live
            for name in touched:
                gateway.ladders[name].settle()
        finally:
            gateway.path.leave()
            gateway.journal.note(notices)

    def _notify_of(self, order: Order, notices: Sequence[OrderNotice]) -> None:
        """As `notify`, of one order; every answer comes here."""
        gateway = self._gateway
        gateway.path.enter()
        try:
            for notice in notices:
                self._tell(notice)
            gateway.ladders[order.market.name].settle()
        finally:
            gateway.path.leave()
            gateway.journal.note(notices)

    def _tell(self, notice: OrderNotice) -> None:
        gateway = self._gateway
        order, kind, reject, detail = notice
        gateway.counts[_KINDS[kind]] += 1
        if self.away.is_away:
            self.away.on_order(order)
        self.owed.note(order, now_ns())
        gateway.ordering.presigning.note(order)
        if kind is _UNKNOWN or kind is _ILLEGAL:
            log.warning("order %s is %s: %s", order.client_id, kind, detail)
            gateway.is_in_doubt = True
        if reject is not None:
            if reject.source is RejectSource.VENUE:
                gateway.counts[f"rejected-{reject.code}"] += 1
                gateway.guard.on_reject(reject)
            gateway.callbacks.on_reject(order, reject)
        gateway.callbacks.on_order(order, notice)

    def _tell_fill(self, fill: Fill) -> None:
        gateway, market = self._gateway, fill.order.market.name
        gateway.guard.on_fill(fill)
        position = gateway.positions[market]
        position.apply(fill)
        gateway.collateral.on_fill(market, now_ns())
        gateway.counts["fills"] += 1
        self.away.on_fill(fill)
        self.owed.note(fill.order, now_ns())
        gateway.callbacks.on_fill(fill)
        gateway.callbacks.on_position(position)
        gateway.money.on_fill(fill)

    # ---- order lanes ------------------------------------------------------------------------

    def on_answer(
        self, request: Request, replies: tuple[Reply, ...], status: int, now_ns: int
    ) -> None:
        """The venue answered a request; there is room for what waited."""
        gateway = self._gateway
        if status != 200 or not gateway.throttle.is_calm:
            verdict = verdict_of_reply(status, replies[0])
            held = gateway.throttle.on_verdict(request.endpoint, verdict, now_ns)
            if held is not None:
                self.on_held(request.endpoint, held)
        if FAILPOINT:
            hit("after_ack")
        kind, on_reply = request.kind, gateway.store.on_reply
        if len(replies) == 1:
            (order,), (reply,) = request.orders, replies
            self._notify_of(order, on_reply(kind, order, reply, now_ns))
        else:
            for order, reply in zip(request.orders, replies, strict=True):
                self._notify_of(order, on_reply(kind, order, reply, now_ns))
        gateway.ordering.send_waiting_cancels()

    def on_held(self, endpoint: str, held: Held) -> None:
        """The venue refused a call for its rate or its nonce."""
        gateway = self._gateway
        gateway.counts[f"held-{held.verdict}"] += 1
        if held.verdict is RateVerdict.NONCE:
            gateway.clock.suspect()
        else:
            log.warning("%s: %s; next call in %d ms", endpoint, held.verdict, held.wait_ns // 10**6)
        gateway.callbacks.on_limit(Limit(endpoint, held.wait_ns, True, held.verdict.value))

    def on_request_lost(self, request: Request, reason: str) -> None:
        """No answer can come: its orders become Unknown."""
        gateway = self._gateway
        gateway.counts["lost-requests"] += 1
        log.warning("no answer to a %s request: %s", request.kind, reason)
        self.notify(gateway.store.on_lost(request, now_ns(), reason), request.orders)

    def on_request_unsent(self, request: Request, reason: str) -> None:
        """Its connection closed first: nothing happened, and a cancel is sent elsewhere."""
        gateway = self._gateway
        reject = Reject(RejectSource.LOCAL, "not-sent", reason, retryable=True, untouched=True)
        for order in request.orders:
            refused = gateway.store.on_reply(request.kind, order, Refused(reject), now_ns())
            self._notify_of(order, refused)
            if request.kind is RequestKind.CANCEL:
                gateway.ordering.cancel(order)

    def on_lanes(self, up: int, total: int) -> None:
        """The number of usable order connections changed."""
        if self._are_lanes_up != (up > 0):
            self._are_lanes_up = up > 0
            self._gateway.callbacks.on_connection("orders", "up" if up else "down")

    def on_order_socket(self, is_up: bool) -> None:
        """The WebSocket for orders came up, or went down."""
        self._gateway.callbacks.on_connection("order socket", "up" if is_up else "down")

    def on_peer_fault(self, where: str, error: Exception) -> None:
        """A peer broke the protocol, or we could not take what it said; its session ends."""
        self._gateway.counts["peer-faults"] += 1
        ours = None if isinstance(error, WhitewireError) else error
        log.warning("%s: %s", where, error, exc_info=ours)

    # ---- feed -------------------------------------------------------------------------------

    def on_feed_up(self) -> None:
        """The feed's session is live; books and reconciliation follow."""
        self._is_feed_up = True
        self._gateway.callbacks.on_connection("feed", "up")

    def on_feed_down(self, reason: str) -> None:
        """The feed is lost: every market is blind and its quotes are pulled."""
        gateway = self._gateway
        gateway.engine.reset_feed()
        gateway.is_reconciled = False
        gateway.money.on_stream_lost()
        self.away.begin(gateway.store.open_orders(), gateway.balances.all())
        for name in gateway.markets:
            gateway.go_blind(name)
        if not self._is_feed_up:
            return  # another attempt to come back that failed
        self._is_feed_up = False
        gateway.counts["feed-losses"] += 1
        log.warning("feed lost: %s", reason)
        gateway.cancel_all()
        gateway.callbacks.on_connection("feed", "down")
        gateway.callbacks.on_gap(Gap(None, reason))

    def on_feed_event(self, kind: int, market: int, event: Any) -> None:
        """A decoded frame that is neither book nor ticker, or a gap."""
        gateway = self._gateway
        if self.waiting.take(kind, market, event):
            return
        if self.waiting.is_full:
            self.replay()
        if kind == EventKind.ORDER_PENDING:
            self._on_update(OrderUpdate._make(event))
        elif kind == EventKind.DEAL:
            self.on_deal(Deal._make(event))
        elif kind == EventKind.BALANCES:
            rows = [BalanceRow(*row) for row in event]
            gateway.money.on_balances(rows, now_ns())
            self.tell_balances(gateway.balances.apply(rows, now_ns()))
        elif kind in COLLATERAL_KINDS:
            gateway.collateral.on_event(kind, event, now_ns())
        elif kind == EventKind.TRADES:
            self._on_trades(gateway.by_index[market], event)
        elif kind == EventKind.BOOK_GAP:
            self._on_gap(gateway.by_index[market])
        elif kind == EventKind.ALARM:
            gateway.guard.poll()

    def _on_update(self, update: OrderUpdate) -> None:
        notices = self._gateway.store.apply_update(update, now_ns())
        self.notify(notices)
        if any(isinstance(notice, Foreign) for notice in notices):
            self._gateway.money.on_foreign_order(update)

    def on_deal(self, deal: Deal) -> None:
        """A deal of the account, from the stream or from a history."""
        self.notify(self._gateway.store.apply_deal(deal))
        self._gateway.money.on_deal(deal, now_ns())

    def replay(self) -> None:
        """Handles the private events that waited while the venue was asked."""
        for kind, market, event in self.waiting.close():
            self.on_feed_event(kind, market, event)

    def tell_balances(self, changed: Iterable[balances.Balance]) -> None:
        """Hands changed balances to the strategy."""
        for row in changed:
            self._gateway.callbacks.on_balance(Balance(row.asset, row.available, row.freeze))

    def _on_trades(self, market: Market, rows: Sequence[tuple[Any, ...]]) -> None:
        """Newest first; a new subscription repeats up to a hundred that were told before."""
        for row in reversed(rows):
            trade = PublicTrade(*row)
            if trade.trade_id <= self._last_trade.get(market.name, 0):
                continue
            self._last_trade[market.name] = trade.trade_id
            self._gateway.callbacks.on_trade(
                Trade(
                    market.name,
                    trade.trade_id,
                    market.price(trade.price_ticks),
                    market.amount(trade.amount_lots),
                    side_of(trade.side),
                    trade.rpi,
                    trade.time_ns,
                )
            )

    def _on_gap(self, market: Market) -> None:
        gateway = self._gateway
        gateway.counts["gaps"] += 1
        gateway.is_in_doubt = True  # a session that lost a delta may have lost our own events too
        log.warning("%s: gap in the book; quotes pulled, asking for a snapshot", market.name)
        gateway.go_blind(market.name)
        gateway.cancel_all(market)
        gateway.feed.resubscribe(market.name)
        gateway.callbacks.on_gap(Gap(market.name, "a delta did not chain to the one before"))

    def ticker(self, market: Market) -> Ticker | None:
        """The newest best bid and ask of the bookTicker channel."""
        row = self._gateway.engine.ticker(market.index)
        if row is None:
            return None
        bid, bid_amount, ask, ask_amount, update_id, exch_ns, recv_ns = row

        def level(ticks: int, lots: int) -> tuple[Decimal, Decimal] | None:
            return (market.price(ticks), market.amount(lots)) if ticks else None

        return Ticker(
            market.name, level(bid, bid_amount), level(ask, ask_amount), update_id, exch_ns, recv_ns
        )
