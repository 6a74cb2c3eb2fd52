"""Where the sockets of one account get their WebSocket token.

Owns: that only one token is asked for at a time. Must not know: what a token is for, budgets (see
`protocol.throttle`), lives and refusals (see `protocol.tokens`). Invariant: sockets that ask
together get the same token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from whitewire.protocol.tokens import TokenCache

__all__ = ["TokenDesk"]


class TokenDesk:
    """One account's token, for all of its sockets.

    Args:
        fetch: asks the venue for a token.
        now_ns: monotonic clock.
    """

    def __init__(self, fetch: Callable[[], Awaitable[str]], now_ns: Callable[[], int]) -> None:
        self._fetch = fetch
        self._now_ns = now_ns
        self._cache = TokenCache()
        self._asking = asyncio.Lock()

    async def get(self) -> str:
        """A token that can be used now.

        Raises:
            WhitewireError: the venue gives none.
        """
        async with self._asking:
            token = self._cache.usable(self._now_ns())
            if token is None:
                token = await self._fetch()
                self._cache.store(token, self._now_ns())
            return token

    def refused(self, token: str | None) -> None:
        """The venue refused `token`: the next socket gets another one."""
        self._cache.refused(token)
