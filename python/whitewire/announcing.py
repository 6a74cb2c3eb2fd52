"""What the service manager hears of this process, whose accounts live on one loop.

Owns: when to say ready, alive and stopping. Must not know: what an account does, or how messages
travel. Invariant: one account that fails or ends neither makes the process unready nor stops it.

Rules
-----
1. Ready is said once, when no account is starting any more and one at least is in service.
2. Stopping is said once, when every account is stopping or has ended.
3. Alive is said at the manager's interval by whoever beats; a loop that hangs says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from whitewire.gateway import GatewayState
from whitewire.transport.notify import Notifier

__all__ = ["Announcer"]

_IN_SERVICE = frozenset({GatewayState.ACTIVE, GatewayState.HALTED, GatewayState.KILLED})


class Announcer:
    """Speaks for all accounts.

    Args:
        names: accounts that start together; others are known from their first beat.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._notifier = Notifier.from_environment()
        self._states: dict[str, GatewayState | None] = dict.fromkeys(names, GatewayState.STARTING)
        self._alive_ns = 0
        self._said: set[str] = set()

    def beat(self, name: str, state: GatewayState, now_ns: int) -> None:
        """An account lives; `now_ns` is monotonic."""
        self._states[name] = state
        self._speak()
        interval_ns = self._notifier.interval_ns
        if interval_ns and now_ns - self._alive_ns >= interval_ns:
            self._alive_ns = now_ns
            self._notifier.send("WATCHDOG=1")  # rule 3

    def end(self, name: str) -> None:
        """An account has ended."""
        self._states[name] = None
        self._speak()
        if all(state is None for state in self._states.values()):
            self._notifier.close()

    def _speak(self) -> None:
        states = self._states.values()
        in_service = [state for state in states if state in _IN_SERVICE]
        if in_service and GatewayState.STARTING not in states:  # rule 1
            text = in_service[0] if len(self._states) == 1 else f"{len(in_service)} accounts"
            self._say("READY=1", f"STATUS={text}")
        if all(state in (None, GatewayState.STOPPING) for state in states):  # rule 2
            self._say("STOPPING=1")

    def _say(self, what: str, *more: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self._notifier.send(what, *more)
