"""Messages to the service manager, on a datagram socket of our own."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway_rig import Truth, gateway, live, until
from whitewire.transport.notify import Notifier
from whitewire.venue import Venue


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        own.bind(str(tmp_path / "notify"))
        own.setblocking(False)
        yield own


def received(manager: socket.socket) -> list[str]:
    """Every message so far."""
    messages = []
    while True:
        try:
            messages.append(manager.recv(1000).decode())
        except BlockingIOError:
            return messages


def test_lines_arrive_as_one_message(manager: socket.socket) -> None:
    notifier = Notifier(manager.getsockname())
    notifier.send("READY=1", "STATUS=active")
    assert received(manager) == ["READY=1\nSTATUS=active"]
    notifier.close()
    notifier.send("STOPPING=1")
    assert received(manager) == []


def test_an_abstract_socket_works_too() -> None:
    name = f"whitewire-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        own.bind(f"\0{name}")
        own.settimeout(5)
        notifier = Notifier(f"@{name}")
        notifier.send("READY=1")
        assert own.recv(100) == b"READY=1"
        notifier.close()


def test_without_a_manager_nothing_happens() -> None:
    notifier = Notifier.from_environment({"WATCHDOG_USEC": "1000"})
    notifier.send("READY=1")
    assert notifier.interval_ns == 0


@pytest.mark.parametrize(
    ("more", "interval_ns"),
    [
        ({}, 0),
        ({"WATCHDOG_USEC": "5000000"}, 2_500_000_000),
        ({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": str(os.getpid())}, 2_500_000_000),
        ({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
    ],
)
def test_the_manager_says_how_often(more: dict[str, str], interval_ns: int) -> None:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": "/nowhere"} | more)
    assert notifier.interval_ns == interval_ns
    notifier.close()


def test_a_manager_that_left_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier(str(tmp_path / "gone"))
    with caplog.at_level(logging.WARNING):
        notifier.send("READY=1")
        notifier.send("WATCHDOG=1")
    assert len(caplog.messages) == 1


def test_a_manager_that_does_not_read_delays_nobody(
    manager: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier(manager.getsockname())
    for _ in range(2_000):
        notifier.send("WATCHDOG=1")
        if caplog.messages:
            break
    assert "does not take messages" in caplog.messages[0]
    received(manager)
    notifier.send("STOPPING=1")
    assert received(manager) == ["STOPPING=1"]
    notifier.close()


def test_a_gateway_says_ready_alive_and_stopping(
    venue: Venue, truth: Truth, manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    seen: list[str] = []

    @live
    async def run() -> None:
        async with gateway(venue, truth=truth):
            seen.extend(received(manager))
            assert "READY=1\nSTATUS=active" not in seen[:1]

            def count() -> int:
                seen.extend(received(manager))
                return seen.count("WATCHDOG=1")

            await until(lambda: count() >= 4 and "READY=1\nSTATUS=active" in seen)
            assert "STOPPING=1" not in seen

    run()
    seen.extend(received(manager))
    assert seen.count("READY=1\nSTATUS=active") == seen.count("STOPPING=1") == 1
