"""The top of the book from bookTicker frames.

Owns: the rivals' readers of a ticker. Must not know: how time is taken. Invariant: every case hands
over the same four numbers, checked for every frame of the stream.

Three rows of ours are called from Python. One is a single call with a frame, after which the
numbers lie in the core: what the bound of 4.2 floors was measured with. One returns the four
numbers, as the rivals' calls do; the tuple costs more than the frame. The third is the gateway's
own way: the frame as picows delivers it goes through the feed's listener, which calls the
strategy's callback, which asks the engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import cast

import msgspec
import orjson
from picows import WSMsgType, WSTransport
from picows.picows import _make_test_ws_frame

from bench.micro.floor import Floor
from bench.micro.measure import Case, Ratio, Suite, WrongAnswerError, expect
from bench.micro.native import FrameLoop, Library
from bench.micro.stream import AMOUNT_DECIMALS, MARKET, NO_LIMITS, PRICE_DECIMALS
from whitewire import _core
from whitewire._bridge import FeedListener, Path
from whitewire.protocol.events import EventKind

__all__ = [
    "CALL",
    "CALLBACK",
    "ENTRY",
    "FLOOR",
    "LOOP",
    "LOOP_OF_ONE",
    "MSGSPEC",
    "ORJSON",
    "suite",
]

ORJSON = "orjson, float()"
MSGSPEC = "msgspec typed"
ENTRY = "Engine.on_frame, called from Python"
CALL = "Engine.take_ticker, called from Python"
CALLBACK = "FeedListener, on_ticker, Engine.ticker"
LOOP = "Feed::on_frame, native loop"
LOOP_OF_ONE = "Feed::on_frame, native loop, one frame again and again"
FLOOR = "C floor, one frame again and again"

Top = tuple[Decimal, ...]
FloatTop = tuple[float, float, float, float]


class _Push(msgspec.Struct, gc=False):
    params: tuple[tuple[float, float, str, int, float, float, float, float]]


class _OnlyTickers:
    """The listener's handler: this stream has nothing for it."""

    def on_open(self, transport: object) -> None:
        raise WrongAnswerError("the listener heard of a connection")

    def on_close(self) -> None:
        raise WrongAnswerError("the listener heard of a connection's end")

    def on_event(self, kind: int, market: int, event: object) -> None:
        raise WrongAnswerError(f"a ticker was taken for an event of kind {kind}")

    def on_fault(self, error: object) -> None:
        raise WrongAnswerError(f"a ticker was refused: {error}")


def _twin(frame: bytes) -> Top:
    return tuple(Decimal(text) for text in json.loads(frame)["params"][0][4:])


def _exact(ticks: int, lots: int, ask_ticks: int, ask_lots: int) -> Top:
    scales = (PRICE_DECIMALS, AMOUNT_DECIMALS, PRICE_DECIMALS, AMOUNT_DECIMALS)
    units = (ticks, lots, ask_ticks, ask_lots)
    return tuple(Decimal(n).scaleb(-scale) for n, scale in zip(units, scales, strict=True))


def _rival(name: str, read: Callable[[bytes], FloatTop], frames: Sequence[bytes]) -> Case:
    def run(passes: int) -> None:
        for _ in range(passes):
            for frame in frames:
                read(frame)

    def check() -> None:
        for frame in frames:
            found = tuple(Decimal(repr(number)) for number in read(frame))
            expect(found == _twin(frame), f"{frame!r} was read as {found}")

    return Case(name, run, check, items=len(frames))


def _orjson(frame: bytes) -> FloatTop:
    row = orjson.loads(frame)["params"][0]
    return float(row[4]), float(row[5]), float(row[6]), float(row[7])


_decode = msgspec.json.Decoder(_Push, strict=False).decode


def _msgspec(frame: bytes) -> FloatTop:
    row = _decode(frame).params[0]
    return row[4], row[5], row[6], row[7]


