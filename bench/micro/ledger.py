"""The order table: one order's whole life, and what a reconnect concludes about many.

Owns: the facts of a made-up order. Must not know: how time is taken. Invariant: every order ends
as the facts say, and a recovery concludes something about every order.

There is no rival here that keeps states, unknown outcomes and fills apart; what is printed is our
own cost, and that the cost of a recovery grows with the orders and not faster.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import count

from bench.micro.measure import Case, Ratio, Suite, expect
from bench.micro.native import GateLoop, Library
from whitewire.market import Market, Number, Side
from whitewire.protocol.events import Deal, OrderUpdate
from whitewire.protocol.order_states import OrderState
from whitewire.protocol.order_table import OrderStore
from whitewire.protocol.orders import Order
from whitewire.protocol.pipeline import Request
from whitewire.protocol.reconcile import QUARANTINE_NS, Evidence, Resolve, reconcile
from whitewire.protocol.replies import Ack, OrderReply, RequestKind

__all__ = ["ADMIT", "CHECK", "FEW", "LIFE", "MANY", "TOPS", "gate", "lives", "recoveries"]

LIFE = "create, ack, push, deal, last push"
FEW = "reconcile 100 orders"
MANY = "reconcile 1000 orders"
CHECK = "rules of the single order"
ADMIT = "the whole gate"
TOPS = "a new top of the book"

_MARKET = Market("BTC_USDT", "BTC", "USDT", 2, 6)
_PREFIX = "ww-"
_PRICE, _LOTS = Decimal("60000.00"), Decimal("0.010000")
_ORDERS = 500


class _Nobody:
    """Order actions that no handle of this bench calls."""

    def modify_order(self, order: Order, price: Number | None, amount: Number | None) -> None:
        raise NotImplementedError

    def cancel_order(self, order: Order) -> None:
        raise NotImplementedError


def _store() -> OrderStore:
    return OrderStore(_PREFIX, _Nobody(), keep_finished=100)


def _create(store: OrderStore, number: int) -> Order:
    return store.create(_MARKET, Side.BUY, 6_000_000, 10_000, f"{_PREFIX}{number:010d}", 1)


def _reply(order: Order, venue_id: int) -> OrderReply:
    return OrderReply(
        venue_id=venue_id,
        market=_MARKET.name,
        amount=_LOTS,
        left=_LOTS,
        client_id=order.client_id,
        side="buy",
        type="limit",
        price=_PRICE,
        status="OPEN",
        timestamp=Decimal("1785730136.5"),
    )


def _push(order: Order, venue_id: int, event: int, left: str, money: str) -> OrderUpdate:
    done = str(_LOTS - Decimal(left))
    texts = (str(_PRICE), str(_LOTS), left, done, money, "0.6" if event == 3 else "0")
    status = "FILLED" if event == 3 else "OPEN"
    return OrderUpdate(
        event,
        venue_id,
        _MARKET.name,
        1,
        2,
        True,
        False,
        False,
        1_785_730_136_500_000_000,
        1_785_730_136_500_000_000,
        *texts,
        order.client_id,
        status,
        "cn",
        "USDT",
    )


def _live(store: OrderStore, number: int) -> Order:
    """An order that is placed, acknowledged, pushed and filled, in that order."""
    order, venue_id = _create(store, number), 10 + number
    name, price, lots = _MARKET.name, str(_PRICE), str(_LOTS)
    store.on_place_reply(order, Ack(_reply(order, venue_id)), 2)
    store.apply_update(_push(order, venue_id, 1, lots, "0"), 3)
    fields = (name, venue_id, price, lots, "0.6", order.client_id, 2, 1, "USDT")
    store.apply_deal(Deal(venue_id, 1_785_730_136_500_000_000, *fields))
    store.apply_update(_push(order, venue_id, 3, "0", "600"), 4)
    return order


def lives() -> Suite:
    """An order's life in the table."""
    store, numbers = _store(), count()

    def run(repetitions: int) -> None:
        for _ in range(repetitions):
            _live(store, next(numbers))

    def check() -> None:
        order = _live(store, next(numbers))
        expect(order.state is OrderState.FILLED, f"the order ended {order.state}")
        expect(order.filled == _LOTS, f"{order.filled} of it was filled")
        expect(order.fee == {"USDT": Decimal("0.6")}, f"its fee is {order.fee}")
        expect(store.open_count == 0 and not store.illegal, "the table is not at rest")

    return Suite("the life of an order: five facts", "order", [Case(LIFE, run, check)], [])


def _recovery(name: str, orders: int) -> Case:
    """Placements of which nobody knows: half of them rest, the others never arrived."""
    store = _store()
    for number in range(orders):
        order = _create(store, number)
        store.on_lost(Request(RequestKind.PLACE, (order,)), 2)
    known = store.recent()
    active = [_reply(order, number) for number, order in enumerate(known) if number % 2]
    asked = dict.fromkeys((order.client_id for order in known), ())
    evidence = Evidence(active, (), {}, {}, QUARANTINE_NS + 10, asked)

    def conclude() -> list[object]:
        return [*reconcile(known, evidence, prefix=_PREFIX)]

    def run(repetitions: int) -> None:
        for _ in range(repetitions):
            conclude()

    def check() -> None:
        actions = [action for action in conclude() if isinstance(action, Resolve)]
        expect(len(actions) == orders, f"{len(actions)} of {orders} orders were concluded")
        resting = sum(action.reply is not None for action in actions)
        expect(resting == orders // 2, f"{resting} of {orders} orders rest")

    return Case(name, run, check, items=orders)


def recoveries() -> Suite:
    """What a reconnect concludes, by the number of orders."""
    cases = [_recovery(MANY, 1000), _recovery(FEW, 100)]
    ratio = Ratio(MANY, FEW, at_most=1.3)
    return Suite("reconcile after a reconnect, per order", "order", cases, [ratio])


def gate(library: Library) -> Suite:
    """The native gate: one order with every rule at work."""
    loop = GateLoop(library)

    def admit(passes: int) -> None:
        for _ in range(passes):
            loop.admit(_ORDERS)
            loop.release()

    cases = [
        Case(ADMIT, admit, lambda: admit(1), items=_ORDERS),
        Case(CHECK, lambda n: loop.check(n * _ORDERS), lambda: loop.check(1), items=_ORDERS),
        Case(TOPS, lambda n: loop.tops(n * _ORDERS), lambda: loop.tops(1), items=_ORDERS),
    ]
    return Suite("the gate, native loop", "order", cases, [Ratio(ADMIT, CHECK)])
