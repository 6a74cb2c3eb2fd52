"""The embedded venue as a child process: it says where it is, and never outlives its block."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from whitewire.errors import StartupError
from whitewire.rehearsal import VenueProcess, cpus_apart


def test_the_cpus_of_gateway_and_venue_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for usable, expected in (
        ({0, 1}, (1, {0})),
        ({2, 5, 7}, (7, {2, 5})),
        ({3}, (None, {3})),
    ):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cpus=usable: cpus)
        assert cpus_apart() == expected


def test_a_venue_that_does_not_start_is_one_sentence() -> None:
    async def start() -> None:
        async with VenueProcess(["--scenario", "monsoon"], os.sched_getaffinity(0)):
            pass

    with pytest.raises(StartupError, match="did not start"):
        asyncio.run(start())


def test_the_process_ends_with_its_block() -> None:
    async def start() -> int:
        child = VenueProcess(["--scenario", "empty"], os.sched_getaffinity(0))
        async with child as where:
            assert where["accounts"]
            assert child._process is not None
            return child._process.pid

    pid = asyncio.run(start())
    assert not Path(f"/proc/{pid}").exists()
