"""The command `whitewire bench tick`: finds the bench of this checkout and runs it.

Owns: what the command demands before it starts. Must not know: how the bench measures; it is no
part of the package, because it holds rivals and native programs. Invariant: without a checkout one
sentence says so.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

from whitewire import _core
from whitewire.errors import UsageError

__all__ = ["tick_command"]

_MOST_ROUNDS = 1_000
_MOST_MINUTES = 1_440


def tick_command(options: argparse.Namespace) -> int:
    """Runs the bench; its exit code.

    Raises:
        UsageError: senseless options, a debug build, or no checkout.
    """
    if not 1 <= options.rounds <= _MOST_ROUNDS or not 0 <= options.minutes <= _MOST_MINUTES:
        raise UsageError(
            "bench-arguments",
            f"--rounds was {options.rounds} and --minutes {options.minutes}",
            f"choose 1 to {_MOST_ROUNDS} rounds and 0 to {_MOST_MINUTES} minutes",
        )
    if options.json is not None and not os.access(Path(options.json).resolve().parent, os.W_OK):
        raise UsageError("bench-json", f"cannot write {options.json}", "choose another folder")
    if _core.build_profile != "release":
        raise UsageError(
            "debug-build", "this core is a debug build", "reinstall whitewire with pip or make"
        )
    sys.path.insert(0, str(_checkout()))
    program = importlib.import_module("bench.tick.program")
    both = not options.tls and not options.plain
    chosen = program.Options(
        rounds=options.rounds,
        transports=[name for name in ("tls", "plain") if both or getattr(options, name)],
        only=options.only.split(",") if options.only else (),
        minutes=options.minutes,
        short=options.short,
        json_file=options.json,
        seed=options.seed,
    )
    return int(program.main(chosen))


def _checkout() -> Path:
    """The root of the checkout that this package is part of."""
    root = Path(__file__).resolve().parents[3]
    if not (root / "bench" / "tick" / "program.py").is_file():
        raise UsageError(
            "bench-no-checkout",
            "this installation holds no bench: it needs a checkout of the repository, and cargo",
            "clone the repository, and run: make install && .venv/bin/whitewire bench tick",
        )
    return root
