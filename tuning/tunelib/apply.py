"""Changing a host and changing it back.

Owns: the sequence of record, change and proof, and what counts as drift. Must not know: what a
kind does. Invariants: a previous value is durable before its key is changed; a crash at any point
leaves records from which revert restores; what somebody else changed since is not overwritten
unless forced.

A change of the card's queues makes interrupts and the files of queues anew. Their records are
marked before it, so that new values are not taken for drift; revert restores queues first and
then, backwards, everything else.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tunelib import planner
from tunelib.catalogue import STAGES, Entry
from tunelib.context import Context
from tunelib.errors import TuneError, Unsupported
from tunelib.host import Host
from tunelib.kinds import THERE, Target, satisfied
from tunelib.kinds_more import KINDS, remade_with_queues
from tunelib.operations import do, failed
from tunelib.planner import Assessment
from tunelib.state import APPLIED, INTENT, Record, State, Values


class Done(NamedTuple):
    """What happened to an entry: applied, already, skip, drift, reverted, gone or failed."""

    id: str
    what: str
    note: str = ""


class Applier:
    """Applies and reverts.

    Args:
        host: to be changed.
        state: its records, held under the lock.
        run: name of this run.
        is_forced: overwrite drift.
    """

    def __init__(self, host: Host, state: State, run: str, is_forced: bool = False) -> None:
        self._host = host
        self._state = state
        self._run = run
        self._is_forced = is_forced

    # ---- apply ------------------------------------------------------------------------------

    def apply(self, context: Context, entries: Sequence[Entry]) -> list[Done]:
        """Applies entries in order; a failure undoes what this run has done.

        The last of what is returned is `failed` then.
        """
        for assessment in planner.steps(context, entries):
            self._intend(assessment)
        self._state.save()
        done: list[Done] = []
        try:
            for entry in entries:
                done += self._step(context, entry)
        except (TuneError, Unsupported) as error:
            undone = self.rollback(self._run)
            return [*done, *undone, Done(entry.id, "failed", str(error))]
        return done

    def _intend(self, assessment: Assessment) -> tuple[Values, list[str]]:
        """Records what is about to be changed: (values to set, keys that drifted)."""
        target, change = assessment.target, assessment.change
        values: Values = {}
        drifted: list[str] = []
        if target is None or not change:
            return values, drifted
        if target.kind == "channels":
            self._intend_remade(target)
        record = self._record(target)
        for key, wanted in change.items():
            found = assessment.found[key]
            is_known = key in record.previous
            if is_known and not self._may_change(record, key, found):
                drifted.append(key)
                continue
            record.previous.setdefault(key, self._first(target, key, found))
            record.before.setdefault(key, self._found_by_run(target, key, found))
            record.applied[key] = values[key] = wanted
        if values:
            record.phase, record.run = INTENT, self._run
            record.at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return values, drifted

    def _record(self, target: Target) -> Record:
        """The record of a target, begun anew for this run."""
        record = self._state.find(target)
        if record is None:
            record = Record(target, KINDS[target.kind].scope, self._host.boot_id())
            self._state.records.append(record)
        if record.run != self._run:
            record.before = {}
        return record

    def _may_change(self, record: Record, key: str, value: str | None) -> bool:
        """Whether nobody but us has set a value, or it does not matter."""
        if self._is_forced or record.is_ours(key, value):
            return True
        is_new = key in record.previous and record.previous[key] is None
        return is_new and KINDS[record.target.kind].fresh.get(key) == value

    def _others(self, target: Target, key: str) -> list[Record]:
        """Records that know the same key of the same card."""
        return [
            record
            for record in self._state.records
            if (record.target.kind, record.target.mac) == (target.kind, target.mac)
            and key in record.previous
        ]

    def _first(self, target: Target, key: str, value: str | None) -> str | None:
        """What was found first of a key, in whichever record it is."""
        return next((one.previous[key] for one in self._others(target, key)), value)

    def _found_by_run(self, target: Target, key: str, value: str | None) -> str | None:
        """What this run found before it made the queues anew."""
        others = [one for one in self._others(target, key) if one.run == self._run]
        return next((one.before[key] for one in others if key in one.before), value)

    def _intend_remade(self, target: Target) -> None:
        """Records what goes with the queues, whether or not an entry is about it."""
        for one, values in remade_with_queues(self._host, target):
            record = self._record(one)
            if record.run != self._run:
                record.run, record.is_remade = self._run, True
                for key, value in values.items():
                    record.previous.setdefault(key, self._first(one, key, value))
                    record.before[key] = value

    def _step(self, context: Context, entry: Entry) -> list[Done]:
        assessment = planner.assess(context, entry)
        target = assessment.target
        if target is None:
            return [Done(entry.id, "skip", assessment.reason)]
        values, drifted = self._intend(assessment)
        done = []
        if drifted:
            done.append(Done(entry.id, "drift", f"changed by others: {', '.join(drifted)}"))
        if not values:
            self._settle(target)
            return done or [Done(entry.id, "already")]
        self._mark_remade(target)
        self._state.save()
        refused = self._set(target, values)
        for key in refused:
            self._forget(target, key)
        self._settle(target)
        if len(refused) < len(values):
            done.append(Done(entry.id, "applied"))
        elif target.kind == "channels":
            self._drop_remade(target)
        done += [Done(entry.id, "skip", reason) for reason in dict.fromkeys(refused.values())]
        return done

    def _drop_remade(self, target: Target) -> None:
        """The queues stayed as they were."""
        if self._state.find(target) is None:
            self._state.records = [
                record for record in self._state.records if record.target.id != target.id
            ]
            self._state.save()

    def _settle(self, target: Target) -> None:
        record = self._state.find(target)
        if record is not None and (record.phase != APPLIED or record.is_remade):
            record.phase, record.is_remade = APPLIED, False
            self._drop_if_empty(record)
            self._state.save()

    def _forget(self, target: Target, key: str) -> None:
        """Takes a key that was not changed out of its record."""
        record = self._state.find(target)
        if record is not None:
            if record.before.get(key) == record.previous.get(key):
                del record.previous[key]
                del record.applied[key]
            else:
                record.applied[key] = record.before[key]

    def _mark_remade(self, target: Target) -> None:
        if target.kind == "channels":
            for record in self._state.records:
                if record.target.mac == target.mac and KINDS[record.target.kind].is_remade:
                    record.is_remade = True

    def _set(self, target: Target, values: Values, is_exact: bool = False) -> dict[str, str]:
        """Sets values and proves them: reasons of the keys that the host refuses.

        Args:
            is_exact: another value that would do is no proof.

        Raises:
            TuneError: something failed.
        """
        kind = KINDS[target.kind]
        refused: dict[str, str] = {}
        for keys, operations in kind.groups(self._host, target, values):
            try:
                for operation in operations:
                    do(self._host, operation)
            except Unsupported as error:
                refused.update(dict.fromkeys(keys, str(error)))
        kept = [key for key in values if key not in refused]
        found = kind.read(self._host, target, kept)
        for key in kept:
            value, now = values[key], found.get(key)
            is_folder_in_use = value is None and now == THERE
            if now != value and (is_exact or not satisfied(target, now, value)):
                if is_folder_in_use:
                    continue
                raise failed(f"{target.id} {key}", f"{now!r}, not {value!r}")
        return refused

    # ---- revert -----------------------------------------------------------------------------

    def revert(self, only: Iterable[str] = ()) -> list[Done]:
        """Restores what was found first."""
        ids = set(only)
        records = [one for one in self._state.records if not ids or one.target.id in ids]
        return [done for record in _backwards(records) for done in self._restore(record, "first")]

    def rollback(self, run: str) -> list[Done]:
        """Restores what one run found."""
        records = [record for record in self._state.records if record.run == run]
        return [done for record in _backwards(records) for done in self._restore(record, "run")]

    def _restore(self, record: Record, goal: str) -> list[Done]:
        target = record.target
        aims = record.previous if goal == "first" else record.before
        try:
            found = KINDS[target.kind].read(self._host, target, list(aims))
            values, drifted = self._sort(record, aims, found)
            if values:
                self._mark_remade(target)
                self._state.save()
                refused = self._set(target, values, is_exact=True)
                if refused:
                    raise failed(target.id, "; ".join(refused.values()))
        except Unsupported as error:
            return [Done(target.id, "gone", str(error))]
        except TuneError as error:
            return [Done(target.id, "failed", error.what)]
        for key in list(aims):
            if key in found and key not in drifted:
                self._close(record, key, goal)
        self._drop_if_empty(record)
        self._state.save()
        done = [Done(target.id, "reverted")] if values or not record.previous else []
        if drifted:
            done.append(Done(target.id, "drift", f"changed by others: {', '.join(drifted)}"))
        missing = [key for key in aims if key not in found]
        if missing:
            done.append(Done(target.id, "gone", f"not there any more: {', '.join(missing)}"))
        return done

    def _sort(self, record: Record, aims: Values, found: Values) -> tuple[Values, list[str]]:
        """What has to be written, and what others have changed."""
        values: Values = {}
        drifted = []
        for key, aim in aims.items():
            if key not in found or found[key] == aim:
                continue
            if self._may_change(record, key, found[key]):
                values[key] = aim
            else:
                drifted.append(key)
        return values, drifted

    @staticmethod
    def _close(record: Record, key: str, goal: str) -> None:
        before = record.before.pop(key, None)
        if goal == "first" or before == record.previous.get(key):
            record.previous.pop(key, None)
            record.applied.pop(key, None)
        else:
            record.applied[key] = before

    def _drop_if_empty(self, record: Record) -> None:
        if not record.previous:
            self._state.records.remove(record)


def _backwards(records: Sequence[Record]) -> list[Record]:
    """Queues first, because they make others anew; then the last applied first."""
    numbered = list(enumerate(records))

    def order(one: tuple[int, Record]) -> tuple[bool, int, int]:
        number, record = one
        return record.target.kind != "channels", -STAGES.index(record.target.stage), -number

    return [record for _, record in sorted(numbered, key=order)]


def outcome(done: Iterable[Done]) -> str | None:
    """The worst that happened: failed, drift, gone, or None."""
    seen = {one.what for one in done}
    return next((what for what in ("failed", "drift", "gone") if what in seen), None)
