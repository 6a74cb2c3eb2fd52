"""What each command does, from arguments to exit code.

Owns: the sequence of a command. Must not know: how arguments are spelt. Invariant: what changes
the host holds the lock from its first look to its last word.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunelib import audit, catalogue, export, interlocks, layout, pending, planner, profile, render
from tunelib.apply import Applier, Done, outcome
from tunelib.catalogue import TIERS, Catalogue, Entry
from tunelib.context import Context
from tunelib.errors import Refused, TuneError, Unsupported
from tunelib.host import Host
from tunelib.interlocks import Obstacle
from tunelib.rooted import RootedHost
from tunelib.state import FILE, State, locked

OK, JOB_FAILED, USAGE, CANNOT_JUDGE = 0, 1, 2, 3
NOTHING_TO_DO, CHANGES_WAIT = 0, 2


def exit_code(command: str, code: str) -> int:
    """Of an error."""
    if command == "check":
        return CANNOT_JUDGE if code in ("not-linux", "not-permitted") else USAGE
    return JOB_FAILED if command == "plan" or code == "refused" else USAGE


def host_of(options: argparse.Namespace) -> Host:
    """This machine, or the folder that was named.

    Raises:
        TuneError: it is no Linux host.
    """
    host = Host() if os.path.abspath(options.root) == "/" else RootedHost(options.root)
    host.demand_linux()
    return host


def context_of(options: argparse.Namespace, host: Host) -> tuple[Context, Catalogue]:
    """The host under a profile."""
    known = catalogue.load()
    chosen = profile.load(options.profile, known)
    return Context.of(host, chosen, options.interface, options.venue), known


def say(text: str) -> None:
    """Talk."""
    print(text, file=sys.stderr)


# ---- reading --------------------------------------------------------------------------------


def topology(options: argparse.Namespace) -> int:
    """`tune topology`."""
    context, known = context_of(options, host_of(options))
    if options.format == "json":
        print(render.as_json(render.topology_json(context)), end="")
    elif options.format == "whitewire":
        print(layout.whitewire(context.plan, context.has_partition(known)), end="")
    else:
        print(render.topology(context), end="")
    return OK


def check(options: argparse.Namespace) -> int:
    """`tune check`."""
    host = host_of(options)
    context, known = context_of(options, host)
    rows = audit.rows(context, known, _readable_state(host))
    if options.format == "json":
        text = render.as_json(render.check_json(context, rows))
    elif options.format == "prom":
        text = render.prom(rows, int(time.time()))
    else:
        text = render.check(context, rows, options.all)
    if options.output:
        _write_whole(Path(options.output), text)
    else:
        print(text, end="")
    return OK if audit.is_ready(rows, options.strict) else JOB_FAILED


def _readable_state(host: Host) -> State | None:
    """What was applied; an ordinary user may not read it."""
    try:
        return State(host) if host.exists(FILE) else None
    except Unsupported:
        return None


def _write_whole(path: Path, text: str) -> None:
    """A reader sees the old file or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.resolve().parent, prefix=".tune-")
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o644)
    os.replace(temporary, path)


def plan(options: argparse.Namespace) -> int:
    """`tune plan`."""
    context, known = context_of(options, host_of(options))
    steps = planner.steps(context, _entries(options, context, known))
    if options.format in export.FORMATS:
        print(export.FORMATS[options.format](context, steps), end="")
    else:
        changes = [step for step in steps if step.change]
        refusals = interlocks.obstacles(context, changes)
        if options.format == "json":
            print(render.as_json(render.plan_json(context, steps, refusals)), end="")
        else:
            print(render.plan(context, steps, refusals), end="")
    return CHANGES_WAIT if any(step.change for step in steps) else NOTHING_TO_DO


def _entries(options: argparse.Namespace, context: Context, known: Catalogue) -> list[Entry]:
    entries = planner.chosen(context, known, options.only)
    highest = TIERS.index(getattr(options, "tier", None) or "T2")
    return [entry for entry in entries if TIERS.index(entry.tier) <= highest]


def files(options: argparse.Namespace) -> int:
    """`tune files`."""
    from tunelib import files as others

    context, known = context_of(options, host_of(options))
    found = others.tree(context, known)
    if options.write:
        others.write(found, Path(options.write))
        say(f"{len(found)} files in {options.write}")
    elif options.json:
        print(render.as_json(found), end="")
    else:
        print(others.show(found), end="")
    return OK


def docs(options: argparse.Namespace) -> int:
    """`tune docs`: what tuning/README.md has to be."""
    from tunelib import manual

    print(manual.render(), end="")
    return OK


# ---- changing -------------------------------------------------------------------------------


