"""The profiles on every fake host: what they may hold, and what they must never do."""

from __future__ import annotations

import re

import pytest

from tests.tuning.hosts import SPECS, Spec, plain
from tests.tuning.memory_host import MemoryHost
from tests.tuning.tuner import KNOWN, apply, context, named, revert
from tunelib import cpulist, export, layout, planner, profile
from tunelib.context import Context
from tunelib.planner import Assessment
from whitewire.config import parse
from whitewire.protocol.receive import plan_cpus

NAMES = ("base", "latency", "latency-smt", "aggressive")
HOSTS = {**SPECS, "amd3": Spec("amd3", plain(3), "6.12.40-cloud-amd64", "c7a.xlarge")}
FOUR = [name for name, spec in HOSTS.items() if len(spec.cpus) == 4]
# What playbooks do and this tool must not, as it would look in a script (OPERATIONS A.10, K7).
NEVER = (
    r"mitigations", r"selinux|setenforce|apparmor", r"idle=poll", r"nosoftlockup", r"audit=0",
    r"max_cstate=0", r"iommu", r"mce=", r"rmmod|modprobe -r", r"chrt|SCHED_FIFO", r"kthread_cpus",
    r"tcp_sack 0|tcp_timestamps 0|put 0 \S*tcp_(sack|timestamps)", r"noqueue", r"ethtool -G",
    r"ethtool -K \S+ .*\b(rx|tx|sg) off", r"min_free_kbytes|nr_hugepages", r"iptables|amazon-ssm",
    r"sched_\w+_ns|tcp_low_latency|tcp_adv_win_scale", r"local stratum", r"systemctl (mask|stop)",
    r"GRUB_CMDLINE_LINUX=", r"reboot", r"\|\| true", r"/proc/irq/default_smp_affinity",
)  # fmt: skip


def planned(host: str, name: str) -> tuple[Context, list[Assessment]]:
    """The steps of a profile on a fresh host."""
    seen = context(MemoryHost(HOSTS[host]), named(name))
    return seen, planner.steps(seen, planner.chosen(seen, KNOWN))


def wanted(host: str, name: str) -> dict[str, dict[str, str]]:
    """What it wants there, by entry."""
    return {s.entry.id: dict(s.wanted) for s in planned(host, name)[1] if not s.reason}


def test_these_are_the_profiles() -> None:
    assert set(profile.names()) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_entries_exist_and_are_of_the_profiles_tiers(name: str) -> None:
    tiers = {KNOWN[id].tier for id in named(name).entries}
    assert tiers == {"base": {"T0"}, "latency": {"T0", "T1"}}.get(name, {"T0", "T1", "T2"})
    assert not [id for id in named(name).entries if not KNOWN[id].changes]


def test_every_tier_0_and_1_setting_is_in_latency() -> None:
    left = {entry.id for entry in KNOWN if entry.changes} - set(named("latency").entries)
    assert {KNOWN[id].tier for id in left} == {"T2"}


def test_what_only_a_polling_gateway_bears_is_in_no_profile() -> None:
    """N11 defers interrupts for one that polls the kernel, which a spinning loop never does."""
    assert not [name for name in NAMES if "N11" in named(name).entries]
    assert "S4" not in named("aggressive").entries
    assert named("aggressive").receive == "spin"


def test_no_profile_mixes_a_clock_that_smears_with_one_that_does_not() -> None:
    assert not [name for name in NAMES if {"T1", "T2"} <= set(named(name).entries)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("host", list(HOSTS))
def test_what_must_never_be_automatic_is_in_no_plan(host: str, name: str) -> None:
    script = export.script(*planned(host, name))
    assert not [pattern for pattern in NEVER if re.search(pattern, script)]


def test_the_patterns_of_what_must_never_be_find_it() -> None:
    bad = "put 0 /proc/sys/net/ipv4/tcp_sack\nethtool -K ens5 rx off\nethtool -G ens5 rx 4096\n"
    assert sum(bool(re.search(pattern, bad)) for pattern in NEVER) == 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("host", FOUR)
def test_interlocks_on_four_cpus(host: str, name: str) -> None:
    seen, steps = planned(host, name)
    plan, cpus = seen.plan, seen.topology.cpus
    assert 0 in plan.housekeeping
    assert 0 not in plan.isolated
    assert len(cpus) >= 3
    for step in steps:
        lists = [text for text in step.wanted.values() if re.fullmatch(r"\d+([-,]\d+)*", text)]
        if step.entry.kind in ("unit", "irq"):
            assert all(cpulist.parse_list(text) and cpulist.parse_list(text) <= cpus
                       for text in lists)  # fmt: skip
    found = wanted(host, name)
    assert not {"C1", "K2"} <= set(found), "isolated twice"
    assert "C6" not in found or (plan.layout, len(cpus)) == ("B", 3)
    if plan.receive == "spin":
        assert plan.nic not in {plan.hot, plan.strategy}
        assert not seen.topology.siblings(plan.hot or 0)


def test_the_siblings_profile_leaves_three_cpus_and_only_there() -> None:
    offline = "/sys/devices/system/cpu/cpu3/online"
    assert wanted("intel4", "latency-smt")["C6"] == {offline: "0"}
    assert not [host for host in HOSTS if host != "intel4" and "C6" in wanted(host, "latency-smt")]
    host = MemoryHost(HOSTS["intel4"])
    before = host.snapshot()
    apply(host, named("latency-smt"))
    assert host.read(offline) == "0\n"
    revert(host)
    assert host.snapshot() == before


def test_a_host_without_a_cpu_to_spare_keeps_its_cpus() -> None:
    for name in NAMES:
        assert not {"I1", "I2", "I3", "C1", "C2", "C4", "C6", "K1"} & set(wanted("tiny2", name))


# ---- the gateway's section --------------------------------------------------------------------

VENUE = """
[venue]
rest = "http://127.0.0.1:1"
public_rest = "http://127.0.0.1:1"
ws = "ws://127.0.0.1:1"
[markets.BTC_USDT]
max_order_amount = "1"
max_order_notional = "1000"
"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("host", list(HOSTS))
def test_the_gateway_accepts_its_section(host: str, name: str) -> None:
    """And it can obey it with the CPUs that it has in its slice."""
    seen, _ = planned(host, name)
    is_confined = seen.has_partition(KNOWN)
    process = parse(layout.whitewire(seen.plan, is_confined) + VENUE).process
    assert (process.cpu, process.receive) == (seen.plan.hot, seen.plan.receive)
    found = plan_cpus(process, seen.plan.isolated if is_confined else seen.topology.cpus)
    if found.hot is None:
        assert not seen.plan.isolated
        return
    assert found.others
    assert found.hot not in found.others
    if process.receive == "spin":
        assert not found.others & seen.topology.siblings(found.hot)


def test_a_partition_has_room_for_more_than_the_hot_thread() -> None:
    for host in HOSTS:
        for name in NAMES:
            partition = wanted(host, name).get("C1", {}).get("cpuset.cpus", "")
            assert len(cpulist.parse_list(partition)) != 1
    assert wanted("amd4", "latency")["C1"]["cpuset.cpus"] == "2-3"
    assert "C1" not in wanted("intel4", "latency-smt")
    assert "C1" not in wanted("amd3", "latency")
