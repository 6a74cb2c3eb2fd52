"""The simulated market: makers who keep a book around a wandering price, and takers who hit it.

Owns: the fair price, the makers' ladder and the timing of everything they do. Must not know: user
orders, or the clock; it is told which of its actions is due. Invariant: the random draws of an
action are the same whatever anybody else has done, so users change what they meet, not the market.

Rules:
    T1  Everything is counted in whole ticks and lots; the fair price in thousandths of a tick.
    T2  Each action draws all its numbers before it acts, always the same ones in the same order.
    T3  Makers give way to makers: a quote that crosses older quotes of theirs cancels them, one
        that crosses a user's quote trades with it.
    T4  Near the touch quotes are small and short-lived; deeper ones are larger and renewed in
        turn, so that a depth of a hundred levels is always there.
    T5  A taker takes what is best, a few price steps deep at most, and leaves nothing behind.
    T6  A cascade is a run of large takers on one side who push the fair price ahead of them.
"""

from __future__ import annotations

import math
import random
from decimal import Decimal

from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.engine import Engine
from whitewire.venue.engine.matching import NewOrder
from whitewire.venue.trader_options import TraderOptions
from whitewire.venue.values.model import AccountSpec, MarketSpec, Order, OrderType, Side, Stp
from whitewire.venue.values.money import multiply

_FINE = 1_000  # T1
_SLOTS = 200
_NEAR_SLOTS = 12
_MAKER_UNITS = (1, 2, 2, 3, 5, 8, 13, 20)
_TAKER_UNITS = (1, 1, 1, 2, 2, 3, 5, 8, 20)
_SHORTEST_PAUSE_S = 0.005
_FUNDS = Decimal(10) ** 15

MAKER_NAME = "simulated-makers"
TAKER_NAME = "simulated-takers"


def trader_accounts(assets: tuple[str, ...]) -> tuple[AccountSpec, AccountSpec]:
    """The makers' and the takers' accounts, with more funds than they can use."""
    balances = dict.fromkeys(assets, _FUNDS)
    return (
        AccountSpec(name=MAKER_NAME, key="", secret="", balances=balances, is_internal=True),
        AccountSpec(name=TAKER_NAME, key="", secret="", balances=balances, is_internal=True),
    )


