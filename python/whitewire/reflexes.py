"""Rules that the core acts on by itself: declared here, and booked here.

Owns: which rule covers which order, what the core is told of our orders, and the booking of what
it sent. Must not know: what a rule means (native/src/reflex.rs), how
bytes leave (`_bridge_reflex.pxi`). Invariants: the core is told that an order is ready only while
nothing about it is in flight; what the core sent is booked before anybody hears of it and before an
answer can be read, exactly as if `ordering` had sent it; what the core could not cancel is canceled
from here in the same call.

A modification or cancel is journaled right after its bytes left, in the same call: only a
placement has to be queued for the journal first (J2), and no rule places.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from whitewire._bridge import Reactor, now_ns
from whitewire.errors import UsageError
from whitewire.market import Market
from whitewire.protocol.orders import Order, OrderState
from whitewire.reflex_rules import Follow, Pull

if TYPE_CHECKING:
    from whitewire._bridge import ConnectionHandler
    from whitewire.gateway import Gateway
    from whitewire.transport.lane import Lane

__all__ = ["Reflex", "Reflexes", "Rule"]

Rule = Pull | Follow

MAX_RULES = 64
# Not what is being canceled, nor what nobody knows: that is asked about.
WATCHED = frozenset({OrderState.SENT, OrderState.OPEN, OrderState.MODIFYING})


class Reflex:
    """A declared rule: the handle that `gw.reflex` returns.

    Attributes:
        market, rule: as declared.
        is_armed: whether the core acts on it.
        cancels, moves: how many requests the core sent for it.
    """

    __slots__ = ("_orders", "_owner", "bit", "cancels", "is_armed", "market", "moves", "rule")

    def __init__(
        self, owner: Reflexes, market: Market, rule: Rule, orders: set[Order] | None, bit: int
    ) -> None:
        self._owner = owner
        self._orders = orders
        self.market = market
        self.rule = rule
        self.bit = bit
        self.is_armed = True
        self.cancels = self.moves = 0

    @property
    def is_whole(self) -> bool:
        """Whether it covers every order of its side."""
        return self._orders is None

    def covers(self, order: Order) -> bool:
        """Whether the rule concerns an order."""
        if order.market.name != self.market.name or order.side is not self.rule.side:
            return False
        return self._orders is None or order in self._orders

    def watch(self, order: Order) -> None:
        """Adds an order to those that were named when the rule was declared.

        Raises:
            UsageError: the rule covers a whole side, or another market or side than the order's,
                or another `Follow` has the order.
        """
        if self._orders is None:
            raise UsageError(
                "reflex-orders", "the rule covers its whole side", "name orders when you declare it"
            )
        self._owner.name(self, self._orders, (order,))

    def disarm(self) -> None:
        """Ends the rule; harmless when it has ended."""
        self._owner.disarm(self)

    def __repr__(self) -> str:
        state = "armed" if self.is_armed else "disarmed"
        return f"<Reflex {self.market.name} {self.rule} {state}>"


class Reflexes:
    """See the module's documentation; implements the bridge's `ReflexHandler`.

    Args:
        gateway: whose orders.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._core = gateway.engine.reflexes
        self._rules: dict[str, dict[int, Reflex]] = {}  # by market and bit
        self._orders: dict[int, Order] = {}  # those that the core watches, by its name of them
        self._reactor: Reactor | None = None

    def arm(self, market: Market, rule: Rule, orders: Iterable[Order] | None) -> Reflex:
        """Declares a rule (see `Gateway.reflex`)."""
        if not isinstance(rule, Pull | Follow):
            raise UsageError("reflex-rule", f"{rule!r} is no rule", "use Pull or Follow")
        rules = self._rules.get(market.name, {})
        bit = next((bit for bit in range(MAX_RULES) if bit not in rules), None)
        if bit is None:
            raise UsageError(
                "reflex-count", f"{market.name} has {MAX_RULES} rules", "disarm one of them"
            )
        named: set[Order] | None = None if orders is None else set()
        reflex = Reflex(self, market, rule, named, bit)
        for other in rules.values():
            self._refuse_second(reflex, other)
        self._declare(market, bit, rule)
        self._rules[market.name] = rules
        rules[bit] = reflex
        try:
            if named is not None:
                self.name(reflex, named, orders or ())
        except UsageError:
            self.disarm(reflex)
            raise
        self._begin()
        for order in self._gateway.store.open_orders(market.name):
            self.watch(order)
        return reflex

    def name(self, reflex: Reflex, named: set[Order], orders: Iterable[Order]) -> None:
        """Adds orders to those that a rule was declared for."""
        for order in orders:
            if order.market.name != reflex.market.name or order.side is not reflex.rule.side:
                raise UsageError(
                    "reflex-orders",
                    f"{order.client_id} is a {order.side} of {order.market.name}",
                    f"the rule is for {reflex.rule.side} of {reflex.market.name}",
                )
            if order in named:
                continue
            for other in self._rules[reflex.market.name].values():
                if other is not reflex and self._are_follows(reflex, other) and other.covers(order):
                    raise _twice()
            named.add(order)
            self.watch(order)

    @staticmethod
    def _are_follows(one: Reflex, other: Reflex) -> bool:
        return isinstance(one.rule, Follow) and isinstance(other.rule, Follow)

    def _refuse_second(self, reflex: Reflex, other: Reflex) -> None:
        """Two rules that move the same order would move it to and fro."""
        is_whole = reflex.is_whole or other.is_whole
        is_same_side = other.rule.side is reflex.rule.side
        if is_whole and is_same_side and self._are_follows(reflex, other):
            raise _twice()

    def _declare(self, market: Market, bit: int, rule: Rule) -> None:
        is_sell = rule.side == "sell"
        if isinstance(rule, Pull):
            through = None
            if rule.through is not None:
                # compared with whatever rests, be it on today's grid or not
                exact = replace(market, tick_size=1)
                through = exact.price_to_ticks(rule.through, rule.side)
            self._core.pull(market.index, bit, is_sell, through, rule.within_ticks)
        else:
            worst = market.price_to_ticks(rule.worst_price, rule.side)
            self._core.follow(
                market.index,
                bit,
                is_sell,
                rule.opposite,
                rule.distance_ticks,
                rule.tolerance_ticks,
                worst,
            )

    def disarm(self, reflex: Reflex) -> None:
        """Ends a rule; the last one of a market takes its orders with it."""
        if not reflex.is_armed:
            return
        reflex.is_armed = False
        market = reflex.market
        self._core.disarm(market.index, reflex.bit)
        rules = self._rules[market.name]
        del rules[reflex.bit]
        if not rules:
            del self._rules[market.name]
            for key, _, _ in self._core.watched(market.index):
                self._core.unwatch(market.index, key)
                del self._orders[key]

    def _begin(self) -> None:
        """Joins the bridge and the table of orders; once."""
        gateway = self._gateway
        if self._reactor is not None:
            return
        guard = gateway.guard
        self._reactor = Reactor(gateway.allowance.outlet, self)

        def changed(order: Order) -> None:
            guard.order_changed(order)
            self.watch(order)

        gateway.store.changed = changed
        gateway.ordering.on_placed = self.watch

    # ---- what the core is told --------------------------------------------------------------

    def watch(self, order: Order) -> None:
        """Tells the core what is known of an order; call after every fact about it."""
        rules = self._rules.get(order.market.name)
        if rules is None:
            return
        gateway, market = self._gateway, order.market
        key = gateway.guard.number(order)
        if order.is_done:
            if self._orders.pop(key, None) is not None:
                self._core.unwatch(market.index, key)
            return
        self._orders[key] = order
        bits = 0  # an order that no rule asks about still has its part of a level (F1)
        if order.state in WATCHED:
            bits = sum(1 << bit for bit, reflex in rules.items() if reflex.covers(order))
        left, is_due = order.left_lots, order.is_replacement_due
        may_move = not gateway.reducing or gateway.collateral.allows(order, left)
        self._core.watch(
            market.index,
            key,
            order.client_id.encode(),
            order.flags | (order.side == "sell"),
            bits,
            order.price_ticks,
            order.target_ticks if is_due else 0,
            max(left, order.target_lots) if is_due else left,
            order.can_modify and may_move,
        )

    # ---- what the core did ------------------------------------------------------------------

    def on_sent(self, rows: list[tuple[int, int, bool, int, int, int, ConnectionHandler]]) -> None:
        """Books requests in the order in which they left."""
        ordering = self._gateway.ordering
        for key, bit, is_move, price, amount, nonce, handler in rows:
            order = self._orders[key]
            lane = cast("Lane", handler)
            reflex = self._rules[order.market.name][bit]
            if is_move:
                reflex.moves += 1
                ordering.modify_sent(order, price, amount, lane, nonce)
            else:
                reflex.cancels += 1
                ordering.cancel_sent(order, lane, nonce)
        self._gateway.allowance.spent(now_ns())

    def on_left(self, rows: list[tuple[int, int, bool, int, int, int]]) -> None:
        """Does what the core could not: an order with something in flight, no room, no nonce."""
        gateway = self._gateway
        for key, _, is_move, price, amount, _ in rows:
            order = self._orders.get(key)
            if order is None:
                continue  # an earlier row of this frame ended it
            gateway.counts["reflex-left"] += 1
            if not is_move:
                gateway.ordering.cancel(order)
            elif gateway.entry.pick(order, False) is not None:
                gateway.ordering.modify(order, price, amount)


def _twice() -> UsageError:
    return UsageError(
        "reflex-follow-twice",
        "another Follow moves the same orders",
        "disarm it, or name other orders",
    )
