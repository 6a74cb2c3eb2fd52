"""What can go wrong, for the person at the terminal.

Owns: the errors of this package. Must not know: how they are shown. Invariant: each has a stable
code, says what happened, and what to do next.
"""

from __future__ import annotations


class TuneError(Exception):
    """Something of ours cannot go on.

    Args:
        code: stable, `state-damaged`.
        what: what happened, with the value.
        advice: what to do next.
    """

    def __init__(self, code: str, what: str, advice: str) -> None:
        super().__init__(f"{what}; {advice}")
        self.code = code
        self.what = what
        self.advice = advice


class Unsupported(Exception):
    """This host has no such thing: the entry is skipped, and the text is the reason."""


class Refused(TuneError):
    """An interlock forbids a change."""
