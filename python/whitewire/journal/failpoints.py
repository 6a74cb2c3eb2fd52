"""Labelled points at which the process kills itself, for tests of what is left behind.

Owns: the names of the points. Must not know: what happens around them. Invariant: without
`WHITEWIRE_FAILPOINT` in the environment at the start of the process, nothing here ever runs.

`WHITEWIRE_FAILPOINT=name` kills at the first passage, `name:N` at the N-th.
"""

from __future__ import annotations

import os
import signal

__all__ = ["FAILPOINT", "POINTS", "hit"]

POINTS = (
    "before_journal",
    "after_journal_before_send",
    "after_send",
    "after_ack",
    "in_commit",
    "in_rotation",
    "during_start_replay",
    "after_arm",
    "during_stop",
)
FAILPOINT = os.environ.get("WHITEWIRE_FAILPOINT", "")
_name, _, _count = FAILPOINT.partition(":")
_passages = [int(_count or 1)]


def hit(name: str) -> None:
    """Ends this process like a power cut when `name` is the chosen point; guard by `FAILPOINT`."""
    if name != _name:
        return
    _passages[0] -= 1
    if _passages[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
