"""Which request in flight an answer belongs to: by its place in line, or by its id.

Owns: the two ways of matching behind one face. Must not know: what a request asks for, what an
answer says. Invariant: each request that was added leaves exactly once, by `take` or by `drain`.

HTTP answers come in the order of the requests on their connection. Replies on a WebSocket carry the
id of their call, and nothing says that they keep any order.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from whitewire.errors import UsageError

if TYPE_CHECKING:
    from whitewire.protocol.pipeline import Request

__all__ = ["ById", "InOrder", "Matching"]


class Matching(Protocol):
    """Requests in flight on one connection."""

    def add(self, request: Request) -> None:
        """`request` is on the wire, behind all others."""

    def take(self, number: int) -> Request | None:
        """The request that an answer belongs to; it leaves. None when there is none."""

    def oldest(self) -> Request | None:
        """The one that waits longest."""

    def drain(self) -> list[Request]:
        """All of them, oldest first; they leave."""

    def __len__(self) -> int:
        """How many wait."""


class InOrder:
    """The next answer is that to the oldest request; numbers are not looked at."""

    __slots__ = ("_queue",)

    def __init__(self) -> None:
        self._queue: deque[Request] = deque()

    def add(self, request: Request) -> None:
        """See `Matching`."""
        self._queue.append(request)

    def take(self, number: int) -> Request | None:
        """See `Matching`."""
        return self._queue.popleft() if self._queue else None

    def oldest(self) -> Request | None:
        """See `Matching`."""
        return self._queue[0] if self._queue else None

    def drain(self) -> list[Request]:
        """See `Matching`."""
        left = list(self._queue)
        self._queue.clear()
        return left

    def __len__(self) -> int:
        return len(self._queue)


class ById:
    """An answer names its request by `Request.nonce`, which is the id of the call there."""

    __slots__ = ("_by_id",)

    def __init__(self) -> None:
        self._by_id: dict[int, Request] = {}  # in the order in which they were sent

    def add(self, request: Request) -> None:
        """See `Matching`.

        Raises:
            UsageError: a request with this id waits already.
        """
        if request.nonce in self._by_id:
            raise UsageError(
                "call-id-reused", f"call {request.nonce} waits already", "never reuse an id"
            )
        self._by_id[request.nonce] = request

    def take(self, number: int) -> Request | None:
        """See `Matching`."""
        return self._by_id.pop(number, None)

    def oldest(self) -> Request | None:
        """See `Matching`."""
        return next(iter(self._by_id.values()), None)

    def drain(self) -> list[Request]:
        """See `Matching`."""
        left = list(self._by_id.values())
        self._by_id.clear()
        return left

    def __len__(self) -> int:
        return len(self._by_id)
