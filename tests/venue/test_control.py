"""The control socket: faults from outside while the venue runs, one line at a time."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.venue.naive import TIMEOUT_S, RestClient
from whitewire.venue import Venue, VenueConfig, serve


class Remote:
    """A client of the control socket."""

    def __init__(self, path: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(str(path))
        self.lines = self.sock.makefile("rb")

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.lines.close()
        self.sock.close()

    def send(self, text: str) -> Any:
        """The answer to one line."""
        self.sock.sendall(text.encode() + b"\n")
        return json.loads(self.lines.readline())

    def fault(self, name: str, **args: Any) -> Any:
        return self.send(json.dumps({"fault": name, **args}))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "control"


def test_a_line_arms_a_fault(place: Path) -> None:
    with Venue(traders=False, control=str(place)) as venue, RestClient(venue) as rest:
        with Remote(place) as remote:
            assert remote.fault("http_502", times=2) == {"ok": True}
            assert remote.fault("http_500", path="/api/v4/public/time") == {"ok": True}
            assert [rest.get("ping")[0] for _ in range(3)] == [502, 502, 200]
            assert [rest.get("time")[0] for _ in range(2)] == [500, 200]
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert not place.exists()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[]", "a request is"),
        ('{"fault": 7}', "a request is"),
        ('{"fault": "gap", "name": "gap"}', "named by 'fault' alone"),
        ('{"fault": "gaps"}', "did you mean 'gap'?"),
        ('{"fault": "gap", "market": "BTC"}', "no market is named 'BTC'"),
        ('{"fault": "gap", "times": "often"}', "times of fault 'gap' was 'often'"),
        ('{"fault": "gap", "self": 1}', "does not take 'self'"),
        ('{"fault": "gap", "at": [1]}', "at of fault 'gap' was [1]"),
    ],
)
def test_what_is_wrong_is_said_and_the_next_line_counts(place: Path, line: str, text: str) -> None:
    with Venue(traders=False, tls=False, control=str(place)), Remote(place) as remote:
        assert text in remote.send(line)["error"]
        assert remote.fault("gap") == {"ok": True}


def test_lines_may_come_in_pieces_and_together(place: Path) -> None:
    with Venue(traders=False, tls=False, control=str(place)), Remote(place) as remote:
        remote.sock.sendall(b'{"fault": "gap"}\n{"fault": "gaps"}\n{"fau')
        assert json.loads(remote.lines.readline()) == {"ok": True}
        assert "error" in json.loads(remote.lines.readline())
        assert remote.send('lt": "gap"}') == {"ok": True}


def test_a_line_without_an_end_is_cut_off(place: Path) -> None:
    with Venue(traders=False, tls=False, control=str(place)), Remote(place) as remote:
        remote.sock.sendall(b" " * 70_000)
        assert "at most 65536 bytes" in json.loads(remote.lines.readline())["error"]
        assert remote.lines.readline() == b""


def test_an_orphan_is_replaced_and_a_served_socket_is_not(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as orphan:
        orphan.bind(str(place))
    with Venue(traders=False, tls=False, control=str(place)):
        with pytest.raises(OSError, match="in use") as caught:
            serve(VenueConfig(scenario="empty", tls=False, control=str(place)))
        assert caught.value.filename == str(place)
        with Remote(place) as remote:
            assert remote.fault("gap") == {"ok": True}


def test_a_file_is_left_alone(place: Path) -> None:
    place.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError):
        serve(VenueConfig(scenario="empty", tls=False, control=str(place)))
    assert place.read_text(encoding="utf-8") == "mine"


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "whitewire", "venue", "--no-tls", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_the_command_has_one_and_removes_it(place: Path) -> None:
    with start("--scenario", "fast", "--control", str(place)) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["markets"] == ["BTC_USDT"]
        with Remote(place) as remote:
            assert remote.fault("maintenance", seconds=1) == {"ok": True}
            process.send_signal(signal.SIGTERM)
            assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 0
    assert not place.exists()


def test_the_command_says_why_it_cannot_have_one(tmp_path: Path) -> None:
    where = tmp_path / "nowhere" / "control"
    with start("--control", str(where)) as process:
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (2, "")
    assert errors.startswith("whitewire: ")
    assert f"control socket {where}: No such file or directory" in errors
    assert errors.count("\n") == 1
