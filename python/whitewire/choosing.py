"""Which transport a burst takes: the configured one, or the one that is measured to be quickest.

Owns: what is expected of each transport, and the count of what was chosen. Must not know: how a
transport works, the rule of the choice (see `protocol.order_transports`). Invariants: only a
transport that is up is chosen for `auto`; on the hot path a choice is a look-up, its reasons are
worked out beside it.

What orders tell of a transport within a minute counts; before that, the probe's word. So that a
verdict does not outlive its evidence, now and then a burst takes a transport of which nothing was
heard lately: the same orders by another way, nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from whitewire.errors import UsageError
from whitewire.protocol.order_transports import Choice, OrderTransport, Outlook, choose
from whitewire.protocol.pace import Pace

if TYPE_CHECKING:
    from whitewire.gateway import Gateway
    from whitewire.protocol.service import Measurement
    from whitewire.transport.order_entry import HttpLane

__all__ = ["Choosing"]

EXPLORE_EVERY = 32
_COUNTERS = {transport: f"bursts-{transport}" for transport in OrderTransport}


class Choosing:
    """See the module's documentation.

    Args:
        gateway: whose lanes and counters.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        wanted = gateway.config.orders.transport
        self._fixed = None if wanted == "auto" else OrderTransport(wanted)
        self._outlooks: dict[OrderTransport, Outlook] = {}
        self._choices: dict[int, Choice] = {}
        self._bursts = 0

    def named(self, mode: str, legs: int) -> OrderTransport:
        """The transport that a strategy asked for; `auto` is as configured.

        Raises:
            UsageError: there is none of that name, or it is not open.
        """
        if mode == "auto":
            return self.burst(legs)
        try:
            wanted = OrderTransport(mode)
        except ValueError:
            known = ", ".join(OrderTransport)
            raise UsageError("transport-unknown", f"mode was {mode!r}", f"known: {known}") from None
        if wanted is OrderTransport.WEBSOCKET and self._gateway.entry.socket is None:
            raise UsageError(
                "transport-not-open",
                "mode was websocket, and there is no order socket",
                'set orders.transport to "websocket" or "auto"',
            )
        return wanted

    def burst(self, legs: int) -> OrderTransport:
        """The transport of new orders that leave together."""
        transport = self._fixed
        if transport is None:
            transport = self.of(legs)
            self._bursts += 1
            if self._bursts % EXPLORE_EVERY == 0:
                transport = self._unheard(legs) or transport
        self.count(transport)
        return transport

    def count(self, transport: OrderTransport) -> None:
        """Orders leave by a transport."""
        self._gateway.counts[_COUNTERS[transport]] += 1

    def of(self, legs: int) -> OrderTransport:
        """The transport of so many orders, or of a request about one that exists."""
        if self._fixed is not None:
            return self._fixed
        choice = self._choices.get(legs)
        if choice is None:
            choice = self._choices[legs] = choose(self._outlooks, legs)
        return choice.transport

    def why(self) -> dict[int, str]:
        """The reasons of what `auto` would choose now, by the number of legs."""
        if self._fixed is not None:
            return {}
        sizes = (1, self._gateway.config.orders.burst_legs)
        choices = {legs: choose(self._outlooks, legs) for legs in sizes}
        return {legs: f"{choice.transport}: {choice.why}" for legs, choice in choices.items()}

    def check(self, now_ns: int) -> None:
        """Takes in what was measured meanwhile; call about ten times a second."""
        entry = self._gateway.entry
        if self._fixed is None and entry.measured is not None:
            self._outlooks = self._look(entry.measured, now_ns)
            self._choices.clear()

    def _unheard(self, legs: int) -> OrderTransport | None:
        """A transport that is up and of which nothing was heard lately."""
        for transport, outlook in self._outlooks.items():
            is_fit = legs > 1 or transport is not OrderTransport.BULK
            if is_fit and not outlook.is_measured:
                self._gateway.counts["bursts-explored"] += 1
                return transport
        return None

    def _look(self, measured: Measurement, now_ns: int) -> dict[OrderTransport, Outlook]:
        entry = self._gateway.entry
        found: dict[OrderTransport, Outlook] = {}
        lanes: list[HttpLane] = [lane for lane in entry.lanes if lane.pipeline.ready]
        if lanes:
            meters = [lane.pipeline.meter for lane in lanes]
            first = _recent((meter.alone for meter in meters), now_ns)
            behind = _recent((meter.behind for meter in meters), now_ns)
            leg = _recent((meter.bulk_leg for meter in meters), now_ns)
            first_ns = measured.single_ns if first is None else first
            further_ns = measured.further_ns if behind is None else behind
            found[OrderTransport.PIPELINED] = Outlook(
                first_ns, further_ns, len(lanes), measured.write_ns, first is not None
            )
            leg_ns = measured.further_ns if leg is None else leg
            found[OrderTransport.BULK] = Outlook(first_ns, leg_ns, is_measured=leg is not None)
        socket = entry.socket
        if socket is not None and socket.pipeline.ready:
            meter = socket.pipeline.meter
            first = meter.alone.recent_ns(now_ns)
            behind = meter.behind.recent_ns(now_ns)
            found[OrderTransport.WEBSOCKET] = Outlook(
                measured.single_ns if first is None else first,
                measured.further_ns if behind is None else behind,
                is_measured=first is not None,
            )
        return found


def _recent(paces: Iterable[Pace], now_ns: int) -> int | None:
    """The lower median of the connections' fresh medians."""
    known = sorted(ns for pace in paces if (ns := pace.recent_ns(now_ns)) is not None)
    return known[(len(known) - 1) // 2] if known else None
