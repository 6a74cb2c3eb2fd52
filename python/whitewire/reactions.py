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
from whitewire.market import Market
from whitewire.protocol.events import BalanceRow, Deal, EventKind, OrderUpdate, PublicTrade, side_of
from whitewire.protocol.order_table import Notice, NoticeKind, OrderNotice
from whitewire.protocol.orders import Fill, RejectSource
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import Reply
from whitewire.strategy import Balance, Gap, Ticker, Trade

if TYPE_CHECKING:
    from decimal import Decimal

    from whitewire.gateway import Gateway

__all__ = ["Reactions"]

log = logging.getLogger("whitewire")


class Reactions:
    """Implements `transport.order_entry.OrderEntryOwner` and `transport.feed.FeedOwner`.

    Args:
        gateway: whose state changes and whose strategy is told.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def notify(self, notices: Iterable[Notice]) -> None:
        """Turns what happened to orders into callbacks; then lets ladders take up what waited."""
        gateway = self._gateway
        touched: set[str] = set()
        gateway.path.enter()
        try:
            for notice in notices:
                if isinstance(notice, Fill):
                    gateway.positions[notice.order.market.name].apply(notice)
                    gateway.counts["fills"] += 1
                    gateway.callbacks.on_fill(notice)
                elif isinstance(notice, OrderNotice):
                    touched.add(notice.order.market.name)
                    self._tell(notice)
                else:
                    gateway.counts["foreign"] += 1
            for name in touched:
                gateway.ladders[name].settle()
        finally:
            gateway.path.leave()

    def _tell(self, notice: OrderNotice) -> None:
        gateway = self._gateway
        order, kind = notice.order, notice.kind
        gateway.counts[kind.value] += 1
        if kind in (NoticeKind.UNKNOWN, NoticeKind.ILLEGAL):
            log.warning("order %s is %s: %s", order.client_id, kind, notice.detail)
            gateway.wake.set()
        if notice.reject is not None:
            if notice.reject.source is RejectSource.VENUE:
                gateway.counts[f"rejected-{notice.reject.code}"] += 1
            gateway.callbacks.on_reject(order, notice.reject)
        gateway.callbacks.on_order(order, notice)

    def on_answer(
        self, request: Request, replies: tuple[Reply, ...], status: int, body: bytes, now: int
    ) -> None:
        """The venue answered a request (implements the order entry's owner)."""
        gateway = self._gateway
        if status == 429:
            gateway.throttle.on_429(request.kind.value, now)
        for order, reply in zip(request.orders, replies, strict=True):
            self.notify(gateway.store.on_reply(request.kind, order, reply, now))
        gateway.ordering.send_waiting_cancels()

    def on_request_lost(self, request: Request, reason: str) -> None:
        """No answer can come: its orders become Unknown."""
        gateway = self._gateway
        gateway.counts["lost-requests"] += 1
        if request.orders:
            log.warning("no answer to a %s request: %s", request.kind, reason)
        self.notify(gateway.store.on_lost(request, now_ns()))

    def on_lanes(self, up: int, total: int) -> None:
        """The number of usable order connections changed."""
        gateway = self._gateway
        gateway.callbacks.on_connection("orders", "up" if up else "down")

    def on_peer_fault(self, where: str, error: Exception) -> None:
        """A peer broke the protocol; its session ends by itself."""
        gateway = self._gateway
        gateway.counts["peer-faults"] += 1
        log.warning("%s: %s", where, error)

    def on_feed_up(self) -> None:
        """The feed's session is live; books and reconciliation follow."""
        gateway = self._gateway
        gateway.callbacks.on_connection("feed", "up")
        gateway.wake.set()

    def on_feed_down(self, reason: str) -> None:
        """The feed is lost: every market is blind and its quotes are pulled."""
        gateway = self._gateway
        gateway.engine.reset_feed()
        gateway.counts["feed-losses"] += 1
        log.warning("feed lost: %s", reason)
        for name in gateway.markets:
            gateway.blind.setdefault(name, now_ns())
            gateway.refresh_gate(name)
        gateway.cancel_all()
        gateway.callbacks.on_connection("feed", "down")
        gateway.callbacks.on_gap(Gap(None, reason))

    def on_feed_event(self, kind: int, market: int, event: Any) -> None:
        """A decoded frame that is neither book nor ticker, or a gap."""
        gateway = self._gateway
        if kind == EventKind.ORDER_PENDING:
            self.notify(gateway.store.apply_update(OrderUpdate(*event), now_ns()))
        elif kind == EventKind.DEAL:
            self.notify(gateway.store.apply_deal(Deal(*event)))
        elif kind == EventKind.BALANCES:
            for balance in gateway.balances.apply([BalanceRow(*row) for row in event], now_ns()):
                row = Balance(balance.asset, balance.available, balance.freeze)
                gateway.callbacks.on_balance(row)
        elif kind == EventKind.TRADES:
            self._on_trades(gateway.by_index[market], event)
        elif kind == EventKind.BOOK_GAP:
            self._on_gap(gateway.by_index[market])

    def _on_trades(self, market: Market, rows: Sequence[tuple[Any, ...]]) -> None:
        gateway = self._gateway
        for row in reversed(rows):
            trade = PublicTrade(*row)
            gateway.callbacks.on_trade(
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
        log.warning("%s: gap in the book; quotes pulled, asking for a snapshot", market.name)
        gateway.blind.setdefault(market.name, now_ns())
        gateway.refresh_gate(market.name)
        gateway.cancel_all(market)
        gateway.feed.resubscribe(market.name)
        gateway.callbacks.on_gap(Gap(market.name, "a delta did not chain to the one before"))
        gateway.wake.set()

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
