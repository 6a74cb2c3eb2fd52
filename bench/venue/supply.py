"""Signed requests, made before they are needed: orders that rest, and their cancels.

Owns: the text of every request, its signature, its nonce, and what its answer must contain. Must
not know: sockets, time (it is handed the moments). Invariant: an order's cancel comes on the same
connection, later, so that it finds the order whatever the venue does with connections; client ids
and each key's nonces are unique.

The book stays bounded: each connection keeps its newest `resting` orders. The oldest one beyond
them is cancelled by a request of its own, or, where `bulk` is more than 1, so many by one request.
A key's nonce is the millisecond at which its request is due, moved to the next free one, so it
stays in the venue's window of 5 s as long as a key sends less than a thousand requests a second;
hence several keys.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import deque
from dataclasses import dataclass

__all__ = ["Request", "Supply"]

_BLOCK = 128
_NEW, _CANCEL, _CANCEL_BULK = (f"/api/v4/order/{name}" for name in ("new", "cancel", "cancel/bulk"))


@dataclass(frozen=True, slots=True)
class Request:
    """One signed request.

    Attributes:
        data: the whole HTTP request.
        start: how the body of its answer starts if the venue did what it was asked.
        proof: what it then contains.
        times: how often.
        is_order: whether it places; otherwise it cancels.
    """

    data: bytes
    start: bytes
    proof: bytes
    times: int
    is_order: bool


class _Key:
    """One API key: signatures from states that have absorbed the secret, and nonces."""

    def __init__(self, key: str, secret: str) -> None:
        padded = secret.encode().ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha512(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha512(bytes(byte ^ 0x5C for byte in padded))
        self._head = f"Host: venue\r\nContent-Type: application/json\r\nX-TXC-APIKEY: {key}\r\n"
        self._last_nonce = 0

    def request(self, path: str, fields: str, due_ms: int) -> bytes:
        """A signed request; `fields` is JSON without its braces."""
        self._last_nonce = nonce = max(due_ms, self._last_nonce + 1)
        body = f'{{{fields},"request":"{path}","nonce":{nonce},"nonceWindow":true}}'.encode()
        payload = b64encode(body)
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        head = (
            f"POST {path} HTTP/1.1\r\n{self._head}X-TXC-PAYLOAD: {payload.decode()}\r\n"
            f"X-TXC-SIGNATURE: {outer.hexdigest()}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class Supply:
    """The requests of all connections, in order.

    Attributes:
        orders: how many placements were made.
    """

    def __init__(
        self, keys: list[tuple[str, str]], connections: int, resting: int, bulk: int = 1
    ) -> None:
        """Makes nothing yet.

        Args:
            keys: (public, secret) of every key; they take turns.
            connections: how many there are.
            resting: how many orders each connection leaves in the book.
            bulk: how many orders are cancelled at once.
        """
        self._keys = [_Key(*pair) for pair in keys]
        self._resting = resting
        self._bulk = bulk
        self._open: list[deque[str]] = [deque() for _ in range(connections)]
        self.orders = 0

    def take(self, connection: int, due_ms: int) -> tuple[Request, ...]:
        """A connection's next placement, and the cancel of its oldest order once it has enough.

        Args:
            connection: its number, from 0.
            due_ms: when they will leave, epoch milliseconds.
        """
        number, self.orders = self.orders, self.orders + 1
        own = self._open[connection]
        client_id = f"ww-load-{number:010d}"
        # A tenth and more away from the touch, on a hundred price levels of either side.
        side, price = ("buy", 50_000) if number & 1 else ("sell", 70_000)
        level = number * 7 % 100
        new = (
            f'"market":"BTC_USDT","side":"{side}","price":"{price + level}.{level:02d}",'
            f'"amount":"0.0{level + 12}","clientOrderId":"{client_id}","postOnly":true,"stp":"cn"'
        )
        own.append(client_id)
        key = self._keys[number % len(self._keys)]
        placement = Request(
            key.request(_NEW, new, due_ms), b'{"orderId":', _named(client_id).encode(), 1, True
        )
        # Connections cancel in turn, not all of them in one burst.
        turn = connection * self._bulk // len(self._open)
        if len(own) < self._resting + turn + self._bulk:
            return (placement,)
        return placement, self._cancel(key, [own.popleft() for _ in range(self._bulk)], due_ms)

    @staticmethod
    def _cancel(key: _Key, old: list[str], due_ms: int) -> Request:
        items = [f'"market":"BTC_USDT",{_named(client_id)}' for client_id in old]
        if len(old) == 1:
            data = key.request(_CANCEL, items[0], due_ms)
            return Request(data, b'{"orderId":', _named(old[0]).encode(), 1, False)
        fields = f'"orders":[{",".join(f"{{{item}}}" for item in items)}]'
        data = key.request(_CANCEL_BULK, fields, due_ms)
        return Request(data, b'[{"result":{"orderId":', b'"error":null', len(old), False)


def _named(client_id: str) -> str:
    return f'"clientOrderId":"{client_id}"'
