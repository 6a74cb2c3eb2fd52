"""What a strategy declares, through `Reflexes` and the core, against the slow twin."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core_feed import CoreFeed
from tests.order_desk import Recorder
from tests.reflex_twin import Todo, todo
from whitewire import Follow, Market, Order, OrderState, Pull, Side
from whitewire.allowance import Allowance
from whitewire.endpoints import ENDPOINTS
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.order_table import OrderStore
from whitewire.protocol.throttle import Throttle
from whitewire.reflexes import Reflexes

NAME = "BTC_USDT"


class Stand:
    """A gateway as far as `Reflexes` knows one, around a real engine and listener."""

    def __init__(self, tick_size: int) -> None:
        self.feed = CoreFeed((NAME, 2, 3, 100), limits=NO_GRID | {"price_step": tick_size})
        self.engine, self.path = self.feed.engine, self.feed.path
        self.engine.halt(False)
        self.market = Market(NAME, "BTC", "USDT", 2, 3, tick_size)
        self.guard = SimpleNamespace(
            number=lambda order: int(order.client_id[3:]), order_changed=lambda order: None
        )
        self.store = OrderStore("ww-", Recorder())
        self.throttle = Throttle(ENDPOINTS.values(), random.Random(1))
        self.nonces = NonceAllocator()
        self.clock = SimpleNamespace(epoch_ms=lambda now_ns: now_ns // 1_000_000)
        self.found: list[Todo] = []
        self.ordering = SimpleNamespace(on_placed=None, cancel=self.cancel, modify=self.modify)
        self.entry = SimpleNamespace(pick=lambda order, is_cancel: "a lane")
        self.reducing: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.journal = SimpleNamespace(placed=None)
        self.allowance = Allowance(self)  # type: ignore[arg-type]
        self.reflexes = Reflexes(self)  # type: ignore[arg-type]
        self.update_id = 0

    def cancel(self, order: Order) -> None:
        """Without a connection the core leaves all it wants to us."""
        self.found.append(Todo(order, None, Decimal(0)))

    def modify(self, order: Order, ticks: int, lots: int) -> None:
        """As `cancel`."""
        self.found.append(Todo(order, self.market.price(ticks), self.market.amount(lots)))

    def show(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> list[Todo]:
        """A snapshot of (ticks, lots); what the core wants done then."""
        self.update_id += 1
        sides = [
            ",".join(f'["{self.market.price(p):f}","{self.market.amount(n):f}"]' for p, n in rows)
            for rows in (asks, bids)
        ]
        self.feed.feed(
            '{"method":"depth_update","params":[true,{"timestamp":1.5,"update_id":'
            f'{self.update_id},"asks":[{sides[0]}],"bids":[{sides[1]}],"event_time":1.6}},'
            f'"{NAME}"],"id":null}}'
        )
        found, self.found = self.found, []
        return found


NO_GRID = {
    "min_order_lots": 1,
    "max_order_lots": 2**63 - 1,
    "min_notional": 0,
    "max_notional": 2**127 - 1,
    "collar_ppm": 2**32 - 1,
    "max_book_age_ns": 2**63 - 1,
    "price_step": 1,
    "amount_step": 1,
}
SIDES = st.sampled_from(list(Side))
PRICES = st.integers(970, 1030)
TEXTS = PRICES.map(lambda ticks: Decimal(ticks) / 100)
PULLS = st.builds(
    Pull,
    side=SIDES,
    through=st.one_of(TEXTS, TEXTS.map(lambda price: price + Decimal("0.005"))),
    within_ticks=st.one_of(st.none(), st.integers(0, 20)),
)
FOLLOWS = st.builds(
    Follow,
    side=SIDES,
    distance_ticks=st.integers(-15, 25),
    worst_price=TEXTS,
    tolerance_ticks=st.integers(0, 8),
    opposite=st.booleans(),
)
# side, ticks, lots, state, whether one more is in flight, where a modification goes
ORDERS = st.tuples(
    SIDES,
    PRICES,
    st.integers(1, 6),
    st.sampled_from(list(OrderState)),
    st.integers(0, 1),
    st.one_of(st.none(), PRICES),
)


def rows(low: int, high: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Levels of a side, any order."""
    return st.dictionaries(st.integers(low, high), st.integers(1, 8), max_size=6).map(
        lambda found: list(found.items())
    )


