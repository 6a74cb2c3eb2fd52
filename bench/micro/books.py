"""A book kept from depth frames, sixteen changed levels each.

Owns: the rivals' books, the slow twin that all are compared with. Must not know: how time is taken.
Invariant: after the whole stream every case's book equals the twin's, level by level.

The rivals keep floats, which is what they do in practice and the fastest that Python can do; they
neither check the chain of update ids nor cut at the subscribed depth.
"""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import ccxt.pro
import msgspec
import orjson

from bench.micro.floor import Floor
from bench.micro.measure import Case, Ratio, Suite, WrongAnswerError, expect
from bench.micro.native import FrameLoop, Library
from bench.micro.stream import AMOUNT_DECIMALS, MARKET, PRICE_DECIMALS, WINDOW
from whitewire import Book, BookEvent

__all__ = ["BOOK", "CCXT", "FLOOR", "LOOP", "MSGSPEC", "ORJSON", "Twin", "compare", "suite"]

ORJSON = "orjson, sorted lists (bisect)"
MSGSPEC = "msgspec typed, sorted lists (bisect)"
CCXT = f"ccxt.pro {ccxt.__version__}: orjson, handle_order_book"
BOOK = "Book.apply, called from Python"
LOOP = "Feed::on_frame, native loop"
FLOOR = "C floor"

Levels = list[tuple[Decimal, Decimal]]


class Twin:
    """The book as the venue's rules say it, as plainly as Python can: dictionaries of decimals."""

    def __init__(self) -> None:
        self._sides: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = ({}, {})
        self._update_id = 0

    def apply(self, frame: bytes) -> None:
        """Applies one frame.

        Raises:
            WrongAnswerError: the frame does not follow its predecessor.
        """
        is_snapshot, data, _ = json.loads(frame)["params"]
        if not is_snapshot:
            expect(data["past_update_id"] == self._update_id, "the stream has a gap")
        self._update_id = data["update_id"]
        for side, name in zip(self._sides, ("asks", "bids"), strict=True):
            if is_snapshot:
                side.clear()
            for price, amount in data[name]:
                if Decimal(amount):
                    side[Decimal(price)] = Decimal(amount)
                else:
                    side.pop(Decimal(price), None)

    def levels(self) -> tuple[Levels, Levels]:
        """(price, amount) of asks and bids, best first, at most the window."""
        asks, bids = self._sides
        return sorted(asks.items())[:WINDOW], sorted(bids.items(), reverse=True)[:WINDOW]


class _SortedBook:
    """Prices of a side in a sorted list, amounts in a dictionary: the usual quick Python book."""

    def __init__(self) -> None:
        self._asks: list[float] = []
        self._bids: list[float] = []
        self._ask_amounts: dict[float, float] = {}
        self._bid_amounts: dict[float, float] = {}

    def clear(self) -> None:
        for column in (self._asks, self._bids, self._ask_amounts, self._bid_amounts):
            column.clear()

    def levels(self) -> tuple[Levels, Levels]:
        asks = [(price, self._ask_amounts[price]) for price in self._asks]
        bids = [(price, self._bid_amounts[price]) for price in reversed(self._bids)]
        return _exact(asks), _exact(bids)


# The next two differ in where text becomes a number; a function shared by them, called for each
# level, would make both slower than what people write.
class _OrjsonBook(_SortedBook):
    def apply(self, frame: bytes) -> None:
        is_snapshot, data, _ = orjson.loads(frame)["params"]
        if is_snapshot:
            self.clear()
        self._put(data["asks"], self._asks, self._ask_amounts)
        self._put(data["bids"], self._bids, self._bid_amounts)

    @staticmethod
    def _put(
        levels: list[tuple[str, str]], prices: list[float], amounts: dict[float, float]
    ) -> None:
        for price_text, amount_text in levels:
            price, amount = float(price_text), float(amount_text)
            if amount:
                if price not in amounts:
                    insort(prices, price)
                amounts[price] = amount
            elif price in amounts:
                del amounts[price]
                del prices[bisect_left(prices, price)]


class _Data(msgspec.Struct, gc=False):
    asks: list[tuple[float, float]]
    bids: list[tuple[float, float]]


class _Push(msgspec.Struct, gc=False):
    params: tuple[bool, _Data, str]


class _MsgspecBook(_SortedBook):
    _decode = msgspec.json.Decoder(_Push, strict=False).decode

    def apply(self, frame: bytes) -> None:
        is_snapshot, data, _ = self._decode(frame).params
        if is_snapshot:
            self.clear()
        self._put(data.asks, self._asks, self._ask_amounts)
        self._put(data.bids, self._bids, self._bid_amounts)

    @staticmethod
    def _put(
        levels: list[tuple[float, float]], prices: list[float], amounts: dict[float, float]
    ) -> None:
        for price, amount in levels:
            if amount:
                if price not in amounts:
                    insort(prices, price)
                amounts[price] = amount
            elif price in amounts:
                del amounts[price]
                del prices[bisect_left(prices, price)]


class _NoClient:
    """Stands for ccxt's connection, which would wake whoever awaits the book."""

    def resolve(self, result: object, message_hash: str) -> None:
        pass


