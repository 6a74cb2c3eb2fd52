"""The one table of endpoints: path, route, rate limit; and the WebSocket's order methods.

Owns: which endpoint goes to which route and how often it may be called. Must not know: sockets,
signing. Invariant: every path that the gateway sends is a row here. Limits are the venue's, per
IP; see `whitewire.protocol.throttle` for how they are kept.

A colocation host serves a subset of the API (33 endpoints; the newest guide lists 35 with
cancel-all and cancel-bulk). Everything else goes to the public host. `route_overrides` of the
configuration moves an endpoint. Where the venue's own pages disagree about a limit, the lower one
stands here (collateral balance and open positions: 100, elsewhere 12 000).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CALLS", "ENDPOINTS", "LIMITED", "Class", "Endpoint", "Route", "by_path"]


class Route(StrEnum):
    """Where an endpoint is served."""

    COLOCATION = "colocation"
    PUBLIC = "public"


class Class(StrEnum):
    """What a call is; each has a connection of its own on each route.

    A history of an hour, which the venue collects for seconds, must not hold up the renewal of a
    kill switch, nor the question which orders are open.
    """

    GUARD = "guard"
    QUESTION = "question"
    SLOW = "slow"


@dataclass(slots=True, frozen=True)
class Endpoint:
    """One REST endpoint of the venue.

    Attributes:
        name: our short name, unique.
        method: GET for public data, POST for everything signed, CALL for a method of the WebSocket.
        path: path as signed in `request`; `{market}` stands for a market's name. A call's method.
        route: default route.
        limit, per_seconds: calls allowed per window and IP.
        is_cancel: draws on the reserve kept for cancels and the kill switch.
        is_slow: a history or a large document.
        is_order: places, changes or closes something; never sent a second time.
    """

    name: str
    method: str
    path: str
    route: Route
    limit: int
    per_seconds: int = 10
    is_cancel: bool = False
    is_slow: bool = False
    is_order: bool = False

    @property
    def kind(self) -> Class:
        """Whose connection carries it."""
        if self.is_cancel:
            return Class.GUARD
        return Class.SLOW if self.is_slow else Class.QUESTION


_C, _P = Route.COLOCATION, Route.PUBLIC

_SPOT = (
    Endpoint("place", "POST", "/api/v4/order/new", _C, 10_000, is_order=True),
    Endpoint("place_market", "POST", "/api/v4/order/market", _C, 10_000, is_order=True),
    Endpoint("place_stock_market", "POST", "/api/v4/order/stock_market", _C, 10_000, is_order=True),
    Endpoint("place_stop_limit", "POST", "/api/v4/order/stop_limit", _C, 10_000, is_order=True),
    Endpoint("place_stop_market", "POST", "/api/v4/order/stop_market", _C, 10_000, is_order=True),
    Endpoint("bulk", "POST", "/api/v4/order/bulk", _C, 10_000, is_order=True),
    Endpoint("modify", "POST", "/api/v4/order/modify", _C, 10_000, is_order=True),
    Endpoint("cancel", "POST", "/api/v4/order/cancel", _C, 10_000, is_cancel=True),
    Endpoint("kill_switch", "POST", "/api/v4/order/kill-switch", _C, 10_000, is_cancel=True),
    Endpoint("kill_switch_status", "POST", "/api/v4/order/kill-switch/status", _C, 10_000),
    Endpoint("open_orders", "POST", "/api/v4/orders", _C, 12_000),
    Endpoint("balance", "POST", "/api/v4/trade-account/balance", _C, 12_000),
    Endpoint("order_deals", "POST", "/api/v4/trade-account/order", _C, 12_000, is_slow=True),
    Endpoint(
        "order_history", "POST", "/api/v4/trade-account/order/history", _C, 12_000, is_slow=True
    ),
    Endpoint(
        "executed_history",
        "POST",
        "/api/v4/trade-account/executed-history",
        _C,
        12_000,
        is_slow=True,
    ),
    Endpoint("cancel_all", "POST", "/api/v4/order/cancel/all", _P, 10_000, is_cancel=True),
    Endpoint("cancel_bulk", "POST", "/api/v4/order/cancel/bulk", _P, 10_000, is_cancel=True),
)

_COLLATERAL = (
    Endpoint(
        "collateral_limit", "POST", "/api/v4/order/collateral/limit", _C, 10_000, is_order=True
    ),
    Endpoint(
        "collateral_market", "POST", "/api/v4/order/collateral/market", _C, 10_000, is_order=True
    ),
    Endpoint(
        "collateral_stop_limit",
        "POST",
        "/api/v4/order/collateral/stop-limit",
        _C,
        10_000,
        is_order=True,
    ),
    Endpoint(
        "collateral_trigger_market",
        "POST",
        "/api/v4/order/collateral/trigger-market",
        _C,
        10_000,
        is_order=True,
    ),
    Endpoint("collateral_oco", "POST", "/api/v4/order/collateral/oco", _C, 10_000, is_order=True),
    Endpoint("collateral_bulk", "POST", "/api/v4/order/collateral/bulk", _C, 10_000, is_order=True),
    Endpoint("oco_orders", "POST", "/api/v4/oco-orders", _C, 12_000),
    Endpoint("collateral_balance", "POST", "/api/v4/collateral-account/balance", _C, 100),
    Endpoint("collateral_assets", "POST", "/api/v4/collateral-account/balance-summary", _C, 12_000),
    Endpoint("collateral_summary", "POST", "/api/v4/collateral-account/summary", _C, 12_000),
    Endpoint("set_leverage", "POST", "/api/v4/collateral-account/leverage", _C, 1_000),
    Endpoint("positions", "POST", "/api/v4/collateral-account/positions/open", _C, 100),
    Endpoint(
        "position_history",
        "POST",
        "/api/v4/collateral-account/positions/history",
        _C,
        12_000,
        is_slow=True,
    ),
    Endpoint(
        "funding_history",
        "POST",
        "/api/v4/collateral-account/funding-history",
        _C,
        12_000,
        is_slow=True,
    ),
    Endpoint("hedge_mode", "POST", "/api/v4/collateral-account/hedge-mode", _P, 12_000),
    Endpoint("set_hedge_mode", "POST", "/api/v4/collateral-account/hedge-mode/update", _P, 1_000),
    Endpoint(
        "close_position",
        "POST",
        "/api/v4/collateral-account/position/close",
        _P,
        10_000,
        is_order=True,
    ),
    Endpoint(
        "closed_positions",
        "POST",
        "/api/v4/collateral-account/positions/closed-pnl",
        _P,
        12_000,
        is_slow=True,
    ),
    Endpoint("adl_quantiles", "POST", "/api/v4/collateral-account/adl-quantile", _P, 12_000),
    Endpoint("conditional_orders", "POST", "/api/v4/conditional-orders", _P, 12_000, is_slow=True),
    Endpoint("cancel_oco", "POST", "/api/v4/order/oco-cancel", _P, 10_000, is_cancel=True),
    Endpoint("cancel_oto", "POST", "/api/v4/order/oto-cancel", _P, 10_000, is_cancel=True),
    Endpoint(
        "cancel_conditional", "POST", "/api/v4/order/conditional-cancel", _P, 10_000, is_cancel=True
    ),
)

_REST = (
    Endpoint("websocket_token", "POST", "/api/v4/profile/websocket_token", _C, 10, 60),
    Endpoint("market_fee", "POST", "/api/v4/market/fee", _C, 10_000, is_slow=True),
    Endpoint("ping", "GET", "/api/v4/public/ping", _C, 2_000),
    Endpoint("time", "GET", "/api/v4/public/time", _C, 2_000),
    Endpoint("markets", "GET", "/api/v4/public/markets", _P, 2_000, is_slow=True),
    Endpoint("futures", "GET", "/api/v4/public/futures", _P, 2_000, is_slow=True),
    Endpoint("collateral_markets", "GET", "/api/v4/public/collateral/markets", _P, 2_000),
    Endpoint("tickers", "GET", "/api/v4/public/ticker", _P, 2_000, is_slow=True),
    Endpoint("assets", "GET", "/api/v4/public/assets", _P, 2_000, is_slow=True),
    Endpoint("transfer_fees", "GET", "/api/v4/public/fee", _P, 2_000, is_slow=True),
    Endpoint("order_book", "GET", "/api/v4/public/orderbook/{market}", _P, 600, is_slow=True),
    Endpoint(
        "near_book", "GET", "/api/v4/public/orderbook/depth/{market}", _P, 2_000, is_slow=True
    ),
    Endpoint("trades", "GET", "/api/v4/public/trades/{market}", _P, 2_000, is_slow=True),
    Endpoint(
        "funding_rates", "GET", "/api/v4/public/funding-history/{market}", _P, 2_000, is_slow=True
    ),
    Endpoint("platform_status", "GET", "/api/v4/public/platform/status", _P, 20_000),
)

_ROWS = (*_SPOT, *_COLLATERAL, *_REST)

ENDPOINTS: dict[str, Endpoint] = {row.name: row for row in _ROWS}

# Order methods of the WebSocket. The venue counts placements and all other calls of a connection
# apart; whether they count against REST's limits, too, is not documented, so here they do.
CALLS: dict[str, Endpoint] = {
    row.name: row
    for row in (
        Endpoint("socket_place", "CALL", "order_limit_place", _P, 10_000),
        Endpoint("socket_modify", "CALL", "order_modify", _P, 12_000),
        Endpoint("socket_cancel", "CALL", "order_cancel", _P, 12_000, is_cancel=True),
    )
}

# Everything that is counted.
LIMITED: tuple[Endpoint, ...] = (*_ROWS, *CALLS.values())


def by_path(path: str) -> Endpoint | None:
    """The endpoint of `path`, or None when it is not in the table."""
    return next((row for row in _ROWS if row.path == path), None)
