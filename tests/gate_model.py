"""The account's gate once more, by brute force: every verdict from the whole history.

Owns: plain statements of the rules G1 to G14 and of the states, over lists of all that happened.
Must not know: the core. Invariant: nothing is kept up to date that could be counted anew, but the
two that the rules define by their past (the buckets, and the last value of a market without a
mark). A rule named in `off` is not asked: the tests of the tests need a gate that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

FOREVER = 2**63 - 1
PARTS = 32


class Shape(NamedTuple):
    """An order as the gate sees it."""

    market: int
    is_sell: bool
    lots: int
    notional: int
    price: int
    is_open: bool


class FillRow(NamedTuple):
    """One fill."""

    at: int
    market: int
    is_sell: bool
    price: int
    lots: int
    fee: int
    number: int


@dataclass
class Latch:
    """Breaches that have not ended."""

    is_armed: bool
    is_killed: bool = False
    halts: list[tuple[int, bool]] = field(default_factory=list)
    reduces: list[int] = field(default_factory=list)

    def state(self, now: int) -> str:
        """The state at a time."""
        if self.is_killed:
            return "killed"
        if any(now < until for until, _ in self.halts):
            return "halted"
        if not self.is_armed:
            return "disarmed"
        return "reducing" if any(now < until for until in self.reduces) else "active"

    def reset(self) -> None:
        """The owner lifts what is theirs."""
        if not any(is_human for _, is_human in self.halts):
            self.halts.clear()
        self.reduces.clear()

    def rearm(self) -> None:
        """A human lifts everything."""
        self.is_armed = self.is_armed and not self.is_killed
        self.is_killed = False
        self.halts.clear()
        self.reduces.clear()


class Bucket:
    """A debt that time pays off."""

    def __init__(self, interval: int, burst: int) -> None:
        self.interval, self.free = interval, interval * (burst - 1)
        self.debt = self.at = 0

    def _pay(self, now: int) -> None:
        self.debt, self.at = max(0, self.debt - (now - self.at)), now

    def has_token(self, now: int) -> bool:
        """Whether one more is allowed."""
        self._pay(now)
        return self.debt <= self.free

    def take(self, now: int) -> None:
        """Takes one, allowed or not."""
        self._pay(now)
        self.debt = min(self.debt + self.interval, 2 * (self.free + self.interval))


STRICTNESS = ["active", "reducing", "disarmed", "halted", "killed"]


class Model:
    """See the module's documentation.

    Args:
        account, markets, single: limits as the core takes them; the last are of one order.
        off: rules that are not asked.
    """

    def __init__(
        self,
        account: dict[str, int],
        markets: list[dict[str, int]],
        single: dict[str, int],
        off: frozenset[str] = frozenset(),
    ) -> None:
        self.account, self.markets, self.single, self.off = account, markets, single, off
        self.now = 0
        self.latch = Latch(False)
        self.latches = [Latch(True) for _ in markets]
        self.orders: dict[int, Shape] = {}
        self.placed: list[tuple[int, int, bool, int, int]] = []
        self.fills: list[FillRow] = []
        self.given = [0 for _ in markets]
        self.basis2 = [0 for _ in markets]
        self.mids: list[list[tuple[int, int]]] = [[] for _ in markets]
        self.tops: list[tuple[int, int, int] | None] = [None for _ in markets]
        self.marks: list[tuple[int, int] | None] = [None for _ in markets]
        self.unvalued = [0 for _ in markets]
        self.values2 = [0 for _ in markets]
        self.day2 = self.peak2 = 0
        self.rejects: list[int] = []
        self.forgotten_fills = [0 for _ in markets]
        self.forgotten_bursts = [0 for _ in markets]
        self.order_rate = Bucket(account["order_interval_ns"], account["order_burst"])
        self.cancel_rate = Bucket(account["cancel_interval_ns"], account["cancel_burst"])

    # ---- sums -------------------------------------------------------------------------------

    def side(self, market: int, is_sell: bool) -> list[Shape]:
        """The exposures of one side of a market."""
        return [o for o in self.orders.values() if (o.market, o.is_sell) == (market, is_sell)]

    def position(self, market: int) -> int:
        """Lots, the given ones included."""
        rows = [f for f in self.fills if f.market == market]
        return self.given[market] + sum(-f.lots if f.is_sell else f.lots for f in rows)

    def cash2(self, market: int) -> int:
        """Twice the money."""
        rows = [f for f in self.fills if f.market == market]
        flows = [(f.price * f.lots if f.is_sell else -f.price * f.lots) - f.fee for f in rows]
        return 2 * sum(flows) - self.basis2[market]

    def sums(self, market: int, is_sell: bool) -> tuple[int, int, int, int]:
        """As the core's."""
        rows = self.side(market, is_sell)
        prices = [one.price for one in rows if one.is_open]
        best = (min if is_sell else max)(prices, default=0)
        return len(prices), sum(o.lots for o in rows), sum(o.notional for o in rows), best

    @property
    def equity2(self) -> int:
        """Twice the equity, units."""
        return sum(self.values2)

    def totals(self) -> tuple[int, int, int, int, int]:
        """As the core's."""
        notional = sum(o.notional * self.markets[o.market]["weight"] for o in self.orders.values())
        open_orders = sum(o.is_open for o in self.orders.values())
        return open_orders, notional, self.equity2, self.day2, self.peak2

    # ---- what happens -----------------------------------------------------------------------

    def top(self, market: int, bid: int, ask: int) -> None:
        """A new state of the book; 0 for an empty side."""
        self.tops[market] = (bid, ask, self.now)
        if not bid or not ask:
            self.marks[market] = None
            return
        self.marks[market] = (bid + ask, self.now)
        limits, mid = self.markets[market], bid + ask
        part = max(limits["move_window_ns"] // PARTS, 1)
        self.mids[market].append((self.now, mid))
        seen = [m for t, m in self.mids[market] if t // part >= self.now // part - PARTS]
        most = limits["max_move_ppm"]
        if any(abs(mid - m) * 10**6 > most * m for m in seen) and "move" not in self.off:
            self.latches[market].reduces.append(self.now + limits["move_window_ns"])
        self._value(market)

    def reset_feed(self) -> None:
        """All books are stale."""
        self.tops = [None for _ in self.markets]
        self.marks = [None for _ in self.markets]

    def fill(
        self, market: int, is_sell: bool, price: int, lots: int, fee: int, number: int
    ) -> None:
        """One fill."""
        self.fills.append(FillRow(self.now, market, is_sell, price, lots, fee, number))
        limits, mine = self.markets[market], [f for f in self.fills if f.market == market]
        window = limits["fill_window_ns"]
        recent = [f for f in mine[self.forgotten_bursts[market] :] if f.at > self.now - window]
        too_many = len(recent) > limits["max_fills"] and "fills" not in self.off
        too_much = sum(f.lots for f in recent) > limits["max_fill_lots"]
        if too_many or (too_much and "fill-lots" not in self.off):
            self.latches[market].halts.append((self.now + limits["frozen_ns"], False))
        self._check_repeats(market, mine)
        self._value(market)

    def _check_repeats(self, market: int, mine: list[FillRow]) -> None:
        limits, last = self.markets[market], mine[-1]
        window = limits["repeat_window_ns"]
        # An order counts from its first fill on, for a window.
        began: dict[int, FillRow] = {}
        for row in mine[self.forgotten_fills[market] :]:
            known = began.get(row.number)
            if known is None or known.at <= row.at - window:
                began[row.number] = row
        same = [
            f for f in began.values()
            if (f.is_sell, f.price) == (last.is_sell, last.price) and f.at > self.now - window
        ]  # fmt: skip
        is_new = began[last.number] is last
        if is_new and len(same) >= limits["max_repeats"] and "repeats" not in self.off:
            self.latch.halts.append((FOREVER, True))

    def set_position(self, market: int, lots: int) -> None:
        """A position from elsewhere, bought at the mark or the next one."""
        more = lots - self.position(market)
        self.given[market] += more
        self.unvalued[market] += more
        self._value(market)

    def _value(self, market: int) -> None:
        mark = self.marks[market]
        mark2 = mark[0] if mark is not None else 0
        if not mark2 and (self.position(market) or self.unvalued[market]):
            return
        self.basis2[market] += self.unvalued[market] * mark2
        self.unvalued[market] = 0
        value2 = self.cash2(market) + self.position(market) * mark2
        self.values2[market] = value2 * self.markets[market]["weight"]
        self.peak2 = max(self.peak2, self.equity2)
        self._judge_losses()

    def _judge_losses(self) -> None:
        lost, fallen = self.day2 - self.equity2, self.peak2 - self.equity2
        if lost > 2 * self.account["max_loss"] and "loss" not in self.off:
            self.latch.is_killed = True
        if fallen > 2 * self.account["max_drawdown"] and "drawdown" not in self.off:
            self.latch.is_killed = True

    def reject(self) -> None:
        """A refusal of the venue."""
        self.rejects.append(self.now)
        window, most = self.account["reject_window_ns"], self.account["max_rejects"]
        recent = [at for at in self.rejects if at > self.now - window]
        if len(recent) > most and "rejects" not in self.off:
            self.latch.reduces.append(self.now + window)
        if len(recent) > 2 * most and "many-rejects" not in self.off:
            self.latch.halts.append((FOREVER, False))

    def begin_day(self) -> None:
        """The day's loss is counted from here."""
        self.day2 = self.equity2

    def resume_losses(self, day_loss: int, drawdown: int) -> None:
        """The day and the peak go on from an earlier run."""
        self.day2 = self.equity2 + 2 * day_loss
        self.peak2 = self.equity2 + 2 * drawdown
        self._judge_losses()

    def rearm(self) -> None:
        """The human command."""
        self.latch.rearm()
        for market, latch in enumerate(self.latches):
            latch.rearm()
            seen = len([f for f in self.fills if f.market == market])
            self.forgotten_fills[market] = self.forgotten_bursts[market] = seen
        self.rejects.clear()
        self.day2 = self.peak2 = self.equity2

    # ---- the verdict ------------------------------------------------------------------------

    def admit(
        self, market: int, is_sell: bool, price: int, lots: int, number: int, is_change: bool
    ) -> str:
        """The first rule that is broken, or nothing; what passes is counted."""
        before = self.orders.get(number)
        after = Shape(market, is_sell, lots, price * lots, price, True)
        if before is not None:
            nearest = (min if is_sell else max)(price, before.price) if before.is_open else price
            most = max(after.notional, before.notional)
            after = after._replace(lots=lots + before.lots, notional=most, price=nearest)
        for rule, code, is_broken in self._rules(after, before, price, lots):
            if rule not in self.off and is_broken():
                return code
        if before is not None and before.is_open and not is_change:
            return "duplicate"
        self.order_rate.take(self.now)
        self.placed.append((self.now, market, is_sell, price, lots))
        self.orders[number] = after
        return ""

    def _rules(
        self, after: Shape, before: Shape | None, price: int, lots: int
    ) -> Iterator[tuple[str, str, Callable[[], Any]]]:
        market, is_sell, now = after.market, after.is_sell, self.now
        limits, single = self.markets[market], self.single
        state = max(self.latch.state(now), self.latches[market].state(now), key=STRICTNESS.index)
        yield "killed", "killed", lambda: state == "killed"
        yield "halted", "halted", lambda: state in ("disarmed", "halted")
        yield "amount", "amount-too-large", lambda: lots > single["max_order_lots"]
        yield "notional", "notional-too-large", lambda: price * lots > single["max_notional"]
        top = self.tops[market]
        age = single["max_book_age_ns"]
        yield "stale", "stale-book", lambda: top is None or now - top[2] > age
        sides = [p for p in (top[:2] if top else ()) if p]
        yield "reference", "no-reference", lambda: not sides
        middle2 = 2 * sum(sides) // max(len(sides), 1)
        off2 = abs(2 * price - middle2) * 10**6
        yield "collar", "price-collar", lambda: off2 > middle2 * single["collar_ppm"]
        sign = -1 if is_sell else 1
        added = after.lots - (before.lots if before is not None else 0)
        same_side = sum(one.lots for one in self.side(market, is_sell)) + added
        position = sign * self.position(market)
        lessens = same_side <= -position
        yield "reducing", "only-reducing", lambda: state == "reducing" and not lessens
        yield "order-rate", "order-rate", lambda: not self.order_rate.has_token(now)
        yield "cancel-rate", "cancel-rate", lambda: not self.cancel_rate.has_token(now)
        yield (
            "duplicate",
            "duplicate",
            lambda: any(
                at > now - limits["duplicate_ns"] and row == (market, is_sell, price, lots)
                for at, *rest in self.placed
                for row in (tuple(rest),)
            ),
        )
        theirs = [o.price for o in self.side(market, not is_sell) if o.is_open]
        yield (
            "self-cross",
            "self-cross",
            lambda: any(price <= other if is_sell else price >= other for other in theirs),
        )
        yield from self._open_rules(after, before)
        most = limits["max_position"]
        yield "position", "position", lambda: position + same_side > most
        yield (
            "mark",
            "no-mark",
            lambda: (
                not lessens
                and not all(self._is_marked(index) for index in range(len(self.markets)))
            ),
        )

    def _open_rules(
        self, after: Shape, before: Shape | None
    ) -> Iterator[tuple[str, str, Callable[[], Any]]]:
        limits, account = self.markets[after.market], self.account
        is_new = before is None or not before.is_open
        more = after.notional - (before.notional if before is not None else 0)
        mine = self.sums(after.market, after.is_sell)
        other = self.sums(after.market, not after.is_sell)
        counts = {
            "side-orders": (mine[0], limits["max_side_orders"]),
            "market-orders": (mine[0] + other[0], limits["max_open_orders"]),
        }
        money = {
            "side-notional": (mine[2], limits["max_side_notional"]),
            "market-notional": (mine[2] + other[2], limits["max_open_notional"]),
        }
        for rule, (count, most) in counts.items():
            broken = is_new and count + 1 > most
            yield rule, "open-orders", lambda broken=broken: broken
        for rule, (held, most) in money.items():
            broken = more > 0 and held + more > most
            yield rule, "open-notional", lambda broken=broken: broken
        open_orders, notional, *_ = self.totals()
        broken = is_new and open_orders + 1 > account["max_open_orders"]
        yield "account-orders", "open-orders", lambda broken=broken: broken
        held = notional + more * limits["weight"]
        broken = more > 0 and held > account["max_open_notional"]
        yield "account-notional", "open-notional", lambda broken=broken: broken

    def _is_marked(self, market: int) -> bool:
        mark = self.marks[market]
        if self.position(market) == 0:
            return True
        age = self.markets[market]["max_mark_age_ns"]
        return mark is not None and self.now - mark[1] <= age
