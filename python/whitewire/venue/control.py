"""The control socket: faults on request while the venue runs as a command.

Owns: a Unix socket, and the reading of one JSON object for each line. Must not know: which faults
there are, or what arming does. Invariant: every line gets exactly one answering line; a line that
is not a request changes nothing.

Rules:

* S1  A request is {"fault": NAME, ...} with the arguments of `Venue.fault`; the answer is
      {"ok": true} or {"error": TEXT}.
* S2  The socket is its owner's alone, and gone when the venue is.
* S3  A socket that an ended venue left behind is replaced; one that is served is not.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import stat
from pathlib import Path
from typing import Any, Protocol, cast

__all__ = ["Arm", "Control"]

_MAX_LINE = 64 * 1024


class Arm(Protocol):
    """Arms a fault."""

    def __call__(self, /, name: str, times: int | None = None, **args: Any) -> None:
        """Arms it, or raises ValueError."""


class Control:
    """Listens for requests."""

    def __init__(self, arm: Arm) -> None:
        self.arm = arm
        self.clients: set[_Client] = set()
        self._path: Path | None = None
        self._server: asyncio.AbstractServer | None = None

    async def listen(self, path: str) -> None:
        """Makes the socket.

        Raises:
            OSError: it cannot be made, or another process serves it; `filename` is the path.
        """
        place = Path(path)
        sock = socket.socket(socket.AF_UNIX)
        try:
            _remove_orphan(place)
            sock.bind(path)
            self._path = place
            place.chmod(0o600)  # S2: nobody can connect before it listens
            loop = asyncio.get_running_loop()
            self._server = await loop.create_unix_server(lambda: _Client(self), sock=sock)
        except OSError as error:
            sock.close()
            raise OSError(error.errno, error.strerror or str(error), path) from error

    def close(self) -> None:
        """Stops listening, cuts every client and removes the socket."""
        if self._server is not None:
            self._server.close()
        for client in list(self.clients):
            client.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def carry_out(self, line: bytes) -> str | None:
        """What is wrong with a request; None once it is carried out (S1)."""
        try:
            request = json.loads(line)
        except ValueError as error:
            return f"not JSON: {error}"
        if not isinstance(request, dict) or not isinstance(request.get("fault"), str):
            return 'a request is {"fault": NAME, ...}'
        name = request.pop("fault")
        if "name" in request:
            return "the fault is named by 'fault' alone"
        try:
            self.arm(name, **request)
        except ValueError as error:
            return str(error)
        return None


class _Client(asyncio.Protocol):
    """One connection to the socket."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._transport: asyncio.WriteTransport | None = None
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._control.clients.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._control.clients.discard(self)

    def data_received(self, data: bytes) -> None:
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._answer(self._control.carry_out(line))
        if len(self._unread) > _MAX_LINE:
            self._answer(f"a line has at most {_MAX_LINE} bytes")
            self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _answer(self, error: str | None) -> None:
        answer = {"ok": True} if error is None else {"error": error}
        if self._transport is not None:
            self._transport.write(json.dumps(answer).encode() + b"\n")


def _remove_orphan(place: Path) -> None:
    """Removes a socket that nobody serves (S3).

    Raises:
        OSError: somebody does, or something else is there.
    """
    try:
        is_socket = stat.S_ISSOCK(place.stat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(place))
        except ConnectionRefusedError:
            place.unlink()
            return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
