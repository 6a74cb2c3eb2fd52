"""A whole venue on one event loop: listeners, engine, clockwork; and the command that runs it.

Owns: putting the parts together, the three listening sockets, and the engine's timer. Must not
know: endpoints, messages, matching. Invariant: a venue that failed to start has released every
socket, file and timer; so has one that was stopped.

The engine is synchronous and everything runs on one event loop, so a request is executed
completely before the next one is looked at, whichever connection it came from.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import random
import signal
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import aiofastnet
import uvloop

from whitewire.venue.access.auth import ApiKey, Authenticator
from whitewire.venue.access.core import VenueCore
from whitewire.venue.access.rate_limits import RateLimiter
from whitewire.venue.access.tokens import TokenStore
from whitewire.venue.control import Control
from whitewire.venue.drivers.driver import DriverMaker
from whitewire.venue.drivers.recording import survey
from whitewire.venue.drivers.replay import Replay
from whitewire.venue.engine.accounts import default_accounts
from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.faults.armed import FaultTable
from whitewire.venue.faults.kinds import did_you_mean
from whitewire.venue.options import ReplayOptions, VenueConfig, WireOptions
from whitewire.venue.rest.app import Listener, RestApp
from whitewire.venue.scenario import load as load_scenario
from whitewire.venue.streams.channels import Channels
from whitewire.venue.streams.depth import DepthStreams
from whitewire.venue.streams.market import MarketStreams
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import AccountSpec, MarketSpec
from whitewire.venue.virtual_clock import VirtualClock
from whitewire.venue.wire.http_server import TLS_GOODBYE_S, Front, HttpConnection
from whitewire.venue.wire.pacing import Pacer, Timer, Timers
from whitewire.venue.wire.tls import ServerTls
from whitewire.venue.ws.server import WsService

__all__ = ["Address", "VenueServer", "configure_process", "serve"]

_LOG = logging.getLogger(__name__)

# The engine's timer never sleeps longer than this, so a kill switch armed meanwhile fires less
# than a second late.
_LONGEST_NAP_S = 0.5
# Shorter ones end early, since the loop counts in milliseconds, and are slept again.
_SHORTEST_NAP_S = 0.001

# How long virtual time waits for a client that reads nothing of what it was sent, and how often
# it looks whether it does.
_PATIENCE_S, _GLANCE_S = 1.0, 0.001


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running venue is reached; `ca` is None without TLS."""

    rest: str
    public_rest: str
    ws: str
    ca: str | None


