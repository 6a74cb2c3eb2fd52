"""Orders on their way out: identity, admission, the core's gate and template, the lane.

Owns: client ids, and the handing of a request to a connection. Must not know: what the
strategy wants, what answers mean. Invariant: an order is either appended to a connection and
registered there, or refused with a reason, in the same call; a cancel that finds no room waits
in line, once, and is never dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from whitewire import _core
from whitewire._bridge import now_ns
from whitewire.bursting import FEW, Bursting, Leg
from whitewire.choosing import Choosing
from whitewire.errors import NonceExhausted
from whitewire.market import Market, Side
from whitewire.presigning import Presigning
from whitewire.protocol.order_flags import Flags
from whitewire.protocol.order_table import NoticeKind, OrderNotice
from whitewire.protocol.order_transports import OrderTransport
from whitewire.protocol.orders import Order, Reject, RejectSource
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import RequestKind
from whitewire.strategy import Limit

if TYPE_CHECKING:
    from whitewire._bridge import OrderConnection
    from whitewire.gateway import Gateway
    from whitewire.transport.lane import Lane

__all__ = ["Ordering"]

MAX_LEGS = 20
# Of earlier orders; above it only what is not ours would have one.
LAST_NUMBER = 9_000_000_000
# Leave to send one request: where, with which nonce (a call's id where the lane is the order
# socket), and against which rate limit it counts.
_Pass = tuple["Lane", "OrderConnection", int, str]
# Members of enumerations are looked up slowly.
_PLACE, _MODIFY, _CANCEL = RequestKind.PLACE, RequestKind.MODIFY, RequestKind.CANCEL
_WEBSOCKET = OrderTransport.WEBSOCKET


class Ordering:
    """See the module's documentation; every method is called inside `path.enter` and `leave`.

    Args:
        gateway: whose engine, lanes and stores.

    Attributes:
        choosing: how orders travel where nothing else was asked for.
        on_placed: called with each order that left, None for nobody.
        presigning: cancels signed in advance.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._prefixes: dict[int, str] = {}  # by market and flags
        self._sequence = 0
        self._cancels: dict[Order, None] = {}  # in the order in which they were asked for
        self._stp = gateway.config.orders.stp
        self._quote_flags = {side: Flags.of(side, True, False, False, self._stp) for side in Side}
        self._chosen: dict[tuple[object, ...], tuple[Side, int]] = {}
        self.choosing = Choosing(gateway)
        self.on_placed: Callable[[Order], None] | None = None
        self.presigning = Presigning(gateway)
        self._bursting = Bursting(gateway)

    def place(
        self,
        market: Market,
        side: Side,
        ticks: int,
        lots: int,
        flags: int,
        tag: object = None,
        transport: OrderTransport | None = None,
    ) -> Order:
        """Places one order, post-only or not as `flags` say; on its own, so never as a bulk."""
        gateway, now = self._gateway, now_ns()
        order = self._create(market, side, ticks, lots, flags, tag, now)
        if gateway.reducing and not gateway.collateral.allows(order, lots):
            self._refuse(order, _ONLY_REDUCING)
            return order
        transport = transport or self.choosing.burst(1)
        admitted = self._admit(_PLACE, market, transport, None, now)
        if isinstance(admitted, Reject):
            self._refuse(order, admitted)
            return order
        lane, connection, nonce, endpoint = admitted
        written = connection.place(market.index, flags, ticks, lots, self._sequence, nonce)
        if written > 0:
            lane.push(Request(_PLACE, (order,), nonce, 0, None, False, endpoint))
            gateway.counts["sent"] += 1
            if self.on_placed is not None:
                self.on_placed(order)
        else:
            self._refuse(order, _refusal(-written))
        return order

    def place_many(
        self,
        market: Market,
        legs: Sequence[tuple[Side, int, int]],
        transport: OrderTransport | None = None,
    ) -> list[Order]:
        """Places post-only legs (side, ticks, lots), as bulk requests of 20 or one by one."""
        transport = transport or self.choosing.burst(len(legs))
        is_bulk = transport is OrderTransport.BULK and len(legs) > 1
        flags = self._quote_flags
        may_all = self._gateway.clock.is_safe and not self._gateway.reducing
        is_piped = transport is OrderTransport.PIPELINED
        if is_piped and may_all and self._bursting.suits(len(legs)):
            return self._place_together(market, legs, flags)
        if not is_bulk or market.name in self._gateway.reducing:
            return [
                self.place(market, side, ticks, lots, flags[side], None, transport)
                for side, ticks, lots in legs
            ]
        orders = []
        for start in range(0, len(legs), MAX_LEGS):
            rows, batch = [], []
            for side, ticks, lots in legs[start : start + MAX_LEGS]:
                order = self._create(market, side, ticks, lots, flags[side], None, now_ns())
                batch.append(order)
                rows.append((market.index, flags[side], ticks, lots, self._sequence))
            self._send_bulk(batch, rows)
            orders += batch
        return orders

    def _place_together(
        self, market: Market, legs: Sequence[tuple[Side, int, int]], flags: dict[Side, int]
    ) -> list[Order]:
        """As `place` for each leg; the requests are signed in one call.

        Where each leg has a lane to itself, the first ones leave while the next are made.
        """
        is_spread = self._bursting.is_spread(len(legs))
        size = FEW if is_spread else len(legs)
        orders: list[Order] = []
        for start in range(0, len(legs), size):
            orders += self._place_some(market, legs[start : start + size], flags, is_spread)
        if self.on_placed is not None:
            for order in orders:
                if not order.is_done:
                    self.on_placed(order)
        return orders

    def _place_some(
        self,
        market: Market,
        legs: Sequence[tuple[Side, int, int]],
        flags: dict[Side, int],
        at_once: bool,
    ) -> list[Order]:
        lane = self._gateway.entry.lanes[0]  # they all count the same
        endpoint = lane.endpoint(_PLACE, market.is_collateral)
        orders, admitted = [], []
        for side, ticks, lots in legs:
            now = now_ns()
            order = self._create(market, side, ticks, lots, flags[side], None, now)
            orders.append(order)
            nonce = self._number_of(lane, endpoint, now)
            if isinstance(nonce, Reject):
                self._refuse(order, nonce)
            else:
                admitted.append(Leg(order, flags[side], ticks, lots, self._sequence, nonce))
        for order, number in self._bursting.send(admitted, endpoint, at_once):
            self._refuse(order, _refusal(number))
        return orders

    def _send_bulk(self, batch: list[Order], rows: list[tuple[int, int, int, int, int]]) -> None:
        market = batch[0].market
        admitted = self._admit(RequestKind.BULK, market, OrderTransport.BULK, None, now_ns())
        if isinstance(admitted, Reject):
            for order in batch:
                self._refuse(order, admitted)
            return
        lane, connection, nonce, endpoint = admitted
        written, refusals = connection.bulk(rows, nonce)
        sent = []
        for order, code in zip(batch, refusals, strict=True):
            if code == 0 and written > 0:
                sent.append(order)
            else:
                self._refuse(order, _refusal(code or -written))
        if sent:
            lane.push(Request(RequestKind.BULK, tuple(sent), nonce, endpoint=endpoint))
            self._gateway.counts["sent"] += len(sent)
            if self.on_placed is not None:
                for order in sent:
                    self.on_placed(order)

    def modify(self, order: Order, ticks: int, lots: int) -> bool:
        """Sends a modification; `on_reject` where it could not be. False where the gate refused."""
        if not order.can_modify:
            busy = ", and a request about it is unanswered" if order.in_flight else ""
            reason = f"the order is {order.state}{busy}"
            self._refuse_change(order, _reject("not-open", reason))
            return True
        if self._gateway.reducing and not self._gateway.collateral.allows(order, lots):
            self._refuse_change(order, _ONLY_REDUCING)
            return False
        transport = self.choosing.of(1)
        admitted = self._admit(_MODIFY, order.market, transport, order, now_ns())
        if isinstance(admitted, Reject):
            self._refuse_change(order, admitted)
            return True
        lane, connection, nonce, endpoint = admitted
        name = order.client_id.encode()
        written = connection.modify(order.market.index, order.flags, ticks, lots, name, nonce)
        if written <= 0:
            self._refuse_change(order, _refusal(-written))
            return False
        self.modify_sent(order, ticks, lots, lane, nonce, endpoint)
        return True

    def modify_sent(
        self, order: Order, ticks: int, lots: int, lane: Lane, nonce: int, endpoint: str = ""
    ) -> None:
        """Books a modification whose bytes are on that lane's connection."""
        self._gateway.counts["modifies"] += 1
        self._gateway.journal.modify_sent(order, ticks, lots)
        self._tell_soon(self._gateway.store.modify_sent(order, ticks, lots, now_ns()))
        lane.push(Request(_MODIFY, (order,), nonce, endpoint=endpoint))

    def cancel(self, order: Order) -> None:
        """Cancels by client id; waits in line when every connection is full.

        Nothing happens where a cancel is under way already: an Unknown order with a request in
        flight is asked about by that request.
        """
        if not order.can_cancel or (order.is_unknown and order.in_flight):
            return
        if not self._send_cancel(order):
            self._cancels[order] = None

    def _send_cancel(self, order: Order) -> bool:
        gateway, now = self._gateway, now_ns()
        # during a start there are none yet: the cancel waits
        on_socket = self.choosing.of(1) is _WEBSOCKET
        lane = gateway.entry.pick(order, True, on_socket) if hasattr(gateway, "entry") else None
        if lane is None or lane.connection is None:
            return False
        endpoint = lane.endpoint(_CANCEL, order.market.is_collateral)
        if gateway.throttle.try_take(endpoint, now, True) > 0:
            return False
        is_call = lane is gateway.entry.socket
        nonce = 0 if is_call else self.presigning.send(lane.connection, order, now)
        if nonce:
            gateway.counts["cancels-presigned"] += 1
        else:
            try:
                nonce = lane.number(gateway.nonces, gateway.clock.epoch_ms(now))
            except NonceExhausted:
                return False
            client_id = order.client_id.encode()
            if lane.connection.cancel(order.market.index, client_id, nonce) <= 0:
                return False
        self.cancel_sent(order, lane, nonce, endpoint)
        return True

    def cancel_sent(self, order: Order, lane: Lane, nonce: int, endpoint: str = "") -> None:
        """Books a cancel whose bytes are on that lane's connection."""
        self._gateway.counts["cancels"] += 1
        self._gateway.journal.cancel_sent(order)
        self._tell_soon(self._gateway.store.cancel_sent(order, now_ns()))
        lane.push(Request(_CANCEL, (order,), nonce, endpoint=endpoint))

    def send_waiting_cancels(self) -> None:
        """Sends what waits in line as far as there is room."""
        for order in list(self._cancels):
            if not order.can_cancel or self._send_cancel(order):
                del self._cancels[order]

    def number_after(self, client_id: str) -> None:
        """Numbers orders after one of an earlier session: the core knows orders by number."""
        number = client_id[-10:]
        if number.isdigit() and int(number) < LAST_NUMBER:
            self._sequence = max(self._sequence, int(number))

    def flags_of(
        self,
        market: Market,
        side: Side | str,
        post_only: bool | None,
        stp: str | None,
        rpi: bool,
        ioc: bool,
        reduce_only: bool,
    ) -> tuple[Side, int]:
        """Side and flags as a strategy chose them; worked out once.

        Raises:
            UsageError: see `Flags.chosen`.
            ValueError: there is no such side.
        """
        asked = (market.index, side, post_only, stp, rpi, ioc, reduce_only)
        found = self._chosen.get(asked)
        if found is None:
            side = Side(side)
            stp = stp or self._stp
            flags = Flags.chosen(market, side, post_only, ioc, rpi, stp, reduce_only)
            found = self._chosen[asked] = (side, flags)
        return found

    def _create(
        self, market: Market, side: Side, ticks: int, lots: int, flags: int, tag: object, now: int
    ) -> Order:
        gateway = self._gateway
        self._sequence += 1
        key = market.index << 8 | flags
        prefix = self._prefixes.get(key)
        if prefix is None:
            prefix = gateway.engine.client_id_prefix(market.index, flags)
            self._prefixes[key] = prefix
        client_id = f"{prefix}{self._sequence:010d}"
        order = gateway.store.create(market, side, ticks, lots, client_id, now, tag, flags)
        gateway.journal.placed(order)
        gateway.counts["orders"] += 1
        return order

    def _admit(
        self,
        kind: RequestKind,
        market: Market,
        transport: OrderTransport,
        order: Order | None,
        now: int,
    ) -> _Pass | Reject:
        """A lane and a nonce, or why there is none."""
        if not self._gateway.clock.is_safe:
            return _CLOCK_OFF
        on_socket = transport is _WEBSOCKET
        lane = self._gateway.entry.pick(order, False, on_socket)
        if lane is None or lane.connection is None:
            return _LANE_DOWN
        endpoint = lane.endpoint(kind, market.is_collateral)
        nonce = self._number_of(lane, endpoint, now)
        if isinstance(nonce, Reject):
            return nonce
        return lane, lane.connection, nonce, endpoint

    def _number_of(self, lane: Lane, endpoint: str, now: int) -> int | Reject:
        """A nonce, or on the order socket a call's id; or why nothing may be sent now."""
        gateway = self._gateway
        wait_ns = gateway.throttle.try_take(endpoint, now, False)
        if wait_ns > 0:
            limit = Limit(endpoint, wait_ns, False)
            asyncio.get_running_loop().call_soon(gateway.callbacks.on_limit, limit)
            return _reject("throttled", f"rate limit, {wait_ns / 1e6:.0f} ms to wait")
        try:
            return lane.number(gateway.nonces, gateway.clock.epoch_ms(now))
        except NonceExhausted as error:
            return _reject("nonce-exhausted", str(error))

    def _refuse(self, order: Order, reject: Reject) -> None:
        """A local refusal; told after the caller has its handle."""
        self._gateway.counts[f"refused-{reject.code}"] += 1
        self._tell_soon(self._gateway.store.refuse(order, reject, now_ns()))

    def _refuse_change(self, order: Order, reject: Reject) -> None:
        self._gateway.counts[f"refused-{reject.code}"] += 1
        self._tell_soon([OrderNotice(order, NoticeKind.REFUSED, reject)])

    def _tell_soon(self, notices: Sequence[OrderNotice]) -> None:
        """Callbacks follow when the present one has returned."""
        if notices:
            asyncio.get_running_loop().call_soon(self._gateway.reactions.notify, notices)


def _reject(code: str, message: str) -> Reject:
    return Reject(RejectSource.LOCAL, code, message)


def _refusal(number: int) -> Reject:
    code, message = _REFUSALS.get(number, ("core", f"the core refused with number {number}"))
    return _reject(code, message)


_REFUSALS = {number: (code, reason) for number, code, reason in _core.refusals()}
_CLOCK_OFF = _reject(
    "clock", "this host's clock and the venue's are too far apart, or not compared"
)
_ONLY_REDUCING = _reject("only-reducing", "the market is reducing: margin call, or in doubt")
_LANE_DOWN = _reject("no-lane", "every connection for orders is down or has its fill in flight")
