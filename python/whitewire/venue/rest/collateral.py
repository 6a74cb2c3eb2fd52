"""The private REST endpoints of trading against collateral.

Owns: turning a request's parameters into calls of the collateral desk, each endpoint's limit and
listener, and the shape of each 200 body. Must not know: HTTP framing, signatures, how a field is
validated. Invariant: one call of the desk that changes something for one request.

Rules:

* R1  The colocation listener serves fourteen of these endpoints, the public one all of them.
* R2  Cancelling an OTO or a conditional order, and closing a position, answer `[]`.
* R3  A balance is a map from asset to amount, with `ticker` too.
* R4  The quantile of automatic deleveraging is 0 where there is a position, null where there is
      none; only futures markets with a position are listed. Nobody is ever deleveraged here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from whitewire.venue.access.core import VenueCore
from whitewire.venue.access.rate_limits import DEFAULT_LIMIT
from whitewire.venue.collateral.desk import CONDITIONAL
from whitewire.venue.collateral.groups import GroupKind
from whitewire.venue.collateral.requests import (
    ClosedPnlQuery,
    CloseRequest,
    CollateralRequest,
    GroupCancelRequest,
    OcoRequest,
    PageQuery,
    PositionHistoryQuery,
)
from whitewire.venue.options import RateLimit
from whitewire.venue.rest.collateral_shapes import CollateralShapes
from whitewire.venue.values.model import OrderType

__all__ = ["CollateralEndpoints", "Route"]

Json = Any
Params = dict[str, Any]

_READ = RateLimit(12_000, 10)
_RARE = RateLimit(1_000, 10)


class Route(NamedTuple):
    """A handler with its limit, and whether the colocation listener serves it."""

    handler: Callable[[str, Params], Json]
    limit: RateLimit = DEFAULT_LIMIT
    colocated: bool = True


class CollateralEndpoints:
    """Handlers; each takes the caller's account and the decoded body, and may raise VenueError."""

    def __init__(self, core: VenueCore) -> None:
        self._core = core
        self._desk = core.exchange.collateral
        self._shapes = CollateralShapes(core.number_text, core.options)
        self._ever = dict(core.exchange.markets)  # a closed position outlives its market

    def routes(self) -> dict[str, Route]:
        """Path to route (R1)."""
        return {
            "collateral-account/balance": Route(self.balance, _READ),
            "collateral-account/balance-summary": Route(self.balance_summary, _READ),
            "collateral-account/summary": Route(self.summary, _READ),
            "collateral-account/leverage": Route(self.leverage, _RARE),
            "collateral-account/positions/open": Route(self.positions, _READ),
            "collateral-account/positions/history": Route(self.position_history, _READ),
            "collateral-account/funding-history": Route(self.funding_history, _READ),
            "oco-orders": Route(self.oco_orders, _READ),
            "order/collateral/limit": Route(self._placer(OrderType.LIMIT)),
            "order/collateral/market": Route(self._placer(OrderType.MARKET)),
            "order/collateral/stop-limit": Route(self._placer(OrderType.STOP_LIMIT)),
            "order/collateral/trigger-market": Route(self._placer(OrderType.STOP_MARKET)),
            "order/collateral/oco": Route(self.oco),
            "order/collateral/bulk": Route(self.bulk),
            "collateral-account/hedge-mode": Route(self.hedge_mode, _READ, False),
            "collateral-account/hedge-mode/update": Route(self.set_hedge_mode, _RARE, False),
            "collateral-account/position/close": Route(self.close_position, colocated=False),
            "collateral-account/positions/closed-pnl": Route(self.closed_pnl, _READ, False),
            "collateral-account/adl-quantile": Route(self.adl_quantile, _READ, False),
            "conditional-orders": Route(self.conditional_orders, _READ, False),
            "order/oco-cancel": Route(self.cancel_oco, colocated=False),
            "order/oto-cancel": Route(self.cancel_oto, colocated=False),
            "order/conditional-cancel": Route(self.cancel_conditional, colocated=False),
        }

    # Account

    def balance(self, account: str, params: Params) -> Json:
        """POST collateral-account/balance (R3)."""
        assets = self._desk.assets(account, params.get("ticker"))
        return {name: self._shapes.balance(asset) for name, asset in assets.items()}

    def balance_summary(self, account: str, params: Params) -> Json:
        """POST collateral-account/balance-summary."""
        assets = self._desk.assets(account, params.get("ticker"))
        return [self._shapes.asset(asset) for asset in assets.values()]

    def summary(self, account: str, _params: Params) -> Json:
        """POST collateral-account/summary."""
        return self._shapes.summary(self._desk.summary(account))

    def leverage(self, account: str, params: Params) -> Json:
        """POST collateral-account/leverage."""
        return {"leverage": self._desk.set_leverage(account, params.get("leverage"))}

    def hedge_mode(self, account: str, _params: Params) -> Json:
        """POST collateral-account/hedge-mode."""
        return {"hedgeMode": self._desk.hedge_mode(account)}

    def set_hedge_mode(self, account: str, params: Params) -> Json:
        """POST collateral-account/hedge-mode/update."""
        return {"hedgeMode": self._desk.set_hedge_mode(account, params.get("hedgeMode"))}

    # Positions

    def positions(self, account: str, params: Params) -> Json:
        """POST collateral-account/positions/open."""
        views = self._desk.positions(account, params.get("market"))
        return [self._shapes.position(view) for view in views]

    def position_history(self, account: str, params: Params) -> Json:
        """POST collateral-account/positions/history."""
        query = PositionHistoryQuery.from_body(params)
        records = self._desk.position_history(account, query, self._core.stated_time())
        return [self._shapes.position_record(record) for record in records]

    def close_position(self, account: str, params: Params) -> Json:
        """POST collateral-account/position/close (R2)."""
        self._desk.close_position(account, CloseRequest.from_body(params))
        return []

    def closed_pnl(self, account: str, params: Params) -> Json:
        """POST collateral-account/positions/closed-pnl."""
        query = ClosedPnlQuery.from_body(params)
        found = self._desk.closed_pnl(account, query, self._core.stated_time())
        return [
            self._shapes.closed_position(closed, self._ever[closed.position.market])
            for closed in found
        ]

    def adl_quantile(self, account: str, _params: Params) -> Json:
        """POST collateral-account/adl-quantile (R4)."""
        quantiles: dict[str, dict[str, Any]] = {}
        for view in self._desk.positions(account):
            market, amount = view.position.market, view.position.amount
            if self._ever[market].is_futures:
                blank = {"market": market, "long": None, "short": None}
                entry = quantiles.setdefault(market, blank)
                entry["long" if amount > 0 else "short"] = 0
        return list(quantiles.values())

    def funding_history(self, account: str, params: Params) -> Json:
        """POST collateral-account/funding-history."""
        query = PageQuery.from_body(params)
        records, limit, offset = self._desk.funding_history(account, query)
        shapes = [self._shapes.funding(record) for record in records]
        return {"records": shapes, "limit": limit, "offset": offset}

    # Orders

    def _placer(self, kind: OrderType) -> Callable[[str, Params], Json]:
        """POST order/collateral/limit, market, stop-limit and trigger-market."""

        def place(account: str, params: Params) -> Json:
            request = CollateralRequest.from_body(kind, params)
            return self._shapes.created(self._desk.place(account, request))

        return place

    def bulk(self, account: str, params: Params) -> Json:
        """POST order/collateral/bulk."""
        results = self._desk.place_bulk(account, params.get("orders"), params.get("stopOnFail"))
        return [self._shapes.leg(result) for result in results]

    def oco(self, account: str, params: Params) -> Json:
        """POST order/collateral/oco."""
        group = self._desk.place_oco(account, OcoRequest.from_body(params))
        return self._shapes.created_oco(group)

    def oco_orders(self, account: str, params: Params) -> Json:
        """POST oco-orders."""
        groups, _, _ = self._desk.groups(account, PageQuery.from_body(params))
        return [self._shapes.oco(group) for group in groups]

    def conditional_orders(self, account: str, params: Params) -> Json:
        """POST conditional-orders."""
        query = PageQuery.from_body(params)
        groups, limit, offset = self._desk.groups(account, query, CONDITIONAL, default=100)
        return {
            "limit": limit,
            "offset": offset,
            "total": self._desk.group_total(account, query.market),
            "records": [self._shapes.conditional(group) for group in groups],
        }

    def cancel_oco(self, account: str, params: Params) -> Json:
        """POST order/oco-cancel."""
        request = GroupCancelRequest(
            "orderId", params.get("market"), params.get("orderId"), params.get("clientOrderId")
        )
        return self._shapes.oco(self._desk.cancel_group(account, request, (GroupKind.OCO,)))

    def cancel_oto(self, account: str, params: Params) -> Json:
        """POST order/oto-cancel (R2)."""
        request = GroupCancelRequest("otoId", params.get("market"), params.get("otoId"))
        self._desk.cancel_group(account, request, (GroupKind.OTO,))
        return []

    def cancel_conditional(self, account: str, params: Params) -> Json:
        """POST order/conditional-cancel (R2)."""
        request = GroupCancelRequest("id", params.get("market"), params.get("id"))
        self._desk.cancel_group(account, request)
        return []
