"""The venue's dead-man timers, one per market, as a table.

Owns: when to arm, renew and disarm, and whether a market may be quoted. Must not know: requests,
clocks, orders beyond their count. Invariant: a market may be quoted only while its timer is known
to run, with enough time left to stop quoting before it fires.

Theory
------
1. A timer is per market (venue trap 8) and cancels every order there when it is not renewed in
   time. It starts when the venue takes the request, so it fires no earlier than `timeout` after
   the last acknowledged renewal was *sent*, less the venue's granularity of one second. Quoting
   stops a margin before that: an eighth of the timer, and at least 1.5 s.
2. It is renewed every quarter of its length, so three renewals can fail before it fires.
3. At most one request per market is in flight; its answer is a fact about one timer.
4. A failed renewal is repeated at once; when that fails too, or when the acknowledged time runs
   into the margin, the market is LATE: quoting stops first, renewing goes on every second.
5. When the acknowledged time is over the timer has FIRED: the venue has canceled everything there,
   and a new timer must be acknowledged before the next order.
6. It is disarmed only when the caller says that nothing rests. If that request fails it is
   repeated, and the timer's own end disarms it too, since nothing is left to cancel.
7. The venue's list of timers is asked after arming, and every 30 s; a timer that it does not show
   is not there. A list that cannot be had is asked for again after 5 s, and at the third time
   somebody is told; what was acknowledged still counts.
8. A mass cancel shortens every timer to its least and lets it run out, which is no alarm; one
   that fired is set again, since the caller disarms it as soon as nothing rests.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, StrEnum
from typing import NamedTuple

from whitewire.errors import UsageError

__all__ = [
    "Action",
    "Alarm",
    "Arm",
    "Disarm",
    "KillSwitch",
    "SwitchInput",
    "SwitchState",
    "Verify",
    "next_switch_state",
]

_SECOND_NS = 1_000_000_000
_MIN_TIMEOUT_S = 5
_MAX_TIMEOUT_S = 600
_RENEWALS = 4
_MIN_MARGIN_NS = 1_500_000_000
_MARGIN_SHARE = 8
_RETRY_NS = 1_000_000_000
_GRACE_NS = 10_000_000_000
_ALARM_AT = 2
_VERIFY_NS = 30 * _SECOND_NS
_VERIFY_RETRY_NS = 5 * _SECOND_NS
_VERIFY_ALARM_AT = 3
# How late the venue's timer may be.
_FIRING_NS = 2 * _SECOND_NS


class SwitchState(StrEnum):
    """Where a market's timer stands."""

    DISARMED = "disarmed"
    ARMING = "arming"
    ARMED = "armed"
    LATE = "late"
    FIRED = "fired"
    DISARMING = "disarming"


class SwitchInput(Enum):
    """Everything that can happen to a timer."""

    ARM = "the caller wants it armed"
    ACKED = "arming or renewal acknowledged in time"
    FAILED = "a renewal failed twice"
    STALE = "the acknowledged time runs into the margin"
    EXPIRED = "the acknowledged time is over"
    MISSING = "the venue does not show the timer"
    DISARM = "the caller wants it disarmed, nothing rests"
    DISARMED = "disarming acknowledged"


# Columns: Disarmed aRming Armed Late Fired disarminG. A dot changes nothing.
_TABLE = """
    ARM       R . . . . R
    ACKED     . A A A A .
    FAILED    . . L . . .
    STALE     . . L . . .
    EXPIRED   . . F F . D
    MISSING   . . L . . .
    DISARM    . G G G G .
    DISARMED  . . . . . D
"""
_STATES = dict(zip("DRALFG", SwitchState, strict=True))


def _read_table(text: str) -> dict[tuple[SwitchState, SwitchInput], SwitchState]:
    cells: dict[tuple[SwitchState, SwitchInput], SwitchState] = {}
    for line in text.strip().split("\n"):
        name, *letters = line.split()
        for state, letter in zip(SwitchState, letters, strict=True):
            cells[state, SwitchInput[name]] = _STATES.get(letter, state)
    return cells


_TRANSITIONS = _read_table(_TABLE)


def next_switch_state(state: SwitchState, cause: SwitchInput) -> SwitchState:
    """The table: the state after `cause`."""
    return _TRANSITIONS[state, cause]


class Arm(NamedTuple):
    """Set or renew the timer; on the wire `timeout_s` is a string (venue trap 6)."""

    market: str
    timeout_s: int


class Disarm(NamedTuple):
    """Delete the timer: an explicit null on the wire."""

    market: str


class Verify(NamedTuple):
    """Ask the venue for its timers and hand them to `on_status`; `market` is why, "" for time."""

    market: str


class Alarm(NamedTuple):
    """Somebody must know."""

    market: str
    state: SwitchState
    message: str


