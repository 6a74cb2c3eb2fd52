"""The ping that bench makes: one connection, a bounded rate, an end at the first refusal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tunelib.errors import TuneError
from tunelib.ping import PATH, Pinger, jitter


class Handler(BaseHTTPRequestHandler):
    """Answers until its patience is over."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.seen.append((self.path, self.client_address[1]))
        code = 200 if len(server.seen) <= server.patience else 429
        self.send_response(code)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """What was asked, and over which connection."""

    seen: list[tuple[str, int]]
    patience = 100


@pytest.fixture
def server() -> Iterator[Server]:
    """A target."""
    with Server(("127.0.0.1", 0), Handler) as running:
        running.seen = []
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_one_connection_at_a_bounded_rate(server: Server) -> None:
    slept: list[float] = []
    pinger = Pinger(f"http://127.0.0.1:{server.server_port}", None, 20.0, slept.append)
    pinger.warm()
    trips = pinger.round(5)
    pinger.close()
    assert len(trips) == 5
    assert all(trip > 0 for trip in trips)
    assert {path for path, _ in server.seen} == {PATH}
    assert len({port for _, port in server.seen}) == 1
    assert len(slept) == 5
    assert all(0 < seconds <= 0.05 for seconds in slept[1:])


def test_a_refusal_ends_it(server: Server) -> None:
    server.patience = 2
    pinger = Pinger(f"http://127.0.0.1:{server.server_port}/x", None, 50.0, lambda _: None)
    with pytest.raises(TuneError, match="answers 429") as caught:
        pinger.round(5)
    pinger.close()
    assert caught.value.code == "target-failed"
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    ("url", "rate", "code"),
    [
        ("ftp://x", 1.0, "target-url"),
        ("nonsense", 1.0, "target-url"),
        ("http://127.0.0.1", 0.0, "ping-rate"),
        ("http://127.0.0.1", 51.0, "ping-rate"),
    ],
)
def test_what_cannot_be_asked_is_refused(url: str, rate: float, code: str) -> None:
    with pytest.raises(TuneError) as caught:
        Pinger(url, None, rate)
    assert caught.value.code == code


def test_nobody_there() -> None:
    with pytest.raises(TuneError, match="does not answer"):
        Pinger("http://127.0.0.1:9", None, 50.0).warm()


def test_jitter_is_at_least_the_clock() -> None:
    assert 0 < jitter(0.001) < 10_000_000
