"""Requests generated from the exchange's own specification, with hints of what makes sense.

A random text is never a market's name, so that without hints no request would reach the engine.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core import NotSet

from tests.venue.fidelity.awkward import VALUES
from tests.venue.fidelity.prober import EFFORT
from tests.venue.fidelity.specification import REST_FILES, Specification

Json = Any
_T = TypeVar("_T")

# Mostly good ones: what is wrong with each by itself is tried one by one elsewhere.
_PRICES = ["100", "99.99", "101", "90", "110", "95.5"]
_AMOUNTS = ["0.1", "0.25", "1", "10", "0.5", "25"]
_IDS = ["a", "b", "c-1", "d.e_f"]
_DATES = [0, 1_600_000_000, 1_900_000_000, -1]
_PAGES = [1, 2, 50, 100, 0, 101]
_ORDER_IDS = [2_423_735_868_673 + number for number in range(40)]
# How often a session sets a flag, sends what is optional, and passes over cancelling everything.
_RARE, _OPTIONAL, _SPARED = 0.1, 0.4, 0.95
_HINTS: dict[str, list[Json]] = {
    "market": ["BTC_USDT", "ETH_USDT"],
    "ticker": ["BTC", "USDT"],
    "timeout": ["5", "60", "600", None],
    "clientOrderId": _IDS,
    "orderId": _ORDER_IDS,
    "leverage": [1, 2, 5, 10],
    **dict.fromkeys(("amount", "total"), _AMOUNTS),
    **dict.fromkeys(("price", "stop_limit_price", "stopLoss", "takeProfit"), _PRICES),
    **dict.fromkeys(("activation_price", "activationPrice"), _PRICES),
    **dict.fromkeys(("startDate", "endDate"), _DATES),
    **dict.fromkeys(("limit", "offset"), _PAGES),
}


def for_each(strategy: st.SearchStrategy[_T], examples: int, use: Callable[[_T], object]) -> None:
    """Does something with the same few examples each time, or with more where that is asked for."""

    @settings(
        max_examples=examples * EFFORT,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(example: _T) -> None:
        use(example)

    run()


def _hinted(node: Json) -> Json:
    if isinstance(node, list):
        return [_hinted(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    hinted = {key: _hinted(value) for key, value in node.items()}
    properties = hinted.get("properties", {})
    for name in set(properties) & set(_HINTS):
        properties[name] = {"enum": _HINTS[name]}
    return hinted


def _generable(document: Json) -> Json:
    """The document with hints, and without the headers that a client has to sign itself."""
    result: Json = _hinted(copy.deepcopy(document))
    result.pop("security", None)
    result.get("components", {}).pop("securitySchemes", None)
    for operations in result["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
            for parameter in operation.get("parameters", []):
                if parameter["name"] in _HINTS:
                    parameter["schema"] = {"enum": _HINTS[parameter["name"]]}
    return result


class RequestGenerator:
    """Cases of any operation of the REST documents."""

    def __init__(self, documents: Mapping[str, Json]) -> None:
        generable = {file: _generable(documents[file]) for file in REST_FILES}
        self._hinted = Specification(generable)
        self._schemas = {
            path: schema
            for document in generable.values()
            for schema in [schemathesis.openapi.from_dict(document)]
            for path in document["paths"]
        }

    def cases(self, method: str, path: str) -> st.SearchStrategy[schemathesis.Case]:
        """Valid and invalid requests."""
        operation = self._schemas[path][path][method]
        return st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )

    def session(self, paths: Sequence[str], seed: int) -> Iterator[tuple[str, Json]]:
        """Requests without end of a client that knows what it does."""
        dice = random.Random(seed)
        schemas = {path: self._hinted.schema(("POST", path, "request")) for path in paths}
        while True:
            path = dice.choice(paths)
            if path.endswith("/cancel/all") and dice.random() < _SPARED:
                continue
            yield path, sensible(schemas[path], dice)


def sensible(schema: Json, dice: random.Random) -> Json:
    """A value of a schema that has hints: seldom wrong in itself."""
    if schema is True:  # an endpoint without a body
        return {}
    if "enum" in schema:
        return dice.choice(schema["enum"])
    match schema.get("type"):
        case "boolean":
            return dice.random() < _RARE
        case "array":
            count = dice.randint(max(1, schema.get("minItems", 0)), 3)
            return [sensible(schema["items"], dice) for _ in range(count)]
        case "object":
            needed = schema.get("required", ())
            body = {
                key: sensible(part, dice)
                for key, part in schema.get("properties", {}).items()
                if key in needed or dice.random() < _OPTIONAL
            }
            if "orderId" in schema.get("properties", {}) and "clientOrderId" in body:
                body.pop("orderId", None)  # an order has one name
            return body
    return "1"


def body_of(case: schemathesis.Case) -> Json:
    """A case's body; an empty object where it has none."""
    return {} if isinstance(case.body, NotSet) else case.body


def any_params() -> st.SearchStrategy[list[Json]]:
    """Parameters of a WebSocket call: what some method takes, or anything."""
    plain = st.sampled_from([*VALUES, *(hint for hints in _HINTS.values() for hint in hints)])
    fields = st.dictionaries(st.sampled_from(_FIELDS), plain, max_size=8)
    value = st.recursive(
        plain | fields,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=6,
    )
    return st.lists(value, max_size=5) | fields.map(lambda one: [one])


# Keys of the WebSocket's own parameter objects.
_FIELDS = [
    *("market", "order_types", "side", "amount", "price", "total", "client_order_id", "order_id"),
    *("post_only", "ioc", "rpi", "stp", "bbo_role", "activation_price", "type", "reduce_only"),
    *("position_side", "take_profit", "stop_loss", "stop_limit_price", "trigger_order"),
    *("trigger_order_type", "conditional_order_type", "limit_client_order_id"),
    *("stop_client_order_id", "take_profit_activation_price", "stop_loss_activation_price"),
]
