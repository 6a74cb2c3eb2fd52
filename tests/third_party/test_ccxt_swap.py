"""ccxt's REST client on a perpetual: collateral orders, positions, leverage, funding.

Two accounts trade with each other. A test is skipped for as long as the venue does not list the
perpetual or does not serve one of the endpoints that the test needs. What ccxt does differently
from the documentation: it sends a perpetual's stop-limit orders to the spot endpoint, and reads
the realised `pnl` of an open position as the unrealised one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ccxt
import pytest

from tests.third_party.support import credentials, point, serves
from whitewire.venue import Venue

SWAP = "BTC/USDT:USDT"
MARKET = "BTC_PERP"

LIMIT = "order/collateral/limit"
POSITIONS = "collateral-account/positions/open"


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue(traders=False) as running:
        yield running


@dataclass
class Pair:
    """Two accounts of one venue."""

    venue: Venue
    mine: Any
    other: Any

    def needs(self, *paths: str) -> None:
        """Names what the test asks for; it fails where the venue serves one of them no more."""
        missing = [path for path in paths if not serves(self.venue, path)]
        assert not missing

    def buy(self, amount: float = 0.01, price: float = 60_000) -> None:
        self.other.create_order(SWAP, "limit", "sell", amount, price)
        assert self.mine.create_order(SWAP, "limit", "buy", amount, price)["status"] == "closed"

    def sell(self, amount: float = 0.01, price: float = 60_000) -> None:
        self.other.create_order(SWAP, "limit", "buy", amount, price)
        assert self.mine.create_order(SWAP, "limit", "sell", amount, price)["status"] == "closed"

    def held(self) -> float:
        """How much of the perpetual I hold."""
        found = self.mine.fetch_positions([SWAP])
        return float(sum(float(position["info"]["amount"]) for position in found))


def client(venue: Venue, account: int) -> Any:
    exchange = ccxt.whitebit(
        {
            **credentials(venue.accounts[account]),
            "enableRateLimit": False,
            "validateServerSsl": venue.ca,
        }
    )
    point(exchange, venue)
    return exchange


@pytest.fixture
def pair(venue: Venue) -> Iterator[Pair]:
    pair = Pair(venue, client(venue, 0), client(venue, 1))
    pair.needs(LIMIT, POSITIONS)
    yield pair
    for one in (pair.mine, pair.other):
        one.cancel_all_orders(SWAP)
    held = pair.held()
    if held > 0:
        pair.sell(held)
    elif held < 0:
        pair.buy(-held)
    pair.mine.session.close()
    pair.other.session.close()


def test_market(pair: Pair) -> None:
    market = pair.mine.load_markets()[SWAP]
    assert (market["id"], market["swap"], market["linear"]) == (MARKET, True, True)
    assert (market["settle"], market["contractSize"]) == ("USDT", 1)
    spot = pair.mine.markets["BTC/USDT"]
    assert (spot["spot"], spot["margin"]) == (True, True)


def test_order_life(pair: Pair) -> None:
    placed = pair.mine.create_order(
        SWAP, "limit", "buy", 0.01, 30_000, {"clientOrderId": "swap-1", "postOnly": True}
    )
    assert (placed["status"], placed["clientOrderId"]) == ("open", "swap-1")
    assert (placed["price"], placed["amount"], placed["filled"]) == (30_000, 0.01, 0)
    assert placed["symbol"] == SWAP
    (listed,) = pair.mine.fetch_open_orders(SWAP)
    assert listed["id"] == placed["id"]
    assert pair.mine.cancel_order(placed["id"], SWAP)["status"] == "canceled"
    assert pair.mine.fetch_open_orders(SWAP) == []


def test_position(pair: Pair) -> None:
    assert pair.held() == 0
    pair.buy(0.01, 60_000)
    pair.buy(0.01, 61_000)
    (position,) = pair.mine.fetch_positions([SWAP])
    assert (position["symbol"], position["entryPrice"]) == (SWAP, 60_500)
    assert position["info"]["amount"] == "0.02"
    assert position["collateral"] > 0
    assert abs(position["timestamp"] / 1_000 - time.time()) < 60
    assert pair.mine.fetch_position(SWAP)["id"] == position["id"]
    pair.sell(0.02, 61_000)
    assert pair.held() == 0


def test_market_order(pair: Pair) -> None:
    pair.needs("order/collateral/market")
    pair.other.create_order(SWAP, "limit", "sell", 0.01, 60_000)
    order = pair.mine.create_order(SWAP, "market", "buy", 0.01)
    assert (order["status"], order["filled"], order["cost"]) == ("closed", 0.01, 600)
    trades = pair.mine.fetch_my_trades(SWAP)
    (mine,) = [trade for trade in trades if trade["order"] == order["id"]]
    assert (mine["fee"]["currency"], mine["takerOrMaker"]) == ("USDT", "taker")
    assert pair.held() == 0.01


def test_trigger_order(pair: Pair) -> None:
    pair.needs("order/collateral/trigger-market")
    pair.buy()
    order = pair.mine.create_order(SWAP, "market", "sell", 0.01, None, {"triggerPrice": 50_000})
    assert (order["status"], order["triggerPrice"]) == ("open", 50_000)
    assert pair.mine.cancel_order(order["id"], SWAP)["status"] == "canceled"


def test_margin_order_on_a_spot_market(pair: Pair) -> None:
    placed = pair.mine.create_order(
        "BTC/USDT", "limit", "buy", 0.01, 30_000, {"marginMode": "cross"}
    )
    assert (placed["status"], placed["symbol"]) == ("open", "BTC/USDT")
    assert pair.mine.cancel_order(placed["id"], "BTC/USDT")["status"] == "canceled"


def test_leverage(pair: Pair) -> None:
    pair.needs("collateral-account/leverage", "collateral-account/summary")
    pair.mine.set_leverage(1)
    with pytest.raises(ccxt.InsufficientFunds):
        pair.mine.create_order(SWAP, "limit", "buy", 50, 30_000)
    for leverage in (20, 10):
        assert pair.mine.set_leverage(leverage)["leverage"] == leverage
        assert pair.mine.v4PrivatePostCollateralAccountSummary()["leverage"] == leverage


def test_balance(pair: Pair) -> None:
    pair.needs("collateral-account/balance")
    assert pair.mine.fetch_balance({"type": "swap"})["USDT"]["total"] > 0


def test_position_history(pair: Pair) -> None:
    pair.needs("collateral-account/positions/history")
    pair.buy()
    pair.sell(0.01, 61_000)
    history = pair.mine.fetch_position_history(SWAP)
    assert history
    assert {entry["symbol"] for entry in history} == {SWAP}


def test_funding(pair: Pair) -> None:
    pair.needs("collateral-account/funding-history")
    pair.buy()
    assert isinstance(pair.mine.fetch_funding_history(SWAP), list)


def test_funding_rate(pair: Pair) -> None:
    rate = pair.mine.fetch_funding_rate(SWAP)
    assert rate["symbol"] == SWAP
    assert rate["fundingRate"] is not None
    assert rate["fundingTimestamp"] > time.time() * 1_000 - 60_000
