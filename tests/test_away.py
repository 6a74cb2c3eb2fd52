"""What happened during a gap, and what waits while the venue is asked."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.order_desk import VenueOrder, new_order, new_store
from whitewire.protocol import away as module
from whitewire.protocol.away import Away, Missed, PrivateBuffer
from whitewire.protocol.balances import Balance
from whitewire.protocol.events import EventKind
from whitewire.protocol.orders import Fill

BEFORE = [Balance("BTC", Decimal(1), Decimal(0)), Balance("USDT", Decimal(5), Decimal(0))]
AFTER = [BEFORE[0], Balance("USDT", Decimal(4), Decimal(0)), Balance("ETH", Decimal(1), Decimal(0))]


def test_the_difference_is_what_ended_filled_changed_and_appeared() -> None:
    store, venue = new_store(), VenueOrder()
    order, still_open = new_order(store), new_order(store, "ww-2")
    away = Away()
    away.begin(store.open_orders(), BEFORE)
    assert away.is_away
    store.on_place_reply(order, venue.place(), 2)
    venue.fill(10)
    (fill,) = [n for n in store.apply_deal(venue.deals[0]) if isinstance(n, Fill)]
    store.apply_update(venue.pushes[-1], 3)
    late = new_order(store, "ww-3")
    store.on_place_reply(late, VenueOrder("ww-3", next_id=9).place(take=10), 4)
    for done in (order, still_open, late):
        away.on_order(done)
    away.on_fill(fill)
    for _ in range(2):
        away.on_foreign("BTC_USDT", 77, "theirs")
    away.begin([], [])  # lost again before the end
    missed = away.end(AFTER)
    assert missed == Missed((order, late), (fill,), tuple(AFTER[1:]), (("BTC_USDT", 77, "theirs"),))
    assert away.end(AFTER) == Missed()
    assert Missed().then(missed) == missed


def test_nothing_is_noted_while_nothing_is_missed() -> None:
    away = Away()
    away.on_order(new_order(new_store()))
    away.on_foreign("BTC_USDT", 1, "")
    away.begin([], [])
    assert away.end([]) == Missed()


def events() -> list[tuple[int, int, tuple[object, ...]]]:
    venue = VenueOrder()
    venue.place(take=4)
    venue.fill(2)
    venue.fill(4)
    found: list[tuple[int, int, tuple[object, ...]]] = []
    found += [(EventKind.ORDER_PENDING, 0, tuple(push)) for push in venue.pushes]
    found += [(EventKind.DEAL, 0, tuple(deal)) for deal in venue.deals]
    return found


@given(st.lists(st.integers(0, 5), max_size=30))
def test_what_waited_comes_back_once_in_the_order_of_arrival(choice: list[int]) -> None:
    every, buffer = events(), PrivateBuffer()
    buffer.open()
    for index in choice:
        assert buffer.take(*every[index])
    once = [every[index] for index in dict.fromkeys(choice)]
    assert buffer.close() == once
    assert buffer.dropped == len(choice) - len(once)
    assert buffer.close() == []
    assert not buffer.take(*every[0])


def test_public_events_and_repeated_balances_do_not_get_lost() -> None:
    buffer = PrivateBuffer()
    buffer.open()
    assert not buffer.take(EventKind.TRADES, 0, ())
    assert not buffer.take(EventKind.BOOK_GAP, 0, None)
    rows = (("BTC", "1", "0"),)
    assert buffer.take(EventKind.BALANCES, -1, rows)
    assert buffer.take(EventKind.BALANCES, -1, rows)
    assert len(buffer.close()) == 2


def test_a_stream_that_is_too_busy_waits_no_longer() -> None:
    buffer = PrivateBuffer()
    buffer.open()
    for number in range(module.MOST_WAITING):
        assert buffer.take(EventKind.BALANCES, -1, number)
    assert buffer.is_full
    assert not buffer.take(EventKind.BALANCES, -1, "one more")
    assert len(buffer.close()) == module.MOST_WAITING
    assert not buffer.is_full