class VenueServer:
    """One venue on the running event loop.

    Attributes:
        exchange: the engine.
        faults: what is to go wrong.
        address: known after `start`.
    """

    def __init__(
        self,
        config: VenueConfig,
        *,
        wire: WireOptions | None = None,
        engine: ExchangeOptions | None = None,
        markets: Sequence[MarketSpec] | None = None,
        accounts: Sequence[AccountSpec] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Builds the engine; no socket is opened yet.

        Args:
            config: address, seed, scenario and the markets to open.
            wire: knobs of the wire, in place of those that `config` has.
            engine: knobs of the engine; the traded markets come from `config`.
            markets: what the venue lists; its default list otherwise.
            accounts: who trades there; its default accounts otherwise.
            clock: the venue's time, epoch seconds; a `VirtualClock` also runs its timers.

        Raises:
            ValueError: an unknown scenario or one that is not in order, a market that is not
                listed, or a recording that cannot drive any market.
        """
        scenario = load_scenario(config.scenario)
        listed = default_markets() if markets is None else tuple(markets)
        unknown = set(config.markets) - {spec.name for spec in listed}
        if unknown:
            names = ", ".join(spec.name for spec in listed)
            raise ValueError(f"no market is named {', '.join(sorted(unknown))}; there are {names}")
        opened = {spec.name: spec for spec in listed if spec.name in config.markets}
        drivers = _replays(config.replay or scenario.replay, opened)
        traded = config.markets if scenario.is_traded else tuple(drivers)
        self.exchange = Exchange(
            listed,
            _accounts(config) if accounts is None else accounts,
            seed=config.seed,
            clock=clock,
            options=replace(
                engine or ExchangeOptions(), traded_markets=traded, traders=scenario.traders
            ),
            drivers=drivers,
        )
        options = wire or WireOptions(
            service_us=config.service_us, service_model=config.service_model
        )
        self._config = config
        self.faults = FaultTable(clock, config.seed)
        self.core = VenueCore(
            exchange=self.exchange,
            authenticator=Authenticator(_keys(self.exchange), options),
            limiter=RateLimiter(options),
            tokens=TokenStore(options),
            faults=self.faults,
            options=options,
            clock=clock,
        )
        self.address = Address("", "", "", None)
        self._cleanups: list[Callable[[], None]] = []
        self._servers: list[asyncio.AbstractServer] = []
        self._connections: set[HttpConnection] = set()
        self._clock = clock
        self._timers: Timers | None = clock if isinstance(clock, VirtualClock) else None
        self._moving = asyncio.Lock()
        self._nap: Timer | None = None
        self._service: WsService | None = None
        for row in scenario.faults:
            self.arm(**row)

    def arm(self, /, name: str, times: int | None = None, **args: Any) -> None:
        """Arms a fault (`FaultTable.arm`); one that befalls the venue itself strikes at once.

        Raises:
            ValueError: no such fault, or it cannot be armed like this.
        """
        market = args.get("market")
        if isinstance(market, str) and market not in self.exchange.markets:
            known = tuple(self.exchange.markets)
            raise ValueError(f"no market is named {market!r}; {did_you_mean(market, known)}")
        self.faults.arm(name, times, **args)
        if self._nap is not None:
            self._nap.cancel()
            self._wind()

    async def start(self) -> None:
        """Opens the listeners and starts the engine's clockwork.

        Raises:
            OSError: a port is taken, or the control socket cannot be made.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        config = self._config
        context, ca = self._make_tls()
        timers = self._timers = self._timers or loop
        channels = Channels(self.core, loop, random.Random(config.seed), timers)
        depth = DepthStreams(self.core, timers)
        streams = MarketStreams(self.core, timers)
        pacer = Pacer(loop)
        front = Front(self.core.options, pacer)
        service = self._service = WsService(self.core, front, channels, depth, streams)
        self._cleanups += [
            service.close,
            streams.close,
            depth.close,
            channels.close,
            pacer.close,
        ]
        for listener in Listener:
            app = RestApp(self.core, listener, channels)
            self._servers.append(
                await aiofastnet.create_server(
                    loop,
                    partial(HttpConnection, app, self.core.options, front, self._connections),
                    config.host,
                    self._port(len(self._servers)),
                    ssl=context,
                    ssl_shutdown_timeout=TLS_GOODBYE_S if context else None,
                )
            )
        self._servers.append(await service.listen(config.host, self._port(2), context))
        rest, public_rest, ws = (_port_of(server) for server in self._servers)
        host = f"[{config.host}]" if ":" in config.host else config.host
        secure = "s" if config.tls else ""
        self.address = Address(
            rest=f"http{secure}://{host}:{rest}",
            public_rest=f"http{secure}://{host}:{public_rest}",
            ws=f"ws{secure}://{host}:{ws}/ws",
            ca=ca,
        )
        if config.control is not None:
            control = Control(self.arm)
            self._cleanups.append(control.close)
            await control.listen(config.control)
        self._wind()

    def _make_tls(self) -> tuple[ssl.SSLContext | None, str | None]:
        if not self._config.tls:
            return None, None
        tls = ServerTls(self._config.host)
        self._cleanups.append(tls.close)
        return tls.context, str(tls.ca_path)

    def _port(self, offset: int) -> int:
        return self._config.port + offset if self._config.port else 0

    async def advance(self, seconds: float) -> None:
        """Moves the virtual clock on, no faster than the clients read.

        Raises:
            TypeError: the venue's clock is a real one.
        """
        clock = self._clock
        if not isinstance(clock, VirtualClock):
            raise TypeError("only a venue with a VirtualClock can be advanced")
        async with self._moving:
            end = clock() + seconds
            patience_s = _PATIENCE_S
            while clock.step(end):
                await asyncio.sleep(0)  # requests come in, pushes go out
                while self._is_congested() and patience_s > 0:
                    await asyncio.sleep(_GLANCE_S)
                    patience_s -= _GLANCE_S
                if not self._is_congested():
                    patience_s = _PATIENCE_S

    def _is_congested(self) -> bool:
        most = self.core.options.ws_max_queue_bytes // 2
        return self._service is not None and self._service.waiting_bytes() > most

    def _wind(self) -> None:
        """Runs what is due in the engine and comes back for the next of it."""
        self.exchange.tick(self.core.clock())
        self._befall()
        nap = _LONGEST_NAP_S
        for due in (self.exchange.next_due(), self.faults.next_change()):
            if due is not None:
                nap = min(max(due - self.core.clock(), _SHORTEST_NAP_S), nap)
        if self._timers is not None:
            self._nap = self._timers.call_later(nap, self._wind)

    def _befall(self) -> None:
        """Carries out the faults that are the venue's own."""
        while delisted := self.faults.take("market_delisted"):
            self.exchange.delist(str(delisted.values["market"]))
        maintenance = self.faults.holds("maintenance")
        if self._service is not None and maintenance:
            grace_s = float(maintenance.values["ws_grace_s"])
            if self.core.clock() >= maintenance.starts + grace_s:
                self._service.send_away()

    async def stop(self) -> None:
        """Closes everything; harmless where nothing was open. An `advance` ends meanwhile."""
        if self._nap is not None:
            self._nap.cancel()
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.close()
        for cleanup in reversed(self._cleanups):
            cleanup()
        self._cleanups.clear()
        await asyncio.gather(*(server.wait_closed() for server in self._servers))
        self._servers.clear()
        async with self._moving:
            self._service = None  # whoever was advancing the clock has got its answer

    def announcement(self) -> str:
        """The one line that tells a client everything, as JSON."""
        address = self.address
        return json.dumps(
            {
                "rest": address.rest,
                "public_rest": address.public_rest,
                "ws": address.ws,
                "ca": address.ca,
                "accounts": [
                    {
                        "name": spec.name,
                        "key": spec.key,
                        "secret": spec.secret,
                        "parent": spec.parent,
                    }
                    for spec in self.exchange.accounts.values()
                ],
                "markets": list(self._config.markets),
            }
        )


def _replays(
    options: ReplayOptions | None, markets: Mapping[str, MarketSpec]
) -> dict[str, DriverMaker]:
    """Drivers of the markets that a recording holds.

    Raises:
        ValueError: it cannot be read, or holds none of the markets.
    """
    if options is None:
        return {}
    found = survey(options.file, markets)
    for note in found.notes:
        _LOG.warning("%s", note)
    driven = [name for name in markets if name in found.messages]
    if not driven:
        raise ValueError(
            f"{options.file} holds {', '.join(sorted(found.messages))}, "
            f"and the venue opens {', '.join(markets)}"
        )
    return {name: partial(Replay, options=options, survey=found) for name in driven}


def _accounts(config: VenueConfig) -> tuple[AccountSpec, ...]:
    return default_accounts(config.seed, config.accounts, config.sub_accounts)


def _keys(exchange: Exchange) -> list[ApiKey]:
    return [ApiKey(spec.key, spec.secret, spec.name) for spec in exchange.accounts.values()]


def _port_of(server: asyncio.AbstractServer) -> int:
    return cast("int", cast("asyncio.Server", server).sockets[0].getsockname()[1])


def configure_process() -> None:
    """Makes the collector's pauses short in a process that is a venue and nothing else.

    Young objects are looked at in small portions (an order has some thirty members to follow: five
    thousand take 10 ms). What is there from the start is not looked at again, and everything else
    only after millions of new objects, since the venue makes hardly any cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000, 2, 1_000)


def serve(config: VenueConfig) -> None:
    """Runs a venue until SIGINT or SIGTERM; announces it in one line on standard output.

    Raises:
        OSError: a port is taken, or the control socket cannot be made.
        ValueError: a scenario that is unknown or not in order, an unknown market, or a recording
            that cannot drive any market.
    """

    async def run() -> None:
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        server = VenueServer(config)
        await server.start()
        try:
            configure_process()
            print(server.announcement(), flush=True)
            await stopped.wait()
        finally:
            await server.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
