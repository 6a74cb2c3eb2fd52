"""The choice of a transport: a table of cases, and that nothing faster was passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.protocol.order_transports import OrderTransport, Outlook, choose

PIPELINED, WEBSOCKET, BULK = (
    OrderTransport.PIPELINED,
    OrderTransport.WEBSOCKET,
    OrderTransport.BULK,
)
US = 1_000
SERIAL = Outlook(250 * US, 200 * US, 4, 5 * US)
ENGINE = Outlook(60 * US, 20 * US, 4, 5 * US)
QUICK = Outlook(50 * US, 1 * US, 4, 5 * US)


@pytest.mark.parametrize(
    ("outlooks", "legs", "transport"),
    [
        ({}, 5, PIPELINED),
        ({PIPELINED: SERIAL}, 20, PIPELINED),
        # a front that serves one by one: connections beat a bulk that adds its legs up
        ({PIPELINED: SERIAL, BULK: Outlook(250 * US, 200 * US)}, 20, PIPELINED),
        # one engine: all the same, so the simplest
        ({PIPELINED: ENGINE._replace(lanes=1), BULK: Outlook(60 * US, 20 * US)}, 20, PIPELINED),
        # a bulk whose legs cost nothing more beats 5 rounds on 4 connections
        ({PIPELINED: SERIAL, BULK: Outlook(260 * US, 2 * US)}, 20, BULK),
        # but a single order is no bulk
        ({PIPELINED: SERIAL, BULK: Outlook(10 * US, 2 * US)}, 1, PIPELINED),
        # a quicker socket, for one order and for many
        ({PIPELINED: SERIAL, WEBSOCKET: Outlook(100 * US, 3 * US)}, 1, WEBSOCKET),
        ({PIPELINED: SERIAL, WEBSOCKET: Outlook(100 * US, 3 * US)}, 20, WEBSOCKET),
        # a socket that is quick alone and serves one by one loses where connections help
        ({PIPELINED: SERIAL, WEBSOCKET: Outlook(200 * US, 200 * US)}, 1, WEBSOCKET),
        ({PIPELINED: SERIAL, WEBSOCKET: Outlook(200 * US, 200 * US)}, 20, PIPELINED),
        # within a tenth the earlier one is taken
        ({PIPELINED: QUICK, WEBSOCKET: Outlook(47 * US, 0)}, 1, PIPELINED),
        ({WEBSOCKET: QUICK, BULK: QUICK}, 4, WEBSOCKET),
    ],
)
def test_the_choice(
    outlooks: dict[OrderTransport, Outlook], legs: int, transport: OrderTransport
) -> None:
    choice = choose(outlooks, legs)
    assert choice.transport is transport
    assert set(choice.last_ns) <= set(outlooks)
    assert ("µs" in choice.why) is bool(outlooks)


outlook = st.builds(
    Outlook, st.integers(0, 10**9), st.integers(0, 10**8), st.integers(1, 32), st.integers(0, 10**5)
)


@given(
    outlooks=st.dictionaries(st.sampled_from(OrderTransport), outlook, min_size=1),
    legs=st.integers(1, 40),
)
def test_nothing_much_faster_is_passed_over(
    outlooks: dict[OrderTransport, Outlook], legs: int
) -> None:
    choice = choose(outlooks, legs)
    if choice.last_ns:
        best = min(choice.last_ns.values())
        assert choice.last_ns[choice.transport] * 100 <= best * 110


@given(it=outlook, legs=st.integers(1, 40))
def test_more_legs_never_end_sooner(it: Outlook, legs: int) -> None:
    assert it.first_ns <= it.last_ns(legs) <= it.last_ns(legs + 1)
