"""Which properties a schema documents, and which of them a message has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = Any


def documented(schema: Json, at: str = "") -> Iterator[str]:
    """Paths of every property; `[]` stands for an item, `{}` for a value of a map."""
    if not isinstance(schema, dict):
        return
    for key, part in schema.get("properties", {}).items():
        yield f"{at}.{key}"
        yield from documented(part, f"{at}.{key}")
    for part in [schema.get("items"), *schema.get("prefixItems", [])]:
        yield from documented(part, f"{at}[]")
    yield from documented(schema.get("additionalProperties"), f"{at}{{}}")
    for choice in ("oneOf", "anyOf"):
        for part in schema.get(choice, []):
            yield from documented(part, at)


def shown(body: Json, at: str = "") -> Iterator[str]:
    """Paths of every key that a message has, each key once by name and once as a map's key."""
    if isinstance(body, list):
        for item in body:
            yield from shown(item, f"{at}[]")
    elif isinstance(body, dict):
        for key, value in body.items():
            yield f"{at}.{key}"
            yield from shown(value, f"{at}.{key}")
            yield from shown(value, f"{at}{{}}")
