"""The core's gate against a model by brute force, and the model against a gate with a rule off."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.core_feed import NO_LIMITS, new_engine
from tests.gate_model import Model, Shape
from whitewire import _core

MARKETS = ("AAA_USDT", "BBB_USDT")
CODES = {number: code for number, code, _ in _core.refusals()} | {0: ""}
SINGLE = {"max_order_lots": 8, "max_notional": 850, "collar_ppm": 100_000, "max_book_age_ns": 900}
ACCOUNT = {
    "max_open_orders": 7, "max_open_notional": 5_000, "max_loss": 200, "max_drawdown": 240,
    "order_interval_ns": 20, "order_burst": 4, "cancel_interval_ns": 30, "cancel_burst": 3,
    "max_rejects": 3, "reject_window_ns": 200,
}  # fmt: skip
EACH = {
    "max_open_orders": 5, "max_side_orders": 3, "max_open_notional": 2_500,
    "max_side_notional": 1_700, "max_position": 22, "duplicate_ns": 50, "max_move_ppm": 60_000,
    "move_window_ns": 320, "max_fills": 4, "max_fill_lots": 14, "fill_window_ns": 100,
    "frozen_ns": 150, "max_repeats": 3, "repeat_window_ns": 400, "max_mark_age_ns": 600,
    "may_cross_own": 0,
}  # fmt: skip
LIMITS = [EACH | {"weight": 1}, EACH | {"weight": 2}]


def core_limits(limits: dict[str, int]) -> dict[str, Any]:
    """As the core takes them: what is a truth is a bool."""
    return limits | {"may_cross_own": bool(limits["may_cross_own"])}


class Pair:
    """The core's gate and the model, told the same.

    Args:
        off: rules that the model does not ask.
    """

    def __init__(self, off: frozenset[str] = frozenset()) -> None:
        self.engine = new_engine(key="k", secret="s")
        for name in MARKETS:
            self.engine.add_market(name, 0, 0, 100, NO_LIMITS | SINGLE)
        self.core = self.engine.guard
        self.core.limit_account(ACCOUNT)
        for market, limits in enumerate(LIMITS):
            self.core.limit_market(market, core_limits(limits))
        self.model = Model(ACCOUNT, LIMITS, SINGLE, off)
        self.number = self.update = 0
        self.reset_feed()
        self.engine.halt(False)
        self.model.latch.is_armed = True

    def wait(self, time: int) -> None:
        self.model.now += time

    def top(self, market: int, bid: int, ask: int) -> None:
        self.update += 1
        asks, bids = (f'[["{p}","1"]]' if p else "[]" for p in (ask, bid))
        frame = (
            f'{{"method":"depth_update","params":[true,{{"timestamp":1.5,"update_id":{self.update}'
            f',"asks":{asks},"bids":{bids},"event_time":1.6}},"{MARKETS[market]}"],"id":null}}'
        )
        assert self.engine.on_frame(frame.encode(), self.model.now) == 1
        self.model.top(market, bid, ask)

    def reset_feed(self) -> None:
        self.engine.reset_feed()
        self.model.reset_feed()

    def place(self, market: int, is_sell: bool, price: int, lots: int) -> None:
        self.number += 1
        self._admit(market, is_sell, price, lots, self.number, False)

    def change(self, which: int, price: int, lots: int) -> None:
        number, one = self.pick(which)
        self._admit(one.market, one.is_sell, price, lots, number, True)

    def _admit(
        self, market: int, is_sell: bool, price: int, lots: int, number: int, is_change: bool
    ) -> None:
        flags = int(is_sell) | 2 << 4
        now = self.model.now
        code = CODES[self.core.admit(market, flags, price, lots, number, now, is_change)]
        assert code == self.model.admit(market, is_sell, price, lots, number, is_change)

    def pick(self, which: int) -> tuple[int, Shape]:
        numbers = [n for n, one in self.model.orders.items() if one.is_open]
        number = numbers[which % len(numbers)]
        return number, self.model.orders[number]

    def _set(self, number: int, one: Shape) -> None:
        """What the table of orders says of an order."""
        self.core.set_order(
            one.market, one.is_sell, number, one.lots, one.notional, one.price, one.is_open
        )
        self.model.orders[number] = one
        if not one.lots and not one.is_open:
            del self.model.orders[number]

    def fill(self, which: int, lots: int, fee: int) -> None:
        """A fill, and the order that is less by it, or done."""
        number, one = self.pick(which)
        lots = min(lots, one.lots)
        left = one.lots - lots
        self._set(number, one._replace(lots=left, notional=one.price * left, is_open=left > 0))
        now = self.model.now
        self.core.on_fill(one.market, one.is_sell, one.price, lots, fee, number, now)
        self.model.fill(one.market, one.is_sell, one.price, lots, fee, number)

    def finish(self, which: int, unbooked: int) -> None:
        """Canceled, or filled by a deal that has not come."""
        number, one = self.pick(which)
        lots = min(unbooked, one.lots)
        self._set(number, one._replace(lots=lots, notional=0, is_open=False))

    def book(self) -> None:
        """The deals come of the orders that are done."""
        for number, one in list(self.model.orders.items()):
            if not one.is_open:
                self._set(number, one._replace(lots=0))
                now = self.model.now
                self.core.on_fill(one.market, one.is_sell, one.price, one.lots, 0, number, now)
                self.model.fill(one.market, one.is_sell, one.price, one.lots, 0, number)

    def cancel(self) -> None:
        self.core.on_cancel(self.model.now)
        self.model.cancel_rate.take(self.model.now)

    def reject(self) -> None:
        self.core.on_reject(self.model.now)
        self.model.reject()

    def owner(self, what: str, market: int | None) -> None:
        """Halts, resets, disarms and arms."""
        latch = self.model.latch if market is None else self.model.latches[market]
        if what == "halt":
            self.core.halt(market)
            latch.halts.append((2**63 - 1, False))
        elif what == "reset":
            self.core.reset(market)
            latch.reset()
        elif what == "rearm":
            self.core.rearm()
            self.model.rearm()
        else:
            latch.is_armed = what == "arm"
            if market is None:
                self.engine.halt(what != "arm")
            else:
                self.engine.halt_market(market, what != "arm")

    def begin_day(self) -> None:
        self.core.begin_day()
        self.model.begin_day()

    def resume_losses(self, day_loss: int, drawdown: int) -> None:
        self.core.resume_losses(day_loss, drawdown)
        self.model.resume_losses(day_loss, drawdown)

    def set_position(self, market: int, lots: int) -> None:
        self.core.set_position(market, lots)
        self.model.set_position(market, lots)

    def compare(self) -> None:
        """Everything that both can tell."""
        model, now = self.model, self.model.now
        for market, latch in enumerate(model.latches):
            buys, sells, position, cash2 = self.core.sums(market)
            assert (buys, sells) == (model.sums(market, False), model.sums(market, True))
            assert position == model.position(market)
            assert cash2 == model.cash2(market)
            assert self.core.state(now, market)[0] == latch.state(now)
        assert self.core.totals() == model.totals()
        assert self.core.state(now)[0] == model.latch.state(now)


PRICES = st.integers(88, 112)
LOTS = st.integers(1, 9)
WHICH = st.integers(0, 20)
MARKET = st.sampled_from([0, 1])


class GateMachine(RuleBasedStateMachine):
    """Anything in any order; the core and the model say the same."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()

    @rule(time=st.sampled_from([1, 7, 19, 20, 50, 99, 100, 200, 500]))
    def wait(self, time: int) -> None:
        self.pair.wait(time)

    @rule(market=MARKET, bid=st.integers(94, 104), spread=st.integers(1, 4))
    def top(self, market: int, bid: int, spread: int) -> None:
        self.pair.top(market, bid, bid + spread)

    @rule(market=MARKET, sides=st.sampled_from([(0, 101), (99, 0), (0, 0)]))
    def thin(self, market: int, sides: tuple[int, int]) -> None:
        self.pair.top(market, *sides)

    @rule()
    def reset_feed(self) -> None:
        self.pair.reset_feed()

    @rule(market=MARKET, is_sell=st.booleans(), price=PRICES, lots=LOTS)
    def place(self, market: int, is_sell: bool, price: int, lots: int) -> None:
        self.pair.place(market, is_sell, price, lots)

    @precondition(lambda self: any(o.is_open for o in self.pair.model.orders.values()))
    @rule(which=WHICH, price=PRICES, lots=LOTS)
    def change(self, which: int, price: int, lots: int) -> None:
        self.pair.change(which, price, lots)

    @precondition(lambda self: any(o.is_open for o in self.pair.model.orders.values()))
    @rule(which=WHICH, lots=LOTS, fee=st.integers(-2, 5))
    def fill(self, which: int, lots: int, fee: int) -> None:
        self.pair.fill(which, lots, fee)

    @precondition(lambda self: any(o.is_open for o in self.pair.model.orders.values()))
    @rule(which=WHICH, unbooked=st.integers(0, 3))
    def finish(self, which: int, unbooked: int) -> None:
        self.pair.finish(which, unbooked)

    @rule()
    def book(self) -> None:
        self.pair.book()

    @rule()
    def cancel(self) -> None:
        self.pair.cancel()

    @rule()
    def reject(self) -> None:
        self.pair.reject()

    @rule(
        what=st.sampled_from(["halt", "reset", "rearm", "arm", "disarm"]),
        market=st.sampled_from([None, 0, 1]),
    )
    def owner(self, what: str, market: int | None) -> None:
        self.pair.owner(what, market)

    @rule()
    def begin_day(self) -> None:
        self.pair.begin_day()

    @rule(day_loss=st.integers(-9_000, 9_000), drawdown=st.integers(0, 9_000))
    def resume_losses(self, day_loss: int, drawdown: int) -> None:
        self.pair.resume_losses(day_loss, drawdown)

    @rule(market=MARKET, lots=st.integers(-12, 12))
    def set_position(self, market: int, lots: int) -> None:
        self.pair.set_position(market, lots)

    @invariant()
    def same(self) -> None:
        self.pair.compare()


