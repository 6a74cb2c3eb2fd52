"""Mutation fuzz of everything that reads bytes from outside, through its Python face.

    WHITEWIRE_FUZZ_SECONDS=60 WHITEWIRE_FUZZ_SEED=7 python tests/fuzz_core.py

Starts from the conformance vectors, damages them, and checks what must hold for any bytes: only
the documented errors, and an outcome that is coherent. A finding ends the run with the seed and the
input that reproduce it. Needs nothing but whitewire; `test_fuzz_core` runs a little of it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from whitewire import Book, BookEvent, ConfigError, UsageError
from whitewire._core import HttpParser, usual_answer
from whitewire.config import parse
from whitewire.errors import PeerError, VenueRefusal, WhitewireError
from whitewire.protocol import control_replies
from whitewire.protocol.replies import (
    Ack,
    Ambiguous,
    Refused,
    RequestKind,
    classify,
    classify_bulk,
)

T = TypeVar("T")
VECTORS = Path(__file__).resolve().parent / "vectors"
STATUSES = (200, 201, 204, 400, 401, 403, 404, 422, 429, 453, 500, 503)
CONFIGURATION = b"""\
[venue]
rest = "https://127.0.0.1:8443"
public_rest = "https://127.0.0.1:8444"
ws = "wss://127.0.0.1:8445/ws"
route_overrides = { cancel_all = "colocation" }
[markets.BTC_USDT]
max_order_amount = "0.05"
max_order_notional = "5000"
[orders]
transport = "pipelined"
connections = 4
[feed]
depth = 100
[kill_switch]
timeout_s = 30
"""
RESPONSES = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 422 Unprocessable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
)
# Words that readers look for: they reach deeper than random bytes.
DICTIONARY = (
    *(b"null", b"true", b"[]", b"{}", b'""', b"0", b"-1", b"1e999", b"NaN", b"\\u0000", b"\\ud800"),
    *(b"9223372036854775808", b'"0e-8"', b'"asks"', b'"bids"', b'"update_id"', b'"past_update_id"'),
    *(b'"errors"', b'"code"', b'"result"', b'"orderId"', b"\r\n", b"\r\n\r\n", b"Content-Length: "),
    *(b"Transfer-Encoding: chunked", b"ffffffffffffffff", b"\xff\xfe", b"\x00", b"[" * 64),
)


# ---- damage ---------------------------------------------------------------------------------


def mutate(data: bytes, random: Random) -> bytes:
    """The data with one to four pieces of damage."""
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data) + 1)
        end = min(len(data), at + random.choice((1, 1, 2, 8, 40)))
        replacement = random.choice((
            b"",
            random.randbytes(end - at),
            random.choice(DICTIONARY),
            data[at:end] * 2,
            bytes(byte ^ 1 << random.randrange(8) for byte in data[at:end]),
            data[random.randrange(len(data) + 1) :][:60],
        ))  # fmt: skip
        data = data[:at] + replacement + data[end:]
    return data


def vectors(name: str) -> list[dict[str, Any]]:
    """The conformance vectors of one file."""
    document = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = document["vectors"]
    return rows


def attempt(call: Callable[[], T]) -> tuple[T | None, WhitewireError | None]:
    """What a call returned, or the error of ours that it raised; others are findings."""
    try:
        return call(), None
    except WhitewireError as error:
        return None, error


# ---- targets --------------------------------------------------------------------------------


class BookTarget:
    """One book through good and damaged messages: it is stale, or it is a possible book."""

    def __init__(self) -> None:
        self._sessions = [(row["book"], row["input"]) for row in vectors("depth")]

    def __call__(self, random: Random) -> None:
        """One session."""
        shape, frames = random.choice(self._sessions)
        book = Book(**shape)
        for frame in frames * 2:
            data = frame.encode()
            if random.random() < 0.6:
                data = mutate(data, random)
            before = (book.asks(), book.bids(), book.update_id)
            found, _ = attempt(partial(book.apply, data))
            event = BookEvent.OTHER if found is None else found
            if event in (BookEvent.OTHER, BookEvent.IGNORED, BookEvent.STALE):
                assert before == (book.asks(), book.bids(), book.update_id), data
            assert event not in (BookEvent.GAP, BookEvent.STALE) or book.is_stale, data
            check_book(book, shape["depth"])


def check_book(book: Book, depth: int) -> None:
    """What holds for any book."""
    asks, bids = book.asks(), book.bids()
    for side, sign in ((asks, 1), (bids, -1)):
        prices = [sign * price for price, _ in side]
        assert prices == sorted(set(prices)), book
        assert all(price > 0 and amount > 0 for price, amount in side), book
        assert len(side) <= depth, book
    assert book.is_stale or not (asks and bids) or bids[0][0] < asks[0][0], book
    assert book.best_ask == (asks[0] if asks else None), book
    assert book.best_bid == (bids[0] if bids else None), book


def http_target(random: Random) -> None:
    """Damaged responses: the same answers and the same end, however the bytes are cut."""
    data = b"".join(random.choice(RESPONSES) for _ in range(random.randint(1, 4)))
    data = mutate(data, random)
    whole, whole_failed = responses(HttpParser(1 << 16), [data])
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.randint(0, 8)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    parts, parts_failed = responses(HttpParser(1 << 16), pieces)
    assert whole_failed == parts_failed
    # a call that fails keeps what it had found to itself, so a failed whole may have said less
    assert parts[: len(whole)] == whole if whole_failed else parts == whole
    for status, body, _ in parts:
        assert 200 <= status <= 999
        assert len(body) <= 1 << 16


def responses(
    parser: HttpParser, pieces: list[bytes]
) -> tuple[list[tuple[int, bytes, bool]], bool]:
    """What a parser found, and whether it failed."""
    found: list[tuple[int, bytes, bool]] = []
    try:
        for piece in pieces:
            found += parser.feed(piece)
    except PeerError:
        return found, True
    return found, False


class ReplyTarget:
    """Damaged answers: always a verdict, never an acceptance that the status does not allow."""

    def __init__(self) -> None:
        self._orders = [row["input"] for row in vectors("order_replies")]
        self._bulks = [row["input"] for row in vectors("bulk_replies")]
        self._controls = [row["input"] for row in vectors("control_replies")]

    def __call__(self, random: Random) -> None:
        """One answer of each kind."""
        self._order(random)
        self._bulk(random)
        self._control(random)

    def _order(self, random: Random) -> None:
        asked = random.choice(self._orders)
        status = random.choice((asked["status"], *STATUSES))
        body = mutate(asked["body"].encode(), random)
        check_verdict(classify(random.choice(list(RequestKind)), status, body), status)
        check_short(body)

    def _bulk(self, random: Random) -> None:
        asked = random.choice(self._bulks)
        status, legs = random.choice((asked["status"], *STATUSES)), random.randint(1, 20)
        body = mutate(asked["body"].encode(), random)
        replies = classify_bulk(status, body, legs, random.random() < 0.5)
        assert len(replies) == legs
        for reply in replies:
            check_verdict(reply, status)

    def _control(self, random: Random) -> None:
        asked = random.choice(self._controls)
        read = getattr(control_replies, f"read_{asked['reader']}")
        status = random.choice((asked["status"], *STATUSES))
        body = mutate(asked["body"].encode(), random)
        _, error = attempt(lambda: read(status, body, **asked["arguments"]))
        if error is None:
            assert 200 <= status < 300
        elif isinstance(error, VenueRefusal):
            assert 400 <= status < 500
            assert error.status == status
        else:
            assert isinstance(error, PeerError)
            assert error.code in ("venue-answer", "venue-unavailable")


def check_short(body: bytes) -> None:
    """What is read in short is an acceptance of the same to the general reader."""
    found = usual_answer(body, "BTC_USDT", "q-1", 2, 6, False)
    if found is not None:
        venue_id, ticks, _, is_canceled = found
        reply = classify(RequestKind.PLACE, 200, body)
        assert isinstance(reply, Ack)
        assert (reply.order.venue_id, reply.order.price) == (venue_id, ticks * Decimal("0.01"))
        assert (reply.order.finish is not None, reply.order.deal_stock) == (is_canceled, 0)


def check_verdict(reply: Ack | Refused | Ambiguous, status: int) -> None:
    """A verdict claims no more than the status allows."""
    if isinstance(reply, Ack):
        assert 200 <= status < 300
        amounts = (reply.order.amount, reply.order.left, reply.order.deal_stock)
        assert all(amount.is_finite() for amount in amounts), reply
    elif isinstance(reply, Refused):
        assert status < 500
        assert reply.reject.code
    else:
        assert reply.reason


def config_target(random: Random) -> None:
    """Damaged configurations: coherent, or one sentence with a code."""
    text = mutate(CONFIGURATION, random)
    config, error = attempt(lambda: parse(text))
    if config is None:
        assert isinstance(error, ConfigError)
        assert error.code.startswith("config-")
        assert str(error)
    else:
        assert config.markets
        assert all(market.max_order_amount > 0 for market in config.markets.values())


def market_target(random: Random) -> None:
    """Any name and scale: a book, or a refusal."""
    name = mutate(b"BTC_USDT", random).decode("utf-8", "replace")
    scale = random.choice((-128, -13, -12, 0, 2, 12, 13, 127)), random.randint(-14, 14)
    depth = random.randint(0, 2000)
    book, error = attempt(lambda: Book(name, *scale, depth))
    if book is None:
        assert isinstance(error, UsageError)
        assert error.code == "book-setup"
    else:
        assert book.is_stale
        assert all(-12 <= decimals <= 12 for decimals in scale)


def targets() -> dict[str, Callable[[Random], None]]:
    """Everything that is fuzzed, by name."""
    return {
        "book": BookTarget(),
        "http": http_target,
        "replies": ReplyTarget(),
        "config": config_target,
        "markets": market_target,
    }


# ---- driver ---------------------------------------------------------------------------------


def fuzz(seed: int, seconds: float, most: int | None = None) -> Counter[str]:
    """Runs every target in turn; how often each.

    Args:
        seed: of the run; iteration i is seeded with (seed, i) alone, so it can be repeated alone.
        seconds: when to end.
        most: iterations at most, None for as many as there is time for.

    Raises:
        Exception: a finding; a note says how to repeat it.
    """
    done: Counter[str] = Counter()
    chosen = targets()
    deadline = time.monotonic() + seconds
    iteration = 0
    while time.monotonic() < deadline and (most is None or iteration < most):
        for name, target in chosen.items():
            try:
                target(Random(f"{seed}/{iteration}"))
            except BaseException as finding:
                finding.add_note(f"target {name}, seed {seed}, iteration {iteration}")
                raise
            done[name] += 1
        iteration += 1
    return done


def main() -> int:
    """Fuzzes for WHITEWIRE_FUZZ_SECONDS (10) with WHITEWIRE_FUZZ_SEED (by the clock)."""
    seconds = float(os.environ.get("WHITEWIRE_FUZZ_SECONDS", "10"))
    seed = int(os.environ.get("WHITEWIRE_FUZZ_SEED", str(time.time_ns() % 10**9)))
    print(f"fuzzing for {seconds:g} s with seed {seed}")
    for name, count in fuzz(seed, seconds).items():
        print(f"{name}: {count} iterations, no finding")
    return 0


if __name__ == "__main__":
    sys.exit(main())
