"""The cold path: awaited REST calls, on a small pool of warm connections for each route.

Owns: signing and sending of every request that is not an order, and its answer. Must not know:
what the answers mean (see `protocol.control_replies`). Invariant: a call returns the venue's
answer or raises; it is repeated by itself only where the venue did nothing because it knew the
nonce, and an order never. A call of one class (`endpoints.Class`) never waits behind one of
another: each class has a connection of its own, on which answers come in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from time import time_ns
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec

from whitewire import _core
from whitewire.endpoints import ENDPOINTS, Class, Endpoint, Route
from whitewire.errors import ConfigError, PeerError, StartupError, VenueRefusal
from whitewire.protocol.clock import VenueClock
from whitewire.protocol.control_replies import read_time, read_websocket_token
from whitewire.protocol.rate_verdict import RateVerdict, is_nonce_used, rate_verdict
from whitewire.transport.link import Address, connect, is_reset

if TYPE_CHECKING:
    from whitewire._bridge import OrderConnection, Path
    from whitewire.config import Config
    from whitewire.protocol.nonce import NonceAllocator
    from whitewire.protocol.throttle import Held, Throttle

__all__ = ["Answer", "Control", "naming"]

CALL_TIMEOUT_S = 5.0
# After a nonce that was used before. A process that died may have run ahead of the clock by as much
# as nonces may (`nonce.MAX_LEAD_MS`), and one that lives may use most of them: so often, and so
# long, that the first is over and the second leaves one.
NONCE_WAITS_S = tuple(0.02 * 2**step for step in range(8))
# The order lanes go to the colocation host; a cancel of the cold path goes the same way.
LANE_ENDPOINTS = frozenset({"place", "bulk", "modify", "cancel"})
Answer = tuple[int, bytes]


@contextlib.contextmanager
def naming(what: str) -> Iterator[None]:
    """Says what was refused, since the venue's own text does not."""
    try:
        yield
    except VenueRefusal as error:
        advice = "check the key, its secret, permissions and allowed IPs, and this host's clock"
        if error.status == HTTPStatus.TOO_MANY_REQUESTS:
            advice = "wait a minute; what else uses this address's limits should share throttle"
        text = f"the venue refused {what}: {error}"
        raise StartupError("venue-refused", text, advice) from error


class _Exchange:
    """One connection's calls; answers come in the order of the requests."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: OrderConnection | None = None
        self._waiting: deque[asyncio.Future[Answer]] = deque()

    @property
    def is_open(self) -> bool:
        connection = self._connection
        if connection is None or connection.transport is None or not connection.is_open:
            return False
        return not is_reset(connection.transport)

    def send(self, request: bytes, path: Path) -> asyncio.Future[Answer]:
        """Sends `request`; its answer, or the reason why there is none, comes as a future.

        Raises:
            PeerError: it was not sent.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        path.enter()
        try:
            if self._connection is None or not self._connection.append(request):
                raise PeerError(
                    "not-sent", f"{self._url}: a request of {len(request)} bytes was not sent"
                )
            self._waiting.append(answer)
        finally:
            path.leave()
        return answer

    def abort(self, error: Exception | None = None) -> None:
        if self._connection is not None:
            self._connection.abort(error)

    # ---- events of the connection -----------------------------------------------------------

    def on_made(self, connection: OrderConnection) -> None:
        self._connection = connection

    def on_written(self, now_ns: int) -> None:
        """Nothing to do: the cold path keeps no latencies."""

    def on_writable(self, writable: bool) -> None:
        """Nothing to do: control requests are few and small."""

    def on_response(self, status: int, body: bytes, keep_alive: bool, now_ns: int) -> None:
        if not self._waiting:
            raise PeerError("response-without-request", f"{self._url} sent an extra response")
        answer = self._waiting.popleft()
        if not answer.done():
            answer.set_result((status, body))
        if not keep_alive:
            self.abort()

    def on_fault(self, error: Exception) -> None:
        self._fail(error)

    def on_lost(self, error: Exception | None) -> None:
        reason = f" ({error})" if error else ""
        self._fail(PeerError("connection-lost", f"{self._url} closed the connection{reason}"))

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, PeerError):
            error = PeerError("connection-failed", f"{self._url}: {error!r}")
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(error)


