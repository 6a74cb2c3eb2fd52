"""A folder that looks like a host: a fake one of the tests, or one recorded by a snapshot.

Owns: paths below a root, and there the few ways in which the kernel's files are not plain files.
Must not know: this machine. Invariant: nothing of this machine is read or changed; commands come
from `ROOT/shim` or from the record of a snapshot.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Mapping, Sequence

from tunelib.host import COMMAND_TIMEOUT_S, Host, Result, run_program

# Where the fake programs below a root find it.
ROOT_VARIABLE = "WHITEWIRE_TUNE_ROOT"
RECORDED = "/commands.json"
CGROUPS = "/sys/fs/cgroup/"
# What the kernel puts into a new group.
GROUP_FILES = {"cpuset.cpus": "\n", "cpuset.cpus.partition": "member\n"}


def as_kernel(path: str, before: str, text: str) -> str:
    """What a file of the kernel shows after a text was written into it."""
    if path.endswith("cgroup.subtree_control"):
        words = before.split()
        name = text[1:]
        kept = [word for word in words if word != name] + ([name] if text[0] == "+" else [])
        return " ".join(kept) + "\n"
    if re.search(r"\[\w+\]", before) and text in re.findall(r"\w+", before):
        words = [word.strip("[]") for word in before.split()]
        return " ".join(f"[{word}]" if word == text else word for word in words) + "\n"
    return f"{text}\n"


class RootedHost(Host):
    """Files and commands below a root.

    Args:
        root: the folder.
    """

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self._recorded: Mapping[str, Sequence[str]] | None = None

    def _at(self, path: str) -> str:
        return os.path.join(self.root, path.lstrip("/"))

    def write(self, path: str, text: str) -> None:
        """Writes as into a file of the kernel: it must be there."""
        with open(self._at(path), encoding="utf-8") as file:
            before = file.read()
        with open(self._at(path), "w", encoding="utf-8") as file:
            file.write(as_kernel(path, before, text))

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        """Makes a folder; a control group comes with its files."""
        is_new = not self.exists(path)
        super().make_folder(path, mode)
        if is_new and path.startswith(CGROUPS):
            for name, text in GROUP_FILES.items():
                with open(self._at(f"{path}/{name}"), "w", encoding="utf-8") as file:
                    file.write(text)

    def remove_folder(self, path: str) -> None:
        """Removes an empty folder; a control group goes with its files."""
        if path.startswith(CGROUPS):
            for name in GROUP_FILES:
                os.unlink(self._at(f"{path}/{name}"))
        super().remove_folder(path)

    def glob(self, pattern: str) -> list[str]:
        """Paths that match, in order."""
        return sorted(path[len(self.root) :] for path in glob.glob(self._at(pattern)))

    def resolve(self, path: str) -> str:
        """The path without links, as the host sees it."""
        return os.path.realpath(self._at(path))[len(self.root) :]

    def has_command(self, name: str) -> bool:
        """Whether a program is there, or was recorded."""
        is_recorded = any(line.split()[0] == name for line in self._record())
        return is_recorded or os.access(self._at(f"/shim/{name}"), os.X_OK)

    def run(self, command: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        """What was recorded of a command, or a program below the root."""
        line = " ".join(command)
        if line in self._record():
            code, out, err = self._record()[line]
            return Result(int(code), out, err)
        environment = dict(os.environ, LC_ALL="C")
        environment[ROOT_VARIABLE] = self.root
        return run_program([self._at(f"/shim/{command[0]}"), *command[1:]], environment, timeout_s)

    def _record(self) -> Mapping[str, Sequence[str]]:
        if self._recorded is None:
            text = self.read(RECORDED)
            self._recorded = json.loads(text) if text else {}
        return self._recorded

    def metadata(self, path: str) -> str | None:
        """A word of the instance's metadata, from `ROOT/metadata`."""
        text = self.read(f"/metadata/{path}")
        return text.strip() if text else None

    def may_write(self) -> bool:
        """A folder may be written by whoever made it."""
        return os.access(self.root, os.W_OK)
