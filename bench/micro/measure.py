"""Interleaved measurement of cases, and what their ratios promise.

Owns: rounds, slices, waiting for quiet, the statistics. Must not know: what is measured. Invariant:
a case is timed only after its answer was checked, and only ratios of the same round are compared.

Time is the CPU time of this thread, for every case alike: on a shared machine a neighbour's time
slice is not the case's doing.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

__all__ = [
    "CannotMeasureError",
    "Case",
    "Quiet",
    "Ratio",
    "Suite",
    "WrongAnswerError",
    "expect",
    "measure",
    "paired",
    "tenth",
]

# Short, so that many slices lie between two interruptions.
SLICE_NS = 1_000_000
_SMALLEST_CALIBRATION = 4


class WrongAnswerError(Exception):
    """A case does not compute what it should; its speed is of no interest."""


class CannotMeasureError(Exception):
    """Something that the bench needs is missing or unfit."""


def expect(right: bool, message: str) -> None:
    """Checks a part of an answer.

    Raises:
        WrongAnswerError: it is not right.
    """
    if not right:
        raise WrongAnswerError(message)


@dataclass(frozen=True, slots=True)
class Case:
    """One way to do a job.

    Attributes:
        name: as printed; unique within its suite.
        run: does the job so many times.
        check: raises `WrongAnswerError` where the answer is wrong.
        items: orders or frames that `run(1)` handles.
    """

    name: str
    run: Callable[[int], object]
    check: Callable[[], None]
    items: int = 1


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long one case takes as another, and what is promised of it."""

    over: str
    under: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def target(self) -> str:
        """The promise as printed; empty for none."""
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return "" if self.at_most is None else f"<= {self.at_most:g}"

    def met(self, value: float) -> bool | None:
        """Whether a measured ratio keeps the promise; None where there is none."""
        if self.at_least is not None:
            return value >= self.at_least
        return None if self.at_most is None else value <= self.at_most


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases that do the same job, and the ratios of interest.

    Attributes:
        title: the job, as printed.
        item: what a time is given for: `order`, `frame`.
        cases: fastest last.
        ratios: over and under are names of cases.
    """

    title: str
    item: str
    cases: Sequence[Case]
    ratios: Sequence[Ratio]

    def check(self) -> None:
        """Checks every case's answer.

        Raises:
            WrongAnswerError: naming the case.
        """
        for case in self.cases:
            try:
                case.check()
            except WrongAnswerError as error:
                raise WrongAnswerError(f"{self.title}, {case.name}: {error}") from error

    def case(self, name: str) -> Case:
        """The case of this name.

        Raises:
            KeyError: there is none.
        """
        return {case.name: case for case in self.cases}[name]


class Quiet:
    """Waits for moments when nobody else runs, within a budget for the whole program."""

    def __init__(self, budget_s: float, longest_s: float = 0.05) -> None:
        self._budget_s = budget_s
        self._longest_s = longest_s

    def wait(self) -> None:
        """Returns when only this thread wants a core, or when patience ends."""
        start = time.monotonic()
        patience = min(self._budget_s, self._longest_s)
        while self._runnable() > 1 and time.monotonic() - start < patience:
            time.sleep(0.005)
        self._budget_s -= time.monotonic() - start

    @staticmethod
    def _runnable() -> int:
        fields = Path("/proc/loadavg").read_text(encoding="ascii").split()
        return int(fields[3].split("/")[0])


def _elapsed(case: Case, repetitions: int) -> int:
    before = time.thread_time_ns()
    case.run(repetitions)
    return time.thread_time_ns() - before


def _calibrate(case: Case, slice_ns: int) -> int:
    """Repetitions that fill a slice, at least one."""
    repetitions = 1
    while (taken := _elapsed(case, repetitions)) < slice_ns / _SMALLEST_CALIBRATION:
        repetitions *= 4
    return max(1, round(repetitions * slice_ns / taken))


def measure(
    cases: Sequence[Case], rounds: int, quiet: Quiet, slice_ns: int = SLICE_NS
) -> dict[str, list[float]]:
    """Runs every case once a round, in random order.

    A slice lasts about `slice_ns` or one repetition, after a fifth of it for the caches and branch
    predictors. The collector stays on, as in a real process, with everything so far frozen.

    Returns:
        For each case and round, nanoseconds per item.
    """
    repetitions = {case.name: _calibrate(case, slice_ns) for case in cases}
    samples: dict[str, list[float]] = {case.name: [] for case in cases}
    shuffled = list(cases)
    order = random.Random(rounds)
    gc.collect()
    gc.freeze()
    try:
        for _ in range(rounds):
            order.shuffle(shuffled)
            for case in shuffled:
                count = repetitions[case.name]
                quiet.wait()
                if count // 5:
                    case.run(count // 5)
                samples[case.name].append(_elapsed(case, count) / (count * case.items))
    finally:
        gc.unfreeze()
    return samples


def paired(over: Sequence[float], under: Sequence[float]) -> float:
    """Median of the ratios round by round: drifts of the machine hit both sides alike."""
    return median(a / b for a, b in zip(over, under, strict=True))


def tenth(samples: Sequence[float]) -> float:
    """The first decile: the cost on a machine that is nearly undisturbed."""
    return quantiles(samples, n=10)[0] if len(samples) > 1 else samples[0]
