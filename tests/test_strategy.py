"""The check of a strategy at load: a mistake is one sentence, never a silence."""

from __future__ import annotations

from typing import Any

import pytest

from whitewire import Strategy, UsageError
from whitewire.strategy import CALLBACKS, check, overridden


class Good(Strategy):
    def on_book(self, book: Any) -> None:
        """One is enough."""


class Silent(Strategy):
    pass


class Misspelt(Strategy):
    def on_fil(self, fill: Any) -> None: ...


class Invented(Strategy):
    def on_mmxxvi(self) -> None: ...


class Waiting(Strategy):
    async def on_book(self, book: Any) -> None: ...  # type: ignore[override]


class Stranger:
    def on_book(self, book: Any) -> None: ...


def test_a_strategy_is_handed_on() -> None:
    good = Good()
    assert check(good) is good
    assert [name for name in CALLBACKS if overridden(good, name)] == ["on_book"]


@pytest.mark.parametrize(
    ("thing", "code", "text"),
    [
        (
            Silent(),
            "strategy-empty",
            "Silent has no callback; define at least one, such as on_book",
        ),
        (Misspelt(), "strategy-callback", "Misspelt.on_fil .*; did you mean on_fill?"),
        (Invented(), "strategy-callback", "on_mmxxvi .*; known are on_start, on_book"),
        (Waiting(), "strategy-async", "Waiting.on_book is async, .*; write def"),
        (Stranger(), "strategy-type", "Stranger does not derive from whitewire.Strategy"),
        (Good, "strategy-is-class", r"Good is a class, not an instance; write Good\(\)"),
        (None, "strategy-type", "NoneType does not derive"),
    ],
)
def test_every_other_thing_is_explained(thing: object, code: str, text: str) -> None:
    with pytest.raises(UsageError, match=text) as caught:
        check(thing)
    assert caught.value.code == code


def test_callbacks_may_be_bound_per_instance_or_inherited() -> None:
    class Child(Good):
        def on_fill(self, fill: Any) -> None: ...

    child = check(Child())
    assert [name for name in CALLBACKS if overridden(child, name)] == ["on_book", "on_fill"]
