"""The gateway's signs of life: the heartbeat that the watchdog watches.

Owns: when to beat, and obedience to a red button that was pressed outside. Must not know: files,
sockets, what silence means. Invariants: it beats on the gateway's own loop, so that a loop that
hangs falls silent; a beat is a few stores into memory; goodbye is said only after a stop that was
clean.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from whitewire._bridge import now_ns
from whitewire.gateway import GatewayState
from whitewire.protocol.heartbeat import BeatState
from whitewire.transport.heartbeat import HeartbeatWriter, heartbeat_path

if TYPE_CHECKING:
    from whitewire.announcing import Announcer
    from whitewire.gateway import Gateway

__all__ = ["Pulse"]

BEAT_S = 0.05
_STATES = {
    GatewayState.STARTING: BeatState.STARTING,
    GatewayState.ACTIVE: BeatState.ACTIVE,
    GatewayState.HALTED: BeatState.HALTED,
    GatewayState.KILLED: BeatState.HALTED,
    GatewayState.STOPPING: BeatState.STOPPING,
}


class Pulse:
    """See the module's documentation.

    Args:
        gateway: whose life it shows.
        session: as in its client order ids.
        announcer: speaks to the service manager for all accounts of the process.
    """

    def __init__(self, gateway: Gateway, session: str, announcer: Announcer) -> None:
        self._gateway = gateway
        self._announcer = announcer
        self._session = session
        self._writer: HeartbeatWriter | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Beats from now on.

        Raises:
            StartupError: the heartbeat's file cannot be made.
        """
        self._writer = HeartbeatWriter(heartbeat_path(self._gateway.config), self._session)
        self._beat()

    def _beat(self) -> None:
        writer, gateway = self._writer, self._gateway
        if writer is None:
            return
        now = now_ns()
        writer.beat(now, _STATES[gateway.state], gateway.store.open_count)
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)
        if writer.is_halt_asked:
            gateway.halt("the red button was pressed")
        self._announcer.beat(gateway.name, gateway.state, now)

    def end(self, is_clean: bool) -> None:
        """The last sign: goodbye, or that the stop was not clean."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writer is not None:
            self._writer.close(BeatState.ENDED if is_clean else BeatState.ENDED_UNCLEAN)
            self._writer = None
        self._announcer.end(self._gateway.name)
