"""A plan in the formats of other tools; the shell is clean and does what apply does."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tests.tuning.tuner import EVERYTHING, KNOWN, apply, context, named
from tunelib import export, planner
from tunelib.context import Context
from tunelib.planner import Assessment
from tunelib.profile import Profile


def planned(host: MemoryHost, profile: Profile) -> tuple[Context, list[Assessment]]:
    """The steps on a host."""
    seen = context(host, profile)
    return seen, planner.steps(seen, planner.chosen(seen, KNOWN))


def script(name: str, profile: Profile = EVERYTHING) -> str:
    """As shell."""
    return export.script(*planned(MemoryHost(SPECS[name]), profile))


@pytest.mark.parametrize("name", list(SPECS))
def test_the_script_is_clean_shell(name: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.sh"
    path.write_text(script(name))
    subprocess.run(["sh", "-n", str(path)], check=True)
    shellcheck = Path(sys.executable).with_name("shellcheck")
    found = subprocess.run([shellcheck, str(path)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    assert "|| true" not in path.read_text()


def test_the_script_does_what_apply_does(tmp_path: Path) -> None:
    host = MemoryHost(SPECS["amd4"])
    profile = Profile("files", "", "busy_poll", "fused", {id: {} for id in FILES_ONLY})
    text = export.script(*planned(host, profile))
    root = tmp_path / "root"
    for path, content in host.files.items():
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (root / path.lstrip("/")).write_text(content)
    moved = re.sub(r"(?<=[\s\"])/(?=(?:proc|sys|etc)/)", f"{root}/", text)
    subprocess.run(["sh", "-c", moved], check=True)
    apply(host, profile)
    for path, content in host.files.items():
        if path.startswith(("/proc/", "/sys/")):
            there = (root / path.lstrip("/")).read_text()
            assert there.split() == content.split() or f"[{there.strip()}]" in content, path


FILES_ONLY = ("S1", "S2", "S3", "V1", "V3", "V4", "I1", "I3", "C8")


def test_parameters_of_several_entries_are_one_file() -> None:
    text = script("old4", EVERYTHING)
    written = re.findall(
        r"cat > /etc/default/grub.d/90-whitewire.cfg <<'END'\n(.*?)END", text, re.S
    )
    assert len(written) == 3
    for word in ("nohz_full=2-3", "isolcpus=managed_irq,domain,2-3", "skew_tick=1"):
        assert word in written[-1]


def test_sysctls_as_a_file() -> None:
    text = export.sysctl_d(*planned(MemoryHost(SPECS["amd4"]), named("latency")))
    lines = dict(
        line.split(" = ") for line in text.splitlines() if line and not line.startswith("#")
    )
    assert lines["net.ipv4.tcp_slow_start_after_idle"] == "0"
    assert lines["net.ipv4.tcp_sack"] == "1"
    assert "vm.dirty_ratio" not in lines  # the last write would win
    assert "net.core.busy_poll" not in lines  # the kernel is new enough


def test_a_file_for_grub() -> None:
    text = export.grub(*planned(MemoryHost(SPECS["amd4"]), named("latency")))
    assert text.endswith('="$GRUB_CMDLINE_LINUX_DEFAULT skew_tick=1"\n')
    nothing = export.grub(*planned(MemoryHost(SPECS["amd4"]), named("base")))
    assert nothing.splitlines()[-1].startswith("#")
    found = subprocess.run(
        ["sh", "-c", f"GRUB_CMDLINE_LINUX_DEFAULT=quiet\n{text}\necho $GRUB_CMDLINE_LINUX_DEFAULT"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout == "quiet skew_tick=1\n"


def test_a_profile_for_tuned() -> None:
    text = export.tuned(*planned(MemoryHost(SPECS["amd4"]), named("latency")))
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    assert parser["main"]["include"] == "network-latency"
    assert parser["net"]["devices"] == "ens5"
    assert parser["net"]["coalesce"] == "adaptive-rx off rx-usecs 0 tx-usecs 0"
    assert parser["irqbalance"]["banned_cpus"] == "2-3"
    assert parser["bootloader"]["cmdline_whitewire"] == "+skew_tick=1"
    assert "# left to tune apply --only: I1" in text


def test_the_plan_as_json_has_every_step() -> None:
    from tunelib import render

    seen, steps = planned(MemoryHost(SPECS["amd4"]), named("latency"))
    document = json.loads(render.as_json(render.plan_json(seen, steps, [])))
    assert [step["id"] for step in document["steps"]] == [s.entry.id for s in steps if s.change]
    assert document["steps"][0]["from"] == {"combined": "4"}
    assert document["skipped"].keys() == {step.entry.id for step in steps if step.reason}
