"""The numbers of a scenario's traders: what is refused, and what each mood does to the market."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import pytest

from tests.venue.desk import MARKET, Desk
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.scenario import load
from whitewire.venue.trader_options import TraderOptions
from whitewire.venue.values.events import TradeEvent
from whitewire.venue.values.model import PublicTrade, Side


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"takers_per_s": 0}, "takers_per_s was 0, and is from 1e-06"),
        ({"takers_per_s": "many"}, "takers_per_s was 'many', not a number"),
        ({"takers_per_s": float("nan")}, "takers_per_s was nan"),
        ({"jump_odds": 0}, "jump_odds was 0, and is from 1"),
        ({"jump_levels": 1.5}, "jump_levels was 1.5, not a whole number"),
        ({"jump_levels": True}, "jump_levels was True, not a whole number"),
        ({"volatility_percent": -1}, "volatility_percent was -1"),
        ({"buyers_percent": 101}, "buyers_percent was 101, and is at most 100"),
        ({"maker_pause_min_s": 0.0}, "maker_pause_min_s was 0.0, and is at least 0.001"),
        ({"maker_pause_max_s": 0.01}, "less than maker_pause_min_s"),
    ],
)
def test_what_traders_cannot_do_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        TraderOptions(**options)


def test_a_price_may_drift_down() -> None:
    assert TraderOptions(drift_percent=-5).drift_percent == -5


class Market:
    """A market of a scenario, its trades and its mid prices, ten a second."""

    def __init__(self, scenario: str, seconds: float, seed: int = 1) -> None:
        traders = load(scenario).traders
        self.desk = Desk(ExchangeOptions(traded_markets=(MARKET,), traders=traders), seed=seed)
        self.mids: list[Decimal] = []
        self.shallowest = 1_000
        for _ in range(round(seconds * 10)):
            self.desk.now += 0.1
            self.desk.exchange.tick(self.desk.now)
            bids, asks = self.desk.exchange.depth(MARKET, 500)
            assert bids[0].price < asks[0].price
            self.mids.append((bids[0].price + asks[0].price) / 2)
            self.shallowest = min(self.shallowest, len(bids), len(asks))
        self.trades: list[PublicTrade] = [
            event.trade for event in self.desk.events if isinstance(event, TradeEvent)
        ]

    def moves_bp(self, looks: int) -> list[Decimal]:
        """Changes of the mid over so many looks, in basis points."""
        return [
            (after - before) / before * 10_000
            for before, after in zip(self.mids, self.mids[looks:], strict=False)
        ]


def test_calm_is_the_market_that_it_always_was() -> None:
    """To the byte: recorded before there were scenarios."""
    desk = Desk(ExchangeOptions(traded_markets=(MARKET,), traders=load("calm").traders), seed=1)
    digest = hashlib.sha256()
    for _ in range(600):
        desk.now += 0.1
        desk.exchange.tick(desk.now)
        levels = [
            (str(level.price), str(level.amount))
            for side in desk.exchange.depth(MARKET, 100)
            for level in side
        ]
        digest.update(repr(levels).encode())
    for trade in reversed(desk.exchange.recent_trades(MARKET, 1000)):
        text = f"{trade.time} {trade.side.value} {trade.price} {trade.amount}\n"
        digest.update(text.encode())
    assert digest.hexdigest() == "e1d0e743cf4148b26b3120f3faf618f65ee6971766734c92c82abd5192eb0008"


@pytest.mark.parametrize("scenario", ["fast", "jump", "one_sided", "cascade"])
def test_every_market_stays_deep_and_uncrossed(scenario: str) -> None:
    assert Market(scenario, 30).shallowest >= 90


def test_fast_is_fast() -> None:
    calm, fast = Market("calm", 20), Market("fast", 20)
    assert len(fast.trades) > 3 * len(calm.trades)
    updates = [market.desk.exchange.update_id(MARKET) for market in (calm, fast)]
    start = calm.desk.exchange.options.first_update_id
    assert updates[1] - start > 2.5 * (updates[0] - start)


def test_jump_jumps() -> None:
    calm, jump = Market("calm", 60), Market("jump", 60)
    assert max(map(abs, jump.moves_bp(1))) > 2 * max(map(abs, calm.moves_bp(1)))


def test_one_sided_buys_and_climbs() -> None:
    market = Market("one_sided", 120)
    buys = sum(trade.side is Side.BUY for trade in market.trades)
    assert buys > 0.8 * len(market.trades)
    assert market.mids[-1] > market.mids[0] * Decimal("1.001")


def test_a_cascade_is_a_run_of_large_takers_on_one_side_that_moves_the_price() -> None:
    calm, cascade = Market("calm", 180), Market("cascade", 180)
    assert max(map(abs, cascade.moves_bp(20))) > 3 * max(map(abs, calm.moves_bp(20)))
    at = max(range(len(cascade.mids) - 20), key=lambda i: abs(cascade.moves_bp(20)[i]))
    start = cascade.desk.now - (len(cascade.mids) - at) * 0.1
    run = [trade for trade in cascade.trades if start < trade.time < start + 2]
    sold = sum(trade.amount for trade in run if trade.side is Side.SELL)
    bought = sum(trade.amount for trade in run if trade.side is Side.BUY)
    falls = cascade.mids[at + 20] < cascade.mids[at]
    pushed, others = (sold, bought) if falls else (bought, sold)
    assert pushed > 5 * others
