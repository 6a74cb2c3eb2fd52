"""Schemas of OpenAPI 3.0 and AsyncAPI 3 as JSON Schema of draft 2020-12.

References are inlined, `allOf` is merged, and an object that lists its properties allows no
others, so that a key which the specification does not know is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Json = Any

_KEPT = frozenset({"const", "enum", "required", "pattern", "format", "default"})
_BOUNDS = frozenset(
    {"minItems", "maxItems", "minimum", "maximum", "minLength", "maxLength", "uniqueItems"}
)
_CHOICES = ("oneOf", "anyOf")


def at_pointer(document: Json, pointer: str) -> Json:
    """What a JSON pointer leads to. KeyError or IndexError where it leads nowhere."""
    node = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        node = node[int(key)] if isinstance(node, list) else node[key]
    return node


def to_json_schema(schema: Json, document: Json, *, closed: bool = True) -> Json:
    """A schema of the document on its own.

    Args:
        schema: as it stands in the document.
        document: what its references lead into.
        closed: whether objects that list their properties allow no others.
    """
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        target = at_pointer(document, schema["$ref"].removeprefix("#"))
        return to_json_schema(target, document, closed=closed)

    def convert(part: Json) -> Json:
        return to_json_schema(part, document, closed=closed)

    whole = _merged(schema, document)
    result = {key: whole[key] for key in sorted(_KEPT | _BOUNDS) if key in whole}
    if "type" in whole:
        result["type"] = whole["type"]
    if "properties" in whole:
        result["properties"] = {key: convert(part) for key, part in whole["properties"].items()}
    others = whole.get("additionalProperties")
    if others is not None:
        result["additionalProperties"] = convert(others)
    elif closed and "properties" in whole:
        result["additionalProperties"] = False
    items = whole.get("items")
    if isinstance(items, list):  # a tuple, as in older drafts
        result["prefixItems"] = [convert(part) for part in items]
        result["items"] = False
    elif items is not None:
        result["items"] = convert(items)
    for choice in _CHOICES:
        if choice in whole:
            result[choice] = [convert(part) for part in whole[choice]]
    return _or_null(result) if whole.get("nullable") else result


def _merged(schema: Mapping[str, Json], document: Json) -> dict[str, Json]:
    """The schema with the parts of its `allOf`, whose properties and needs add up."""
    parts: Iterable[Json] = schema.get("allOf", ())
    whole: dict[str, Json] = {}
    for part in (*parts, {key: value for key, value in schema.items() if key != "allOf"}):
        if "$ref" in part:
            part = at_pointer(document, part["$ref"].removeprefix("#"))
        part = _merged(part, document) if "allOf" in part else part
        for key, value in part.items():
            if key == "properties":
                whole[key] = {**whole.get(key, {}), **value}
            elif key == "required":
                whole[key] = [*whole.get(key, []), *value]
            else:
                whole[key] = value
    return whole


def _or_null(schema: dict[str, Json]) -> dict[str, Json]:
    """The schema or null."""
    if any(choice in schema for choice in _CHOICES):
        return {"anyOf": [schema, {"type": "null"}]}
    result = dict(schema)
    kind = schema.get("type")
    if kind is not None:
        kinds = kind if isinstance(kind, list) else [kind]
        result["type"] = [*dict.fromkeys([*kinds, "null"])]
    if "enum" in schema and None not in schema["enum"]:
        result["enum"] = [*schema["enum"], None]
    return result
