"""Requests generated from the exchange's own specification, with hints of what makes sense.

A random text is never a market's name, so that without hints no request would reach the engine.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core import NotSet

from tests.venue.fidelity.awkward import VALUES
from tests.venue.fidelity.prober import EFFORT
from tests.venue.fidelity.specification import REST_FILES

Json = Any
_T = TypeVar("_T")

_PRICES = ["100", "99.99", "101", "90", "110", "0.01", "100.001", "-1", "1e3"]
_AMOUNTS = ["0.1", "0.25", "1", "0.000001", "0.0000001", "0", "-1", "9000000", "1e-3", "x"]
_IDS = ["a", "b", "c-1", "d.e_f", "", "g" * 64, "h" * 65, "not good!"]
_DATES = [0, 1_600_000_000, 1_900_000_000, -1]
_PAGES = [0, 1, 50, 100, 101, 501, -1, 2**33]
_ORDER_IDS = [2_423_735_868_673 + number for number in range(40)]
_HINTS: dict[str, list[Json]] = {
    "market": ["BTC_USDT", "ETH_USDT", "ETH_BTC", "NO_SUCH"],
    "ticker": ["BTC", "USDT", "NONE"],
    "timeout": ["5", "60", "600", "601", "x", None],
    "clientOrderId": _IDS,
    "orderId": _ORDER_IDS,
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
        self._schemas = {
            path: schema
            for file in REST_FILES
            for schema in [schemathesis.openapi.from_dict(_generable(documents[file]))]
            for path in documents[file]["paths"]
        }

    def cases(self, method: str, path: str) -> st.SearchStrategy[schemathesis.Case]:
        """Valid and invalid requests."""
        operation = self._schemas[path][path][method]
        return st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )


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
