"""Certificates: trusted through their authority, by every loopback name, and gone afterwards."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Iterator

import pytest

from whitewire.venue.wire.tls import ServerTls


@pytest.fixture
def tls() -> Iterator[ServerTls]:
    made = ServerTls("venue.test")
    yield made
    made.close()


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    """A handshake through memory; returns the protocol version."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_end = server.wrap_bio(to_server, to_client, server_side=True)
    client_end = client.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(10):
        waiting = 0
        for end in (client_end, server_end):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                waiting += 1
        if not waiting:
            return client_end.version()
    raise AssertionError("the handshake did not finish")


@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "localhost", "venue.test"])
def test_a_client_that_trusts_the_authority_connects_by_any_of_its_names(
    tls: ServerTls, name: str
) -> None:
    client = ssl.create_default_context(cafile=str(tls.ca_path))
    assert handshake(tls.context, client, name) == "TLSv1.3"


def test_another_name_is_refused(tls: ServerTls) -> None:
    client = ssl.create_default_context(cafile=str(tls.ca_path))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls.context, client, "example.org")


def test_a_client_that_does_not_know_the_authority_refuses(tls: ServerTls) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls.context, ssl.create_default_context(), "localhost")


def test_files_are_private_and_removed(tls: ServerTls) -> None:
    folder = tls.ca_path.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "server.pem").stat().st_mode) == 0o600
    tls.close()
    assert not folder.exists()
