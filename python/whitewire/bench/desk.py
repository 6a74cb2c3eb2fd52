"""The run of a bench on one gateway: every burst of the schedule, each cleaned up after.

Owns: the moments of sending, and the proof that nothing rests. Must not know: statistics, where
the venue is. Invariant: a burst leaves at its moment, unless the one before it is not cleaned up,
and then its figures count from that moment all the same; each order that was placed is canceled.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from whitewire._bridge import now_ns
from whitewire.bench.burst import Burst, Outcome
from whitewire.bench.ladder import FarLadder
from whitewire.bench.plan import Caps, Due, Way
from whitewire.errors import UsageError
from whitewire.gateway import GatewayState
from whitewire.lifecycle import Lifecycle
from whitewire.strategy import Strategy
from whitewire.transport.loop import stop_on_signals

if TYPE_CHECKING:
    from whitewire.config import Config, Credentials
    from whitewire.gateway import Gateway
    from whitewire.protocol.order_table import OrderNotice
    from whitewire.protocol.orders import Order
    from whitewire.sharing import Shared

__all__ = ["Desk", "Found", "measure"]

# Timers of the event loop have a millisecond's grain; for the rest the loop spins.
SPIN_NS = 2_000_000
FIRST_AFTER_NS = 200_000_000
ANSWER_S = 5.0
EVENT_S = 0.5
CLEAN_S = 5.0
POLL_S = 0.001
PAGE = 100

Progress = Callable[[int], None]


@dataclass(slots=True)
class Found:
    """What a run found.

    Attributes:
        outcomes: of every burst that was sent, in order.
        placed: how many orders left this host.
        skipped: bursts that were not sent, since the market could not be quoted at their moment.
        resting: orders of this run that the venue listed at the end, after every cancel; None
            where it was not asked, since the run was stopped.
        is_clean: the gateway's own stop verified that nothing of ours rests.
        is_whole: the schedule came to its end.
        amount: of each order, stock; best_bid at the start, money per stock.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    placed: int = 0
    skipped: int = 0
    resting: int | None = None
    is_clean: bool = False
    is_whole: bool = False
    amount: Decimal = Decimal(0)
    best_bid: Decimal = Decimal(0)


