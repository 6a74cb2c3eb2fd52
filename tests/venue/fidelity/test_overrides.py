"""Overrides change what they point to and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.venue.fidelity.absences import read_absences
from tests.venue.fidelity.overrides import Misplaced, Override, overridden, read_overrides

DOCUMENTS = {
    "a.yaml": {"paths": {"/x": {"enum": [False, "b"]}, "/y": {"enum": ["c"]}}, "list": [{"k": 1}]}
}


def change(at: str, kind: str, value: Any) -> Any:
    before = copy.deepcopy(DOCUMENTS)
    override = Override("a.yaml", at, kind, value, "because", "PROTOCOL 0")
    after = overridden(DOCUMENTS, [override])["a.yaml"]
    assert before == DOCUMENTS
    return after


def test_changes() -> None:
    assert change("/paths/~1x/enum", "put", ["n"])["paths"]["/x"]["enum"] == ["n"]
    assert change("/paths/~1x/enum", "drop", ["b"])["paths"]["/x"]["enum"] == [False]
    assert change("/paths/~1x", "extend", {"type": 1})["paths"]["/x"]["type"] == 1
    assert change("/list/0/k", "put", 2)["list"] == [{"k": 2}]
    assert change("/paths/~1x/new", "put", 1)["paths"]["/x"]["new"] == 1
    every = change("/paths/*/enum", "extend", ["d"])["paths"]
    assert (every["/x"]["enum"], every["/y"]["enum"]) == ([False, "b", "d"], ["c", "d"])


@pytest.mark.parametrize("at", ["/none/x", "/paths/*/none/x", "/list/1", "/list/x"])
def test_an_override_of_nothing_is_an_error(at: str) -> None:
    with pytest.raises(Misplaced):
        change(at, "extend", {})


def test_a_change_must_fit_what_it_changes() -> None:
    with pytest.raises(Misplaced):
        change("/paths/~1x/enum", "extend", {"a": 1})


def test_every_row_has_a_reason_in_the_protocol() -> None:
    for row in (*read_overrides(), *read_absences()):
        assert len(row.reason) > 20
        assert row.protocol.startswith(("PROTOCOL ", "WS-ORDERS "))
