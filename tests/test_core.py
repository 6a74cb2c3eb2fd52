"""The rest of the core's face: histograms, HTTP responses, the gate's numbers, the engine.

The book has test_book, signatures and templates have test_signing, frames have test_vectors.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
from collections.abc import Callable
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core_feed import NO_LIMITS, CoreFeed, new_engine
from tests.depth_text import Message, Scale, Speller
from whitewire import Histogram, UsageError, _core
from whitewire._bridge import OrderConnection
from whitewire.errors import PeerError
from whitewire.market import Side
from whitewire.protocol.order_flags import Flags

QUICK = settings(deadline=None, max_examples=150)

# ---- histograms -----------------------------------------------------------------------------

LONGEST_NS = 2**40 - 1
durations = st.lists(
    st.integers(1, LONGEST_NS) | st.integers(1, 2000) | st.integers(10**3, 10**6), max_size=80
)
quantiles = st.sampled_from([0.0, 0.5, 0.9, 0.99, 0.999, 1.0])


def recorded(rows: list[int]) -> Histogram:
    """A histogram of these durations."""
    histogram = Histogram()
    for row in rows:
        histogram.record(row)
    return histogram


@given(rows=durations.filter(bool), quantile=quantiles)
@settings(QUICK)
def test_a_quantile_is_at_most_a_percent_above_a_recorded_value(
    rows: list[int], quantile: float
) -> None:
    histogram = recorded(rows)
    exact = sorted(rows)[max(0, math.ceil(quantile * len(rows)) - 1)]
    assert exact <= histogram.value_at(quantile) <= exact * 1.008
    assert (histogram.count, histogram.min, histogram.max) == (len(rows), min(rows), max(rows))
    assert histogram.mean == pytest.approx(sum(rows) / len(rows))


@given(some=durations, others=durations)
@settings(QUICK)
def test_merging_is_recording_both(some: list[int], others: list[int]) -> None:
    merged, together = recorded(some), recorded(some + others)
    merged.merge(recorded(others))
    for histogram in (merged, together):
        assert histogram.count == len(some) + len(others)
    for quantile in (0.0, 0.3, 0.5, 0.99, 1.0):
        assert merged.value_at(quantile) == together.value_at(quantile)
    assert (merged.min, merged.max) == (together.min, together.max)
    assert merged.mean == pytest.approx(together.mean)


def test_an_empty_histogram_and_the_ends_of_the_scale() -> None:
    empty = Histogram()
    assert (empty.count, empty.min, empty.max, empty.mean, empty.value_at(0.5)) == (0, 0, 0, 0, 0)
    ends = recorded([-5, 0, 2**62])
    assert (ends.count, ends.min, ends.max) == (3, 1, LONGEST_NS)


# ---- HTTP responses -------------------------------------------------------------------------

Response = tuple[int, bytes, bool]


class KeptStream(io.BytesIO):
    """A connection's bytes that survive the end of a response."""

    def close(self) -> None:
        """The next response is read from here too."""


class NaiveSocket:
    """As much of a socket as the standard library's client looks at."""

    def __init__(self, stream: KeptStream) -> None:
        self._stream = stream

    def makefile(self, mode: str) -> KeptStream:
        """The same stream for every response."""
        return self._stream


def naive_responses(data: bytes) -> list[Response]:
    """The responses of a connection, read by the standard library."""
    stream = KeptStream(data)
    responses = []
    while stream.tell() < len(data):
        found = http.client.HTTPResponse(cast(socket.socket, NaiveSocket(stream)), method="POST")
        found.begin()
        responses.append((found.status, found.read(), not found.will_close))
    return responses


