"""The one table of REST endpoints: path, route, rate limit.

Owns: which endpoint goes to which route and how often it may be called. Must not know: sockets,
signing. Invariant: every path that the gateway sends is a row here. Limits are the venue's, per
IP; see `whitewire.protocol.throttle` for how they are kept.

A colocation host serves a subset of the API (33 endpoints; the newest guide lists 35 with
cancel-all and cancel-bulk). Everything else goes to the public host. `route_overrides` of the
configuration moves an endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ENDPOINTS", "Endpoint", "Route", "by_path"]


class Route(StrEnum):
    """Where an endpoint is served."""

    COLOCATION = "colocation"
    PUBLIC = "public"


@dataclass(slots=True, frozen=True)
class Endpoint:
    """One REST endpoint of the venue.

    Attributes:
        name: our short name, unique.
        method: GET for public data, POST for everything signed.
        path: path as signed in `request`.
        route: default route.
        limit, per_seconds: calls allowed per window and IP.
        is_cancel: draws on the reserve kept for cancels and the kill switch.
    """

    name: str
    method: str
    path: str
    route: Route
    limit: int
    per_seconds: int = 10
    is_cancel: bool = False


_C, _P = Route.COLOCATION, Route.PUBLIC

_ROWS = (
    Endpoint("place", "POST", "/api/v4/order/new", _C, 10_000),
    Endpoint("bulk", "POST", "/api/v4/order/bulk", _C, 10_000),
    Endpoint("modify", "POST", "/api/v4/order/modify", _C, 10_000),
    Endpoint("cancel", "POST", "/api/v4/order/cancel", _C, 10_000, is_cancel=True),
    Endpoint("kill_switch", "POST", "/api/v4/order/kill-switch", _C, 10_000, is_cancel=True),
    Endpoint("kill_switch_status", "POST", "/api/v4/order/kill-switch/status", _C, 10_000),
    Endpoint("open_orders", "POST", "/api/v4/orders", _C, 12_000),
    Endpoint("balance", "POST", "/api/v4/trade-account/balance", _C, 12_000),
    Endpoint("order_deals", "POST", "/api/v4/trade-account/order", _C, 12_000),
    Endpoint("order_history", "POST", "/api/v4/trade-account/order/history", _C, 12_000),
    Endpoint("executed_history", "POST", "/api/v4/trade-account/executed-history", _C, 12_000),
    Endpoint("websocket_token", "POST", "/api/v4/profile/websocket_token", _C, 10, 60),
    Endpoint("market_fee", "POST", "/api/v4/market/fee", _C, 10_000),
    Endpoint("ping", "GET", "/api/v4/public/ping", _C, 2_000),
    Endpoint("time", "GET", "/api/v4/public/time", _C, 2_000),
    Endpoint("cancel_all", "POST", "/api/v4/order/cancel/all", _P, 10_000, is_cancel=True),
    Endpoint("markets", "GET", "/api/v4/public/markets", _P, 2_000),
)

ENDPOINTS: dict[str, Endpoint] = {row.name: row for row in _ROWS}


def by_path(path: str) -> Endpoint | None:
    """The endpoint of `path`, or None when it is not in the table."""
    return next((row for row in _ROWS if row.path == path), None)
