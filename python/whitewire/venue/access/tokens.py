"""WebSocket tokens: made by a signed REST call, spent by `authorize`.

Owns: which token stands for which account and until when. Must not know: sockets, signatures.
Invariant: a token is good for at most its lifetime; a socket that it authorised outlives it.
"""

from __future__ import annotations

import secrets
import string

from whitewire.venue.options import WireOptions

__all__ = ["TokenStore"]

# The venue's tokens look like bcrypt hashes: a fixed prefix and 60 characters in all.
_PREFIX = "$2y$10$"
_LENGTH = 60
_ALPHABET = "./" + string.ascii_letters + string.digits


class TokenStore:
    """Issues tokens and says whose they are."""

    def __init__(self, options: WireOptions) -> None:
        self._options = options
        self._live: dict[str, tuple[str, float]] = {}

    def issue(self, account: str, now: float) -> str:
        """Makes a token for `account`; `now` is epoch seconds."""
        self._live = {text: entry for text, entry in self._live.items() if entry[1] > now}
        body = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH - len(_PREFIX)))
        token = _PREFIX + body
        self._live[token] = (account, now + self._options.token_ttl_s)
        return token

    def redeem(self, token: str, now: float) -> str | None:
        """The account that `token` stands for, or None when it is unknown or expired."""
        account, expires = self._live.get(token, ("", 0.0))
        if expires <= now:
            return None
        if self._options.token_single_use:
            del self._live[token]
        return account
