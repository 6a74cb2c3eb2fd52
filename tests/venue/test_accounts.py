"""Wallets and the registers of an account."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.desk import Desk, account
from tests.venue.test_book import order
from whitewire.venue.engine.accounts import Account, FeePot, default_accounts
from whitewire.venue.values.model import Side, Wallet


def test_funds_move_between_their_parts() -> None:
    owner = Account(account("a", balances={"USDT": Decimal(10)}), history_limit=5)
    owner.freeze("USDT", Decimal(6))
    owner.release("USDT", Decimal(1))
    owner.pay("USDT", Decimal(2))
    owner.receive("BTC", Decimal("0.5"))
    assert owner.wallet("USDT") == Wallet(Decimal(5), Decimal(3))
    assert owner.available("BTC") == Decimal("0.5")
    assert owner.wallet("ETH") == Wallet()
    assert owner.take_touched() == ("USDT", "BTC")
    assert owner.take_touched() == ()


def test_orders_are_found_by_either_id_on_their_market_only() -> None:
    owner = Account(account("a"), history_limit=5)
    resting = order(7, Side.BUY, 10)
    resting.client_order_id = "q"
    owner.open(resting)
    assert owner.find("M", 7, None) is resting
    assert owner.find("M", None, "q") is resting
    assert owner.find("N", 7, None) is None
    assert owner.find("N", None, "q") is None
    assert owner.find("M", None, "") is None
    owner.close(resting)
    assert owner.find("M", 7, None) is None
    assert owner.by_client_id("M", "q") is None


def test_history_is_bounded_and_business_accounts_forget_idle_cancels() -> None:
    owner = Account(account("a"), history_limit=2)
    business = Account(account("b", is_b2b=True), history_limit=2)
    for number in range(3):
        owner.remember(order(number, Side.BUY, 10))
        business.remember(order(number, Side.BUY, 10))
    assert [kept.id for kept in owner.finished] == [1, 2]
    assert list(business.finished) == []
    traded = order(4, Side.BUY, 10)
    traded.deal_stock = Decimal(1)
    business.remember(traded)
    assert [kept.id for kept in business.finished] == [4]


def test_fees_add_up() -> None:
    pot = FeePot()
    pot.collect("USDT", Decimal("0.1"))
    pot.collect("USDT", Decimal("0.2"))
    assert pot.amounts == {"USDT": Decimal("0.3")}


def test_default_accounts_depend_on_the_seed_alone() -> None:
    assert default_accounts(1) == default_accounts(1)
    first, second = default_accounts(1)
    assert len({first.key, second.key, first.secret, second.secret}) == 4
    assert default_accounts(2)[0].key != first.key
    assert set(first.balances) >= {"BTC", "USDT"}


def test_a_default_account_can_trade() -> None:
    desk = Desk(accounts=default_accounts(1))
    assert desk.limit("account-1", "buy", "60000", "1").left == 1
