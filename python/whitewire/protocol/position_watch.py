"""Our position against the venue's, second by second.

Owns: when a difference is one. Must not know: how positions are computed, clocks. Invariant: a
difference that stays is never passed over in silence, and neither is silence.

Rules
-----
1. Amounts are compared, exactly. The venue shows all positions; one that it does not show is flat.
2. What it shows can be old by its cadence: it agrees with any amount that we held within that time.
3. A difference that no message within 3 s ends is an alarm, told once: our orders are asked about.
4. A difference that stands 3 s behind the alarm, with our orders reconciled, is not from our orders
   (a hand, a liquidation): the venue's word is taken over.
5. No message for 5 s while the feed is up is an alarm of its own: nothing was compared.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from enum import StrEnum

__all__ = ["PositionWatch", "Silence", "Verdict"]

_SECOND_NS = 1_000_000_000
CADENCE_NS = 3 * _SECOND_NS // 2
ALARM_NS = 3 * _SECOND_NS
ADOPT_NS = 3 * _SECOND_NS
SILENCE_NS = 5 * _SECOND_NS


class Verdict(StrEnum):
    """What a comparison means."""

    AGREES = "agrees"
    DIFFERS = "differs"
    ALARM = "alarm"
    TAKE_OVER = "take-over"


class PositionWatch:
    """Of one market.

    Attributes:
        is_alarmed: a difference was told and has not ended.
    """

    def __init__(self, amount: Decimal = Decimal(0)) -> None:
        self.is_alarmed = False
        self._held: deque[tuple[int, Decimal]] = deque()  # until when an amount was held
        self._now_held = amount
        self._since_ns: int | None = None
        self._alarmed_ns = 0

    def held(self, amount: Decimal, now_ns: int) -> None:
        """Our amount is `amount` from now on."""
        if amount == self._now_held:
            return
        self._held.append((now_ns, self._now_held))
        self._now_held = amount
        self._forget(now_ns)

    def _forget(self, now_ns: int) -> None:
        while self._held and now_ns - self._held[0][0] > CADENCE_NS:
            self._held.popleft()

    def compare(self, theirs: Decimal, is_settled: bool, now_ns: int) -> Verdict:
        """Judges what the venue shows.

        Args:
            theirs: the venue's amount; 0 where it shows no position.
            is_settled: no order of ours is in doubt, by a reconciliation behind the alarm.
            now_ns: monotonic ns.
        """
        self._forget(now_ns)
        if theirs == self._now_held or any(theirs == amount for _, amount in self._held):
            self._since_ns, self.is_alarmed = None, False
            return Verdict.AGREES
        if self._since_ns is None:
            self._since_ns = now_ns
        if not self.is_alarmed:
            if now_ns - self._since_ns <= ALARM_NS:
                return Verdict.DIFFERS
            self.is_alarmed, self._alarmed_ns = True, now_ns
            return Verdict.ALARM
        if is_settled and now_ns - self._alarmed_ns > ADOPT_NS:
            return Verdict.TAKE_OVER
        return Verdict.DIFFERS


class Silence:
    """Whether the venue shows positions at all (rule 5)."""

    def __init__(self) -> None:
        self._heard_ns: int | None = None
        self.is_alarmed = False

    def heard(self, now_ns: int) -> None:
        """A message came."""
        self._heard_ns = now_ns
        self.is_alarmed = False

    def check(self, is_up: bool, now_ns: int) -> bool:
        """Whether this is the moment of an alarm; call about ten times a second."""
        if not is_up:
            self._heard_ns, self.is_alarmed = None, False
            return False
        if self._heard_ns is None:
            self._heard_ns = now_ns
        if self.is_alarmed or now_ns - self._heard_ns <= SILENCE_NS:
            return False
        self.is_alarmed = True
        return True
