"""The channels of collateral trading: balances, positions, and positions in danger.

Owns: who listens to them, and their timers. Must not know: sockets, request syntax, how a push
finds its place beside a reply. Invariant: nothing is valued or encoded that nobody listens to.

Rules:

* C1  Margin balances leave every 1.5 s, all that were subscribed to, changed or not: what is
      available moves with the prices.
* C2  Positions leave every second, all of the account, also where there are none.
* C3  A margin call is event 1, a liquidation event 2, each with the position as it was then.
* C4  No assets in a subscription means all of them; a new subscription replaces the old one.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Protocol

from whitewire.venue.access.core import VenueCore
from whitewire.venue.collateral.desk import PositionView
from whitewire.venue.collateral.margin import AssetSummary
from whitewire.venue.streams.depth import Subscriber
from whitewire.venue.values.events import PositionEvent
from whitewire.venue.wire.pacing import Periodic, Timers

__all__ = ["CollateralChannels"]

Json = dict[str, Any]


class PushPrivate(Protocol):
    """Sends one private message to some subscribers, at its place beside a reply."""

    def __call__(self, subscribers: Iterable[Subscriber], method: str, params: Any) -> None:
        """Sends it."""


class CollateralChannels:
    """Shows accounts their collateral.

    Attributes:
        balances: subscribers with the assets that they want, None for all (C4).
        positions: subscribers of positions.
        dangers: subscribers of margin calls and liquidations.
    """

    def __init__(self, core: VenueCore, timers: Timers, push_private: PushPrivate) -> None:
        self.balances: dict[Subscriber, frozenset[str] | None] = {}
        self.positions: dict[Subscriber, None] = {}
        self.dangers: dict[Subscriber, None] = {}
        self._desk = core.exchange.collateral
        self._text = core.number_text
        self._push = push_private
        options = core.options
        self._periodics = [
            Periodic(timers, options.margin_balance_interval_ms / 1000, self.flush_balances),
            Periodic(timers, options.positions_interval_ms / 1000, self.flush_positions),
        ]

    def close(self) -> None:
        """Stops the timers."""
        for timer in self._periodics:
            timer.close()

    def drop(self, subscriber: Subscriber) -> None:
        """Forgets a subscriber."""
        self.balances.pop(subscriber, None)
        self.positions.pop(subscriber, None)
        self.dangers.pop(subscriber, None)

    def flush_balances(self) -> None:
        """Shows every subscriber its balances (C1)."""
        for account, subscribers in _by_account(self.balances).items():
            assets = self._desk.assets(account)
            for subscriber in subscribers:
                wanted = self.balances[subscriber]
                shown = [
                    self._short_asset(asset)
                    for name, asset in assets.items()
                    if wanted is None or name in wanted
                ]
                self._push([subscriber], "balanceMargin_update", shown)

    def flush_positions(self) -> None:
        """Shows every subscriber the account's positions (C2)."""
        for account, subscribers in _by_account(self.positions).items():
            views = self._desk.positions(account)
            records = [self.position(view) for view in views]
            params = {"total": len(records), "records": records}
            self._push(subscribers, "positionsMargin_update", params)

    def on_danger(self, event: PositionEvent) -> None:
        """Shows a position that is called or closed out (C3)."""
        subscribers = _by_account(self.dangers).get(event.account)
        view = self._desk.position_by_id(event.account, event.position_id) if subscribers else None
        if subscribers and view is not None:
            params = [int(event.event), self.position(view)]
            self._push(subscribers, "positionsAccountMargin_update", params)

    def _short_asset(self, asset: AssetSummary) -> Json:
        text = self._text
        return {
            "a": asset.asset,
            "B": text(asset.balance),
            "b": text(asset.borrow),
            "av": text(asset.available_without_borrow),
            "ab": text(asset.available_with_borrow),
        }

    def position(self, view: PositionView) -> Json:
        """A position; a missing liquidation price is "0", money is that of its entry."""
        text, position = self._text, view.position
        return {
            "id": position.id,
            "market": position.market,
            "ctime": position.opened,
            "mtime": position.modified,
            "amount": text(position.amount),
            "amount_in_money": text(abs(position.cost)),
            "base_price": text(position.base_price),
            "pnl": text(view.unrealized),
            "liq_price": text(view.liquidation_price or Decimal(0)),
            "liq_stage": position.state,
            "unrealized_funding": "0",
            "funding": text(position.funding),
            "margin": text(view.margin),
            "free_margin": text(view.free_margin),
            "realized_pnl": text(position.realized),
            "position_side": position.side.value,
        }


def _by_account(subscribers: Iterable[Subscriber]) -> dict[str, list[Subscriber]]:
    groups: dict[str, list[Subscriber]] = {}
    for subscriber in subscribers:
        if subscriber.account is not None:
            groups.setdefault(subscriber.account, []).append(subscriber)
    return groups
