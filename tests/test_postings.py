"""What deals and orders do to a wallet."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.order_desk import AMOUNT, MARKET, PRICE, VenueOrder, new_order, new_store
from whitewire.market import Side
from whitewire.protocol.events import Deal
from whitewire.protocol.expected import Held
from whitewire.protocol.postings import deal_key, foreign_hold, holds, spot_deal

D = Decimal


def deal(side: int, fee_asset: str) -> Deal:
    return Deal(7, 0, MARKET.name, 8, "60000", "0.01", "0.5", "", side, 1, fee_asset)


@pytest.mark.parametrize(
    ("side", "fee_asset", "stock", "money"),
    [
        (2, "BTC", "-0.49", "-600"),
        (2, "USDT", "0.01", "-600.5"),
        (1, "USDT", "-0.01", "599.5"),
        (1, "BTC", "-0.51", "600"),
        (1, "WBT", "-0.01", "600"),
    ],
)
def test_a_deal_moves_stock_money_and_the_fees_asset(
    side: int, fee_asset: str, stock: str, money: str
) -> None:
    moved: dict[str, Decimal] = {}
    for asset, amount in spot_deal(deal(side, fee_asset), MARKET):
        moved[asset] = moved.get(asset, D(0)) + amount
    assert (moved["BTC"], moved["USDT"]) == (D(stock), D(money))


def test_a_deal_with_oneself_is_two() -> None:
    mine = deal(1, "USDT")
    assert deal_key(mine) != deal_key(mine._replace(venue_id=9))


def test_an_order_freezes_what_it_pays_and_one_in_doubt_perhaps_nothing() -> None:
    store, venue = new_store(), VenueOrder()
    order = new_order(store)
    money = MARKET.price(PRICE) * MARKET.amount(AMOUNT)
    assert holds([order]) == {"USDT": Held(D(0), money * D("1.01"))}
    store.on_place_reply(order, venue.place(take=4), 2)
    left = MARKET.price(PRICE) * MARKET.amount(AMOUNT - 4)
    assert holds([order])["USDT"].least == min(left, money)
    store.modify_sent(order, PRICE + 100, AMOUNT + 5, 3)
    most = MARKET.price(PRICE + 100) * MARKET.amount(AMOUNT + 5) * D("1.01")
    assert holds([order])["USDT"] == Held(left, most)
    sell = new_order(store, "ww-2", side=Side.SELL)
    both = holds([order, sell], [("BTC", D(3))])
    assert both["BTC"] == Held(D(3), (D(3) + MARKET.amount(AMOUNT)) * D("1.01"))


def test_what_orders_of_others_freeze() -> None:
    venue = VenueOrder(client_id="theirs")
    venue.place()
    opened = venue.pushes[0]
    money = MARKET.price(PRICE) * MARKET.amount(AMOUNT)
    assert foreign_hold(opened, MARKET) == ("USDT", money)
    assert foreign_hold(opened._replace(side=1), MARKET) == ("BTC", MARKET.amount(AMOUNT))
    assert foreign_hold(opened._replace(event=3), MARKET) is None
    assert foreign_hold(opened._replace(order_type=3), MARKET) is None
