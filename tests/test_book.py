"""The core's book against its slow twin, and the face that it shows to Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core_feed import CoreFeed
from tests.depth_text import Message, Scale, Speller
from tests.naive_book import NaiveBook
from whitewire import Book, BookEvent, UsageError
from whitewire.errors import PeerError

MARKET = "BTC_PERP"
SCALES = [Scale(1, 3), Scale(0, 0), Scale(8, 8), Scale(9, -6), Scale(-1, 0)]
STYLES = ["captured", "compact", "odd"]
QUICK = settings(deadline=None, max_examples=150)


def events() -> dict[str, BookEvent]:
    """The events by name."""
    names = ("SNAPSHOT", "DELTA", "GAP", "STALE", "OTHER", "IGNORED")
    return {name: getattr(BookEvent, name) for name in names}


class Pair:
    """A book and its twin, which must never differ."""

    def __init__(self, scale: Scale, depth: int) -> None:
        self.fast = Book(MARKET, scale.price_decimals, scale.amount_decimals, depth)
        self.slow = NaiveBook(MARKET, scale.price_decimals, scale.amount_decimals, depth)

    def apply(self, frame: str) -> BookEvent:
        """Gives both the same text."""
        event = self.fast.apply(frame)
        assert event == events()[self.slow.apply(frame)], frame
        self.compare(frame)
        return event

    def compare(self, frame: str) -> None:
        """Every level, the counter and the freshness."""
        assert self.fast.asks() == self.slow.asks, frame
        assert self.fast.bids() == self.slow.bids, frame
        assert self.fast.update_id == self.slow.update_id, frame
        assert self.fast.is_stale == self.slow.is_stale, frame


# ---- any sequence of messages ---------------------------------------------------------------


class Step(NamedTuple):
    """One message, relative to where the book stands when it comes."""

    kind: str
    jump: int
    asks: list[tuple[int, int]] | None
    bids: list[tuple[int, int]] | None
    style: str
    seed: int


def sides(lowest: int, highest: int) -> st.SearchStrategy[list[tuple[int, int]] | None]:
    """Changes of a side: prices repeat, and a third of the amounts is zero."""
    amount = st.one_of(st.just(0), st.integers(1, 10**6), st.integers(1, 9))
    change = st.tuples(st.integers(lowest, highest), amount)
    return st.none() | st.lists(change, max_size=12)


# Deltas that chain are the rule; bids and asks overlap by a few prices, so that some cross.
KINDS = ["delta"] * 8 + ["snapshot", "keepalive", "gap", "older", "duplicate", "elsewhere"]
STEPS = st.lists(
    st.builds(
        Step,
        kind=st.sampled_from(KINDS),
        jump=st.integers(1, 10**6),
        asks=sides(38, 70),
        bids=sides(1, 40),
        style=st.sampled_from(STYLES),
        seed=st.integers(0, 2**32),
    ),
    min_size=1,
    max_size=25,
)


def message(step: Step, twin: NaiveBook) -> Message:
    """The step's message for a book that stands where the twin stands."""
    here = twin.update_id
    next_id = here + step.jump
    asks, bids = step.asks, step.bids
    if step.kind == "snapshot":
        return Message(True, next_id, asks=asks or [], bids=bids or [])
    if step.kind == "keepalive":
        # what the book holds, once more: neither a gap nor a reconnect
        unchanged = [twin.asks, twin.bids]
        ticks = [[(int(p / twin._tick), int(a / twin._lot)) for p, a in side] for side in unchanged]
        return Message(True, here, asks=ticks[0], bids=ticks[1])
    made = Message(False, next_id, here, asks, bids)
    # a lost message leaves a gap, a server that lost its place may overlap: both break the chain
    elsewhere = here + (step.jump if step.seed % 2 else -step.jump)
    return {
        "delta": made,
        "gap": replace(made, past_update_id=elsewhere, update_id=next_id + step.jump),
        "older": replace(made, update_id=max(0, here - step.jump), past_update_id=here),
        "duplicate": replace(made, update_id=here),
        "elsewhere": replace(made, market="ETH_PERP"),
    }[step.kind]


@given(steps=STEPS, scale=st.sampled_from(SCALES), depth=st.sampled_from([1, 3, 20, 100]))
@settings(QUICK, max_examples=200)
@example(
    # the first delta comes before any snapshot, and a crossed snapshot is not believed
    steps=[
        Step("delta", 1, [(40, 1)], None, "captured", 0),
        Step("snapshot", 5, [(40, 1)], [(40, 1)], "captured", 0),
        Step("delta", 1, None, [(40, 0)], "compact", 0),
        Step("snapshot", 5, [(41, 1)], [(40, 1)], "odd", 0),
    ],
    scale=Scale(1, 3),
    depth=3,
)
def test_any_sequence_gives_the_twins_book(steps: list[Step], scale: Scale, depth: int) -> None:
    pair = Pair(scale, depth)
    for step in steps:
        speller = Speller(scale, step.style, Random(step.seed))
        pair.apply(speller.write(message(step, pair.slow)))


