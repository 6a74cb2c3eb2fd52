"""`tuning/README.md`, rendered from the catalogue, the profiles and the layout of CPUs.

Owns: the form of its tables. Must not know: this host. Invariant: every entry is in it once, with
all its fields; prose is in `catalogue/guide.txt`, facts come from where the tool takes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from tunelib import catalogue, cpulist, files, layout, profile, units
from tunelib.catalogue import Catalogue, Entry
from tunelib.topology import Core, Topology

GUIDE = catalogue.FOLDER / "guide.txt"
HEAD = "<!-- Rendered by `tuning/tune docs` from catalogue/ and profiles/. Change those. -->\n\n"
TIERS = {
    "T0": ("Tier 0: safe on any host", "In profile base, or reported, or done by the gateway."),
    "T1": ("Tier 1: latency", "In profile latency; undone at run time, or at the next boot."),
    "T2": (
        "Tier 2: only with a result of `bench`",
        "Takes a reboot or a core, or can hurt. Keep what wins on your host, revert the rest.",
    ),
    "X": (
        "Never",
        "Found in popular playbooks. `check` reports some of them; the tool does none.",
    ),
}
# What an unmet condition of `requires` is about, in words; {} is its value.
CONDITIONS = {
    "active": "{} runs",
    "cgroup2": "cgroup v2 with cpusets",
    "clocksource": "the kernel offers {}",
    "command": "{}",
    "config": "kernel with {}",
    "cpus": "{} CPUs, two cores",
    "deep-idle": "sleep states below C1",
    "driver": "driver {}",
    "ec2": "EC2",
    "ena": "ena {}",
    "intel-idle": "intel_idle",
    "kernel": "Linux {}",
    "nic": "a card",
    "no-ntuple": "the card cannot steer",
    "not-management": "a card without ssh",
    "ntuple": "the card can steer",
    "queues": "queues {}",
    "room": "a CPU for the gateway's other threads",
    "swap": "swap",
}
# A cell that starts with one of these is a command.
COMMANDS = "aws awk cat chronyc chrt echo ethtool grep hwstamp_ctl ip lscpu ss swapon sysctl"
COMMAND = re.compile(rf"(?:{'|'.join([*COMMANDS.split(), 'systemctl', 'tc', 'whitewire'])})\b")
# What many entries say alike; the guide explains the short form.
SHORT = {
    "the same as elsewhere": "–",
    "nothing to undo": "–",
    "what apply found, from the state file": "as found",
}
HOSTS = (
    ("4 cores (AMD, Graviton)", 4, 1),
    ("2 cores, 4 threads (Intel)", 2, 2),
    ("8 cores", 8, 1),
    ("8 cores, 16 threads", 8, 2),
    ("2 vCPUs", 2, 1),
)


def render() -> str:
    """The whole document."""
    known = catalogue.load()
    parts: Mapping[str, Callable[[], str]] = {
        "layouts": layouts,
        "profiles": lambda: profiles(known),
        "tiers": lambda: "\n\n".join(tier(known, name) for name in TIERS),
        "files": other_files,
        "configuration": configuration,
        "sources": lambda: sources(known),
    }
    guide = GUIDE.read_text(encoding="utf-8")
    return HEAD + re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]](), guide)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def text(said: str) -> str:
    """Words for a cell."""
    return SHORT.get(said, said).replace("|", "\\|").replace("*", "\\*")


def command(said: str) -> str:
    """A command for a cell, or words where it is none."""
    if COMMAND.match(said) and not re.search(r"[;,] | and | in | lists | while ", said):
        return f"`{said}`".replace("|", "\\|")
    return text(said)


# ---- layouts and profiles -------------------------------------------------------------------


def _host(cores: int, threads: int) -> Topology:
    """A host with siblings numbered as on EC2."""
    found = tuple(
        Core(tuple(core + cores * thread for thread in range(threads)), 0) for core in range(cores)
    )
    return Topology(found, (), layout.EPOLL_BUSY_POLL, "", "", "", "")


def layouts() -> str:
    """Roles of CPUs on hosts of some sizes."""
    rows = []
    for name, cores, threads in HOSTS:
        host = _host(cores, threads)
        done = []
        for receive, irq in (("busy_poll", "fused"), ("spin", "split")):
            plan = layout.plan(host, receive, irq)
            one = [
                cpulist.format_list(plan.housekeeping), str(plan.nic), _cpu(plan.hot),
                _cpu(plan.strategy), cpulist.format_list(plan.idle) or "–", plan.receive,
            ]  # fmt: skip
            if one not in done:
                done.append(one)
                kind = irq if len(host.cpus) > 2 and plan.layout != "B" else "–"
                rows.append([name, plan.layout, kind, *one])
    head = ("host", "layout", "card", "housekeeping", "card's interrupt", "hot thread")
    return table((*head, "strategy", "idle siblings", "receive"), rows)


def _cpu(cpu: int | None) -> str:
    return "–" if cpu is None else str(cpu)


def profiles(known: Catalogue) -> str:
    """Each profile with what it adds."""
    rows = []
    for name in profile.names():
        found = profile.load(name, known)
        raw = json.loads((profile.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        parent = raw["extends"]
        added = ", ".join(sorted(raw["entries"], key=list(known.entries).index))
        left_out = f"; without {', '.join(raw['without'])}" if raw["without"] else ""
        base = f"{parent} and " if parent else ""
        rows.append([f"`{name}`", found.summary, found.receive, found.irq, base + added + left_out])
    rows.sort(key=lambda row: len(profile.load(row[0].strip("`"), known).entries))
    return table(("profile", "what it is", "receive", "card", "entries"), rows)


# ---- entries --------------------------------------------------------------------------------


def tier(known: Catalogue, name: str) -> str:
    """The entries of a tier: what and why, then how."""
    title, about = TIERS[name]
    entries = [entry for entry in known if entry.tier == name]
    out = f"## {title}\n\n{about}"
    if name == "X":
        rows = [
            [entry.id, text(entry.title), text(entry.risk), _sources(entry)] for entry in entries
        ]
        return f"{out}\n\n" + table(("id", "what", "why not", "source"), rows)
    for group, heading in known.groups.items():
        chosen = [entry for entry in entries if entry.group == group]
        if chosen:
            why = [
                [entry.id, text(entry.title), who(entry), text(entry.why), text(entry.risk),
                 text(entry.four)]
                for entry in chosen
            ]  # fmt: skip
            how = [
                [entry.id, command(entry.read), command(entry.write), command(entry.revert),
                 requires(entry), _sources(entry)]
                for entry in chosen
            ]  # fmt: skip
            out += f"\n\n### {heading}\n\n"
            out += table(("id", "setting", "by", "why", "risk", "on 4 vCPUs"), why)
            out += "\n\n" + table(("id", "read", "set", "revert", "needs", "source"), how)
    return out


def who(entry: Entry) -> str:
    """Who does it."""
    if entry.changes:
        return {"none": "tune", "blip": "tune, traffic stops for a moment"}.get(
            entry.disruption, "tune, from the next boot"
        )
    return "the gateway" if entry.kind == "app" else "you; reported"


def requires(entry: Entry) -> str:
    """Conditions in words."""
    said = []
    for condition in entry.requires:
        match = re.fullmatch(r"([a-z0-9-]+)=?(.*)", condition)
        name, value = (match[1], match[2]) if match else (condition, "")
        said.append(CONDITIONS[name].format(value))
    return ", ".join(said) or "–"


def _sources(entry: Entry) -> str:
    return ", ".join(entry.sources)


# ---- the rest -------------------------------------------------------------------------------


def other_files() -> str:
    """What `tune files` renders."""
    folder = units.FOLDER
    rows = [
        (f"{folder}/whitewire-tuning.service", "applies the profile at boot; a stop reverts it"),
        (f"{folder}/whitewire@.service", "a gateway: notify, watchdog, credentials, journal"),
        (f"{folder}/whitewire-watchdog@.service", "presses the red button when it falls silent"),
        (f"{folder}/whitewire-cancel-all@.service", "the red button"),
        (f"{folder}/whitewire.slice", "the CPUs of the partition"),
        (files.UDEV, "applies again when a card comes back"),
        (f"{folder}/irqbalance.service.d/60-whitewire.conf", "I2"),
        ("etc/whitewire/irqbalance.env", "I2"),
        ("etc/chrony/conf.d/60-whitewire.conf", "T1"),
        (files.SYSCTL, "every sysctl of the profile"),
        (
            "etc/default/grub.d/90-whitewire.cfg",
            "what it adds to the kernel's command line",
        ),
        (
            "etc/tuned/whitewire/tuned.conf",
            "for TuneD, with `script.sh` for what TuneD cannot",
        ),
        ("optional/etc/", "files of entries that the profile leaves out"),
        (files.CLOUD, "cloud-init of a launch template, with the units in it"),
    ]
    return table(("file", "for"), [(f"`files/{path}`", said) for path, said in rows])


def configuration() -> str:
    """What the gateway's configuration needs under systemd."""
    return (
        '[account]\nkey_credential = "key"\nsecret_credential = "secret"\n\n'
        '[journal]\npath = "/var/lib/whitewire/main"\n\n'
        "[process]   # as tuning/tune topology --format whitewire prints it"
    )


def sources(known: Catalogue) -> str:
    """What the keys stand for."""
    return table(("key", "source"), [(key, text(said)) for key, said in known.sources.items()])
