"""How the loop of this process waits for the venue, and where its threads run.

Owns: what is set up for the one loop that all accounts of a process share, and the facts about
this host. Must not know: accounts, the venue. Invariants: a mode that is not possible here is an
error at the start, never a quieter mode; at the end the thread and the loop are as they were.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from aiofastnet.transport import Transport

from whitewire._bridge import Spinner
from whitewire.errors import StartupError
from whitewire.protocol.receive import HostFacts, plan_cpus
from whitewire.transport import affinity, busy_poll
from whitewire.transport.lag import LagGauge
from whitewire.transport.link import is_tls_direct

if TYPE_CHECKING:
    from whitewire.config_process import ProcessConfig

__all__ = ["Reception", "demand_host", "direct_read_refusal", "host_facts"]

log = logging.getLogger("whitewire")

LOOK_AROUND_NS = 1_000_000_000
# Turns of the loop until it watches a descriptor that was just added.
PATIENCE_TURNS = 10
# aiofastnet has no public way to read a transport that is known to be readable. Its own reader,
# called here as the loop calls it, was read and tested in these versions and no others.
DIRECT_READ_VERSIONS = ("1.2.",)
STATIC_OPENSSL = "feeds over TLS are read by the loop only: this Python holds its own OpenSSL"


def demand_host(process: ProcessConfig) -> None:
    """Checks that the threads can go where the configuration wants them.

    Raises:
        ConfigError: not on this host.
    """
    plan_cpus(process, os.sched_getaffinity(0))


def direct_read_refusal() -> str:
    """Why feeds cannot be read past the loop, "" where they can."""
    found = version("aiofastnet")
    if found.startswith(DIRECT_READ_VERSIONS):
        return ""
    return f"feeds are read by the loop only, as aiofastnet {found} was not tested for more"


def host_facts(process: ProcessConfig) -> HostFacts:
    """What this host allows; asked of the kernel, not of its version."""
    return HostFacts(
        allowed=frozenset(os.sched_getaffinity(0)),
        kernel=os.uname().release,
        epoll_errno=busy_poll.epoll_errno(_polling(process)),
        packets=process.busy_poll_packets,
        nodes=affinity.memory_nodes(),
        loop=f"uvloop {version('uvloop')}",
        direct_read=direct_read_refusal() or ("" if is_tls_direct() else STATIC_OPENSSL),
    )


def _polling(process: ProcessConfig) -> busy_poll.Polling:
    return busy_poll.Polling(
        process.busy_poll_us, process.busy_poll_packets, process.prefer_busy_poll
    )


class Reception:
    """See the module's documentation.

    Args:
        process: checked section of the configuration.

    Attributes:
        lag: how late the loop is.
        spinner: what keeps it from sleeping, None unless it spins.
        napi_ids: queues of the network card that sockets were seen on, with kernel polling.
    """

    def __init__(self, process: ProcessConfig) -> None:
        self.lag = LagGauge()
        self.spinner: Spinner | None = None
        self.napi_ids: set[int] = set()
        self._process = process
        self._users = 0
        self._beginning = asyncio.Lock()
        self._crowd: affinity.Crowd | None = None
        self._epoll = -1
        self._known: set[int] = set()
        self._looked_ns = 0
        self._cpus_before: set[int] = set()
        self._has_local_memory = False
        self._missing: set[tuple[str, ...]] = set()

    async def begin(self) -> None:
        """Sets everything up for the running loop; the first of several accounts does.

        Raises:
            ConfigError: the threads cannot go where they should.
            StartupError: the kernel refused the mode.
        """
        async with self._beginning:
            if self._users == 0:
                self._cpus_before = os.sched_getaffinity(0)
                try:
                    await self._begin()
                except BaseException:
                    self._undo()
                    raise
            self._users += 1

    async def _begin(self) -> None:
        process = self._process
        plan = plan_cpus(process, self._cpus_before)
        if plan.others is not None:
            self._crowd = affinity.Crowd(threading.get_native_id(), plan.others)
        if plan.hot is not None:
            affinity.pin(plan.hot)
        self._settle()
        if process.numa is not None and plan.hot is not None:
            self._take_local_memory(plan.hot)
        self.lag.start()
        if process.receive == "spin":
            warm_ns = process.keep_warm_us * 1_000
            self.spinner = Spinner(asyncio.get_running_loop(), process.spin_looks, warm_ns)
            self.spinner.start()
        elif process.receive == "busy_poll":
            self._epoll = await self._find_epoll()
            busy_poll.start(self._epoll, _polling(process))

    def _take_local_memory(self, cpu: int) -> None:
        nodes = affinity.memory_nodes()
        if len(set(nodes.values())) > 1:
            affinity.prefer_memory_of(nodes[cpu])
            self._has_local_memory = True
        else:
            log.info("process.numa = local: one memory node, so all memory is local")

    async def _find_epoll(self) -> int:
        """The loop's own epoll: the one that watches the gauge's timer."""
        for _ in range(PATIENCE_TURNS):
            await asyncio.sleep(0)
            found = busy_poll.epoll_watching(self.lag.file)
            if found is not None:
                return found
        raise StartupError(
            "busy-poll-refused",
            "process.receive = busy_poll: this event loop waits on no epoll of its own",
            "run on uvloop, or use receive = block",
        )

    def end(self) -> None:
        """Undoes it with the last account."""
        self._users -= 1
        if self._users == 0:
            self._undo()

    def _undo(self) -> None:
        if self.spinner is not None:
            self.spinner.stop()
        self.lag.stop()
        os.sched_setaffinity(0, self._cpus_before)
        if self._has_local_memory:
            affinity.prefer_memory_of(None)
            self._has_local_memory = False

    def check(self, now_ns: int) -> None:
        """Looks after threads and sockets that are new; once a second, however often called."""
        if now_ns - self._looked_ns < LOOK_AROUND_NS:
            return
        self._looked_ns = now_ns
        self._settle()
        if self._epoll >= 0:
            self._poll_new_sockets()

    def _settle(self) -> None:
        if self._crowd is not None:
            self._crowd.settle()

    def _poll_new_sockets(self) -> None:
        for peer in busy_poll.poll_sockets(self._epoll, _polling(self._process), self._known):
            if peer.refused and peer.refused not in self._missing:
                self._missing.add(peer.refused)
                log.warning("kernel polling goes without %s", ", ".join(peer.refused))
            if peer.napi_id in (0, *self.napi_ids):
                continue
            self.napi_ids.add(peer.napi_id)
            if len(self.napi_ids) > 1:
                log.warning(
                    "sockets are on queues %s of the network card; the kernel polls one at a time, "
                    "so steer them to one",
                    ", ".join(map(str, sorted(self.napi_ids))),
                )

    def keep_warm(self, warm: Callable[[], object]) -> None:
        """Calls it again and again while the loop spins."""
        if self.spinner is not None and self._process.keep_warm_us:
            self.spinner.keep_warm(warm)

    def let_cool(self, warm: Callable[[], object]) -> None:
        """Calls it no longer."""
        if self.spinner is not None:
            self.spinner.let_cool(warm)

    # ---- feeds ------------------------------------------------------------------------------

    def watch(self, transport: asyncio.BaseTransport) -> None:
        """Reads a feed past the loop while that spins, where it can."""
        if self.spinner is None or not self._process.spin_looks or direct_read_refusal():
            return
        read: Any = getattr(transport, "_read_ready", None)
        if isinstance(transport, Transport) and callable(read):
            self.spinner.watch(transport, read)

    def forget(self, transport: asyncio.BaseTransport) -> None:
        """The feed's connection ends."""
        if self.spinner is not None and isinstance(transport, Transport):
            self.spinner.forget(transport)
