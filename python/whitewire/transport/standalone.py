"""Calls to the venue by a process that has no gateway: commands, the red button, the watchdog.

Owns: what such a process needs besides its configuration. Must not know: what it calls. Invariant:
nothing is shared with a gateway but the venue.
"""

from __future__ import annotations

import random
import ssl
from typing import TYPE_CHECKING

import msgspec

from whitewire import _core
from whitewire._bridge import Path, now_ns
from whitewire.endpoints import ENDPOINTS
from whitewire.protocol.nonce import NonceAllocator
from whitewire.protocol.throttle import Throttle
from whitewire.transport.control import CALL_TIMEOUT_S, Control
from whitewire.transport.link import tls_context

if TYPE_CHECKING:
    from whitewire.config import Config, Credentials

__all__ = ["Standalone"]


class Standalone:
    """One key, and any number of connections of their own.

    Args:
        config: where the venue is.
        credentials: the key.

    Raises:
        ConfigError: the certificate authority's file cannot be used.
        UsageError: the key cannot be used.
    """

    def __init__(self, config: Config, credentials: Credentials) -> None:
        self._config = config
        self._context: ssl.SSLContext = tls_context(config.venue.ca)
        self._path = Path(_core.Engine(host="", paths=("", "", "", ""), id_base=""))
        self._signer = _core.Signer(credentials.key, credentials.secret)
        self._nonces = NonceAllocator()
        self._throttle = Throttle(ENDPOINTS.values(), random.Random())
        self._controls: list[Control] = []

    def control(self, timeout_s: float = CALL_TIMEOUT_S, *, is_public: bool = False) -> Control:
        """A further pair of connections, opened when they are used.

        Args:
            timeout_s: how long an answer may take.
            is_public: send everything to the public host, the zone's endpoints too.
        """
        config = self._config
        if is_public:
            venue = msgspec.structs.replace(config.venue, rest=config.venue.public_rest)
            config = msgspec.structs.replace(config, venue=venue)
        control = Control(
            config,
            self._context,
            self._path,
            self._signer,
            self._nonces,
            self._throttle,
            now_ns,
            timeout_s,
        )
        self._controls.append(control)
        return control

    def close(self) -> None:
        """Closes every connection for good."""
        for control in self._controls:
            control.close()
