"""Clients that remember every message that went by."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.venue.fidelity.specification import Place
from tests.venue.naive import NONCES, Nonces, RestClient, WsClient
from whitewire.venue import Venue

Json = Any
# Paths that end in the name of a market; the longer ones first.
_OF_MARKET = tuple(
    f"/api/v4/public/{folder}/"
    for folder in ("orderbook/depth", "orderbook", "trades", "funding-history")
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One message: its place in the specification and its content; bytes are not JSON."""

    place: Place
    body: Json


@dataclass(slots=True)
class Record:
    """Every message of the clients that share it."""

    samples: list[Sample] = field(default_factory=list)

    def add(self, *place: str, body: Json) -> None:
        self.samples.append(Sample(place, body))

    def places(self) -> set[Place]:
        return {sample.place for sample in self.samples}


def documented_path(path: str) -> str:
    """A requested path as the specification writes it: no query, the market as a parameter."""
    path = path.partition("?")[0]
    for folder in _OF_MARKET:
        if path.startswith(folder):
            return folder + "{market}"
    return path


class RecordingRest(RestClient):
    """A REST client whose requests and responses are recorded."""

    def __init__(
        self, venue: Venue, record: Record, account: int = 0, nonces: Nonces = NONCES
    ) -> None:
        super().__init__(venue, account, nonces=nonces)
        self.record = record

    def send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Json]:
        status, answer = super().send(method, path, body, headers)
        place = method, documented_path(path)
        self.record.add(*place, str(status), body=answer)
        if status == 200 and body is not None:
            self.record.add(*place, "request", body=json.loads(body))
        return status, answer


class RecordingWs(WsClient):
    """A WebSocket client whose calls, replies and pushes are recorded."""

    def __init__(self, venue: Venue, record: Record) -> None:
        self.record = record
        self.called: dict[int, Json] = {}
        super().__init__(venue)

    def send(self, text: str) -> None:
        call = json.loads(text)
        self.called[call["id"]] = call
        super().send(text)

    def message(self) -> dict[str, Json]:
        message = super().message()
        if message["id"] is None:
            self.record.add("push", message["method"], body=message)
        elif message["error"] is not None:
            self.record.add("refusal", body=message)
        else:
            call = self.called[message["id"]]
            self.record.add("reply", call["method"], body=message)
            self.record.add("call", call["method"], body=call)
        return message
