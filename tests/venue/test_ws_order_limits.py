"""How many order calls a connection and an account may make, on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.venue.naive import Nonces, RestClient
from tests.venue.order_socket import MARKET, OrderSocket, order_venue, token_of
from whitewire.venue import WireOptions
from whitewire.venue.options import RateLimit

LIMIT = {"market": MARKET, "side": "buy", "amount": "0.1", "price": "100"}
MONEY = {"market": MARKET, "side": "buy", "amount": "600"}
UNKNOWN = {"market": MARKET, "order_id": 7}


class Clock:
    """The venue's time, which passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def limited(
    clock: Clock, wire: WireOptions, accounts: tuple[int, ...] = (0, 0)
) -> Iterator[list[OrderSocket]]:
    """A socket for each of these accounts on a venue with these limits."""
    with ExitStack() as stack:
        venue = stack.enter_context(order_venue(wire, clock=clock))
        nonces = Nonces(clock)
        sockets = []
        for account in accounts:
            rest = stack.enter_context(RestClient(venue, account, nonces=nonces))
            sockets.append(stack.enter_context(OrderSocket(venue, token_of(rest))))
        yield sockets


def test_orders_and_other_calls_have_budgets_of_their_own() -> None:
    clock = Clock()
    wire = WireOptions(ws_place_requests=RateLimit(2, 10), ws_requests=RateLimit(3, 10))
    refusal = (7, "too many requests")
    with limited(clock, wire) as (ws, second):
        assert ws.limit("buy", "100")["status"] == "OPEN"
        assert ws.error("order_limit_place", {}) == (1, "market is required")
        assert ws.error("order_limit_place", LIMIT) == refusal
        assert ws.error("order_market_place", MONEY) == refusal
        # The authorization was the first of the other calls.
        assert ws.error("order_cancel", UNKNOWN)[0] == 6
        assert ws.call("ping") == "pong"
        assert ws.error("order_cancel", UNKNOWN) == refusal
        assert ws.error("order_cancel_all", {}) == refusal
        assert ws.error("ping") == refusal
        assert second.limit("buy", "100")["status"] == "OPEN"
        clock.now += 10
        assert ws.limit("buy", "100")["status"] == "OPEN"
        assert ws.call("ping") == "pong"


def test_the_default_budgets_are_the_documented_ones() -> None:
    wire = WireOptions()
    assert wire.ws_place_requests == RateLimit(10_000, 10)
    assert wire.ws_requests == RateLimit(12_000, 10)
    assert wire.ws_user_requests is None
    assert wire.ws_user_orders is None


def test_an_account_has_limits_over_all_its_sockets() -> None:
    clock = Clock()
    wire = WireOptions(ws_user_requests=RateLimit(4, 10), ws_user_orders=RateLimit(2, 10))
    with limited(clock, wire, (0, 0, 1)) as (ws, second, other):
        ws.limit("buy", "100")
        second.limit("buy", "100")
        for socket in (ws, second):
            assert socket.error("order_limit_place", LIMIT) == (
                *(10001, "too many new orders per period"),
            )
        assert ws.error("order_cancel", UNKNOWN)[0] == 6
        assert second.error("order_cancel", UNKNOWN)[0] == 6
        for method in ("order_cancel", "order_limit_place"):
            assert ws.error(method, UNKNOWN) == (10000, "too many requests per period")
        assert ws.call("ping") == "pong"
        assert other.limit("buy", "100")["status"] == "OPEN"
        clock.now += 10
        assert ws.limit("buy", "100")["status"] == "OPEN"
