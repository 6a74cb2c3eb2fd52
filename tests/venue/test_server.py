"""The venue as a command, and what keeps it from starting."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.venue.naive import RestClient, WsClient
from whitewire.venue import Venue, VenueConfig, serve
from whitewire.venue.server import VenueServer

COMMAND = "from whitewire.venue import VenueConfig, serve; serve(VenueConfig({}))"


def free_port_triple() -> int:
    """A port that is free together with its two successors."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                for offset in (1, 2):
                    with socket.socket() as probe:
                        probe.bind(("127.0.0.1", port + offset))
            except OSError:
                continue
        return port


def start(arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_announces_itself_and_stops_cleanly(number: signal.Signals) -> None:
    port = free_port_triple()
    process = start(f"port={port}, seed=5, markets=('BTC_USDT', 'ETH_USDT')")
    with process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        assert list(line) == ["rest", "public_rest", "ws", "ca", "accounts", "markets"]
        assert line["rest"] == f"https://127.0.0.1:{port}"
        assert line["public_rest"] == f"https://127.0.0.1:{port + 1}"
        assert line["ws"] == f"wss://127.0.0.1:{port + 2}/ws"
        assert line["markets"] == ["BTC_USDT", "ETH_USDT"]
        running = cast(
            "Venue",
            SimpleNamespace(
                **{**line, "accounts": [SimpleNamespace(**spec) for spec in line["accounts"]]}
            ),
        )
        with RestClient(running) as rest, WsClient(running) as ws:
            assert rest.get("ping") == (200, ["pong"])
            ws.authorize(rest)
            ws.call("depth_subscribe", "ETH_USDT", 5, "0", True)
            assert ws.push("depth_update")[0] is True
        process.send_signal(number)
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "", "")
    assert not Path(line["ca"]).parent.exists()


def test_without_tls_there_is_nothing_to_trust() -> None:
    process = start("tls=False, scenario='empty'")
    with process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        assert line["ca"] is None
        assert line["rest"].startswith("http://")
        assert line["ws"].startswith("ws://")
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_a_port_in_use_is_an_os_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="address already in use"):
            serve(VenueConfig(port=taken.getsockname()[1], scenario="empty"))


def test_a_failed_start_leaves_the_other_ports_free() -> None:
    port = free_port_triple()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 2))
        taken.listen()
        with pytest.raises(OSError, match="address already in use"):
            serve(VenueConfig(port=port, scenario="empty"))
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (VenueConfig(scenario="monsoon"), "no scenario is named 'monsoon'"),
        (VenueConfig(markets=("NOPE",)), "no market is named NOPE"),
        (VenueConfig(markets=("NOPE",), scenario="empty"), "no market is named NOPE"),
    ],
)
def test_nonsense_is_refused_before_anything_starts(config: VenueConfig, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        VenueServer(config)


def test_a_process_of_its_own_collects_in_small_portions() -> None:
    program = (
        "import gc; from whitewire.venue.server import configure_process; configure_process(); "
        "print(gc.get_freeze_count() > 10_000, gc.get_threshold()[0] <= 1_000)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.split() == ["True", "True"]