TestGateMachine = GateMachine.TestCase
TestGateMachine.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


# ---- a gate with a rule off is noticed ------------------------------------------------------


def step(pair: Pair, rng: random.Random) -> None:
    """One thing of chance; a trader's day more than a clock's."""
    market, is_sell = rng.randrange(2), rng.random() < 0.5
    has_open = any(one.is_open for one in pair.model.orders.values())
    what = rng.choices(
        ["wait", "top", "place", "change", "fill", "finish", "book", "cancel", "reject", "heal",
         "thin", "position", "day", "blind"],
        [20, 14, 40, 8, 14, 8, 4, 2, 3, 5, 1, 1, 1, 0.3],
    )[0]  # fmt: skip
    if what == "wait":
        pair.wait(rng.choice([1, 5, 20, 50, 100, 400]))
    elif what in ("top", "heal"):
        bid = rng.choice([95, 97, 98, 99, 99, 100, 100, 101, 102, 104])
        pair.top(market, bid, bid + rng.randint(1, 2))
        if what == "heal" and rng.random() < 0.5:
            pair.owner("rearm", None)
            pair.owner("arm", None)
    elif what == "place":
        away = rng.choice([0, 1, 1, 2, 3, 9, 12])
        price = 101 + away if is_sell else 99 - away
        pair.place(market, is_sell, price, rng.choice([1, 2, 3, 5, 8, 8, 8, 9]))
    elif what == "change" and has_open:
        pair.change(rng.randrange(20), rng.randint(92, 108), rng.randint(1, 8))
    elif what == "fill" and has_open:
        pair.fill(rng.randrange(20), rng.choice([1, 2, 8]), rng.randint(-1, 4))
    elif what == "finish" and has_open:
        pair.finish(rng.randrange(20), rng.choice([0, 0, 2]))
    elif what == "book":
        pair.book()
    elif what == "cancel":
        for _ in range(rng.randint(1, 4)):
            pair.cancel()
    elif what == "reject":
        for _ in range(rng.randint(1, 5)):
            pair.reject()
    elif what == "thin":
        pair.top(market, *rng.choice([(99, 0), (0, 101), (0, 0)]))
    elif what == "position":
        pair.set_position(market, rng.randint(-8, 8))
    elif what == "day":
        pair.begin_day()
    elif what == "blind":
        pair.reset_feed()


def differs(off: frozenset[str], seeds: range) -> bool:
    """Whether some day of chance tells the core from a model without these rules."""
    for seed in seeds:
        rng, pair = random.Random(seed), Pair(off)
        try:
            for _ in range(400):
                step(pair, rng)
                pair.compare()
        except AssertionError:
            return True
    return False


RULES = (
    "killed", "halted", "amount", "notional", "stale", "reference", "collar", "reducing",
    "order-rate", "cancel-rate", "duplicate", "self-cross", "side-orders", "market-orders",
    "side-notional", "market-notional", "account-orders", "account-notional", "position", "mark",
    "move", "fills", "fill-lots", "repeats", "loss", "drawdown", "rejects", "many-rejects",
)  # fmt: skip


def test_days_of_chance_are_the_models() -> None:
    assert not differs(frozenset(), range(12))


@pytest.mark.parametrize("off", RULES)
def test_a_gate_without_a_rule_is_noticed(off: str) -> None:
    assert differs(frozenset({off}), range(40))
