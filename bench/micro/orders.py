"""One limit order, from its fields to a signed request.

Owns: the order, its rivals' ways to sign it, the check of a signed request. Must not know: how time
is taken. Invariant: every case signs the same members; the nonce is each one's own.

The guide's Python and ccxt make a body and a dict of headers; ours and the C floor make the whole
HTTP/1.1 request, which is more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from enum import Enum
from itertools import count, repeat
from typing import Any

import ccxt

from bench.micro.floor import Floor
from bench.micro.measure import Case, Ratio, Suite, expect
from bench.micro.native import Library, OrderLoop
from bench.micro.stream import NO_LIMITS
from whitewire import _core
from whitewire.endpoints import ENDPOINTS
from whitewire.market import Side
from whitewire.protocol.order_flags import Flags

__all__ = [
    "CCXT",
    "CREATE",
    "FLOOR",
    "GUIDE",
    "LOOP",
    "TEMPLATE",
    "Form",
    "suite",
    "verify",
    "verify_http",
]

GUIDE = "guide: json.dumps, base64, hmac, headers"
CCXT = f"ccxt {ccxt.__version__} sign()"
CREATE = f"ccxt {ccxt.__version__} create_order(), nothing sent"
TEMPLATE = "OrderTemplate.encode, called from Python"
LOOP = "PlaceTemplate::encode, native loop"
FLOOR = "C floor"

# The C floor has these compiled in.
KEY = "abcdef0123456789abcdef0123456789"
SECRET = "0123456789abcdef0123456789abcdef"

_PATH = ENDPOINTS["place"].path
_HOST = "whitebit.com"
_PRICE, _PRICE_TICKS = "62957.3", 629_573
_AMOUNT, _AMOUNT_LOTS = "0.013", 13
_SEQUENCE = 12_345
_NONCE = 1_785_730_136_175
# Of the length that a gateway uses: its prefix and a session id of eight characters.
_ID_BASE = "ww-mbl2k3x9-"


class Form(Enum):
    """Which members an order has beside market, side, amount, price and client id."""

    PLAIN = "plain"
    PRODUCTION = "post-only, STP cn"

    @property
    def prefix(self) -> str:
        """Start of client ids; in production the one that the gateway would choose."""
        if self is Form.PLAIN:
            return "mm-"
        paths = tuple(ENDPOINTS[name].path for name in ("place", "cancel", "modify", "bulk"))
        engine = _core.Engine(
            key=KEY,
            secret=SECRET,
            host=_HOST,
            paths=(paths[0], paths[1], paths[2], paths[3]),
            id_base=_ID_BASE,
        )
        market = engine.add_market("BTC_USDT", 1, 3, 100, NO_LIMITS)
        return engine.client_id_prefix(market, Flags.of(Side.BUY, True, False, False, "cn"))

    @property
    def members(self) -> dict[str, object]:
        """The body's members that stay the same from order to order, without the path."""
        plain: dict[str, object] = {
            "market": "BTC_USDT",
            "side": "buy",
            "amount": _AMOUNT,
            "price": _PRICE,
            "nonceWindow": True,
        }
        options = {"postOnly": True, "ioc": False, "stp": "cn"}
        return {**plain, **options} if self is Form.PRODUCTION else plain


def _client_id(prefix: str, sequence: int) -> str:
    return f"{prefix}{sequence:010d}"


def verify(body: bytes, headers: Mapping[str, str], form: Form, client_id: str) -> None:
    """Checks payload, signature, key and members with the standard library.

    Raises:
        WrongAnswerError: the venue would refuse the request, or it orders something else.
    """
    payload = headers["X-TXC-PAYLOAD"]
    expect(base64.b64decode(payload, validate=True) == body, "the payload is not the body")
    signature = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha512).hexdigest()
    expect(headers["X-TXC-SIGNATURE"] == signature, "the signature is wrong")
    expect(headers["X-TXC-APIKEY"] == KEY, "the key is wrong")
    members = json.loads(body)
    expect(int(members.pop("nonce")) >= _NONCE, "the nonce is not a time in milliseconds")
    wanted = {**form.members, "clientOrderId": client_id, "request": _PATH}
    expect(members == wanted, f"the body orders {members}")


def verify_http(request: bytes, form: Form, client_id: str) -> None:
    """As `verify`, for a whole request.

    Raises:
        WrongAnswerError: see `verify`; or the framing is wrong.
    """
    head, _, body = request.partition(b"\r\n\r\n")
    start, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    expect(start == f"POST {_PATH} HTTP/1.1", f"the request begins with {start!r}")
    expect(headers["Content-Length"] == str(len(body)), "Content-Length is not the body's")
    expect(headers["Host"] == _HOST, f"the host is {headers['Host']!r}")
    verify(body, headers, form, client_id)


def _repeated(call: Callable[[], object]) -> Callable[[int], None]:
    def run(repetitions: int) -> None:
        for _ in repeat(None, repetitions):
            call()

    return run


