"""The strategy's callbacks: looked up once, called guarded.

Owns: the border between our code and the user's. Must not know: orders, sockets. Invariants: no
exception of the user's code passes this border, each is handed to `failed`, which pulls the quotes
and halts; nothing is called before `open` or after `close`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from whitewire._bridge import Guarded
from whitewire.strategy import CALLBACKS, Strategy, overridden

if TYPE_CHECKING:
    from whitewire._core import Book
    from whitewire.gateway import Gateway
    from whitewire.protocol.expected import Drift
    from whitewire.protocol.fees import FeeSurprise, MarketFees
    from whitewire.protocol.order_table import OrderNotice
    from whitewire.protocol.orders import Fill, Order, Reject
    from whitewire.protocol.positions import Position
    from whitewire.strategy import Balance, Gap, Limit, Recovered, Ticker, Trade

__all__ = ["Callbacks"]


def _nothing(*_: object) -> None:
    """Stands for a callback that the strategy does not override."""


class Callbacks:
    """One attribute per callback; those not overridden cost one empty call.

    Args:
        strategy: checked by `strategy.check`.
        failed: called with the callback's name and the exception.

    Attributes:
        errors: how many exceptions the user's code raised.
        is_open: whether the strategy is called.
    """

    on_start: Callable[[Gateway], None]
    on_book: Callable[[Book], None]
    on_ticker: Callable[[Ticker], None]
    on_trade: Callable[[Trade], None]
    on_order: Callable[[Order, OrderNotice], None]
    on_fill: Callable[[Fill], None]
    on_reject: Callable[[Order, Reject], None]
    on_balance: Callable[[Balance], None]
    on_drift: Callable[[Drift], None]
    on_fees: Callable[[MarketFees, FeeSurprise | None], None]
    on_position: Callable[[Position], None]
    on_gap: Callable[[Gap], None]
    on_recovered: Callable[[Recovered], None]
    on_connection: Callable[[str, str], None]
    on_limit: Callable[[Limit], None]
    on_kill_switch: Callable[[str, str], None]
    on_timer: Callable[[int], None]
    on_stop: Callable[[Gateway, str], None]

    def __init__(self, strategy: Strategy, failed: Callable[[str, Exception], None]) -> None:
        self._strategy = strategy
        self._failed = failed
        self.errors = 0
        self.close()

    def open(self) -> None:
        """From now on the strategy is called."""
        self.is_open = True
        for name in CALLBACKS:
            setattr(self, name, self._guard(overridden(self._strategy, name), name))

    def close(self) -> None:
        """From now on it is not."""
        self.is_open = False
        for name in CALLBACKS:
            setattr(self, name, _nothing)

    def wants(self, name: str) -> bool:
        """Whether the strategy overrides a callback."""
        return overridden(self._strategy, name) is not None

    def _guard(self, callback: Callable[..., None] | None, name: str) -> Callable[..., None]:
        if callback is None:
            return _nothing

        return Guarded(callback, name, self._raised)

    def _raised(self, name: str, error: Exception) -> None:
        self.errors += 1
        self._failed(name, error)
