"""The verdict on each entry, before and after apply, and on what others do."""

from __future__ import annotations

import json
import re

import pytest

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tests.tuning.tuner import KNOWN, apply, context, named
from tunelib import audit, render
from tunelib.audit import FAIL, PASS, SKIP, STATES, UNKNOWN, WARN, Row
from tunelib.state import State

LATENCY = named("latency")


def checked(host: MemoryHost, profile: str = "latency") -> dict[str, Row]:
    """Rows by id."""
    rows = audit.rows(context(host, named(profile)), KNOWN, State(host))
    return {row.id: row for row in rows}


def states(rows: dict[str, Row], *ids: str) -> list[str]:
    """States of some."""
    return [rows[id].state for id in ids]


def test_a_fresh_host_fails_and_an_applied_one_does_not() -> None:
    host = MemoryHost(SPECS["amd4"])
    rows = checked(host)
    assert states(rows, "N2", "N3", "I1", "I2", "S1", "V1") == [FAIL] * 6
    assert states(rows, "C1", "C2", "V3", "K3") == [WARN] * 4
    assert states(rows, "P3", "K7", "S5", "N10") == [PASS] * 4
    assert not audit.is_ready(list(rows.values()), is_strict=False)
    apply(host, LATENCY)
    rows = checked(host)
    assert audit.is_ready(list(rows.values()), is_strict=False)
    assert (rows["K3"].state, rows["K3"].note) == (WARN, "after the next reboot")
    assert not audit.is_ready(list(rows.values()), is_strict=True)
    host.files["/proc/cmdline"] = "skew_tick=1\n"
    assert checked(host)["K3"].state == PASS


def test_what_others_changed_since_is_said() -> None:
    host = MemoryHost(SPECS["amd4"])
    apply(host, LATENCY)
    host.files["/proc/sys/net/ipv4/tcp_autocorking"] = "7\n"
    host.files["/proc/sys/net/ipv4/tcp_slow_start_after_idle"] = "1\n"
    rows = checked(host)
    assert rows["S2"].note == "changed by others since apply: net.ipv4.tcp_autocorking"
    assert rows["S1"].note == "undone since apply: apply again"


@pytest.mark.parametrize("name", list(SPECS))
def test_every_host_gets_a_verdict_on_every_row(name: str) -> None:
    rows = checked(MemoryHost(SPECS[name]))
    expected = {
        entry.id
        for entry in KNOWN
        if entry.id in LATENCY.entries or (entry.probe and not entry.changes)
    }
    assert set(rows) == expected
    for row in rows.values():
        assert row.state in STATES
        assert row.state != SKIP or row.note
        assert row.state not in (FAIL, WARN) or row.found


def machine(host: MemoryHost, change: str) -> None:
    """Changes what the fake programs know."""
    state = json.loads(host.files["/machine.json"])
    exec(f"card = state['cards']['ens5']\n{change}", {"state": state})
    host.files["/machine.json"] = json.dumps(state)


@pytest.mark.parametrize(
    ("id", "path", "text", "state"),
    [
        ("K7", "/proc/cmdline", "root=x mitigations=off idle=poll\n", WARN),
        ("I4", "/proc/cmdline", "kthread_cpus=0\n", WARN),
        ("P4", "/proc/stat", "cpu 100 0 100 1000 0 0 0 500 0 0\n", FAIL),
        ("S10", "/proc/net/softnet_stat", "000004d2 00000005 00000000\n", WARN),
        ("S6", "/proc/sys/net/ipv4/tcp_rmem", "4096 87380 1048576\n", WARN),
        ("T3", "/etc/chrony/chrony.conf", "makestep 1.0 -1\n", WARN),
        ("T5", "/etc/chrony/chrony.conf", "local stratum 10\n", WARN),
        ("N1", "/sys/module/ena/version", "2.2.9g\n", WARN),
        ("P1", "/metadata/placement/availability-zone-id", "use1-az6\n", UNKNOWN),
        ("P9", "/metadata/instance-type", "c7i.metal-24xl\n", PASS),
    ],
)
def test_what_is_only_reported(id: str, path: str, text: str, state: str) -> None:
    host = MemoryHost(SPECS["amd4"])
    host.files[path] = text
    assert checked(host)[id].state == state


@pytest.mark.parametrize(
    ("id", "change", "found"),
    [
        ("P5", "card['stats']['bw_in_allowance_exceeded'] = 3", "bw_in_allowance_exceeded 3"),
        ("N6", "card['stats']['rx_overruns'] = 9", "rx_overruns 9"),
        ("P6", "card['stats']['ena_srd_mode'] = 1", "ena_srd_mode 1"),
        ("N8", "card['features']['rx-checksumming'] = 'off'", "off: rx-checksumming"),
    ],
)
def test_what_the_card_counts(id: str, change: str, found: str) -> None:
    host = MemoryHost(SPECS["amd4"])
    assert checked(host)[id].state == PASS
    machine(host, change)
    row = checked(host)[id]
    assert (row.state, row.found) == (WARN, found)


def test_a_burstable_instance_fails() -> None:
    assert checked(MemoryHost(SPECS["tiny2"]))["P4"].state == FAIL


def test_the_screen_shows_what_matters_and_counts_the_rest() -> None:
    host = MemoryHost(SPECS["amd4"])
    seen = context(host, LATENCY)
    rows = audit.rows(seen, KNOWN, None)
    text = render.check(seen, rows, is_full=False)
    assert len(text.splitlines()) < 40
    assert "layout A, housekeeping 0-1, card 2, hot thread 2, strategy 3" in text
    for row in rows:
        assert bool(re.search(rf"^{row.id} ", text, re.M)) == (row.state not in (PASS, SKIP))
    assert text.index("\nN2 ") < text.index("\nC1 ")
    everything = render.check(seen, rows, is_full=True)
    assert all(re.search(rf"^{row.id} ", everything, re.M) for row in rows)


def test_the_textfile_for_prometheus() -> None:
    rows = list(checked(MemoryHost(SPECS["amd4"])).values())
    text = render.prom(rows, 1_795_000_000)
    sample = re.compile(r'^[a-z_]+(\{([a-z]+="[^"]*",?)+\})? \d+$')
    lines = [line for line in text.splitlines() if not line.startswith("# ")]
    assert all(sample.match(line) for line in lines)
    assert 'whitewire_tune_entry{id="N2",tier="T1",state="FAIL"} 1' in lines
    assert len(lines) == len(rows) + len(STATES) + 1
    helped = re.findall(r"^# HELP (\S+)", text, re.M)
    assert helped == re.findall(r"^# TYPE (\S+)", text, re.M)


def test_values_of_many_keys_fit_a_cell() -> None:
    assert audit.shown({"a": "on", "b": "20", "c": "64"}) == "on/20/64"
    assert audit.shown({"a": "1", "b": "1"}) == "1"
    assert audit.shown({f"irq{number}": f"{number % 2}" for number in range(9)}) == "0/1"
    assert audit.shown({"net.x": None, "/sys/y/z": "2\n"}, has_names=True) == "x none, z 2"
    assert len(audit.shown({f"k{n}": str(n) for n in range(99)}, has_names=True)) == audit.LONGEST
