"""One WebSocket session: every pair of the table, frames, answers and timers."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from whitewire.errors import UsageError
from whitewire.protocol.events import Reply
from whitewire.protocol.session import (
    FaultKind,
    Session,
    SessionInput,
    SessionPlan,
    SessionState,
    Step,
    next_session_state,
)

S, C = SessionState, SessionInput
SECOND = 1_000_000_000
MOVES = {
    (S.CLOSED, C.CONNECT): S.CONNECTING,
    (S.CONNECTING, C.CONNECTED_PRIVATE): S.AUTHORIZING,
    (S.CONNECTING, C.CONNECTED_PUBLIC): S.SUBSCRIBING,
    (S.AUTHORIZING, C.AUTHORIZED): S.SUBSCRIBING,
    (S.SUBSCRIBING, C.SUBSCRIBED): S.LIVE,
}
PUBLIC = SessionPlan(depth={"BTC_USDT": 100}, tickers=("BTC_USDT",), trades=("BTC_USDT", "ETH_BTC"))
PRIVATE = SessionPlan(
    depth={"BTC_USDT": 100, "ETH_BTC": 5},
    tickers=("BTC_USDT", "ETH_BTC"),
    trades=("BTC_USDT",),
    assets=("BTC", "USDT"),
    order_markets=("BTC_USDT", "ETH_BTC"),
    deal_markets=("BTC_USDT", "ETH_BTC"),
    margin_assets=("USDT",),
    positions=True,
)


@pytest.mark.parametrize(("state", "cause"), list(itertools.product(S, C)))
def test_every_pair_of_the_table(state: SessionState, cause: SessionInput) -> None:
    expected = S.CLOSED if cause is C.CLOSED else MOVES.get((state, cause))
    assert next_session_state(state, cause) is expected


def requests(step: Step) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in step.frames]


def success(request_id: int) -> Reply:
    return Reply(request_id, 0, "", '{"status":"success"}')


def connected(plan: SessionPlan = PUBLIC, **options: int) -> tuple[Session, Step]:
    session = Session(plan, **options)
    session.on_connecting(0)
    return session, session.on_connected("token", 0)


def live(plan: SessionPlan = PUBLIC) -> Session:
    session, step = connected(plan)
    while step.frames:
        replies = [session.on_reply(success(r["id"]), 0) for r in requests(step)]
        step = replies[-1]
    assert step.went_live
    return session


def test_a_private_session_authorizes_before_it_subscribes() -> None:
    session, step = connected(PRIVATE)
    assert step.frames == (b'{"id":1,"method":"authorize","params":["token","public"]}',)
    states = [session.state]
    step = session.on_reply(success(1), 1)
    assert [*states, session.state] == [S.AUTHORIZING, S.SUBSCRIBING]
    assert [(r["method"], r["params"]) for r in requests(step)] == [
        ("ordersPending_subscribe", ["BTC_USDT", "ETH_BTC"]),
        ("deals_subscribe", [["BTC_USDT", "ETH_BTC"]]),
        ("balanceSpot_subscribe", ["BTC", "USDT"]),
        ("positionsMargin_subscribe", []),
        ("positionsAccountMargin_subscribe", []),
        ("balanceMargin_subscribe", ["USDT"]),
        ("depth_subscribe", ["BTC_USDT", 100, "0", True]),
        ("depth_subscribe", ["ETH_BTC", 5, "0", True]),
        ("bookTicker_subscribe", ["BTC_USDT"]),
        ("bookTicker_subscribe", ["ETH_BTC"]),
        ("trades_subscribe", ["BTC_USDT"]),
    ]
    assert all(b" " not in frame for frame in step.frames)


def test_it_is_live_with_the_last_confirmation_and_says_so_once() -> None:
    session, step = connected()
    first, *rest = requests(step)
    for request in rest:
        assert session.on_reply(success(request["id"]), 1) == Step()
    assert session.on_reply(success(first["id"]), 1) == Step(went_live=True)
    assert session.state is S.LIVE
    assert session.on_reply(success(first["id"]), 1) == Step()


def test_a_public_plan_needs_no_token_and_a_private_one_does() -> None:
    session = Session(PUBLIC)
    session.on_connecting(0)
    assert session.on_connected(None, 0).fault is None
    assert session.state is S.SUBSCRIBING
    session = Session(PRIVATE)
    session.on_connecting(0)
    fault = session.on_connected(None, 0).fault
    assert fault is not None
    assert (fault.kind, fault.needs_token) == (FaultKind.AUTHORIZE_REFUSED, True)


def test_an_empty_plan_is_live_at_once() -> None:
    _, step = connected(SessionPlan())
    assert step == Step(went_live=True)


def test_a_refused_token_asks_for_a_new_one() -> None:
    session, _ = connected(PRIVATE)
    fault = session.on_reply(Reply(1, 11, "invalid token", ""), 1).fault
    assert fault is not None
    assert (fault.kind, fault.needs_token) == (FaultKind.AUTHORIZE_REFUSED, True)
    assert "invalid token" in fault.message


def test_a_refused_subscription_names_what_was_refused() -> None:
    session, step = connected()
    request = requests(step)[0]
    fault = session.on_reply(Reply(request["id"], 9, "market does not exist", ""), 1).fault
    assert fault is not None
    assert (fault.kind, fault.needs_token) == (FaultKind.SUBSCRIBE_REFUSED, False)
    assert "depth_subscribe BTC_USDT" in fault.message


def test_an_overdue_answer_is_a_fault() -> None:
    session, _ = connected(PRIVATE)
    assert session.on_timer(10 * SECOND - 1).fault is None
    fault = session.on_timer(10 * SECOND).fault
    assert fault is not None
    assert fault.kind is FaultKind.REPLY_OVERDUE


def test_it_pings_at_its_interval_although_data_flows() -> None:
    session = live()
    pings = []
    for now in range(0, 60 * SECOND, SECOND):
        session.on_frame_seen(now)
        for request in requests(session.on_timer(now)):
            assert (request["method"], request["params"]) == ("ping", [])
            pings.append(now // SECOND)
            assert session.on_reply(Reply(request["id"], 0, "", '"pong"'), now) == Step()
    assert pings == [15, 30, 45]


def test_the_time_of_an_earlier_session_does_not_count() -> None:
    session = live()
    session.on_closed()
    session.on_connecting(100 * SECOND)
    session.on_connected("token", 101 * SECOND)
    assert session.on_timer(104 * SECOND) == Step()


def test_silence_is_probed_early() -> None:
    session = live()
    assert session.on_timer(5 * SECOND - 1) == Step()
    assert requests(session.on_timer(5 * SECOND))[0]["method"] == "ping"
    assert session.on_timer(11 * SECOND) == Step()


def test_a_missing_pong_ends_the_session_even_if_data_flows() -> None:
    session = live()
    session.on_timer(15 * SECOND)
    session.on_frame_seen(24 * SECOND)
    assert session.on_timer(25 * SECOND - 1).fault is None
    fault = session.on_timer(25 * SECOND).fault
    assert fault is not None
    assert fault.kind is FaultKind.PONG_OVERDUE


def test_a_refused_ping_is_unexpected() -> None:
    session = live()
    (request,) = requests(session.on_timer(15 * SECOND))
    fault = session.on_reply(Reply(request["id"], 7, "too many requests", ""), 16 * SECOND).fault
    assert fault is not None
    assert fault.kind is FaultKind.UNEXPECTED


@pytest.mark.parametrize("interval_ns", [0, 51 * SECOND])
def test_a_ping_interval_must_keep_the_session(interval_ns: int) -> None:
    with pytest.raises(UsageError):
        Session(PUBLIC, ping_interval_ns=interval_ns)


def test_depth_can_be_restarted_three_times_in_ten_seconds() -> None:
    session = live(PRIVATE)
    for now in (100, 101, 102):
        (request,) = requests(session.resubscribe_depth("ETH_BTC", now * SECOND))
        assert request["params"] == ["ETH_BTC", 5, "0", True]
        session.on_reply(success(request["id"]), now * SECOND)
    assert session.resubscribe_depth("BTC_USDT", 103 * SECOND).fault is None
    fault = session.resubscribe_depth("ETH_BTC", 110 * SECOND - 1).fault
    assert fault is not None
    assert fault.kind is FaultKind.RESUBSCRIBE_STORM
    assert session.resubscribe_depth("ETH_BTC", 110 * SECOND).fault is None
    assert session.resubscribe_depth("ETH_BTC", 110 * SECOND).fault is not None


def test_depth_is_not_restarted_without_a_session() -> None:
    session = Session(PUBLIC)
    assert session.resubscribe_depth("BTC_USDT", 0) == Step()


def test_a_close_forgets_everything_but_the_ids() -> None:
    session, step = connected()
    old = requests(step)[0]["id"]
    session.on_closed()
    states = [session.state]
    assert session.on_timer(10**15) == Step()
    session.on_connecting(0)
    ids = [request["id"] for request in requests(session.on_connected("token", 0))]
    assert min(ids) > old
    assert session.on_reply(success(old), 1) == Step()
    assert [*states, session.state] == [S.CLOSED, S.SUBSCRIBING]


def test_connecting_twice_in_a_row_is_reported() -> None:
    session, _ = connected(PRIVATE)
    fault = session.on_connected("token", 1).fault
    assert fault is not None
    assert fault.kind is FaultKind.UNEXPECTED
