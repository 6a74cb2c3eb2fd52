"""The section of the process: what a file may say of CPUs and receive modes."""

from __future__ import annotations

import typing

import pytest

from tests.test_config import GOOD
from whitewire.config import parse
from whitewire.config_process import RECEIVE_MODES, ProcessConfig, ReceiveMode
from whitewire.errors import ConfigError


def section(text: str) -> ProcessConfig:
    """The section as a file would give it."""
    return parse(f"{GOOD}\n[process]\n{text}", "gateway.toml").process


def test_nothing_is_moved_unless_it_is_asked_for() -> None:
    process = parse(GOOD).process
    assert (process.cpu, process.housekeeping_cpus, process.numa) == (None, None, None)
    assert process.receive == "block"


def test_a_whole_section() -> None:
    text = 'cpu = 2\nhousekeeping_cpus = [0, 1]\nreceive = "spin"\nnuma = "local"\nspin_looks = 0\n'
    assert section(text) == ProcessConfig(
        cpu=2, housekeeping_cpus=(0, 1), receive="spin", numa="local", spin_looks=0
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('receive = "spin"', "gateway.toml: process.receive = spin needs a pinned thread"),
        ('numa = "local"', "gateway.toml: process.numa = local needs a pinned thread"),
        ("cpu = 1\nhousekeeping_cpus = [0, 1]", "gateway.toml: process.housekeeping_cpus holds 1"),
        ("housekeeping_cpus = []", "gateway.toml: process.housekeeping_cpus is empty"),
        ('receive = "poll"', "Invalid enum value 'poll'"),
        ("cpu = -1", "process.cpu"),
        ("busy_poll_us = 0", "process.busy_poll_us"),
        ("busy_poll_packets = 65536", "process.busy_poll_packets"),
        ("cpus = 1", "unknown field `cpus`"),
    ],
)
def test_what_makes_no_sense_names_the_file_and_the_key(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        section(text)
    assert told in str(caught.value)


def test_the_modes_are_those_of_the_type() -> None:
    assert typing.get_args(ReceiveMode) == RECEIVE_MODES
