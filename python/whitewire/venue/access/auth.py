"""Who is calling: API keys, signatures and nonces of the private REST API.

Owns: the checks that stand between a signed request and its handler, in the order in which the
venue makes them, and each key's memory of nonces. Must not know: sockets, endpoints' meaning,
the matching engine. Invariant: a refused request leaves no trace; only a request that passes
every check moves a key's nonce state.

Rules (the number is named on the line that obeys it):

* A1  The checks run in this order: key, payload header, key lookup, signature, payload against
      body, `request`, `nonceWindow`, nonce, permission.
* A2  The signature is the lower-case hex HMAC-SHA512 of the payload header's *text*, under the
      secret.
* A3  The decoded payload must equal the body written canonically (`PayloadCheck` has the
      alternatives).
* A4  Without `nonceWindow` a nonce must exceed the highest that the key has had accepted.
* A5  With `nonceWindow` a nonce is a millisecond time within 5 s of ours, fresh, in any order;
      it does not move the mark of A4.
* A6  A nonce is an integer of 64 bits, or a string of its digits.
* A7  An answer to a failed check has a code and a message but no `errors`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from whitewire.venue.options import PayloadCheck, WireOptions
from whitewire.venue.values.model import VenueError
from whitewire.venue.wire import json_text

__all__ = ["ApiKey", "AuthRefusal", "Authenticator", "Caller", "NonceMemory", "SignedRequest"]

# HMAC's parameters for SHA-512.
_BLOCK_BYTES = 128
_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))

_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)


class AuthRefusal(Enum):
    """Every way to fail: (HTTP status, code, message)."""

    UNAUTHORIZED = (401, 0, "This action is unauthorized.")
    KEY_DISABLED = (401, 2, "This action is unauthorized. Enable your key in API settings")
    NOT_PERMITTED = (403, 4, "This API Key is not authorized to perform this action.")
    PAYLOAD_MISSING = (401, 0, "Payload not provided.")
    PAYLOAD_INVALID = (400, 9, "Invalid payload.")
    BAD_SIGNATURE = (401, 10, "Unauthorized request.")
    REQUEST_MISSING = (401, 0, "Request not provided.")
    NONCE_MISSING = (401, 0, "Nonce not provided.")
    NONCE_USED = (401, 0, "Too many requests.")  # a nonce failure, not a rate limit
    NONCE_STALE = (401, 0, "Your nonce is more than 5 seconds lesser than the current nonce")
    WINDOW_INVALID = (401, 0, "Invalid nonceWindow.")


class NonceMemory:
    """The nonces of the last seconds.

    They lie in one set for each second, so that forgetting takes as long as there are seconds, and
    not as there are nonces.
    """

    def __init__(self) -> None:
        self._by_second: dict[int, set[int]] = {}
        self._first_second = 0

    def __len__(self) -> int:
        return sum(len(nonces) for nonces in self._by_second.values())

    def __contains__(self, nonce: int) -> bool:
        return nonce in self._by_second.get(nonce // 1_000, ())

    def add(self, nonce: int) -> None:
        """Remembers a nonce, in milliseconds."""
        self._by_second.setdefault(nonce // 1_000, set()).add(nonce)

    def forget(self, floor: int) -> None:
        """Drops the seconds that ended before `floor`, in milliseconds."""
        first = floor // 1_000
        if first > self._first_second:
            self._first_second = first
            for second in [second for second in self._by_second if second < first]:
                del self._by_second[second]


@dataclass(slots=True)
class ApiKey:
    """One key of an account, and what the venue remembers of its nonces.

    Attributes:
        key: public half.
        secret: private half.
        account: name of the account that it trades for.
        enabled: False after deactivation.
        allowed_ips: addresses that may use it; None for all.
        denied_paths: endpoints switched off for it.
    """

    key: str
    secret: str
    account: str
    enabled: bool = True
    allowed_ips: frozenset[str] | None = None
    denied_paths: frozenset[str] = frozenset()
    highest_nonce: int = 0
    window_nonces: NonceMemory = field(default_factory=lambda: NonceMemory())
    _inner: Any = field(init=False, repr=False)
    _outer: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Absorbs the secret once: what is left to do for a signature is half of an HMAC."""
        secret = self.secret.encode()
        if len(secret) > _BLOCK_BYTES:
            secret = hashlib.sha512(secret).digest()
        padded = secret.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha512(padded.translate(_INNER_PAD))
        self._outer = hashlib.sha512(padded.translate(_OUTER_PAD))

    def signature(self, payload: bytes) -> str:
        """The signature of a payload header's text (A2)."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        signature: str = outer.hexdigest()
        return signature


class SignedRequest(NamedTuple):
    """What authentication sees of a request; header names are lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    client_ip: str


