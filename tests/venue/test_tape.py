"""The public tape."""

from __future__ import annotations

from decimal import Decimal

from whitewire.venue.engine.tape import Tape
from whitewire.venue.values.model import PublicTrade, Side


def trade(number: int) -> PublicTrade:
    price = Decimal(100 + number)
    return PublicTrade(number, 1.0, "M", price, Decimal(2), 2 * price, Side.BUY, False)


def test_an_empty_tape_has_no_prices() -> None:
    statistics = Tape("M", 10).statistics()
    assert statistics.last_price is None
    assert statistics.open_price is None
    assert statistics.stock_volume == 0


def test_totals_outlive_the_trades_that_are_kept() -> None:
    tape = Tape("M", 3)
    for number in range(5):
        tape.add(trade(number))
    assert [kept.id for kept in tape.newest(10)] == [4, 3, 2]
    assert [kept.id for kept in tape.newest(1)] == [4]
    statistics = tape.statistics()
    assert (statistics.open_price, statistics.last_price) == (Decimal(100), Decimal(104))
    assert (statistics.stock_volume, statistics.money_volume) == (Decimal(10), Decimal(1020))
