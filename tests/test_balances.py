"""Balances of the trade account."""

from __future__ import annotations

from decimal import Decimal

from whitewire.protocol.balances import Balance, Balances
from whitewire.protocol.events import BalanceRow


def row(asset: str, available: str, freeze: str = "0") -> BalanceRow:
    return BalanceRow(asset, available, freeze)


def test_values_are_absolute() -> None:
    balances = Balances()
    balances.apply([row("BTC", "1", "0.5")], 1)
    balances.apply([row("BTC", "0.25", "1e-8")], 2)
    balance = balances.get("BTC")
    assert balance == Balance("BTC", Decimal("0.25"), Decimal("1e-8"))
    assert balance.total == Decimal("0.25000001")


def test_only_changes_are_told() -> None:
    balances = Balances()
    assert [b.asset for b in balances.apply([row("BTC", "1"), row("ETH", "2")], 1)] == [
        "BTC",
        "ETH",
    ]
    assert [b.asset for b in balances.apply([row("BTC", "1.0"), row("ETH", "3")], 2)] == ["ETH"]


def test_an_answer_never_overwrites_a_push_that_came_after_the_question() -> None:
    balances = Balances()
    balances.apply([row("BTC", "2")], 10)
    assert balances.apply_query([row("BTC", "1"), row("ETH", "5")], 9) == [balances.get("ETH")]
    assert balances.get("BTC").available == 2
    balances.apply_query([row("BTC", "3")], 11)
    assert balances.get("BTC").available == 3


def test_an_asset_that_was_never_named_is_zero() -> None:
    balances = Balances()
    assert balances.get("XRP") == Balance("XRP", Decimal(0), Decimal(0))
    assert balances.all() == []
    balances.apply([row("BTC", "0")], 1)
    assert [b.asset for b in balances.all()] == ["BTC"]
