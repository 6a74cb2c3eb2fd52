"""The two ways of matching: each request leaves once, whichever way answers come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.errors import PeerError, UsageError
from whitewire.protocol.matching import ById, InOrder, Matching
from whitewire.protocol.pipeline import Pipeline, Request
from whitewire.protocol.replies import RequestKind


def request(number: int) -> Request:
    return Request(RequestKind.OTHER, nonce=number)


@given(
    moves=st.lists(st.one_of(st.just("send"), st.just("close"), st.integers(0, 99)), max_size=80)
)
@pytest.mark.parametrize("kind", [InOrder, ById])
def test_each_request_leaves_once_and_to_its_own_answer(
    kind: type[InOrder] | type[ById], moves: list[str | int]
) -> None:
    matching: Matching = kind()
    waiting: list[Request] = []  # the slow twin: a list that is searched
    number = 0
    for move in moves:
        if move == "send":
            number += 1
            waiting.append(request(number))
            matching.add(waiting[-1])
        elif move == "close":
            assert matching.drain() == waiting
            waiting = []
        elif waiting:
            at = 0 if kind is InOrder else int(move) % len(waiting)
            assert matching.take(waiting[at].nonce) is waiting[at]
            del waiting[at]
        assert len(matching) == len(waiting)
        assert matching.oldest() is (waiting[0] if waiting else None)
    assert matching.drain() == waiting


def test_an_id_is_used_once() -> None:
    matching = ById()
    matching.add(request(7))
    with pytest.raises(UsageError, match="never reuse an id"):
        matching.add(request(7))
    assert matching.take(8) is None
    assert matching.take(7) is not None
    assert matching.take(7) is None


def test_a_reply_that_nobody_waits_for_is_the_peers_fault() -> None:
    pipeline = Pipeline(4, 0, "socket", ById())
    pipeline.ready = True
    pipeline.push(request(3))
    with pytest.raises(PeerError, match="call 4 answers no request"):
        pipeline.match(1, 4)
    assert pipeline.match(1, 3).nonce == 3
