"""The exchange's specification: where it is, and which schema belongs to which message.

A message is named by its place: `("POST", "/api/v4/orders", "200")` for a response,
`("POST", "/api/v4/orders", "request")` for a request body, and `("call", method)`,
`("reply", method)`, `("push", method)` or `("refusal",)` on the WebSocket.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.venue.fidelity.json_schema import to_json_schema

Json = Any
Place = tuple[str, ...]

FOLDER = Path("shared", "venue", "spec")
REST_FILES = ("openapi/private/http-trade-v4.yaml", "openapi/public/http-v4.yaml")
_JSON_TYPE = "application/json"
_UNSUBSCRIBE = "Unsubscribe"


class Undocumented(Exception):
    """The specification does not know such a message."""


def find_folder() -> Path | None:
    """The specification beside this repository, or further up; None where there is none."""
    found = (parent / FOLDER for parent in Path(__file__).resolve().parents)
    return next((folder for folder in found if folder.is_dir()), None)


@cache
def read_documents(folder: Path) -> Mapping[str, Json]:
    """Every document of the REST and the WebSocket side by its name in the folder."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    paths = [*folder.glob("openapi/*/*.yaml"), *folder.glob("asyncapi/*/*.yaml")]
    return {
        path.relative_to(folder).as_posix(): yaml.load(path.read_text(encoding="utf-8"), loader)
        for path in sorted(paths)
    }


class Specification:
    """Documents of the exchange, with or without overrides."""

    def __init__(self, documents: Mapping[str, Json]) -> None:
        self.documents = documents
        self._schemas: dict[Place, Json] = {}
        self._validators: dict[Place, Draft202012Validator] = {}
        self._messages = {
            place: (payload, document)
            for name, document in documents.items()
            if name.startswith("asyncapi/")
            for place, payload in _messages(document)
        }

    def schema(self, place: Place) -> Json:
        """What a message at this place must look like; None where it must not be JSON.

        Raises:
            Undocumented: the specification does not say.
        """
        if place not in self._schemas:
            in_channel = place[0] not in ("GET", "POST")
            self._schemas[place] = self._of_channel(place) if in_channel else self._of_path(place)
        return self._schemas[place]

    def problems(self, place: Place, body: Json) -> list[str]:
        """What is wrong with a message; bytes are a body that is not JSON."""
        try:
            schema = self.schema(place)
        except Undocumented as gap:
            return [str(gap)]
        if schema is None or isinstance(body, bytes):
            fits = schema is None and isinstance(body, bytes)
            return [] if fits else [f"{' '.join(place)}: JSON or not, against the specification"]
        if place not in self._validators:
            self._validators[place] = Draft202012Validator(schema)
        return [
            f"{' '.join(place)} at {error.json_path}: {error.message[:300]}"
            for error in self._validators[place].iter_errors(body)
        ]

    def differs(self, place: Place, other: Specification) -> bool:
        """Whether another specification says something else about a message."""
        schemas = []
        for specification in (self, other):
            try:
                schemas.append(specification.schema(place))
            except Undocumented as gap:
                schemas.append(gap)
        return schemas[0] != schemas[1]

    def knows_method(self, method: str) -> bool:
        """Whether a method of the WebSocket is specified."""
        return ("call", method) in self._messages

    def _of_channel(self, place: Place) -> Json:
        if place not in self._messages:
            raise Undocumented(f"no message {' '.join(place)} in the specification")
        payload, document = self._messages[place]
        return to_json_schema(payload, document, closed=place[0] != "call")

    def _of_path(self, place: Place) -> Json:
        method, path, _ = place
        for file in REST_FILES:
            document = self.documents[file]
            operation = document["paths"].get(path, {}).get(method.lower())
            if operation is not None:
                return self._of_operation(place, operation, document)
        raise Undocumented(f"no {method} {path} in the specification")

    def _of_operation(self, place: Place, operation: Json, document: Json) -> Json:
        status = place[2]
        if status == "request":
            content = operation.get("requestBody", {}).get("content", {})
            return to_json_schema(
                content.get(_JSON_TYPE, {}).get("schema", True), document, closed=False
            )
        responses = operation["responses"]
        response = responses.get(status) or responses.get("default")
        if response is None:
            raise Undocumented(f"no status {status} for {place[0]} {place[1]}")
        response = to_response(response, document)
        if _JSON_TYPE not in response.get("content", {}):
            return None
        return to_json_schema(response["content"][_JSON_TYPE]["schema"], document)


def to_response(response: Json, document: Json) -> Json:
    """A response that may be given by reference."""
    if "$ref" not in response:
        return response
    kind, name = response["$ref"].split("/")[-2:]
    return document["components"][kind][name]


def _messages(document: Json) -> Iterator[tuple[Place, Json]]:
    """Places and payloads of a channel's messages.

    A reply has no method of its own: it is the message that is named after the call. Where an
    unsubscription has none, it is confirmed like a subscription.
    """
    messages = document["components"]["messages"]
    for name, message in messages.items():
        if name == "errorResponse":
            yield ("refusal",), message["payload"]
            continue
        method = _method(message["payload"], document)
        if method is None:
            continue
        if name.endswith("Update"):
            yield ("push", method), message["payload"]
            continue
        yield ("call", method), message["payload"]
        base = name.removesuffix("Request")
        reply = messages.get(f"{base}Response") or messages.get(
            f"{base.replace(_UNSUBSCRIBE, 'Subscribe')}Response"
        )
        if reply is not None:
            yield ("reply", method), reply["payload"]


def _method(payload: Json, document: Json) -> str | None:
    properties = to_json_schema(payload, document).get("properties", {})
    method: str | None = properties.get("method", {}).get("const")
    return method
