"""Types of three classes of `whitewire._core`: what it gates, does and spends by itself.

There is no such module at run time: the names are those of `_core`.
"""

from typing import final

@final
class Reflexes:
    """Rules of each market that act on the frame itself, and our orders as far as they need them.

    A rule has a bit from 0 to 63; `native/src/reflex.rs` says what it means. Prices and distances
    are ticks, amounts lots.
    """

    def pull(
        self, market: int, bit: int, is_sell: bool, through: int | None, within: int | None
    ) -> None:
        """Declares a pull of one side's orders."""

    def follow(
        self, market: int, bit: int, is_sell: bool, is_opposite: bool, distance: int,
        tolerance: int, worst: int,
    ) -> None:  # fmt: skip
        """Declares a follow of one side's orders."""

    def disarm(self, market: int, bit: int) -> None:
        """Ends a rule."""

    def watch(
        self, market: int, key: int, client_id: bytes, flags: int, rules: int, price: int,
        target: int, lots: int, is_ready: bool,
    ) -> None:  # fmt: skip
        """What is known of an order: the bits of the rules that cover it, where it rests, where a
        modification in flight takes it (0: none), most that it may have at either, and whether
        nothing about it is in flight."""

    def unwatch(self, market: int, key: int) -> None:
        """Forgets an order."""

    def watched(self, market: int) -> list[tuple[int, int, bool]]:
        """(key, rules, is_ready) of the orders of a market."""

    @property
    def refused(self) -> int:
        """How many requests became none: the gate refused, or they did not fit."""

@final
class Allowance:
    """Nonces and calls of the throttle that the core may use without asking."""

    def set_nonces(self, first: int, count: int, expires_ns: int) -> None:
        """Replaces the nonces set aside; they are used until `expires_ns`, monotonic."""

    def add_nonces(self, first: int, count: int, expires_ns: int) -> None:
        """Sets further ones aside, for when those that are used now are gone."""

    def set_clock(self, epoch_ms: int, now_ns: int) -> None:
        """What the nonces' own clock says now; by it a cancel signed in advance is fresh or not."""

    def epoch_ms(self, now_ns: int) -> int:
        """The time by that clock, Unix milliseconds."""

    def nonces_left(self, now_ns: int) -> int:
        """How many nonces are left and fresh."""

    def set_quotas(
        self, cancel: tuple[int, ...], modify: tuple[int, ...], place: tuple[int, ...],
        place_collateral: tuple[int, ...],
    ) -> None:  # fmt: skip
        """The throttle's rows of what it may ask for."""

@final
class Guard:
    """The account's gate; times are monotonic ns, units the account's (a market's weight says how
    many its tick times lot is worth)."""

    def limit_account(self, limits: dict[str, int]) -> None:
        """Sets the account's limits by name; what is not named has none.

        Names: max_open_orders, max_open_notional, max_loss, max_drawdown (units),
        order_interval_ns, order_burst, cancel_interval_ns, cancel_burst, max_rejects,
        reject_window_ns.
        """

    def limit_market(self, market: int, limits: dict[str, int]) -> None:
        """Sets a market's limits by name; what is not named has none.

        Names: max_open_orders, max_side_orders, max_open_notional, max_side_notional (ticks times
        lots), max_position (lots), duplicate_ns, max_move_ppm, move_window_ns, max_fills,
        max_fill_lots, fill_window_ns, frozen_ns, max_repeats, repeat_window_ns, max_mark_age_ns,
        weight, may_cross_own.
        """

    def set_order(
        self, market: int, is_sell: bool, sequence: int, lots: int, notional: int,
        price: int, is_open: bool,
    ) -> None:  # fmt: skip
        """What an order may still do (`protocol.exposure`); no lots and not open is done."""

    def on_fill(
        self, market: int, is_sell: bool, price: int, lots: int, fee: int, sequence: int,
        now_ns: int,
    ) -> None:  # fmt: skip
        """Books a fill; the fee in ticks times lots."""

    def on_reject(self, now_ns: int) -> None:
        """Counts a refusal of the venue."""

    def on_cancel(self, now_ns: int) -> None:
        """Counts a cancel, as every cancel of the engine is."""

    def set_position(self, market: int, lots: int) -> None:
        """Takes a position from elsewhere, as if bought at the present mark, or at the next."""

    def begin_day(self) -> None:
        """The day's loss is counted from here."""

    def resume_losses(self, day_loss: int, drawdown: int) -> None:
        """Goes on from an earlier run: the day's loss (negative: profit) and how far equity had
        fallen from its peak, units; kills at once where a limit is exceeded."""

    def halt(self, market: int | None = None, needs_human: bool = False) -> None:
        """HALTED, a market or the account; `needs_human` until `rearm`, else until `reset`."""

    def reduce(self, until_ns: int, market: int | None = None) -> None:
        """REDUCING until then, a market or the account."""

    def kill(self, market: int | None = None) -> None:
        """KILLED, a market or the account, until `rearm`."""

    def reset(self, market: int | None = None) -> None:
        """Lifts what asks for no human."""

    def rearm(self) -> None:
        """A human lifts everything; what was KILLED is DISARMED then."""

    def state(self, now_ns: int, market: int | None = None) -> tuple[str, str]:
        """(state, reason) of the account, or of a market by itself."""

    def take_alarm(self) -> bool:
        """Whether a rule changed a state since this was asked last."""

    def sums(
        self, market: int
    ) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int], int, int]:
        """Of buys and of sells (open orders, lots, notional, best price); position in lots and
        twice the money in ticks times lots, both since the start."""

    def totals(self) -> tuple[int, int, int, int, int]:
        """Open orders, open notional, twice the equity, and what that was at the day's beginning
        and at its peak; units."""

    def admit(
        self, market: int, flags: int, price: int, lots: int, sequence: int, now_ns: int,
        is_change: bool = False,
    ) -> int:  # fmt: skip
        """The whole gate's verdict on an order, 0 or the refusal's number, without a request; what
        passes is counted."""
