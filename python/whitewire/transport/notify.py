"""Messages to the service manager: ready, alive, stopping.

Owns: the datagram socket that the environment names. Must not know: what they are about.
Invariant: nothing here can fail or delay its caller; without a manager it does nothing.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

__all__ = ["Notifier"]

log = logging.getLogger("whitewire")


class Notifier:
    """Speaks the protocol of sd_notify.

    Args:
        address: path of the socket, `@` first for an abstract one; "" for none.
        watchdog_us: how often the manager wants to hear `WATCHDOG=1`, microseconds; 0 for never.

    Attributes:
        interval_ns: half of that, when it should be sent; 0 for never.
    """

    def __init__(self, address: str, watchdog_us: int = 0) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.interval_ns = watchdog_us * 1000 // 2 if address else 0
        self._socket: socket.socket | None = None
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Notifier:
        """The manager of this process, if there is one."""
        interval = environment.get("WATCHDOG_USEC", "")
        mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return cls(
            environment.get("NOTIFY_SOCKET", ""),
            int(interval) if interval.isdecimal() and mine else 0,
        )

    def send(self, *lines: str) -> None:
        """Sends `READY=1` and the like."""
        if self._socket is None:
            return
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except BlockingIOError:
            log.warning("the service manager does not take messages")  # the next one may pass
        except OSError as error:
            log.warning("the service manager cannot be told: %s", error.strerror)
            self.close()

    def close(self) -> None:
        """Says nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
