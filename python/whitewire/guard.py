"""The gateway's side of the core's gate: what it is told, and what follows from its states.

Owns: reporting orders, fills and refusals to the core; pulling quotes when a state tightens; the
latch file. Must not know: the rules (native/src/gate), how orders are sent. Invariant: every fact
about an order reaches the core before anybody hears of it, and a state that lets less through has
its quotes pulled in the same call in which it is noticed.
"""

from __future__ import annotations

import logging
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from whitewire._bridge import epoch_ms, now_ns
from whitewire.guard_limits import account_limits, account_scale, market_limits
from whitewire.journal.records import Standing
from whitewire.latch import Latch, LatchFile
from whitewire.market import Side
from whitewire.protocol.exposure import counted
from whitewire.protocol.orders import Fill, Order, OrderState, Reject

if TYPE_CHECKING:
    from whitewire.gateway import Gateway

__all__ = ["Guard"]

log = logging.getLogger("whitewire")

DAY_MS = 86_400_000
LOOK_NS = 1_000_000_000
OPEN_STATES = frozenset({"active", "reducing"})
# States from the loosest to the strictest.
STRICTNESS = {"active": 0, "reducing": 1, "disarmed": 2, "halted": 3, "killed": 4}
# A refused post-only order is the market's doing, not a sign of trouble.
HARMLESS = frozenset({"would-take"})
HUMAN = "repeats"
_SELL = Side.SELL  # slow to look up


