"""The endpoint table against the venue's documented list of 33."""

from __future__ import annotations

from whitewire.endpoints import ENDPOINTS, Route, by_path

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
ELSEWHERE = {"/api/v4/order/cancel/all", "/api/v4/public/markets"}


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
    assert reserved == {"cancel", "cancel_all", "kill_switch"}
