"""Kernel busy polling of one event loop: the kernel looks into the network card before it sleeps.

Owns: finding the epoll behind a loop, the ioctl on it, the options of its sockets. Must not know:
who wants it. Invariant: what the kernel did not take is told, never assumed.

The ioctl needs no privilege, concerns this epoll alone and ends with the process, where the
sysctl net.core.busy_poll would make every process of the host poll.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import select
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from whitewire.errors import StartupError
from whitewire.protocol.receive import epoll_reason

__all__ = ["PolledSocket", "Polling", "epoll_errno", "epoll_watching", "poll_sockets", "start"]

# struct epoll_params: microseconds, packets per poll, whether to prefer polling, padding.
_PARAMS = struct.Struct("=IHBx")
_SET = 0x40000000 | _PARAMS.size << 16 | 0x8A << 8 | 1
_GET = 0x80000000 | _PARAMS.size << 16 | 0x8A << 8 | 2
_SO_BUSY_POLL, _SO_INCOMING_NAPI_ID, _SO_PREFER_BUSY_POLL = 46, 56, 69


class Polling(NamedTuple):
    """How the kernel polls: for so long, so many packets at once, with interrupts kept away."""

    microseconds: int
    packets: int
    is_preferred: bool


class PolledSocket(NamedTuple):
    """A socket that the loop watches.

    Attributes:
        file: its descriptor.
        refused: names of the options that the kernel refused.
        napi_id: the queue of the card that its packets come from; 0 where there is none.
    """

    file: int
    refused: tuple[str, ...]
    napi_id: int


def start(epoll: int, polling: Polling) -> None:
    """Gives an epoll its own busy polling.

    Raises:
        StartupError: this kernel does not; the text says why.
    """
    number = _errno(epoll, polling)
    if number:
        reason = epoll_reason(number, os.uname().release, polling.packets)
        raise StartupError(
            "busy-poll-refused", f"process.receive = busy_poll: {reason}", "use receive = block"
        )


def epoll_errno(polling: Polling) -> int:
    """The errno with which this kernel refuses it on an epoll made for the question, or 0."""
    with select.epoll() as scratch:
        return _errno(scratch.fileno(), polling)


def _errno(epoll: int, polling: Polling) -> int:
    wanted = _PARAMS.pack(*polling)
    found = bytearray(_PARAMS.size)
    try:
        fcntl.ioctl(epoll, _SET, wanted)
        fcntl.ioctl(epoll, _GET, found, True)
    except OSError as error:
        return error.errno or errno.EINVAL
    return 0 if found == wanted else errno.EINVAL


def _watched(epoll: int) -> list[int]:
    """Descriptors that an epoll watches, as the kernel tells."""
    text = Path(f"/proc/self/fdinfo/{epoll}").read_text(encoding="ascii")
    return [int(number) for number in re.findall(r"^tfd:\s*(\d+)", text, re.MULTILINE)]


def epoll_watching(file: int) -> int | None:
    """The epoll of this process that watches a descriptor; None while there is none."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own descriptor is gone
            is_epoll = os.readlink(f"/proc/self/fd/{name}") == "anon_inode:[eventpoll]"
            if is_epoll and file in _watched(int(name)):
                return int(name)
    return None


def poll_sockets(epoll: int, polling: Polling, known: set[int]) -> Iterator[PolledSocket]:
    """Sets the options of the TCP sockets that an epoll watches.

    Args:
        epoll: whose sockets.
        polling: what to set.
        known: numbers of the sockets that have them already, brought up to date.
    """
    alive = set()
    for file in _watched(epoll):
        status = os.fstat(file)
        if not stat.S_ISSOCK(status.st_mode):
            continue
        alive.add(status.st_ino)
        if status.st_ino in known:
            continue
        with socket.socket(fileno=os.dup(file)) as peer:
            if peer.type == socket.SOCK_STREAM and peer.family != socket.AF_UNIX:
                yield PolledSocket(file, _refused(peer, polling), _napi_id(peer))
    known.clear()
    known |= alive


def _refused(peer: socket.socket, polling: Polling) -> tuple[str, ...]:
    options = [("SO_BUSY_POLL", _SO_BUSY_POLL, polling.microseconds)]
    if polling.is_preferred:
        options.append(("SO_PREFER_BUSY_POLL", _SO_PREFER_BUSY_POLL, 1))
    refused = []
    for name, option, value in options:
        try:
            peer.setsockopt(socket.SOL_SOCKET, option, value)
        except OSError as error:
            refused.append(f"{name} ({os.strerror(error.errno or 0)})")
    return tuple(refused)


def _napi_id(peer: socket.socket) -> int:
    return peer.getsockopt(socket.SOL_SOCKET, _SO_INCOMING_NAPI_ID)