def demand_clear(options: argparse.Namespace, found: Sequence[Obstacle]) -> None:
    """Refuses unless each obstacle was accepted.

    Raises:
        Refused: one was not.
    """
    accepted = {
        interlocks.WHILE_TRADING: options.while_trading,
        interlocks.MANAGEMENT: options.allow_mgmt_iface,
        interlocks.BESIDE_TUNED: options.beside_tuned,
    }
    left = [one for one in found if not accepted.get(one.override, False)]
    if left:
        what = "; ".join(one.what for one in left)
        ways = " ".join(dict.fromkeys(one.override for one in left if one.override))
        raise Refused(
            "refused", what, f"if that is accepted: {ways}" if ways else "change the plan"
        )


def demand_rights(host: Host) -> None:
    """Refuses who may not change the host.

    Raises:
        TuneError: `not-permitted`.
    """
    if not host.may_write():
        raise TuneError("not-permitted", "this user may not change the host", "run it as root")


def apply(options: argparse.Namespace) -> int:
    """`tune apply`: without --yes it is `tune plan`."""
    if not options.yes:
        options.format = options.format if getattr(options, "format", "") == "json" else "text"
        code = plan(options)
        say("nothing was changed; --yes does it")
        return OK if code in (NOTHING_TO_DO, CHANGES_WAIT) else code
    host = host_of(options)
    demand_rights(host)
    with locked(host) as state:
        _report_expired(pending.expire(host, state, pending.boot_seconds()))
        context, known = context_of(options, host)
        entries = _entries(options, context, known)
        steps = [step for step in planner.steps(context, entries) if step.change]
        demand_clear(options, interlocks.obstacles(context, steps))
        run = secrets.token_hex(8)
        if options.confirm_within and steps:
            now_s = pending.boot_seconds()
            pending.begin(host, state, run, options.confirm_within, now_s)
            pending.start_watcher(host, run)
        done = Applier(host, state, run, options.force).apply(context, entries)
        if outcome(done) == "failed":
            pending.confirm(state)  # nothing is left to be undone
    _print_done(options, done)
    if options.confirm_within and steps and outcome(done) != "failed":
        say(f"undone in {options.confirm_within:.0f} s unless: tune confirm")
    return JOB_FAILED if outcome(done) == "failed" else OK


def _report_expired(done: Sequence[Done]) -> None:
    if done:
        say(f"an earlier run was not confirmed and is undone: {', '.join(one.id for one in done)}")


def _print_done(options: argparse.Namespace, done: Sequence[Done]) -> None:
    if options.json:
        print(render.as_json([one._asdict() for one in done]), end="")
    else:
        print(render.done(done), end="")


def confirm(options: argparse.Namespace) -> int:
    """`tune confirm`."""
    host = host_of(options)
    demand_rights(host)
    with locked(host) as state:
        if pending.is_over(host, state, pending.boot_seconds()):
            _report_expired(pending.expire(host, state, pending.boot_seconds()))
            return JOB_FAILED
        is_kept = pending.confirm(state)
    say("kept" if is_kept else "nothing waits to be confirmed")
    return OK if is_kept else JOB_FAILED


def revert(options: argparse.Namespace) -> int:
    """`tune revert`."""
    host = host_of(options)
    demand_rights(host)
    known = catalogue.load()
    ids = [known[id].id for id in options.only]
    with locked(host) as state:
        records = [one for one in state.records if not ids or one.target.id in ids]
        is_blip = any(known[one.target.id].disruption == "blip" for one in records)
        found = interlocks.trading(host, is_blip) if records else []
        demand_clear(options, found)
        done = Applier(host, state, "revert", options.force).revert(ids)
        if not ids:
            pending.confirm(state)
    _print_done(options, done)
    return JOB_FAILED if outcome(done) else OK


def watch(options: argparse.Namespace) -> int:
    """The process that `apply --confirm-within` leaves behind."""
    host = host_of(options)
    pending.watch(host, options.run, pending.boot_seconds, time.sleep)
    return OK


# ---- measuring ------------------------------------------------------------------------------


def verify(options: argparse.Namespace) -> int:
    """`tune verify`."""
    from tunelib import counters

    context, _ = context_of(options, host_of(options))
    rows = counters.watch(context, options.seconds, time.sleep)
    if options.json:
        print(render.as_json([row._asdict() for row in rows]), end="")
    else:
        print(counters.text(rows), end="")
    return OK if counters.is_clean(rows) else JOB_FAILED


def bench(options: argparse.Namespace) -> int:
    """`tune bench`."""
    from tunelib import bench_command

    host = host_of(options)
    context, known = context_of(options, host)
    return bench_command.run(options, host, context, _entries(options, context, known))


def snapshot(options: argparse.Namespace) -> int:
    """`tune snapshot`."""
    from tunelib import snapshot as recorder

    host = host_of(options)
    count = recorder.write(host, Path(options.output))
    say(f"{count} files and commands in {options.output}; look through it before you send it")
    return OK


COMMANDS: Mapping[str, Callable[[Any], int]] = {
    "topology": topology,
    "check": check,
    "plan": plan,
    "apply": apply,
    "confirm": confirm,
    "revert": revert,
    "verify": verify,
    "bench": bench,
    "files": files,
    "snapshot": snapshot,
    "docs": docs,
    "watch": watch,
}
