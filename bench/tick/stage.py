"""The stage of a measurement: the control venue, certificates, CPUs; and one run on it.

Owns: processes. Must not know: what a result means. Invariant: after the `with` block no process is
left; a run whose orders were not all right is an error and no result.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.micro.measure import CannotMeasureError, WrongAnswerError
from bench.tick.clients.common import Told
from bench.tick.native import Programs, build, build_c_floor
from whitewire.venue.wire.tls import ServerTls

__all__ = [
    "Client",
    "Found",
    "Plan",
    "Stage",
    "c_floor_client",
    "native_client",
    "python_client",
]

_ROOT = Path(__file__).parents[2]
_STOP_S = 15.0
# Beyond its schedule: a client's start, the calls, and the referee's own patience.
_SLACK_S = 60.0
# A client that failed closes its feed first, and says why then.
_LAST_WORDS_S = 5.0
_ERRORS_SHOWN = 2_000
_FAULTS = {
    "bad_signatures": "orders not signed by the account",
    "wrong": "orders that no tick demanded",
    "repeated": "orders that came twice",
}
_C_ACCOUNT = ("abcdef0123456789abcdef0123456789", "0123456789abcdef0123456789abcdef")

Pairs = list[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the referee does.

    Attributes:
        ticks, warm_up: ticks that count, and those before them.
        gap_us: shortest and longest time between two ticks.
        legs: orders that each tick demands.
        service_us: how long a connection takes for one order before it takes the next.
    """

    ticks: int
    warm_up: int = 200
    gap_us: tuple[int, int] = (200, 1_200)
    legs: int = 1
    service_us: int = 0

    @property
    def seconds(self) -> float:
        """How long the schedule takes on average."""
        return (self.ticks + self.warm_up) * sum(self.gap_us) / 2e6


