"""The WebSocket token of one account: when it is used again, and when it is not.

Owns: the token and the judgement on refusals of it. Must not know: sockets, how a token is got.
Invariant: a token that was refused is never offered again, nor one older than half of the shortest
life that was ever reported.

Rules
-----
1. The venue gives 10 tokens in 60 s for each address. So one is shared by all sockets of its
   account, and each new one is taken out of the budget of `protocol.throttle`, which all accounts
   and processes share.
2. Tokens are short-lived, and how short is not said; 60 s was seen. One is used for 30 s.
3. A refusal with 1, 2, 6 or 11 is about the token: it is dropped, and with it only the one that
   was refused, not a newer one that another socket got meanwhile. Any other number (service
   unavailable, timeout, too many requests) says nothing about it: it is kept.
"""

from __future__ import annotations

__all__ = ["TOKEN_REUSE_NS", "TokenCache", "is_token_refused"]

TOKEN_REUSE_NS = 30_000_000_000
_TOKEN_ERRORS = frozenset({1, 2, 6, 11})


def is_token_refused(error_code: int) -> bool:
    """Whether an error of `authorize` is about its token (rule 3)."""
    return error_code in _TOKEN_ERRORS


class TokenCache:
    """See the module's documentation."""

    __slots__ = ("_since_ns", "_token")

    def __init__(self) -> None:
        self._token: str | None = None
        self._since_ns = 0

    def usable(self, now_ns: int) -> str | None:
        """The token, or None when a new one is needed (rule 2); monotonic ns."""
        if self._token is not None and now_ns - self._since_ns > TOKEN_REUSE_NS:
            self._token = None
        return self._token

    def store(self, token: str, now_ns: int) -> None:
        """A new token, which came just now."""
        self._token, self._since_ns = token, now_ns

    def refused(self, token: str | None) -> None:
        """The venue refused `token` (rule 3)."""
        if token == self._token:
            self._token = None
