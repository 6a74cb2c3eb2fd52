"""The strategy's callbacks: looked up once, called guarded.

Owns: the border between our code and the user's. Must not know: orders, sockets. Invariant: no
exception of the user's code passes this border; the first one of each callback is handed to
`failed`, which pulls the quotes and halts.
"""

from __future__ import annotations

from collections.abc import Callable

from whitewire.strategy import CALLBACKS, Strategy, overridden

__all__ = ["Callbacks"]


def _nothing(*_: object) -> None:
    """Stands for a callback that the strategy does not override."""


class Callbacks:
    """One attribute per callback; those not overridden cost one empty call.

    Args:
        strategy: checked by `strategy.check`.
        failed: called with the callback's name and the exception.
    """

    def __init__(self, strategy: Strategy, failed: Callable[[str, Exception], None]) -> None:
        self._failed = failed
        self.errors = 0
        self._wanted = {name for name in CALLBACKS if overridden(strategy, name) is not None}
        self.on_start = self._guard(strategy, "on_start")
        self.on_book = self._guard(strategy, "on_book")
        self.on_ticker = self._guard(strategy, "on_ticker")
        self.on_trade = self._guard(strategy, "on_trade")
        self.on_order = self._guard(strategy, "on_order")
        self.on_fill = self._guard(strategy, "on_fill")
        self.on_reject = self._guard(strategy, "on_reject")
        self.on_balance = self._guard(strategy, "on_balance")
        self.on_gap = self._guard(strategy, "on_gap")
        self.on_recovered = self._guard(strategy, "on_recovered")
        self.on_connection = self._guard(strategy, "on_connection")
        self.on_kill_switch = self._guard(strategy, "on_kill_switch")
        self.on_timer = self._guard(strategy, "on_timer")
        self.on_stop = self._guard(strategy, "on_stop")

    def wants(self, name: str) -> bool:
        """Whether the strategy overrides a callback."""
        return name in self._wanted

    def _guard(self, strategy: Strategy, name: str) -> Callable[..., None]:
        callback = overridden(strategy, name)
        if callback is None:
            return _nothing

        def guarded(*values: object) -> None:
            try:
                callback(*values)
            except Exception as error:  # the user's code: any exception is handled the same way
                self.errors += 1
                self._failed(name, error)

        return guarded