class _Line:
    """One place in a pool: its connection, opened again when it is needed and gone."""

    def __init__(
        self, address: Address, context: ssl.SSLContext, path: Path, timeout_s: float
    ) -> None:
        self.address = address
        self._timeout_s = timeout_s
        self._context = context
        self._path = path
        self._exchange = _Exchange(address.url)
        self._opening = asyncio.Lock()
        self._is_closed = False

    async def open(self) -> _Exchange:
        async with self._opening:
            if not self._exchange.is_open:
                if self._is_closed:
                    raise PeerError("closed", f"{self.address.url}: the gateway has closed it")
                self._exchange.abort()  # the kernel may have given it up and uvloop not noticed
                exchange = _Exchange(self.address.url)
                await connect(self.address, self._context, self._path, exchange)
                self._exchange = exchange
            return self._exchange

    async def call(self, request: bytes) -> Answer:
        exchange = await self.open()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await exchange.send(request, self._path)
        except TimeoutError:
            # the answers that follow could not be matched any more
            error = PeerError(
                "no-answer", f"{self.address.url} did not answer within {self._timeout_s:g} s"
            )
            exchange.abort(error)
            raise error from None

    def close(self) -> None:
        self._is_closed = True
        self._exchange.abort()


def _get(endpoint: Endpoint, host: str, fields: Mapping[str, Any]) -> bytes:
    """A request for public data; a market that the path has room for does not go to the query."""
    query = dict(fields)
    path = endpoint.path
    if "{market}" in path:
        path = path.replace("{market}", quote(str(query.pop("market", "")), safe=""))
    if query:
        path = f"{path}?{urlencode(query)}"
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


