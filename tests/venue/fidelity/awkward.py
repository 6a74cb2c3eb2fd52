"""Values and bodies that a careless or hostile client might send."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from typing import Any

Json = Any

NUMBERS: tuple[Json, ...] = (
    *(0, 1, -1, 101, 2**63, 10**40, -(10**40)),
    *(1.5, -0.0, 1e-9, 1e300),
)
NUMBER_TEXTS: tuple[str, ...] = (
    *("0", "-0", "1", "-1", "+1", "1.", ".5", "0.1", "1e5", "1_0", "٣"),
    *("NaN", "-Infinity", "1" * 40, "1" * 5_000, "0." + "0" * 29 + "1", "0." + "0" * 40 + "1"),
)
TEXTS: tuple[str, ...] = (
    *("", " ", "null", "true", "\x00", "ü", "😀", "../..", "'\"", "a" * 65),
    *("BTC_USDT", "btc_usdt", "NO_SUCH", "_", "BTC", "buy", "sell"),
)
STRUCTURES: tuple[Json, ...] = (
    *([], [None], [[]], [{}], ["spot"], ["spot", "spot"], ["spot"] * 4, {}, {"a": 1}),
)
VALUES: tuple[Json, ...] = (None, True, False, *NUMBERS, *NUMBER_TEXTS, *TEXTS, *STRUCTURES)

# More than any list may have, and few enough for the payload to fit into a header.
_LONGEST = 101


def variants(value: Json) -> Iterator[Json]:
    """Every copy of a value with one thing in it changed, and whatever else may stand for it."""
    yield from VALUES
    if isinstance(value, Mapping):
        yield from with_changed_keys(value, value.keys())
    elif isinstance(value, list):
        for index, part in enumerate(value):
            # Records that are alike are changed once, positions each for itself.
            if not (index and isinstance(part, Mapping)):
                for variant in variants(part):
                    yield [*value[:index], variant, *value[index + 1 :]]
            yield [*value[:index], *value[index + 1 :]]
        yield [*value, *value]
        yield [*value, None]
        yield value[:1] * _LONGEST


def with_changed_keys(body: Mapping[str, Json], keys: Collection[str]) -> Iterator[Json]:
    """Every copy of an object with one of these keys changed or missing, or with one too many."""
    for key in keys:
        without = {other: kept for other, kept in body.items() if other != key}
        yield without
        yield from ({**without, key: variant} for variant in variants(body[key]))
    yield {**body, "unheardOf": {"nested": [None, True, 1, "text"]}}
    yield {**body, "": None}


def nested(depth: int) -> bytes:
    """JSON text of lists in lists."""
    return b"[" * depth + b"]" * depth


def without_authentication(body: Mapping[str, Json]) -> dict[str, Json]:
    """A request's own parameters."""
    own = copy.deepcopy(dict(body))
    for key in ("request", "nonce", "nonceWindow"):
        own.pop(key, None)
    return own
