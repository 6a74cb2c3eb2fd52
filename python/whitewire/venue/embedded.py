"""A venue on a thread of its own, inside the process of a test or of the demo.

Owns: the thread, its event loop, and calls into it from other threads. Must not know: anything
of the venue's inside but its server. Invariant: the engine is touched on the venue's thread only;
several venues in one process share nothing.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import uvloop

from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.faults.armed import FaultValue
from whitewire.venue.options import ReplayOptions, VenueConfig, WireOptions
from whitewire.venue.server import VenueServer
from whitewire.venue.values.model import AccountSpec
from whitewire.venue.virtual_clock import VirtualClock

__all__ = ["Venue"]

_T = TypeVar("_T")


class Venue:
    """A venue on a thread of its own, for tests and for the demo.

    Use as a context manager. Every method may be called from any other thread.

    Attributes:
        rest: URL of the colocation REST listener.
        public_rest: URL of the public REST listener.
        ws: URL of the WebSocket.
        ca: PEM file to trust, or None without TLS.
        accounts: name, key and secret of each account.
    """

    def __init__(
        self,
        markets: Sequence[str] = ("BTC_USDT",),
        seed: int = 1,
        *,
        tls: bool = True,
        traders: bool = True,
        wire: WireOptions | None = None,
        engine: ExchangeOptions | None = None,
        accounts: Sequence[AccountSpec] | None = None,
        clock: Callable[[], float] = time.time,
        scenario: str | None = None,
        control: str | None = None,
        replay: str | Path | ReplayOptions | None = None,
    ) -> None:
        """Builds the venue; it opens its sockets when it is started.

        Args:
            markets: names of the markets to open.
            seed: of the market and of chance faults.
            tls: whether to serve TLS.
            traders: False for a book without traders, if no scenario is given.
            wire: knobs of the wire.
            engine: knobs of the engine.
            accounts: who trades there; the default accounts otherwise.
            clock: the venue's time, epoch seconds; with a `VirtualClock` nothing happens by
                itself until the clock is advanced.
            scenario: name of a packaged scenario, or path of a TOML file.
            control: path of a Unix socket that arms faults.
            replay: a recorded feed that drives the markets that it holds; a path, or options.

        Raises:
            ValueError: an unknown market, a scenario that is unknown or not in order, or a
                recording that is not one or holds none of the markets; names the line.
        """
        if isinstance(replay, str | Path):
            replay = ReplayOptions(str(replay))
        config = VenueConfig(
            tls=tls,
            seed=seed,
            scenario=scenario or ("calm" if traders else "empty"),
            markets=tuple(markets),
            control=control,
            replay=replay,
        )
        self._clock = clock if isinstance(clock, VirtualClock) else None
        self._server = VenueServer(config, wire=wire, engine=engine, accounts=accounts, clock=clock)
        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="venue", daemon=True)
        self.accounts: list[AccountSpec] = list(self._server.exchange.accounts.values())
        self.rest = self.public_rest = self.ws = ""
        self.ca: str | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the thread and waits until the venue accepts connections."""
        if self._clock is not None:
            self._clock.drive_by(self._advance)
        self._thread.start()
        try:
            self._started.result()
        except BaseException:
            self._let_clock_go()
            raise
        address = self._server.address
        self.rest, self.public_rest = address.rest, address.public_rest
        self.ws, self.ca = address.ws, address.ca

    def stop(self) -> None:
        """Stops the venue and its thread; harmless when it is stopped already."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._let_clock_go()

    def _let_clock_go(self) -> None:
        if self._clock is not None:
            self._clock.drive_by(None)

    def fault(
        self,
        name: str,
        times: int | None = None,
        *,
        probability: float | None = None,
        at: float | None = None,
        seconds: float | None = None,
        **args: FaultValue,
    ) -> None:
        """Arms a fault of the catalogue `whitewire.venue.faults.kinds.FAULTS`.

        Args:
            name: a row of the catalogue.
            times: how many matching occasions it strikes; one, if nothing else bounds it.
            probability: chance of each matching occasion, drawn from the venue's seed.
            at: seconds of venue time since the venue was made; now, if not given.
            seconds: how long it stays armed.
            args: the fault's own arguments, and facts (`path`, `market`, `method`) to match.

        Raises:
            ValueError: no such fault, or it cannot be armed like this.
        """
        triggers = {"probability": probability, "at": at, "seconds": seconds}
        self._on_thread(lambda: self._server.arm(name, times, **triggers, **args))

    def strikes(self) -> dict[str, int]:
        """How many occasions each fault has struck so far, by name."""
        return self._on_thread(lambda: dict(self._server.faults.struck))

    def restrict_key(
        self,
        key: str,
        *,
        enabled: bool = True,
        allowed_ips: Iterable[str] | None = None,
        denied_paths: Iterable[str] = (),
    ) -> None:
        """Sets what an API key may do; the defaults allow everything again.

        Args:
            key: public half of the key.
            enabled: False for a deactivated key.
            allowed_ips: the only addresses that may use it, or None for all.
            denied_paths: endpoints that are switched off for it.

        Raises:
            KeyError: no such key.
        """

        def restrict() -> None:
            entry = self._server.core.authenticator.keys[key]
            entry.enabled = enabled
            entry.allowed_ips = None if allowed_ips is None else frozenset(allowed_ips)
            entry.denied_paths = frozenset(denied_paths)

        self._on_thread(restrict)

    def call(self, function: Callable[[Exchange], _T]) -> _T:
        """Runs `function` on the venue's thread and returns its result or raises its error."""
        return self._on_thread(lambda: function(self._server.exchange))

    def _advance(self, seconds: float) -> None:
        if threading.current_thread() is self._thread:
            raise RuntimeError("the venue's own thread cannot wait for time to pass")
        work: Coroutine[Any, Any, None] = self._server.advance(seconds)
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _on_thread(self, function: Callable[[], _T]) -> _T:
        done: concurrent.futures.Future[_T] = concurrent.futures.Future()

        def run() -> None:
            try:
                done.set_result(function())
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result()

    def _run(self) -> None:
        async def life() -> None:
            await self._server.start()
            self._started.set_result(None)
            await self._stopping.wait()
            await self._server.stop()

        try:
            self._loop.run_until_complete(life())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)
        finally:
            self._loop.close()
