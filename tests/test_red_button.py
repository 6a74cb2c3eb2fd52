"""The decisions of a mass cancel: every rule, and a venue that loses what it likes."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whitewire.endpoints import Route
from whitewire.protocol.red_button import (
    PAGE,
    Ask,
    PressState,
    RedButton,
    Resting,
    Result,
    Way,
)
from whitewire.protocol.red_button_wire import endpoint_of, fields_of, judge

MS = 1_000_000
M, N = "BTC_USDT", "ETH_USDT"
C, P = Route.COLOCATION, Route.PUBLIC


def pressed(*scopes: str, timers: Iterable[str] = (M,), **more: int) -> RedButton:
    more.setdefault("deadline_ns", 15_000 * MS)
    return RedButton(scopes or ("",), tuple(timers), 0, **more)


def asked(asks: Iterable[Ask], way: Way) -> list[Ask]:
    return [ask for ask in asks if ask.way is way]


def rows(*ids: int, market: str = M) -> list[Resting]:
    return [Resting(market, number) for number in ids]


LIST = Ask(Way.LIST, C)
LIST_P = Ask(Way.LIST, P)
ALL = Ask(Way.CANCEL_ALL, P)


def test_every_path_begins_at_once_on_every_route() -> None:
    button = pressed(timers=(M, N))
    assert set(button.tick(0)) == {
        ALL,
        LIST,
        LIST_P,
        *(Ask(Way.TIMERS, route, name) for route in Route for name in (M, N)),
    }
    assert button.tick(1) == []  # all in flight


def test_what_a_list_shows_is_canceled_in_the_zone() -> None:
    button = pressed()
    button.tick(0)
    button.on_list(LIST, rows(1, 2), 0, MS)
    cancels = asked(button.tick(MS), Way.CANCELS)
    assert cancels == [Ask(Way.CANCELS, C, M, 1), Ask(Way.CANCELS, C, M, 2)]


def test_no_more_cancels_than_the_budget_are_in_flight() -> None:
    button = pressed(budget=2)
    button.tick(0)
    button.on_list(LIST, rows(1, 2, 3), 0, MS)
    first = asked(button.tick(MS), Way.CANCELS)
    assert len(first) == 2
    assert asked(button.tick(2 * MS), Way.CANCELS) == []
    button.on_taken(first[0], 3 * MS)
    assert asked(button.tick(3 * MS), Way.CANCELS) == [Ask(Way.CANCELS, C, M, 3)]


def test_two_empty_lists_a_while_apart_prove_it() -> None:
    button = pressed()
    button.tick(0)
    button.on_list(LIST, [], 0, 5 * MS)
    button.on_list(LIST_P, [], 0, 6 * MS)  # asked before the first one came
    assert button.state is PressState.PRESSED
    assert asked(button.tick(300 * MS), Way.LIST) == [LIST_P]  # the routes do not hasten each other
    button.on_list(LIST_P, [], 300 * MS, 302 * MS)
    assert button.state is PressState.PRESSED  # 300 ms are counted from the first one's arrival
    assert set(asked(button.tick(410 * MS), Way.LIST)) == {LIST, LIST_P}
    button.on_list(LIST, [], 410 * MS, 412 * MS)
    assert button.state is PressState.CLEAR
    assert button.tick(500 * MS) == []


def test_a_list_that_shows_an_order_annuls_the_first_empty_one() -> None:
    button = pressed()
    button.tick(0)
    button.on_list(LIST, [], 0, 5 * MS)
    button.on_list(LIST_P, rows(9), 0, 6 * MS)
    button.tick(400 * MS)
    button.on_list(LIST, [], 400 * MS, 401 * MS)
    assert button.state is PressState.PRESSED
    button.tick(800 * MS)
    button.on_list(LIST, [], 800 * MS, 801 * MS)
    assert button.state is PressState.CLEAR
    assert button.report(801 * MS).canceled == 1


def test_every_scope_has_to_be_clear() -> None:
    button = pressed(M, N, timers=())
    button.tick(0)
    for name in (M, N):
        assert button.state is PressState.PRESSED
        button.on_list(Ask(Way.LIST, C, name), [], 0, MS)
        button.tick(400 * MS)
        button.on_list(Ask(Way.LIST, C, name), [], 400 * MS, 401 * MS)
    assert button.state is PressState.CLEAR


def test_a_taken_cancel_is_repeated_only_if_a_later_list_shows_the_order() -> None:
    button = pressed()
    button.tick(0)
    button.on_list(LIST, rows(1), 0, MS)
    (cancel,) = asked(button.tick(MS), Way.CANCELS)
    button.on_taken(cancel, 10 * MS)
    button.on_list(LIST_P, rows(1), 5 * MS, 11 * MS)  # asked before the answer
    assert asked(button.tick(900 * MS), Way.CANCELS) == []
    button.on_list(LIST, rows(1), 900 * MS, 901 * MS)
    assert asked(button.tick(901 * MS), Way.CANCELS) == [cancel]


def test_cancel_all_is_repeated_only_if_something_rests_after_it() -> None:
    button = pressed()
    button.tick(0)
    button.on_taken(ALL, 10 * MS)
    button.on_list(LIST, [], 0, 11 * MS)
    assert asked(button.tick(320 * MS), Way.CANCEL_ALL) == []
    button.on_list(LIST, rows(4), 320 * MS, 321 * MS)
    assert asked(button.tick(321 * MS), Way.CANCEL_ALL) == [ALL]


def test_a_timer_taken_on_one_route_is_not_asked_of_the_other_and_may_fire_first() -> None:
    button = pressed()
    button.tick(0)
    zone, public = (Ask(Way.TIMERS, route, M) for route in (C, P))
    button.on_taken(zone, 10 * MS)
    button.on_failed(public, Result.LOST, "lost", 20 * MS)
    button.on_list(LIST, rows(1), 30 * MS, 31 * MS)
    assert asked(button.tick(500 * MS), Way.TIMERS) == [public]  # it failed after that: once more
    button.on_taken(public, 510 * MS)
    button.on_list(LIST_P, rows(1), 6_000 * MS, 6_001 * MS)
    assert asked(button.tick(6_001 * MS), Way.TIMERS) == []
    button.on_list(LIST, rows(1), 8_000 * MS, 8_001 * MS)
    assert asked(button.tick(8_001 * MS), Way.TIMERS) == [zone, public]


@pytest.mark.parametrize(
    ("result", "waits_ms"),
    [
        (Result.LOST, [200, 400, 800, 1600, 2000, 2000]),
        (Result.REFUSED, [200, 400, 800, 1600, 2000, 2000]),
        (Result.LIMITED, [1000, 2000, 4000, 8000, 8000]),
    ],
)
def test_what_fails_is_repeated_ever_more_slowly(result: Result, waits_ms: list[int]) -> None:
    button = pressed(deadline_ns=100_000 * MS)
    now = 0
    button.tick(now)
    for wait in waits_ms:
        button.on_failed(ALL, result, "no", now)
        assert asked(button.tick(now + wait * MS - 1), Way.CANCEL_ALL) == []
        now += wait * MS
        assert asked(button.tick(now), Way.CANCEL_ALL) == [ALL]
    (report,) = [row for row in button.report(now).paths if row.way is Way.CANCEL_ALL]
    assert (report.failed, report.taken, report.took_ns) == (len(waits_ms), 0, None)
    assert report.trouble == "no"


def test_a_limit_holds_back_every_cancel_and_nothing_else() -> None:
    button = pressed(budget=1)
    button.tick(0)
    button.on_list(LIST, rows(1, 2), 0, MS)
    (cancel,) = asked(button.tick(MS), Way.CANCELS)
    button.on_failed(cancel, Result.LIMITED, "status 429", 2 * MS)
    assert asked(button.tick(500 * MS), Way.CANCELS) == []
    assert asked(button.tick(500 * MS), Way.LIST) == []
    button.on_list(LIST_P, rows(1, 2), 500 * MS, 501 * MS)
    assert asked(button.tick(900 * MS), Way.LIST) == [LIST_P]
    assert len(asked(button.tick(1002 * MS), Way.CANCELS)) == 1


def test_a_cancel_that_fails_in_the_zone_takes_the_other_route() -> None:
    button = pressed()
    button.tick(0)
    button.on_list(LIST, rows(1), 0, MS)
    now, routes = MS, []
    for _ in range(3):
        (cancel,) = asked(button.tick(now), Way.CANCELS)
        routes.append(cancel.route)
        button.on_failed(cancel, Result.LOST, "down", now)
        now += 2_000 * MS
    assert routes == [C, P, C]


def test_a_full_page_is_followed_by_the_next_one_at_once() -> None:
    button = pressed()
    button.tick(0)
    button.on_list(LIST, rows(*range(PAGE)), 0, MS)
    assert asked(button.tick(MS), Way.LIST) == [LIST._replace(offset=PAGE)]
    button.on_list(LIST._replace(offset=PAGE), rows(1000), MS, 2 * MS)
    report = button.report(2 * MS)
    assert len(report.resting) == PAGE + 1
    assert asked(button.tick(101 * MS), Way.LIST) == []
    assert asked(button.tick(102 * MS), Way.LIST) == [LIST]


def test_an_empty_later_page_proves_nothing() -> None:
    button = pressed()
    button.tick(0)
    button.on_list(LIST, rows(*range(PAGE)), 0, MS)
    button.on_list(LIST._replace(offset=PAGE), [], MS, 2 * MS)
    assert len(button.report(2 * MS).resting) == PAGE


def test_an_empty_list_forgets_the_cancels_that_wait() -> None:
    button = pressed(budget=1)
    button.tick(0)
    button.on_list(LIST, rows(1, 2, 3), 0, MS)
    (cancel,) = asked(button.tick(MS), Way.CANCELS)
    button.on_list(LIST_P, [], 2 * MS, 3 * MS)
    button.on_taken(cancel, 4 * MS)  # still known, since it was in flight
    assert asked(button.tick(5 * MS), Way.CANCELS) == []


def test_at_the_deadline_it_says_what_rests_or_that_it_never_saw() -> None:
    button = pressed()
    button.tick(0)
    button.on_list(LIST, rows(7), 0, MS)
    assert button.tick(15_000 * MS) == []
    report = button.report(16_000 * MS)
    assert (report.state, report.resting, report.is_blind) == (
        PressState.FAILED,
        (Resting(M, 7),),
        False,
    )
    assert report.took_ns == 15_000 * MS
    blind = pressed()
    blind.tick(0)
    blind.tick(15_000 * MS)
    assert blind.report(15_000 * MS).is_blind


# ---- on the wire ----------------------------------------------------------------------------

CANCEL = Ask(Way.CANCELS, C, M, 7)
TIMER = Ask(Way.TIMERS, C, M)
NOT_FOUND = b'{"code":2,"message":"Inner validation failed","errors":{"order_id":["gone"]}}'
REFUSAL = b'{"code":30,"message":"Validation failed","errors":{"market":["no"]}}'
SET = b'{"market":"BTC_USDT","startTime":1,"cancellationTime":6,"types":null}'


def test_each_request_has_its_endpoint_and_fields() -> None:
    assert (endpoint_of(CANCEL), fields_of(CANCEL)) == ("cancel", {"market": M, "orderId": 7})
    assert (endpoint_of(TIMER), fields_of(TIMER)) == (
        "kill_switch",
        {"market": M, "timeout": "5"},
    )
    assert (endpoint_of(ALL), fields_of(ALL)) == ("cancel_all", {})
    assert fields_of(LIST._replace(market=M, offset=100)) == {
        "market": M,
        "limit": 100,
        "offset": 100,
    }


@pytest.mark.parametrize(
    ("ask", "status", "body", "result"),
    [
        (ALL, 200, b"[]", Result.TAKEN),
        (ALL, 429, b"Too Many Requests", Result.LIMITED),
        (ALL, 503, b"<html>", Result.LOST),
        (ALL, 401, b'{"message":"Too many requests."}', Result.REFUSED),
        (ALL, 404, b"", Result.REFUSED),
        (ALL, 302, b"", Result.LOST),
        (CANCEL, 200, b"{}", Result.TAKEN),
        (CANCEL, 422, NOT_FOUND, Result.TAKEN),
        (CANCEL, 422, REFUSAL, Result.REFUSED),
        (TIMER, 200, SET, Result.TAKEN),
        (TIMER, 200, b"[]", Result.LOST),
        (TIMER, 200, b'{"mark', Result.LOST),
        (TIMER, 422, REFUSAL, Result.REFUSED),
        (LIST, 200, b"[]", Result.TAKEN),
        (LIST, 200, b'[{"orderId":"x"}]', Result.LOST),
        (LIST, 503, b"", Result.LOST),
    ],
)
def test_what_an_answer_means(ask: Ask, status: int, body: bytes, result: Result) -> None:
    judged, trouble, _ = judge(ask, status, body)
    assert judged is result
    assert (trouble == "") == (result is Result.TAKEN)


def test_a_list_needs_nothing_but_market_and_id() -> None:
    body = b'[{"orderId":3,"market":"BTC_USDT","type":"new kind"}]'
    assert judge(LIST, 200, body) == (Result.TAKEN, "", [Resting(M, 3)])


# ---- a venue that loses what it likes -------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(seed=st.integers(0, 2**32), loss=st.sampled_from([0.0, 0.3, 0.7]))
def test_clear_is_never_said_while_an_order_rests(seed: int, loss: float) -> None:
    rng = random.Random(seed)
    resting = {Resting(rng.choice((M, N)), number) for number in range(rng.randint(0, 150))}
    landing = {(rng.randint(0, 200) * MS, Resting(M, 1000 + k)) for k in range(rng.randint(0, 2))}
    button = pressed(timers=(M, N), deadline_ns=3_600_000 * MS)
    now, fires = 0, dict[str, int]()
    flying: list[tuple[int, int, Ask, object]] = []
    while button.state is PressState.PRESSED:
        for due, order in list(landing):
            if due <= now:  # a placement that was on its way
                landing.discard((due, order))
                resting.add(order)
        for market, at in list(fires.items()):
            if at <= now:
                del fires[market]
                resting -= {order for order in resting if order.market == market}
        for ask in button.tick(now):
            answer: object = None
            if rng.random() >= loss:  # executed; whether its answer arrives is another matter
                if ask.way is Way.CANCELS:
                    resting.discard(Resting(ask.market, ask.venue_id))
                elif ask.way is Way.CANCEL_ALL:
                    resting.clear()
                elif ask.way is Way.TIMERS:
                    fires[ask.market] = now + 5_000 * MS
                answer = sorted(resting)[ask.offset : ask.offset + PAGE]
                if rng.random() < loss:
                    answer = None
            flying.append((now + rng.randint(1, 30) * MS, now, ask, answer))
        now += 5 * MS
        for row in sorted(flying, key=lambda row: row[0]):
            if row[0] <= now:
                flying.remove(row)
                _, sent, ask, answer = row
                if not isinstance(answer, list):
                    button.on_failed(ask, rng.choice([Result.LOST, Result.LIMITED]), "x", now)
                elif ask.way is Way.LIST:
                    button.on_list(ask, answer, sent, now)
                else:
                    button.on_taken(ask, now)
        if button.state is PressState.CLEAR:
            assert not resting
    assert button.state is PressState.CLEAR
