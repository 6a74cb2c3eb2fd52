"""Requests that schemathesis makes of the exchange's specification, and random WebSocket calls.

`WHITEWIRE_FUZZ_EFFORT=20` in the environment makes twenty times as many.
"""

from __future__ import annotations

from functools import partial

import pytest
import schemathesis

from tests.venue.fidelity.exercise import Table
from tests.venue.fidelity.generation import RequestGenerator, any_params, body_of, for_each
from tests.venue.fidelity.prober import BY_ID, EFFORT, Prober, WsProber
from tests.venue.fidelity.soundness import stays_sound
from tests.venue.fidelity.specification import Specification
from tests.venue.fidelity.turns import client_of
from whitewire.venue import Venue


def test_generated_requests_get_documented_answers(
    venue: Venue, table: Table, specification: Specification, caplog: pytest.LogCaptureFixture
) -> None:
    generator = RequestGenerator(specification.documents)
    with stays_sound(venue, caplog), Prober(venue, specification) as prober:

        def throw(case: schemathesis.Case) -> None:
            if case.method == "POST":
                prober.probe(case.path, body_of(case))
            else:
                market = str((case.path_parameters or {}).get("market", ""))
                prober.ask(case.path, market, dict(case.query or {}))

        for method, path in sorted(table.routes):
            prober.supply()
            for_each(generator.cases(method, path), 8, throw)
    tried = {path for path, _ in prober.tally.statuses}
    assert tried >= {path for _, path in table.routes}
    assert prober.tally.share(200) > 0.2
    assert prober.tally.share(422) > 0.1
    assert prober.tally.share(401) < 0.1


def test_a_generated_session_gets_documented_answers(
    venue: Venue, table: Table, specification: Specification, caplog: pytest.LogCaptureFixture
) -> None:
    """Valid requests in any order: orders meet, are changed, cancelled and asked for."""
    paths = sorted(path for method, path in table.routes if method == "POST")
    generator = RequestGenerator(specification.documents)
    with stays_sound(venue, caplog), Prober(venue, specification, accounts=2) as prober:
        prober.supply()
        for number, request in enumerate(generator.session(paths, seed=1)):
            if number == 2_000 * EFFORT:
                break
            if number % 3 == 0:
                prober.plant("a")
            prober.probe(*request)
    assert prober.tally.paths(200) >= set(paths) - BY_ID
    assert prober.tally.share(200) > 0.5
    for market in ("BTC_USDT", "ETH_USDT"):
        assert venue.call(lambda exchange, name=market: exchange.recent_trades(name, 1))


def test_generated_calls_get_documented_replies(
    venue: Venue, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    with stays_sound(venue, caplog), WsProber(venue) as ws:
        with client_of(venue) as rest:
            ws.authorize(rest)
        for name in sorted(table.methods):
            for_each(any_params(), 10, partial(ws.probe, name))
    assert {method for method, _ in ws.tally} == table.methods
    assert any(code == 0 for _, code in ws.tally)