class Caller(NamedTuple):
    """An authenticated request: whose it is, and its parameters."""

    key: ApiKey
    params: dict[str, Any]


class Authenticator:
    """Holds the keys and decides whether a request may reach its handler."""

    def __init__(self, keys: Iterable[ApiKey], options: WireOptions) -> None:
        """Takes the keys.

        Raises:
            KeyError: `options.auth_status` names a refusal that does not exist.
        """
        self.keys = {key.key: key for key in keys}
        self._options = options
        self._status = {AuthRefusal[name]: status for name, status in options.auth_status.items()}

    def authenticate(self, request: SignedRequest, now: float) -> Caller:
        """Runs every check on one request.

        Args:
            request: the request as it came.
            now: epoch seconds.

        Raises:
            VenueError: the first check that failed.
        """
        headers = request.headers
        public = headers.get("x-txc-apikey")  # A1
        if not public:
            raise self._refuse(AuthRefusal.UNAUTHORIZED)
        payload = headers.get("x-txc-payload")
        if not payload:
            raise self._refuse(AuthRefusal.PAYLOAD_MISSING)
        key = self.keys.get(public)
        if key is None:
            raise self._refuse(AuthRefusal.BAD_SIGNATURE)
        if not key.enabled or (
            key.allowed_ips is not None and request.client_ip not in key.allowed_ips
        ):
            raise self._refuse(AuthRefusal.KEY_DISABLED)
        expected = key.signature(payload.encode())  # A2
        given = headers.get("x-txc-signature", "")
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise self._refuse(AuthRefusal.BAD_SIGNATURE)
        params = self._params(payload, request.body)
        self._check_path(params, request.path)
        nonce, windowed = self._nonce(params)
        self._check_nonce(key, nonce, windowed, int(now * 1000))
        if request.path in key.denied_paths:
            raise self._refuse(AuthRefusal.NOT_PERMITTED)
        self._remember(key, nonce, windowed)
        return Caller(key, params)

    def _params(self, payload: str, body: bytes) -> dict[str, Any]:
        try:
            decoded = base64.b64decode(payload, validate=True)
            params = json_text.parse(body)
            if isinstance(params, dict) and self._payload_matches(decoded, body, params):
                return params
        except (binascii.Error, ValueError):
            raise self._refuse(AuthRefusal.PAYLOAD_INVALID) from None
        raise self._refuse(AuthRefusal.PAYLOAD_INVALID)

    def _payload_matches(self, decoded: bytes, body: bytes, params: dict[str, Any]) -> bool:
        match self._options.payload_check:  # A3
            case PayloadCheck.BYTES:
                return decoded == body
            case PayloadCheck.CANONICAL:
                if json_text.is_evidently_canonical(body, params):
                    return decoded == body
                return decoded == json_text.canonical(body)
            case PayloadCheck.LENIENT:
                return bool(json_text.parse(decoded) == params)

    def _check_path(self, params: dict[str, Any], path: str) -> None:
        stated = params.get("request")
        if stated is None or stated == "":
            raise self._refuse(AuthRefusal.REQUEST_MISSING)
        if stated != path:
            raise self._refuse(AuthRefusal.BAD_SIGNATURE)

    def _nonce(self, params: dict[str, Any]) -> tuple[int, bool]:
        windowed = params.get("nonceWindow", False)
        if not isinstance(windowed, bool):
            raise self._refuse(AuthRefusal.WINDOW_INVALID)
        nonce = params.get("nonce")
        if isinstance(nonce, str) and _DIGITS.fullmatch(nonce):  # A6
            nonce = int(nonce)
        if isinstance(nonce, int) and not isinstance(nonce, bool) and nonce.bit_length() < 64:
            return nonce, windowed
        raise self._refuse(AuthRefusal.NONCE_MISSING)

    def _check_nonce(self, key: ApiKey, nonce: int, windowed: bool, now_ms: int) -> None:
        if not windowed:
            if nonce <= key.highest_nonce:  # A4
                raise self._refuse(AuthRefusal.NONCE_USED)
            return
        if abs(now_ms - nonce) > self._options.nonce_window_ms:  # A5
            raise self._refuse(AuthRefusal.NONCE_STALE)
        key.window_nonces.forget(now_ms - self._options.nonce_memory_ms)
        if nonce in key.window_nonces:
            raise self._refuse(AuthRefusal.NONCE_USED)

    @staticmethod
    def _remember(key: ApiKey, nonce: int, windowed: bool) -> None:
        if windowed:
            key.window_nonces.add(nonce)
        else:
            key.highest_nonce = nonce

    def _refuse(self, refusal: AuthRefusal) -> VenueError:
        status, code, message = refusal.value
        return VenueError(self._status.get(refusal, status), code, message, {})  # A7
