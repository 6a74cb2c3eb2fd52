"""One HTTPS connection to a host: opening, TLS, and clear words for what went wrong.

Owns: host and port of a base URL, TLS contexts, opening an `OrderConnection`. Must not know:
what travels on it. Invariant: certificates are always verified; a failure to connect is a
`StartupError` with the host and the next step, never a bare OS error.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiofastnet

from whitewire import _core
from whitewire._bridge import OrderConnection
from whitewire.errors import ConfigError, StartupError

if TYPE_CHECKING:
    from whitewire._bridge import ConnectionHandler, Path

__all__ = ["Address", "connect", "explain", "is_reset", "is_tls_direct", "tls_context"]

CONNECT_TIMEOUT_S = 5.0
# The state of a socket without a connection, first byte of what the kernel tells of TCP.
_TCP_CLOSE = 7


class Address:
    """Where a base URL points.

    Attributes:
        url: the base URL, for messages.
        host, port: socket address.
        header: value of the Host header.
        is_tls: whether the scheme asks for TLS.
    """

    __slots__ = ("header", "host", "is_tls", "port", "url")

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self.is_tls = parts.scheme in {"https", "wss"}
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if self.is_tls else 80)
        default = self.port == (443 if self.is_tls else 80)
        name = f"[{self.host}]" if ":" in self.host else self.host
        self.header = name if default else f"{name}:{self.port}"


def tls_context(ca: str | None) -> ssl.SSLContext:
    """A verifying client context; `ca` is a PEM file of a private authority.

    Raises:
        ConfigError: the file holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            "config-ca", f"venue.ca {ca!r} is not a PEM certificate ({error})", "check the file"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def is_reset(transport: asyncio.BaseTransport) -> bool:
    """Whether the kernel has given the connection up.

    Of data and a reset that arrive together uvloop tells the data, and then nothing any more; so
    this has to be asked from time to time.
    """
    peer: socket.socket = transport.get_extra_info("socket")
    return peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE


def is_tls_direct() -> bool:
    """Whether aiofastnet calls OpenSSL itself, without Python's slower wrapping of it."""
    return bool(aiofastnet.OPENSSL_DYN_LIBS)


async def connect(
    address: Address, context: ssl.SSLContext, path: Path, handler: ConnectionHandler
) -> None:
    """Opens a connection whose events go to `handler`; its `on_made` gets the connection.

    Raises:
        StartupError: no connection; the text says why and what to do.
    """
    loop = asyncio.get_running_loop()
    connection = OrderConnection(path, handler, _core.HttpParser())
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            try:
                await aiofastnet.create_connection(
                    loop,
                    lambda: connection,
                    address.host,
                    address.port,
                    ssl=context if address.is_tls else None,
                    server_hostname=address.host if address.is_tls else None,
                )
            except asyncio.CancelledError:
                # With the handshake just done, the library has closed the socket and still watches
                # its number, which the next connection may get: end that before anything else runs.
                connection.abort()
                raise
    except (OSError, TimeoutError, UnicodeError) as error:
        raise explain(address.url, error) from error


def explain(url: str, error: BaseException) -> StartupError:
    """The error of a failed connection, in words a person can act on."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return StartupError(
            "tls-not-trusted",
            f"{url}: its certificate is not trusted ({error.verify_message})",
            "set venue.ca to the PEM file of its authority, or check the host name",
        )
    if isinstance(error, ssl.SSLError):
        return StartupError(
            "tls-failed",
            f"{url}: TLS failed ({error.reason or error})",
            "check that the URL's scheme and port are right",
        )
    if isinstance(error, TimeoutError):
        return StartupError(
            "connect-timeout",
            f"{url}: no answer within {CONNECT_TIMEOUT_S:g} s",
            "check the host, its port and your firewall",
        )
    if isinstance(error, socket.gaierror | UnicodeError):
        return StartupError(
            "host-unknown", f"{url}: the host name does not resolve", "check its spelling"
        )
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return StartupError(
        "connect-failed", f"{url}: {text}", "check the host and port, and that the venue is up"
    )
