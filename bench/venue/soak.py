"""Whether memory stays where it is.

Owns: samples of resident memory over time and the verdict on them. Must not know: whose memory.
Invariant: the first third of the time does not count, since memories of bounded size (histories,
nonces) fill up first.
"""

from __future__ import annotations

from statistics import linear_regression

__all__ = ["Memory"]


class Memory:
    """Samples of one process's memory."""

    # A leak of one small object an order would be tens of MiB a minute.
    MOST_MIB_A_MINUTE = 1.0

    def __init__(self) -> None:
        self.samples: list[tuple[float, float]] = []

    def note(self, second: float, mib: float) -> None:
        """Takes one sample."""
        self.samples.append((second, mib))

    def figures(self) -> dict[str, float]:
        """The course of memory, and its growth by a line through all but the first third.

        Raises:
            ValueError: there are too few samples for a line.
        """
        late = self.samples[len(self.samples) // 3 :]
        if len(late) < 3:
            raise ValueError(f"{len(self.samples)} samples of memory are too few")
        slope, _ = linear_regression(*zip(*late, strict=True))
        return {
            "memory at the start, MiB": self.samples[0][1],
            "memory after a third, MiB": late[0][1],
            "memory at the end, MiB": late[-1][1],
            "growth, MiB a minute": slope * 60,
        }