class Desk(Strategy):
    """Sends the bursts of a schedule in one market.

    Args:
        market: its name.
        plan: the schedule.
        distance_percent: how far below the best bid the first leg is.
        caps: what may not be passed; None on the embedded venue.
        progress: told how many bursts are done.
        event_s: how long private events are waited for after the last answer.

    Attributes:
        found: what is known so far.
        started: set when the gateway may place.
    """

    def __init__(
        self,
        market: str,
        plan: Sequence[Due],
        distance_percent: Decimal,
        caps: Caps | None,
        progress: Progress,
        *,
        event_s: float = EVENT_S,
    ) -> None:
        self.markets = (market,)
        self.found = Found()
        self.started = asyncio.Event()
        self._market = market
        self._plan = plan
        self._distance = distance_percent
        self._caps = caps
        self._progress = progress
        self._event_s = event_s
        self._burst: Burst | None = None
        self._placed: set[str] = set()

    def on_start(self, gw: Gateway) -> None:
        """The kill switch is armed and verified, the book fresh: the run may begin."""
        self._gateway = gw
        self._depths = [lane.pipeline.depth for lane in gw.entry.lanes]
        self.started.set()

    def on_order(self, order: Order, event: OrderNotice) -> None:
        """Hands answers to the burst under way."""
        if self._burst is not None:
            self._burst.on_order(self._gateway, order, event)

    async def work(self) -> None:
        """Sends every burst, then verifies.

        Raises:
            UsageError: a cap would be passed, or the distance cannot be kept.
        """
        await self.started.wait()
        ladder = self._ladder()
        self.found.amount, self.found.best_bid = ladder.amount, self._best_bid()
        if self._caps is not None:
            most = max(due.cell.legs for due in self._plan)
            self._caps.demand(self._plan, ladder.notional(self.found.best_bid, most))
        first_ns = now_ns() + FIRST_AFTER_NS
        try:
            for number, due in enumerate(self._plan):
                if self._gateway.state is not GatewayState.ACTIVE:
                    return  # halted, and told so; what is stopped is not whole
                await self.send(ladder, due, first_ns + due.at_ns)
                self._progress(number + 1)
            self.found.is_whole = True
        finally:
            self._open_lanes(None)
        self.found.resting = await self._resting()

    # ---- one burst --------------------------------------------------------------------------

    async def send(self, ladder: FarLadder, due: Due, due_ns: int) -> None:
        """Sends one burst at its moment, waits for its answers and cancels it."""
        is_late = now_ns() > due_ns
        await self._wait_until(due_ns - SPIN_NS)
        burst = self._prepared(ladder, due, due_ns, is_late)
        if burst is None:
            self.found.skipped += 1
            return
        self._open_lanes(due.cell.way)
        self._burst = burst
        while now_ns() < due_ns:
            await asyncio.sleep(0)
        try:
            burst.send(self._gateway, self._market)
            with contextlib.suppress(TimeoutError):  # a leg without an answer shows none
                async with asyncio.timeout(ANSWER_S):
                    await burst.answered.wait()
            await self._until(
                self._event_s, lambda: all(o.t_event_ns or o.is_done for o in burst.orders)
            )
        finally:
            self._burst = None
            self._placed.update(order.client_id for order in burst.orders)
            self.found.placed += sum(order.t_sent_ns > 0 for order in burst.orders)
        self.found.outcomes.append(burst.outcome())
        self._open_lanes(None)
        self._gateway.cancel_all(self._market)
        await self._until(CLEAN_S, lambda: not self._gateway.open_orders(self._market))

    def _prepared(self, ladder: FarLadder, due: Due, due_ns: int, is_late: bool) -> Burst | None:
        """The burst with its prices, or None where nothing may be placed now."""
        if self._gateway.open_orders(self._market):
            # one burst rests at a time, or what rests would pass its cap
            self._gateway.cancel_all(self._market)
            return None
        if not self._gateway.may_quote(self._market):
            return None
        best_bid = self._best_bid()
        bids = ladder.bids(best_bid, due.cell.legs)
        is_far = all(ladder.is_far(price, best_bid) for price, _ in bids)
        notional = ladder.notional(best_bid, due.cell.legs)
        if not is_far or (self._caps is not None and notional > self._caps.max_notional):
            return None
        return Burst(due, due_ns, bids, is_late)

    def _open_lanes(self, way: Way | None) -> None:
        """Lets new orders take the connections of `way`, or all of them; cancels always may."""
        lanes = self._gateway.entry.lanes
        open_ones = len(lanes) if way is None else way.connections
        for number, (lane, depth) in enumerate(zip(lanes, self._depths, strict=True)):
            lane.limit(depth if number < open_ones else 0)

    async def _wait_until(self, moment_ns: int) -> None:
        wait_ns = moment_ns - now_ns()
        if wait_ns > 0:
            await asyncio.sleep(wait_ns / 1e9)

    async def _until(self, seconds: float, condition: Callable[[], bool]) -> None:
        """Waits until something holds, but not for ever."""
        deadline = now_ns() + int(seconds * 1e9)
        while not condition() and now_ns() < deadline:
            await asyncio.sleep(POLL_S)

    # ---- the book and the venue's list ------------------------------------------------------

    def _best_bid(self) -> Decimal:
        top = self._gateway.book(self._market).best_bid
        if top is None:
            raise UsageError(
                "bench-no-bid", f"{self._market} has no bid to keep away from", "choose another"
            )
        return top[0]

    def _ladder(self) -> FarLadder:
        return FarLadder(self._gateway.market(self._market), self._distance, self._best_bid())

    async def _resting(self) -> int:
        """How many of our orders the venue lists."""
        rows = await self._gateway.rest.open_orders(self._market, limit=PAGE)
        return sum(row.client_id in self._placed for row in rows)


async def measure(
    desk: Desk, config: Config, credentials: Credentials, shared: Shared | None = None
) -> Found:
    """Runs a desk on a gateway of its own, from kill switch to verified stop.

    Args:
        desk: what to run.
        config, credentials, shared: of the gateway, see `Lifecycle`.

    Raises:
        WhitewireError: the gateway could not start, or the run would pass a bound.
    """
    lifecycle = Lifecycle(desk, config, credentials, shared)
    stop_on_signals(lifecycle.stop)
    work = asyncio.get_running_loop().create_task(desk.work())
    work.add_done_callback(lambda _: lifecycle.stop("the bench is over"))
    try:
        await lifecycle.run()
    finally:
        work.cancel()
        await asyncio.wait((work,))
    desk.found.is_clean = lifecycle.is_clean
    if not work.cancelled():
        work.result()
    return desk.found