class _CcxtBook:
    _SYMBOL = "BTC/USDT:USDT"

    def __init__(self) -> None:
        self._client = _NoClient()
        self._exchange = ccxt.pro.whitebit({"newUpdates": False})
        market = self._exchange.safe_market_structure(
            {"id": MARKET, "symbol": self._SYMBOL, "base": "BTC", "quote": "USDT", "swap": True}
        )
        self._exchange.set_markets({self._SYMBOL: market})

    def apply(self, frame: bytes) -> None:
        self._exchange.handle_order_book(self._client, orjson.loads(frame))

    def levels(self) -> tuple[Levels, Levels]:
        book = self._exchange.orderbooks[self._SYMBOL]
        return _exact(book["asks"]), _exact(book["bids"])


class _OurBook:
    def __init__(self) -> None:
        self._book = Book(MARKET, PRICE_DECIMALS, AMOUNT_DECIMALS, depth=WINDOW)
        self.apply = self._book.apply

    def levels(self) -> tuple[Levels, Levels]:
        expect(not self._book.is_stale, "the book is stale")
        return self._book.asks(), self._book.bids()


def _exact(levels: Sequence[Sequence[Any]]) -> Levels:
    """Levels of floats as the decimals that the venue wrote."""
    return [(Decimal(repr(price)), Decimal(repr(amount))) for price, amount, *_ in levels]


def _scaled(rows: Sequence[tuple[int, int]], price_decimals: int, decimals: int) -> Levels:
    return [
        (Decimal(price).scaleb(-price_decimals), Decimal(amount).scaleb(-decimals))
        for price, amount in rows
    ]


def compare(levels: tuple[Levels, Levels], twin: Twin) -> None:
    """Compares asks and bids with the twin's.

    Raises:
        WrongAnswerError: naming the first level that differs.
    """
    for name, found, wanted in zip(("asks", "bids"), levels, twin.levels(), strict=True):
        expect(len(wanted) == WINDOW, f"the twin has {len(wanted)} {name}")
        expect(len(found) == WINDOW, f"the book has {len(found)} {name}")
        for rank, (level, right) in enumerate(zip(found, wanted, strict=True)):
            expect(level == right, f"{name}[{rank}] is {level}, the venue's is {right}")


def _python(
    name: str,
    make: Callable[[], _OrjsonBook | _MsgspecBook | _CcxtBook | _OurBook],
    frames: Sequence[bytes],
    twin: Twin,
) -> Case:
    book = make()

    def run(passes: int) -> None:
        apply = book.apply
        for _ in range(passes):
            for frame in frames:
                apply(frame)

    def check() -> None:
        run(1)
        compare(book.levels(), twin)

    return Case(name, run, check, items=len(frames))


def _our_events(frames: Sequence[bytes]) -> None:
    book = _OurBook()
    events = [book.apply(frame) for frame in frames]
    expect(events[0] == BookEvent.SNAPSHOT, f"the snapshot was {events[0]}")
    expect(events.count(BookEvent.DELTA) == len(frames) - 1, "a delta was not applied")


def _loop(library: Library, frames: Sequence[bytes], twin: Twin) -> Case:
    loop = FrameLoop(library, MARKET, frames)

    def check() -> None:
        loop.run(1)
        sides = (loop.levels(asks, 2 * WINDOW) for asks in (True, False))
        asks, bids = (_scaled(side, PRICE_DECIMALS, AMOUNT_DECIMALS) for side in sides)
        compare((asks, bids), twin)

    return Case(LOOP, loop.run, check, items=len(frames))


def _floor(floor: Floor, frames: Sequence[bytes], twin: Twin) -> Case:
    floor.take_depth(frames)

    def check() -> None:
        levels = floor.depth_levels()
        if levels is None:
            raise WrongAnswerError("a frame was not understood, or there was a gap")
        asks, bids = (_scaled(side, Floor.DECIMALS, Floor.DECIMALS) for side in levels)
        compare((asks, bids), twin)

    return Case(FLOOR, floor.run_depth, check, items=len(frames))


def suite(frames: Sequence[bytes], library: Library, floor: Floor | None) -> Suite:
    """Applying a snapshot and its deltas."""
    twin = Twin()
    for frame in frames:
        twin.apply(frame)
    _our_events(frames)
    cases = [
        _python(CCXT, _CcxtBook, frames, twin),
        _python(ORJSON, _OrjsonBook, frames, twin),
        _python(MSGSPEC, _MsgspecBook, frames, twin),
        _python(BOOK, _OurBook, frames, twin),
        _loop(library, frames, twin),
    ]
    ratios = [
        Ratio(ORJSON, BOOK, at_least=12),
        Ratio(CCXT, BOOK, at_least=25),
        Ratio(MSGSPEC, BOOK),
        Ratio(ORJSON, LOOP, at_least=18),
        Ratio(CCXT, LOOP, at_least=35),
        Ratio(MSGSPEC, LOOP, at_least=8),
    ]
    if floor is not None:
        cases.append(_floor(floor, frames, twin))
        ratios.append(Ratio(LOOP, FLOOR, at_most=1.25))
    levels = sum(frame.count(b'["') for frame in frames[1:]) / (len(frames) - 1)
    title = f"apply one depth delta ({levels:.1f} levels on average)"
    return Suite(title, "frame", cases, ratios)
