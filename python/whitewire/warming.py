"""The way of a tick and its order, gone again and again while nothing happens.

Owns: what is called, and a strategy that hears of it and does nothing. Must not know: when there is
time for it (see the bridge's `Spinner`). Invariant: nothing is placed, recorded, counted or told.

Caches forget a way that nothing took for milliseconds, and ticks are farther apart than that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from whitewire.callbacks import Callbacks
from whitewire.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Container

    from whitewire._core import Book
    from whitewire.gateway import Gateway

__all__ = ["Warming", "book_target"]


def book_target(
    market: str,
    book: Book,
    callbacks: Callbacks,
    blind: Container[str],
    can_see: Callable[[str, Book], bool],
) -> Callable[[], None]:
    """What is called after a book changed: the strategy, where the market is in sight.

    Args:
        market, book: which.
        callbacks: of the strategy.
        blind: names of markets that are out of sight.
        can_see: judges the book of one of these.
    """

    def target() -> None:
        if market not in blind or can_see(market, book):
            callbacks.on_book(book)

    return target


class Warming:
    """See the module's documentation; one call is one round.

    Args:
        gateway: with a market.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        callbacks = Callbacks(_Nobody(), _raise)
        callbacks.open()
        book = gateway.books[0]
        self._dispatch = book_target(book.market, book, callbacks, frozenset(), _never)

    def __call__(self) -> None:
        """Goes once from a book's change to an order's bytes, and stops before each effect."""
        self._dispatch()
        self._gateway.allowance.outlet.keep_warm(self._gateway.journal.keep_warm)


class _Nobody(Strategy):
    """Looks at the book as a strategy does."""

    def on_book(self, book: Book) -> None:
        """Nothing comes of it."""
        _ = book.best_bid_ticks


def _raise(name: str, error: Exception) -> None:
    raise error


def _never(market: str, book: Book) -> bool:
    return False
