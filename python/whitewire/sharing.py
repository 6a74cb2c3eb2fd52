"""What the accounts of one process share.

Owns: the throttle of this host's address, the TLS context, the market list, the loop's way of
waiting, the voice towards the service manager, and the line at which accounts that start together
wait for each other. Must not know: accounts, orders. Invariant: a failure of one account leaves
nothing here that could fail another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from functools import cache, partial
from typing import TYPE_CHECKING

from whitewire.announcing import Announcer
from whitewire.errors import StartupError
from whitewire.transport.link import tls_context
from whitewire.transport.receive import Reception
from whitewire.transport.shared_cells import throttle_for

if TYPE_CHECKING:
    from whitewire.config import Config
    from whitewire.transport.control import Control

__all__ = ["Shared"]

log = logging.getLogger("whitewire")

# An account that takes longer to start is not waited for any more. Ten of them use up the tokens
# that this address gets in a minute.
PATIENCE_S = 120.0


class Shared:
    """See the module's documentation.

    Args:
        config: where the venue is.
        names: accounts that start together.

    Attributes:
        throttle: counts every request of this process; the venue counts by address.
        announcer: speaks to the service manager for the process.
        reception: how the loop waits, and where the threads run.
        context: returns the TLS context, made once; ConfigError if its authority cannot be used.
    """

    def __init__(self, config: Config, names: Iterable[str] = ()) -> None:
        names = set(names)
        self.throttle = throttle_for(config)
        self.announcer = Announcer(names)
        self.reception = Reception(config.process)
        self.context = cache(partial(tls_context, config.venue.ca))
        self._markets: bytes | None = None
        self._asking = asyncio.Lock()
        self._awaited = set(names)
        self._all_there = asyncio.Event()

    async def market_list(self, control: Control) -> bytes:
        """The venue's market list; asked for by the first account that needs it.

        Raises:
            StartupError: the venue does not give it.
        """
        async with self._asking:
            if self._markets is None:
                status, body = await control.call("markets")
                if status != 200:
                    raise StartupError(
                        "markets-unavailable", f"the market list came with HTTP {status}"
                    )
                self._markets = body
            return self._markets

    def arrived(self, name: str) -> None:
        """An account is ready, or will never be."""
        self._awaited.discard(name)
        if not self._awaited:
            self._all_there.set()

    async def wait_for_all(self, name: str) -> None:
        """Returns when every account is ready or has failed, so that each finds the others."""
        self.arrived(name)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._all_there.wait()
        except TimeoutError:
            log.warning("%s does not wait for %s any longer", name, ", ".join(self._awaited))
