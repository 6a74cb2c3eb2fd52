"""How long an order may be Unknown."""

from __future__ import annotations

from tests.order_desk import MARKET, new_order, new_store
from whitewire.protocol.deadlines import ALARM_NS, Alarm, Deadlines, Release
from whitewire.protocol.pipeline import Request
from whitewire.protocol.replies import RequestKind


def test_an_alarm_for_each_order_once_and_a_release_when_the_last_is_known() -> None:
    store, deadlines = new_store(), Deadlines()
    first, second = new_order(store), new_order(store, "ww-2")
    for order, at_ns in ((first, 100), (second, 200)):
        store.on_lost(Request(RequestKind.PLACE, (order,)), at_ns)
    assert deadlines.check([first, second], 100 + ALARM_NS - 1) == []
    assert deadlines.check([first, second], 100 + ALARM_NS) == [Alarm(first, ALARM_NS)]
    assert deadlines.shut(MARKET.name)
    assert deadlines.check([first, second], 200 + ALARM_NS) == [Alarm(second, ALARM_NS)]
    assert deadlines.check([second], 300 + ALARM_NS) == []
    assert deadlines.check([], 400 + ALARM_NS) == [Release(MARKET.name, 300)]
    assert not deadlines.shut(MARKET.name)
    assert deadlines.check([], 500 + ALARM_NS) == []


def test_a_further_loss_does_not_start_the_clock_anew() -> None:
    store, deadlines = new_store(), Deadlines(alarm_ns=1_000)
    order = new_order(store)
    store.on_lost(Request(RequestKind.PLACE, (order,)), 100)
    assert deadlines.check([order], 500) == []
    store.on_lost(Request(RequestKind.PLACE, (order,)), 900)
    assert deadlines.check([order], 1_100) == [Alarm(order, 1_000)]


def test_an_order_that_was_known_again_starts_anew() -> None:
    store, deadlines = new_store(), Deadlines(alarm_ns=1_000)
    order = new_order(store)
    store.on_lost(Request(RequestKind.PLACE, (order,)), 100)
    assert deadlines.check([order], 500) == []
    assert deadlines.check([], 600) == []
    order.t_unknown_ns = 700
    assert deadlines.check([order], 1_600) == []
    assert deadlines.check([order], 1_700) == [Alarm(order, 1_000)]
