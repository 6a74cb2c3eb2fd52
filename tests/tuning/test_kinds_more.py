"""The boot line through grubby, where there is no folder of GRUB's; files among those of others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tests.tuning.tuner import KNOWN, apply, by_id, context, left, named, revert
from tunelib import planner
from tunelib.host import Result
from tunelib.kinds_more import GRUB_FILE, format_cmdline, parse_cmdline
from tunelib.profile import Profile

BOOT = Profile("boot", "", "block", "fused", {"K1": {}, "K3": {}})


class Grubby(MemoryHost):
    """Boots as Amazon Linux does."""

    def __init__(self) -> None:
        super().__init__(SPECS["amd4"])
        self.line = {"root": "/dev/nvme0n1p1", "ro": "", "skew_tick": "0"}
        self.may_read = True

    def has_command(self, name: str) -> bool:
        return name == "grubby" or (name != "update-grub" and super().has_command(name))

    def run(self, command: Sequence[str], timeout_s: float = 0) -> Result:
        if command[0] != "grubby":
            return super().run(command)
        if not self.may_read:
            return Result(1, "", "permission denied\n")
        for word in command[1:]:
            option, _, value = word.partition("=")
            if option == "--args":
                self.line.update(parse_cmdline(value))
            elif option == "--remove-args":
                for name in value.split():
                    del self.line[name]
        return Result(0, f'index=0\nargs="{format_cmdline(self.line)}"\n', "")


def test_parameters_through_grubby_come_back() -> None:
    host = Grubby()
    before = dict(host.line)
    assert set(by_id(apply(host, BOOT)).values()) == {"applied"}
    assert host.line == {
        **before,
        "skew_tick": "1",
        "nohz_full": "2-3",
        "rcu_nocbs": "2-3",
    }
    assert left(host, BOOT) == {}
    assert set(by_id(revert(host)).values()) == {"reverted"}
    assert host.line == before
    assert GRUB_FILE not in host.files


def test_a_boot_line_that_cannot_be_read_is_skipped() -> None:
    host = Grubby()
    host.may_read = False
    [one] = planner.steps(context(host, BOOT), planner.chosen(context(host, BOOT), KNOWN, ["K3"]))
    assert one.reason == "grubby: permission denied"


def test_a_file_of_that_name_which_is_not_ours_is_left_alone() -> None:
    host = MemoryHost(SPECS["amd4"])
    host.files[GRUB_FILE] = "GRUB_TIMEOUT=0\n"
    assert by_id(apply(host, BOOT)) == {"K1": "skip", "K3": "skip"}
    assert host.files[GRUB_FILE] == "GRUB_TIMEOUT=0\n"


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("a=1 b c=x,y a=2\n", {"a": "2", "b": "", "c": "x,y"}),
        ("", {}),
        (
            "isolcpus=managed_irq,domain,2-3 x=a=b",
            {"isolcpus": "managed_irq,domain,2-3", "x": "a=b"},
        ),
    ],
)
def test_parameters_of_a_boot_line(text: str, parameters: dict[str, str]) -> None:
    assert parse_cmdline(text) == parameters
    assert parse_cmdline(format_cmdline(parameters)) == parameters


def test_a_folder_in_use_stays_when_our_files_go() -> None:
    host = MemoryHost(SPECS["amd4"])
    apply(host, named("latency"), only=["I2"])
    host.files["/etc/whitewire/gateway.toml"] = "mine\n"
    assert by_id(revert(host)) == {"I2": "reverted"}
    assert host.files["/etc/whitewire/gateway.toml"] == "mine\n"
    assert "/etc/whitewire/irqbalance.env" not in host.files
