"""The plan for each fake host: what is wanted, in order, with reasons for the rest."""

from __future__ import annotations

import pytest

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tests.tuning.tuner import KNOWN, VENUE, context, left, named
from tunelib import planner
from tunelib.catalogue import STAGES
from tunelib.context import Context
from tunelib.planner import Assessment

LATENCY = named("latency")


def planned(name: str, venue: str = "") -> dict[str, Assessment]:
    """Assessments by id, in order."""
    seen = Context.of(MemoryHost(SPECS[name]), LATENCY, None, venue)
    return {one.entry.id: one for one in planner.steps(seen, planner.chosen(seen, KNOWN))}


def reasons(name: str) -> dict[str, str]:
    """Why entries are skipped."""
    return {id: one.reason for id, one in planned(name).items() if one.reason}


def test_a_fresh_four_cpu_amd_instance() -> None:
    plan = planned("amd4")
    assert [id for id, one in plan.items() if one.change] == [
        *("N3", "N2", "I2", "I1", "I3", "C1", "C2", "S1", "S2", "S3", "V3", "V4", "V1", "C8"),
        "K3",
    ]
    assert plan["N3"].change == {"combined": "1"}
    assert plan["N2"].change == {"adaptive-rx": "off", "rx-usecs": "0", "tx-usecs": "0"}
    assert plan["I1"].change["{if}-Tx-Rx-0"] == "2"
    assert plan["I1"].change["nvme0q0"] == "0-1"
    assert "nvme0q1" not in plan["I1"].change  # the kernel places it itself
    assert plan["C1"].change["cpuset.cpus"] == "2-3"
    assert set(plan["C2"].change.values()) == {"0-1"}
    assert plan["I3"].change == {"/sys/devices/virtual/workqueue/cpumask": "3"}


def test_reasons_are_those_of_the_host() -> None:
    amd = reasons("amd4")
    assert "ntuple off [fixed]" in amd["N4"]
    assert "6.12" in amd["S4"]
    assert "C1" in amd["C4"]
    old = reasons("old4")
    assert old["C1"] == old["C2"] == "cgroup v2 has no cpuset controller here"
    assert "5.12" in old["N12"]
    assert "tsc" in reasons("graviton4")["C8"]
    tiny = reasons("tiny2")
    assert {id for id in tiny if "2 CPUs" in tiny[id]} == {"I1", "I2", "I3", "C1", "C2", "C4"}


def test_flows_are_steered_where_the_card_can() -> None:
    plan = planned("amd4-steering", VENUE)
    assert plan["N3"].change == {"combined": "2"}
    assert plan["N4"].change == {"0": f"flow-type tcp4 src-ip {VENUE} src-port 443 action 0"}
    assert "N4" in plan["N5"].reason
    assert plan["N9"].change
    without = planned("amd4-steering")
    assert without["N3"].change == {"combined": "1"}
    assert "--venue" in without["N4"].reason


def test_sleep_states_of_the_hot_core_are_bounded_by_c1() -> None:
    change = planned("intel4")["C4"].change
    path = "/sys/devices/system/cpu/cpu{}/power/pm_qos_resume_latency_us"
    assert change == {path.format(1): "2", path.format(3): "2"}


@pytest.mark.parametrize("name", list(SPECS))
def test_steps_are_in_the_order_of_stages(name: str) -> None:
    stages = [STAGES.index(one.entry.stage) for one in planned(name).values()]
    assert stages == sorted(stages)


@pytest.mark.parametrize("name", list(SPECS))
def test_every_skip_has_a_reason_and_nothing_else_has_one(name: str) -> None:
    for one in planned(name).values():
        assert bool(one.reason) == (one.target is None)
        assert "catalogue" not in one.reason


def test_inside_a_container_nothing_is_judged() -> None:
    host = MemoryHost(SPECS["amd4"])
    host._links["/proc/self/ns/pid"] = "pid:[4026532277]"
    seen = context(host, LATENCY)
    for one in planner.steps(seen, planner.chosen(seen, KNOWN)):
        assert "inside a container" in one.reason


def test_the_clock_of_the_image_needs_no_file() -> None:
    assert planned("amd4")["T1"].change == {}
    host = MemoryHost(SPECS["amd4"])
    host.files["/machine.json"] = host.files["/machine.json"].replace(
        '"log"', '"clock": "0A000001,ntp.example.net", "log"'
    )
    assert "60-whitewire.conf" in str(left(host, LATENCY)["T1"])


def test_what_the_host_itself_boots_with_needs_nothing() -> None:
    host = MemoryHost(SPECS["amd4"])
    host.files["/proc/cmdline"] = "root=/dev/nvme0n1p1 skew_tick=1\n"
    assert "K3" not in left(host, LATENCY)


def test_ids_choose_and_are_known() -> None:
    seen = context(MemoryHost(SPECS["amd4"]), LATENCY)
    assert [one.id for one in planner.chosen(seen, KNOWN, ["S1", "N7"])] == ["N7", "S1"]
    assert planner.chosen(seen, KNOWN, ["P1"]) == []
