"""kill -9 at moments of chance: the venue's timer clears up, and the next start finds its way.

The gateway is `whitewire run` in a process of its own; the venue is in this one, so its engine can
be asked directly. The moments come from the seed that names the test.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.matrix.audit import Audit
from tests.matrix.stage import LIMITS, MARKET, Crowd
from whitewire.venue import Venue, WireOptions

TIMEOUT_S = 5
STRATEGY = """
from whitewire import Strategy

class Mover(Strategy):
    step = 0

    def on_start(self, gw):
        self.gw = gw
        self.on_timer(0)
        gw.every(0.01)

    def on_timer(self, now_ns):
        self.step += 1
        center, legs = 60000 + self.step % 7, 1 + self.step // 3 % 4
        self.gw.set_quotes(
            "BTC_USDT",
            [(center - 50 - i, "0.01") for i in range(legs)],
            [(center + 50 + i, "0.01") for i in range(legs)],
        )
"""


class World:
    """A venue, what it saw, and one gateway after the other.

    Attributes:
        audit: the venue's word on all of them together.
        sessions: the part of ids that names a session, for each gateway that placed orders.
    """

    def __init__(self, venue: Venue, folder: Path, transport: str) -> None:
        self.audit = Audit(venue, MARKET, LIMITS)
        self.sessions: list[str] = []
        self._crowd = Crowd(venue)
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        spec = venue.accounts[0]
        self._environment = os.environ | {
            "WHITEWIRE_KEY": spec.key,
            "WHITEWIRE_SECRET": spec.secret,
        }
        (folder / "mover.py").write_text(STRATEGY)
        (folder / "gateway.toml").write_text(
            f"""
[venue]
rest = "{venue.rest}"
public_rest = "{venue.public_rest}"
ws = "{venue.ws}"
ca = "{venue.ca}"
[orders]
transport = "{transport}"
[kill_switch]
timeout_s = {TIMEOUT_S}
[markets.{MARKET}]
max_order_amount = "{LIMITS.max_order_amount}"
max_order_notional = "{LIMITS.max_order_notional}"
collar_percent = "{LIMITS.collar_percent}"
"""
        )

    def start(self) -> subprocess.Popen[str]:
        """Starts a gateway; it is not ready yet."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "whitewire", "run", "mover:Mover", "--config", "gateway.toml"],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self._process

    def resting(self) -> list[str]:
        """Ids of what rests."""
        return sorted(row[0] for row in self.audit.facts().orders)

    def start_quoting(self) -> subprocess.Popen[str]:
        """Starts a gateway and waits until it quotes: only its own orders rest from then on."""
        known = set(self.sessions)
        process = self.start()

        def quotes() -> bool:
            assert process.poll() is None, process.communicate()[1]
            return bool({session(name) for name in self.resting()} - known)

        wait_for(quotes, 20)
        (new,) = {session(name) for name in self.resting()}  # nothing of an earlier one rests
        assert new not in self.sessions
        self.sessions.append(new)
        return process

    def live(self, seconds: float) -> None:
        """Takers meet the quotes for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._crowd.trade()
            time.sleep(0.02)

    def kill(self) -> float:
        """kill -9; the moment."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
        return time.monotonic()

    def wait_for_the_timer(self, killed: float) -> None:
        """The venue's timer ends what rests within its time and a second."""
        wait_for(lambda: not self.resting(), TIMEOUT_S + 1 - (time.monotonic() - killed))
        wait_for(lambda: not self.audit.facts().timers, 5.0)


def session(client_id: str) -> str:
    """`ww-<session>` of an id."""
    return "-".join(client_id.split("-")[:2])


def wait_for(condition: Callable[[], object], timeout_s: float) -> None:
    """Returns once `condition` holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.1f} s"
        time.sleep(0.01)


@pytest.fixture
def venue() -> Iterator[Venue]:
    """A quiet venue that repeats a silent book often."""
    with Venue((MARKET,), traders=False, wire=WireOptions(depth_keepalive_s=0.5)) as running:
        yield running


def stop_cleanly(world: World, process: subprocess.Popen[str]) -> None:
    """SIGTERM: a clean stop, and nothing was ever doubled or beyond limits."""
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "clean stop" in output
    facts = world.audit.facts()
    assert (facts.orders, facts.timers) == (frozenset(), ())
    assert world.audit.breaches == []
    assert len(set(world.sessions)) == len(world.sessions)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "transport"), [(1, "pipelined"), (2, "bulk")])
def test_kill_9_while_quoting(venue: Venue, tmp_path: Path, seed: int, transport: str) -> None:
    chance = random.Random(f"kill:{seed}")
    world = World(venue, tmp_path, transport)
    for _ in range(2):  # killed and started again at once: the leftovers are canceled
        world.start_quoting()
        world.live(chance.uniform(0.0, 0.5))
        world.kill()
    if transport == "pipelined":
        world.start_quoting()
        world.live(chance.uniform(0.0, 1.5))
        world.wait_for_the_timer(world.kill())
    process = world.start_quoting()
    world.live(0.2)
    stop_cleanly(world, process)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3])
def test_kill_9_while_starting_and_stopping(venue: Venue, tmp_path: Path, seed: int) -> None:
    chance = random.Random(f"kill:{seed}")
    world = World(venue, tmp_path, "pipelined")
    world.start_quoting()
    world.live(0.1)
    world.kill()
    for _ in range(3):
        world.start()
        time.sleep(chance.uniform(0.2, 0.8))  # imports, connections, leftovers, feed, kill switch
        world.kill()
    world.sessions += {session(name) for name in world.resting()} - set(world.sessions)
    process = world.start_quoting()
    world.live(0.1)
    process.send_signal(signal.SIGTERM)
    time.sleep(chance.uniform(0.0, 0.03))
    world.wait_for_the_timer(world.kill())
    process = world.start_quoting()
    stop_cleanly(world, process)