def make(stand: Stand, number: int, spec: tuple[Any, ...]) -> Order:
    """An order in the state that was drawn."""
    side, ticks, lots, state, in_flight, target = spec
    order = stand.store.create(stand.market, side, ticks, lots, f"ww-{number:010d}", 1)
    order.state, order.in_flight = state, in_flight
    if state is OrderState.MODIFYING and target is not None:
        order.is_replacement_due, order.target_ticks, order.target_lots = True, target, lots + 1
    return order


def by_order(one: Todo) -> str:
    return one.order.client_id


def decimals(rows: list[tuple[int, int]], market: Market) -> list[tuple[Decimal, Decimal]]:
    return [(market.price(ticks), market.amount(lots)) for ticks, lots in rows]


@settings(deadline=None, max_examples=250)
@given(
    pulled=st.lists(PULLS, max_size=2),
    followed=st.dictionaries(SIDES, FOLLOWS, max_size=2),
    specs=st.lists(ORDERS, max_size=7),
    named=st.sets(st.integers(0, 6)),
    looks=st.lists(st.tuples(rows(980, 1004), rows(1005, 1025)), min_size=1, max_size=3),
    tick_size=st.sampled_from([1, 5]),
)
def test_the_core_does_what_the_rules_say(
    pulled: list[Pull],
    followed: dict[Side, Follow],
    specs: list[tuple[Any, ...]],
    named: set[int],
    looks: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]],
    tick_size: int,
) -> None:
    stand = Stand(tick_size)
    orders = [make(stand, number, spec) for number, spec in enumerate(specs, 1)]
    rules: list[tuple[Pull | Follow, set[Order] | None]] = []
    for rule in (*pulled, *(f for side, f in followed.items() if f.side is side)):
        mine = {orders[at] for at in named if at < len(orders) and orders[at].side is rule.side}
        chosen = None if isinstance(rule, Follow) or not mine else mine
        stand.reflexes.arm(stand.market, rule, chosen)
        rules.append((rule, chosen))
    for bids, asks in looks:
        wanted = todo(rules, orders, decimals(bids, stand.market), decimals(asks, stand.market))
        found = stand.show(sorted(bids, reverse=True), sorted(asks))
        assert [one.price is not None for one in found] == sorted(
            one.price is not None for one in found
        )
        assert sorted(found, key=by_order) == sorted(wanted, key=by_order)


def test_facts_about_an_order_reach_the_core_as_they_come() -> None:
    stand = Stand(1)
    order = make(stand, 1, (Side.BUY, 1000, 3, OrderState.SENT, 1, None))
    reflex = stand.reflexes.arm(stand.market, Pull(side=Side.BUY, within_ticks=5), None)
    watched = stand.engine.reflexes.watched
    assert watched(0) == [(1, 1, False)]
    order.state, order.in_flight = OrderState.OPEN, 0
    stand.store.changed(order)
    assert watched(0) == [(1, 1, True)]
    order.state = OrderState.CANCELING
    stand.store.changed(order)
    assert watched(0) == [(1, 0, False)]
    order.state = OrderState.CANCELED
    stand.store.changed(order)
    assert watched(0) == []
    later = make(stand, 2, (Side.BUY, 1000, 3, OrderState.SENT, 1, None))
    stand.ordering.on_placed(later)
    assert watched(0) == [(2, 1, False)]
    reflex.disarm()
    assert watched(0) == []
    stand.ordering.on_placed(later)
    assert watched(0) == []