Action = Arm | Disarm | Verify | Alarm


class _Timer:
    __slots__ = (
        "acked_ns",
        "acked_sent_ns",
        "acked_timeout_ns",
        "asked_ns",
        "failures",
        "pending",
        "sent_ns",
        "state",
    )

    def __init__(self) -> None:
        self.state = SwitchState.DISARMED
        self.pending: Arm | Disarm | None = None  # rule 3
        self.asked_ns = 0  # when the last request was asked for
        self.sent_ns = 0  # when the last arming was asked for
        self.acked_sent_ns = 0  # when the last acknowledged arming was sent
        self.acked_ns = 0  # when that acknowledgement came
        self.acked_timeout_ns = 0  # its length
        self.failures = 0  # since the last success

    def move(self, cause: SwitchInput) -> bool:
        """Take one step of the table; whether the state changed."""
        before, self.state = self.state, next_switch_state(self.state, cause)
        return self.state is not before

    def ask(self, request: Arm | Disarm, now_ns: int) -> list[Action]:
        """Send `request`, unless another one is in flight; its answer will be followed by this."""
        if self.pending is not None:
            return []
        self.pending = request
        self.asked_ns = now_ns
        if isinstance(request, Arm):
            self.sent_ns = now_ns
        return [request]


class KillSwitch:
    """The timers of all markets. Every method returns what the caller must do.

    Args:
        timeout_s: length of a timer, 5 to 600 s.

    Raises:
        UsageError: a length that the venue does not take.
    """

    def __init__(self, timeout_s: int = 60) -> None:
        if not _MIN_TIMEOUT_S <= timeout_s <= _MAX_TIMEOUT_S:
            raise UsageError(
                "kill-switch-timeout",
                f"a kill switch of {timeout_s} s is not possible",
                f"use {_MIN_TIMEOUT_S} to {_MAX_TIMEOUT_S} s",
            )
        self.timeout_s = timeout_s
        self._longest_ns = timeout_s * _SECOND_NS
        self._renew_ns = self._longest_ns // _RENEWALS
        self._timers: dict[str, _Timer] = {}
        self._verify_ns: int | None = None  # when the list is asked for next
        self._verify_failures = 0
        self._is_running_out = False  # rule 8

    def state(self, market: str) -> SwitchState:
        """The state of a market's timer."""
        timer = self._timers.get(market)
        return SwitchState.DISARMED if timer is None else timer.state

    def may_quote(self, market: str, now_ns: int) -> bool:
        """Whether the timer is known to run and is not about to fire (rules 1 and 4)."""
        timer = self._timers.get(market)
        if timer is None or timer.state is not SwitchState.ARMED:
            return False
        return now_ns < _stale_at_ns(timer)

    def arm(self, market: str, now_ns: int) -> list[Action]:
        """Start the timer of `market` and keep it running from then on."""
        timer = self._timers.setdefault(market, _Timer())
        if not timer.move(SwitchInput.ARM):
            return []
        timer.failures = 0
        return timer.ask(self._request(market, timer), now_ns)

    def disarm(self, market: str, resting: int, now_ns: int) -> list[Action]:
        """Stop the timer of `market`, if `resting`, its orders at the venue, is 0 (rule 6)."""
        timer = self._timers.get(market)
        if timer is None:
            return []
        if resting > 0:
            return [Alarm(market, timer.state, f"not disarmed: {resting} orders rest")]
        if not timer.move(SwitchInput.DISARM):
            return []
        timer.failures = 0
        return timer.ask(self._request(market, timer), now_ns)

    def shorten(self, now_ns: int) -> list[Action]:
        """Let every timer that runs, or may run, fire as soon as it can (rule 8)."""
        if self._is_running_out:
            return []
        self._is_running_out = True
        self.timeout_s = _MIN_TIMEOUT_S
        actions: list[Action] = []
        for market, timer in self._timers.items():
            if timer.state not in (SwitchState.DISARMED, SwitchState.DISARMING):
                actions += timer.ask(self._request(market, timer), now_ns)
        return actions

    def on_ack(self, market: str, sent_ns: int, now_ns: int) -> list[Action]:
        """The venue took the request of `market` that was sent at `sent_ns`."""
        timer = self._timers[market]
        answered, timer.pending = timer.pending, None
        timer.failures = 0
        if isinstance(answered, Disarm):
            timer.move(SwitchInput.DISARMED)
        elif answered is not None:
            timer.acked_sent_ns, timer.acked_ns = sent_ns, now_ns
            timer.acked_timeout_ns = answered.timeout_s * _SECOND_NS
            if now_ns < _stale_at_ns(timer) and timer.move(SwitchInput.ACKED):
                self._verify_ns = now_ns + _VERIFY_NS
                return [Verify(market)]  # rule 7
            if answered.timeout_s != self.timeout_s:  # it was in flight when they were shortened
                return timer.ask(self._request(market, timer), now_ns)
        return self._follow_up(market, timer, now_ns)

    def on_failed(self, market: str, reason: str, now_ns: int) -> list[Action]:
        """The request of `market` was refused or got no answer (rule 4)."""
        timer = self._timers[market]
        timer.pending = None
        timer.failures += 1
        if timer.failures == 1:
            return timer.ask(self._request(market, timer), now_ns)
        timer.move(SwitchInput.FAILED)
        if timer.failures == _ALARM_AT:
            return [Alarm(market, timer.state, f"the venue did not take it: {reason}")]
        return []

    def on_status(self, armed: Collection[str], asked_ns: int, now_ns: int) -> list[Action]:
        """The venue shows the timers `armed`; it was asked at `asked_ns` (rule 7)."""
        actions: list[Action] = []
        self._verify_failures = 0
        for market, timer in self._timers.items():
            if market in armed or timer.acked_ns > asked_ns or not timer.move(SwitchInput.MISSING):
                continue
            actions.append(Alarm(market, timer.state, "the venue does not show the timer"))
            actions += timer.ask(self._request(market, timer), now_ns)
        return actions

    def on_status_failed(self, reason: str, now_ns: int) -> list[Action]:
        """The venue did not show its timers (rule 7)."""
        self._verify_failures += 1
        self._verify_ns = now_ns + _VERIFY_RETRY_NS
        if self._verify_failures != _VERIFY_ALARM_AT:
            return []
        armed = [row for row in self._timers.items() if row[1].state is SwitchState.ARMED]
        return [
            Alarm(market, timer.state, f"cannot be verified: {reason}") for market, timer in armed
        ]

    def on_timer(self, now_ns: int) -> list[Action]:
        """Renew what is due and judge what is late; call it several times a second."""
        actions: list[Action] = []
        for market, timer in self._timers.items():
            actions += self._judge(market, timer, now_ns)
            if timer.state is SwitchState.DISARMED or self._lets_run(timer, now_ns):
                continue
            is_armed = timer.state is SwitchState.ARMED
            pace_ns = self._renew_ns if is_armed else min(self._renew_ns, _RETRY_NS)
            if now_ns - timer.asked_ns >= pace_ns:
                actions += timer.ask(self._request(market, timer), now_ns)
        return actions + self._verify_when_due(now_ns)

    def _verify_when_due(self, now_ns: int) -> list[Action]:
        if self._verify_ns is None or now_ns < self._verify_ns:
            return []
        self._verify_ns = now_ns + _VERIFY_NS
        is_any = any(timer.state is SwitchState.ARMED for timer in self._timers.values())
        return [Verify("")] if is_any else []

    def _lets_run(self, timer: _Timer, now_ns: int) -> bool:
        """Whether a shortened timer has yet to fire (rule 8)."""
        if not self._is_running_out or timer.state is SwitchState.DISARMING:
            return False
        is_short = timer.acked_timeout_ns == self.timeout_s * _SECOND_NS
        return is_short and now_ns < timer.acked_sent_ns + timer.acked_timeout_ns + _FIRING_NS

    def _judge(self, market: str, timer: _Timer, now_ns: int) -> list[Action]:
        if timer.state is SwitchState.DISARMING:
            # Rule 6: a lost arming may have started late, hence the grace.
            if now_ns >= timer.sent_ns + self._longest_ns + _GRACE_NS:
                timer.move(SwitchInput.EXPIRED)
            return []
        message = ""
        is_over = now_ns >= timer.acked_sent_ns + timer.acked_timeout_ns
        if is_over and timer.move(SwitchInput.EXPIRED):
            message = "not renewed in time: the venue canceled all"
        elif now_ns >= _stale_at_ns(timer) and timer.move(SwitchInput.STALE):
            message = "not renewed for too long: quoting must stop"
        is_alarm = bool(message) and not self._is_running_out
        return [Alarm(market, timer.state, message)] if is_alarm else []

    def _follow_up(self, market: str, timer: _Timer, now_ns: int) -> list[Action]:
        """What was wanted while the request was in flight, or a renewal that came too late."""
        if timer.state in (SwitchState.DISARMED, SwitchState.ARMED):
            return []
        return timer.ask(self._request(market, timer), now_ns)

    def _request(self, market: str, timer: _Timer) -> Arm | Disarm:
        is_ending = timer.state is SwitchState.DISARMING
        return Disarm(market) if is_ending else Arm(market, self.timeout_s)


def _stale_at_ns(timer: _Timer) -> int:
    """When quoting has to stop (rule 1)."""
    margin_ns = max(_MIN_MARGIN_NS, timer.acked_timeout_ns // _MARGIN_SHARE)
    return timer.acked_sent_ns + timer.acked_timeout_ns - margin_ns
