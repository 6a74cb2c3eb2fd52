"""Every error that whitewire raises on purpose, as one tree.

Owns: the exception types and their three parts: a stable `code`, the offending value in the
message, and what to do next. Must not know: sockets, the venue's wire, the core. Invariant: our
mistakes (`ConfigError`, `UsageError`), the venue's refusals (`VenueRefusal`) and broken peers
(`PeerError`) are different branches and never share a type.

    WhitewireError
    ├── UsageError          the caller's mistake (arguments, strategy class, numbers)
    │   ├── ConfigError     the configuration file or environment
    │   └── NumberError     a price or amount that does not fit its market
    ├── StartupError        the gateway could not become ready
    ├── VenueRefusal        the venue answered, and its answer is no
    ├── PeerError           the peer broke the protocol or the connection
    ├── JournalError        the book of record cannot be read or written
    └── NonceExhausted      nonces would leave the venue's window
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "JournalError",
    "NonceExhausted",
    "NumberError",
    "PeerError",
    "StartupError",
    "UsageError",
    "VenueRefusal",
    "WhitewireError",
]


class WhitewireError(Exception):
    """Base of the tree.

    Attributes:
        code: stable machine-readable name of this error, lower case with dashes.
        hint: what to do next, one sentence, or "" when the message says it already.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}; {self.hint}" if self.hint else text


class UsageError(WhitewireError):
    """The caller's mistake: an argument, a strategy class, a number."""


class ConfigError(UsageError):
    """A configuration file or environment that cannot be used."""


class NumberError(UsageError, ValueError):
    """A price or amount that does not fit its market."""


class StartupError(WhitewireError):
    """The gateway could not become ready: host, TLS, key, market, kill switch."""


class VenueRefusal(WhitewireError):
    """The venue answered a request, and its answer is no.

    Attributes:
        status: HTTP status of the answer.
        venue_code: the venue's own number, scoped to the endpoint; None when the body had none.
        fields: the venue's `errors` map, field name to texts.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        venue_code: int | None = None,
        fields: dict[str, list[str]] | None = None,
        hint: str = "",
    ) -> None:
        super().__init__("venue-refused", message, hint)
        self.status = status
        self.venue_code = venue_code
        self.fields = fields or {}


class PeerError(WhitewireError):
    """The peer broke the protocol or the connection; the session that it belongs to ends."""


class JournalError(WhitewireError):
    """The book of record cannot be read or written; nothing may be placed without it."""


class NonceExhausted(WhitewireError):
    """The next nonce would run too far ahead of the clock for the venue's window."""
