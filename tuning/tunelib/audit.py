"""What stands between this host and low latency: one row for each entry.

Owns: the verdict on an entry. Must not know: how rows are printed. Invariant: nothing is changed;
what this host lacks is SKIP with its reason, never FAIL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from tunelib import planner, probes
from tunelib.catalogue import Catalogue, Entry
from tunelib.context import Context
from tunelib.errors import Unsupported
from tunelib.planner import Assessment
from tunelib.state import State

PASS, WARN, FAIL, SKIP, UNKNOWN = "PASS", "WARN", "FAIL", "SKIP", "UNKNOWN"
STATES = (FAIL, WARN, UNKNOWN, PASS, SKIP)
LONGEST = 60
MANY = 4


class Row(NamedTuple):
    """A verdict."""

    id: str
    tier: str
    setting: str
    found: str
    wanted: str
    state: str
    note: str


def rows(context: Context, catalogue: Catalogue, state: State | None) -> list[Row]:
    """The profile's entries and all questions; what has neither is documentation.

    Args:
        state: what was applied, if this user may read it.
    """
    found = []
    for entry in catalogue:
        if entry.changes and entry.id in context.profile.entries:
            found.append(_changing(context, entry, state))
        elif not entry.changes and entry.probe:
            found.append(_asked(context, entry))
    return found


def _row(entry: Entry, found: str, wanted: str, state: str, note: str) -> Row:
    return Row(entry.id, entry.tier, entry.title, found, wanted, state, note)


def _bad(entry: Entry) -> str:
    return FAIL if entry.deviation == "fail" else WARN


def _asked(context: Context, entry: Entry) -> Row:
    try:
        context.demand(entry)
        finding = probes.ask(context, entry)
    except Unsupported as error:
        return _row(entry, "", "", SKIP, str(error))
    verdict = {True: PASS, False: _bad(entry), None: UNKNOWN}[finding.is_good]
    return _row(entry, finding.found, "", verdict, finding.note)


def _changing(context: Context, entry: Entry, state: State | None) -> Row:
    assessment = planner.assess(context, entry)
    if assessment.reason:
        return _row(entry, "", "", SKIP, assessment.reason)
    change = assessment.change
    if not change:
        if planner.waits_for_boot(context, assessment):
            return _row(entry, "", shown(assessment.wanted), WARN, "after the next reboot")
        return _row(entry, shown(assessment.found), "", PASS, "")
    note = _drift(assessment, state) or _hint(context, entry)
    found = {key: assessment.found[key] for key in change}
    has_names = len(change) == 1 < len(assessment.wanted)
    return _row(entry, shown(found, has_names), shown(change, has_names), _bad(entry), note)


def _hint(context: Context, entry: Entry) -> str:
    """What a person would type, if it is short."""
    if len(entry.write) > LONGEST:
        return "see plan"
    return re.sub(r"\bIF\b", context.nic.name if context.nic else "IF", entry.write)


def _drift(assessment: Assessment, state: State | None) -> str:
    record = state.find(assessment.target) if state and assessment.target else None
    if record is None:
        return ""
    strange = [key for key in assessment.change if not record.is_ours(key, assessment.found[key])]
    if strange:
        return f"changed by others since apply: {', '.join(strange)}"
    return "undone since apply: apply again"


def shown(values: Mapping[str, str | None], has_names: bool = False) -> str:
    """Values on one line, `on/20/64`; of many only the different ones.

    Args:
        has_names: each with the last part of its key.
    """
    if has_names:
        text = ", ".join(f"{_short(key)} {value_of(value)}" for key, value in values.items())
    else:
        texts = ["file" if "\n" in (one or "") else value_of(one) for one in values.values()]
        is_short = len(texts) <= MANY and len(set(texts)) > 1
        text = "/".join(texts if is_short else dict.fromkeys(texts))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def value_of(text: str | None) -> str:
    """A value for people: on one line, and never nothing."""
    return "none" if text is None else " ".join(text.split()) or "empty"


def _short(key: str) -> str:
    """The last part of a path, the last two of a sysctl."""
    parts = key.rstrip("/").rsplit("/", 1)
    is_sysctl = re.fullmatch(r"(?:net|vm|kernel)\.[\w.]+", key) is not None
    return key.rsplit(".", 1)[1] if is_sysctl else parts[-1].replace("{if}-", "")


def is_ready(found: list[Row], is_strict: bool) -> bool:
    """Whether nothing failed; strictly, whether nothing is worth a warning either."""
    bad = {FAIL, WARN} if is_strict else {FAIL}
    return not any(row.state in bad for row in found)