@dataclass(frozen=True, slots=True)
class Client:
    """One way to answer ticks.

    Attributes:
        name: as printed.
        command: the process, from what it is told and the programs.
        account: key and secret that it insists on; None takes the control venue's.
        ends_itself: whether it ends when its feed does, instead of on a signal.
    """

    name: str
    command: Callable[[Told, Programs], list[str]]
    account: tuple[str, str] | None = None
    ends_itself: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What one run found.

    Attributes:
        report: the referee's, see `native/src/report.rs`.
        last_answer: where a tick demands several orders, what the client itself measured: from its
            decision to the answer of the last one.
    """

    report: dict[str, Any]
    last_answer: Pairs = field(default_factory=list)

    @property
    def pairs(self) -> Pairs:
        """The durations that matter: of ladders the client's own, else the referee's."""
        return self.last_answer or self.report["tick_to_order"]


def python_client(name: str, module: str, **told: Any) -> Client:
    """A client of `bench.tick.clients`."""

    def command(base: Told, _: Programs) -> list[str]:
        options = json.dumps({**asdict(base), **told})
        return [sys.executable, "-m", f"bench.tick.clients.{module}", options]

    return Client(name, command)


def native_client(name: str, connections: int = 1) -> Client:
    """The native floor."""

    def command(told: Told, programs: Programs) -> list[str]:
        options = {
            "cpu": told.cpu,
            "port": int(told.rest.rpartition(":")[2]),
            "tls": told.ca,
            "key": told.key,
            "secret": told.secret,
            "legs": told.legs,
            "connections": connections,
        }
        return [str(programs["floor"]), json.dumps(options)]

    return Client(name, command, ends_itself=True)


def c_floor_client() -> Client:
    """The C floor; account, market and subscription are fixed in it."""

    def command(told: Told, programs: Programs) -> list[str]:
        port = told.rest.rpartition(":")[2]
        spins = "1"
        return [str(programs["c_floor"]), port, str(told.cpu), spins, "1" if told.ca else "0"]

    return Client("C floor", command, account=_C_ACCOUNT, ends_itself=True)


class Stage:
    """See the module's documentation.

    Args:
        tls: whether feed and orders are encrypted.

    Attributes:
        has_c_floor: whether there is one.

    Raises:
        CannotMeasureError: something is missing, or there is one CPU only.
    """

    def __init__(self, tls: bool) -> None:
        self._cpus = sorted(os.sched_getaffinity(0))[-2:]
        if len(self._cpus) < 2:
            raise CannotMeasureError("the referee and its client need a CPU each; there is one")
        self._is_tls = tls
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Builds the programs and starts the control venue."""
        self.programs = build()
        with self._opened:
            scratch = self._opened.enter_context(tempfile.TemporaryDirectory())
            c_floor = build_c_floor(Path(scratch))
            if c_floor is not None:
                self.programs["c_floor"] = c_floor
            self._certificates = ServerTls("127.0.0.1")
            self._opened.callback(self._certificates.close)
            venue = [sys.executable, "-m", "bench.tick.control"]
            self._control = self._opened.enter_context(_child(venue))
            self._where = _line(self._control, _SLACK_S)
            self._opened = self._opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the control venue and removes the certificates."""
        self._opened.close()

    @property
    def has_c_floor(self) -> bool:
        """Whether `WHITEWIRE_FLOOR` gave one."""
        return "c_floor" in self.programs

    def play(self, client: Client, plan: Plan, seed: int) -> Found:
        """One client against the referee; `seed` makes the schedule.

        Raises:
            WrongAnswerError: an order was wrong, came twice or was not signed; or the run broke.
        """
        key, secret = client.account or (self._where["key"], self._where["secret"])
        referee_cpu, client_cpu = self._cpus
        chain = self._certificates.ca_path.with_name("server.pem")
        options = {
            "cpu": referee_cpu,
            "tls": str(chain) if self._is_tls else None,
            "key": key,
            "secret": secret,
            "seed": seed,
            **asdict(plan),
        }
        with contextlib.ExitStack() as running:
            command = [str(self.programs["referee"]), json.dumps(options)]
            referee = running.enter_context(_child(command))
            told = self._told(_line(referee, _SLACK_S)["port"], key, secret, client_cpu, plan.legs)
            errors = running.enter_context(tempfile.TemporaryFile())
            player = subprocess.Popen(
                client.command(told, self.programs),
                cwd=_ROOT, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                report = _line(referee, plan.seconds + _SLACK_S)
                if report["trouble"]:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        player.wait(_LAST_WORDS_S)
                said = _end(player, referee if client.ends_itself else None)
            finally:
                player.kill()
                player.wait()
            errors.seek(0)
            talk = errors.read().decode(errors="replace")[-_ERRORS_SHOWN:]
        _demand_right(client.name, report, talk)
        if plan.legs == 1:
            return Found(report)
        last_answer = json.loads(said)["last_answer"]
        if not last_answer:
            raise WrongAnswerError(f"{client.name}: it timed no ladder\n{talk}")
        return Found(report, last_answer)

    def _told(self, port: int, key: str, secret: str, cpu: int, legs: int) -> Told:
        s = "s" if self._is_tls else ""
        return Told(
            rest=f"http{s}://127.0.0.1:{port}",
            ws=f"ws{s}://127.0.0.1:{port}/ws",
            control=self._where["rest"],
            ca=str(self._certificates.ca_path) if self._is_tls else None,
            key=key,
            secret=secret,
            cpu=cpu,
            legs=legs,
        )


def _demand_right(name: str, report: dict[str, Any], talk: str) -> None:
    faults = [f"{report[name]} {what}" for name, what in _FAULTS.items() if report[name]]
    if report["trouble"]:
        faults.insert(0, report["trouble"])
    elif not report["tick_to_order"]:
        faults.append("no tick was answered")
    if faults:
        raise WrongAnswerError(f"{name}: {', '.join(faults)}\n{talk}")


def _end(player: subprocess.Popen[bytes], referee: subprocess.Popen[bytes] | None) -> str:
    """Ends a client, by the end of its feed where a referee is given; what it printed."""
    if referee is None:
        player.terminate()
    elif referee.stdin is not None:
        referee.stdin.close()
    try:
        said, _ = player.communicate(timeout=_STOP_S)
    except subprocess.TimeoutExpired:
        player.kill()
        said, _ = player.communicate()
    return said.decode()


@contextlib.contextmanager
def _child(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends when its input does."""
    process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _line(process: subprocess.Popen[bytes], timeout_s: float) -> dict[str, Any]:
    """The next line that a process prints, decoded.

    Raises:
        WrongAnswerError: it ended, or the time did.
    """
    if process.stdout is None:
        raise WrongAnswerError("a process without output")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(timeout_s) else b""
    if not line:
        raise WrongAnswerError(f"{process.args!r} said nothing within {timeout_s:.0f} s")
    decoded: dict[str, Any] = json.loads(line)
    return decoded
