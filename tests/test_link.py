"""Base URLs, TLS contexts, and what a failed connection says."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from pathlib import Path as FilePath
from unittest.mock import Mock

import pytest

from tests.gateway_rig import live
from tests.scripted_peer import scripted, silent
from whitewire import _core
from whitewire._bridge import OrderConnection, Path
from whitewire.errors import ConfigError, StartupError
from whitewire.transport.link import Address, connect, is_reset, tls_context
from whitewire.venue import Venue


class Nobody:
    """Hears everything and does nothing."""

    def __init__(self) -> None:
        self.connection: OrderConnection | None = None
        self.lost = asyncio.Event()

    def on_made(self, connection: OrderConnection) -> None:
        self.connection = connection

    def on_response(self, status: int, body: bytes, keep_alive: bool, now_ns: int) -> None: ...

    def on_written(self, now_ns: int) -> None: ...

    def on_writable(self, writable: bool) -> None: ...

    def on_fault(self, error: Exception) -> None: ...

    def on_lost(self, error: Exception | None) -> None:
        self.lost.set()


def new_path() -> Path:
    return Path(_core.Engine(host="", paths=("", "", "", ""), id_base=""))


async def connect_to(url: str, ca: str | None = None) -> None:
    handler = Nobody()
    await connect(Address(url), tls_context(ca), new_path(), handler)
    assert handler.connection is not None
    handler.connection.abort()
    await handler.lost.wait()


@pytest.mark.parametrize(
    ("url", "host", "port", "header", "is_tls"),
    [
        ("https://whitebit.com", "whitebit.com", 443, "whitebit.com", True),
        ("https://whitebit.com:443", "whitebit.com", 443, "whitebit.com", True),
        ("https://h:8443/x", "h", 8443, "h:8443", True),
        ("http://127.0.0.1:80", "127.0.0.1", 80, "127.0.0.1", False),
        ("wss://[::1]:7/ws", "::1", 7, "[::1]:7", True),
        ("ws://h", "h", 80, "h", False),
    ],
)
def test_addresses(url: str, host: str, port: int, header: str, is_tls: bool) -> None:
    address = Address(url)
    assert (address.host, address.port, address.header, address.is_tls) == (
        host,
        port,
        header,
        is_tls,
    )


def test_certificates_are_always_verified(tmp_path: FilePath) -> None:
    context = tls_context(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    broken = tmp_path / "broken.pem"
    broken.write_text("this is no certificate")
    with pytest.raises(ConfigError, match=r"broken\.pem' is not a PEM certificate"):
        tls_context(str(broken))


@live
async def test_a_connection_opens_and_closes(venue: Venue) -> None:
    await connect_to(venue.rest, venue.ca)


@live
async def test_failures_say_what_to_do(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StartupError, match=r"certificate is not trusted .*set venue\.ca"):
        await connect_to(venue.rest)
    plain = venue.rest.replace("127.0.0.1", "localhost")
    with pytest.raises(StartupError, match=r"not trusted|not valid for"):
        await connect_to(plain, None)
    with pytest.raises(StartupError, match="does not resolve; check its spelling"):
        await connect_to("https://no-such-host.invalid")
    with pytest.raises(StartupError, match="does not resolve; check its spelling"):
        await connect_to(f"https://{'long' * 20}.example")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(StartupError, match=f"127.0.0.1:{port}: .*; check the host and port"):
        await connect_to(f"https://127.0.0.1:{port}")
    monkeypatch.setattr("whitewire.transport.link.CONNECT_TIMEOUT_S", 0.2)
    async with scripted(silent) as peer:
        with pytest.raises(StartupError, match=r"no answer within 0\.2 s"):
            await connect_to(peer.http.replace("http", "https"), venue.ca)


def test_a_reset_shows_though_nothing_was_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    transport = Mock(get_extra_info=lambda name: {"socket": ours}[name])
    theirs.sendall(b"something that waits to be read")
    assert not is_reset(transport)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()
    assert is_reset(transport)
    ours.close()


@live
async def test_tls_to_a_plain_port_is_named(venue: Venue) -> None:
    with Venue(traders=False, tls=False) as plain:
        with pytest.raises(StartupError, match=r"TLS failed .*scheme and port|reset by peer"):
            await connect_to(plain.rest.replace("http", "https"))
        await connect_to(plain.rest)


@live
async def test_an_attempt_given_up_with_the_handshake_done_is_closed_at_once(venue: Venue) -> None:
    """The library would close the socket alone, and forget its number half a minute later."""

    class Impatient(Nobody):
        def on_made(self, connection: OrderConnection) -> None:
            super().on_made(connection)
            attempt.cancel()

    handler = Impatient()
    trusted = tls_context(venue.ca)
    attempt = asyncio.get_running_loop().create_task(
        connect(Address(venue.rest), trusted, new_path(), handler)
    )
    with pytest.raises(asyncio.CancelledError):
        await attempt
    async with asyncio.timeout(1):
        await handler.lost.wait()
    assert handler.connection is not None
    assert handler.connection.transport is None
