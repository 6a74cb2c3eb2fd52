"""Asking the venue what is true: at start, after a loss, for Unknown orders, at a clean stop.

Owns: fetching evidence over REST and applying what `protocol.reconcile` concludes from it. Must
not know: the rules of conclusion. Invariant: it places nothing and repeats no placement; an own
order that nobody here knows is canceled, a foreign one is reported and left alone.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from whitewire._bridge import now_ns
from whitewire.errors import WhitewireError
from whitewire.protocol import control_replies as read
from whitewire.protocol.reconcile import (
    ApplyDeal,
    AskDeals,
    CancelOrphan,
    Evidence,
    ReportForeign,
    Resolve,
    Wait,
    reconcile,
)
from whitewire.strategy import Recovered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whitewire.gateway import Gateway
    from whitewire.protocol.control_replies import FinishedOrder
    from whitewire.protocol.events import Deal
    from whitewire.protocol.orders import Order
    from whitewire.protocol.reconcile import Action
    from whitewire.protocol.replies import OrderReply

__all__ = ["Recovery"]

log = logging.getLogger("whitewire")

PAGE = 100
MAX_PAGES = 50
RETRY_NS = 1_000_000_000


class Recovery:
    """See the module's documentation.

    Args:
        gateway: whose orders and markets.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._running = False
        self._next_ns = 0
        self._sessions = 1
        self._known_foreign: set[int] = set()
        self.resolved = 0

    # ---- when -------------------------------------------------------------------------------

    def is_due(self, now: int) -> bool:
        """Whether the venue has to be asked: a new feed session, or an order in doubt."""
        if self._running or now < self._next_ns:
            return False
        if self._gateway.feed.sessions != self._sessions and self._gateway.feed.is_up:
            return True
        return bool(self._gateway.store.unknown_orders())

    def book_is_back(self, market: str) -> None:
        """A market's book can be trusted again; after a loss of the feed only with `run`."""
        gateway = self._gateway
        if gateway.feed.sessions != self._sessions and gateway.feed.sessions > 1:
            return
        self._sight_is_back(market, 0)

    def _sight_is_back(self, market: str, resolved: int) -> None:
        gateway = self._gateway
        since = gateway.blind.pop(market, None)
        if since is None:
            return
        gateway.refresh_gate(market)
        gateway.wake.set()
        if gateway.state != "starting":
            log.info("%s: the book is back", market)
            gateway.callbacks.on_recovered(Recovered(market, now_ns() - since, resolved))

    async def run(self) -> None:
        """Asks the venue and applies its word; failures are retried a second later."""
        self._running = True
        session = self._gateway.feed.sessions
        try:
            resolved = await self._reconcile()
        except WhitewireError as error:
            log.warning("reconcile: %s", error)
        else:
            self.resolved += resolved
            if session != self._sessions:
                self._sessions = session
                for name in list(self._gateway.blind):
                    if not self._gateway.book(name).is_stale:
                        self._sight_is_back(name, resolved)
        finally:
            self._next_ns = now_ns() + RETRY_NS
            self._running = False

    # ---- evidence ---------------------------------------------------------------------------

    async def _active(self, market: str) -> list[OrderReply]:
        rows: list[OrderReply] = []
        for page in range(MAX_PAGES):
            fields = {"market": market, "limit": PAGE, "offset": page * PAGE}
            answer = await self._gateway.control.call("open_orders", fields)
            batch = read.read_open_orders(*answer)
            rows += batch
            if len(batch) < PAGE:
                break
        return rows

    async def _deals(self, market: str) -> list[Deal]:
        fields = {"market": market, "limit": PAGE}
        answer = await self._gateway.control.call("executed_history", fields)
        return read.read_executed_history(*answer, market)

    async def _reconcile(self) -> int:
        gateway = self._gateway
        asked = now_ns()
        active: list[OrderReply] = []
        deals: list[Deal] = []
        for name in gateway.markets:
            active += await self._active(name)
            deals += await self._deals(name)
        order_deals: dict[int, Sequence[Deal]] = {}
        finished: dict[int, FinishedOrder] = {}
        # Asking for one order's deals can raise one further question each, not more.
        for _ in range(3):
            evidence = Evidence(active, deals, order_deals, finished, asked)
            actions = reconcile(gateway.store.recent(), evidence, prefix=gateway.id_prefix)
            questions = [action for action in actions if isinstance(action, AskDeals)]
            if not questions:
                break
            for question in questions:
                await self._ask(question, order_deals, finished)
        return await self._apply(actions)

    async def _ask(
        self,
        question: AskDeals,
        order_deals: dict[int, Sequence[Deal]],
        finished: dict[int, FinishedOrder],
    ) -> None:
        call = self._gateway.control.call
        order, venue_id = question.order, question.venue_id
        side = 1 if order.side == "sell" else 2
        answer = await call("order_deals", {"orderId": venue_id, "limit": PAGE})
        order_deals[venue_id] = read.read_order_deals(*answer, order.market.name, venue_id, side)
        answer = await call("order_history", {"market": order.market.name, "orderId": venue_id})
        for row in read.read_order_history(*answer):
            finished[row.venue_id] = row

    async def _apply(self, actions: Sequence[Action]) -> int:
        gateway = self._gateway
        resolved = 0
        for action in actions:
            if isinstance(action, Resolve):
                resolved += 1
                notices = gateway.store.resolve(
                    action.order, action.outcome, action.reply, now_ns()
                )
                gateway.reactions.notify(notices)
            elif isinstance(action, ApplyDeal):
                gateway.reactions.notify(gateway.store.apply_deal(action.deal))
            elif isinstance(action, CancelOrphan):
                log.warning("canceling our forgotten order %s", action.client_id)
                await self._cancel(action.market, action.client_id)
            elif isinstance(action, ReportForeign):
                self._report(action.venue_id, action.market)
            elif isinstance(action, Wait):
                self._next_ns = max(self._next_ns, min(action.until_ns, now_ns() + RETRY_NS))
        return resolved

    def _report(self, venue_id: int, market: str) -> None:
        if venue_id not in self._known_foreign:
            self._known_foreign.add(venue_id)
            self._gateway.counts["foreign-orders"] += 1
            log.warning("%s: order %d is not ours; left alone", market, venue_id)

    async def _cancel(self, market: str, client_id: str) -> None:
        fields = {"market": market, "clientOrderId": client_id}
        status, body = await self._gateway.control.call("cancel", fields)
        if status != 200:
            # gone already, or refused: the next look at the active list tells
            log.warning("cancel of %s: %s", client_id, read.refusal(status, body))

    # ---- start and stop ---------------------------------------------------------------------

    async def clear_leftovers(self) -> None:
        """Cancels orders of earlier sessions; a crash may have left some resting."""
        for name in self._gateway.markets:
            for row in await self._active(name):
                if row.client_id.startswith(self._gateway.id_prefix):
                    log.warning("canceling %s of an earlier session", row.client_id)
                    await self._cancel(name, row.client_id)
                else:
                    self._report(row.venue_id, name)

    async def nothing_rests(self) -> bool:
        """Whether the venue shows no order of ours and none of ours is in doubt here."""
        gateway = self._gateway
        if gateway.store.unknown_orders():
            await self._reconcile()
        for name in gateway.markets:
            for row in await self._active(name):
                if row.client_id.startswith(gateway.id_prefix):
                    return False
        return not self._open_here()

    def _open_here(self) -> list[Order]:
        return self._gateway.store.open_orders()
