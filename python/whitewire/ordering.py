"""Orders on their way out: identity, admission, the core's gate and template, the lane.

Owns: client ids, and the handing of a request to a connection. Must not know: what the
strategy wants, what answers mean. Invariant: an order is either appended to a connection and
registered there, or refused with a reason, in the same call; a cancel that finds no room waits
in line, once, and is never dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

from whitewire._bridge import Burst, OrderTicket, now_ns
from whitewire.admission import ONLY_REDUCING, Admission, local, refusal
from whitewire.choosing import Choosing
from whitewire.errors import NonceExhausted
from whitewire.market import Market, Side
from whitewire.presigning import Presigning
from whitewire.protocol.order_flags import Flags
from whitewire.protocol.order_transports import OrderTransport
from whitewire.protocol.orders import Order, Reject
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import RequestKind

if TYPE_CHECKING:
    from whitewire._bridge import Departure
    from whitewire.gateway import Gateway
    from whitewire.transport.lane import Lane
    from whitewire.transport.order_entry import HttpLane

__all__ = ["Ordering"]

MAX_LEGS = 20
# Fewer are signed one by one all the same: each is written before the next is made.
FEWEST = 3
# Of earlier orders; above it only what is not ours would have one.
LAST_NUMBER = 9_000_000_000
# Side, post_only, stp, rpi, ioc and reduce_only, as `Gateway.limit` takes them.
Asked = tuple[Side | str, bool | None, str | None, bool, bool, bool]
# A ticket, ticks and lots.
Row = tuple[OrderTicket, int, int]
# Members of enumerations are looked up slowly.
_PLACE, _MODIFY, _CANCEL = RequestKind.PLACE, RequestKind.MODIFY, RequestKind.CANCEL
_PIPELINED, _WEBSOCKET = OrderTransport.PIPELINED, OrderTransport.WEBSOCKET
_BULK = OrderTransport.BULK


class Ordering:
    """See the module's documentation; `modify` and cancels are called in `path.enter` and `leave`.

    Args:
        gateway: whose engine, lanes and stores.

    Attributes:
        choosing: how orders travel where nothing else was asked for.
        on_placed: called with each order that left, None for nobody.
        presigning: cancels signed in advance.
        outlet: where orders get their names, and leave at once.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._tickets: dict[int, OrderTicket] = {}  # by market and flags
        self._cancels: dict[Order, None] = {}  # in the order in which they were asked for
        self._stp = gateway.config.orders.stp
        self._quote_flags = {side: Flags.of(side, True, False, False, self._stp) for side in Side}
        self._chosen: dict[tuple[int, Asked], OrderTicket] = {}
        self.choosing = Choosing(gateway)
        self.on_placed: Callable[[Order], None] | None = None
        self.presigning = Presigning(gateway)
        self._admission = Admission(gateway)
        self.outlet = gateway.allowance.outlet
        self.outlet.is_quick = gateway.config.orders.transport == _PIPELINED
        self._burst = Burst(self.outlet)

    def ticket(self, market: Market, asked: Asked) -> OrderTicket:
        """The ticket of orders as a strategy chose them, found once.

        Raises:
            UsageError: see `Flags.chosen`.
            ValueError: there is no such side.
        """
        found = self._chosen.get((market.index, asked))
        if found is None:
            side_name, post_only, stp, rpi, ioc, reduce_only = asked
            side = Side(side_name)
            flags = Flags.chosen(market, side, post_only, ioc, rpi, stp or self._stp, reduce_only)
            found = self._chosen[market.index, asked] = self._ticket(market, side, flags)
        return found

    def _ticket(self, market: Market, side: Side, flags: int) -> OrderTicket:
        key = market.index << 8 | flags
        found = self._tickets.get(key)
        if found is None:
            engine = self._gateway.engine
            engine.prepare(market.index, flags)
            prefix = engine.client_id_prefix(market.index, flags)
            found = self._tickets[key] = OrderTicket(self, market, side, flags, prefix)
        return found

    def place(
        self,
        ticket: OrderTicket,
        ticks: int,
        lots: int,
        tag: object = None,
        transport: OrderTransport | None = None,
    ) -> Order:
        """Places one order; on its own, so never as a bulk."""
        transport = transport or self.choosing.burst(1)
        is_direct = transport is _PIPELINED and self.outlet.is_clear()
        leave = self.outlet.place if is_direct else self.outlet.announce
        return self._book(ticket, ticks, lots, tag, transport, leave(ticket, ticks, lots))

    def booked(
        self, ticket: OrderTicket, ticks: int, lots: int, tag: object, departure: Departure
    ) -> Order:
        """Books what left by a ticket itself, or did not."""
        self.choosing.count(_PIPELINED)
        return self._book(ticket, ticks, lots, tag, _PIPELINED, departure)

    def _book(
        self,
        ticket: OrderTicket,
        ticks: int,
        lots: int,
        tag: object,
        transport: OrderTransport,
        departure: Departure,
    ) -> Order:
        """Books one placement, and does what can only follow on that."""
        order = self._enter(ticket, ticks, lots, tag, departure)
        self._follow_up(order, transport, departure)
        return order

    def _enter(
        self, ticket: OrderTicket, ticks: int, lots: int, tag: object, departure: Departure
    ) -> Order:
        """The handle of an order that has a name, on its lane where it left.

        Nothing else may happen before: its bytes may be on the wire.
        """
        _, _, written, handler, nonce, sent_ns = departure
        order = self._create(ticket, ticks, lots, tag, departure)
        if written > 0:
            lane = cast("HttpLane", handler)
            self._sent(order, lane, nonce, lane.endpoint(_PLACE, order.market.is_collateral))
            if sent_ns:
                lane.on_written(sent_ns)
        return order

    def _follow_up(self, order: Order, transport: OrderTransport, departure: Departure) -> None:
        """Refuses or places what did not leave; a lane hears that its socket filled up."""
        gateway = self._gateway
        _, _, written, handler, _, sent_ns = departure
        if written > 0 and sent_ns:
            lane = cast("HttpLane", handler)
            if lane.connection is not None and lane.connection.is_paused:
                lane.on_writable(False)
            gateway.allowance.spent(order.t_submit_ns)
        elif written < 0:
            self._admission.refuse(order, refusal(-written))
        else:
            gateway.path.enter()
            try:
                if written == 0:
                    self._place_in_steps(order, transport)
            finally:
                gateway.path.leave()  # writes, also what could not be written before

    def _create(
        self, ticket: OrderTicket, ticks: int, lots: int, tag: object, departure: Departure
    ) -> Order:
        self._gateway.counts["orders"] += 1
        market, side, flags = ticket.market, ticket.side, ticket.flags
        name, submit_ns = departure[:2]
        return self._gateway.store.create(market, side, ticks, lots, name, submit_ns, tag, flags)

    def _place_in_steps(self, order: Order, transport: OrderTransport) -> None:
        """Places an order as the core does by itself, or finds out why it could not."""
        gateway, market = self._gateway, order.market
        if gateway.reducing and not gateway.collateral.allows(order, order.amount_lots):
            self._admission.refuse(order, ONLY_REDUCING)
            return
        admitted = self._admission.admit(_PLACE, market, transport, None, order.t_submit_ns)
        if isinstance(admitted, Reject):
            self._admission.refuse(order, admitted)
            return
        lane, connection, nonce, endpoint = admitted
        written = connection.place(
            market.index,
            order.flags,
            order.price_ticks,
            order.amount_lots,
            gateway.guard.number(order),
            nonce,
        )
        if written > 0:
            self._sent(order, lane, nonce, endpoint)
        else:
            self._admission.refuse(order, refusal(-written))

    def _sent(self, order: Order, lane: Lane, nonce: int, endpoint: str) -> None:
        """Books a placement whose bytes are on that lane's connection."""
        lane.push(Request(_PLACE, (order,), nonce, 0, None, False, endpoint))
        self._gateway.counts["sent"] += 1
        if self.on_placed is not None:
            self.on_placed(order)

    def quotes(self, market: Market, legs: Iterable[tuple[Side, int, int]]) -> list[Row]:
        """Post-only legs of (side, ticks, lots), for `place_many`."""
        flags = self._quote_flags
        return [
            (self._ticket(market, side, flags[side]), ticks, lots) for side, ticks, lots in legs
        ]

    def place_many(
        self, rows: list[Row], tag: object = None, transport: OrderTransport | None = None
    ) -> list[Order]:
        """Places orders of one market, as bulk requests of 20 or one by one."""
        transport = transport or self.choosing.burst(len(rows))
        self._gateway.path.enter()
        try:
            if transport is _PIPELINED and self.outlet.is_clear() and len(rows) >= FEWEST:
                return self._place_together(rows, tag)
            is_bulk = transport is _BULK and len(rows) > 1
            if is_bulk and rows[0][0].market.name not in self._gateway.reducing:
                return self._place_bulk(rows, tag)
            return [self.place(*row, tag, transport) for row in rows]
        finally:
            self._gateway.path.leave()

    def _place_together(self, rows: list[Row], tag: object) -> list[Order]:
        """As `place` for each; the requests are signed together, written, and booked then.

        Where each has a lane to itself, it is written as soon as it is signed.
        """
        is_spread = self._gateway.entry.spread >= len(rows)
        orders: list[Order] = []
        for start in range(0, len(rows), MAX_LEGS):
            some = rows[start : start + MAX_LEGS]
            departures = self._burst.send(some, is_spread)
            for row, departure in zip(some, departures, strict=True):
                orders.append(self._enter(*row, tag, departure))
            # lanes know of all that is on them: whatever follows may use them again
            for order, departure in zip(orders[start:], departures, strict=True):
                self._follow_up(order, _PIPELINED, departure)
        return orders

    def _place_bulk(self, rows: list[Row], tag: object) -> list[Order]:
        orders: list[Order] = []
        for start in range(0, len(rows), MAX_LEGS):
            legs, batch = [], []
            for ticket, ticks, lots in rows[start : start + MAX_LEGS]:
                departure = self.outlet.announce(ticket, ticks, lots)
                batch.append(self._create(ticket, ticks, lots, tag, departure))
                number = self.outlet.sequence
                legs.append((ticket.market.index, ticket.flags, ticks, lots, number))
            self._send_bulk(batch, legs)
            orders += batch
        return orders

    def _send_bulk(self, batch: list[Order], rows: list[tuple[int, int, int, int, int]]) -> None:
        market = batch[0].market
        admitted = self._admission.admit(RequestKind.BULK, market, _BULK, None, now_ns())
        if isinstance(admitted, Reject):
            for order in batch:
                self._admission.refuse(order, admitted)
            return
        lane, connection, nonce, endpoint = admitted
        written, refusals = connection.bulk(rows, nonce)
        sent = []
        for order, code in zip(batch, refusals, strict=True):
            if code == 0 and written > 0:
                sent.append(order)
            else:
                self._admission.refuse(order, refusal(code or -written))
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
            self._admission.refuse_change(order, local("not-open", reason))
            return True
        if self._gateway.reducing and not self._gateway.collateral.allows(order, lots):
            self._admission.refuse_change(order, ONLY_REDUCING)
            return False
        transport = self.choosing.of(1)
        admitted = self._admission.admit(_MODIFY, order.market, transport, order, now_ns())
        if isinstance(admitted, Reject):
            self._admission.refuse_change(order, admitted)
            return True
        lane, connection, nonce, endpoint = admitted
        name = order.client_id.encode()
        written = connection.modify(order.market.index, order.flags, ticks, lots, name, nonce)
        if written <= 0:
            self._admission.refuse_change(order, refusal(-written))
            return False
        self.modify_sent(order, ticks, lots, lane, nonce, endpoint)
        return True

    def modify_sent(
        self, order: Order, ticks: int, lots: int, lane: Lane, nonce: int, endpoint: str = ""
    ) -> None:
        """Books a modification whose bytes are on that lane's connection."""
        self._gateway.counts["modifies"] += 1
        self._gateway.journal.modify_sent(order, ticks, lots)
        self._admission.tell_soon(self._gateway.store.modify_sent(order, ticks, lots, now_ns()))
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
        self._admission.tell_soon(self._gateway.store.cancel_sent(order, now_ns()))
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
            self.outlet.sequence = max(self.outlet.sequence, int(number))
