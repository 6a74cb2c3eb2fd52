"""The service manager hears of the process, not of each account."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from whitewire.announcing import Announcer
from whitewire.gateway import GatewayState

STARTING, ACTIVE = GatewayState.STARTING, GatewayState.ACTIVE
HALTED, STOPPING = GatewayState.HALTED, GatewayState.STOPPING


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(tmp_path / "notify"))
    heard.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    return heard


def said(manager: socket.socket) -> list[str]:
    """What the manager has heard since the last call."""
    heard = []
    while True:
        try:
            heard.append(manager.recv(1_000).decode())
        except BlockingIOError:
            return heard


def test_ready_when_no_account_starts_any_more(manager: socket.socket) -> None:
    announcer = Announcer(["a", "b"])
    announcer.beat("a", ACTIVE, 0)
    assert said(manager) == [], "b is starting"
    announcer.beat("b", HALTED, 0)
    announcer.beat("a", ACTIVE, 0)
    assert said(manager) == ["READY=1\nSTATUS=2 accounts"]
    announcer.end("a")
    announcer.end("b")
    manager.close()


def test_an_account_that_ends_neither_stops_the_process_nor_keeps_it_from_being_ready(
    manager: socket.socket,
) -> None:
    announcer = Announcer(["a", "b"])
    announcer.beat("a", ACTIVE, 0)
    announcer.end("b")
    assert said(manager) == ["READY=1\nSTATUS=1 accounts"]
    announcer.beat("a", STOPPING, 0)
    assert said(manager) == ["STOPPING=1"]
    announcer.end("a")
    assert said(manager) == [], "said once"
    manager.close()


def test_a_start_that_fails_is_never_ready(manager: socket.socket) -> None:
    announcer = Announcer()
    announcer.beat("main", STARTING, 0)
    announcer.end("main")
    assert said(manager) == ["STOPPING=1"]
    manager.close()


def test_alive_at_the_managers_interval_whoever_beats(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    announcer = Announcer(["a", "b"])
    second = 1_000_000_000
    for now, name in ((5, "a"), (5.5, "b"), (6, "b"), (6.9, "a"), (7, "a")):
        announcer.beat(name, STARTING, int(now * second))
    assert said(manager) == ["WATCHDOG=1"] * 3
    announcer.end("a")
    announcer.end("b")
    manager.close()