class Guard:
    """See the module's documentation.

    Args:
        gateway: whose orders, and whose quotes are pulled.

    Attributes:
        file: what survives a restart.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._core = gateway.engine.guard
        self._states: dict[str, str] = {}
        self._others: dict[str, int] = {}  # numbers of orders whose ids end in none
        self._pulled: dict[Order, None] = {}  # canceled here and not yet seen to end
        self._day = epoch_ms() // DAY_MS
        self._next_look_ns = 0
        self._scale = 0
        self._stood = (Decimal(0), Decimal(0))
        self.file = LatchFile(gateway.config.latch_file)

    def set_limits(self) -> None:
        """Hands the configured limits to the core; once, when all markets are known.

        Raises:
            StartupError: they cannot be turned into the core's units.
        """
        markets, config = self._gateway.by_index, self._gateway.config
        self._scale = account_scale(markets, config)
        self._core.limit_account(account_limits(markets, config))
        for market, limits in zip(markets, market_limits(markets, config), strict=True):
            self._core.limit_market(market.index, limits)

    def restore(self) -> None:
        """Takes up what an earlier run left: a KILLED account stays so, and says so."""
        latch = self.file.read()
        said = f"{latch.reason} (an earlier run); whitewire arm makes it startable again"
        if latch.state == "killed":
            log.error("the account is KILLED: %s", said)
            self._core.kill()
            self._core.take_alarm()
            self._states[""] = latch.state
            self._gateway.kill(said)
        if latch.state == "halted":
            log.error("the account is HALTED: %s", said)
            self._core.halt(None, True)
            self._core.take_alarm()
            self._states[""] = latch.state

    # ---- profit across restarts -------------------------------------------------------------

    def resume_losses(self, last: Standing | None) -> None:
        """Goes on from what an earlier session had lost, unless a human armed the account since."""
        armed = self.file.read()
        if last is None or (armed.state == "armed" and armed.at_utc_ms >= last.utc_ms):
            return
        day_loss = last.day_loss if last.day == self._day else Decimal(0)
        self._stood = (day_loss, last.drawdown)
        self._core.resume_losses(
            *(int(money.scaleb(self._scale).to_integral_value(ROUND_CEILING))
              for money in self._stood)
        )  # fmt: skip
        self.poll()

    def note_standing(self) -> None:
        """Records how profit stands where that changed."""
        _, _, equity2, day2, peak2 = self._core.totals()
        half = Decimal("0.5").scaleb(-self._scale)
        stands = ((day2 - equity2) * half, (peak2 - equity2) * half)
        if stands != self._stood:
            self._stood = stands
            self._gateway.journal.standing(Standing(epoch_ms(), self._day, *stands))

    # ---- what the core is told --------------------------------------------------------------

    def order_changed(self, order: Order) -> None:
        """Reports what an order may still do."""
        self._core.set_order(
            order.market.index, order.side is _SELL, self.number(order), *counted(order)
        )

    def number(self, order: Order) -> int:
        """The core's name of an order: the number that ends its id, or one that no id can have."""
        tail = order.client_id[-10:]
        if tail.isascii() and tail.isdigit():
            number = int(tail)
            if number:
                return number
        return self._others.setdefault(order.client_id, 10**10 + len(self._others))

    def set_position(self, market: str, amount: Decimal) -> None:
        """Takes over what an earlier session or the venue says is held; no loss comes of it."""
        where = self._gateway.markets[market]
        lots = amount.scaleb(where.amount_decimals)
        # what the market's lots cannot say counts as one more
        rounding = ROUND_CEILING if lots > 0 else ROUND_FLOOR
        self._core.set_position(where.index, int(lots.to_integral_value(rounding)))

    def on_fill(self, fill: Fill) -> None:
        """Reports a fill, then acts on what it set off."""
        self._core.on_fill(
            fill.market.index,
            fill.side is Side.SELL,
            fill.price_ticks,
            fill.amount_lots,
            self._fee(fill),
            self.number(fill.order),
            now_ns(),
        )
        self.poll()

    def _fee(self, fill: Fill) -> int:
        """The fee in ticks times lots, never less than it was."""
        market = fill.market
        if fill.fee_asset == market.money:
            money = fill.fee
        elif fill.fee_asset == market.stock:
            money = fill.fee * fill.price
        else:
            if fill.fee:
                self._gateway.counts["fees-not-valued"] += 1
            money = Decimal(0)
        scale = market.price_decimals + market.amount_decimals
        return int(money.scaleb(scale).to_integral_value(ROUND_CEILING))

    def on_reject(self, reject: Reject) -> None:
        """Counts a refusal of the venue towards the breaker."""
        if reject.code not in HARMLESS:
            self._core.on_reject(now_ns())
            self.poll()

    # ---- what follows -----------------------------------------------------------------------

    def allows(self, market: str) -> bool:
        """Whether the core's states let any order of a market through."""
        index, now = self._gateway.markets[market].index, now_ns()
        ours, _ = self._core.state(now)
        theirs, _ = self._core.state(now, index)
        return {ours, theirs} <= OPEN_STATES

    def state(self, market: str | None = None) -> tuple[str, str]:
        """State and reason of a market, the account's where that is stricter, or of the account."""
        now = now_ns()
        ours = self._core.state(now)
        if market is None:
            return ours
        theirs = self._core.state(now, self._gateway.markets[market].index)
        return max(ours, theirs, key=lambda found: STRICTNESS[found[0]])

    def reset(self, market: str | None = None) -> None:
        """Lifts what asks for no human: bursts, moves, refusals."""
        self._core.reset(None if market is None else self._gateway.markets[market].index)
        self.poll()

    def poll(self) -> None:
        """Acts on changes of state that the core has to tell."""
        if self._core.take_alarm():
            self._follow()

    def check(self, now: int) -> None:
        """Call about ten times a second: the day, the latch file, and what time has ended."""
        day = epoch_ms() // DAY_MS
        if day != self._day:
            self._day = day
            self._core.begin_day()
        if now >= self._next_look_ns:
            self._next_look_ns = now + LOOK_NS
            self.note_standing()
            if self.file.has_changed() and self.file.read().state == "armed":
                self._rearmed()
        self._core.take_alarm()
        self._follow()
        self._pull_again()

    def _rearmed(self) -> None:
        if self._core.state(now_ns())[0] == "killed":
            log.warning("armed by a human; it was KILLED, so it takes a new start to trade again")
            return
        log.warning("armed by a human; what was halted may trade again")
        self._core.rearm()

    def _follow(self) -> None:
        """Pulls quotes where a state became stricter; remembers what must survive."""
        gateway = self._gateway
        state, reason = self._core.state(now_ns())
        if self._has_tightened("", state, reason):
            if reason == HUMAN or state == "killed":
                self._remember(state, reason)
            self._pull(None)
            if state == "killed":
                gateway.kill(reason)
        for name, market in gateway.markets.items():
            state, reason = self._core.state(now_ns(), market.index)
            if self._has_tightened(name, state, reason):
                self._pull(name)

    def _pull(self, market: str | None) -> None:
        self._pulled.update(dict.fromkeys(self._gateway.store.open_orders(market)))
        self._gateway.cancel_all(market)

    def _pull_again(self) -> None:
        """Repeats cancels that the venue refused: where REDUCING leaves the market open, nobody
        else would."""
        for order in list(self._pulled):
            if order.is_done:
                del self._pulled[order]
            elif order.state is OrderState.OPEN:
                self._gateway.ordering.cancel(order)

    def _has_tightened(self, name: str, state: str, reason: str) -> bool:
        before = self._states.get(name, "active")
        self._states[name] = state
        if reason == "nothing" or state == before:
            return False
        log.error("%s is %s: %s", name or "the account", state.upper(), reason)
        self._gateway.counts[f"gate-{reason}"] += 1
        return STRICTNESS[state] > STRICTNESS[before]

    def _remember(self, state: str, reason: str) -> None:
        kept = Latch(
            state="killed" if state == "killed" else "halted",
            reason=self._gateway.halt_reason if reason == "asked" else reason,
            at_utc_ms=epoch_ms(),
        )
        try:
            self.file.write(kept)
        except OSError as error:
            log.error("%s: %s cannot be remembered: %s", self.file.path, state.upper(), error)
            self._gateway.counts["internal-errors"] += 1
