"""Stop orders that wait: who leaves, and in which order."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.venue.test_book import order
from whitewire.venue.engine.waiting import WaitingOrders
from whitewire.venue.values.activation import Activation, Condition
from whitewire.venue.values.model import Side


def test_waiting_orders_leave_in_order_of_arrival() -> None:
    waiting = WaitingOrders()
    orders = [
        replace(order(number, Side.BUY, 100), activation=Activation(Decimal(price), Condition.GTE))
        for number, price in enumerate((103, 101, 102, 110))
    ]
    for each in orders:
        waiting.add(each)
    waiting.remove(orders[2])
    assert waiting.met(Decimal(99), Decimal(100)) == []
    met = waiting.met(Decimal(99), Decimal(105))
    assert [each.id for each in met] == [0, 1]
    for each in met:
        waiting.remove(each)
    assert len(waiting) == 1
    assert waiting.met(Decimal(110), Decimal(110)) == [orders[3]]
    waiting.remove(orders[3])
    assert not waiting
