"""A recorded public feed: a file of frames as they were received, read back as what they say.

Owns: the file's format, its errors with their line numbers, and what its messages mean. Must not
know: the engine, the clock, who plays it back. Invariant: a recording that passed `survey` can be
played to its end; what cannot is refused before anything happens.

The format is one JSON object for each line, gzipped where the file's name ends in `.gz`:

    {"t": 1785730136.2352, "frame": "{\\"method\\": \\"depth_update\\", ...}"}

Rules:

* F1  `t` is the local time of receipt in epoch seconds, `frame` the text of one WebSocket message.
* F2  `depth_update`, `trades_update` and `bookTicker_update` count; replies and every other
      method are passed over, and so are empty lines.
* F3  A last line that was cut off is passed over and reported. Whatever else is not as it should
      be is an error that names the line.
* F4  Prices lie on the market's grid and amounts on its steps; an amount of zero removes a level.
* F5  A market has one depth stream. A delta that does not follow the message before it is a gap;
      it and all that follow it wait for the next snapshot. One that is not newer is passed over.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from whitewire.venue.values.model import ZERO, Level, MarketSpec, Side
from whitewire.venue.values.money import is_multiple, read_number
from whitewire.venue.wire import json_text

__all__ = ["DepthMessage", "Message", "Survey", "TickerMessage", "TradesMessage", "read", "survey"]

_LONGEST_LINE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DepthMessage:
    """A snapshot or a delta; sizes are absolute, zero means gone.

    Attributes:
        past_update_id: what a delta follows; None for a snapshot.
    """

    at: float
    market: str
    update_id: int
    past_update_id: int | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class RecordedTrade:
    """One trade of the tape; `side` is the taker's."""

    id: int
    price: Decimal
    amount: Decimal
    side: Side
    rpi: bool


@dataclass(frozen=True, slots=True)
class TradesMessage:
    """Trades, oldest first."""

    at: float
    market: str
    trades: tuple[RecordedTrade, ...]


@dataclass(frozen=True, slots=True)
class TickerMessage:
    """The best levels; None where a side was empty."""

    at: float
    market: str
    update_id: int
    bid: Level | None
    ask: Level | None


Message = DepthMessage | TradesMessage | TickerMessage


@dataclass(slots=True)
class Survey:
    """What a recording holds.

    Attributes:
        messages: how many count, by market.
        started: time of the first of them.
        ended: time of the last of them.
        notes: sentences about what was passed over, each with its line.
    """

    messages: dict[str, int] = field(default_factory=dict)
    started: float = math.inf
    ended: float = -math.inf
    notes: list[str] = field(default_factory=list)


class _CutOff(Exception):
    """The file ends in the middle of a line."""


def survey(path: str | Path, markets: Mapping[str, MarketSpec]) -> Survey:
    """Reads a whole recording and checks everything in it.

    Args:
        path: the file.
        markets: those that it may drive; messages of others are counted but not held against
            any grid.

    Raises:
        ValueError: it cannot be read or is not a recording; names the line.
    """
    found = Survey()
    chains: dict[str, int | None] = {}
    try:
        for number, message in _messages(path):
            market = message.market
            found.messages[market] = found.messages.get(market, 0) + 1
            found.started = min(found.started, message.at)
            found.ended = max(found.ended, message.at)
            if market in markets:
                _check_grid(message, markets[market], f"{path}:{number}")
            if isinstance(message, DepthMessage):
                _follow(message, chains, found.notes, f"{path}:{number}")
    except _CutOff as end:
        found.notes.append(str(end))
    if not found.messages:
        raise ValueError(f"{path} holds no depth, trade or book ticker message")
    return found


def read(path: str | Path, market: str) -> Iterator[Message]:
    """The messages of one market, in the order of the file.

    Raises:
        ValueError: the file is not what `survey` has seen.
    """
    try:
        for _, message in _messages(path):
            if message.market == market:
                yield message
    except _CutOff:
        return


def _follow(
    message: DepthMessage, chains: dict[str, int | None], notes: list[str], where: str
) -> None:
    """Notes a gap (F5); None in `chains` is a market that waits for a snapshot."""
    market = message.market
    if message.past_update_id is None:
        chains[market] = message.update_id
        return
    last = chains.get(market)
    if last is None or message.update_id <= last:
        return
    if message.past_update_id == last:
        chains[market] = message.update_id
        return
    chains[market] = None
    notes.append(
        f"{where}: a gap in the depth of {market}: it follows {message.past_update_id}, "
        f"and {last} came before"
    )


