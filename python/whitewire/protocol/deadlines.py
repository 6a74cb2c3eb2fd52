"""How long an order may be Unknown, and what each stage demands.

Owns: the stages of doubt of every Unknown order. Must not know: how the venue is asked, what an
alarm does. Invariant: a stage is demanded once for each time an order becomes Unknown, in order;
the market of an order past the last stage is shut until no such order of it is left.

Rules
-----
1. After `ASK_NS` the single order is asked for by its client id: active, finished and its deals.
2. `reconcile.QUARANTINE_NS` later absence proves something; that is `reconcile`'s.
3. After `ALARM_NS` people are told and the market is shut: what rests there is not known.
4. The clock of an order starts when it became Unknown first, whatever was lost after that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from whitewire.protocol.orders import Order

__all__ = ["ALARM_NS", "ASK_NS", "Alarm", "Deadlines", "Release"]

ASK_NS = 1_000_000_000
ALARM_NS = 30_000_000_000


class Alarm(NamedTuple):
    """`order` has been Unknown for too long: tell, and shut its market."""

    order: Order
    unknown_ns: int


class Release(NamedTuple):
    """No order of `market` is past the last stage any more: open it; shut for `shut_ns`."""

    market: str
    shut_ns: int


class Deadlines:
    """The clocks of all Unknown orders.

    Args:
        alarm_ns: see rule 3, ns.
    """

    def __init__(self, *, alarm_ns: int = ALARM_NS) -> None:
        self._alarm_ns = alarm_ns
        self._since: dict[str, int] = {}
        self._alarmed: dict[str, str] = {}
        self._shut: dict[str, int] = {}

    def shut(self, market: str) -> bool:
        """Whether a market is shut by rule 3."""
        return market in self._shut

    def check(self, unknown: Iterable[Order], now_ns: int) -> list[Alarm | Release]:
        """What is due.

        Args:
            unknown: every order that is Unknown.
            now_ns: monotonic.
        """
        orders = {order.client_id: order for order in unknown}
        self._since = {
            name: self._since.get(name, order.t_unknown_ns or now_ns)
            for name, order in orders.items()
        }
        self._alarmed = {name: where for name, where in self._alarmed.items() if name in orders}
        actions: list[Alarm | Release] = []
        for name, order in orders.items():
            unknown_ns = now_ns - self._since[name]
            if unknown_ns >= self._alarm_ns and name not in self._alarmed:
                self._alarmed[name] = order.market.name
                self._shut.setdefault(order.market.name, now_ns)
                actions.append(Alarm(order, unknown_ns))
        for market in [name for name in self._shut if name not in self._alarmed.values()]:
            actions.append(Release(market, now_ns - self._shut.pop(market)))
        return actions
