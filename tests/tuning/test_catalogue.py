"""The catalogue: whole, consistent with the code, and strictly read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.tuning import TUNING
from tunelib import catalogue, probes
from tunelib.catalogue import CHANGING, PASSIVE, VARIABLE, load, parse
from tunelib.context import CONDITIONS, EACH_ISOLATED, VARIABLES
from tunelib.errors import TuneError

KNOWN = load()
# What no tool may do by itself, whatever a profile says.
NEVER_AUTOMATIC = ("N8", "N16", "I4", "C7", "K7", "S11", "V8", "T5")
REPORTED = ("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "N1", "N6", "N13", "V5")


# By what they are about: the card, interrupts, polling, sysctls, memory, CPUs, clock, placement.
PROMISED = ("N2", "N3", "N4", "N5", "I1", "I2", "S1", "S2", "S4", "V1", "C1", "C2", "C4", "C6")
PROMISED += ("P3", "T1", "T2", "N1", "P7", "P1", "P2", "K1", "K3")


def test_every_group_of_a_host_is_there() -> None:
    assert set(PROMISED) <= set(KNOWN.entries)
    assert {entry.group for entry in KNOWN} == set(KNOWN.groups)


def test_what_must_never_be_automatic_is_not() -> None:
    for id in NEVER_AUTOMATIC:
        assert KNOWN[id].kind == "never"
        assert KNOWN[id].tier == "X"
    for id in REPORTED:
        assert not KNOWN[id].changes
    for entry in KNOWN:
        assert entry.changes == bool(entry.wants)
        everything = json.dumps(dict(entry.wants))
        for word in ("mitigations", "idle=poll", "selinux", "audit=0", "modprobe -r", "noqueue"):
            assert word not in everything, f"{entry.id} would set {word}"
        assert entry.then in ((), *ALLOWED_THEN), entry.id


ALLOWED_THEN = (
    (("systemctl", "daemon-reload"), ("systemctl", "restart", "irqbalance")),
    (("systemctl", "restart", "{chrony_unit}"),),
)


def test_names_in_entries_are_known() -> None:
    for entry in KNOWN:
        texts = (*entry.wants, *entry.wants.values(), *(w for c in entry.then for w in c))
        for name in (name for text in texts for name in VARIABLE.findall(text)):
            assert name in VARIABLES or f"{{{name}}}" in ("{if}", EACH_ISOLATED), name
        for condition in entry.requires:
            name = re.split(r"[<>=]", condition)[0]
            assert name in CONDITIONS, f"{entry.id}: {condition}"
        assert not entry.probe or entry.probe in probes.PROBES, entry.id


def test_nothing_in_the_code_is_unused() -> None:
    texts = " ".join(path.read_text() for path in catalogue.FOLDER.glob("[0-9]*.json"))
    assert {name for name in VARIABLES if f"{{{name}}}" not in texts} == set()
    used = {entry.probe for entry in KNOWN}
    assert set(probes.PROBES) - used == set()
    conditions = {re.split(r"[<>=]", one)[0] for entry in KNOWN for one in entry.requires}
    assert set(CONDITIONS) - conditions == set()
    assert {entry.kind for entry in KNOWN} == CHANGING | PASSIVE
    assert {key for entry in KNOWN for key in entry.sources} == set(KNOWN.sources)


def test_a_reboot_or_a_gap_in_traffic_is_announced() -> None:
    for entry in KNOWN:
        assert (entry.disruption == "reboot") == (entry.stage == "boot" or entry.id == "T2")
        assert (entry.disruption == "blip") == (entry.kind == "channels")


def good() -> dict[str, Any]:
    """An entry as in a file."""
    [row] = [
        row
        for row in json.loads((catalogue.FOLDER / "5-net.json").read_text())["entries"]
        if row["id"] == "S1"
    ]
    return dict(row)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tier": "T9"}, "tier is 'T9'"),
        ({"kind": "magic"}, "kind is 'magic'"),
        ({"colour": "red"}, "unknown fields"),
        ({"set": {}}, "does not say what"),
        ({"set": {"a": 1}}, "must be text"),
        ({"sources": []}, "names no source"),
        ({"sources": ["NOBODY"]}, "unknown sources"),
        ({"stage": "later"}, "stage is 'later'"),
        ({"why": ""}, "why must be text"),
        ({"kind": "report"}, "must change nothing"),
        ({"kind": "never"}, "X and never"),
        ({"pairs": {"other": "x"}}, "pairs of what it does not set"),
        ({"unit_property": "AllowedCPUs"}, "units have a property"),
        ({"requires": "root"}, "list of texts"),
        ({"id": "nonsense"}, "a letter and a number"),
    ],
)
def test_a_damaged_entry_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TuneError, match=re.escape(message)) as caught:
        parse({**good(), **change}, "net", frozenset(KNOWN.sources))
    assert caught.value.code == "catalogue-damaged"


def test_a_field_that_is_missing_is_named() -> None:
    row = good()
    del row["revert"]
    with pytest.raises(TuneError, match="revert"):
        parse(row, "net", frozenset(KNOWN.sources))


def test_files_are_read_strictly(tmp_path: Path) -> None:
    (tmp_path / "sources.json").write_text('{"schema": 1, "sources": {"K": "x"}}')
    row = {**good(), "sources": ["K"]}
    document = {"schema": 1, "group": "net", "title": "Net", "entries": [row]}
    (tmp_path / "1-net.json").write_text(json.dumps(document))
    assert list(load(tmp_path).entries) == ["S1"]
    for damaged in ({**document, "entries": [row, row]}, {**document, "schema": 2}, {"schema": 1}):
        (tmp_path / "1-net.json").write_text(json.dumps(damaged))
        with pytest.raises(TuneError):
            load(tmp_path)
    (tmp_path / "1-net.json").write_text("{")
    with pytest.raises(TuneError, match="cannot be read"):
        load(tmp_path)


def test_an_unknown_id_is_said_with_the_known_ones() -> None:
    with pytest.raises(TuneError, match="there is no entry Z9; known are P1"):
        KNOWN["Z9"]


def test_the_command_is_thin() -> None:
    assert len((TUNING / "tune").read_text().splitlines()) < 20
