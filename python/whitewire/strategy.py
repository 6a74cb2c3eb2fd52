"""What a strategy author writes against: the callbacks and the values they receive.

Owns: the names and signatures of the callbacks and the check of a strategy at load. Must not
know: how they are called. Invariant: callbacks are plain functions, all optional, and looked up
once; one that is misspelt or `async` is an error at load, never a silence at run time.
"""

from __future__ import annotations

import difflib
import inspect
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from whitewire.errors import UsageError
from whitewire.market import Side

if TYPE_CHECKING:
    from whitewire._core import Book
    from whitewire.gateway import Gateway
    from whitewire.protocol.expected import Drift
    from whitewire.protocol.fees import FeeSurprise, MarketFees
    from whitewire.protocol.order_table import OrderNotice
    from whitewire.protocol.orders import Fill, Order, Reject
    from whitewire.protocol.positions import Position

__all__ = [
    "CALLBACKS",
    "Balance",
    "ForeignOrder",
    "Gap",
    "Limit",
    "Recovered",
    "Strategy",
    "Ticker",
    "Trade",
    "check",
    "overridden",
]


class Ticker(NamedTuple):
    """Best bid and ask of the bookTicker channel; None where a side is empty.

    Prices are money per unit of stock, amounts are stock; times are nanoseconds, `ts_exch_ns`
    of the epoch at the venue and `ts_recv_ns` monotonic here.
    """

    market: str
    bid: tuple[Decimal, Decimal] | None
    ask: tuple[Decimal, Decimal] | None
    update_id: int
    ts_exch_ns: int
    ts_recv_ns: int


class Trade(NamedTuple):
    """One public trade; `side` is the taker's."""

    market: str
    trade_id: int
    price: Decimal
    amount: Decimal
    side: Side
    is_rpi: bool
    ts_exch_ns: int


class Balance(NamedTuple):
    """Absolute balance of one asset: free to use, and frozen in orders."""

    asset: str
    available: Decimal
    freeze: Decimal


class Limit(NamedTuple):
    """A rate limit that was reached: ours, which keeps below the venue's, or the venue's 429.

    Attributes:
        endpoint: short name, as `place`.
        wait_ns: how long until the next request of its kind may go, ns.
        is_venue: the venue refused; otherwise our own throttle held the request back.
        kind: `throttle` (ours), `limit` (a true 429), `nonce` (the venue says "Too many requests."
            and means the nonce: nothing waits for it), `ban` (this address is shut out).
    """

    endpoint: str
    wait_ns: int
    is_venue: bool
    kind: str = "throttle"


class Gap(NamedTuple):
    """A market or the private stream became blind; its quotes were pulled already.

    Attributes:
        market: the market, or None when the whole session was lost.
        reason: what happened, one sentence.
    """

    market: str | None
    reason: str


class ForeignOrder(NamedTuple):
    """An order in one of our markets that is not ours; `client_id` may be empty."""

    market: str
    venue_id: int
    client_id: str


class Recovered(NamedTuple):
    """The end of a gap: how long it lasted and what happened meanwhile.

    Each fill and end of an order was told by its own callback, too, before this one.

    Attributes:
        market: which one is in sight again.
        blind_ns: for how long it was not, ns.
        resolved_orders: how many orders the venue's lists settled.
        ended: orders of ours that were open before and are not now; `state` says how.
        fills: fills that came.
        balances: assets of the market whose balance changed, as they are now.
        foreign: orders of others that were not there before.
    """

    market: str | None
    blind_ns: int
    resolved_orders: int
    ended: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()
    balances: tuple[Balance, ...] = ()
    foreign: tuple[ForeignOrder, ...] = ()


