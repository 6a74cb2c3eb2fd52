"""The endpoint table against the venue's documented list of 33."""

from __future__ import annotations

from whitewire.endpoints import ENDPOINTS, Route, by_path
from whitewire.venue import Venue
from whitewire.venue.rest.app import Listener, RestApp

# The market-maker guide's colocation list, as far as this version calls it, and what it lacks.
COLOCATION = {
    "/api/v4/trade-account/balance": 12_000,
    "/api/v4/trade-account/executed-history": 12_000,
    "/api/v4/trade-account/order": 12_000,
    "/api/v4/trade-account/order/history": 12_000,
    "/api/v4/orders": 12_000,
    "/api/v4/order/cancel": 10_000,
    "/api/v4/order/new": 10_000,
    "/api/v4/order/bulk": 10_000,
    "/api/v4/order/modify": 10_000,
    "/api/v4/order/kill-switch": 10_000,
    "/api/v4/order/kill-switch/status": 10_000,
    "/api/v4/public/ping": 2_000,
    "/api/v4/public/time": 2_000,
}
# Where the venue's pages disagree, the lower limit is kept.
LOWER = {"collateral_balance", "positions"}
ELSEWHERE = {"/api/v4/order/cancel/all", "/api/v4/public/markets"}


class Nobody:
    """Nobody is told of requests."""

    def begin_request(self) -> None:
        """Not told."""

    def end_request(self) -> None:
        """Not told."""


def test_routes_and_limits_are_the_venues() -> None:
    for path, limit in COLOCATION.items():
        endpoint = by_path(path)
        assert endpoint is not None, path
        assert (endpoint.route, endpoint.limit, endpoint.per_seconds) == (
            Route.COLOCATION,
            limit,
            10,
        )
    for path in ELSEWHERE:
        endpoint = by_path(path)
        assert endpoint is not None, path
        assert endpoint.route is Route.PUBLIC


def test_the_whole_table_is_what_the_embedded_venue_serves() -> None:
    """The venue shares no code with the table; it has the limits of the documentation."""
    with Venue(traders=False, tls=False) as venue:
        core = venue._server.core
        apps = {listener: RestApp(core, listener, Nobody()) for listener in Listener}
        served = {listener: set(app.routes()) for listener, app in apps.items()}
        limits = {
            (method, path): route.limit
            for app in [apps[Listener.PUBLIC]]
            for method, routes in (("GET", app._public), ("POST", app._private))
            for path, route in routes.items()
        }
    ours = {(row.method, row.path.removesuffix("{market}")): row for row in ENDPOINTS.values()}
    assert ours.keys() == served[Listener.PUBLIC]
    at_colo = {key for key, row in ours.items() if row.route is Route.COLOCATION}
    assert at_colo == served[Listener.COLOCATION]
    assert len(at_colo) == 33
    for key, limit in limits.items():
        row = ours[key]
        stated = (100 if row.name in LOWER else limit.limit, limit.per_s)
        assert (row.limit, row.per_seconds) == stated, row


def test_tokens_are_the_scarce_ones() -> None:
    token = ENDPOINTS["websocket_token"]
    assert (token.limit, token.per_seconds) == (10, 60)


def test_names_and_paths_are_unique_and_public_data_is_read_with_get() -> None:
    paths = [endpoint.path for endpoint in ENDPOINTS.values()]
    assert len(set(paths)) == len(paths)
    assert by_path("/api/v4/nowhere") is None
    for name, endpoint in ENDPOINTS.items():
        assert endpoint.name == name
        assert endpoint.method == ("GET" if "/public/" in endpoint.path else "POST")


def test_what_pulls_quotes_draws_on_the_reserve() -> None:
    reserved = {name for name, endpoint in ENDPOINTS.items() if endpoint.is_cancel}
    groups = {"cancel_oco", "cancel_oto", "cancel_conditional"}
    assert reserved == {"cancel", "cancel_all", "cancel_bulk", "kill_switch"} | groups


def test_whatever_acts_on_the_market_is_an_order_and_never_sent_again() -> None:
    acting = ("/order/", "/position/close")
    sent_again = {
        name
        for name, row in ENDPOINTS.items()
        if any(part in row.path for part in acting) and not row.is_order
    }
    assert {name for name in sent_again if not ENDPOINTS[name].is_cancel} == {
        "kill_switch_status",
        "order_history",
    }
    assert not any(row.is_order and row.is_cancel for row in ENDPOINTS.values())
