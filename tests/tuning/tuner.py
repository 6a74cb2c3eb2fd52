"""Short words for the tests: a host under a profile, applied and reverted.

Owns: the calls that a command makes. Must not know: what is expected. Invariant: each call reads
the state anew, as a process of its own would.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from tests.tuning.memory_host import MemoryHost
from tunelib import catalogue, planner, profile
from tunelib.apply import Applier, Done
from tunelib.cli import parser as tune_parser
from tunelib.context import Context
from tunelib.profile import Profile
from tunelib.state import State, locked

__all__ = [
    "EVERYTHING",
    "KNOWN",
    "VENUE",
    "apply",
    "by_id",
    "context",
    "left",
    "named",
    "records",
    "revert",
    "tune_parser",
]

KNOWN = catalogue.load()
RUNS = itertools.count()
VENUE = "192.0.2.7"
# Everything that could be set, whatever a profile would leave out.
EVERYTHING = Profile(
    "everything", "", "busy_poll", "fused", {entry.id: {} for entry in KNOWN if entry.changes}
)


def named(name: str) -> Profile:
    """A shipped profile."""
    return profile.load(name, KNOWN)


def context(host: MemoryHost, of: Profile) -> Context:
    """The host under a profile."""
    return Context.of(host, of, None, VENUE)


def apply(
    host: MemoryHost, of: Profile, only: Iterable[str] = (), force: bool = False
) -> list[Done]:
    """`tune apply --yes`."""
    with locked(host) as state:
        seen = context(host, of)
        entries = planner.chosen(seen, KNOWN, only)
        return Applier(host, state, f"run{next(RUNS)}", force).apply(seen, entries)


def revert(host: MemoryHost, only: Iterable[str] = (), force: bool = False) -> list[Done]:
    """`tune revert`."""
    with locked(host) as state:
        return Applier(host, state, "revert", force).revert(only)


def left(host: MemoryHost, of: Profile) -> dict[str, dict[str, str]]:
    """What is not as wanted, by id."""
    seen = context(host, of)
    steps = planner.steps(seen, planner.chosen(seen, KNOWN))
    return {step.entry.id: step.change for step in steps if step.change}


def records(host: MemoryHost) -> list[str]:
    """Ids in the state file."""
    return [record.target.id for record in State(host).records]


def by_id(done: Iterable[Done]) -> dict[str, str]:
    """What happened to each entry."""
    return {one.id: one.what for one in done}
