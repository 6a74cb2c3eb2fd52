"""What the tests of foreign clients share: pointing a client at a venue, and what it must reach."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from whitebit import WhitebitApi
from whitebit.environment import WhitebitApiEnvironment
from whitebit.hmac_transport import HmacTransport

from whitewire.venue import Venue
from whitewire.venue.values.model import AccountSpec

SYMBOL = "BTC/USDT"
TIMEOUT_S = 10.0

# Required by the SDK's signatures; its transport fills both in.
SIGNED: dict[str, Any] = {"request": "", "nonce": 0}

# The endpoints of the colocation host, by the first guide's list: 15, 14 and 4.
SPOT = (
    "trade-account/balance",
    "order/new",
    "order/bulk",
    "order/market",
    "order/stock_market",
    "order/stop_limit",
    "order/stop_market",
    "order/cancel",
    "order/modify",
    "orders",
    "trade-account/executed-history",
    "trade-account/order",
    "trade-account/order/history",
    "order/kill-switch",
    "order/kill-switch/status",
)
COLLATERAL = (
    "collateral-account/balance",
    "collateral-account/balance-summary",
    "collateral-account/summary",
    "collateral-account/leverage",
    "collateral-account/positions/open",
    "collateral-account/positions/history",
    "collateral-account/funding-history",
    "oco-orders",
    "order/collateral/limit",
    "order/collateral/market",
    "order/collateral/stop-limit",
    "order/collateral/trigger-market",
    "order/collateral/oco",
    "order/collateral/bulk",
)
UTILITY = ("profile/websocket_token", "public/ping", "public/time", "market/fee")


def serves(venue: Venue, path: str) -> bool:
    """Whether the colocation listener has an endpoint: it answers anything else with 404."""
    parts = urlsplit(venue.rest)
    assert parts.hostname is not None
    connection = http.client.HTTPSConnection(
        parts.hostname,
        parts.port,
        timeout=TIMEOUT_S,
        context=ssl.create_default_context(cafile=venue.ca),
    )
    method = "GET" if path.startswith("public/") else "POST"
    connection.request(method, "/api/v4/" + path)
    status = connection.getresponse().status
    connection.close()
    return status != http.HTTPStatus.NOT_FOUND


def wait_for_a_trade(venue: Venue) -> None:
    """Stop orders need a last price; the simulated traders make one within a second or so."""
    deadline = time.monotonic() + TIMEOUT_S
    while not venue.call(lambda exchange: exchange.recent_trades("BTC_USDT", 1)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ccxt


def credentials(spec: AccountSpec) -> dict[str, str]:
    """An account's part of ccxt's configuration."""
    return {"apiKey": spec.key, "secret": spec.secret}


def point(exchange: Any, venue: Venue) -> None:
    """Changes the hosts that a ccxt client talks to."""
    for version in ("v1", "v2", "v4"):
        for access, url in exchange.urls["api"][version].items():
            path = url.removeprefix("https://whitebit.com")
            exchange.urls["api"][version][access] = venue.public_rest + path
    exchange.urls["api"]["ws"] = venue.ws


# whitebit-python-sdk


class Millisecond:
    """Keeps the SDK's requests in different milliseconds, for these are its nonces.

    On the way to the real venue they always are; on one machine two may fit into one.
    """

    last = 0

    @classmethod
    def wait(cls, _request: httpx.Request) -> None:
        """Called before a request is signed."""
        while int(time.time() * 1_000) <= cls.last:
            time.sleep(0.000_1)

    @classmethod
    def note(cls, _response: httpx.Response) -> None:
        """Called when a request, signed at the latest now, was answered."""
        cls.last = int(time.time() * 1_000)


@contextmanager
def sdk_client(
    venue: Venue, url: str, account: int, answered: dict[str, int] | None = None
) -> Iterator[WhitebitApi]:
    """The venue's own SDK; `answered` collects the status of each path that it called."""
    spec = venue.accounts[account]

    def note(response: httpx.Response) -> None:
        if answered is not None:
            answered[response.request.url.path.removeprefix("/api/v4/")] = response.status_code

    context = ssl.create_default_context(cafile=venue.ca)
    # The SDK's signing transport does not close the one that it wraps.
    wrapped = httpx.HTTPTransport(verify=context)
    transport = HmacTransport(spec.secret, wrapped=wrapped)
    hooks: dict[str, list[Any]] = {
        "request": [Millisecond.wait],
        "response": [Millisecond.note, note],
    }
    with wrapped, httpx.Client(transport=transport, event_hooks=hooks) as http_client:
        yield WhitebitApi(
            environment=WhitebitApiEnvironment(base=url, production=venue.ws, eu=venue.ws),
            api_key=spec.key,
            txc_payload="",
            txc_signature="",
            httpx_client=http_client,
        )
