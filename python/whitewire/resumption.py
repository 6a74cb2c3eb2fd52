"""What an earlier session left behind: its orders, its position, and what happened since.

Owns: making recorded orders known again, finding the fills that nobody heard of, and the end of
what is left over. Must not know: files (see `bookkeeping`), the order of a start (see `startup`).
Invariants: nothing is told or booked that the journal holds; a start goes on only when the venue
said of every order of ours how it stands.

Rules
-----
1. A recorded order that may rest, or whose fills are not all recorded, is known again as UNKNOWN.
2. A deal is missed when its (deal id, venue id) is not recorded and it is newer than the last
   deal that is, or belongs to such an order. Records keep the order in which things happened,
   so an older deal of any other order was accounted for.
3. A missed deal with our prefix whose order is not recorded makes the order known: its placement
   was lost with the last commit.
4. A market without a record of deals begins at its newest one.
5. Positions go on from the recorded ones, and so do the day's loss and the drawdown.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from whitewire._bridge import now_ns
from whitewire.errors import StartupError
from whitewire.market import Market, Side
from whitewire.protocol import control_replies as read
from whitewire.protocol.events import Deal, side_of
from whitewire.protocol.order_reducer import scale
from whitewire.protocol.order_resume import Remembered, resume

if TYPE_CHECKING:
    from whitewire.gateway import Gateway
    from whitewire.journal.records import FillFact, KnownOrder
    from whitewire.protocol.orders import Order
    from whitewire.recovery import Recovery

__all__ = ["Resumption"]

log = logging.getLogger("whitewire")

PAGE = 100
MAX_PAGES = 500
POLL_S = 0.25
SETTLE_TIMEOUT_S = 30.0


class Resumption:
    """See the module's documentation.

    Args:
        gateway: whose orders and positions.
        recovery: asks the venue.

    Attributes:
        resolved: orders of earlier sessions of which the venue told how they stand.
        is_settled: False while orders of an earlier session may rest unknown to us.
    """

    def __init__(self, gateway: Gateway, recovery: Recovery) -> None:
        self._gateway = gateway
        self._recovery = recovery
        self.resolved = 0
        self.is_settled = True

    def restore(self) -> Counter[str]:
        """Makes recorded orders and positions known again; how many orders, by market."""
        gateway, state = self._gateway, self._gateway.journal.state
        for name, row in state.positions.items():
            position = gateway.positions.get(name)
            if position is not None:
                position.stock, position.money = row.stock, row.money
                position.bought, position.sold = row.bought, row.sold
                position.fills, position.fees = row.fills, dict(row.fees)
                gateway.guard.set_position(name, row.bought - row.sold)
        gateway.guard.resume_losses(state.standing)
        found: Counter[str] = Counter()
        for order in state.orders.values():
            market = gateway.markets.get(order.market)
            if market is None:
                log.warning("%s: %s is not traded any more", order.market, order.client_id)
                continue
            self._know(_remembered(order, market))
            found[market.name] += 1
        self.is_settled = not found
        return found

    async def settle(self, *, is_keeping: bool) -> None:
        """Ends or keeps what is left over and books what was missed.

        Args:
            is_keeping: leave recorded orders where they are; others of ours are canceled anyway.

        Raises:
            StartupError: the venue does not tell how an order stands, or it cannot be canceled.
        """
        gateway = self._gateway
        await self._cancel_elsewhere()
        if not is_keeping:
            await self._recovery.clear_leftovers()
        if gateway.journal.folder is not None:
            for market in gateway.markets.values():
                await self._catch_up(market)
        self.resolved = len(gateway.store.open_orders())
        if self.resolved or is_keeping:
            await self._conclude(is_keeping)
        self.is_settled = True
        gateway.is_in_doubt = is_keeping  # what fills before the feed is up is asked for again

    async def _conclude(self, is_keeping: bool) -> None:
        gateway = self._gateway
        store = gateway.store
        try:
            async with asyncio.timeout(SETTLE_TIMEOUT_S):
                while True:
                    await self._recovery.ask()
                    left = store.unknown_orders() if is_keeping else store.open_orders()
                    if not left:
                        return
                    if not is_keeping:
                        await self._recovery.clear_leftovers()
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise StartupError(
                "leftovers-unknown",
                f"the venue did not tell how {left[0].client_id} stands, nor {len(left) - 1} more",
                "look at the account, then start again",
            ) from None

    async def _cancel_elsewhere(self) -> None:
        """Orders in markets that are not configured any more have no market here; cancel them."""
        for order in self._gateway.journal.state.orders.values():
            if order.market not in self._gateway.markets:
                await self._recovery.cancel_at_venue(order.market, order.client_id)

    async def _catch_up(self, market: Market) -> None:
        gateway, state = self._gateway, self._gateway.journal.state
        last = state.last_deals.get(market.name)
        deals = await self._deals_since(market.name, last)
        newest = max((deal.deal_id for deal in deals), default=0)
        if last is not None:
            for deal in reversed(deals):
                self._take(market, deal, last)
        gateway.journal.baseline(market.name, newest)

    def _take(self, market: Market, deal: Deal, last: int) -> None:
        """Books a deal if it was missed (rules 2 and 3)."""
        gateway, store = self._gateway, self._gateway.store
        if (deal.deal_id, deal.venue_id) in gateway.journal.state.fill_keys:
            return
        order = store.by_client_id(deal.client_id) or store.by_venue_id(deal.venue_id)
        if order is None:
            if deal.deal_id <= last or not deal.client_id.startswith(gateway.id_prefix):
                return
            log.warning("%s: order %s was not recorded", market.name, deal.client_id)
            order = self._know(_from_deal(market, deal))
            gateway.journal.placed(
                order.t_submit_ns,
                order.client_id,
                market,
                order.side,
                order.price_ticks,
                order.amount_lots,
                order.flags,
            )
        log.warning("%s: fill %d happened between sessions", market.name, deal.deal_id)
        gateway.reactions.notify(store.apply_deal(deal))

    def _know(self, past: Remembered) -> Order:
        """Makes an order known again; those of this session get numbers that it does not have."""
        self._gateway.ordering.number_after(past.client_id)
        return resume(self._gateway.store, past, now_ns())

    async def _deals_since(self, market: str, last: int | None) -> list[Deal]:
        """Our deals, newest first: all pages back to the last one that is accounted for."""
        rows: list[Deal] = []
        for page in range(MAX_PAGES):
            fields = {"market": market, "limit": PAGE, "offset": page * PAGE}
            answer = await self._gateway.control.call("executed_history", fields)
            batch = read.read_executed_history(*answer, market)
            rows += batch
            if len(batch) < PAGE or last is None or min(d.deal_id for d in batch) <= last:
                return rows
        raise StartupError(
            "deals-too-many",
            f"{market}: more than {len(rows)} deals since deal {last}",
            "move the journal away to begin with the account as it is",
        )


def _remembered(order: KnownOrder, market: Market) -> Remembered:
    target = (order.target_ticks, order.target_lots) if order.is_replacement_due else None
    return Remembered(
        market,
        Side(order.side),
        order.client_id,
        order.flags,
        order.ticks,
        order.lots,
        order.venue_ids,
        [_deal(fill) for fill in order.fills],
        target,
    )


def _deal(fill: FillFact) -> Deal:
    return Deal(
        fill.deal_id,
        fill.ts_exch_ns,
        fill.market,
        fill.venue_id,
        f"{fill.price:f}",
        f"{fill.amount:f}",
        f"{fill.fee:f}",
        fill.client_id,
        1 if fill.side == "sell" else 2,
        fill.role,
        fill.fee_asset,
    )


def _from_deal(market: Market, deal: Deal) -> Remembered:
    """All that is known of an order whose record is lost; the venue's lists tell the rest."""
    ticks = scale(Decimal(deal.price), market.price_decimals)
    lots = scale(Decimal(deal.amount), market.amount_decimals)
    return Remembered(market, side_of(deal.side), deal.client_id, 0, ticks, lots, (deal.venue_id,))
