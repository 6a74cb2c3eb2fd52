"""Measures how the order endpoint serves, without placing anything.

Owns: the probe's connections and time stamps. Must not know: what follows from the figures (see
`protocol.service`). Invariant: only a question is asked, signed and harmless, whose answer changes
nothing at the venue: the status of the kill switches.

Rounds of three kinds take turns, so that a slow moment of either side hits all of them: one request
alone, several in one write on one connection, as many at once on a connection each. What an order
itself takes is not known from that; it is learned from acknowledgements (see `protocol.pace`).
"""

from __future__ import annotations

import asyncio
import ssl
from statistics import median_low
from typing import TYPE_CHECKING

from whitewire import _core
from whitewire._bridge import Path, now_ns
from whitewire.errors import PeerError
from whitewire.protocol.service import Measurement, describe_service
from whitewire.transport.link import Address, connect

if TYPE_CHECKING:
    from whitewire._bridge import OrderConnection
    from whitewire.config import Config
    from whitewire.transport.control import Control

__all__ = ["describe_endpoint", "probe"]

QUESTION = "kill_switch_status"
CONNECTIONS = 4
ROUNDS = 7
TIMEOUT_S = 5.0


class _Line:
    """One connection: when its last write left, and when its answers came."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_changed = asyncio.Event()
        self._error: Exception | None = None
        self.connection: OrderConnection | None = None
        self.written_ns = 0
        self.answers_ns: list[int] = []

    def send(self, *requests: bytes) -> None:
        """Appends requests; they leave with the burst."""
        self.answers_ns = []
        for request in requests:
            if self.connection is None or not self.connection.append(request):
                raise PeerError("not-sent", f"{self._url}: a probe was not sent")

    async def answered(self, count: int) -> int:
        """When the last of `count` answers came.

        Raises:
            PeerError: it did not.
        """
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while len(self.answers_ns) < count:
                    if self._error is not None:
                        raise self._error
                    self._is_changed.clear()
                    await self._is_changed.wait()
        except TimeoutError:
            raise PeerError(
                "no-answer", f"{self._url} did not answer a probe within {TIMEOUT_S:g} s"
            ) from None
        return self.answers_ns[-1]

    # ---- events of the connection -----------------------------------------------------------

    def on_made(self, connection: OrderConnection) -> None:
        self.connection = connection

    def on_written(self, now_ns: int) -> None:
        self.written_ns = now_ns

    def on_writable(self, writable: bool) -> None:
        """Nothing to do: a probe is small."""

    def on_response(self, status: int, body: bytes, keep_alive: bool, now_ns: int) -> None:
        if status != 200:
            raise PeerError("probe-refused", f"{self._url} answered a probe with HTTP {status}")
        self.answers_ns.append(now_ns)
        self._is_changed.set()

    def on_fault(self, error: Exception) -> None:
        self._error = error
        self._is_changed.set()

    def on_lost(self, error: Exception | None) -> None:
        self.connection = None
        lost = PeerError("connection-lost", f"{self._url} closed the connection of a probe")
        self._error = self._error or lost
        self._is_changed.set()


class _Probe:
    def __init__(self, control: Control, address: Address, path: Path) -> None:
        self._control = control
        self._address = address
        self._path = path
        self.lines = [_Line(address.url) for _ in range(CONNECTIONS)]

    async def open(self, context: ssl.SSLContext) -> int:
        """Median time to connect; every connection has answered once when it returns."""
        spans = []
        for line in self.lines:
            began = now_ns()
            await connect(self._address, context, self._path, line)
            spans.append(now_ns() - began)
            await self.burst([(line, 1)])
        return median_low(spans)

    async def burst(self, shares: list[tuple[_Line, int]]) -> int:
        """Sends so many requests on each line at once; from the first write to the last answer."""
        requests = [
            (line, [await self._control.sign(QUESTION, self._address) for _ in range(count)])
            for line, count in shares
        ]
        self._path.enter()
        try:
            for line, texts in requests:
                line.send(*texts)
        finally:
            self._path.leave()
        ends = [await line.answered(count) for line, count in shares]
        return max(ends) - shares[0][0].written_ns

    async def measure(self, connect_ns: int) -> Measurement:
        """The medians of some rounds."""
        singles, piped, spread, writes = [], [], [], []
        first = self.lines[0]
        for _ in range(ROUNDS):
            singles.append(await self.burst([(first, 1)]))
            piped.append(await self.burst([(first, CONNECTIONS)]))
            spread.append(await self.burst([(line, 1) for line in self.lines]))
            wrote_ns = self.lines[-1].written_ns - first.written_ns
            writes.append(wrote_ns // (CONNECTIONS - 1))
        return Measurement(
            CONNECTIONS,
            median_low(singles),
            median_low(piped),
            median_low(spread),
            median_low(writes),
            connect_ns,
        )

    def close(self) -> None:
        for line in self.lines:
            if line.connection is not None:
                line.connection.abort()


async def probe(
    control: Control, address: Address, context: ssl.SSLContext, path: Path
) -> Measurement:
    """Asks the order endpoint some dozens of questions on connections of the probe's own.

    Args:
        control: signs, with the account's key, and counts the calls.
        address: the host that carries orders.
        context: TLS context.
        path: of the bridge; a gateway's own.

    Raises:
        StartupError: the host cannot be reached or trusted.
        PeerError: it does not answer, or refuses the question.
    """
    it = _Probe(control, address, path)
    try:
        return await it.measure(await it.open(context))
    finally:
        it.close()


async def describe_endpoint(control: Control, config: Config, context: ssl.SSLContext) -> str:
    """What the probe finds, and the pool that suits it, in one sentence; see `probe`."""
    path = Path(_core.Engine(host="", paths=("", "", "", ""), id_base=""))
    measured = await probe(control, Address(config.venue.rest), context, path)
    return describe_service(measured, config.orders.burst_legs)
