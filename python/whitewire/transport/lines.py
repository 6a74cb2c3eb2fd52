"""Connections of one key to the venue, as many as are wanted.

Owns: what makes further `Control`s alike: key, nonces, throttle. Must not know: what they call.
Invariant: requests of one key never share a nonce, whatever connection they take.
"""

from __future__ import annotations

import random
from time import time_ns
from typing import TYPE_CHECKING

import msgspec

from whitewire import _core
from whitewire._bridge import Path, now_ns
from whitewire.endpoints import ENDPOINTS
from whitewire.protocol.clock import VenueClock
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.throttle import Throttle
from whitewire.transport.control import Control
from whitewire.transport.link import tls_context

if TYPE_CHECKING:
    import ssl

    from whitewire.config import Config, Credentials

__all__ = ["Lines", "standalone"]


class Lines:
    """Makes connections that belong together, and closes them together.

    Args:
        config: where the venue is.
        context: TLS context.
        path: the bridge's shared path.
        signer: the account's key.
        nonces, throttle, clock: shared by everything that uses the key.
    """

    def __init__(
        self,
        config: Config,
        context: ssl.SSLContext,
        path: Path,
        signer: _core.Signer,
        nonces: NonceAllocator,
        throttle: Throttle,
        clock: VenueClock,
    ) -> None:
        self._config = config
        self._shared = (context, path, signer, nonces, throttle, now_ns, clock)
        self._controls: list[Control] = []

    def control(self, timeout_s: float | None = None, *, is_public: bool = False) -> Control:
        """A further pair of connections, opened when they are used.

        Args:
            timeout_s: how long an answer may take; None for what suits most.
            is_public: send everything to the public host, the zone's endpoints too.
        """
        config = self._config
        if is_public:
            venue = msgspec.structs.replace(config.venue, rest=config.venue.public_rest)
            config = msgspec.structs.replace(config, venue=venue)
        control = Control(config, *self._shared, timeout_s)
        self._controls.append(control)
        return control

    def close(self) -> None:
        """Closes every connection for good."""
        for control in self._controls:
            control.close()


def standalone(config: Config, credentials: Credentials) -> Lines:
    """Lines of a process that has no gateway, and shares nothing with one but the venue.

    Raises:
        ConfigError: the certificate authority's file cannot be used.
        UsageError: the key cannot be used.
    """
    return Lines(
        config,
        tls_context(config.venue.ca),
        Path(_core.Engine(host="", paths=("", "", "", ""), id_base="")),
        _core.Signer(credentials.key, credentials.secret),
        NonceAllocator(),
        # its own buckets: nothing that a file of other processes may hold can keep it from working
        Throttle(ENDPOINTS.values(), random.Random()),
        VenueClock(time_ns(), now_ns()),
    )
