"""The WebSocket's methods about prices over time: `market`, `marketToday`, `candles`.

Owns: their parameters and their refusals. Must not know: sockets, frames, how bars are made.
Invariant: a method either changes a subscription and answers success, or refuses and changes
nothing; what it pushes leaves after its answer.

Rules:

* Q11 `market_request` takes a market and a period of whole seconds, 1 to 31 days.
* Q12 `marketToday` is asked with `marketToday_query`; the others end in `_request`.
* Q13 `candles_request` takes market, start, end and interval, all whole seconds, the start no
      later than the end; an interval without candles is an invalid argument.
"""

from __future__ import annotations

from collections.abc import Callable

from whitewire.venue.access.core import VenueCore
from whitewire.venue.streams.candles import KEPT_S, is_interval
from whitewire.venue.streams.depth import Subscriber
from whitewire.venue.streams.market import MarketStreams
from whitewire.venue.streams.shapes import SUCCESS
from whitewire.venue.values.ws_refusals import INVALID_ARGUMENT, WsRefusal
from whitewire.venue.ws.params import Answer, Params, market_name, market_names, take

__all__ = ["MarketMethods"]

_DONE = Answer(SUCCESS)


class MarketMethods:
    """Answers the method calls of three channels.

    Attributes:
        table: method name to handler.
    """

    def __init__(self, core: VenueCore, streams: MarketStreams) -> None:
        self._exchange = core.exchange
        self._streams = streams
        self.table: dict[str, Callable[[Subscriber, Params], Answer]] = {
            "market_request": self._statistics,
            "market_subscribe": self._subscriber(streams.subscribe_day),
            "market_unsubscribe": self._unsubscriber(streams.unsubscribe_day),
            "marketToday_query": self._today,
            "marketToday_subscribe": self._subscriber(streams.subscribe_today),
            "marketToday_unsubscribe": self._unsubscriber(streams.unsubscribe_today),
            "candles_request": self._candles,
            "candles_subscribe": self._candles_subscribe,
            "candles_unsubscribe": self._unsubscriber(streams.unsubscribe_candles),
        }

    def _subscriber(
        self, subscribe: Callable[[Subscriber, frozenset[str] | None], None]
    ) -> Callable[[Subscriber, Params], Answer]:
        def handler(subscriber: Subscriber, params: Params) -> Answer:
            names = market_names(self._exchange, params)
            return Answer(SUCCESS, lambda: subscribe(subscriber, names))

        return handler

    @staticmethod
    def _unsubscriber(
        unsubscribe: Callable[[Subscriber], None],
    ) -> Callable[[Subscriber, Params], Answer]:
        def handler(subscriber: Subscriber, params: Params) -> Answer:
            take(params)
            unsubscribe(subscriber)
            return _DONE

        return handler

    def _statistics(self, _subscriber: Subscriber, params: Params) -> Answer:
        market, period = take(params, str, int)
        market_name(self._exchange, market)
        if not 1 <= period <= KEPT_S:  # Q11
            raise WsRefusal(*INVALID_ARGUMENT)
        return Answer(self._streams.statistics(market, period))

    def _today(self, _subscriber: Subscriber, params: Params) -> Answer:
        (market,) = take(params, str)
        return Answer(self._streams.today(market_name(self._exchange, market)))

    def _candles(self, _subscriber: Subscriber, params: Params) -> Answer:
        market, start, end, interval = take(params, str, int, int, int)
        market_name(self._exchange, market)
        if not 0 <= start <= end or not is_interval(interval):  # Q13
            raise WsRefusal(*INVALID_ARGUMENT)
        return Answer(self._streams.candles(market, start, end, interval))

    def _candles_subscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        market, interval = take(params, str, int)
        market_name(self._exchange, market)
        if not is_interval(interval):
            raise WsRefusal(*INVALID_ARGUMENT)
        return Answer(
            SUCCESS, lambda: self._streams.subscribe_candles(subscriber, market, interval)
        )
