"""The files for other tools: fresh, accepted by the tools they are for, one with the catalogue."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import yaml

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tests.tuning.renew import FILES, example
from tests.tuning.test_shipped_profiles import VENUE
from tests.tuning.tuner import KNOWN, context, named
from tunelib import cli, commands, export, files, gateway, planner, units
from whitewire.cli_arguments import parser
from whitewire.config import AccountConfig, parse
from whitewire.guards import RedButtonConfig, WatchdogConfig
from whitewire.lifecycle import STOP_TIMEOUT_S
from whitewire.sharing import PATIENCE_S
from whitewire.transport.heartbeat import heartbeat_path
from whitewire.transport.shared_cells import default_directory

RENEW = "python -m tests.tuning.renew"
# What one host shows of every branch: a partition or none, GRUB or not, siblings, no CPU to spare.
CASES = [("amd4", "latency"), ("amd4", "aggressive"), ("intel4", "latency-smt"), ("tiny2", "base")]
every_case = pytest.mark.parametrize(("host", "profile"), CASES)
# Of systemd's complaints, the one about programs that are not on this machine.
ALLOWED = re.compile(
    r"\S+: Command /opt/whitewire/\S+ is not executable: No such file or directory"
)
# systemd.exec(5): each of these is a filter that every system call of the process goes through.
FILTERING = {
    "LockPersonality", "MemoryDenyWriteExecute", "PrivateDevices", "ProtectClock",
    "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables",
    "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
    "SystemCallArchitectures", "SystemCallFilter", "SystemCallLog",
}  # fmt: skip
# And these look at every packet, stop the process, or give all its threads one place.
HARMFUL = {"IPAddressAllow", "IPAddressDeny", "CPUQuota", "CPUAffinity", "CPUSchedulingPolicy"}


def joined(text: str) -> str:
    """With lines that go on."""
    return text.replace("\\\n", " ")


def unit(name: str, host: str = "amd4", profile: str = "latency") -> dict[str, list[str]]:
    """The settings of a unit by name; what is given twice has two values."""
    found: dict[str, list[str]] = {}
    for line in joined(example(host, profile)[f"{units.FOLDER}/{name}"]).splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_committed_files_are_fresh() -> None:
    committed = {
        path.relative_to(FILES).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(FILES.rglob("*"))
        if path.is_file()
    }
    assert committed == example(), f"stale: {RENEW}"
    assert not [path for path in files.EXECUTABLE if not (FILES / path).stat().st_mode & 0o111]


@every_case
def test_the_files_there_are(host: str, profile: str) -> None:
    found = example(host, profile)
    services = {f"{units.FOLDER}/{name}" for name in (
        "whitewire-tuning.service", "whitewire@.service", "whitewire-watchdog@.service",
        "whitewire-cancel-all@.service", "whitewire.slice")}  # fmt: skip
    assert services | {files.SYSCTL, files.UDEV, files.CLOUD} <= set(found)
    seen = context(MemoryHost(SPECS[host]), named(profile))
    for entry in KNOWN:
        if entry.kind == "dropin" and not planner.assess(seen, entry).reason:
            folder = "" if entry.id in named(profile).entries else "optional"
            for path, text in entry.wants.items():
                assert found[f"{folder}{seen.fill(path)}".lstrip("/")] == seen.fill(text)


# ---- units ------------------------------------------------------------------------------------


def verified(folder: Path, names: list[str]) -> list[str]:
    """What systemd says of units; it exits with 0 on an unknown key, so that its words count."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    said = subprocess.run(
        [program, "verify", "--man=no", *(str(folder / name) for name in names)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return [line for line in said.stderr.splitlines() if not ALLOWED.fullmatch(line)]


@pytest.mark.parametrize(("host", "profile"), [("amd4", "latency"), ("intel4", "latency-smt")])
def test_systemd_accepts_the_units(host: str, profile: str, tmp_path: Path) -> None:
    files.write(example(host, profile), tmp_path)
    folder = tmp_path / units.FOLDER
    assert verified(folder, [path.name for path in folder.glob("whitewire*")]) == []


def test_systemds_words_would_be_read(tmp_path: Path) -> None:
    text = example()[f"{units.FOLDER}/whitewire@.service"].replace("OOMScoreAdjust", "OomScore")
    (tmp_path / "whitewire@.service").write_text(text)
    assert "Unknown key" in " ".join(verified(tmp_path, ["whitewire@.service"]))


def test_nothing_of_the_gateways_unit_costs_latency() -> None:
    assert not (FILTERING | HARMFUL) & set(unit("whitewire@.service"))
    for guard in ("whitewire-watchdog@.service", "whitewire-cancel-all@.service"):
        assert len(FILTERING & set(unit(guard))) >= 10
        assert not HARMFUL & set(unit(guard))


def test_the_watchdog_outlives_the_gateway() -> None:
    watchdog, trader = unit("whitewire-watchdog@.service"), unit("whitewire@.service")
    assert not {"BindsTo", "PartOf", "Requires"} & (set(watchdog) | set(trader))
    assert "Slice" not in watchdog, "on housekeeping CPUs, with everything else of the system"
    assert trader["Slice"] == ["whitewire.slice"]
    assert (watchdog["Restart"], trader["Restart"]) == (["always"], ["on-failure"])
    assert "whitewire-watchdog@%i.service" in trader["Wants"][0]


def test_times_fit_what_the_programs_do() -> None:
    trader, watchdog = unit("whitewire@.service"), unit("whitewire-watchdog@.service")
    assert int(trader["TimeoutStopSec"][0]) > 2 * STOP_TIMEOUT_S
    assert int(trader["TimeoutStartSec"][0]) > PATIENCE_S
    assert int(trader["WatchdogSec"][0]) * 1000 > 2 * WatchdogConfig().act_ms
    assert int(watchdog["WatchdogSec"][0]) > 2 * RedButtonConfig().deadline_s


def command_lines() -> Iterator[list[str]]:
    """What the units start, with an example's environment."""
    environment = {"$STRATEGY": "my_module:Mine", "$OPTIONS": "--live"}
    environment["$TUNE_OPTIONS"] = "--interface ens6 --venue 192.0.2.7"
    for path, text in example().items():
        if path.endswith(".service") and "/whitewire" in path:
            for line in re.findall(r"^Exec\w+=-?(.*)$", joined(text), re.M):
                for name, value in environment.items():
                    line = line.replace(name, value)
                yield shlex.split(line)


def test_the_units_start_commands_that_there_are() -> None:
    seen = set()
    for program, *words in command_lines():
        if program == units.PROGRAM:
            options = parser().parse_args(words)
            assert options.config == "/etc/whitewire/%i.toml"
        elif program == units.TUNE:
            options = cli.parser().parse_args(words)
            assert options.profile == "latency"
        else:
            assert program == "/bin/sh"
            continue
        seen.add(options.command)
    assert seen == {"apply", "check", "run", "watchdog", "cancel-all"}


@pytest.mark.parametrize(("state", "code"), [("running", 7), ("degraded", 7), ("stopping", 0)])
def test_a_stop_reverts_and_a_shutdown_does_not(state: str, code: int, tmp_path: Path) -> None:
    [line] = [words for words in command_lines() if words[0] == "/bin/sh"]
    script = line[2].replace("$$", "$").replace(units.TUNE, str(tmp_path / "tune"))
    for name, text in (("systemctl", f"echo {state}; exit 1"), ("tune", "[ $1 = revert ]; exit 7")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    said = subprocess.run(["/bin/sh", "-c", script], env={"PATH": path}, check=False)
    assert said.returncode == code


def test_keys_are_credentials_that_the_gateway_can_name() -> None:
    for name in ("whitewire@.service", "whitewire-watchdog@.service"):
        loaded = [value.split(":")[0] for value in unit(name)["LoadCredential"]]
        named_so = {f"{half}_credential": half for half in loaded}
        assert set(named_so) == {"key_credential", "secret_credential"}
        assert msgspec.convert(named_so, AccountConfig).key_credential == "key"


def test_signs_of_life_are_where_tune_looks() -> None:
    [folder] = unit("whitewire@.service")["RuntimeDirectory"]
    host = MemoryHost(SPECS["amd4"])
    host.files[f"/run/{folder}/0123456789abcdef.beat"] = ""
    assert [path for pattern in gateway.PLACES for path in host.glob(pattern)]
    for name in ("whitewire-watchdog@.service", "whitewire-cancel-all@.service"):
        assert unit(name)["RuntimeDirectory"] == [folder]
        assert unit(name)["RuntimeDirectoryPreserve"] == ["yes"]
        assert unit(name)["Environment"] == [f"XDG_RUNTIME_DIR=%t/{folder}"]


def test_gateways_and_guards_meet_in_the_units_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    [folder] = unit("whitewire@.service")["RuntimeDirectory"]
    name, _, value = unit("whitewire@.service")["Environment"][0].partition("=")
    run = f"/run/{folder}"
    monkeypatch.setenv("RUNTIME_DIRECTORY", run)
    monkeypatch.setenv(name, value.replace("%t", "/run"))
    config = parse(VENUE)
    assert str(heartbeat_path(config).parent) == run
    assert str(default_directory()) == run, "each would count for itself"


@every_case
def test_the_slice_is_the_partition(host: str, profile: str) -> None:
    seen = context(MemoryHost(SPECS[host]), named(profile))
    allowed = unit("whitewire.slice", host, profile).get("AllowedCPUs", [])
    wanted = planner.assess(seen, KNOWN["C1"]).wanted if "C1" in named(profile).entries else {}
    assert allowed == ([wanted["cpuset.cpus"]] if wanted else [])
    assert bool(allowed) == seen.has_partition(KNOWN)


# ---- the others -------------------------------------------------------------------------------


@every_case
def test_sysctls_are_the_profiles(host: str, profile: str) -> None:
    text = example(host, profile)[files.SYSCTL]
    pairs = dict(line.split(" = ") for line in text.splitlines() if line and line[0] != "#")
    entries = [KNOWN[id] for id in named(profile).entries if KNOWN[id].kind == "sysctl"]
    wanted = {key: value for entry in entries for key, value in entry.wants.items()}
    assert pairs
    assert pairs.items() <= wanted.items()


@every_case
def test_tuned_does_one_part_and_its_script_the_rest(host: str, profile: str) -> None:
    found = example(host, profile)
    conf = configparser.ConfigParser(interpolation=None)
    conf.read_string(found["etc/tuned/whitewire/tuned.conf"])
    assert conf["script"]["script"] == "${i:PROFILE_DIR}/script.sh"
    dropped = set(conf["sysctl"]["drop"].split(", "))
    assert dropped | set(conf["sysctl"]) >= set(export.TUNED_INHERITED)
    assert not dropped & set(conf["sysctl"]), "what a parent sets and the plan does not want"
    script = found["etc/tuned/whitewire/script.sh"]
    [applied, reverted] = re.findall(r"--only \\\n +(.*)\n", script)
    assert applied == reverted
    seen = context(MemoryHost(SPECS[host]), named(profile))
    steps = planner.steps(seen, planner.chosen(seen, KNOWN))
    by_itself = {step.entry.id for step in steps if not step.reason} - set(applied.split())
    kinds = {KNOWN[id].kind for id in by_itself - {"V1", "I2"}}
    assert kinds <= {"sysctl", "coalesce", "channels", "cmdline"}


@pytest.mark.parametrize(
    ("words", "called"),
    [
        (["start"], "apply --yes"),
        (["stop"], ""),
        (["stop", "full_rollback"], "revert --only"),
        (["verify"], "check --profile latency"),
    ],
)
def test_tuneds_script_calls_tune(words: list[str], called: str, tmp_path: Path) -> None:
    script = example()["etc/tuned/whitewire/script.sh"].replace(units.TUNE, "echo")
    said = subprocess.run(["sh", "-c", script, "sh", *words], capture_output=True, text=True)
    assert (said.returncode, said.stdout[: len(called)]) == (0, called)
    assert bool(said.stdout) == bool(called)
    if called and said.stdout.split()[0] in ("apply", "revert"):
        cli.parser().parse_args(said.stdout.split())


@every_case
def test_shell_is_clean(host: str, profile: str, tmp_path: Path) -> None:
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    shellcheck = shutil.which("shellcheck", path=places)
    if shellcheck is None:
        pytest.skip("shellcheck is not installed")
    files.write(example(host, profile), tmp_path)
    scripts = [str(tmp_path / path) for path in files.EXECUTABLE]
    said = subprocess.run([shellcheck, *scripts], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


def test_grub_is_added_to_and_not_replaced() -> None:
    script = "GRUB_CMDLINE_LINUX_DEFAULT=quiet\n" + example()["etc/default/grub.d/90-whitewire.cfg"]
    said = subprocess.run(
        ["sh", "-c", f"{script}\necho $GRUB_CMDLINE_LINUX_DEFAULT"], capture_output=True, text=True
    )
    assert said.stdout == "quiet skew_tick=1\n"


def test_rules_of_udev_are_keys_operators_and_values() -> None:
    part = r'[A-Z]+(\{\w+\})? ?(==|\+=) ?"[^"]*"'
    for path in (files.UDEV, "optional/etc/udev/rules.d/61-whitewire-phc.rules"):
        rule = example()[path].replace("\\\n", " ").strip()
        assert re.fullmatch(rf"{part}(,\s*{part})*", rule), rule


def test_user_data_brings_the_units_and_fits() -> None:
    text = example()[files.CLOUD]
    assert text.startswith("#cloud-config\n")
    assert len(text.encode()) < 16 * 1024  # what EC2 takes
    document = yaml.safe_load(text)
    written = {row["path"].lstrip("/"): row["content"] for row in document["write_files"]}
    assert written == {path: example()[path] for path in written}
    assert {path for path in example() if path.startswith(f"{units.FOLDER}/whitewire")} < set(
        written
    )
    assert ["systemctl", "enable", "--now", "whitewire-tuning.service"] in document["runcmd"]
    assert {"name": "whitewire", "system": True, "shell": "/usr/sbin/nologin"} in document["users"]
    for id in files.LAUNCH:
        assert KNOWN[id].write in text
        assert KNOWN[id].kind == "report"


# ---- the command ------------------------------------------------------------------------------


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> MemoryHost:
    """A fresh host for the command."""
    host = MemoryHost(SPECS["amd4"])
    monkeypatch.setattr(commands, "host_of", lambda options: host)
    return host


def test_the_command_prints_or_writes(
    fresh: MemoryHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = fresh.snapshot()
    assert cli.main(["files"]) == 0
    assert "==> etc/sysctl.d/60-whitewire.conf <==\n" in capsys.readouterr().out
    assert cli.main(["files", "--json", "--profile", "aggressive"]) == 0
    assert json.loads(capsys.readouterr().out) == example("amd4", "aggressive")
    assert cli.main(["files", "--write", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert (said.out, f"{len(example())} files" in said.err) == ("", True)
    assert (tmp_path / files.SYSCTL).read_text() == example()[files.SYSCTL]
    assert fresh.snapshot() == before


def test_the_running_host_is_not_written_to(
    fresh: MemoryHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["files", "--write", "/"]) == 2
    assert "[files-here]" in capsys.readouterr().err
    (tmp_path / "etc").write_text("a file where a folder should be")
    assert cli.main(["files", "--write", str(tmp_path)]) == 2
    assert "[files-unwritable]" in capsys.readouterr().err
