"""What a profile would change on this host, and in which order.

Owns: the assessment of an entry, the order of steps. Must not know: state, interlocks, output.
Invariant: nothing is changed here; what cannot be judged has a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tunelib import probes
from tunelib.catalogue import STAGES, Catalogue, Entry
from tunelib.context import Context
from tunelib.errors import Unsupported
from tunelib.kinds import Target, satisfied
from tunelib.kinds_more import KINDS, parse_cmdline, target_of


@dataclass(frozen=True)
class Assessment:
    """An entry on this host.

    Attributes:
        reason: why it is skipped; empty where it can be judged.
        found: values now, of the keys that are there.
        wanted: what the profile wants of them.
    """

    entry: Entry
    reason: str = ""
    target: Target | None = None
    found: Mapping[str, str | None] = field(default_factory=dict)
    wanted: Mapping[str, str] = field(default_factory=dict)

    @property
    def change(self) -> dict[str, str]:
        """Keys that are not as wanted."""
        if self.target is None:
            return {}
        return {
            key: value
            for key, value in self.wanted.items()
            if key in self.found and not satisfied(self.target, self.found[key], value)
        }


def assess(context: Context, entry: Entry) -> Assessment:
    """Looks at one entry that changes something."""
    try:
        context.demand(entry)
        target = target_of(context, entry)
        kind = KINDS[entry.kind]
        wanted = kind.wanted(context, entry, context.profile.wanted(entry))
        found = kind.read(context.host, target, list(wanted))
    except Unsupported as error:
        return Assessment(entry, reason=str(error))
    except ValueError as error:
        return Assessment(entry, reason=f"what the host says cannot be read: {error}")
    if entry.kind == "dropin" and entry.probe and not any(found.values()):
        wanted = _still_wanted(context, entry, wanted)
    return Assessment(entry, "", target, found, wanted)


def _still_wanted(context: Context, entry: Entry, wanted: dict[str, str]) -> dict[str, str]:
    """Nothing, where the host already has by itself what our files would bring."""
    try:
        return {} if probes.ask(context, entry).is_good else wanted
    except Unsupported:
        return wanted


def chosen(context: Context, catalogue: Catalogue, only: Iterable[str] = ()) -> list[Entry]:
    """The profile's entries in the order of application.

    Args:
        only: ids; all of the profile's if empty. They need not be in the profile.
    """
    ids = [catalogue[id].id for id in only] or list(context.profile.entries)
    entries = [catalogue[id] for id in ids if catalogue[id].changes]
    order = {id: place for place, id in enumerate(catalogue.entries)}
    return sorted(entries, key=lambda entry: (STAGES.index(entry.stage), order[entry.id]))


def steps(context: Context, entries: Iterable[Entry]) -> list[Assessment]:
    """Every entry assessed, in order."""
    return [assess(context, entry) for entry in entries]


def waits_for_boot(context: Context, assessment: Assessment) -> bool:
    """Whether the boot line has what is wanted and the running kernel has not."""
    if assessment.entry.kind != "cmdline" or assessment.reason:
        return False
    running = parse_cmdline(context.host.read("/proc/cmdline") or "")
    return any(running.get(key) != value for key, value in assessment.wanted.items())