class Strategy:
    """Base of strategies: override what you need, all of it is optional.

    Callbacks run to completion on the event loop's thread; orders placed in one leave together
    when it returns. `on_start` is the first one. A callback that raises pulls every quote and
    halts trading; the session lives on. `on_stop` may not place orders; what the last cancels
    bring is still told after it.

    Attributes:
        markets: names to trade; empty means every market of the configuration.
    """

    markets: tuple[str, ...] = ()

    def on_start(self, gw: Gateway) -> None:
        """Called once: recovered, books fresh, kill switch armed.

        Fills that happened between sessions are in `gw.inventory` already; each is told by
        `on_fill` right after this, then `on_recovered` with no market.
        """

    def on_book(self, book: Book) -> None:
        """Called after depth changed; a burst of frames is one call. `book` is a live view."""

    def on_ticker(self, ticker: Ticker) -> None:
        """Called after the best bid or ask changed (the fastest public signal)."""

    def on_trade(self, trade: Trade) -> None:
        """Called for each public trade, oldest first."""

    def on_order(self, order: Order, event: OrderNotice) -> None:
        """Called for each transition of one of our orders."""

    def on_fill(self, fill: Fill) -> None:
        """Called exactly once for each of our fills."""

    def on_reject(self, order: Order, reject: Reject) -> None:
        """Called when the gate or the venue refused an order or a change of it."""

    def on_balance(self, balance: Balance) -> None:
        """Called when a balance changed; lags fills by up to a second."""

    def on_drift(self, drift: Drift) -> None:
        """Called when a balance is not what our deals explain, and again with what it was."""

    def on_fees(self, fees: MarketFees, surprise: FeeSurprise | None) -> None:
        """Called when a market's fees changed, or a fill's fee was a surprise."""

    def on_position(self, position: Position) -> None:
        """Called after each fill with what our fills changed in its market, see `inventory`.

        Against collateral it is a `MarginPosition`, told also when the venue shows another one than
        before, at a settlement of funding, and at a margin call or liquidation (`danger`).
        """

    def on_gap(self, gap: Gap) -> None:
        """Called when a market or the session became blind; its quotes were pulled."""

    def on_recovered(self, recovered: Recovered) -> None:
        """Called when sight is back and orders are reconciled."""

    def on_connection(self, stream: str, state: str) -> None:
        """Called when a stream goes "up" or "down".

        Streams are "feed", "orders" (the pool), "order socket" and "account NAME".
        """

    def on_limit(self, limit: Limit) -> None:
        """Called when a rate limit was reached."""

    def on_kill_switch(self, market: str, state: str) -> None:
        """Called when the venue's dead-man timer of a market changes state."""

    def on_timer(self, now_ns: int) -> None:
        """Called by `gw.every(seconds)`."""

    def on_stop(self, gw: Gateway, reason: str) -> None:
        """Called once before the quotes are pulled at a clean stop."""


CALLBACKS = tuple(name for name in vars(Strategy) if name.startswith("on_"))


def overridden(strategy: Strategy, name: str) -> Any | None:
    """The bound callback, or None where the strategy kept the base's."""
    if getattr(type(strategy), name) is getattr(Strategy, name):
        return None
    return getattr(strategy, name)


def check(strategy: object) -> Strategy:
    """Returns `strategy` when it can be run.

    Raises:
        UsageError: not a Strategy, no callback at all, a misspelt or an `async` one.
    """
    if inspect.isclass(strategy):
        raise UsageError(
            "strategy-is-class",
            f"{strategy.__name__} is a class, not an instance",
            f"write {strategy.__name__}()",
        )
    name = type(strategy).__name__
    if not isinstance(strategy, Strategy):
        raise UsageError(
            "strategy-type", f"{name} does not derive from whitewire.Strategy", "derive from it"
        )
    for attribute in dir(type(strategy)):
        if attribute.startswith("on_") and attribute not in CALLBACKS:
            near = difflib.get_close_matches(attribute, CALLBACKS, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(CALLBACKS)}"
            raise UsageError(
                "strategy-callback", f"{name}.{attribute} is not a callback of whitewire", hint
            )
    used = [callback for callback in CALLBACKS if overridden(strategy, callback) is not None]
    if not used:
        raise UsageError(
            "strategy-empty", f"{name} has no callback", "define at least one, such as on_book"
        )
    for callback in used:
        if inspect.iscoroutinefunction(getattr(strategy, callback)):
            raise UsageError(
                "strategy-async",
                f"{name}.{callback} is async, callbacks are plain functions",
                "write def, and use gw.rest for what has to wait",
            )
    return strategy