def _check_grid(message: Message, spec: MarketSpec, where: str) -> None:
    """Holds prices and amounts against the market's grids (F4).

    Raises:
        ValueError: one is off them.
    """
    match message:
        case DepthMessage():
            levels = [*message.bids, *message.asks]
        case TradesMessage():
            levels = [Level(trade.price, trade.amount) for trade in message.trades]
        case TickerMessage():
            levels = [level for level in (message.bid, message.ask) if level is not None]
    for price, amount in levels:
        for what, value, step in (("price", price, spec.tick_size),
                                  ("amount", amount, spec.step_size)):  # fmt: skip
            if not is_multiple(value, step):
                raise ValueError(f"{where}: {what} {value} is no multiple of {spec.name}'s {step}")


def _messages(path: str | Path) -> Iterator[tuple[int, Message]]:
    """(line number, message) of what counts (F2).

    Raises:
        ValueError: see F3.
        _CutOff: at the end of a file that was cut off.
    """
    number = 0
    try:
        with _open(Path(path)) as file:
            while line := file.readline(_LONGEST_LINE):
                number += 1
                message = _read_line(line, f"{path}:{number}")
                if message is not None:
                    yield number, message
    except EOFError:
        raise _CutOff(f"{path}:{number + 1}: the compressed file is cut off here") from None
    except (OSError, zlib.error) as error:
        raise ValueError(f"cannot read the recording {str(path)!r}: {error}") from None


def _open(path: Path) -> io.BufferedIOBase:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _read_line(line: bytes, where: str) -> Message | None:
    if not line.strip():
        return None
    try:
        row = json_text.parse(line)
    except (ValueError, RecursionError) as error:
        if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
            raise _CutOff(f"{where}: the last line is cut off") from None
        raise ValueError(f"{where}: {error}") from None
    try:
        if not isinstance(row, dict) or not isinstance(row.get("frame"), str):
            raise ValueError('not an object with "t" and "frame"')
        at = _time(row.get("t"))
        frame = json_text.parse(row["frame"])
        if not isinstance(frame, dict):
            raise ValueError("the frame is not an object")
        reader = _READERS.get(str(frame.get("method")))
        return None if reader is None else reader(at, frame["params"])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        what = error if isinstance(error, ValueError) else f"not as the venue sends it ({error!r})"
        raise ValueError(f"{where}: {what}") from None


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"t was {value!r}, not epoch seconds")
    at = float(value)
    if not math.isfinite(at):
        raise ValueError(f"t was {value!r}, not epoch seconds")
    return at


def _read_depth(at: float, params: Any) -> DepthMessage:
    is_snapshot, state, market = params[:3]
    if not isinstance(is_snapshot, bool):
        raise ValueError(f"a depth message begins with true or false, not {is_snapshot!r}")
    return DepthMessage(
        at,
        _market(market),
        _counter(state["update_id"]),
        None if is_snapshot else _counter(state["past_update_id"]),
        _levels(state.get("bids", [])),
        _levels(state.get("asks", [])),
    )


def _read_trades(at: float, params: Any) -> TradesMessage:
    market, rows = params[:2]
    trades = [
        RecordedTrade(
            _counter(row["id"]),
            _positive(row["price"], "price"),
            _positive(row["amount"], "amount"),
            Side(row["type"]),
            bool(row.get("rpi", False)),
        )
        for row in rows
    ]
    return TradesMessage(at, _market(market), tuple(sorted(trades, key=lambda trade: trade.id)))


def _read_ticker(at: float, params: Any) -> TickerMessage:
    _, _, market, update_id, *best = params[0]
    bid, ask = (
        None if not _number(price, "price") else Level(_positive(price, "price"),
                                                       _positive(amount, "amount"))
        for price, amount in (best[:2], best[2:4])
    )  # fmt: skip
    return TickerMessage(at, _market(market), _counter(update_id), bid, ask)


_READERS: Mapping[str, Callable[[float, Any], Message]] = {
    "depth_update": _read_depth,
    "trades_update": _read_trades,
    "bookTicker_update": _read_ticker,
}


def _market(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"the market was {value!r}")
    return value


def _levels(rows: Any) -> tuple[Level, ...]:
    return tuple(
        Level(_positive(price, "price"), _number(amount, "amount")) for price, amount in rows
    )


def _counter(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no counter")
    return value


def _number(value: object, what: str) -> Decimal:
    number = read_number(value)
    if number is None or number < ZERO:
        raise ValueError(f"{what} was {value!r}")
    return number


def _positive(value: object, what: str) -> Decimal:
    number = _number(value, what)
    if not number:
        raise ValueError(f"{what} was {value!r}")
    return number
