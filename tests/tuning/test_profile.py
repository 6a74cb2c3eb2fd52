"""Profiles: what they extend, what they may say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunelib import catalogue, profile
from tunelib.errors import TuneError

KNOWN = catalogue.load()


def test_shipped_profiles_are_sound() -> None:
    assert {"base", "latency"} <= set(profile.names())
    for name in profile.names():
        found = profile.load(name, KNOWN)
        assert found.entries
        assert found.receive in profile.RECEIVE


def test_base_is_safe_anywhere_and_latency_can_be_undone_at_run_time() -> None:
    base = profile.load("base", KNOWN)
    assert {KNOWN[id].tier for id in base.entries} == {"T0"}
    latency = profile.load("latency", KNOWN)
    assert set(base.entries) < set(latency.entries)
    assert {KNOWN[id].tier for id in latency.entries} == {"T0", "T1"}


def write(folder: Path, stem: str, /, **change: Any) -> None:
    """A profile file."""
    document = {
        "schema": 1,
        "name": stem,
        "summary": "s",
        "extends": None,
        "receive": "block",
        "irq": "fused",
        "entries": {"S1": {}},
        "without": [],
    }
    (folder / f"{stem}.json").write_text(json.dumps({**document, **change}))


def test_values_of_a_profile_replace_those_of_the_entry(tmp_path: Path) -> None:
    write(tmp_path, "one", entries={"S1": {}, "V2": {"vm.swappiness": "1"}})
    write(tmp_path, "two", extends="one", entries={"N3": {"combined": "2"}}, without=["S1"])
    found = profile.load("two", KNOWN, tmp_path)
    assert set(found.entries) == {"V2", "N3"}
    assert found.wanted(KNOWN["V2"]) == {"vm.swappiness": "1"}
    assert found.wanted(KNOWN["N3"]) == {"combined": "2"}
    assert found.wanted(KNOWN["N2"]) == KNOWN["N2"].wants


@pytest.mark.parametrize(
    "change",
    [
        {"receive": "magic"},
        {"irq": "beside"},
        {"name": "other"},
        {"extends": "bad"},
        {"entries": {"P1": {}}},
        {"entries": {"N8": {}}},
        {"entries": {"Z1": {}}},
        {"entries": {"S1": {"vm.swappiness": "1"}}},
        {"entries": {"S1": {"net.ipv4.tcp_slow_start_after_idle": 0}}},
        {"without": ["S2"]},
        {"colour": "red"},
    ],
)
def test_a_damaged_profile_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    write(tmp_path, "bad", **change)
    with pytest.raises(TuneError) as caught:
        profile.load("bad", KNOWN, tmp_path)
    assert caught.value.code == "profile-damaged"


def test_an_unknown_profile_is_said_with_the_known_ones() -> None:
    with pytest.raises(TuneError, match=r"there is no profile fastest; known are .*base"):
        profile.load("fastest", KNOWN)