@pytest.mark.parametrize("style", STYLES)
def test_a_long_session_gives_the_twins_book(style: str) -> None:
    random = Random(7)
    scale = Scale(1, 3)
    speller = Speller(scale, style, random if style == "odd" else None)
    pair = Pair(scale, 100)
    middle = 630_000
    seen, widest = set(), 0
    for update in range(1, 400):
        middle += random.randint(-8, 8)
        # the two sides share no price, but a side may hold what the other one has reached
        asks = {middle + random.randint(1, 150): random.choice([0, 5, 1000]) for _ in range(20)}
        bids = {middle - random.randint(0, 150): random.choice([0, 5, 1000]) for _ in range(20)}
        swept = range(middle - 8, middle + 9)
        asks |= {price: 0 for price in swept if price <= middle}
        bids |= {price: 0 for price in swept if price > middle}
        made = Message(
            is_snapshot=update == 1,
            update_id=update,
            past_update_id=update - 1,
            asks=sorted(asks.items()),
            bids=sorted(bids.items(), reverse=True),
        )
        seen.add(pair.apply(speller.write(made)))
        widest = max(widest, len(pair.slow.asks) + len(pair.slow.bids))
    assert seen == {BookEvent.SNAPSHOT, BookEvent.DELTA}
    assert widest == 200, "the window never filled up, so nothing was cut"


@pytest.mark.parametrize(
    ("style", "reader"),
    [("captured", "fast_path"), ("compact", "fast_path"), ("odd", "general_path")],
)
def test_every_reader_of_the_core_is_compared(style: str, reader: str) -> None:
    feed = CoreFeed((MARKET, 1, 3, 100))
    speller = Speller(Scale(1, 3), style, Random(3) if style == "odd" else None)
    for update in range(1, 20):
        feed.feed(speller.write(Message(update == 1, update, update - 1, [(50, update)], [])))
    counters = feed.engine.counters()
    assert counters[reader] == counters["frames"] == 19
    assert (counters["snapshots"], counters["deltas"]) == (1, 18)


# ---- damaged bytes --------------------------------------------------------------------------


def flip(frame: bytes, random: Random) -> bytes:
    at = random.randrange(len(frame))
    return frame[:at] + bytes([frame[at] ^ 1 << random.randrange(8)]) + frame[at + 1 :]


def overwrite(frame: bytes, random: Random) -> bytes:
    at = random.randrange(len(frame))
    return frame[:at] + random.choice(b'0123456789.,:[]{}"e-tfn \\').to_bytes() + frame[at + 1 :]


def truncate(frame: bytes, random: Random) -> bytes:
    return frame[: random.randrange(len(frame))]


def delete(frame: bytes, random: Random) -> bytes:
    at = random.randrange(len(frame))
    return frame[:at] + frame[at + random.randint(1, 8) :]


def repeat(frame: bytes, random: Random) -> bytes:
    start = random.randrange(len(frame))
    piece = frame[start : start + random.randint(1, 40)]
    at = random.randrange(len(frame))
    return frame[:at] + piece + frame[at:]


DAMAGES: list[Callable[[bytes, Random], bytes]] = [flip, overwrite, truncate, delete, repeat]


def state(book: Book) -> tuple[Any, ...]:
    """Everything that a strategy could act on."""
    return book.asks(), book.bids(), book.update_id, book.is_stale


@given(
    seed=st.integers(0, 2**32),
    style=st.sampled_from(STYLES),
    damages=st.lists(st.sampled_from(DAMAGES), min_size=1, max_size=3),
)
@settings(QUICK, max_examples=400)
def test_damage_never_leaves_a_wrong_book_that_looks_fresh(
    seed: int, style: str, damages: list[Callable[[bytes, Random], bytes]]
) -> None:
    random = Random(seed)
    scale = Scale(1, 3)
    pair = Pair(scale, 5)
    plain = Speller(scale, style, None)
    pair.apply(plain.write(Message(True, 10, asks=[(50, 5), (51, 7)], bids=[(49, 5), (48, 7)])))
    frame = plain.write(Message(False, 12, 10, [(50, 0), (52, 100)], [(49, 1000), (47, 25)]))
    before = state(pair.fast)
    damaged = frame.encode()
    for damage in damages:
        damaged = damage(damaged, random) or b"{"
    event, fault = None, None
    try:
        event = pair.fast.apply(damaged)
    except PeerError as error:
        fault = error
    if fault is not None:
        assert fault.code == "frame-malformed"
        assert pair.fast.is_stale or state(pair.fast) == before
    elif event in (BookEvent.SNAPSHOT, BookEvent.DELTA):
        # accepted, so the twin must be able to read it, and to the same end
        assert events()[pair.slow.apply(damaged.decode())] == event
        pair.compare(repr(damaged))
    elif event in (BookEvent.GAP, BookEvent.STALE):
        assert pair.fast.is_stale
    else:
        assert state(pair.fast) == before


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("more decimals than the market has", '"update_id": 2, "asks": [["5.01", "1"]]'),
        ("a size finer than a lot", '"update_id": 2, "asks": [["5", "0.0001"]]'),
        ("a bad number behind a good one", '"update_id": 2, "asks": [["5", "1"], ["6", "x"]]'),
        ("a price of zero", '"update_id": 2, "asks": [["0", "1"]]'),
        ("a negative size", '"update_id": 2, "asks": [["5", "-1"]]'),
        ("a price as a JSON number", '"update_id": 2, "asks": [[5.1, "1"]]'),
        ("a level of three", '"update_id": 2, "asks": [["5", "1", "1"]]'),
        ("no counter", '"asks": [["5", "1"]]'),
        ("a counter with a fraction", '"update_id": 2.5, "asks": []'),
        ("a counter beyond 64 bits", '"update_id": 9223372036854775808, "asks": []'),
    ],
)
def test_a_message_that_cannot_be_read_makes_the_book_stale(name: str, body: str) -> None:
    pair = Pair(Scale(1, 3), 10)
    speller = Speller(Scale(1, 3), "captured")
    first = speller.write(Message(True, 1, asks=[(50, 1)], bids=[(49, 1)]))
    pair.apply(first)
    frame = (
        f'{{"method": "depth_update", "params": [false, {{"timestamp": 1, "past_update_id": 1, '
        f'{body}, "event_time": 1}}, "{MARKET}"], "id": null}}'
    )
    with pytest.raises(PeerError) as caught:
        pair.fast.apply(frame)
    assert str(caught.value), name
    assert pair.fast.is_stale
    # the next snapshot repairs it
    assert pair.fast.apply(first) == BookEvent.SNAPSHOT
    assert not pair.fast.is_stale


