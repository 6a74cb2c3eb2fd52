"""FIFO matching and the choice of a connection."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.order_desk import new_order, new_store
from whitewire.errors import PeerError, UsageError
from whitewire.protocol.pipeline import Pipeline, Pool, Request
from whitewire.protocol.replies import Ack, Ambiguous, Refused, RequestKind
from whitewire.protocol.replies_plain import PlainAck

PLACE, CANCEL, OTHER = RequestKind.PLACE, RequestKind.CANCEL, RequestKind.OTHER


def ready(depth: int = 2, reserve: int = 1, name: str = "a") -> Pipeline:
    pipeline = Pipeline(depth, reserve, name)
    pipeline.ready = True
    return pipeline


def order_body(client_id: str) -> bytes:
    row = {"orderId": 1, "market": "BTC_USDT", "amount": "1", "left": "1"}
    return json.dumps({**row, "clientOrderId": client_id}).encode()


def test_responses_answer_requests_in_their_order() -> None:
    store, pipeline = new_store(), ready(3)
    orders = [new_order(store, f"ww-{n}") for n in range(3)]
    for order in orders:
        pipeline.push(Request(PLACE, (order,), 1, 100))
    for order in orders:
        request, (reply,) = pipeline.on_response(200, order_body(order.client_id), 150)
        assert request.orders == (order,)
        assert isinstance(reply, Ack)
        assert reply.order.client_id == order.client_id
        assert (order.t_ack_ns, order.in_flight) == (150, 0)
        assert order.carrier is None
    assert pipeline.in_flight == 0


def test_a_response_without_request_is_the_peers_fault() -> None:
    with pytest.raises(PeerError, match="answers no request"):
        ready().on_response(200, b"", 1)


def test_the_usual_answer_is_read_in_short() -> None:
    store, pipeline = new_store(), ready(3)
    usual = {
        **{"orderId": 7, "market": "BTC_USDT", "amount": "1", "left": "1", "dealStock": "0"},
        **{"price": "5", "status": "OPEN", "clientOrderId": "ww-0"},
    }
    short = PlainAck(7, 500, 1_000_000, None)
    order = new_order(store, "ww-0")
    pipeline.push(Request(PLACE, (order,)))
    assert pipeline.on_response(200, json.dumps(usual).encode(), 1)[1] == (short,)
    pipeline.push(Request(PLACE, (order,)))
    assert isinstance(pipeline.on_response(500, json.dumps(usual).encode(), 1)[1][0], Ambiguous)
    legs = (order, *(new_order(store, f"ww-{n}") for n in (1, 2)))
    rows = [{"result": usual, "error": None}, {"result": usual, "error": None}]
    pipeline.push(Request(RequestKind.BULK, legs))
    _, replies = pipeline.on_response(200, json.dumps(rows).encode(), 1)
    assert replies[0] == short
    assert isinstance(replies[1], Ack), "about another order"
    assert isinstance(replies[2], Ambiguous), "no answer"


def test_a_bulk_is_judged_leg_by_leg() -> None:
    store, pipeline = new_store(), ready()
    legs = tuple(new_order(store, f"ww-{n}") for n in range(3))
    pipeline.push(Request(RequestKind.BULK, legs, stop_on_fail=True))
    error = {"code": 10, "message": "no", "errors": {}}
    answer = json.dumps([{"result": None, "error": error}]).encode()
    _, replies = pipeline.on_response(200, answer, 1)
    assert [type(reply) for reply in replies] == [Refused] * 3


def test_the_answer_to_anything_else_is_left_to_the_caller() -> None:
    pipeline = ready()
    pipeline.push(Request(OTHER, nonce=7, context="ping"))
    request, replies = pipeline.on_response(200, b"[]", 1)
    assert (request.context, request.nonce, replies) == ("ping", 7, ())


def test_the_ack_time_is_that_of_the_first_answer() -> None:
    pipeline, order = ready(), new_order(new_store())
    pipeline.push(Request(PLACE, (order,)))
    pipeline.push(Request(CANCEL, (order,)))
    pipeline.on_response(200, b"", 5)
    _, (reply,) = pipeline.on_response(503, b"", 9)
    assert order.t_ack_ns == 5
    assert isinstance(reply, Ambiguous)


def test_cancels_may_use_the_reserve() -> None:
    pipeline = ready(2, 1)
    rooms = []
    for _ in range(4):
        rooms.append((pipeline.has_room(False), pipeline.has_room(True)))
        pipeline.push(Request(OTHER))
    assert rooms == [(True, True), (True, True), (False, True), (False, False)]


@pytest.mark.parametrize(("depth", "reserve"), [(0, 1), (1, -1)])
def test_a_pipeline_that_could_carry_nothing_is_refused(depth: int, reserve: int) -> None:
    with pytest.raises(UsageError):
        Pipeline(depth, reserve)


def test_a_pipeline_needs_no_reserve() -> None:
    pipeline = ready(1, 0)
    pipeline.push(Request(OTHER))
    assert not pipeline.has_room(True)


def test_a_closed_connection_loses_everything_once() -> None:
    pipeline, order = ready(), new_order(new_store())
    requests = [Request(PLACE, (order,)), Request(CANCEL, (order,))]
    for request in requests:
        pipeline.push(request)
    carriers = [order.carrier]
    assert pipeline.on_close() == requests
    assert pipeline.on_close() == []
    assert (pipeline.ready, order.in_flight) == (False, 0)
    assert [*carriers, order.carrier] == [pipeline, None]


def test_age_is_counted_from_the_socket_write() -> None:
    pipeline = ready()
    assert pipeline.oldest_age_ns(50) == 0
    request = Request(OTHER)
    pipeline.push(request)
    assert pipeline.oldest_age_ns(50) == 0
    request.t_sent_ns = 20
    pipeline.push(Request(OTHER, t_sent_ns=30))
    assert pipeline.oldest_age_ns(50) == 30


def test_the_pool_takes_the_least_loaded_ready_connection() -> None:
    first, second, third = ready(name="1"), ready(name="2"), Pipeline(2, 1, "3")
    pool = Pool([first, second, third])
    first.push(Request(OTHER))
    assert pool.pick(None, False) is second
    second.push(Request(OTHER))
    assert pool.pick(None, False) is first
    second.ready = False
    assert pool.pick(None, False) is first


def test_the_room_of_a_pool_is_that_of_its_ready_connections() -> None:
    first, second, third = ready(2), ready(3), ready(9)
    third.ready = False
    pool = Pool([first, second, third])
    assert pool.room == 5
    for _ in range(3):
        first.push(Request(OTHER))  # the third uses the reserve
    assert pool.room == 3


def test_what_concerns_an_order_in_flight_follows_it() -> None:
    store = new_store()
    first, second = ready(1, 1, "1"), ready(1, 1, "2")
    pool = Pool([first, second])
    order = new_order(store)
    first.push(Request(PLACE, (order,)))
    assert pool.pick(order, True) is first
    first.push(Request(CANCEL, (order,)))
    assert pool.pick(order, True) is None  # full: not sent rather than sent out of order
    first.on_response(200, b"", 1)
    assert pool.pick(order, True) is first
    first.on_response(200, b"", 1)
    assert order.carrier is None
    first.push(Request(OTHER))
    assert pool.pick(order, True) is second


def test_an_order_whose_connection_drains_is_not_sent_elsewhere() -> None:
    first, second = ready(name="1"), ready(name="2")
    order = new_order(new_store())
    first.push(Request(PLACE, (order,)))
    first.ready = False
    assert Pool([first, second]).pick(order, True) is None


def test_a_full_pool_refuses_placements_and_lets_cancels_pass() -> None:
    pipeline = ready(1, 1)
    pipeline.push(Request(OTHER))
    pool = Pool([pipeline])
    assert pool.pick(None, False) is None
    assert pool.pick(None, True) is pipeline


@given(moves=st.lists(st.sampled_from(["push", "answer", "close"]), max_size=60))
def test_every_request_leaves_exactly_once_and_in_order(moves: list[str]) -> None:
    pipeline = ready(10_000)
    pushed: list[Request] = []
    left: list[Request] = []
    for move in moves:
        if move == "push":
            request = Request(OTHER, context=len(pushed))
            pushed.append(request)
            pipeline.push(request)
        elif move == "close":
            left += pipeline.on_close()
        elif pipeline.in_flight:
            left.append(pipeline.on_response(200, b"", 1)[0])
    left += pipeline.on_close()
    assert left == pushed


def by_looking(pipelines: Sequence[Pipeline], is_cancel: bool) -> Pipeline | None:
    """The slow twin of `Pool.pick`: the least loaded with room, of these the fastest, the first."""
    best = None
    for pipeline in pipelines:
        mine = (pipeline.in_flight, pipeline.rank)
        if pipeline.has_room(is_cancel) and (best is None or mine < (best.in_flight, best.rank)):
            best = pipeline
    return best


def spread_by_looking(pipelines: Sequence[Pipeline]) -> int:
    """The slow twin of `Pool.spread`: the least loaded, where every connection had room for one."""
    loads = [pipeline.in_flight for pipeline in pipelines if pipeline.ready]
    least = min(loads, default=0)
    return loads.count(least) if least < min(each.depth for each in pipelines) else 0


@given(
    depths=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    moves=st.lists(
        st.tuples(
            st.sampled_from(["pick", "push", "cancel", "answer", "close", "ready", "rank", "new"]),
            st.integers(0, 5),
            st.integers(0, 3),
        ),
        max_size=80,
    ),
)
def test_the_pool_finds_what_looking_at_each_finds(
    depths: list[int], moves: list[tuple[str, int, int]]
) -> None:
    pipelines = [Pipeline(depth, 1, str(number)) for number, depth in enumerate(depths)]
    pool = Pool(pipelines)
    for move, where, value in moves:
        chosen = pipelines[where % len(pipelines)]
        if move in ("pick", "cancel"):
            picked = pool.pick(None, move == "cancel")
            assert picked is by_looking(pipelines, move == "cancel")
            if picked is not None:
                picked.push(Request(OTHER))
        elif move == "push":  # whatever the pool would say
            chosen.push(Request(OTHER))
        elif move == "answer" and chosen.in_flight:
            chosen.on_response(200, b"", 1)
        elif move == "close":
            chosen.on_close()
        elif move == "ready":
            chosen.ready = value > 0
        elif move == "rank":
            chosen.rank = value
        elif move == "new":  # one of them is replaced
            pipelines[where % len(pipelines)] = ready(chosen.depth, 1, "new")
            pool = Pool(pipelines)
        for is_cancel in (False, True):
            assert pool.pick(None, is_cancel) is by_looking(pipelines, is_cancel)
        assert pool.spread == spread_by_looking(pipelines)
        assert all(each.in_flight == len(each._waiting) for each in pipelines)
