"""What the gate costs: `python -m bench.micro.gate`.

Owns: the absolute cost of one order in the gate, its two halves interleaved. Must not know: what
the rules are. Invariant: every order that is timed passed, so every rule was asked.
"""

from __future__ import annotations

import statistics
from time import thread_time_ns

from bench.micro.native import GateLoop, Library

__all__ = ["main"]

ORDERS, ROUNDS = 500, 400


def main() -> int:
    """Prints medians and first deciles, nanoseconds."""
    loop = GateLoop(Library())
    cases = {
        "rules of the single order": loop.check,
        "the whole gate": loop.admit,
        "a new top of the book": loop.tops,
    }
    samples: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, run in cases.items():
            began = thread_time_ns()
            run(ORDERS)
            samples[name].append((thread_time_ns() - began) / ORDERS)
            loop.release()
    for name, found in samples.items():
        median, tenth = statistics.median(found), statistics.quantiles(found, n=10)[0]
        print(f"{name}: {median:.1f} ns, undisturbed {tenth:.1f} ns")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
