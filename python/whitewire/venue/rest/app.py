"""The REST side of the venue: which endpoints there are, and the way of one request.

Owns: the route table with each endpoint's limit and host, and the order of the steps: route,
front faults, authentication, rate limit, handler, delivery faults. Must not know: sockets, what
a handler does. Invariant: every request gets exactly one response; no exception leaves here.

Rules:

* E1  Anything off a listener's list is an empty 404. The public listener serves everything; the
      colocation listener serves the subset marked so, plus what the options add.
* E2  429 and 503 come from the front and are not JSON.
* E3  Private endpoints are POST, authenticated before they are counted.
* E4  An endpoint without a limit of its own has the default one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any, Protocol

from whitewire.venue.access.auth import SignedRequest
from whitewire.venue.access.core import VenueCore
from whitewire.venue.access.rate_limits import DEFAULT_LIMIT
from whitewire.venue.options import RateLimit
from whitewire.venue.rest.collateral import CollateralEndpoints
from whitewire.venue.rest.futures import FuturesEndpoints
from whitewire.venue.rest.private import PrivateEndpoints
from whitewire.venue.rest.public import PublicEndpoints, PublicRefusal
from whitewire.venue.rest.shapes import error_body
from whitewire.venue.values.model import VenueError
from whitewire.venue.wire import json_text
from whitewire.venue.wire.http_message import Delivery, HttpRequest, HttpResponse, front_page

__all__ = ["Listener", "RequestScope", "RestApp"]

_LOG = logging.getLogger(__name__)
_BASE = "/api/v4/"
_STATUS_PATH = _BASE + "public/platform/status"
# Faults of the front by their status; none of them lets the request through.
_FRONT_FAULTS = (
    ("http_429", 429),
    ("storm_429", 429),
    ("http_500", 500),
    ("http_502", 502),
    ("http_503_html", 503),
)
# A request with more of them than any endpoint takes is refused whole.
_MOST_ORDERS = 100
_READ = RateLimit(12_000, 10)
_PUBLIC = RateLimit(2_000, 10)

PublicHandler = Callable[[str, Mapping[str, str]], Any]
PrivateHandler = Callable[[str, dict[str, Any]], Any]


class Listener(Enum):
    """Which host a listener stands for."""

    COLOCATION = "colocation"
    PUBLIC = "public"


class RequestScope(Protocol):
    """Told when a private request starts and ends, to place its pushes before or after it."""

    def begin_request(self) -> None:
        """Pushes from here on belong to the request."""

    def end_request(self) -> None:
        """The request is executed; its reply leaves next."""


@dataclass(frozen=True, slots=True)
class _Public:
    handler: PublicHandler
    limit: RateLimit = _PUBLIC
    colocated: bool = False


@dataclass(frozen=True, slots=True)
class _Private:
    handler: PrivateHandler
    limit: RateLimit = DEFAULT_LIMIT  # E4
    colocated: bool = True


def _public_routes(own: PublicEndpoints) -> dict[str, _Public]:
    """Path to route; a path that ends in "/" is followed by a market name."""
    return {
        "public/ping": _Public(own.ping, colocated=True),
        "public/time": _Public(own.time, colocated=True),
        "public/markets": _Public(own.markets),
        "public/ticker": _Public(own.ticker),
        "public/assets": _Public(own.assets),
        "public/fee": _Public(own.fee),
        "public/collateral/markets": _Public(own.collateral_markets),
        "public/platform/status": _Public(own.platform_status, RateLimit(20_000, 10)),
        "public/orderbook/": _Public(own.order_book, RateLimit(600, 10)),
        "public/orderbook/depth/": _Public(own.depth),
        "public/trades/": _Public(own.trades),
    }


def _futures_routes(own: FuturesEndpoints) -> dict[str, _Public]:
    return {
        "public/futures": _Public(own.futures),
        "public/funding-history/": _Public(own.funding_history),
    }


def _collateral_routes(own: CollateralEndpoints) -> dict[str, _Private]:
    return {path: _Private(*route) for path, route in own.routes().items()}


def _private_routes(own: PrivateEndpoints) -> dict[str, _Private]:
    return {
        "profile/websocket_token": _Private(own.websocket_token, RateLimit(10, 60)),
        "market/fee": _Private(own.market_fee),
        "order/new": _Private(own.new_order),
        "order/bulk": _Private(own.bulk),
        "order/market": _Private(own.market_order),
        "order/stock_market": _Private(own.stock_market_order),
        "order/stop_limit": _Private(own.stop_limit_order),
        "order/stop_market": _Private(own.stop_market_order),
        "order/cancel": _Private(own.cancel),
        "order/cancel/all": _Private(own.cancel_all, colocated=False),
        "order/cancel/bulk": _Private(own.cancel_bulk, colocated=False),
        "order/modify": _Private(own.modify),
        "order/kill-switch": _Private(own.kill_switch),
        "order/kill-switch/status": _Private(own.kill_switch_status),
        "orders": _Private(own.open_orders, _READ),
        "trade-account/balance": _Private(own.balance, _READ),
        "trade-account/order": _Private(own.order_deals, _READ),
        "trade-account/executed-history": _Private(own.executed_history, _READ),
        "trade-account/order/history": _Private(own.order_history, _READ),
    }


class RestApp:
    """Answers the requests of one listener."""

    def __init__(self, core: VenueCore, listener: Listener, scope: RequestScope) -> None:
        self._core = core
        self._scope = scope
        extra = core.options.colocation_extra

        def served(path: str, colocated: bool) -> bool:  # E1
            return listener is Listener.PUBLIC or colocated or _BASE + path in extra

        self._public = {
            _BASE + path: route
            for path, route in (
                _public_routes(PublicEndpoints(core)) | _futures_routes(FuturesEndpoints(core))
            ).items()
            if served(path, route.colocated)
        }
        self._private = {
            _BASE + path: route
            for path, route in (
                _private_routes(PrivateEndpoints(core))
                | _collateral_routes(CollateralEndpoints(core))
            ).items()
            if served(path, route.colocated)
        }

    def routes(self) -> list[tuple[str, str]]:
        """Method and path of all that is served; a path that ends in "/" goes on with a market."""
        return [("GET", path) for path in self._public] + [("POST", path) for path in self._private]

    def service_s(self, request: HttpRequest) -> float:
        """Modelled time of a request: the option's time for each order it carries."""
        service_us = self._core.options.service_us
        if not service_us or not request.path.startswith(_BASE + "order/"):
            return 0.0
        return service_us * 1e-6 * _orders_in(request.body)

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Executes one request; a fault of the venue's own is logged and answered with 500."""
        if not self._core.faults.are_armed:
            return self._answer(request)
        return self._answer_badly(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        """What the venue answers when nothing is to go wrong."""
        try:
            return self._route(request)
        except Exception:
            _LOG.exception("request failed: %s %s", request.method, request.path)
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            return _json(status, {"error": ["Internal server error."]})

    def _answer_badly(self, request: HttpRequest) -> HttpResponse:
        """The same with the faults that are armed and that this request sets off."""
        path = request.path
        faults = self._core.faults
        if faults.holds("maintenance") and path != _STATUS_PATH:
            return front_page(HTTPStatus.SERVICE_UNAVAILABLE)  # E2
        for name, status in _FRONT_FAULTS:
            if faults.take(name, path=path):
                return front_page(status)  # E2
        for name, delivery in (("lost_request", Delivery.WITHHELD), ("half_open", Delivery.MUTE)):
            if faults.take(name, side="rest", path=path):
                return HttpResponse(HTTPStatus.SERVICE_UNAVAILABLE, delivery=delivery)
        reset = faults.take("drop_rest", path=path)
        if reset and reset.values["when"] == "before":
            return HttpResponse(HTTPStatus.SERVICE_UNAVAILABLE, delivery=Delivery.RESET)
        response = self._answer(request)
        if reset:
            response.delivery = Delivery.RESET
        self._deliver_badly(path, response)
        return response

    def _deliver_badly(self, path: str, response: HttpResponse) -> None:
        faults = self._core.faults
        accepted = response.status == HTTPStatus.OK and path.startswith(_BASE + "order/")
        if accepted and faults.take("lost_ack", side="rest", path=path):
            response.delivery = Delivery.WITHHELD
        for name, delivery in (
            ("truncated_response", Delivery.TRUNCATED),
            ("close_mid_pipeline", Delivery.CLOSE),
            ("chunked", Delivery.CHUNKED),
        ):
            if faults.take(name, path=path):
                response.delivery = delivery
        is_json = response.content_type == "application/json" and response.body
        if is_json and faults.take("unknown_json", side="rest", path=path):
            response.body = json_text.with_unknown(response.body)
        if is_json and faults.take("malformed_json", path=path):
            response.body = response.body[: (len(response.body) + 1) // 2]
        slow = faults.take("slow_ack", side="rest", path=path)
        if slow:
            response.delay_s = float(slow.values["ms"]) / 1000

    def _route(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            private = self._private.get(request.path)
            if private is not None:
                return self._answer_private(private, request)
        elif request.method == "GET":
            public = self._public.get(request.path)
            if public is not None and not request.path.endswith("/"):
                return self._answer_public(public, request.path, "", request)
            folder, _, market = request.path.rpartition("/")
            public = self._public.get(folder + "/")
            if public is not None:
                return self._answer_public(public, folder + "/", market, request)
        return HttpResponse(HTTPStatus.NOT_FOUND)  # E1

    def _answer_public(
        self, route: _Public, path: str, market: str, request: HttpRequest
    ) -> HttpResponse:
        now = self._core.clock()
        if not self._core.limiter.allow(request.client_ip, path, route.limit, now):
            return front_page(HTTPStatus.TOO_MANY_REQUESTS)  # E2
        try:
            return _json(HTTPStatus.OK, route.handler(market, request.query))
        except PublicRefusal as refusal:
            return _json(refusal.status, refusal.body)

    def _answer_private(self, route: _Private, request: HttpRequest) -> HttpResponse:
        core = self._core
        now = core.clock()
        stated = core.stated_time()
        signed = SignedRequest(request.path, request.headers, request.body, request.client_ip)
        try:
            caller = core.authenticator.authenticate(signed, stated)  # E3
            if not core.limiter.allow(request.client_ip, request.path, route.limit, now):
                return front_page(HTTPStatus.TOO_MANY_REQUESTS)  # E2
            self._scope.begin_request()
            try:
                return _json(HTTPStatus.OK, route.handler(caller.key.account, caller.params))
            finally:
                self._scope.end_request()
        except VenueError as error:
            return _json(error.http_status, error_body(error))


def _json(status: int, body: Any) -> HttpResponse:
    return HttpResponse(status, json_text.compact(body))


def _orders_in(body: bytes) -> int:
    try:
        params = json_text.parse(body)
    except ValueError:
        return 1
    orders = params.get("orders") if isinstance(params, dict) else None
    return min(max(1, len(orders)), _MOST_ORDERS) if isinstance(orders, list) else 1
