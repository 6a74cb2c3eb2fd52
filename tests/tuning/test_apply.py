"""Apply and revert on hosts in memory: what was found comes back, whatever happens in between.

The properties run over every fake host with values of its own: what a host has where tuning would
change something is drawn, and so are crashes, what others change meanwhile, and what the kernel
refuses.
"""

from __future__ import annotations

import errno
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import Crash, MemoryHost
from tests.tuning.tuner import EVERYTHING, apply, by_id, left, named, records, revert
from tunelib.state import FILE

LATENCY = named("latency")
THP = "/sys/kernel/mm/transparent_hugepage"
CPUS = ("0-3", "0-1", "3", "0,2", "1-2")
NUMBERS = ("0", "1", "10", "60")
# Values that a host may have of itself, by the file they are in.
OWN = {
    "/proc/sys/net/ipv4/tcp_slow_start_after_idle": NUMBERS[:2],
    "/proc/sys/net/ipv4/tcp_congestion_control": ("cubic", "bbr", "reno"),
    "/proc/sys/vm/swappiness": NUMBERS,
    "/proc/sys/vm/stat_interval": NUMBERS[1:],
    f"{THP}/enabled": (
        "[always] madvise never",
        "always [madvise] never",
        "always madvise [never]",
    ),
    f"{THP}/khugepaged/defrag": NUMBERS[:2],
    "/sys/devices/virtual/workqueue/cpumask": ("f", "1", "b"),
    "/sys/class/net/ens5/queues/rx-0/rps_cpus": ("0", "f", "3"),
    "/sys/class/net/ens5/queues/rx-1/rps_cpus": ("0", "2"),
    "/sys/class/net/ens5/threaded": NUMBERS[:2],
    "/proc/irq/41/smp_affinity_list": CPUS,
    "/proc/irq/42/smp_affinity_list": CPUS,
    "/proc/irq/40/smp_affinity_list": CPUS,
    "/etc/default/grub.d/90-whitewire.cfg": (
        None,
        "# Written by tune, removed by tune revert.\n"
        'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT skew_tick=0 quiet"\n',
    ),
    "/etc/chrony/conf.d/60-whitewire.conf": (None, "server 10.0.0.1\n"),
}
PAIRS = st.sampled_from([("0", "10", "0", "20"), ("1000000", "0", "8000000", "0")])
DIRTY = ("dirty_background_bytes", "dirty_background_ratio", "dirty_bytes", "dirty_ratio")
CARD = st.fixed_dictionaries(
    {
        "adaptive-rx": st.sampled_from(["on", "off"]),
        "rx-usecs": st.sampled_from(["0", "20", "64"]),
        "tx-usecs": st.sampled_from(["0", "64"]),
    }
)


@st.composite
def hosts(draw: st.DrawFn) -> MemoryHost:
    """A host with values of its own."""
    host = MemoryHost(SPECS[draw(st.sampled_from(sorted(SPECS)))])
    for path, values in OWN.items():
        value = draw(st.sampled_from(values))
        if value is None:
            host.files.pop(path, None)
        elif path in host.files or path.startswith("/etc/"):
            host.files[path] = value if value.endswith("\n") else f"{value}\n"
    for name, value in zip(DIRTY, draw(PAIRS), strict=True):
        host.files[f"/proc/sys/vm/{name}"] = f"{value}\n"
    machine = json.loads(host.files["/machine.json"])
    machine["cards"]["ens5"]["coalesce"] = draw(CARD)
    machine["units"] = draw(st.sampled_from([{}, {"user.slice": "0"}]))
    host.files["/machine.json"] = json.dumps(machine)
    return host


def same(host: MemoryHost, before: dict[str, str]) -> None:
    """The host is as it was, to the byte; interrupts made anew have new numbers."""
    assert differing(host, before) == {}
    assert records(host) == []


