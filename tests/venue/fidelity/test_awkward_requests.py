"""Each parameter of each endpoint and method, in turn, as every value that it should not be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from tests.venue.fidelity.awkward import (
    NUMBER_TEXTS,
    TEXTS,
    VALUES,
    nested,
    variants,
    with_changed_keys,
    without_authentication,
)
from tests.venue.fidelity.exercise import Table
from tests.venue.fidelity.prober import BY_ID, UNLIMITED, Prober, WsProber, encode
from tests.venue.fidelity.recording import Record
from tests.venue.fidelity.soundness import stays_sound
from tests.venue.fidelity.turns import client_of, nonces_of
from tests.venue.naive import WsClient
from whitewire.venue import Venue

Json = Any

# Their orders are gone once they succeed.
_OF_OPEN_ORDERS = ("/api/v4/order/cancel", "/api/v4/order/modify")

_QUERY = ("limit", "offset", "level", "type", "startDate", "endDate", "unheardOf")


def _requests(record: Record) -> dict[str, list[dict[str, Json]]]:
    """By endpoint, recorded parameters that have every key that was ever sent to it."""
    chosen: defaultdict[str, list[dict[str, Json]]] = defaultdict(list)
    sent = [
        (sample.place[1], without_authentication(sample.body))
        for sample in record.samples
        if sample.place[-1] == "request"
    ]
    for path, params in sorted(sent, key=lambda pair: len(pair[1]), reverse=True):
        if not chosen[path] or set(params) - set(chain.from_iterable(chosen[path])):
            chosen[path].append(params)
    return dict(sorted(chosen.items()))


def _changes(bases: list[dict[str, Json]]) -> Iterator[tuple[dict[str, Json], Json]]:
    """Each of an endpoint's parameters, as it is and then changed; every key is changed once."""
    changed: set[str] = set()
    for base in bases:
        yield base, base
        for params in with_changed_keys(base, [key for key in base if key not in changed]):
            yield base, params
        changed |= set(base)


