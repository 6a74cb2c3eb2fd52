"""OpenAPI and AsyncAPI schemas as JSON Schema."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from tests.venue.fidelity.json_schema import at_pointer, to_json_schema

DOCUMENT = {
    "schemas": {
        "Id": {"type": "integer"},
        "Base": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
    },
    "a/b": [{"c": 1}],
}


def fits(schema: object, value: object, *, closed: bool = True) -> bool:
    converted = to_json_schema(schema, DOCUMENT, closed=closed)
    Draft202012Validator.check_schema(converted)
    return bool(Draft202012Validator(converted).is_valid(value))


def test_pointers() -> None:
    assert at_pointer(DOCUMENT, "/a~1b/0/c") == 1
    with pytest.raises(KeyError):
        at_pointer(DOCUMENT, "/none")


def test_nullable_allows_null_and_nothing_else() -> None:
    text = {"type": "string", "enum": ["a"], "nullable": True}
    assert [fits(text, value) for value in ("a", None, "b", 1)] == [True, True, False, False]
    assert not fits({"type": "string"}, None)
    choice = {"oneOf": [{"type": "string"}, {"type": "integer"}], "nullable": True}
    assert [fits(choice, value) for value in (1, None, 1.5)] == [True, True, False]


def test_merged_parts_keep_their_needs() -> None:
    more = {"properties": {"name": {"$ref": "#/schemas/Id"}}, "required": ["name"]}
    whole = {"allOf": [{"$ref": "#/schemas/Base"}, more], "nullable": True}
    assert fits(whole, {"id": 1, "name": 2})
    assert fits(whole, None)
    for body in ({"id": 1}, {"name": 2}, {"id": 1, "name": "x"}, {"id": 1, "name": 2, "x": 3}):
        assert not fits(whole, body), body


def test_objects_are_closed_unless_they_are_maps() -> None:
    base = {"$ref": "#/schemas/Base"}
    assert not fits(base, {"id": 1, "more": 1})
    assert fits(base, {"id": 1, "more": 1}, closed=False)
    assert fits({"type": "object"}, {"anything": 1})
    entries = {"type": "object", "additionalProperties": base}
    assert fits(entries, {"any": {"id": 1}})
    assert not fits(entries, {"any": {"id": "1"}})


def test_a_list_of_items_is_a_tuple() -> None:
    pair = {"type": "array", "items": [{"type": "string"}, {"$ref": "#/schemas/Id"}]}
    assert fits(pair, ["a", 1])
    for value in ([1, "a"], ["a", 1, 2]):
        assert not fits(pair, value)
    assert not fits({**pair, "minItems": 2}, ["a"])
