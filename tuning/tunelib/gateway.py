"""The gateways that run on this host, by their signs of life.

Owns: finding and reading the pages in which gateways beat. Must not know: the gateway's code; a
test holds the layout against it. Invariant: a page of a process that is gone counts for nothing.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from tunelib.errors import Unsupported
from tunelib.host import Host

LAYOUT = struct.Struct("<qqqq16s16sqqqqq")
MAGIC = 0x0001_5448_4245_5757
# Where a service, a session and everybody else keeps them.
PLACES = ("/run/whitewire*/*.beat", "/run/user/*/whitewire/*.beat", "/dev/shm/whitewire-*/*.beat")
ENDED = frozenset({5, 6})


class Gateway(NamedTuple):
    """A gateway that runs.

    Attributes:
        open_orders: resting at the venue or of unknown fate.
    """

    pid: int
    session: str
    open_orders: int


def running(host: Host) -> list[Gateway]:
    """All of them, whoever runs them.

    Raises:
        Unsupported: a page cannot be read, so nobody can tell.
    """
    found = []
    for pattern in PLACES:
        for path in host.glob(pattern):
            gateway = _read(host, path)
            if gateway is not None:
                found.append(gateway)
    return found


def _read(host: Host, path: str) -> Gateway | None:
    page = (host.read(path) or "").encode("utf-8", "surrogateescape")
    if len(page) < LAYOUT.size:
        return None
    magic, pid, started, _, boot, session, _, state, orders, _, _ = LAYOUT.unpack_from(page)
    if magic != MAGIC or state in ENDED or boot.hex() != host.boot_id().replace("-", ""):
        return None
    if _started(host, pid) != started:
        return None
    return Gateway(pid, session.rstrip(b"\0").decode("ascii", "replace"), orders)


def _started(host: Host, pid: int) -> int | None:
    """When a process began, clock ticks after the boot."""
    text = host.read(f"/proc/{pid}/stat")
    if text is None:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def threads(host: Host, pid: int) -> dict[int, str]:
    """CPUs that each thread may use, by thread."""
    found = {}
    for path in host.glob(f"/proc/{pid}/task/[0-9]*/status"):
        for line in (host.read(path) or "").splitlines():
            if line.startswith("Cpus_allowed_list:"):
                found[int(path.split("/")[4])] = line.split()[1]
    return found


def demand(host: Host) -> list[Gateway]:
    """The gateways that run.

    Raises:
        Unsupported: none does.
    """
    found = running(host)
    if not found:
        raise Unsupported("no gateway is running")
    return found
