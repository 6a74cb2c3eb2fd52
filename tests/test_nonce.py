"""Nonces stay unique, rising and inside the venue's window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.errors import NonceExhausted
from whitewire.protocol.nonce import MAX_LEAD_MS, NonceAllocator, nonces_of

NOW = 1_700_000_000_000


def test_a_nonce_is_the_clock_when_nothing_hurries() -> None:
    nonces = NonceAllocator()
    assert [nonces.next(NOW), nonces.next(NOW + 5)] == [NOW, NOW + 5]


def test_a_burst_runs_ahead_by_one_and_returns_to_the_clock() -> None:
    nonces = NonceAllocator()
    assert [nonces.next(NOW) for _ in range(3)] == [NOW, NOW + 1, NOW + 2]
    assert nonces.next(NOW + 100) == NOW + 100


def test_the_lead_is_that_of_the_next_one() -> None:
    nonces = NonceAllocator()
    assert nonces.lead_ms(NOW) == 0
    assert [nonces.next(NOW + nonces.lead_ms(NOW)) for _ in range(3)] == [NOW, NOW + 1, NOW + 2]
    assert (nonces.lead_ms(NOW), nonces.lead_ms(NOW + 2), nonces.lead_ms(NOW + 9)) == (3, 1, 0)


def test_a_burst_ends_before_it_leaves_the_window_and_goes_on_later() -> None:
    nonces = NonceAllocator()
    given_out = [nonces.next(NOW) for _ in range(MAX_LEAD_MS + 1)]
    assert given_out[-1] == NOW + MAX_LEAD_MS
    with pytest.raises(NonceExhausted):
        nonces.next(NOW)
    assert nonces.next(NOW + 1) == NOW + MAX_LEAD_MS + 1


def test_nonces_of_an_earlier_run_are_not_given_again() -> None:
    assert NonceAllocator(last=NOW + 3).next(NOW) == NOW + 4


def test_nonces_set_aside_are_given() -> None:
    nonces = NonceAllocator()
    assert [nonces.next(NOW), nonces.reserve(64, NOW), nonces.next(NOW)] == [NOW, NOW + 1, NOW + 65]
    with pytest.raises(NonceExhausted):
        nonces.reserve(MAX_LEAD_MS, NOW)
    assert nonces.next(NOW) == NOW + 66


@given(calls=st.lists(st.tuples(st.integers(NOW - 3_000, NOW + 3_000), st.integers(1, 2_000))))
def test_nonces_rise_and_stay_in_the_window_even_if_the_clock_jumps(
    calls: list[tuple[int, int]],
) -> None:
    nonces, previous = NonceAllocator(), 0
    for now_ms, count in calls:
        try:
            first = nonces.next(now_ms) if count == 1 else nonces.reserve(count, now_ms)
        except NonceExhausted:
            continue
        assert first > previous
        previous = first + count - 1
        assert now_ms <= first <= previous <= now_ms + MAX_LEAD_MS


def test_a_key_of_a_venue_has_one_allocator_in_a_process() -> None:
    first = nonces_of("key", "https://h:1")
    assert nonces_of("key", "https://h:1") is first
    others = [nonces_of("key", "https://h:2"), nonces_of("yek", "https://h:1")]
    assert len({id(first), *map(id, others)}) == 3
