"""Changes that undo themselves unless they are confirmed.

Owns: the deadline of a run, and what happens when it passes. Must not know: what was changed.
Invariant: a run that is not confirmed is undone by its watcher, or by the next command that
changes the host, whichever comes first; also after a boot.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from tunelib.apply import Applier, Done
from tunelib.errors import TuneError
from tunelib.host import Host
from tunelib.state import Pending, State, locked

LOOK_S = 0.5


def boot_seconds() -> float:
    """Seconds since the boot, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def begin(host: Host, state: State, run: str, seconds: float, now_s: float) -> None:
    """A run starts to wait."""
    state.pending = Pending(run, host.boot_id(), now_s + seconds)
    state.save()


def confirm(state: State) -> bool:
    """The run stays; False when none waits."""
    if state.pending is None:
        return False
    state.pending = None
    state.save()
    return True


def is_over(host: Host, state: State, now_s: float) -> bool:
    """Whether a run waited in vain: its time has passed, or the host has booted since."""
    pending = state.pending
    return pending is not None and (pending.boot != host.boot_id() or now_s >= pending.deadline_s)


def expire(host: Host, state: State, now_s: float) -> list[Done]:
    """Undoes the run that waited in vain, if there is one.

    Raises:
        TuneError: `unconfirmed`, a run still waits.
    """
    pending = state.pending
    if pending is None:
        return []
    if not is_over(host, state, now_s):
        left = pending.deadline_s - now_s
        raise TuneError(
            "unconfirmed",
            f"an earlier run undoes itself in {left:.0f} s",
            "tune confirm keeps it; then try again",
        )
    done = Applier(host, state, pending.run).rollback(pending.run)
    state.pending = None
    state.save()
    return done


def watch(
    host: Host, run: str, clock: Callable[[], float], sleep: Callable[[float], None]
) -> list[Done]:
    """Waits for the run's deadline and undoes it, unless it is confirmed meanwhile."""
    while True:
        with locked(host) as state:
            if state.pending is None or state.pending.run != run:
                return []
            if is_over(host, state, clock()):
                return expire(host, state, clock())
        sleep(LOOK_S)


def start_watcher(host: Host, run: str) -> None:
    """A process that outlives this one and its terminal."""
    command = [sys.executable, sys.argv[0], "--root", host.root, "watch", run]
    subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
