"""Asking the venue what is true: at start, after a loss, for Unknown orders, at a clean stop.

Owns: fetching evidence over REST and applying what `protocol.reconcile` concludes from it; when a
market can be seen again. Must not know: the rules of conclusion. Invariants: it places nothing and
repeats no placement; an own order that nobody here knows is canceled, a foreign one is reported
and left alone unless the owner says otherwise; after a loss of the feed no market opens before the
venue was asked, and private events that arrive meanwhile wait for its answer.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from whitewire._bridge import now_ns
from whitewire.errors import StartupError, VenueRefusal, WhitewireError
from whitewire.protocol import control_replies as read
from whitewire.protocol.away import Missed
from whitewire.protocol.deadlines import Alarm, Deadlines, Release
from whitewire.protocol.reconcile import (
    ApplyDeal,
    AskClient,
    AskDeals,
    CancelOrphan,
    Evidence,
    ReportForeign,
    Resolve,
    reconcile,
)
from whitewire.strategy import Balance, ForeignOrder, Gap, Recovered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from whitewire._core import Book
    from whitewire.gateway import Gateway
    from whitewire.protocol.control_replies import FinishedOrder
    from whitewire.protocol.events import Deal
    from whitewire.protocol.orders import Leg, Order
    from whitewire.protocol.reconcile import Action
    from whitewire.protocol.replies import OrderReply

__all__ = ["Recovery"]

log = logging.getLogger("whitewire")

PAGE = 100
MAX_PAGES = 50
RETRY_NS = 1_000_000_000
LEFTOVER_ROUNDS = 3
# A snapshot whose book state is older than this when it was sent is not quoted from.
SNAPSHOT_AGE_NS = 2_000_000_000


@contextlib.contextmanager
def _unknown_name() -> Iterator[None]:
    """A client id that a history does not know is refused as `orderHistory`: that is no failure."""
    try:
        yield
    except VenueRefusal as error:
        if "orderHistory" not in error.fields:
            raise


class Recovery:
    """See the module's documentation.

    Args:
        gateway: whose orders and markets.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._is_running = False
        self._next_ns = 0
        self._known_foreign: set[int] = set()
        self._missed: dict[str, Missed] = {}  # of markets that were asked about and wait for a book
        self._deadlines = Deadlines()

    # ---- when -------------------------------------------------------------------------------

    def is_due(self, now_ns: int) -> bool:
        """Whether the venue has to be asked: after a loss, in doubt, or because it is time.

        Call it about ten times a second: the deadlines of Unknown orders are kept here, too.
        """
        gateway = self._gateway
        unknown = gateway.store.unknown_orders()
        self._follow(self._deadlines.check(unknown, now_ns))
        if self._is_running or now_ns < self._next_ns:
            return False
        if not gateway.is_reconciled:
            return gateway.feed.is_up or gateway.is_in_doubt or bool(unknown)
        if gateway.is_in_doubt or unknown:
            return True
        return gateway.reactions.owed.is_due(now_ns)

    def _follow(self, actions: Iterable[Alarm | Release]) -> None:
        """Shuts the market of an order that is Unknown for too long, and opens it again."""
        gateway = self._gateway
        for action in actions:
            if isinstance(action, Alarm):
                order, market = action.order, action.order.market.name
                gateway.counts["unknown-alarms"] += 1
                text = (
                    f"order {order.client_id} has been Unknown for {action.unknown_ns / 1e9:.0f} s"
                )
                log.error("%s: %s; its quotes are pulled", market, text)
                gateway.shut.add(market)
                gateway.refresh_gate(market)
                gateway.cancel_all(market)
                gateway.callbacks.on_gap(Gap(market, text))
            else:
                gateway.shut.discard(action.market)
                gateway.refresh_gate(action.market)
                gateway.callbacks.on_recovered(Recovered(action.market, action.shut_ns, 0))

    def can_see(self, market: str, book: Book) -> bool:
        """Judges a new state of a blind market's book; True when sight is back with it.

        Rule 10 of the depth channel: a first snapshot can be seconds old, so sight is back with
        the first message behind it, or with a snapshot that is young; after a loss of the feed
        only when `run` has asked about our orders, too.
        """
        blindness = self._gateway.blind[market]
        if not blindness.is_fresh:
            age_ns = book.ts_exch_ns - book.ts_book_ns
            if not blindness.has_snapshot and age_ns > SNAPSHOT_AGE_NS:
                blindness.has_snapshot = True
                return False
            blindness.is_fresh = True
        if not self._gateway.is_reconciled:
            return False
        self._end_blindness(market, 0)
        return True

    def _end_blindness(self, market: str, resolved: int) -> None:
        gateway = self._gateway
        missed = self._missed.pop(market, Missed())
        blind_ns = now_ns() - gateway.blind.pop(market).since_ns
        gateway.refresh_gate(market)
        gateway.sight.set()
        log.info("%s: in sight", market)
        where = gateway.markets[market]
        gateway.callbacks.on_recovered(
            Recovered(
                market,
                blind_ns,
                resolved,
                tuple(order for order in missed.ended if order.market is where),
                tuple(fill for fill in missed.fills if fill.market is where),
                tuple(
                    Balance(row.asset, row.available, row.freeze)
                    for row in missed.balances
                    if row.asset in (where.stock, where.money)
                ),
                tuple(ForeignOrder(*row) for row in missed.foreign if row[0] == market),
            )
        )

    async def run(self) -> None:
        """Asks the venue and applies its word; a failure is repeated a second later."""
        gateway = self._gateway
        self._is_running = True
        session = gateway.feed.sessions
        gateway.is_in_doubt = False
        old = gateway.store.old_legs()
        if not gateway.is_reconciled:
            gateway.reactions.waiting.open()
        try:
            resolved = await self._reconcile()
            gateway.reactions.replay()
            await gateway.money.refresh()
            gateway.reactions.owed.asked(now_ns())
        except WhitewireError as error:
            gateway.is_in_doubt = True
            log.warning("reconcile: %s", error)
        else:
            self._conclude(session, resolved, old)
        finally:
            gateway.reactions.replay()
            self._next_ns = now_ns() + RETRY_NS
            self._is_running = False

    def _conclude(self, session: int, resolved: int, old: Sequence[tuple[Order, Leg]]) -> None:
        """Opens the markets that were seen again, if the questions belong to this session."""
        gateway = self._gateway
        if session != gateway.feed.sessions or not gateway.feed.is_up:
            return
        gateway.store.forget_old_legs(old)
        if not gateway.is_reconciled:
            gateway.is_reconciled = True
            gateway.money.on_reconciled()
            missed = gateway.reactions.away.end(gateway.balances.all())
            for name in gateway.markets:
                self._missed[name] = self._missed.get(name, Missed()).then(missed)
        for name, blindness in list(gateway.blind.items()):
            if blindness.is_fresh:
                self._end_blindness(name, resolved)

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
        """Our latest deals, page by page back to one that brings no news."""
        rows: list[Deal] = []
        for page in range(MAX_PAGES):
            fields = {"market": market, "limit": PAGE, "offset": page * PAGE}
            answer = await self._gateway.control.call("executed_history", fields)
            batch = read.read_executed_history(*answer, market)
            rows += batch
            if len(batch) < PAGE or not any(self._is_news(deal) for deal in batch):
                break
        return rows

    def _is_news(self, deal: Deal) -> bool:
        store = self._gateway.store
        order = store.by_client_id(deal.client_id) or store.by_venue_id(deal.venue_id)
        return order is not None and not order.has_fill((deal.deal_id, deal.venue_id))

    async def _reconcile(self) -> int:
        """Number of orders whose state the venue's lists settled."""
        gateway = self._gateway
        asked = now_ns()
        active: list[OrderReply] = []
        deals: list[Deal] = []
        for name in gateway.markets:
            active += await self._active(name)
            deals += await self._deals(name)
        order_deals: dict[int, Sequence[Deal]] = {}
        finished: dict[int, FinishedOrder] = {}
        by_client: dict[str, Sequence[FinishedOrder]] = {}
        evidence = Evidence(active, deals, order_deals, finished, asked, by_client)
        # Asking for one order can raise one further question each, and one more by its name.
        for _ in range(4):
            orders = self._concerned(active, deals)
            actions = reconcile(orders, evidence, prefix=gateway.id_prefix)
            questions = [a for a in actions if isinstance(a, AskDeals | AskClient)]
            if not questions:
                break
            for question in questions:
                if isinstance(question, AskClient):
                    await self._ask_client(question.order, deals, by_client)
                else:
                    await self._ask(question, order_deals, finished)
        return await self._apply(actions, deals)

    def _concerned(self, active: Iterable[OrderReply], deals: Iterable[Deal]) -> Iterable[Order]:
        """Live orders, and of the many finished ones those that the venue's lists name."""
        store = self._gateway.store
        named = [store.by_client_id(row.client_id) for row in active]
        named += [store.by_client_id(d.client_id) or store.by_venue_id(d.venue_id) for d in deals]
        orders = [*store.open_orders(), *(order for order in named if order is not None)]
        return {order.client_id: order for order in orders}.values()

    async def _ask_client(
        self,
        order: Order,
        deals: list[Deal],
        by_client: dict[str, Sequence[FinishedOrder]],
    ) -> None:
        """What the venue finished under a client id, and its deals; both may not know it."""
        fields = {"market": order.market.name, "clientOrderId": order.client_id}
        rows: list[FinishedOrder] = []
        with _unknown_name():
            answer = await self._gateway.control.call("order_history", fields)
            rows = read.read_order_history(*answer)
        with _unknown_name():
            answer = await self._gateway.control.call("executed_history", fields)
            deals += read.read_executed_history(*answer, order.market.name)
        by_client[order.client_id] = [row for row in rows if row.client_id == order.client_id]

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

    async def _apply(self, actions: Sequence[Action], deals: Sequence[Deal]) -> int:
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
                gateway.reactions.on_deal(action.deal)
            elif isinstance(action, CancelOrphan):
                log.warning("canceling our forgotten order %s", action.client_id)
                await self._cancel(action.market, action.client_id)
            elif isinstance(action, ReportForeign):
                await self._meet_foreign(action)
        gateway.money.on_history(deals, now_ns())
        return resolved

    async def _meet_foreign(self, order: ReportForeign) -> None:
        """Tells of a foreign order once; cancels it where the owner wants nobody else's."""
        gateway = self._gateway
        is_unwanted = gateway.config.recovery.foreign == "cancel"
        if order.venue_id not in self._known_foreign:
            self._known_foreign.add(order.venue_id)
            gateway.counts["foreign-orders"] += 1
            gateway.reactions.away.on_foreign(order.market, order.venue_id, order.client_id)
            fate = "canceling it" if is_unwanted else "left alone"
            log.warning("%s: order %d is not ours; %s", order.market, order.venue_id, fate)
        if is_unwanted:
            await self._cancel(order.market, order.venue_id)

    async def _cancel(self, market: str, name: str | int) -> None:
        """Cancels by client id, or by the venue's number."""
        key = "orderId" if isinstance(name, int) else "clientOrderId"
        status, body = await self._gateway.control.call("cancel", {"market": market, key: name})
        if status != 200:
            # gone already, or refused: the next look at the active list tells
            log.warning("cancel of %s: %s", name, read.refusal(status, body))

    async def ask(self) -> int:
        """Asks the venue now and applies its word; how many orders that settled."""
        return await self._reconcile()

    async def cancel_at_venue(self, market: str, client_id: str) -> None:
        """Cancels an order that has no handle here."""
        await self._cancel(market, client_id)

    # ---- start and stop ---------------------------------------------------------------------

    async def clear_leftovers(self) -> None:
        """Cancels orders of earlier sessions; a crash may have left some resting.

        Raises:
            StartupError: the venue still shows some after several rounds.
        """
        prefix = self._gateway.id_prefix
        for _ in range(LEFTOVER_ROUNDS):
            ours: list[OrderReply] = []
            for name in self._gateway.markets:
                for row in await self._active(name):
                    if row.client_id.startswith(prefix):
                        ours.append(row)
                    else:
                        await self._meet_foreign(ReportForeign(name, row.client_id, row.venue_id))
            if not ours:
                return
            for row in ours:
                log.warning("canceling %s of an earlier session", row.client_id)
                await self._cancel(row.market, row.client_id)
        raise StartupError(
            "leftovers-rest",
            f"{len(ours)} orders of an earlier session cannot be canceled",
            "cancel them by hand, or with: whitewire cancel-all",
        )

    async def nothing_rests(self) -> bool:
        """Whether the venue shows no order of ours and none of ours is in doubt here."""
        gateway = self._gateway
        if self._is_running:
            return False
        await self._reconcile()
        for name in gateway.markets:
            if any(row.client_id.startswith(gateway.id_prefix) for row in await self._active(name)):
                return False
        return not gateway.store.open_orders()
