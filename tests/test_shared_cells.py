"""The file of shared limits: several processes, crashes, foreign and damaged files."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.test_throttle import busiest
from whitewire.config import Config, MarketConfig, ThrottleConfig, VenueConfig
from whitewire.endpoints import ENDPOINTS, Endpoint, Route
from whitewire.errors import ConfigError
from whitewire.protocol.throttle import Throttle
from whitewire.transport import shared_cells
from whitewire.transport.shared_cells import SharedCells, default_directory, throttle_for

SECOND = 1_000_000_000
TABLE = (Endpoint("x", "POST", "/x", Route.PUBLIC, 1_000, 1),)


def opened(directory: Path, table: tuple[Endpoint, ...] = TABLE) -> SharedCells:
    return SharedCells(directory, "h.example:443", table)


def throttle(cells: SharedCells) -> Throttle:
    return Throttle(TABLE, random.Random(1), cells)


CHILD = """
import random, sys, time
from pathlib import Path
from tests.test_shared_cells import opened, throttle
limits = throttle(opened(Path(sys.argv[1])))
ends = time.monotonic_ns() + 1_000_000_000
print("ready", flush=True)
while (now := time.monotonic_ns()) < ends:
    if limits.try_take("x", now, False) == 0:
        print(now)
"""
HOLDER = """
import sys
from pathlib import Path
from tests.test_shared_cells import opened
cells = opened(Path(sys.argv[1]))
assert cells.enter()
print("holding", flush=True)
sys.stdin.read()
"""


def start(program: str, directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_on_one_host_keep_the_limit_together(tmp_path: Path) -> None:
    children = [start(CHILD, tmp_path) for _ in range(2)]
    outputs = [child.communicate(timeout=30)[0].split() for child in children]
    calls = sorted(int(word) for words in outputs for word in words if word != "ready")
    assert busiest(calls, SECOND - 10_000_000) <= 1_000
    assert len(calls) > 700
    assert [child.returncode for child in children] == [0, 0]


def test_who_dies_within_an_update_keeps_nobody_out(tmp_path: Path) -> None:
    child = start(HOLDER, tmp_path)
    assert child.stdout is not None
    assert child.stdout.readline() == "holding\n"
    cells = opened(tmp_path)
    limits, now = throttle(cells), time.monotonic_ns()
    child.send_signal(signal.SIGSTOP)
    assert limits.try_take("x", now, False) > 0  # and at once
    assert limits.try_take("x", now, True) == 0
    child.kill()
    child.wait(timeout=10)
    assert limits.try_take("x", now, False) == 0
    cells.close()
    assert child.stdin is not None
    child.stdin.close()
    child.stdout.close()


def test_numbers_outlive_a_process_and_the_file_is_private(tmp_path: Path) -> None:
    first = opened(tmp_path)
    now = time.monotonic_ns()
    while throttle(first).try_take("x", now, True) == 0:
        pass
    first.close()
    second = opened(tmp_path)
    assert throttle(second).try_take("x", now, True) > 0
    assert second.path.stat().st_mode & 0o777 == 0o600
    second.close()


def test_hosts_have_a_file_each(tmp_path: Path) -> None:
    one = SharedCells(tmp_path, "a.example", TABLE)
    other = SharedCells(tmp_path, "[::1]:8080", TABLE)
    assert one.path != other.path
    assert other.path.parent == tmp_path
    one.close()
    other.close()


def good_file(directory: Path) -> Path:
    cells = opened(directory)
    cells.close()
    return cells.path


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"somebody's letters, and not a few of them " * 9, "not a file of whitewire's"),
        (b"x", "not a file of whitewire's"),
        (b"whitewire-limits" + b"\1" * 200, "damaged"),
        (b"whitewire-limits", "damaged"),
    ],
)
def test_a_foreign_or_damaged_file_is_refused_and_left_alone(
    content: bytes, text: str, tmp_path: Path
) -> None:
    path = good_file(tmp_path)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=text) as caught:
        opened(tmp_path)
    assert str(path) in str(caught.value)
    assert "remove it" in caught.value.hint
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "number", [-1, time.monotonic_ns() + 10**15], ids=["negative", "of-a-far-future"]
)
def test_numbers_that_cannot_be_are_refused(number: int, tmp_path: Path) -> None:
    path = good_file(tmp_path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<q", content, 64 + 8, number)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="it holds the time"):
        opened(tmp_path)


def test_a_shortened_file_is_refused(tmp_path: Path) -> None:
    path = good_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ConfigError, match="instead of"):
        opened(tmp_path)


def test_links_and_missing_directories_are_refused(tmp_path: Path) -> None:
    path = good_file(tmp_path)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot be opened"):
        opened(tmp_path)
    with pytest.raises(ConfigError, match="cannot be opened"):
        opened(tmp_path / "missing")


def test_a_file_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good_file(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(ConfigError, match="is of user"):
        opened(tmp_path)


def test_another_version_is_refused_while_it_runs_and_replaced_afterwards(tmp_path: Path) -> None:
    other_table = (Endpoint("x", "POST", "/x", Route.PUBLIC, 500, 1), *TABLE)
    running = opened(tmp_path, other_table)
    with pytest.raises(ConfigError, match="in use by another version"):
        opened(tmp_path)
    running.close()
    opened(tmp_path).close()


def test_a_file_of_an_earlier_boot_is_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(shared_cells, "_boot_id", lambda: b"an earlier boot.")
        cells = opened(tmp_path)
        cells.numbers[0] = 2**62  # its monotonic clock had run for longer
        cells.close()
    cells = opened(tmp_path)
    assert cells.numbers[0] == 0
    cells.close()


def test_the_configuration_says_who_counts_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    assert default_directory() == tmp_path / "run"

    def made(host: str, **wanted: object) -> list[str]:
        where = VenueConfig(
            rest=f"https://{host}", public_rest=f"https://{host}", ws=f"wss://{host}"
        )
        limits = MarketConfig(max_order_amount=1, max_order_notional=1)  # type: ignore[arg-type]
        throttle = ThrottleConfig(**wanted)  # type: ignore[arg-type]
        config = Config(venue=where, markets={"M": limits}, throttle=throttle)
        now = time.monotonic_ns()
        assert throttle_for(config).try_take("place", now, False) == 0
        found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("whitewire*"))
        for path in tmp_path.rglob("whitewire*"):
            path.unlink()
        return found

    assert made("venue.example") == ["run/whitewire-limits-venue.example"]
    assert made("127.0.0.1:81") == []
    assert made("venue.example", shared=False) == []
    assert made("127.0.0.1:81", directory=str(tmp_path)) == ["whitewire-limits-127.0.0.1_81"]
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert default_directory().is_dir()
    assert len(ENDPOINTS) > 10