def test_every_endpoint_bears_every_value(
    venue: Venue, record: Record, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    with stays_sound(venue, caplog), Prober(venue) as prober:
        for path, bases in _requests(record).items():
            prober.supply()
            for base, params in _changes(bases):
                if path in _OF_OPEN_ORDERS:
                    prober.plant(base.get("clientOrderId"))
                prober.probe(path, params)
    posts = {path for method, path in table.routes if method == "POST"}
    assert prober.tally.paths(200) >= posts - BY_ID
    assert prober.tally.share(422) > 0.5
    assert prober.tally.share(401) == 0


def test_authentication_bears_every_value(venue: Venue, caplog: pytest.LogCaptureFixture) -> None:
    path = "/api/v4/orders"
    with stays_sound(venue, caplog), Prober(venue) as prober:
        nonces = nonces_of(venue.accounts[0])
        for key in ("request", "nonce", "nonceWindow"):
            for value in VALUES:
                body = {"request": path, "nonce": nonces.next(), "nonceWindow": True, key: value}
                prober.knock(path, encode(body))
                del body["nonceWindow"]
                prober.account = venue.accounts[1]  # its nonces may go as high as they like
                prober.knock(path, encode(body))
                prober.account = venue.accounts[0]
        for value in VALUES:
            prober.knock(path, encode(value))
        body = encode({"request": path, "nonce": nonces.next(), "nonceWindow": True})
        for header in ("X-TXC-APIKEY", "X-TXC-PAYLOAD", "X-TXC-SIGNATURE"):
            for text in (*NUMBER_TEXTS, *TEXTS):
                if (
                    text.isprintable()
                    and text.encode("latin-1", "ignore").decode("latin-1") == text
                ):
                    status = prober.knock(path, body, **{header: text})
                    assert status in (400, 401), (header, text, status)
        assert prober.knock(path, body) == 200, "no refusal has used the nonce up"
    assert prober.tally.paths(401) == {path}


def test_every_public_endpoint_bears_every_text(
    venue: Venue, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    with stays_sound(venue, caplog), Prober(venue) as prober:
        gets = sorted(path for method, path in table.routes if method == "GET")
        for path in gets:
            market = "BTC_PERP" if "funding" in path else "BTC_USDT"
            prober.ask(path, market, {})
            prober.ask(path, market, dict.fromkeys(_QUERY, "x"))
            if not path.endswith("{market}"):
                continue
            for text in (*NUMBER_TEXTS, *TEXTS):
                prober.ask(path, text, {})
                for key in _QUERY:
                    prober.ask(path, market, {key: text})
    assert prober.tally.paths(200) == set(gets)
    assert prober.tally.paths(422) == {path for path in gets if path.endswith("{market}")}


def _calls(record: Record) -> dict[str, list[list[Json]]]:
    """By method, recorded parameters of each length."""
    chosen: defaultdict[str, dict[int, list[Json]]] = defaultdict(dict)
    for sample in record.samples:
        if sample.place[0] == "call":
            chosen[sample.place[1]][len(sample.body["params"])] = sample.body["params"]
    return {method: list(by_length.values()) for method, by_length in sorted(chosen.items())}


def test_every_method_bears_every_value(
    venue: Venue, record: Record, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    calls = {method: [[]] for method in sorted(table.methods)} | _calls(record)
    with stays_sound(venue, caplog), WsProber(venue) as stranger, WsProber(venue) as owner:
        with client_of(venue) as rest:
            owner.authorize(rest)
            token = rest.ok("profile/websocket_token")["websocket_token"]
        calls["authorize"] = [[token, "public"]]
        for method, bases in calls.items():
            for base in bases:
                for params in (base, *variants(base)):
                    if isinstance(params, list):
                        owner.probe(method, params)
            if method != "authorize":
                stranger.probe(method, bases[0])
        assert owner.probe("no_such_method", []) == 4
    accepted = {method for method, code in owner.tally if code == 0}
    assert accepted >= set(_calls(record))
    refused = {method for method, code in stranger.tally if code == 6}
    assert {"deals_subscribe", "ordersPending_request"} <= refused


def test_a_venue_without_markets_answers_all_the_same(
    record: Record, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    """Every market was delisted; whoever asks is answered, and the usual fees stay."""
    with Venue(traders=False, wire=UNLIMITED) as venue, Prober(venue) as prober:
        with client_of(venue) as rest:
            usual = rest.ok("market/fee")
            names = [market["name"] for market in rest.get("markets")[1]]
            for name in names:
                venue.call(lambda exchange, name=name: exchange.delist(name))
            assert rest.get("assets") == (200, {})
            assert rest.ok("market/fee") == {**usual, "custom_fee": {}}
        with stays_sound(venue, caplog):
            for path, bases in _requests(record).items():
                for params in bases:
                    prober.probe(path, params)
            for method, path in table.routes:
                if method == "GET":
                    prober.ask(path, "BTC_USDT", {})
            with WsProber(venue) as ws, client_of(venue) as rest:
                ws.authorize(rest)
                for method, calls in _calls(record).items():
                    for params in calls:
                        ws.probe(method, params)


@pytest.mark.parametrize("depth", [50, 4_000])
def test_a_deep_body_is_refused(venue: Venue, depth: int, caplog: pytest.LogCaptureFixture) -> None:
    with stays_sound(venue, caplog), Prober(venue) as prober:
        assert prober.probe("/api/v4/order/new", nested(depth)) in (400, 401)


def test_a_deep_message_ends_the_connection(venue: Venue, caplog: pytest.LogCaptureFixture) -> None:
    with stays_sound(venue, caplog), WsClient(venue) as ws:
        ws.send_frame(1, b'{"id":1,"method":"ping","params":' + nested(4_000) + b"}")
        with pytest.raises(EOFError):
            ws.message()


@pytest.mark.parametrize("request_id", [0, -1, 2**63, 10**40])
def test_any_whole_number_is_an_id(venue: Venue, request_id: int) -> None:
    with WsClient(venue) as ws:
        ws.next_id = request_id
        assert ws.call("ping") == "pong"
