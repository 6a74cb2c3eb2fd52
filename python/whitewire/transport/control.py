"""The cold path: awaited REST calls on warm connections, one for each route.

Owns: signing and sending of every request that is not an order, and its answer. Must not know:
what the answers mean (see `protocol.replies`). Invariant: a call returns the venue's answer or
raises; it is never repeated by itself.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from whitewire import _core
from whitewire._bridge import epoch_ms
from whitewire.endpoints import ENDPOINTS, Endpoint, Route
from whitewire.errors import PeerError, StartupError
from whitewire.transport.link import Address, connect

if TYPE_CHECKING:
    from whitewire._bridge import OrderConnection, Path
    from whitewire.config import Config
    from whitewire.protocol.nonce import NonceAllocator
    from whitewire.protocol.throttle import Throttle

__all__ = ["Answer", "Control"]

CALL_TIMEOUT_S = 5.0
Answer = tuple[int, bytes]


class _Line:
    """One connection of the cold path; answers come in the order of the requests."""

    def __init__(self, address: Address, context: ssl.SSLContext, path: Path) -> None:
        self.address = address
        self._context = context
        self._path = path
        self._connection: OrderConnection | None = None
        self._waiting: deque[asyncio.Future[Answer]] = deque()
        self._opening = asyncio.Lock()

    async def call(self, request: bytes) -> Answer:
        connection = await self.open()
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._path.enter()
        try:
            if not connection.append(request):
                raise PeerError(
                    "request-too-large", f"a request of {len(request)} bytes does not fit"
                )
            self._waiting.append(future)
        finally:
            self._path.leave()
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                return await future
        except TimeoutError:
            # the answers that follow could not be matched any more
            error = PeerError(
                "no-answer", f"{self.address.url} did not answer within {CALL_TIMEOUT_S:g} s"
            )
            connection.abort(error)
            raise error from None

    async def open(self) -> OrderConnection:
        async with self._opening:
            if self._connection is None or not self._connection.is_open:
                self._connection = await connect(self.address, self._context, self._path, self)
            return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    # ---- events of the connection -----------------------------------------------------------

    def on_made(self) -> None:
        """Nothing to do: `open` returns the connection."""

    def on_written(self, now_ns: int) -> None:
        """Nothing to do: the cold path keeps no latencies."""

    def on_writable(self, writable: bool) -> None:
        """Nothing to do: control requests are few and small."""

    def on_response(self, status: int, body: bytes, keep_alive: bool, now_ns: int) -> None:
        if not self._waiting:
            self._fail(PeerError("response-without-request", "the venue sent an extra response"))
            return
        future = self._waiting.popleft()
        if not future.done():
            future.set_result((status, body))
        if not keep_alive and self._connection is not None:
            self._connection.close()

    def on_fault(self, error: Exception) -> None:
        self._fail(error)

    def on_lost(self, error: Exception | None) -> None:
        reason = f" ({error})" if error else ""
        self._fail(
            PeerError("connection-lost", f"{self.address.url} closed the connection{reason}")
        )

    def _fail(self, error: Exception) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)


class Control:
    """Awaited calls to any endpoint of the table, for the gateway and for `gw.rest`.

    Args:
        config: venue URLs and route overrides.
        context: TLS context.
        path: the bridge's shared path.
        signer: None allows public endpoints only.
        nonces: the account's allocator, shared with the order path.
        throttle: the account's rate limiter, shared with the order path.
        now_ns: monotonic clock.
    """

    def __init__(
        self,
        config: Config,
        context: ssl.SSLContext,
        path: Path,
        signer: _core.Signer | None,
        nonces: NonceAllocator,
        throttle: Throttle,
        now_ns: Callable[[], int],
    ) -> None:
        self._signer = signer
        self._nonces = nonces
        self._throttle = throttle
        self._now_ns = now_ns
        self._overrides = config.venue.route_overrides
        self._lines = {
            Route.COLOCATION: _Line(Address(config.venue.rest), context, path),
            Route.PUBLIC: _Line(Address(config.venue.public_rest), context, path),
        }
        self._templates: dict[str, _core.RequestTemplate] = {}

    def route(self, endpoint: Endpoint) -> Route:
        """Where an endpoint is called, overrides included."""
        return Route(self._overrides.get(endpoint.name, endpoint.route))

    async def open(self) -> None:
        """Opens both routes, so that they are warm when they are needed.

        Raises:
            StartupError: a host cannot be reached or trusted.
        """
        for line in self._lines.values():
            await line.open()

    async def call(self, name: str, fields: Mapping[str, Any] | None = None) -> Answer:
        """Calls an endpoint once and returns (HTTP status, body).

        Args:
            name: key of `endpoints.ENDPOINTS`.
            fields: JSON fields besides request, nonce and nonceWindow, which are added.

        Raises:
            PeerError: no answer, or not HTTP; whether the venue acted on it is not known.
        """
        endpoint = ENDPOINTS[name]
        line = self._lines[self.route(endpoint)]
        wait_ns = self._throttle.try_take(name, self._now_ns(), endpoint.is_cancel)
        while wait_ns > 0:
            await asyncio.sleep(wait_ns / 1e9)
            wait_ns = self._throttle.try_take(name, self._now_ns(), endpoint.is_cancel)
        if endpoint.method == "GET":
            head = f"GET {endpoint.path} HTTP/1.1\r\nHost: {line.address.header}\r\n\r\n"
            return await line.call(head.encode())
        # The connection comes first: a nonce must not age while TLS is negotiated.
        await line.open()
        body = msgspec.json.encode(fields or {})[1:-1]
        answer = await line.call(
            self._template(name, line).encode(body, self._nonces.next(epoch_ms()))
        )
        if answer[0] == 429:
            self._throttle.on_429(name, self._now_ns())
        return answer

    def _template(self, name: str, line: _Line) -> _core.RequestTemplate:
        template = self._templates.get(name)
        if template is None:
            if self._signer is None:
                raise StartupError("no-key", f"{name} needs an API key", "configure one")
            template = _core.RequestTemplate(
                self._signer, line.address.header, ENDPOINTS[name].path
            )
            self._templates[name] = template
        return template

    def close(self) -> None:
        """Closes both routes."""
        for line in self._lines.values():
            line.close()
