"""Our rate limits against the venue's windows."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whitewire.endpoints import CALLS, ENDPOINTS, LIMITED, Endpoint, Route
from whitewire.protocol.rate_verdict import RateVerdict
from whitewire.protocol.throttle import Held, Throttle, cells_for

SECOND = 1_000_000_000
LIMIT, NONCE, BAN = RateVerdict.LIMIT, RateVerdict.NONCE, RateVerdict.BAN


def make(*endpoints: Endpoint) -> Throttle:
    return Throttle(endpoints or ENDPOINTS.values(), random.Random(1))


def greedy(throttle: Throttle, name: str, is_cancel: bool, until_ns: int) -> list[int]:
    """Times of the calls of a caller that calls whenever it may."""
    now, calls = 0, []
    while now < until_ns:
        wait_ns = throttle.try_take(name, now, is_cancel)
        if wait_ns == 0:
            calls.append(now)
        now += wait_ns
    return calls


def busiest(calls: list[int], window_ns: int) -> int:
    """Most calls in any window."""
    first, most = 0, 0
    for last, at in enumerate(calls):
        while calls[first] <= at - window_ns:
            first += 1
        most = max(most, last - first + 1)
    return most


@settings(deadline=None, max_examples=30)
@given(limit=st.integers(10, 300), seconds=st.integers(1, 60))
def test_no_window_wherever_it_starts_exceeds_the_venues_limit(limit: int, seconds: int) -> None:
    throttle = make(Endpoint("x", "POST", "/x", Route.PUBLIC, limit, seconds))
    calls = greedy(throttle, "x", True, 3 * seconds * SECOND)
    assert busiest(calls, seconds * SECOND) <= limit
    assert len(calls) >= 2 * limit - 1  # most of the limit can be used


@given(pauses=st.lists(st.integers(0, 3 * SECOND), max_size=60))
@settings(deadline=None)
def test_pauses_and_bursts_do_not_break_the_limit(pauses: list[int]) -> None:
    throttle = make(Endpoint("x", "POST", "/x", Route.PUBLIC, 20, 10))
    now, calls = 0, []
    for pause in pauses:
        now += pause
        while throttle.try_take("x", now, False) == 0:
            calls.append(now)
    assert not calls or busiest(calls, 10 * SECOND) <= 20


def test_cancels_keep_a_fifth_that_placements_cannot_use() -> None:
    throttle = make()
    placed = 0
    while throttle.try_take("place", 0, False) == 0:
        placed += 1
    canceled = 0
    while throttle.try_take("cancel", 0, True) == 0:
        canceled += 1
    assert (placed, canceled) == (800, 200)


def test_sustained_placements_leave_cancels_their_share() -> None:
    throttle, now, cancels = make(), 0, 0
    while now < 20 * SECOND:
        while throttle.try_take("place", now, False) == 0:
            pass
        cancels += throttle.try_take("cancel", now, True) == 0
        now += 10_000_000
    assert cancels >= 1_900  # nearly one each 10 ms


def test_the_wait_is_exact() -> None:
    throttle = make(Endpoint("x", "POST", "/x", Route.PUBLIC, 10, 10))
    assert throttle.try_take("x", 0, False) == 0
    wait_ns = throttle.try_take("x", 0, False)
    assert throttle.try_take("x", wait_ns - 1, False) == 1
    assert throttle.try_take("x", wait_ns, False) == 0


def test_the_scope_is_shared_by_everything_signed_and_not_with_public_data() -> None:
    throttle = make()
    while throttle.try_take("place", 0, False) == 0:
        pass
    assert throttle.try_take("modify", 0, False) > 0
    assert throttle.try_take("open_orders", 0, False) > 0
    assert throttle.try_take("markets", 0, False) == 0


def refuse(throttle: Throttle, name: str, now: int, verdict: RateVerdict = LIMIT) -> Held:
    """A refusal that costs something."""
    held = throttle.on_verdict(name, verdict, now)
    assert held is not None
    return held


def test_a_limit_stops_everything_but_cancels_and_doubles() -> None:
    throttle = make()
    now, waits = 0, []
    for _ in range(8):
        wait_ns = refuse(throttle, "place", now).wait_ns
        waits.append(wait_ns)
        assert throttle.try_take("bulk", now, False) == wait_ns
        assert throttle.try_take("cancel", now, True) == 0
        now += wait_ns
        assert throttle.try_take("bulk", now, False) == 0
        throttle.on_verdict("bulk", RateVerdict.PASSED, now)
    for attempt, wait_ns in enumerate(waits):
        full = min(SECOND << attempt, 30 * SECOND)
        assert full // 2 <= wait_ns <= full


def test_answers_to_one_burst_count_once() -> None:
    throttle = make()
    first = refuse(throttle, "place", 0).wait_ns
    assert refuse(throttle, "modify", 10) == (LIMIT, first - 10)


@pytest.mark.parametrize("verdict", [LIMIT, BAN])
def test_a_refused_cancel_is_held_back_alone_and_soon_tried_again(verdict: RateVerdict) -> None:
    throttle = make()
    held = refuse(throttle, "cancel", 0, verdict)
    assert 0 < throttle.try_take("cancel", 0, True) == held.wait_ns <= SECOND
    assert throttle.try_take("kill_switch", 0, True) == 0
    assert (throttle.try_take("place", 0, False) > 0) is (verdict is BAN)


def test_a_limit_of_tokens_or_of_public_data_stops_no_order() -> None:
    for name in ("websocket_token", "markets"):
        throttle = make()
        refuse(throttle, name, 0)
        assert throttle.try_take(name, 0, False) > 0
        assert throttle.try_take("place", 0, False) == 0


def test_a_minute_of_quiet_forgets() -> None:
    throttle = make()
    now = 0
    for _ in range(5):
        now += refuse(throttle, "place", now).wait_ns
        throttle.on_verdict("place", RateVerdict.PASSED, now)
    assert refuse(throttle, "place", now + 61 * SECOND).wait_ns <= SECOND


def test_a_nonce_refusal_stops_nothing() -> None:
    throttle = make()
    assert throttle.on_verdict("place", NONCE, 0) == (NONCE, 0)
    assert throttle.is_calm
    assert throttle.try_take("place", 0, False) == 0


def test_a_limit_that_outlasts_the_venues_windows_is_a_ban() -> None:
    throttle, now, kinds = make(), SECOND, []
    while BAN not in kinds:
        held = refuse(throttle, "place", now)
        kinds.append(held.verdict)
        last, now = now, now + held.wait_ns
    assert last >= 20 * SECOND
    assert len(kinds) in range(5, 8)
    assert throttle.try_take("markets", last, False) == 60 * SECOND
    assert throttle.try_take("websocket_token", last, False) == 60 * SECOND
    assert throttle.try_take("cancel", last, True) == 0
    # one call finds out: still shut out, and then not any longer
    now = last + 60 * SECOND
    assert throttle.try_take("place", now, False) == 0
    assert refuse(throttle, "place", now).verdict is BAN
    throttle.on_verdict("place", RateVerdict.PASSED, now + 60 * SECOND)
    assert throttle.is_calm
    assert refuse(throttle, "place", now + 70 * SECOND).verdict is LIMIT


@pytest.mark.parametrize("word", [RateVerdict.PASSED, NONCE])
def test_whatever_comes_from_behind_the_front_disproves_a_ban(word: RateVerdict) -> None:
    throttle = make()
    for attempt in range(10):
        now = 15 * attempt * SECOND
        assert refuse(throttle, "place", now).verdict is LIMIT
        throttle.on_verdict("balance", RateVerdict.SILENT, now)
        assert not throttle.is_calm  # no answer and 5xx prove nothing
        throttle.on_verdict("balance", word, now + SECOND)


# ---- several processes -----------------------------------------------------------------------


class Shared:
    """Cells of several throttles; `is_taken` plays a process that stopped within an update."""

    def __init__(self, count: int) -> None:
        self.numbers = [0] * count
        self.is_taken = False
        self.entries = 0

    def enter(self) -> bool:
        self.entries += 1
        return not self.is_taken

    def leave(self) -> None:
        assert not self.is_taken


def processes(count: int, *endpoints: Endpoint) -> tuple[Shared, list[Throttle]]:
    table = endpoints or tuple(ENDPOINTS.values())
    cells = Shared(cells_for(table))
    return cells, [Throttle(table, random.Random(n), cells) for n in range(count)]


@given(
    limit=st.integers(2, 400),
    steps=st.lists(
        st.tuples(st.integers(0, 2), st.one_of(st.integers(0, 10**7), st.integers(0, 3 * SECOND))),
        max_size=200,
    ),
)
@settings(deadline=None, max_examples=60)
def test_processes_together_keep_the_limit(limit: int, steps: list[tuple[int, int]]) -> None:
    _, throttles = processes(3, Endpoint("x", "POST", "/x", Route.PUBLIC, limit, 10))
    now, calls = 10**12, []
    for who, pause in steps:
        now += pause
        for _ in range(5):
            if throttles[who].try_take("x", now, False) == 0:
                calls.append(now)
    # a call may be made up to 5 ms after it was counted (rule 9)
    assert not calls or busiest(calls, 10 * SECOND - 5_000_000) <= limit


def test_tokens_of_all_accounts_and_processes_stay_within_the_budget() -> None:
    _, throttles = processes(4)
    now, calls = 10**12, []
    while now < 10**12 + 300 * SECOND:
        calls += [now for t in throttles if t.try_take("websocket_token", now, False) == 0]
        now += 100_000_000
    assert busiest(calls, 60 * SECOND) <= 10
    assert len(calls) >= 5 + 24


def test_a_process_that_hurries_pays_one_lock_for_many_calls() -> None:
    cells, (throttle, _) = processes(2)
    for call in range(200):
        assert throttle.try_take("place", 10**12 + call * 1_000, False) == 0
    assert cells.entries < 30
    cells.entries = 0
    for call in range(20):
        assert throttle.try_take("place", 10**13 + call * SECOND, False) == 0
    assert cells.entries == 20  # slowly, one by one: nothing is taken in vain


def test_a_limit_that_one_process_meets_stops_the_other() -> None:
    _, (one, other) = processes(2)
    now = 10**12
    assert other.try_take("place", now, False) == other.try_take("place", now, False) == 0
    wait_ns = refuse(one, "place", now).wait_ns
    assert other.try_take("place", now, False) == wait_ns  # even what it has leased
    assert other.try_take("cancel", now, True) == 0


def test_nobody_waits_for_a_process_that_was_stopped_within_an_update() -> None:
    cells, (throttle, _) = processes(2)
    cells.is_taken = True
    assert 0 < throttle.try_take("place", 10**12, False) <= SECOND // 1_000
    assert throttle.try_take("cancel", 10**12, True) == 0
    cells.is_taken = False
    assert throttle.try_take("place", 10**12, False) == 0


@settings(deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, SECOND), st.sampled_from(["place", "cancel"]))),
    at=st.integers(0, 30),
)
def test_what_native_code_counts_counts_here(steps: list[tuple[int, str]], at: int) -> None:
    ours, twin = make(), make()
    now = 0
    for number, (pause, name) in enumerate(steps):
        now += pause
        is_cancel = name == "cancel"
        waited = twin.try_take(name, now, is_cancel)
        if number < at:
            assert ours.try_take(name, now, is_cancel) == waited
        else:
            numbers, lock = ours.native()
            assert lock == -1
            assert memoryview(numbers).format == "q"
            if waited == 0:
                _count(numbers, ours.row(name), now, is_cancel)
    for name in ("place", "cancel"):
        is_cancel = name == "cancel"
        assert ours.try_take(name, now, is_cancel) == twin.try_take(name, now, is_cancel)


def _count(numbers: Any, row: tuple[int, ...], now: int, is_cancel: bool) -> None:
    """One call, as native/src/reflex/quota.rs counts it."""
    own, own_cost, _, all_, all_cost, _, free, free_cost, _, _ = row
    buckets = [(own, own_cost), (all_, all_cost)] + ([] if is_cancel else [(free, free_cost)])
    for cell, cost in buckets:
        numbers[cell] = max(numbers[cell], now) + cost


def test_an_endpoint_that_is_not_in_the_table_is_an_error() -> None:
    with pytest.raises(KeyError):
        make().try_take("withdraw", 0, False)


def test_calls_of_the_socket_and_requests_share_what_is_signed() -> None:
    throttle = make(*LIMITED)
    calls = greedy(throttle, "socket_place", False, 10 * SECOND)
    assert 7_000 < len(calls) <= 8_000  # four fifths of the scope
    assert throttle.try_take("place", calls[-1], False) > 0
    assert throttle.try_take("socket_modify", calls[-1], False) > 0
    assert throttle.try_take("socket_cancel", calls[-1], True) == 0
    assert throttle.try_take("cancel", calls[-1], True) == 0


@pytest.mark.parametrize("name", CALLS)
def test_no_connection_exceeds_the_venues_budgets(name: str) -> None:
    # placements of one connection, and all of its other calls: 10 000 and 12 000 in 10 s
    calls = greedy(make(*LIMITED), name, name == "socket_cancel", 25 * SECOND)
    assert busiest(calls, 10 * SECOND) <= 10_000


def test_a_limit_of_the_socket_stops_placements_everywhere_and_no_cancel() -> None:
    throttle = make(*LIMITED)
    held = throttle.on_verdict("socket_place", LIMIT, SECOND)
    assert held is not None
    assert held.wait_ns > 0
    assert throttle.try_take("socket_place", SECOND + 1, False) > 0
    assert throttle.try_take("place", SECOND + 1, False) > 0
    assert throttle.try_take("socket_cancel", SECOND + 1, True) == 0
    held = throttle.on_verdict("socket_cancel", LIMIT, SECOND)
    assert held is not None
    assert throttle.try_take("socket_cancel", SECOND + 1, True) > 0
    assert throttle.try_take("cancel", SECOND + 1, True) == 0