def differing(host: MemoryHost, before: dict[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """What is not as before."""
    after = host.snapshot()
    return {
        key: (before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }


@settings(max_examples=40, deadline=None)
@given(hosts())
def test_revert_undoes_apply(host: MemoryHost) -> None:
    before = host.snapshot()
    apply(host, EVERYTHING)
    assert left(host, EVERYTHING) == {}
    revert(host)
    same(host, before)


@settings(max_examples=20, deadline=None)
@given(hosts())
def test_twice_is_once(host: MemoryHost) -> None:
    apply(host, EVERYTHING)
    once, state = host.snapshot(), json.loads(host.files[FILE])
    again = apply(host, EVERYTHING)
    assert {one.what for one in again} <= {"already", "skip"}
    assert host.snapshot() == once
    assert json.loads(host.files[FILE]) == state


@settings(max_examples=20, deadline=None)
@given(hosts())
def test_the_second_profile_does_not_replace_what_was_found_first(host: MemoryHost) -> None:
    before = host.snapshot()
    apply(host, named("base"))
    apply(host, LATENCY)
    revert(host)
    same(host, before)


@settings(max_examples=50, deadline=None)
@given(hosts(), st.integers(1, 100), st.integers(1, 90), st.booleans())
def test_a_crash_between_any_two_changes_can_be_undone(
    host: MemoryHost, first: int, second: int, applies_again: bool
) -> None:
    before = host.snapshot()
    crash(host, first, lambda: apply(host, EVERYTHING))
    if applies_again:
        crash(host, second, lambda: apply(host, EVERYTHING))
    crash(host, second, lambda: revert(host))
    revert(host)
    same(host, before)


def crash(host: MemoryHost, at: int, run: Any) -> None:
    """The power goes out at the n-th change from now, if there are so many."""
    host.crash_at = host.changes + at
    try:
        run()
    except Crash:
        pass
    finally:
        host.crash_at = None


DRIFTING = (
    "/proc/sys/net/ipv4/tcp_autocorking",
    "/proc/sys/vm/stat_interval",
    f"{THP}/enabled",
    "/sys/devices/virtual/workqueue/cpumask",
    "/etc/default/grub.d/90-whitewire.cfg",
    "/etc/systemd/system/irqbalance.service.d/60-whitewire.conf",
)
STRANGE = {
    f"{THP}/enabled": "always madvise [never]\n",
    "/sys/devices/virtual/workqueue/cpumask": "d\n",
    DRIFTING[4]: "# Written by tune, removed by tune revert.\n"
    'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT skew_tick=7"\n',
    DRIFTING[5]: "[Service]\n",
}


@settings(max_examples=40, deadline=None)
@given(hosts(), st.sets(st.sampled_from(DRIFTING), min_size=1))
def test_what_others_changed_since_is_not_overwritten(host: MemoryHost, paths: set[str]) -> None:
    apply(host, LATENCY)
    paths = {path for path in paths if path in host.files}
    changed = {}
    for path in paths:
        strange = STRANGE.get(path, "77\n")
        assume(strange != host.files[path])
        changed[path] = host.files[path] = strange
    touched = {path for path in paths if is_recorded(host, path)}
    apply(host, LATENCY)
    kept = {path: host.files[path] for path in touched}
    assert kept == {path: changed[path] for path in touched}
    done = revert(host)
    assert {path: host.files[path] for path in touched} == kept
    assert ("drift" in {one.what for one in done}) == bool(touched)


def is_recorded(host: MemoryHost, path: str) -> bool:
    """Whether the state knows a key of this file."""
    text = host.files[FILE]
    key = path.removeprefix("/proc/sys/").replace("/", ".") if "/proc/sys/" in path else path
    key = "skew_tick" if path.endswith(".cfg") else key
    return f'"{key}"' in text


def test_force_overwrites_drift() -> None:
    host = MemoryHost(SPECS["amd4"])
    before = host.snapshot()
    apply(host, LATENCY)
    host.files[DRIFTING[0]] = "77\n"
    assert by_id(revert(host, only=["S2"])) == {"S2": "drift"}
    assert by_id(revert(host, force=True))["S2"] == "reverted"
    same(host, before)


def test_a_boot_undoes_what_lasts_until_then() -> None:
    host = MemoryHost(SPECS["amd4"])
    fresh = host.files.copy()
    apply(host, LATENCY)
    persistent = {path: text for path, text in host.files.items() if path.startswith("/etc/")}
    state = host.files[FILE]
    host.files = fresh | persistent | {FILE: state}
    host.files["/proc/sys/kernel/random/boot_id"] = "99999999-2222-3333-4444-555555555555\n"
    assert set(records(host)) == {"I2", "K3"}
    done = revert(host)
    assert by_id(done) == {"I2": "reverted", "K3": "reverted"}
    assert not [path for path in host.files if "60-whitewire" in path or "90-whitewire" in path]


def test_a_card_is_itself_by_its_address_whatever_its_name() -> None:
    host = MemoryHost(SPECS["amd4"])
    before = host.snapshot()
    apply(host, LATENCY)
    rename(host, "ens5", "eth0")
    assert by_id(revert(host))["N2"] == "reverted"
    rename(host, "eth0", "ens5")
    same(host, before)


def rename(host: MemoryHost, old: str, new: str) -> None:
    """As udev may do at any boot."""
    for path in list(host.files):
        text = host.files.pop(path)
        if path.endswith("/actions"):
            text = text.replace(f"{old}-", f"{new}-")
        if path == "/machine.json":
            text = text.replace(f'"{old}": ', f'"{new}": ')
        host.files[path.replace(f"/net/{old}/", f"/net/{new}/")] = text
    host._links = {
        path.replace(f"/net/{old}/", f"/net/{new}/"): target for path, target in host._links.items()
    }


def test_interrupts_that_a_reset_made_anew_are_moved_again() -> None:
    host = MemoryHost(SPECS["amd4"])
    before = host.snapshot()
    apply(host, LATENCY)
    host.run(["ethtool", "-L", "ens5", "combined", "1"])  # the driver resets itself in this way
    assert "I1" in left(host, LATENCY)
    assert by_id(apply(host, LATENCY))["I1"] == "applied"
    assert left(host, LATENCY) == {}
    revert(host)
    same(host, before)


def test_a_card_that_is_gone_keeps_its_record() -> None:
    host = MemoryHost(SPECS["amd4"])
    apply(host, LATENCY)
    host.files["/sys/class/net/ens5/address"] = "06:ff:ff:ff:ff:ff\n"
    done = by_id(revert(host))
    assert done["N2"] == "gone"
    assert done["S1"] == "reverted"
    assert "N2" in records(host)


def test_a_file_that_the_kernel_refuses_is_skipped_alone() -> None:
    host = MemoryHost(SPECS["amd4"])
    before = host.snapshot()
    host.refusals["/proc/irq/40/smp_affinity_list"] = errno.EIO
    done = apply(host, LATENCY)
    assert ("I1", "applied") in {(one.id, one.what) for one in done}
    assert any(one.id == "I1" and one.what == "skip" for one in done)
    host.refusals.clear()
    revert(host)
    same(host, before)


def test_what_a_driver_refuses_is_skipped_with_its_words() -> None:
    host = MemoryHost(SPECS["amd4"])
    before = host.snapshot()
    machine = json.loads(host.files["/machine.json"])
    machine["cards"]["ens5"]["refuses_coalesce"] = True
    host.files["/machine.json"] = json.dumps(machine)
    [refused] = [one for one in apply(host, LATENCY) if one.id == "N2"]
    assert refused.what == "skip"
    assert "Operation not supported" in refused.note
    revert(host)
    machine = json.loads(host.files["/machine.json"])
    del machine["cards"]["ens5"]["refuses_coalesce"]
    host.files["/machine.json"] = json.dumps(machine)
    same(host, before)


@settings(max_examples=20, deadline=None)
@given(hosts(), st.sampled_from(["/proc/sys/net/ipv4/tcp_autocorking", f"{THP}/enabled"]))
def test_a_failure_undoes_the_whole_run(host: MemoryHost, path: str) -> None:
    apply(host, named("base"), only=["S1"])
    before, known = host.snapshot(), records(host)
    host.refusals[path] = errno.EINVAL
    done = apply(host, LATENCY)
    if done[-1].what == "failed":
        assert "refused" in done[-1].note
        host.refusals.clear()
        assert differing(host, before) == {}
        assert records(host) == known
    else:
        assert path not in host.files or f'"{path}"' not in host.files[FILE]


def test_the_record_is_there_before_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    host = MemoryHost(SPECS["amd4"])
    seen: list[bool] = []

    def watch(name: str) -> None:
        method = getattr(host, name)

        def watched(what: Any, *more: Any, **named: Any) -> Any:
            questions = ("show", "is-active", "-c", "-k", "-l", "-x")
            is_question = name == "run" and what[1:2] and what[1] in questions
            if not is_question and not str(what).startswith("/var/lib/whitewire"):
                seen.append('"phase": "intent"' in host.files.get(FILE, ""))
            return method(what, *more, **named)

        monkeypatch.setattr(host, name, watched)

    for name in ("write", "replace", "remove", "make_folder", "run"):
        watch(name)
    apply(host, LATENCY)
    assert len(seen) > 30
    assert all(seen)


def test_a_crash_at_each_change_of_a_run_can_be_undone() -> None:
    changes = MemoryHost(SPECS["amd4"])
    apply(changes, LATENCY)
    for number in range(1, changes.changes + 1):
        host = MemoryHost(SPECS["amd4"])
        before = host.snapshot()
        crash(host, number, lambda host=host: apply(host, LATENCY))
        revert(host)
        same(host, before)


@pytest.mark.parametrize("only", ["S1", "N3", "C1"])
def test_one_entry_can_be_taken_back_alone(only: str) -> None:
    host = MemoryHost(SPECS["amd4"])
    apply(host, LATENCY)
    assert by_id(revert(host, only=[only])) == {only: "reverted"}
    assert only in left(host, LATENCY)
    assert only not in records(host)
