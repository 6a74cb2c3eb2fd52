"""The WebSocket's methods of collateral trading, order entry aside.

Owns: their parameters and answers. Must not know: sockets, frames, how updates are made.
Invariant: a method either changes a subscription and answers success, or refuses and changes
nothing.

Rules:

* M1  The balance takes assets, none meaning all; the other channels take nothing and have no
      query.
* M2  A query spells the balance's members out, an update shortens them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whitewire.venue.access.core import VenueCore
from whitewire.venue.collateral.margin import AssetSummary
from whitewire.venue.streams.collateral import CollateralChannels
from whitewire.venue.streams.depth import Subscriber
from whitewire.venue.streams.shapes import SUCCESS
from whitewire.venue.values.ws_refusals import INVALID_ARGUMENT, WsRefusal
from whitewire.venue.ws.params import Answer, Params

__all__ = ["collateral_methods"]

Method = Callable[[Subscriber, Params], Answer]
_DONE = Answer(SUCCESS)


def collateral_methods(core: VenueCore, channels: CollateralChannels) -> dict[str, Method]:
    """Name to method; all of them need an authorized subscriber."""
    own = _Methods(core, channels)
    return {
        "balanceMargin_request": own.balance_request,
        "balanceMargin_subscribe": own.balance_subscribe,
        "balanceMargin_unsubscribe": own.unsubscriber(channels.balances),
        "positionsMargin_subscribe": own.subscriber(channels.positions),
        "positionsMargin_unsubscribe": own.unsubscriber(channels.positions),
        "positionsAccountMargin_subscribe": own.subscriber(channels.dangers),
        "positionsAccountMargin_unsubscribe": own.unsubscriber(channels.dangers),
    }


class _Methods:
    """Answers the calls of all sockets."""

    def __init__(self, core: VenueCore, channels: CollateralChannels) -> None:
        self._desk = core.exchange.collateral
        self._text = core.number_text
        self._channels = channels

    def balance_request(self, subscriber: Subscriber, params: Params) -> Answer:
        """balanceMargin_request."""
        assets = self._assets(subscriber)
        wanted = _names(params, assets)
        return Answer(
            {
                name: self._shape(asset)
                for name, asset in assets.items()
                if wanted is None or name in wanted
            }
        )

    def balance_subscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        """balanceMargin_subscribe."""
        self._channels.balances[subscriber] = _names(params, self._assets(subscriber))
        return _DONE

    def subscriber(self, listeners: dict[Subscriber, None]) -> Method:
        """positionsMargin_subscribe and positionsAccountMargin_subscribe."""

        def subscribe(subscriber: Subscriber, params: Params) -> Answer:
            _refuse_any(params)
            listeners[subscriber] = None
            return _DONE

        return subscribe

    def unsubscriber(self, listeners: dict[Subscriber, Any]) -> Method:
        """The end of a subscription."""

        def unsubscribe(subscriber: Subscriber, params: Params) -> Answer:
            _refuse_any(params)
            listeners.pop(subscriber, None)
            return _DONE

        return unsubscribe

    def _assets(self, subscriber: Subscriber) -> dict[str, AssetSummary]:
        if subscriber.account is None:
            raise ValueError("only an authorized subscriber gets here")
        return self._desk.assets(subscriber.account)

    def _shape(self, asset: AssetSummary) -> dict[str, str]:
        text = self._text
        return {
            "balance": text(asset.balance),
            "borrow": text(asset.borrow),
            "available_without_borrow": text(asset.available_without_borrow),
            "available_with_borrow": text(asset.available_with_borrow),
        }


def _refuse_any(params: Params) -> None:
    if params:
        raise WsRefusal(*INVALID_ARGUMENT)


def _names(params: Params, known: dict[str, AssetSummary]) -> frozenset[str] | None:
    if not all(isinstance(name, str) and name in known for name in params):
        raise WsRefusal(*INVALID_ARGUMENT)
    return frozenset(params) or None
