"""What was found before it was changed.

Owns: the state file and its records. Must not know: how anything is changed. Invariants: the file
is whole after any crash; the first previous value of a key is never replaced; what a boot has
undone is forgotten.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Optional

from tunelib.errors import TuneError
from tunelib.host import Host
from tunelib.kinds import Target

FOLDER = "/var/lib/whitewire/tuning"
FILE = f"{FOLDER}/state.json"
LOCK = f"{FOLDER}/lock"
SCHEMA = 1
INTENT, APPLIED = "intent", "applied"
Values = dict[str, Optional[str]]


@dataclass
class Record:
    """One target.

    Attributes:
        previous: what we found first, by key; None where there was nothing.
        before: what the last run found, to undo that run alone.
        applied: what the last run wanted.
        phase: intent from before the change until it is seen in the host.
        run: the run that wrote it.
        is_remade: a change of queues makes it anew, so its values tell nothing about drift.
    """

    target: Target
    scope: str
    boot: str
    previous: Values = field(default_factory=dict)
    before: Values = field(default_factory=dict)
    applied: Values = field(default_factory=dict)
    phase: str = INTENT
    run: str = ""
    at: str = ""
    is_remade: bool = False

    def is_ours(self, key: str, value: str | None) -> bool:
        """Whether a value is one that we found or set; anything else is drift."""
        return self.is_remade or value in (
            self.previous.get(key),
            self.before.get(key),
            self.applied.get(key),
        )

    def to_json(self) -> dict[str, Any]:
        """For the file."""
        return {**self.__dict__, "target": self.target.to_json()}


@dataclass
class Pending:
    """A run that reverts by itself unless it is confirmed.

    Attributes:
        deadline_s: seconds since the boot.
    """

    run: str
    boot: str
    deadline_s: float


class State:
    """The records, and the file that they are in.

    Args:
        host: where the file is.

    Raises:
        TuneError: `state-damaged`.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.records: list[Record] = []
        self.pending: Pending | None = None
        text = host.read(FILE)
        if text is not None:
            self._load(text)

    def _load(self, text: str) -> None:
        try:
            document = json.loads(text)
            if document["schema"] != SCHEMA:
                raise ValueError(f"schema {document['schema']}")
            for row in document["records"]:
                target = Target.from_json(row.pop("target"))
                self.records.append(Record(target=target, **row))
            if document["pending"] is not None:
                self.pending = Pending(**document["pending"])
        except (ValueError, KeyError, TypeError) as error:
            raise TuneError(
                "state-damaged", f"{FILE} cannot be read: {error}", "move it away after a look"
            ) from error
        boot = self._host.boot_id()
        self.records = [
            record for record in self.records if record.scope != "runtime" or record.boot == boot
        ]

    def save(self) -> None:
        """Makes the records durable."""
        rows = ",\n".join(json.dumps(record.to_json()) for record in self.records)
        pending = json.dumps(self.pending and self.pending.__dict__)
        text = f'{{"schema": {SCHEMA}, "pending": {pending}, "records": [\n{rows}\n]}}\n'
        self._host.replace(FILE, text, mode=0o600)

    def find(self, target: Target) -> Record | None:
        """The record of a target: the same entry and kind on the same card."""

        def identity(one: Target) -> tuple[str, ...]:
            return one.id, one.kind, one.mac, one.pci

        for record in self.records:
            if identity(record.target) == identity(target):
                return record
        return None


@contextlib.contextmanager
def locked(host: Host) -> Iterator[State]:
    """The state, after everybody else who changes the host is done.

    Raises:
        TuneError: `not-permitted`, or `state-damaged`.
    """
    try:
        folder = ""
        for part in FOLDER.strip("/").split("/"):
            folder += f"/{part}"
            if not host.exists(folder):
                host.make_folder(folder, 0o755 if folder != FOLDER else 0o700)
        with host.lock(LOCK):
            yield State(host)
    except PermissionError as error:
        raise TuneError(
            "not-permitted", f"{FOLDER} cannot be written: {error.strerror}", "run it as root"
        ) from error