def _callback(frames: Sequence[bytes]) -> Case:
    engine = _core.Engine(host="localhost", paths=("/", "/", "/", "/"), id_base="mm-")
    market = engine.add_market(MARKET, PRICE_DECIMALS, AMOUNT_DECIMALS, 100, NO_LIMITS)
    listener = FeedListener(Path(engine), _OnlyTickers(), 1)
    top = engine.ticker(market)

    def on_ticker() -> None:
        nonlocal top
        top = engine.ticker(market)

    listener.watch(market, None, on_ticker)
    delivered = [_make_test_ws_frame(WSMsgType.TEXT, frame, True, False) for frame in frames]
    # The listener needs its transport to answer pings and closes, which do not come here.
    nowhere = cast(WSTransport, None)

    def run(passes: int) -> None:
        take = listener.on_ws_frame
        for _ in range(passes):
            engine.reset_feed()
            for frame in delivered:
                take(nowhere, frame)

    def check() -> None:
        engine.reset_feed()
        for frame, delivery in zip(frames, delivered, strict=True):
            listener.on_ws_frame(nowhere, delivery)
            if top is None:
                raise WrongAnswerError(f"{frame!r} left no ticker")
            expect(_exact(*top[:4]) == _twin(frame), f"{frame!r} was read as {top}")

    return Case(CALLBACK, run, check, items=len(frames))


def _entry(frames: Sequence[bytes]) -> Case:
    engine = _core.Engine(host="localhost", paths=("/", "/", "/", "/"), id_base="mm-")
    market = engine.add_market(MARKET, PRICE_DECIMALS, AMOUNT_DECIMALS, 100, NO_LIMITS)

    def run(passes: int) -> None:
        take = engine.on_frame
        for _ in range(passes):
            engine.reset_feed()
            for frame in frames:
                take(frame, 0)

    def check() -> None:
        engine.reset_feed()
        for frame in frames:
            expect(engine.on_frame(frame, 0) == EventKind.TICKER, f"{frame!r} was no ticker")
            top = engine.ticker(market)
            if top is None:
                raise WrongAnswerError(f"{frame!r} left no ticker")
            expect(_exact(*top[:4]) == _twin(frame), f"{frame!r} was read as {top}")

    return Case(ENTRY, run, check, items=len(frames))


def _call(frames: Sequence[bytes]) -> Case:
    engine = _core.Engine(host="localhost", paths=("/", "/", "/", "/"), id_base="mm-")
    engine.add_market(MARKET, PRICE_DECIMALS, AMOUNT_DECIMALS, 100, NO_LIMITS)

    def run(passes: int) -> None:
        take = engine.take_ticker
        for _ in range(passes):
            engine.reset_feed()
            for frame in frames:
                take(frame)

    def check() -> None:
        engine.reset_feed()
        for frame in frames:
            top = engine.take_ticker(frame)
            if top is None:
                raise WrongAnswerError(f"{frame!r} left no ticker")
            expect(_exact(*top) == _twin(frame), f"{frame!r} was read as {top}")

    return Case(CALL, run, check, items=len(frames))


def _loop(name: str, library: Library, frames: Sequence[bytes]) -> Case:
    loop = FrameLoop(library, MARKET, frames)

    def check() -> None:
        for frame in frames:
            single = FrameLoop(library, MARKET, [frame])
            single.run(1)
            top = single.ticker()
            if top is None:
                raise WrongAnswerError(f"{frame!r} left no ticker")
            expect(_exact(*top) == _twin(frame), f"{frame!r} was read as {top}")
        loop.run(1)

    return Case(name, loop.run, check, items=len(frames))


def _floor(floor: Floor, frame: bytes, repeats: int) -> Case:
    def check() -> None:
        top = floor.take_ticker(frame)
        wanted = tuple(int(number.scaleb(Floor.DECIMALS)) for number in _twin(frame))
        expect(top == wanted, f"{frame!r} was read as {top}")

    return Case(FLOOR, lambda passes: floor.run_ticker(passes * repeats), check, items=repeats)


def suite(frames: Sequence[bytes], library: Library, floor: Floor | None) -> Suite:
    """Reading bookTicker frames."""
    cases = [
        _rival(ORJSON, _orjson, frames),
        _rival(MSGSPEC, _msgspec, frames),
        _callback(frames),
        _call(frames),
        _entry(frames),
        _loop(LOOP, library, frames),
    ]
    ratios = [
        Ratio(ORJSON, LOOP, at_least=40),
        Ratio(MSGSPEC, LOOP, at_least=12),
        Ratio(ORJSON, CALL),
        Ratio(MSGSPEC, CALL),
        Ratio(ORJSON, CALLBACK),
        Ratio(MSGSPEC, CALLBACK),
    ]
    if floor is not None:
        one = [frames[0]] * len(frames)
        cases += [_loop(LOOP_OF_ONE, library, one), _floor(floor, frames[0], len(frames))]
        ratios.append(Ratio(LOOP_OF_ONE, FLOOR, at_most=1.3))
        ratios.append(Ratio(ENTRY, FLOOR, at_most=4.2))
        ratios.append(Ratio(CALL, FLOOR))
    return Suite("bookTicker frame to top of book", "frame", cases, ratios)
