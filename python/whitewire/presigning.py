"""Cancels signed in advance: made when an order rests, remade while their nonces age.

Owns: which orders have a cancel lying ready in the core, and when it is made. Must not know: how a
cancel is signed or kept (see `native/src/presigned.rs`), lanes. Invariants: a nonce that went into
a ready cancel is handed out by nothing else; what is done at a time is bounded, however many orders
rest; without a clock that can be trusted nothing is made or used, and a cancel is signed as it is
sent. So is one that was not made in time: nothing here can keep a cancel from leaving.

Numbers
-------
1. A nonce is used until it is 2.4 s old (the core says no to an older one). It is remade at 1.6 s:
   eight housekeeping ticks are left to the orders that became due together.
2. A tick remakes 50 at most. So 400 orders that were acknowledged at once take eight ticks the
   first time, and are spread over the ticks from then on: 250 of the 1000 nonces of a second.
3. Nonces are one a millisecond, and placements come first: nothing is made ready while the next
   nonce would be 100 ms ahead of the clock or more. So presigning never makes the allocator run
   further ahead than that, and a tick by 50 ms.
4. What was just acknowledged is signed after the callbacks, eight at a turn of the loop: some
   microseconds between two reads of the sockets. While other answers are awaited, as the rest of a
   ladder's, it is put off by a millisecond, so that none of them waits for a signature.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from whitewire._bridge import now_ns
from whitewire.protocol.order_states import DONE, OrderState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whitewire._bridge import OrderConnection
    from whitewire.gateway import Gateway
    from whitewire.protocol.orders import Order

__all__ = ["Presigning"]

REMAKE_MS = 1_600
MAX_PER_TICK = 50
MAX_PER_TURN = 8
MAX_LEAD_MS = 100
PUT_OFF_S = 0.001
_WANTED = (OrderState.OPEN, OrderState.MODIFYING)


class Presigning:
    """See the module's documentation.

    Args:
        gateway: whose orders, core, nonces and clock.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        config = gateway.config.orders  # calls of the order socket are not signed
        self._is_on = config.presign_cancels and config.transport != "websocket"
        self._waiting: dict[Order, None] = {}  # rest, and have no ready cancel yet
        self._ready: dict[Order, int] = {}  # the nonce of each, oldest first
        self._is_scheduled = False

    def note(self, order: Order) -> None:
        """Something happened to an order: it may rest from now on, or be done."""
        if not self._is_on:
            return
        state = order.state
        if state in DONE:
            self._waiting.pop(order, None)
            if self._ready.pop(order, None) is not None:
                self._gateway.engine.forget_presigned(order.client_id.encode())
        elif state in _WANTED and order not in self._ready:
            self._waiting[order] = None
            self._schedule()

    def send(self, connection: OrderConnection, order: Order, now: int) -> int:
        """Appends the order's ready cancel to a connection; its nonce, 0 where none can be used.

        Whatever comes of it, the order has no ready cancel afterwards.
        """
        self._waiting.pop(order, None)
        if self._ready.pop(order, None) is None:
            return 0
        clock, client_id = self._gateway.clock, order.client_id.encode()
        if not clock.is_safe:
            self._gateway.engine.forget_presigned(client_id)
            return 0
        return connection.cancel_ready(order.market.index, client_id, clock.epoch_ms(now))

    def check(self, now: int) -> None:
        """Remakes what ages and makes what waits; ten times a second."""
        now_ms = self._gateway.clock.epoch_ms(now)
        oldest = islice(self._ready.items(), MAX_PER_TICK)
        # one that is ahead of the clock was made before the clock was set back
        due = [order for order, nonce in oldest if abs(now_ms - nonce) >= REMAKE_MS]
        self._make([*due, *islice(self._waiting, MAX_PER_TICK - len(due))], now_ms)

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        gateway = self._gateway
        lanes = gateway.entry.lanes if hasattr(gateway, "entry") else ()  # none during a start
        if any(lane.pipeline.in_flight for lane in lanes):
            asyncio.get_running_loop().call_later(PUT_OFF_S, self._turn)
        else:
            self._turn()

    def _turn(self) -> None:
        self._is_scheduled = False
        now_ms = self._gateway.clock.epoch_ms(now_ns())
        if self._make(list(islice(self._waiting, MAX_PER_TURN)), now_ms) and self._waiting:
            self._schedule()

    def _make(self, orders: Iterable[Order], now_ms: int) -> bool:
        """Signs a cancel of each as far as nonces may be spent on it; whether all were."""
        gateway = self._gateway
        for order in orders:
            if not gateway.clock.is_safe or gateway.nonces.lead_ms(now_ms) >= MAX_LEAD_MS:
                return False
            nonce = gateway.nonces.next(now_ms)
            self._waiting.pop(order, None)
            self._ready.pop(order, None)
            if gateway.engine.presign(order.market.index, order.client_id.encode(), nonce):
                self._ready[order] = nonce
        return True