class Traders:
    """The simulated flow of one market.

    Attributes:
        market: its name.
    """

    def __init__(
        self,
        spec: MarketSpec,
        engine: Engine,
        makers: Account,
        takers: Account,
        *,
        seed: int,
        now: float,
        options: TraderOptions | None = None,
    ) -> None:
        """Fills the book.

        Args:
            now: epoch seconds; the first actions follow shortly after.
            options: how they behave; calmly, if not given.
        """
        self.market = spec.name
        self._spec = spec
        self._options = options or TraderOptions()
        self._engine = engine
        self._makers = makers
        self._takers = takers
        self._random = random.Random(f"{seed}:{spec.name}")
        self._reference = int(spec.reference_price / spec.tick_size) * _FINE
        self._fair = self._reference
        self._drift = 0
        # A fifty-thousandth of the price, 0.2 basis points, separates two levels at the touch.
        self._spacing = max(1, self._reference // _FINE // 50_000)
        calm_stride = max(1, self._reference // 40_000)
        self._stride = calm_stride * self._options.volatility_percent // 100
        self._trend = calm_stride * self._options.drift_percent // 100
        self._unit_lots = _unit_lots(spec)
        self._slots: dict[Side, list[Order | None]] = {
            side: [None] * _SLOTS for side in (Side.BUY, Side.SELL)
        }
        self._turn = 0
        for index in range(_SLOTS):
            for side in (Side.BUY, Side.SELL):
                self._quote(side, index, self._draw_jitter(), self._draw_lots(index), now)
        self._maker_due = self._draw_maker_due(now)
        self._taker_due = self._draw_taker_due(now)
        self._cascade_due = self._draw_cascade_due(now)
        self._cascade_left = 0
        self._cascade_side = Side.SELL

    def next_due(self) -> float:
        """When the next action is due, epoch seconds."""
        return min(self._maker_due, self._taker_due, self._cascade_due)

    def skip_to(self, now: float) -> None:
        """Puts off what was due before `now` without doing it."""
        self._maker_due = max(self._maker_due, now)
        self._taker_due = max(self._taker_due, now)
        self._cascade_due = max(self._cascade_due, now)

    def act(self) -> None:
        """Does the next action, at exactly the time when it is due."""
        if self._cascade_due < min(self._maker_due, self._taker_due):
            self._cascade(self._cascade_due)
        elif self._maker_due <= self._taker_due:
            now = self._maker_due
            self._maker_due = self._draw_maker_due(now)
            self._make(now)
        else:
            now = self._taker_due
            self._taker_due = self._draw_taker_due(now)
            self._take(now)

    def _make(self, now: float) -> None:
        """Moves the fair price, renews a quote near the touch and the next one in turn (T4)."""
        draw = self._random
        step = draw.randint(-self._stride, self._stride)
        jumps = self._options.jump_levels
        jump_die, jump = draw.randrange(self._options.jump_odds), draw.randint(-jumps, jumps)
        drift_die, drift = draw.randrange(self._options.drift_change_odds), draw.randint(-1, 1)
        near_side = Side.BUY if draw.getrandbits(1) else Side.SELL
        near = min(draw.randrange(_NEAR_SLOTS), draw.randrange(_NEAR_SLOTS))
        near_jitter, near_lots = self._draw_jitter(), self._draw_lots(near)
        side = Side.BUY if self._turn % 2 else Side.SELL
        index = self._turn // 2
        jitter, lots = self._draw_jitter(), self._draw_lots(index)  # T2

        if drift_die == 0:
            self._drift = drift * self._stride // 20
        if jump_die == 0:
            step += jump * self._spacing * _FINE
        self._move_fair(step + self._drift + self._trend)
        self._turn = (self._turn + 1) % (2 * _SLOTS)
        self._quote(near_side, near, near_jitter, near_lots, now)
        self._quote(side, index, jitter, lots, now)

    def _move_fair(self, change: int) -> None:
        """Within half and double of the reference the price wanders freely."""
        fair = self._fair + change
        self._fair = min(max(fair, self._reference // 2), self._reference * 2)

    def _quote(self, side: Side, index: int, jitter: int, lots: int, now: float) -> None:
        old = self._slots[side][index]
        if old is not None and not old.is_finished:
            self._engine.cancel(old, now)
        # Half a spread from the fair price, then one level for each slot, sparser with depth.
        steps = index + index * index // 64
        distance = self._spacing // 2 + 1 + steps * self._spacing + jitter
        fair = self._fair // _FINE
        ticks = fair - distance if side is Side.BUY else fair + distance
        new = self._order(self._makers, side, max(1, ticks), lots, is_maker=True)
        self._slots[side][index] = self._engine.submit(new, now)

    def _take(self, now: float) -> None:
        draw = self._random
        side = self._draw_taker_side()
        units = draw.choice(_TAKER_UNITS)
        lots = self._unit_lots * units * draw.randint(50, 150) // 100  # T2
        lots = lots * self._options.taker_size_percent // 100
        self._hit(side, max(self._unit_lots, lots), self._options.taker_reach_levels, now)  # T5

    def _cascade(self, now: float) -> None:
        """The next large taker of a run, or the first one of a new run (T6)."""
        options = self._options
        percent = self._random.randint(50, 150)
        sell_die = self._random.randrange(100)  # T2
        if self._cascade_left == 0:
            self._cascade_left = options.cascade_takers
            is_sell = sell_die < options.cascade_sells_percent
            self._cascade_side = Side.SELL if is_sell else Side.BUY
        self._cascade_left -= 1
        levels = options.cascade_levels
        lots = self._unit_lots * _TAKER_UNITS[-1] * percent // 100
        lots = max(self._unit_lots, lots * options.cascade_size_percent // 100)
        self._hit(self._cascade_side, lots, options.taker_reach_levels + levels, now)
        push = levels * self._spacing * _FINE
        self._move_fair(push if self._cascade_side is Side.BUY else -push)
        if self._cascade_left:
            self._cascade_due = round(now + options.cascade_pause_s, 6)
        else:
            self._cascade_due = self._draw_cascade_due(now)

    def _hit(self, side: Side, lots: int, levels: int, now: float) -> None:
        reach = levels * self._spacing
        fair = self._fair // _FINE
        ticks = fair + reach if side is Side.BUY else fair - reach
        self._engine.submit(
            self._order(self._takers, side, max(1, ticks), lots, is_maker=False), now
        )

    def _order(
        self, account: Account, side: Side, ticks: int, lots: int, *, is_maker: bool
    ) -> NewOrder:
        return NewOrder(
            account=account,
            spec=self._spec,
            side=side,
            type=OrderType.LIMIT,
            amount=multiply(Decimal(lots), self._spec.step_size),
            price=multiply(Decimal(ticks), self._spec.tick_size),
            stp=Stp.CANCEL_OLD if is_maker else Stp.NO,  # T3
            ioc=not is_maker,
            product=self._spec.plain_product,
        )

    def _draw_jitter(self) -> int:
        return self._random.randrange(self._spacing)

    def _draw_lots(self, index: int) -> int:
        units = self._random.choice(_MAKER_UNITS)
        percent = self._random.randint(60, 140)
        depth = 2 + index // 2
        lots = self._unit_lots * units * depth * percent // 200
        return max(self._unit_lots, lots * self._options.maker_size_percent // 100)

    def _draw_maker_due(self, now: float) -> float:
        shortest, longest = self._options.maker_pause_min_s, self._options.maker_pause_max_s
        return round(now + self._random.uniform(shortest, longest), 6)

    def _draw_taker_due(self, now: float) -> float:
        pause_s = max(_SHORTEST_PAUSE_S, self._random.expovariate(self._options.takers_per_s))
        return round(now + pause_s, 6)

    def _draw_taker_side(self) -> Side:
        buyers = self._options.buyers_percent
        if buyers == 50:
            buys = self._random.getrandbits(1) == 1
        else:
            buys = self._random.randrange(100) < buyers
        return Side.BUY if buys else Side.SELL

    def _draw_cascade_due(self, now: float) -> float:
        """When the next run starts; without cascades never, and nothing is drawn."""
        if not self._options.cascades_per_min:
            return math.inf
        pause_s = self._random.expovariate(self._options.cascades_per_min / 60)
        return round(now + pause_s, 6)


def _unit_lots(spec: MarketSpec) -> int:
    """The size that orders are multiples of: four times the least total, in lots."""
    lot_value = multiply(spec.reference_price, spec.step_size)
    least_lots = spec.min_amount / spec.step_size
    return int(max(4 * spec.min_total / lot_value, 2 * least_lots)) + 1
