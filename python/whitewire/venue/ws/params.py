"""What the WebSocket's methods have in common: parameter checks and answers.

Owns: the shape of a method's answer, and checks that every method may use.
Must not know: any one method, sockets, frames. Invariant: a check returns what it checked or
raises; it changes nothing.

Rules:

* M1  Refusals: 1 invalid argument, 2 internal error, 4 method not found, 6 require
      authentication, 7 too many requests, 9 unknown market, 11 a token that is not good; those of
      order methods are in `values.ws_refusals`.
* M5  A page of a query has 1 to 100 records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.values.ws_refusals import INVALID_ARGUMENT, WsRefusal

__all__ = ["Answer", "Params", "market_name", "market_names", "page", "take"]

MAX_PAGE = 100

Params = list[Any]
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Answer:
    """A method's result, and what is pushed once it has been sent."""

    result: Any
    then: Callable[[], None] | None = None


def take(params: Params, *kinds: type, optional: int = 0) -> Params:
    """Checks number and types of parameters; the last `optional` ones may be missing.

    Raises:
        WsRefusal: invalid argument.
    """
    if not len(kinds) - optional <= len(params) <= len(kinds):
        raise WsRefusal(*INVALID_ARGUMENT)
    for value, kind in zip(params, kinds, strict=False):
        if type(value) is not kind:
            raise WsRefusal(*INVALID_ARGUMENT)
    return params


def market_name(exchange: Exchange, name: object) -> str:
    """The name of a listed market.

    Raises:
        WsRefusal: not a text, or not listed.
    """
    if not isinstance(name, str):
        raise WsRefusal(*INVALID_ARGUMENT)
    if name not in exchange.markets:
        raise WsRefusal(9, f"market {name} does not exist")
    return name


def market_names(exchange: Exchange, names: object) -> frozenset[str] | None:
    """The listed markets of a subscription; None, meaning all, for an empty list.

    Raises:
        WsRefusal: not a list, or one of them is not listed.
    """
    if not isinstance(names, list):
        raise WsRefusal(*INVALID_ARGUMENT)
    return frozenset(market_name(exchange, name) for name in names) or None


def page(items: Sequence[_Item], offset: int, limit: int) -> Sequence[_Item]:
    """One page of a query (M5).

    Raises:
        WsRefusal: invalid argument.
    """
    if offset < 0 or not 1 <= limit <= MAX_PAGE:
        raise WsRefusal(*INVALID_ARGUMENT)
    return items[offset : offset + limit]
