"""Files for a host that is managed by other means: an image, a playbook, TuneD, a launch template.

Owns: which files there are and where they go. Must not know: how a setting is read or changed.
Invariants: each says what tune would do, from the same plan; none is written onto the running
host, which is what apply is for, because apply can be undone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from tunelib import export, planner, units
from tunelib.catalogue import Catalogue, Entry
from tunelib.context import Context
from tunelib.errors import TuneError, Unsupported
from tunelib.kinds_more import GRUB_FILE
from tunelib.planner import Assessment

SYSCTL = "etc/sysctl.d/60-whitewire.conf"
UDEV = "etc/udev/rules.d/60-whitewire.rules"
TUNED = "etc/tuned/whitewire"
CLOUD = "user-data.yaml"
# What a profile leaves out, for those who measured it.
OPTIONAL = "optional"
EXECUTABLE = frozenset({f"{TUNED}/script.sh"})

TUNED_SCRIPT = """\
#!/bin/sh
# Called by TuneD: what its own plugins cannot do.
set -eu
case "${{1:-}}" in
start)
    {tune} apply --yes --allow-mgmt-iface --beside-tuned --profile {profile} --only \\
        {ids}
    ;;
stop) # at a shutdown too, and then what waits for the next boot must stay
    if [ "${{2:-}}" = full_rollback ]; then
        {tune} revert --only \\
            {ids}
    fi
    ;;
verify) {tune} check --profile {profile} ;;
esac
"""

CLOUD_HEAD = """\
#cloud-config
# Profile {profile} of whitewire. The image has whitewire in {home} and this repository's
# tuning/ in {home}/tuning. What user data cannot say belongs into the launch template:
"""
# Facts of the launch, reported by check and set before there is a host.
LAUNCH = ("P1", "P2", "P3", "P6", "P7", "P8")
CLOUD_BODY = """\
packages: [chrony, ethtool, irqbalance]
users:
  - default
  - {name: whitewire, system: true, shell: /usr/sbin/nologin}
"""
CLOUD_END = """\
runcmd:
  - [systemctl, daemon-reload]
  - [systemctl, enable, --now, whitewire-tuning.service]
  # with configuration, key and secret in /etc/whitewire:
  # - [systemctl, enable, --now, whitewire@main.service]
"""


def tree(context: Context, catalogue: Catalogue) -> dict[str, str]:
    """Text by path below the root of a host, for its profile."""
    steps = planner.steps(context, planner.chosen(context, catalogue))
    name = context.profile.name
    partition = next((step.wanted for step in steps if step.entry.id == "C1"), {})
    services = units.render(name, partition.get("cpuset.cpus", ""))
    services[UDEV] = units.UDEV
    found = {
        SYSCTL: export.sysctl_d(context, steps),
        GRUB_FILE.lstrip("/"): export.grub(context, steps),
        CLOUD: _user_data(name, services, catalogue),
        **services,
        **_tuned(context, steps),
    }
    for entry in catalogue:
        if entry.kind == "dropin":
            folder = "" if entry.id in context.profile.entries else f"{OPTIONAL}/"
            for path, text in _dropin(context, entry).items():
                found[folder + path.lstrip("/")] = text
    return dict(sorted(found.items()))


def _dropin(context: Context, entry: Entry) -> dict[str, str]:
    """The files of an entry, even where this host already has what they bring."""
    try:
        context.demand(entry)
        wanted = context.profile.wanted(entry)
        return {context.fill(path): context.fill(text) for path, text in wanted.items()}
    except Unsupported:
        return {}


def _tuned(context: Context, steps: Sequence[Assessment]) -> dict[str, str]:
    conf = export.tuned(context, steps)
    ids = export.left_by_tuned(steps)
    if not ids:
        return {f"{TUNED}/tuned.conf": conf}
    conf += "\n[script]\nscript=${i:PROFILE_DIR}/script.sh\n"
    script = TUNED_SCRIPT.format(tune=units.TUNE, profile=context.profile.name, ids=" ".join(ids))
    return {f"{TUNED}/tuned.conf": conf, f"{TUNED}/script.sh": script}


def _user_data(profile: str, services: Mapping[str, str], catalogue: Catalogue) -> str:
    text = CLOUD_HEAD.format(profile=profile, home=units.HOME)
    for id in LAUNCH:
        entry = catalogue[id]
        text += f"#   {id} {entry.title}:\n#     {entry.write}\n"
    text += CLOUD_BODY + "write_files:\n"
    for path, content in services.items():
        text += f"  - path: /{path}\n    content: |\n{textwrap.indent(content, ' ' * 6)}"
    return text + CLOUD_END


def show(files: Mapping[str, str]) -> str:
    """All of them, for people."""
    return "\n".join(f"==> {path} <==\n{text}" for path, text in files.items())


def write(files: Mapping[str, str], folder: Path) -> None:
    """Puts them into a folder.

    Raises:
        TuneError: `files-here`, or one cannot be written.
    """
    if folder.resolve() == Path("/"):
        raise TuneError(
            "files-here", "files are not written onto the running host", "tune apply --yes does it"
        )
    for path, text in files.items():
        place = folder / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            if path in EXECUTABLE:
                place.chmod(0o755)
        except OSError as error:
            raise TuneError(
                "files-unwritable", f"{place}: {error.strerror}", "choose another folder"
            ) from error
