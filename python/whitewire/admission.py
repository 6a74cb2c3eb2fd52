"""Leave to send a request, and what is told where there is none.

Owns: the order of checks before a request is made: clock, lane, rate limit, nonce. Must not know:
templates, what the request says. Invariant: what is refused is told, after the caller has its
handle; what is granted has been counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from whitewire import _core
from whitewire._bridge import now_ns
from whitewire.errors import NonceExhausted
from whitewire.market import Market
from whitewire.protocol.order_table import NoticeKind, OrderNotice
from whitewire.protocol.order_transports import OrderTransport
from whitewire.protocol.orders import Order, Reject, RejectSource
from whitewire.protocol.replies import RequestKind
from whitewire.strategy import Limit

if TYPE_CHECKING:
    from whitewire._bridge import OrderConnection
    from whitewire.gateway import Gateway
    from whitewire.transport.lane import Lane

__all__ = ["ONLY_REDUCING", "Admission", "local", "refusal"]

# Leave to send one request: where, with which nonce (a call's id where the lane is the order
# socket), and against which rate limit it counts.
Pass = tuple["Lane", "OrderConnection", int, str]
_WEBSOCKET = OrderTransport.WEBSOCKET


class Admission:
    """See the module's documentation.

    Args:
        gateway: whose clock, lanes, limits and nonces.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def admit(
        self,
        kind: RequestKind,
        market: Market,
        transport: OrderTransport,
        order: Order | None,
        now: int,
    ) -> Pass | Reject:
        """A lane and a nonce, or why there is none."""
        if not self._gateway.clock.is_safe:
            return _CLOCK_OFF
        on_socket = transport is _WEBSOCKET
        lane = self._gateway.entry.pick(order, False, on_socket)
        if lane is None or lane.connection is None:
            return _LANE_DOWN
        endpoint = lane.endpoint(kind, market.is_collateral)
        nonce = self.number_of(lane, endpoint, now)
        if isinstance(nonce, Reject):
            return nonce
        return lane, lane.connection, nonce, endpoint

    def number_of(self, lane: Lane, endpoint: str, now: int) -> int | Reject:
        """A nonce, or on the order socket a call's id; or why nothing may be sent now."""
        gateway = self._gateway
        wait_ns = gateway.throttle.try_take(endpoint, now, False)
        if wait_ns > 0:
            limit = Limit(endpoint, wait_ns, False)
            asyncio.get_running_loop().call_soon(gateway.callbacks.on_limit, limit)
            return local("throttled", f"rate limit, {wait_ns / 1e6:.0f} ms to wait")
        try:
            return lane.number(gateway.nonces, gateway.clock.epoch_ms(now))
        except NonceExhausted as error:
            return local("nonce-exhausted", str(error))

    def refuse(self, order: Order, reject: Reject) -> None:
        """A local refusal; told after the caller has its handle."""
        self._gateway.counts[f"refused-{reject.code}"] += 1
        self.tell_soon(self._gateway.store.refuse(order, reject, now_ns()))

    def refuse_change(self, order: Order, reject: Reject) -> None:
        """As `refuse`, of a modification."""
        self._gateway.counts[f"refused-{reject.code}"] += 1
        self.tell_soon([OrderNotice(order, NoticeKind.REFUSED, reject)])

    def tell_soon(self, notices: Sequence[OrderNotice]) -> None:
        """Callbacks follow when the present one has returned."""
        if notices:
            asyncio.get_running_loop().call_soon(self._gateway.reactions.notify, notices)


def local(code: str, message: str) -> Reject:
    """A refusal of ours."""
    return Reject(RejectSource.LOCAL, code, message)


def refusal(number: int) -> Reject:
    """The core's, by its number."""
    code, message = _REFUSALS.get(number, ("core", f"the core refused with number {number}"))
    return local(code, message)


_REFUSALS = {number: (code, reason) for number, code, reason in _core.refusals()}
_CLOCK_OFF = local("clock", "this host's clock and the venue's are too far apart, or not compared")
ONLY_REDUCING = local("only-reducing", "the market is reducing: margin call, or in doubt")
_LANE_DOWN = local("no-lane", "every connection for orders is down or has its fill in flight")