def _guide(form: Form, prefix: str) -> Case:
    """What the venue's market-maker guide shows, up to the call of its HTTP library."""
    numbers, same = count(_SEQUENCE), form.members

    def sign() -> tuple[str, dict[str, str]]:
        members = same.copy()
        members["clientOrderId"] = f"{prefix}{next(numbers):010d}"
        members["request"] = _PATH
        members["nonce"] = int(time.time() * 1000)
        body = json.dumps(members)
        payload = base64.b64encode(body.encode()).decode()
        digest = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha512)
        return body, {
            "Content-Type": "application/json",
            "X-TXC-APIKEY": KEY,
            "X-TXC-PAYLOAD": payload,
            "X-TXC-SIGNATURE": digest.hexdigest(),
        }

    def check() -> None:
        sequence = next(numbers) + 1
        body, headers = sign()
        verify(body.encode(), headers, form, _client_id(prefix, sequence))

    return Case(GUIDE, _repeated(sign), check)


def _ccxt(form: Form, prefix: str) -> Case:
    exchange = ccxt.whitebit({"apiKey": KEY, "secret": SECRET})
    numbers, same = count(_SEQUENCE), form.members

    def sign() -> dict[str, Any]:
        members = same.copy()
        members["clientOrderId"] = f"{prefix}{next(numbers):010d}"
        signed: dict[str, Any] = exchange.sign("order/new", ["v4", "private"], "POST", members)
        return signed

    def check() -> None:
        sequence = next(numbers) + 1
        signed = sign()
        verify(signed["body"].encode(), signed["headers"], form, _client_id(prefix, sequence))

    return Case(CCXT, _repeated(sign), check)


def _create(form: Form, prefix: str) -> Case:
    """ccxt's whole way to an order, up to the request and from a canned answer on."""
    exchange = ccxt.whitebit({"apiKey": KEY, "secret": SECRET, "enableRateLimit": False})
    pair = {"id": "BTC_USDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "spot": True}
    precision = {"precision": {"price": 0.1, "amount": 0.001}, "type": "spot"}
    exchange.set_markets([exchange.safe_market_structure({**pair, **precision})])
    sent: list[tuple[str, Mapping[str, str]]] = []
    answer = {"orderId": 1, "market": "BTC_USDT", "side": "buy", "type": "limit", "left": "0.013"}

    def fetch(url: str, method: str, headers: Mapping[str, str], body: str) -> object:
        sent[:] = [(body, headers)]
        return answer

    exchange.fetch = fetch
    numbers, same = count(_SEQUENCE), form.members
    extras = {name: same[name] for name in same if name in ("postOnly", "ioc", "stp")}
    extras["nonceWindow"] = True

    def create() -> None:
        params = {**extras, "clientOrderId": f"{prefix}{next(numbers):010d}"}
        exchange.create_order("BTC/USDT", "limit", "buy", 0.013, 62957.3, params)

    def check() -> None:
        sequence = next(numbers) + 1
        create()
        ((body, headers),) = sent
        verify(body.encode(), headers, form, _client_id(prefix, sequence))

    return Case(CREATE, _repeated(create), check)


def _template(form: Form, prefix: str) -> Case:
    production = form is Form.PRODUCTION
    template = _core.OrderTemplate(
        _core.Signer(KEY, SECRET),
        market="BTC_USDT",
        side=Side.BUY,
        host=_HOST,
        post_only=production,
        stp="cn" if production else None,
        client_id_prefix=prefix,
    )
    numbers = count(_SEQUENCE)

    def encode() -> bytes:
        return template.encode(
            price=_PRICE,
            amount=_AMOUNT,
            client_order_id=f"{next(numbers):010d}",
            nonce=time.time_ns() // 1_000_000,
        )

    def check() -> None:
        sequence = next(numbers) + 1
        verify_http(encode(), form, _client_id(prefix, sequence))

    return Case(TEMPLATE, _repeated(encode), check)


def _loop(form: Form, prefix: str, library: Library) -> Case:
    loop = OrderLoop(library, KEY, SECRET, prefix, form is Form.PRODUCTION)
    first = (_SEQUENCE, _PRICE_TICKS, _AMOUNT_LOTS, _NONCE)

    def check() -> None:
        verify_http(loop.request(*first), form, _client_id(prefix, _SEQUENCE))

    return Case(LOOP, lambda repetitions: loop.run(repetitions, first), check)


def _floor(floor: Floor) -> Case:
    def check() -> None:
        verify_http(floor.order(), Form.PLAIN, _client_id(Form.PLAIN.prefix, _SEQUENCE))

    return Case(FLOOR, floor.run_orders, check)


def suite(form: Form, library: Library, floor: Floor | None) -> Suite:
    """Signing and building one order of this form."""
    prefix = form.prefix
    cases = [
        _guide(form, prefix),
        _ccxt(form, prefix),
        _create(form, prefix),
        _template(form, prefix),
        _loop(form, prefix, library),
    ]
    ratios = [
        Ratio(GUIDE, LOOP, at_least=15),
        Ratio(CCXT, LOOP, at_least=30),
        Ratio(CREATE, LOOP, at_least=150),
        Ratio(GUIDE, TEMPLATE),
        Ratio(CCXT, TEMPLATE),
    ]
    # The C floor knows the plain body only.
    if floor is not None and form is Form.PLAIN:
        cases.append(_floor(floor))
        ratios.append(Ratio(LOOP, FLOOR, at_most=1.2))
    return Suite(f"sign and build one order ({form.value})", "order", cases, ratios)