class Control:
    """Awaited calls to any endpoint of the table, for the gateway and for `gw.rest`.

    Args:
        config: venue URLs and route overrides.
        context: TLS context.
        path: the bridge's shared path.
        signer: the account's key.
        nonces: the account's allocator, shared with the order path.
        throttle: the account's rate limiter, shared with the order path.
        now_ns: monotonic clock.
        clock: the venue's time, which nonces are made from; a new one of its own when None.
        timeout_s: how long an answer may take; None for what suits most.

    Attributes:
        clock: as given.
        on_held: called with an endpoint's name and what its refusal costs.

    Raises:
        ConfigError: a route override of an endpoint that is unknown or cannot be moved.
    """

    def __init__(
        self,
        config: Config,
        context: ssl.SSLContext,
        path: Path,
        signer: _core.Signer,
        nonces: NonceAllocator,
        throttle: Throttle,
        now_ns: Callable[[], int],
        clock: VenueClock | None = None,
        timeout_s: float | None = None,
    ) -> None:
        timeout_s = CALL_TIMEOUT_S if timeout_s is None else timeout_s
        self.clock = clock or VenueClock(time_ns(), now_ns())
        self.on_held: Callable[[str, Held], None] = lambda name, held: None
        self._signer = signer
        self._nonces = nonces
        self._throttle = throttle
        self._now_ns = now_ns
        self._overrides = config.venue.route_overrides
        for name in self._overrides:
            if name not in ENDPOINTS or name in LANE_ENDPOINTS:
                movable = ", ".join(sorted(ENDPOINTS.keys() - LANE_ENDPOINTS))
                raise ConfigError(
                    "config-route",
                    f"venue.route_overrides.{name} cannot be moved",
                    f"these can: {movable}",
                )
        hosts = {
            Route.COLOCATION: Address(config.venue.rest),
            Route.PUBLIC: Address(config.venue.public_rest),
        }
        self._lines = {
            (route, kind): _Line(address, context, path, timeout_s)
            for route, address in hosts.items()
            for kind in Class
        }
        self._templates: dict[str, _core.RequestTemplate] = {}

    def route(self, endpoint: Endpoint) -> Route:
        """Where an endpoint is called, overrides included."""
        return Route(self._overrides.get(endpoint.name, endpoint.route))

    async def open(self) -> None:
        """Opens both pools, so that they are warm when they are needed.

        Raises:
            StartupError: a host cannot be reached or trusted.
        """
        for line in self._lines.values():
            await line.open()

    async def call(self, name: str, fields: Mapping[str, Any] | None = None) -> Answer:
        """Calls an endpoint and returns (HTTP status, body).

        What is no order is asked again while the venue says that its nonce was used before.

        Args:
            name: key of `endpoints.ENDPOINTS`.
            fields: JSON fields besides request, nonce and nonceWindow, which are added; of public
                data the query, and the market of a path that has one.

        Raises:
            StartupError: the host cannot be reached; nothing was sent.
            PeerError: no answer, or not HTTP; whether the venue acted on it is not known.
            NonceExhausted: too many requests within a few seconds; nothing was sent.
        """
        endpoint = ENDPOINTS[name]
        answer = await self._call_once(endpoint, fields or {})
        for wait_s in () if endpoint.is_order else NONCE_WAITS_S:
            if not is_nonce_used(*answer):
                break
            await asyncio.sleep(wait_s)
            answer = await self._call_once(endpoint, fields or {})
        return answer

    async def _call_once(self, endpoint: Endpoint, fields: Mapping[str, Any]) -> Answer:
        name, line = endpoint.name, self._lines[self.route(endpoint), endpoint.kind]
        while wait_ns := self._throttle.try_take(name, self._now_ns(), endpoint.is_cancel):
            await asyncio.sleep(wait_ns / 1e9)
        # The connection comes first: a nonce must not age while TLS is negotiated.
        await line.open()
        if endpoint.method == "GET":
            request = _get(endpoint, line.address.header, fields)
        else:
            body = msgspec.json.encode(fields)[1:-1]
            request = self._template(name, line).encode(body, self._next_nonce())
        answer = await line.call(request)
        verdict = rate_verdict(*answer)
        held = self._throttle.on_verdict(name, verdict, self._now_ns())
        if held is not None:
            if verdict is RateVerdict.NONCE:
                self.clock.suspect()
            self.on_held(name, held)
        return answer

    async def sign(self, name: str, address: Address) -> bytes:
        """A signed request without fields, counted, for a connection of the caller's to `address`.

        Raises:
            NonceExhausted: too many requests within a few seconds.
        """
        while wait_ns := self._throttle.try_take(name, self._now_ns(), False):
            await asyncio.sleep(wait_ns / 1e9)
        template = _core.RequestTemplate(self._signer, address.header, ENDPOINTS[name].path)
        return template.encode(b"", self._next_nonce())

    async def ask_time(self) -> None:
        """Asks the venue's time, for `clock`.

        Raises:
            WhitewireError: as `call`, or the answer is no time.
        """
        sent = self._now_ns()
        answer = await self.call("time")
        self.clock.on_venue_time(read_time(*answer), sent, self._now_ns())

    async def websocket_token(self) -> str:
        """A token that authorizes a WebSocket session.

        Raises:
            WhitewireError: as `call`, or the venue refused.
        """
        with naming("a WebSocket token"):
            return read_websocket_token(*await self.call("websocket_token"))

    def _next_nonce(self) -> int:
        return self._nonces.next(self.clock.epoch_ms(self._now_ns()))

    def _template(self, name: str, line: _Line) -> _core.RequestTemplate:
        template = self._templates.get(name)
        if template is None:
            template = _core.RequestTemplate(
                self._signer, line.address.header, ENDPOINTS[name].path
            )
            self._templates[name] = template
        return template

    def close(self) -> None:
        """Closes both pools for good."""
        for line in self._lines.values():
            line.close()
