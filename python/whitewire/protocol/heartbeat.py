"""The gateway's sign of life: its layout in a shared page, and what its silence means.

Owns: the words of the page, the judgement of a watcher. Must not know: files, clocks, processes.
Invariant: a gateway that said goodbye is never taken for dead, and one that died is acted upon
once.

Rules
-----
1. Every word is eight bytes, stored whole; the words before `BEAT` are written once, before the
   page can be found. Nothing depends on two words being of the same moment.
2. Silence is counted on the watcher's own clock, from the look that found the beat changed.
3. A watcher that was itself away for longer than `warn_ns` begins to count anew: both may have
   been stopped by the same cause.
4. A page of another boot tells nothing, and neither does none at all.
5. A process that is gone without a goodbye is dead at once, and so is one that says that its stop
   was not clean. Whether it is gone may be unknown: then only silence counts.
6. A session that was dealt with is marked in its page and is not acted upon again.
"""

from __future__ import annotations

import struct
from enum import IntEnum, StrEnum
from typing import NamedTuple

__all__ = ["SIZE", "Beat", "BeatState", "Verdict", "Watch", "Word", "pack", "unpack"]

_MAGIC = 0x0001_5448_4245_5757  # "WWEBHT" and the version
_LAYOUT = struct.Struct("<qqqq16s16sqqqqq")
SIZE = _LAYOUT.size


class Word(IntEnum):
    """Index of each word that changes."""

    BEAT = 8
    STATE = 9
    OPEN_ORDERS = 10
    HALT = 11
    HANDLED = 12


class BeatState(IntEnum):
    """What the gateway is doing."""

    STARTING = 1
    ACTIVE = 2
    HALTED = 3
    STOPPING = 4
    ENDED = 5
    ENDED_UNCLEAN = 6


_STATES = frozenset(BeatState)


class Beat(NamedTuple):
    """A page.

    Attributes:
        pid: of the gateway; `started` is its process's start, which tells it from a later
            process of that number, and `namespace` where the number holds.
        boot: the host's boot.
        session: the gateway's session, as in its client order ids.
        beat_ns: monotonic ns of the loop's last sign of life.
        open_orders: of ours, Unknown ones included.
        is_halt_asked: a red button wants it to halt.
        is_handled: a watcher has dealt with this session's end.
    """

    pid: int
    started: int
    namespace: int
    boot: bytes
    session: str
    beat_ns: int
    state: BeatState
    open_orders: int = 0
    is_halt_asked: bool = False
    is_handled: bool = False


def pack(beat: Beat) -> bytes:
    """The page as bytes."""
    return _LAYOUT.pack(
        _MAGIC,
        beat.pid,
        beat.started,
        beat.namespace,
        beat.boot,
        beat.session.encode(),
        beat.beat_ns,
        beat.state,
        beat.open_orders,
        beat.is_halt_asked,
        beat.is_handled,
    )


def unpack(page: bytes) -> Beat | None:
    """The page read; None when it is not one, or of another version."""
    if len(page) < SIZE:
        return None
    magic, pid, started, namespace, boot, session, beat_ns, state, count, halt, handled = (
        _LAYOUT.unpack_from(page)
    )
    if magic != _MAGIC or state not in _STATES:
        return None
    name = session.rstrip(b"\0").decode("ascii", "replace")
    return Beat(
        pid,
        started,
        namespace,
        boot,
        name,
        beat_ns,
        BeatState(state),
        count,
        bool(halt),
        bool(handled),
    )


class Verdict(StrEnum):
    """What a look at the page means."""

    ABSENT = "absent"
    OTHER_BOOT = "other boot"
    ENDED = "ended"
    HANDLED = "handled"
    ALIVE = "alive"
    LATE = "late"
    DEAD = "dead"


class Watch:
    """Judges looks at a page.

    Args:
        boot: this host's boot.
        warn_ns: silence that is LATE.
        act_ns: silence that is DEAD.

    Attributes:
        silent_ns: how long the beat has not changed, at the last look.
    """

    def __init__(self, boot: bytes, warn_ns: int, act_ns: int) -> None:
        self._boot = boot
        self._warn_ns = warn_ns
        self._act_ns = act_ns
        self._last: tuple[str, int, int] | None = None
        self._looked_ns = 0
        self._since_ns = 0
        self.silent_ns = 0

    def look(self, beat: Beat | None, now_ns: int, is_running: bool | None) -> Verdict:
        """Judges one look.

        Args:
            beat: what the page says, None when there is none.
            now_ns: monotonic.
            is_running: whether its process lives; None when that cannot be told.
        """
        was_away = now_ns - self._looked_ns > self._warn_ns  # rule 3
        self._looked_ns = now_ns
        seen = None if beat is None else (beat.session, beat.pid, beat.beat_ns)
        if was_away or seen != self._last:
            self._last, self._since_ns = seen, now_ns
        self.silent_ns = now_ns - self._since_ns
        if beat is None:
            return Verdict.ABSENT
        if beat.boot != self._boot:
            return Verdict.OTHER_BOOT
        if beat.state is BeatState.ENDED:
            return Verdict.ENDED
        if beat.is_handled:
            return Verdict.HANDLED
        is_dead = is_running is False or beat.state is BeatState.ENDED_UNCLEAN
        if is_dead or self.silent_ns >= self._act_ns:
            return Verdict.DEAD
        return Verdict.LATE if self.silent_ns >= self._warn_ns else Verdict.ALIVE