def written(random: Random, is_last: bool) -> bytes:
    """A response in one of the forms that servers use."""
    status = random.choice([200, 200, 201, 400, 401, 422, 429, 500, 503, 204])
    body = random.randbytes(random.choice([0, 1, 15, 300]))
    version = random.choice(["HTTP/1.1", "HTTP/1.0"]) if is_last else "HTTP/1.1"
    lines = [f"{version} {status} {random.choice(['OK', 'Some Reason', ''])}", "Server: x"]
    if is_last and random.random() < 0.5:
        lines.append(random.choice(["Connection: close", "connection:  Close"]))
    interim = random.choice([b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
    if status == 204:
        return interim + "\r\n".join([*lines, "", ""]).encode()
    if version == "HTTP/1.1" and random.random() < 0.4:
        lines.append(random.choice(["Transfer-Encoding: chunked", "transfer-encoding: Chunked"]))
        return interim + "\r\n".join([*lines, "", ""]).encode() + chunked(body, random)
    lines.append(f"{random.choice(['Content-Length', 'content-length'])}: {len(body)}")
    return interim + "\r\n".join([*lines, "", ""]).encode() + body


def chunked(body: bytes, random: Random) -> bytes:
    """A body in chunks of any size, with extensions and trailers here and there."""
    out = b""
    while body:
        size = random.randint(1, len(body))
        extension = random.choice(["", "", ";x=1", ';name="value"'])
        out += f"{size:{random.choice('xX')}}{extension}\r\n".encode() + body[:size] + b"\r\n"
        body = body[size:]
    return out + b"0\r\n" + random.choice([b"", b"X-Trailer: 1\r\n"]) + b"\r\n"


def pieces(data: bytes, random: Random) -> list[bytes]:
    """The bytes as a socket might deliver them."""
    cuts = sorted(random.sample(range(len(data) + 1), min(len(data), random.randint(0, 12))))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@given(seed=st.integers(0, 2**32), count=st.integers(1, 5))
@settings(QUICK)
def test_responses_are_the_twins_however_they_arrive(seed: int, count: int) -> None:
    random = Random(seed)
    data = b"".join(written(random, number == count - 1) for number in range(count))
    parser = _core.HttpParser()
    found = [row for piece in pieces(data, random) for row in parser.feed(piece)]
    assert found == naive_responses(data)
    byte_by_byte = _core.HttpParser()
    assert [row for at in range(len(data)) for row in byte_by_byte.feed(data[at : at + 1])] == found


BROKEN = {
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "a length and chunks":
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length beyond the limit": b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n",
    "a length beyond 64 bits": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "chunks beyond the limit":
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + b"x" * 101 + b"\r\n",
    "a bad chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    "a chunk without its end":
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxxx\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 0123456789\r\n" * 800,
    "a folded header": b"HTTP/1.1 200 OK\r\nA: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    "garbage between responses":
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n",
    "bytes after the last response":
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200",
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "interim responses without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
}  # fmt: skip


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_stream_that_is_no_http_is_an_error_until_reset(data: bytes) -> None:
    parser = _core.HttpParser(max_body=100)
    with pytest.raises(PeerError) as caught:
        parser.feed(data)
    assert caught.value.code == "http-malformed"
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with pytest.raises(PeerError):
        parser.feed(good)
    parser.reset()
    assert parser.feed(good) == [(200, b"ok", True)]


# ---- the gate, by its numbers ---------------------------------------------------------------

Levels = list[tuple[int, int]]
CODES = {number: code for number, code, _ in _core.refusals()}
BUY = Flags.of(Side.BUY, True, False, False, "cn")
SELL = Flags.of(Side.SELL, True, False, False, "cn")
LIMITS = NO_LIMITS | {
    "min_order_lots": 10, "max_order_lots": 1000, "min_notional": 10_000,
    "max_notional": 1_000_000, "collar_ppm": 100_000, "price_step": 5, "amount_step": 2,
}  # fmt: skip


class Silent:
    """A handler whose connection is never made."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


class Desk:
    """An engine with a key and one market, whose orders meet the gate and go no further."""

    def __init__(self, asks: Levels, bids: Levels, **limits: int) -> None:
        market = ("BTC_USDT", 2, 6, 100)
        self.feed = CoreFeed(market, limits=LIMITS | limits, key="k", secret="s")
        self.engine = self.feed.engine
        self.engine.halt(False)
        message = Message(True, 1, asks=asks, bids=bids, market="BTC_USDT")
        self.feed.feed(Speller(Scale(2, 6), "captured").write(message))
        self.connection = OrderConnection(self.feed.path, cast(Any, Silent()), _core.HttpParser())

    def refusal(self, flags: int, price: int, amount: int, market: int = 0) -> str:
        """Why the core keeps an order from the wire."""
        nonce = 1_700_000_000_000
        return CODES[-self.connection.place(market, flags, price, amount, 1, nonce)]


@pytest.mark.parametrize(
    ("code", "flags", "price", "amount"),
    [
        ("price-not-positive", BUY, 0, 100),
        ("price-not-positive", BUY, -5, 100),
        ("amount-too-small", BUY, 1000, 8),
        ("amount-too-small", BUY, 1000, 0),
        ("amount-too-large", BUY, 1000, 1002),
        ("off-tick", BUY, 1001, 100),
        ("off-lot", BUY, 1000, 101),
        ("notional-too-small", BUY, 950, 10),
        ("notional-too-large", BUY, 1005, 1000),
        ("price-collar", BUY, 900, 100),
        ("price-collar", SELL, 1110, 100),
        ("would-cross", BUY, 1010, 100),
        ("would-cross", SELL, 1000, 100),
        ("not-encodable", BUY, 1000, 100),
    ],
)
def test_the_gate_says_why_by_its_number(code: str, flags: int, price: int, amount: int) -> None:
    desk = Desk(asks=[(1010, 5)], bids=[(1000, 5)])
    if code == "not-encodable":
        assert CODES[-desk.connection.place(0, flags, price, amount, 1, 0)] == code  # no nonce
    else:
        assert desk.refusal(flags, price, amount) == code


def test_nothing_is_placed_while_the_gate_is_shut() -> None:
    desk = Desk(asks=[(1010, 5)], bids=[(1000, 5)])
    desk.engine.halt_market(0, True)
    assert desk.refusal(BUY, 1000, 100) == "halted"
    desk.engine.halt_market(0, False)
    desk.engine.halt(True)
    assert desk.refusal(BUY, 1000, 100) == "halted"
    fresh = CoreFeed(("BTC_USDT", 2, 6, 100), key="k", secret="s")
    connection = OrderConnection(fresh.path, cast(Any, Silent()), _core.HttpParser())
    assert CODES[-connection.place(0, BUY, 1000, 100, 1, 1)] == "halted", "a new engine is shut"


def test_nothing_is_placed_on_a_book_that_cannot_be_trusted() -> None:
    desk = Desk(asks=[(1010, 5)], bids=[(1000, 5)])
    desk.engine.reset_feed()
    assert desk.refusal(BUY, 1000, 100) == "stale-book"
    assert Desk(asks=[], bids=[]).refusal(BUY, 1000, 100) == "no-reference"
    assert Desk([(1010, 5)], [(1000, 5)], max_book_age_ns=0).refusal(BUY, 1000, 100) == "stale-book"
    assert desk.refusal(BUY, 1000, 100, market=1) == "unknown-market"


def test_a_bulk_is_refused_leg_by_leg() -> None:
    desk = Desk(asks=[(1010, 5)], bids=[(1000, 5)])
    legs = [(0, BUY, 1000, 0, 1), (0, SELL, 1000, 100, 2)]
    written, refusals = desk.connection.bulk(legs, 1)
    assert CODES[-written] == "legs"
    assert [CODES[number] for number in refusals] == ["amount-too-small", "would-cross"]


def test_without_a_key_nothing_can_be_signed() -> None:
    feed = CoreFeed(("BTC_USDT", 2, 6, 100))
    connection = OrderConnection(feed.path, cast(Any, Silent()), _core.HttpParser())
    assert CODES[-connection.cancel(0, b"ww-1", 1)] == "no-key"
    with pytest.raises(UsageError, match="no API key"):
        feed.engine.prepare(0, BUY)


# ---- the engine -----------------------------------------------------------------------------


def test_every_flag_has_its_own_client_id_prefix_within_the_venues_limit() -> None:
    engine = CoreFeed(("BTC_USDT", 2, 6, 100), key="k", secret="s").engine
    combinations = [(True, False, False), (False, True, False), (False, False, True),
                    (False, False, False)]  # fmt: skip
    for side in Side:
        for post_only, ioc, rpi in combinations:
            for stp in Flags.STP:
                flags = Flags.of(side, post_only, ioc, rpi, stp)
                prefix = engine.client_id_prefix(0, flags)
                assert prefix.startswith("ww-test-")
                assert len(prefix) + 10 <= 64
                assert prefix.replace("-", "").isalnum()
                engine.prepare(0, flags)


def test_a_live_book_follows_the_engine_and_takes_no_frames() -> None:
    feed = CoreFeed(("BTC_USDT", 2, 6, 100))
    book = feed.engine.book(0, "BTC_USDT")
    frame = Speller(Scale(2, 6), "captured").write(
        Message(True, 9, asks=[(1010, 5)], bids=[], market="BTC_USDT")
    )
    feed.feed(frame)
    assert (book.best_ask_ticks, book.update_id, book.is_stale) == (1010, 9, False)
    assert book.ts_recv_ns > 0
    with pytest.raises(UsageError) as caught:
        book.apply(frame)
    assert caught.value.code == "book-is-live"
    feed.engine.reset_feed()
    assert book.is_stale


def test_a_book_outlives_whoever_else_held_its_engine() -> None:
    book = CoreFeed(("BTC_USDT", 2, 6, 100)).engine.book(0, "BTC_USDT")
    assert book.is_stale
    assert book.bids() == []


def test_stages_are_histograms_that_can_be_emptied() -> None:
    feed = CoreFeed()
    for number, name in enumerate(_core.STAGES):
        feed.path.record(number, 1000 + number)
        stage = feed.engine.stage(number)
        assert (stage.count, stage.max) == (1, 1000 + number), name
    feed.engine.reset_stages()
    assert all(feed.engine.stage(number).count == 0 for number in range(len(_core.STAGES)))
    with pytest.raises(UsageError):
        feed.engine.stage(len(_core.STAGES))


def test_two_engines_share_nothing() -> None:
    one, other = CoreFeed(("BTC_USDT", 2, 6, 100)), CoreFeed(("BTC_USDT", 2, 6, 100))
    one.feed('{"id": 1, "result": null, "error": null}')
    assert one.engine.counters()["frames"] == 1
    assert not any(other.engine.counters().values())


@pytest.mark.parametrize(
    ("market", "decimals"),
    [("BTC_USDT", (13, 0)), ("BTC_USDT", (0, -13)), ("", (0, 0)), ("A" * 33, (0, 0)),
     ("BTC/USDT", (0, 0))],
)  # fmt: skip
def test_a_market_that_cannot_be_kept_is_refused(market: str, decimals: tuple[int, int]) -> None:
    with pytest.raises(UsageError) as caught:
        new_engine(key="k", secret="s").add_market(market, *decimals, 100, NO_LIMITS)
    assert caught.value.code == "core-setup"


def test_a_market_is_added_once_and_all_its_limits_are_given() -> None:
    engine = new_engine()
    engine.add_market("BTC_USDT", 2, 6, 100, NO_LIMITS)
    with pytest.raises(UsageError, match="BTC_USDT"):
        engine.add_market("BTC_USDT", 2, 6, 100, NO_LIMITS)
    for name in NO_LIMITS:
        less = {limit: value for limit, value in NO_LIMITS.items() if limit != name}
        with pytest.raises(TypeError, match=name):
            engine.add_market("ETH_USDT", 2, 6, 100, less)


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine: engine.client_id_prefix(1, 0),
        lambda engine: engine.prepare(1, 0),
        lambda engine: engine.halt_market(1, True),
        lambda engine: engine.ticker(1),
        lambda engine: engine.book(1, "BTC_USDT").bids(),
    ],
    ids=["client_id_prefix", "prepare", "halt_market", "ticker", "book"],
)
def test_an_index_that_no_market_has_is_refused(ask: Callable[[_core.Engine], object]) -> None:
    with pytest.raises(UsageError):
        ask(CoreFeed(("BTC_USDT", 2, 6, 100)).engine)