# ---- the face -------------------------------------------------------------------------------


@pytest.fixture
def book() -> Book:
    made = Book(MARKET, 1, 3, depth=10)
    asks, bids = [(629_742, 17), (629_800, 1)], [(629_658, 5), (629_600, 1090)]
    frame = Speller(Scale(1, 3), "captured").write(Message(True, 7, asks=asks, bids=bids))
    assert made.apply(frame, recv_ns=123) == BookEvent.SNAPSHOT
    return made


def test_levels_are_decimals_best_first(book: Book) -> None:
    assert book.bids() == [(Decimal("62965.8"), Decimal("0.005")),
                           (Decimal("62960"), Decimal("1.09"))]  # fmt: skip
    assert book.asks(1) == [(Decimal("62974.2"), Decimal("0.017"))]
    assert book.asks(0) == []
    assert len(book.asks(99)) == 2
    assert all(type(number) is Decimal for level in book.bids() for number in level)


def test_best_prices_and_their_middle(book: Book) -> None:
    assert book.best_bid == (Decimal("62965.8"), Decimal("0.005"))
    assert book.best_ask == (Decimal("62974.2"), Decimal("0.017"))
    assert (book.best_bid_ticks, book.best_ask_ticks) == (629_658, 629_742)
    assert book.mid == Decimal("62970")


def test_times_and_names(book: Book) -> None:
    assert (book.market, book.depth, book.update_id, book.is_stale) == (MARKET, 10, 7, False)
    assert book.ts_book_ns == 1_785_730_130_604_051_100
    assert book.ts_exch_ns == 1_785_730_135_194_067_000
    assert book.ts_recv_ns == 123
    assert MARKET in repr(book)


def test_an_empty_book_says_so() -> None:
    book = Book(MARKET, 1, 3)
    assert book.is_stale
    assert book.depth == 100
    assert (book.best_bid, book.best_ask, book.mid) == (None, None, None)
    assert (book.best_bid_ticks, book.best_ask_ticks, book.update_id) == (None, None, 0)
    assert book.bids() == book.asks() == []


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_frames_come_as_any_kind_of_bytes(kind: Callable[[bytes], Any]) -> None:
    frame = Speller(Scale(1, 3), "captured").write(Message(True, 7, asks=[(5, 1)], bids=[]))
    book = Book(MARKET, 1, 3)
    assert book.apply(kind(frame.encode())) == BookEvent.SNAPSHOT
    assert book.apply(frame) == BookEvent.SNAPSHOT


@pytest.mark.parametrize("value", [None, 5, 1.5, object()])
def test_a_frame_is_bytes_or_text(value: Any) -> None:
    with pytest.raises(TypeError):
        Book(MARKET, 1, 3).apply(value)


@pytest.mark.parametrize(
    "arguments",
    [("", 1, 3, 10), ("a b", 1, 3, 10), ("M" * 33, 1, 3, 10), ("M", 13, 3, 10), ("M", 1, -13, 10),
     ("M", 1, 3, 0), ("M", 1, 3, 1001)],
)  # fmt: skip
def test_a_book_that_cannot_be_kept_is_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        Book(*arguments)
    assert caught.value.code == "book-setup"


def test_events_are_values() -> None:
    numbers = {name: int(event) for name, event in events().items()}
    assert sorted(numbers.values()) == list(range(len(numbers)))
    assert len(set(events().values())) == len(numbers)
    assert BookEvent.GAP == BookEvent.GAP != BookEvent.STALE
    assert "GAP" in str(BookEvent.GAP)
