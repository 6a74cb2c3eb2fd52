"""Runs every row against one venue and remembers every message."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus

from tests.venue.fidelity import collateral_rows, collateral_ws_rows, rest_rows, ws_rows
from tests.venue.fidelity.recording import Record, RecordingRest, RecordingWs
from tests.venue.fidelity.rest_rows import World
from tests.venue.fidelity.ws_rows import Line
from tests.venue.naive import sign
from whitewire.venue import Venue
from whitewire.venue.rest.app import Listener, RestApp

REST_ROWS = {**rest_rows.ROWS, **collateral_rows.ROWS}
WS_ROWS = {**ws_rows.ROWS, **collateral_ws_rows.ROWS}
_BASE = "/api/v4/"
# What the front answers instead of the venue, by the fault that makes it.
_FRONT = (("http_429", HTTPStatus.TOO_MANY_REQUESTS), ("http_503_html", 503))


class _NoScope:
    def begin_request(self) -> None: ...

    def end_request(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Table:
    """What the venue serves.

    Attributes:
        routes: method and path of each endpoint, as the specification writes them.
        methods: the WebSocket's methods.
    """

    routes: frozenset[tuple[str, str]]
    methods: frozenset[str]


def route_table() -> Table:
    """Reads the tables of a running venue."""
    with Venue(traders=False, tls=False) as venue:
        server = venue._server
        assert server._service is not None
        routes = RestApp(server.core, Listener.PUBLIC, _NoScope()).routes()
        methods = server._service.methods.names()
    named = {(method, path + "{market}" if path.endswith("/") else path) for method, path in routes}
    return Table(frozenset(named), methods)


def exercise(venue: Venue, table: Table) -> Record:
    """Every message of every row whose endpoint or channel the venue has."""
    record = Record()
    with ExitStack() as stack:
        rest = stack.enter_context(RecordingRest(venue, record))
        other = stack.enter_context(RecordingRest(venue, record, 1))
        world = World(venue, record, rest, other)
        for path, row in REST_ROWS.items():
            if any(route == _BASE + path for _, route in table.routes):
                row(world)
                _clear(world)
        for channel in WS_ROWS.values():
            if table.methods.issuperset(channel.calls):
                with RecordingWs(venue, record) as ws:
                    channel.drive(Line(ws, world))
                _clear(world)
        for method, path in sorted(table.routes):
            _refuse_at_the_door(world, method, path)
    return record


def _clear(world: World) -> None:
    """Takes every order back, unrecorded rows leave none behind."""
    for client in (world.rest, world.other):
        client.ok("order/cancel/all")


def _refuse_at_the_door(world: World, method: str, path: str) -> None:
    """What authentication and the front say on a path, whatever its handler does."""
    asked = path.replace("{market}", rest_rows.MARKET)
    for fault, status in _FRONT:
        world.venue.fault(fault, times=1, path=asked)
        answer = world.rest.send(method, asked, b"{}" if method == "POST" else None, {})
        assert answer[0] == status, (path, answer)
    if method == "GET":
        return
    key = world.rest.account.key
    headers = {"X-TXC-APIKEY": key, "X-TXC-PAYLOAD": "e30=", "X-TXC-SIGNATURE": "0"}
    assert world.rest.send(method, path, b"{}", headers)[0] == HTTPStatus.UNAUTHORIZED
    headers = sign(key, world.rest.account.secret, b"{}")
    assert world.rest.send(method, path, b'{"other":1}', headers)[0] == HTTPStatus.BAD_REQUEST
    world.venue.restrict_key(key, denied_paths=[path])
    assert world.rest.post(path.removeprefix(_BASE))[0] == HTTPStatus.FORBIDDEN
    world.venue.restrict_key(key)
