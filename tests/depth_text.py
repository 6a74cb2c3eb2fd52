"""Depth messages in every spelling that means the same.

Owns: how a message is written. Must not know: what it does to a book. Invariant: two spellings of
a message are the same JSON value, up to keys that nobody reads and the spelling of numbers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

Levels = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Message:
    """One depth message; levels are (ticks, lots), None for a side that is left out."""

    is_snapshot: bool
    update_id: int
    past_update_id: int = 0
    asks: Levels | None = None
    bids: Levels | None = None
    market: str = "BTC_PERP"


@dataclass(frozen=True, slots=True)
class Scale:
    """Decimals of a market."""

    price_decimals: int
    amount_decimals: int


@dataclass(slots=True)
class Speller:
    """Writes messages.

    Attributes:
        scale: of the market.
        style: `captured` is the venue's own form, `compact` the same without spaces, `odd` has
            any order, any white space, further keys and escapes.
        random: decides about spellings; numbers are plain if it is None.
    """

    scale: Scale
    style: str
    random: Random | None = field(default=None)

    def write(self, message: Message) -> str:
        """The message as text."""
        body: dict[str, str] = {
            "timestamp": "1785730130.6040511",
            "update_id": str(message.update_id),
        }
        if not message.is_snapshot:
            body["past_update_id"] = str(message.past_update_id)
        for name, levels in (("asks", message.asks), ("bids", message.bids)):
            if levels is not None:
                body[name] = self._array([self._level(level) for level in levels])
        body["event_time"] = "1785730135.194067"
        params = [json.dumps(message.is_snapshot), self._object(body), self._text(message.market)]
        parts = {"method": self._text("depth_update"), "params": self._array(params)}
        return self._blank() + self._object(parts | {"id": "null"}) + self._blank()

    def _level(self, level: tuple[int, int]) -> str:
        price = self.number(level[0], self.scale.price_decimals)
        amount = self.number(level[1], self.scale.amount_decimals)
        return self._array([self._text(price), self._text(amount)])

    def number(self, units: int, decimals: int) -> str:
        """A decimal text of `units * 10**-decimals`."""
        plain = _plain(units, decimals)
        if self.random is None:
            return plain
        tail = "0" * self.random.randrange(3)
        spellings = [
            plain,
            f"{plain}{tail}" if "." in plain else f"{plain}.0{tail}",
            f"{units}e{-decimals}",
            f"{units}0E{-decimals - 1:+d}",
            f"00{plain}",
        ]
        if units == 0:
            spellings += ["0", "0.0", "0.000", "0e-8", "0E+5"]
        # the venue's own spelling is the common one
        return self.random.choice([plain, plain, plain, *spellings])

    def _object(self, members: dict[str, str]) -> str:
        pairs = list(members.items())
        if self._is_odd and self.random is not None:
            if self.random.random() < 0.3:
                pairs.append(("venue_says", self.random.choice(["1.5e3", '"x\\"]}"', "[[],{}]"])))
            self.random.shuffle(pairs)
        rows = [f"{self._text(name)}{self._colon()}{value}" for name, value in pairs]
        return f"{{{self._blank()}{self._comma().join(rows)}{self._blank()}}}"

    def _array(self, values: Sequence[str]) -> str:
        return f"[{self._blank()}{self._comma().join(values)}{self._blank()}]"

    def _text(self, text: str) -> str:
        if self._is_odd and self.random is not None and self.random.random() < 0.1:
            return '"' + "".join(f"\\u{ord(character):04x}" for character in text) + '"'
        return f'"{text}"'

    @property
    def _is_odd(self) -> bool:
        return self.style == "odd"

    def _blank(self) -> str:
        if not self._is_odd or self.random is None:
            return ""
        return self.random.choice(["", "", "", " ", "\t", "\r\n  "])

    def _comma(self) -> str:
        return ", " if self.style == "captured" else f"{self._blank()},{self._blank()}"

    def _colon(self) -> str:
        return ": " if self.style == "captured" else f"{self._blank()}:{self._blank()}"


def _plain(units: int, decimals: int) -> str:
    if decimals <= 0:
        return str(units * 10**-decimals)
    whole, fraction = divmod(units, 10**decimals)
    tail = f"{fraction:0{decimals}d}".rstrip("0")
    return f"{whole}.{tail}" if tail else str(whole)
