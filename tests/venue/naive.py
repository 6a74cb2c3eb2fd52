"""Clients that know nothing of whitewire: blocking sockets, the standard library and no more.

They are written straight from the venue's protocol, so that a mistake in the venue cannot hide
behind the same mistake in a client that shares its code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

from whitewire.venue import Venue

TIMEOUT_S = 10.0


def tls_context(venue: Venue) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=venue.ca)


def open_socket(venue: Venue, url: str) -> socket.socket:
    """A connected socket, with TLS where the URL says so."""
    parts = urlsplit(url)
    raw = socket.create_connection((parts.hostname, parts.port), timeout=TIMEOUT_S)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if parts.scheme in ("https", "wss"):
        return tls_context(venue).wrap_socket(raw, server_hostname=parts.hostname)
    return raw


class Nonces:
    """Unique millisecond nonces, by the clock of the venue that they are for."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.last = 0

    def next(self) -> int:
        self.last = max(self.last + 1, int(self.clock() * 1_000))
        return self.last


NONCES = Nonces()


def sign(key: str, secret: str, body: bytes) -> dict[str, str]:
    payload = base64.b64encode(body)
    return {
        "Content-Type": "application/json",
        "X-TXC-APIKEY": key,
        "X-TXC-PAYLOAD": payload.decode(),
        "X-TXC-SIGNATURE": hmac.new(secret.encode(), payload, hashlib.sha512).hexdigest(),
    }


def signed_body(path: str, params: dict[str, Any], nonces: Nonces = NONCES) -> bytes:
    whole = {**params, "request": path, "nonce": nonces.next(), "nonceWindow": True}
    return json.dumps(whole, separators=(",", ":")).encode()


def raw_request(venue: Venue, path: str, params: dict[str, Any], account: int = 0) -> bytes:
    """A whole signed POST request as bytes, for tests that speak HTTP themselves."""
    path = "/api/v4/" + path
    body = signed_body(path, params)
    spec = venue.accounts[account]
    lines = [f"POST {path} HTTP/1.1", "Host: venue", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in sign(spec.key, spec.secret, body).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class RestClient:
    """One keep-alive connection of one account."""

    def __init__(
        self,
        venue: Venue,
        account: int = 0,
        *,
        url: str | None = None,
        nonces: Nonces = NONCES,
    ) -> None:
        parts = urlsplit(url or venue.public_rest)
        assert parts.hostname is not None
        self.nonces = nonces
        self.account = venue.accounts[account]
        self.connection: http.client.HTTPConnection
        if parts.scheme == "https":
            self.connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=TIMEOUT_S, context=tls_context(venue)
            )
        else:
            self.connection = http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=TIMEOUT_S
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any]:
        """Status and body; the body decoded where it is JSON."""
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        content = response.read()
        if response.headers.get_content_type() == "application/json":
            return response.status, json.loads(content)
        return response.status, content

    def get(self, path: str) -> tuple[int, Any]:
        return self.send("GET", "/api/v4/public/" + path, None, {})

    def post(self, path: str, **params: Any) -> tuple[int, Any]:
        body = signed_body("/api/v4/" + path, params, self.nonces)
        headers = sign(self.account.key, self.account.secret, body)
        return self.send("POST", "/api/v4/" + path, body, headers)

    def ok(self, path: str, **params: Any) -> Any:
        status, body = self.post(path, **params)
        assert status == 200, (status, body)
        return body

    def limit(self, side: str, price: str, amount: str = "0.1", **more: Any) -> Any:
        return self.ok(
            "order/new", market="BTC_USDT", side=side, price=price, amount=amount, **more
        )


class WsClient:
    """One WebSocket connection, blocking."""

    def __init__(self, venue: Venue, path: str = "/ws") -> None:
        self.sock = open_socket(venue, venue.ws)
        self.buffer = b""
        self.pushes: deque[dict[str, Any]] = deque()
        self.texts: list[str] = []
        self.next_id = 1
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: venue\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.buffer:
            data = self.sock.recv(4096)
            if not data:
                raise ConnectionError("closed before the upgrade")
            self.buffer += data
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.head = head.decode()
        if not self.head.startswith("HTTP/1.1 101"):
            self.sock.close()
            raise ConnectionError(self.head.splitlines()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def _take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            data = self.sock.recv(1 << 20)
            if not data:
                raise EOFError("closed")
            self.buffer += data
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def frame(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload. EOFError at the end of the connection."""
        first, second = self._take(2)
        assert not second & 0x80, "a server must not mask"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._take(8))
        return first & 0x0F, self._take(size)

    def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        size = len(payload)
        if size < 126:
            length = bytes([0x80 | size])
        elif size < 1 << 16:
            length = bytes([0x80 | 126]) + struct.pack(">H", size)
        else:
            length = bytes([0x80 | 127]) + struct.pack(">Q", size)
        self.sock.sendall(bytes([(0x80 if fin else 0) | opcode]) + length + mask + masked)

    def send(self, text: str) -> None:
        self.send_frame(1, text.encode())

    def message(self) -> dict[str, Any]:
        """The next JSON message, whatever it is."""
        while True:
            opcode, payload = self.frame()
            if opcode == 8:
                raise EOFError(f"close frame {payload!r}")
            if opcode == 1:
                self.texts.append(payload.decode())
                decoded: dict[str, Any] = json.loads(payload)
                return decoded

    def request(self, method: str, params: Any) -> dict[str, Any]:
        """Sends one call and returns its whole reply; pushes meanwhile are kept."""
        request_id, self.next_id = self.next_id, self.next_id + 1
        self.send(json.dumps({"id": request_id, "method": method, "params": params}))
        while True:
            message = self.message()
            if message["id"] == request_id:
                return message
            self.pushes.append(message)

    def call(self, method: str, *params: Any) -> Any:
        """The result of a call that must succeed."""
        reply = self.request(method, list(params))
        assert reply["error"] is None, reply
        return reply["result"]

    def refused(self, method: str, *params: Any) -> int:
        """The error number of a call that must fail."""
        reply = self.request(method, list(params))
        assert reply["result"] is None, reply
        code: int = reply["error"]["code"]
        return code

    def push(self, method: str) -> Any:
        """The parameters of the next push of this method; others stay for later."""
        for index, kept in enumerate(self.pushes):
            if kept["method"] == method:
                del self.pushes[index]
                return kept["params"]
        while True:
            message = self.message()
            if message.get("method") == method:
                return message["params"]
            self.pushes.append(message)

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing arrives for a while."""
        self.sock.settimeout(seconds)
        try:
            self.pushes.append(self.message())
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(TIMEOUT_S)
        return False

    def authorize(self, rest: RestClient) -> None:
        token = rest.ok("profile/websocket_token")["websocket_token"]
        assert self.call("authorize", token, "public") == {"status": "success"}
