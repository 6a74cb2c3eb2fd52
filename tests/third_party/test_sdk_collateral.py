"""The venue's own Python SDK over the collateral endpoints of the colocation host.

Two accounts trade a perpetual with each other, so every price is known. An exercise is skipped
for as long as the venue does not list the perpetual or does not serve one of the endpoints that
the exercise calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from whitebit import WhitebitApi
from whitebit.collateral_trading.types import CreateCollateralBulkOrderRequestOrdersItem

from tests.third_party.support import COLLATERAL, SIGNED, sdk_client
from whitewire.venue import Venue
from whitewire.venue.values.requests import CancelAllRequest

MARKET = "BTC_PERP"
PRICE = "60000"


@dataclass(frozen=True)
class Pair:
    """Two accounts of one venue."""

    mine: WhitebitApi
    other: WhitebitApi

    def limit(
        self, who: WhitebitApi, side: str, amount: str = "0.01", price: str = PRICE, **more: Any
    ) -> Any:
        return who.collateral_trading.create_collateral_limit_order(
            **SIGNED, market=MARKET, side=side, amount=amount, price=price, **more
        )

    def buy(self, amount: str = "0.01", price: str = PRICE) -> int:
        """I buy from the other; the id of my order."""
        self.limit(self.other, "sell", amount, price)
        order = self.limit(self.mine, "buy", amount, price)
        assert (order.status, order.left) == ("FILLED", "0")
        return int(order.order_id)

    def sell(self, amount: str, price: str = PRICE) -> None:
        """I sell to the other."""
        self.limit(self.other, "buy", amount, price)
        assert self.limit(self.mine, "sell", amount, price).status == "FILLED"

    def flatten(self) -> None:
        """Nobody has a position afterwards."""
        amount = sum(Decimal(held.amount or 0) for held in self.positions())
        if amount > 0:
            self.sell(str(amount))
        elif amount < 0:
            self.buy(str(-amount))

    def positions(self) -> list[Any]:
        """My positions that are not closed."""
        found = self.mine.collateral_trading.get_open_positions(market=MARKET)
        return [held for held in found if Decimal(held.amount or 0)]


Exercise = Callable[[Pair], None]
EXERCISES: dict[str, Exercise] = {}


def exercises(path: str) -> Callable[[Exercise], Exercise]:
    def register(exercise: Exercise) -> Exercise:
        EXERCISES[path] = exercise
        return exercise

    return register


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue(traders=False) as running:
        yield running


@pytest.fixture(scope="module")
def answered() -> dict[str, int]:
    return {}


@pytest.fixture
def pair(venue: Venue, answered: dict[str, int]) -> Iterator[Pair]:
    with (
        sdk_client(venue, venue.rest, 0, answered) as mine,
        sdk_client(venue, venue.rest, 1) as two,
    ):
        pair = Pair(mine, two)
        yield pair
        for account in venue.accounts:
            cancel_all(venue, account.name)
        pair.flatten()


def cancel_all(venue: Venue, name: str) -> None:
    venue.call(lambda exchange: exchange.cancel_all(name, CancelAllRequest()))


@pytest.mark.parametrize("path", COLLATERAL)
def test_sdk(venue: Venue, answered: dict[str, int], pair: Pair, path: str) -> None:
    answered.clear()
    EXERCISES[path](pair)
    assert answered[path] == 200


def is_order(order: Any, *, side: str, kinds: tuple[str, ...], status: str) -> None:
    """What every collateral order says; types come with and without the word margin."""
    assert order.order_id > 0
    assert (order.market, order.side, order.status) == (MARKET, side, status)
    assert order.type in kinds
    assert (order.stp, order.reduce_only, order.oto) == ("no", False, None)
    assert abs(order.timestamp - time.time()) < 60


@exercises("collateral-account/balance")
def balance(pair: Pair) -> None:
    balances = pair.mine.collateral_trading.collateral_account_balance()
    assert balances["USDT"] > 0
    assert set(pair.mine.collateral_trading.collateral_account_balance(ticker="USDT")) == {"USDT"}


@exercises("collateral-account/balance-summary")
def balance_summary(pair: Pair) -> None:
    (usdt,) = pair.mine.collateral_trading.collateral_account_balance_summary(ticker="USDT")
    assert (usdt.asset, usdt.borrow) == ("USDT", "0")
    assert Decimal(usdt.balance or 0) >= Decimal(usdt.available_without_borrow or 0) > 0
    assert Decimal(usdt.available_with_borrow or 0) >= Decimal(usdt.available_without_borrow or 0)
    rows = pair.mine.collateral_trading.collateral_account_balance_summary()
    assert "USDT" in {row.asset for row in rows}


@exercises("collateral-account/summary")
def summary(pair: Pair) -> None:
    before = pair.mine.collateral_trading.collateral_account_summary()
    assert Decimal(before.equity or 0) > 0
    assert Decimal(before.margin or 0) == 0
    pair.buy()
    after = pair.mine.collateral_trading.collateral_account_summary()
    assert Decimal(after.margin or 0) > 0
    assert Decimal(after.free_margin or 0) < Decimal(before.free_margin or 0)
    assert Decimal(after.unrealized_funding or 0) == 0
    assert after.leverage == before.leverage
    assert Decimal(after.margin_fraction or 0) > 0
    assert after.pnl is not None


@exercises("collateral-account/leverage")
def leverage(pair: Pair) -> None:
    for wanted in (20, 10):
        changed = pair.mine.collateral_trading.change_collateral_account_leverage(
            **SIGNED, leverage=wanted
        )
        assert changed.leverage == wanted
        assert pair.mine.collateral_trading.collateral_account_summary().leverage == wanted


@exercises("collateral-account/positions/open")
def open_positions(pair: Pair) -> None:
    assert pair.positions() == []
    pair.buy("0.01", "60000")
    pair.buy("0.01", "61000")
    (held,) = pair.positions()
    assert (held.market, held.amount, held.base_price) == (MARKET, "0.02", "60500")
    assert held.position_id > 0
    assert (held.position_side, held.liquidation_state) == ("BOTH", None)
    assert Decimal(held.unrealized_pnl) == 10  # 0.02 at the last price of 61000
    assert Decimal(held.margin) > 0
    assert held.open_date <= held.modify_date
    assert held.tpsl is None
    (short,) = pair.other.collateral_trading.get_open_positions(market=MARKET)
    assert short.amount == "-0.02"


@exercises("collateral-account/positions/history")
def positions_history(pair: Pair) -> None:
    order_id = pair.buy()
    (held,) = pair.positions()
    pair.sell("0.01", "61000")
    history = pair.mine.collateral_trading.get_positions_history(
        market=MARKET, position_id=held.position_id
    )
    assert {entry.position_id for entry in history} == {held.position_id}
    details = [entry.order_detail for entry in history if entry.order_detail is not None]
    (opened,) = [detail for detail in details if detail.id == order_id]
    assert (opened.trade_amount, opened.price) == ("0.01", "60000")
    assert Decimal(opened.trade_fee or 0) > 0
    assert {entry.is_hedge for entry in history} == {False}
    assert {entry.market for entry in history} == {MARKET}
    realized = [Decimal(detail.realized_pnl or 0) for detail in details]
    assert any(9 < pnl <= 10 for pnl in realized)  # with or without fees


@exercises("collateral-account/funding-history")
def funding_history(pair: Pair) -> None:
    page = pair.mine.collateral_trading.get_funding_history(market=MARKET, limit=10, offset=0)
    assert (page.limit, page.offset) == (10, 0)
    assert isinstance(page.records, list)
    for record in page.records:
        assert record.market == MARKET
        assert int(record.funding_time or 0) > 0
        assert record.funding_rate is not None


@exercises("order/collateral/limit")
def limit_order(pair: Pair) -> None:
    order = pair.limit(pair.mine, "buy", price="30000", client_order_id="perp-1", post_only=True)
    is_order(order, side="buy", kinds=("limit", "margin limit"), status="OPEN")
    assert (order.client_order_id, order.price, order.left) == ("perp-1", "30000", "0.01")
    assert (order.post_only, order.ioc, order.rpi) == (True, False, False)
    listed = pair.mine.spot_trading.get_active_orders(market=MARKET)
    assert [entry.order_id for entry in listed] == [order.order_id]


@exercises("order/collateral/market")
def market_order(pair: Pair) -> None:
    pair.limit(pair.other, "sell")
    order = pair.mine.collateral_trading.create_collateral_market_order(
        **SIGNED, market=MARKET, side="buy", amount="0.01"
    )
    is_order(order, side="buy", kinds=("market", "margin market"), status="FILLED")
    assert (order.deal_stock, order.deal_money, order.left) == ("0.01", "600", "0")
    closed = pair.limit(pair.other, "buy")
    assert closed.status == "OPEN"
    reduced = pair.mine.collateral_trading.create_collateral_market_order(
        **SIGNED, market=MARKET, side="sell", amount="0.01", reduce_only=True
    )
    assert (reduced.status, reduced.reduce_only) == ("FILLED", True)
    assert pair.positions() == []


@exercises("order/collateral/stop-limit")
def stop_limit_order(pair: Pair) -> None:
    pair.buy()
    order = pair.mine.collateral_trading.create_collateral_stop_limit_order(
        **SIGNED, market=MARKET, side="sell", amount="0.01", price="49000", activation_price="50000"
    )
    is_order(order, side="sell", kinds=("stop limit", "margin stop limit"), status="OPEN")
    assert (order.price, order.activation_price, order.left) == ("49000", "50000", "0.01")


@exercises("order/collateral/trigger-market")
def trigger_market_order(pair: Pair) -> None:
    pair.buy()
    order = pair.mine.collateral_trading.create_collateral_trigger_market_order(
        **SIGNED, market=MARKET, side="sell", amount="0.01", activation_price="50000"
    )
    kinds = ("stop market", "margin stop market", "margin trigger market")
    is_order(order, side="sell", kinds=kinds, status="OPEN")
    assert order.activation_price == "50000"


@exercises("order/collateral/oco")
def oco_order(pair: Pair) -> None:
    pair.buy()
    oco = pair.mine.collateral_trading.create_collateral_oco_order(
        **SIGNED,
        market=MARKET,
        side="sell",
        amount="0.01",
        price="70000",
        activation_price="50000",
        stop_limit_price="49000",
    )
    stop, profit = oco.stop_loss, oco.take_profit
    assert oco.id is not None
    assert stop is not None
    assert profit is not None
    assert len({oco.id, stop.order_id, profit.order_id}) == 3
    assert (stop.price, stop.activation_price, stop.activation_condition) == (
        "49000",
        "50000",
        "lte",
    )
    assert (stop.activated, stop.side, profit.side) == (0, "sell", "sell")
    assert (profit.price, profit.amount, stop.amount) == ("70000", "0.01", "0.01")


@exercises("oco-orders")
def oco_orders(pair: Pair) -> None:
    assert pair.mine.collateral_trading.get_oco_orders(market=MARKET) == []
    oco_order(pair)
    (listed,) = pair.mine.collateral_trading.get_oco_orders(market=MARKET, limit=10)
    assert listed.stop_loss is not None
    assert listed.take_profit is not None
    assert (listed.stop_loss.status, listed.take_profit.status) == ("OPEN", "OPEN")
    assert listed.take_profit.amount == "0.01"


@exercises("order/collateral/bulk")
def bulk(pair: Pair) -> None:
    legs = [
        CreateCollateralBulkOrderRequestOrdersItem(
            market=MARKET, side="buy", amount=amount, price="30000"
        )
        for amount in ("0.01", "0.00000001", "0.02")
    ]
    answer = pair.mine.collateral_trading.create_collateral_bulk_order(orders=legs)
    assert [leg.result and leg.result.amount for leg in answer] == ["0.01", None, "0.02"]
    assert answer[1].error is not None
    assert answer[1].error.code == 32
    assert answer[0].result is not None
    assert (answer[0].result.status, answer[0].result.reduce_only) == ("OPEN", False)
    stopped = pair.mine.collateral_trading.create_collateral_bulk_order(
        orders=legs, stop_on_fail=True
    )
    assert [leg.error is None for leg in stopped] == [True, False]
