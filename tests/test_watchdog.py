"""The watchdog beside a gateway that hangs, dies, or stops as it should: real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway_rig import Truth
from whitewire.protocol.heartbeat import Beat, BeatState, pack
from whitewire.transport.heartbeat import HeartbeatReader, boot_id
from whitewire.venue import Venue

STRATEGY = """
from whitewire import Strategy

class Quoter(Strategy):
    def on_start(self, gw):
        gw.set_quotes("BTC_USDT", [(60000, "0.01")], [(60100, "0.01")])
"""


class Desk:
    """A folder with a configuration, and the processes that use it."""

    def __init__(self, folder: Path, venue: Venue) -> None:
        self.folder = folder
        self.beat = folder / "run" / "x.beat"
        self.incidents = folder / "state" / "incidents.jsonl"
        (folder / "my_quoter.py").write_text(STRATEGY)
        (folder / "gateway.toml").write_text(f"""
[venue]
rest = "{venue.rest}"
public_rest = "{venue.public_rest}"
ws = "{venue.ws}"
ca = "{venue.ca}"
[kill_switch]
timeout_s = 600
[watchdog]
heartbeat = "{self.beat}"
incidents = "{self.incidents}"
[red_button]
deadline_s = 2
[markets.BTC_USDT]
max_order_amount = "1"
max_order_notional = "100000"
""")
        spec = venue.accounts[0]
        self.environment = os.environ | {
            "WHITEWIRE_KEY": spec.key,
            "WHITEWIRE_SECRET": spec.secret,
        }
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        with (self.folder / f"{arguments[0]}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "whitewire", *arguments, "--config", "gateway.toml"],
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
                text=True,
            )
        self.processes.append(process)
        return process

    def gateway(self) -> subprocess.Popen[str]:
        return self.start("run", "my_quoter:Quoter")

    def watchdog(self, *more: str) -> subprocess.Popen[str]:
        """Started, and looking."""
        process = self.start("watchdog", *more)
        wait_for(lambda: " is " in self.said("watchdog"))
        return process

    def said(self, command: str) -> str:
        return (self.folder / f"{command}.log").read_text()

    def record(self) -> list[dict[str, Any]]:
        if not self.incidents.exists():
            return []
        return [json.loads(line) for line in self.incidents.read_text().splitlines()]


@contextmanager
def at_desk(folder: Path, venue: Venue) -> Iterator[Desk]:
    desk = Desk(folder, venue)
    try:
        yield desk
    finally:
        for process in desk.processes:
            process.kill()
            process.wait()


@pytest.fixture
def desk(tmp_path: Path, venue: Venue, truth: Truth) -> Iterator[Desk]:
    with at_desk(tmp_path, venue) as one:
        yield one


def wait_for(condition: Callable[[], object], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def quoting(desk: Desk, truth: Truth) -> subprocess.Popen[str]:
    process = desk.gateway()
    wait_for(lambda: len(truth.orders()) == 2 or process.poll() is not None)
    assert process.poll() is None, desk.said("run")
    return process


def test_a_gateway_that_hangs_leaves_nothing_resting_and_is_killed(
    desk: Desk, truth: Truth
) -> None:
    watchdog = desk.watchdog()  # before the gateway
    assert "is absent" in desk.said("watchdog")
    gateway = quoting(desk, truth)
    wait_for(lambda: "is alive" in desk.said("watchdog"))
    reader = HeartbeatReader(desk.beat)
    wait_for(lambda: (beat := reader.read()) is not None and beat.open_orders == 2)
    reader.close()
    gateway.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    wait_for(lambda: not truth.orders(), 8)
    assert time.monotonic() - stopped >= 0.9
    assert gateway.wait(10) == -signal.SIGKILL
    assert watchdog.wait(10) == 1
    said = desk.said("watchdog")
    assert said.index("is late") < said.index("pressing the red button") < said.index("killed pid")
    (incident,) = desk.record()
    assert incident["pid"] == gateway.pid
    assert (incident["clear"], incident["killed"], incident["gone"]) == (True, True, False)
    assert incident["open_orders"] == 2
    assert 1_000 <= incident["silent_ms"] < 3_000
    assert len(incident["presses"]) == 2
    # the next one finds the session dealt with, and does not act again
    again = desk.watchdog()
    wait_for(lambda: "is handled" in desk.said("watchdog"))
    again.send_signal(signal.SIGTERM)
    assert again.wait(10) == 0
    assert len(desk.record()) == 1


def test_a_gateway_that_is_not_killed_and_wakes_up_halts(desk: Desk, truth: Truth) -> None:
    path = desk.folder / "gateway.toml"
    path.write_text(path.read_text().replace("[watchdog]", "[watchdog]\nkill = false"))
    gateway = quoting(desk, truth)
    watchdog = desk.watchdog()
    gateway.send_signal(signal.SIGSTOP)
    assert watchdog.wait(20) == 1
    assert truth.orders() == []
    assert gateway.poll() is None
    gateway.send_signal(signal.SIGCONT)
    wait_for(lambda: "halted: the red button was pressed" in desk.said("run"))
    gateway.send_signal(signal.SIGTERM)
    assert gateway.wait(20) == 0
    assert truth.orders() == []


def test_a_gateway_that_was_killed_is_acted_upon_at_once_and_watching_may_go_on(
    desk: Desk, truth: Truth
) -> None:
    gateway = quoting(desk, truth)
    watchdog = desk.watchdog("--stay")  # after the gateway
    gateway.kill()
    killed = time.monotonic()
    wait_for(lambda: not truth.orders(), 8)
    assert time.monotonic() - killed < 6  # its timer has 600 s
    wait_for(lambda: "is handled" in desk.said("watchdog"))
    (incident,) = desk.record()
    assert (incident["clear"], incident["killed"], incident["gone"]) == (True, False, True)
    # the next session is watched by the same process, and ends as it should
    second = quoting(desk, truth)
    wait_for(lambda: desk.said("watchdog").count("is alive") == 2)
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
    wait_for(lambda: "is ended" in desk.said("watchdog"))
    assert not desk.beat.exists()
    watchdog.send_signal(signal.SIGTERM)
    assert watchdog.wait(10) == 1  # it acted once
    assert len(desk.record()) == 1


def test_a_watchdog_that_comes_after_a_crash_acts(desk: Desk, truth: Truth) -> None:
    gateway = quoting(desk, truth)
    gateway.kill()
    gateway.wait()
    assert len(truth.orders()) == 2
    watchdog = desk.start("watchdog")
    assert watchdog.wait(20) == 1
    assert truth.orders() == []


def test_what_cannot_be_verified_is_tried_again(desk: Desk, truth: Truth, venue: Venue) -> None:
    desk.beat.parent.mkdir()
    dead = Beat(2**22 - 1, 1, 0, boot_id(), "s", 1, BeatState.ENDED_UNCLEAN)
    desk.beat.write_bytes(pack(dead))
    truth.make("buy", 59400, "0.01", who=truth.me)
    key = venue.accounts[0].key
    venue.restrict_key(key, enabled=False)
    watchdog = desk.watchdog("--stay")
    wait_for(lambda: "NOT VERIFIED" in desk.said("watchdog"))
    assert len(truth.orders()) == 1
    venue.restrict_key(key)
    wait_for(lambda: not truth.orders())
    wait_for(lambda: "is handled" in desk.said("watchdog"))
    assert [row["clear"] for row in desk.record()] == [False, True]
    watchdog.send_signal(signal.SIGTERM)
    assert watchdog.wait(10) == 1


def test_a_page_of_another_boot_tells_nothing(desk: Desk, truth: Truth) -> None:
    desk.beat.parent.mkdir()
    stale = Beat(2**22 - 1, 1, 0, b"another boot....", "s", 1, BeatState.ACTIVE)
    desk.beat.write_bytes(pack(stale))
    truth.make("buy", 59400, "0.01", who=truth.me)
    watchdog = desk.watchdog()
    assert "is other boot" in desk.said("watchdog")
    gateway = quoting_beside(desk, truth)
    wait_for(lambda: "is alive" in desk.said("watchdog"))
    gateway.send_signal(signal.SIGTERM)
    assert gateway.wait(20) == 0
    wait_for(lambda: "is ended" in desk.said("watchdog"))
    watchdog.send_signal(signal.SIGINT)
    assert watchdog.wait(10) == 0
    assert len(truth.orders()) == 1
    assert desk.record() == []


def quoting_beside(desk: Desk, truth: Truth) -> subprocess.Popen[str]:
    """Like `quoting`, beside an order of another origin."""
    process = desk.gateway()
    wait_for(lambda: len(truth.orders()) == 3)
    return process


def test_an_account_that_ended_badly_is_cleared_and_its_process_lives_on(
    desk: Desk, truth: Truth
) -> None:
    """The other accounts of the process are healthy: it is not killed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        state = BeatState.ENDED_UNCLEAN
        ended = Beat(process.pid, int(fields[19]), namespace, boot_id(), "s", 1, state)
        desk.beat.parent.mkdir()
        desk.beat.write_bytes(pack(ended))
        truth.make("buy", 59400, "0.01", who=truth.me)
        assert desk.start("watchdog").wait(20) == 1
        assert truth.orders() == []
        assert [row["killed"] for row in desk.record()] == [False]
        assert process.poll() is None
        process.communicate(b"\n")
