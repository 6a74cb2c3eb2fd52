"""A client that signs whatever body it is given, right or wrong, and judges each answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.venue.fidelity.recording import documented_path
from tests.venue.fidelity.specification import Specification
from tests.venue.fidelity.turns import nonces_of
from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue, WireOptions
from whitewire.venue.options import RateLimit

Json = Any

# What any endpoint may answer; 500 is a fault of the venue's own.
DOCUMENTED = frozenset({200, 400, 401, 403, 404, 422, 429, 451, 453, 503})
# Multiplies the number of generated requests, for a run that may take its time.
EFFORT = int(os.environ.get("WHITEWIRE_FUZZ_EFFORT", "1"))

# What needs an id that only the venue gives: no request of a generator finds it.
BY_ID = frozenset(
    f"/api/v4/{path}"
    for path in (
        *("order/oco-cancel", "order/oto-cancel", "order/conditional-cancel"),
        "collateral-account/position/close",
    )
)
# A venue that counts no requests.
UNLIMITED = WireOptions(rate_scale=10_000.0, ws_requests=RateLimit(10_000_000, 10))


def encode(body: Json) -> bytes:
    """JSON as the venue writes it itself, so that its comparison with the payload succeeds."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="surrogatepass")


def is_error_object(body: Json) -> bool:
    """Whether a refused private request is answered with the venue's error object."""
    if not isinstance(body, dict) or not {"code", "message"} <= set(body):
        return False
    errors = body.get("errors", {"": [""]})
    return (
        type(body["code"]) is int
        and isinstance(body["message"], str)
        and set(body) <= {"code", "message", "errors"}
        and isinstance(errors, dict)
        and all(isinstance(texts, list) and texts for texts in errors.values())
        and all(isinstance(text, str) for texts in errors.values() for text in texts)
    )


def is_public_error(body: Json) -> bool:
    """Whether a refused public request is answered with texts, or with one text, by field."""
    return isinstance(body, dict) and all(
        isinstance(text, str)
        for texts in body.values()
        for text in (texts if isinstance(texts, list) else [texts])
    )


@dataclass(slots=True)
class Tally:
    """Answers by endpoint and status."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)

    def share(self, *statuses: int) -> float:
        """Which part of all answers had one of these statuses."""
        return sum(n for (_, status), n in self.statuses.items() if status in statuses) / max(
            1, self.statuses.total()
        )

    def paths(self, status: int) -> set[str]:
        """Endpoints that answered with this status."""
        return {path for path, answered in self.statuses if answered == status}


class Prober(RestClient):
    """One keep-alive connection that takes turns with the venue's accounts.

    An account has only as many nonces as there are milliseconds, so one would not do.
    """

    def __init__(
        self,
        venue: Venue,
        specification: Specification | None = None,
        accounts: int | None = None,
    ) -> None:
        super().__init__(venue)
        self.tally = Tally()
        self.specification = specification
        self.turns = deque((spec, nonces_of(spec)) for spec in venue.accounts[:accounts])

    def supply(self) -> None:
        """Every account rests an order on both sides of two markets, so that others can trade."""
        for turn in self.turns:
            self.account, self.nonces = turn
            for market in ("BTC_USDT", "ETH_USDT"):
                self.rest_order(market, "sell", "110")
                self.rest_order(market, "buy", "90")

    def plant(self, client_order_id: str | None) -> None:
        """The account of the next turn has an open order with this client id, if there is one."""
        if client_order_id:
            self.account, self.nonces = self.turns[0]
            self.rest_order("BTC_USDT", "buy", "90", client_order_id)

    def rest_order(
        self, market: str, side: str, price: str, client_order_id: str | None = None
    ) -> None:
        """Places an order, if its client id is not taken yet."""
        order = {"market": market, "side": side, "price": price, "amount": "0.1"}
        status, _ = self.post("order/new", **order, clientOrderId=client_order_id)
        assert status in (200, 422), status

    def probe(self, path: str, params: Json) -> int:
        """A signed request with these parameters; the body itself where they are no object."""
        self.account, self.nonces = self.turns[0]
        self.turns.rotate(-1)
        if isinstance(params, dict):
            own = {"request": path, "nonce": self.nonces.next(), "nonceWindow": True}
            params = {**params, **own}
        return self.knock(path, params if isinstance(params, bytes) else encode(params))

    def knock(self, path: str, body: bytes, **changed_headers: str) -> int:
        """A body as it is, signed by the account whose turn it was, with other headers if given."""
        payload = base64.b64encode(body)
        key = self.account.secret.encode()
        headers = {
            "Content-Type": "application/json",
            "X-TXC-APIKEY": self.account.key,
            "X-TXC-PAYLOAD": payload.decode(),
            "X-TXC-SIGNATURE": hmac.new(key, payload, hashlib.sha512).hexdigest(),
            **changed_headers,
        }
        status, answer = self.send("POST", path, body, headers)
        self.judge("POST", path, status, answer, body)
        return status

    def ask(self, path: str, market: str, query: dict[str, Json]) -> int:
        """A public request."""
        target = path.replace("{market}", quote(market, safe="", errors="replace"))
        if query:
            target += "?" + urlencode(query, doseq=True, errors="replace")
        status, answer = self.send("GET", target, None, {})
        if status != 404:  # a market's name may make another path of it
            self.judge("GET", path, status, answer, target)
        return status

    def judge(self, method: str, path: str, status: int, answer: Json, sent: object) -> None:
        """Fails where an answer is not one that the venue may give."""
        self.tally.statuses[path, status] += 1
        told = (path, status, answer, sent)
        assert status in DOCUMENTED, told
        if status not in (200, 404, 429, 503):
            assert (is_error_object if method == "POST" else is_public_error)(answer), told
        if self.specification is not None:
            place = (method, documented_path(path), str(status))
            assert not self.specification.problems(place, answer), told


# What a call may be refused with, by the kind of method; 2, 3 and 5 are faults of the venue's.
_CHANNEL_CODES = frozenset({1, 4, 6, 7, 8, 9, 11})
_ORDER_CODES = _CHANNEL_CODES | {
    *(10, 12, 13, 14, 15, 16, 17, 19, 40, 41, 42, 43, 51, 101, 103, 104, 105, 106, 108),
    *range(111, 117),
    *range(150, 165),
    *(200, 201, 250, 251, 601, 602),
}


class WsProber(WsClient):
    """A socket that judges each reply."""

    def __init__(self, venue: Venue) -> None:
        super().__init__(venue)
        self.tally: Counter[tuple[str, int]] = Counter()

    def probe(self, method: str, params: list[Json]) -> int:
        """A call; the code of its refusal, or 0. Fails where the reply is not as documented."""
        reply = self.request(method, params)
        self.pushes.clear()
        told = (method, params, reply)
        assert set(reply) == {"id", "result", "error"}, told
        error = reply["error"]
        if error is None:
            assert reply["result"] is not None, told
            code = 0
        else:
            assert reply["result"] is None, told
            assert set(error) == {"code", "message"}, told
            assert error["message"], told
            code = error["code"]
            is_order = method.startswith(("order_", "collateral_order_"))
            assert code in (_ORDER_CODES if is_order else _CHANNEL_CODES), told
        self.tally[method, code] += 1
        return code
