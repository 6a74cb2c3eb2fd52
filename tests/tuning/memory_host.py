"""A host in memory, for the tests that need thousands of them.

Owns: files as a dictionary, and a crash at the n-th change. Must not know: tuning. Invariant: it
behaves as a rooted host does.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import re
from collections.abc import Iterator, Sequence

from tests.tuning.hosts import Spec, files
from tests.tuning.machine import COMMANDS, Machine
from tunelib.host import COMMAND_TIMEOUT_S, Host, Result
from tunelib.rooted import CGROUPS, GROUP_FILES, as_kernel


class Crash(BaseException):
    """The power went out."""


class MemoryHost(Host):
    """Files by path.

    Attributes:
        files: the host.
        folders: empty ones, and those that were made.
        changes: how many there were.
        crash_at: number of the change that does not happen any more.
        refusals: error number by path of a file that the kernel refuses to be written.
    """

    root = "(memory)"

    def __init__(self, spec: Spec) -> None:
        everything = files(spec)
        self.files = {path: text for path, text in everything.items() if text[:2] != "->"}
        self._links = {path: text[2:] for path, text in everything.items() if text[:2] == "->"}
        self.folders: set[str] = set()
        self.changes = 0
        self.crash_at: int | None = None
        self.refusals: dict[str, int] = {}

    def snapshot(self) -> dict[str, str]:
        """Everything but our own state and the programs' log."""
        kept = {path: text for path, text in self.files.items() if "/whitewire/tuning" not in path}
        kept["/machine.json"] = re.sub(r'"log": \[.*\]', "", kept["/machine.json"])
        numbered = {}
        for path, text in kept.items():  # interrupts are themselves by name, not by number
            if path.endswith("/effective_affinity_list"):
                continue  # follows from the other
            match = re.match(r"/(?:proc|sys/kernel)/irq/(\d+)/(.*)", path)
            name = kept.get(f"/sys/kernel/irq/{match[1]}/actions", "") if match else ""
            numbered[f"irq {name.strip()} {match[2]}" if match else path] = text
        folders = {folder: "" for folder in self.folders if "/var/lib/whitewire" not in folder}
        return numbered | folders

    def _change(self) -> None:
        self.changes += 1
        if self.changes == self.crash_at:
            raise Crash

    def _follow(self, path: str) -> str:
        for link, target in self._links.items():
            if path == link or path.startswith(f"{link}/"):
                return self._follow(target + path[len(link) :])
        return path

    def read(self, path: str) -> str | None:
        return self.files.get(self._follow(path))

    def write(self, path: str, text: str) -> None:
        place = self._follow(path)
        if path in self.refusals:
            raise OSError(self.refusals[path], "refused")
        if place not in self.files:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        self._change()
        self.files[place] = as_kernel(place, self.files[place], text)

    def put(self, path: str, text: str) -> None:
        """Makes a file, as a driver does."""
        self.files[path] = text

    def drop(self, path: str) -> None:
        """Removes one, as a driver does."""
        del self.files[path]

    def replace(self, path: str, text: str, mode: int = 0o644) -> None:
        assert self.is_folder(path.rsplit("/", 1)[0]), path
        self._change()
        self.files[path] = text

    def remove(self, path: str) -> None:
        self._change()
        del self.files[path]

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        self._change()
        if not self.is_folder(path):
            self.folders.add(path)
            if path.startswith(CGROUPS):
                for name, text in GROUP_FILES.items():
                    self.files[f"{path}/{name}"] = text

    def remove_folder(self, path: str) -> None:
        self._change()
        if path.startswith(CGROUPS):
            for name in GROUP_FILES:
                del self.files[f"{path}/{name}"]
        if any(file.startswith(f"{path}/") for file in self.files):
            raise OSError(errno.ENOTEMPTY, "not empty")
        self.folders.remove(path)

    def is_folder(self, path: str) -> bool:
        head = f"{self._follow(path.rstrip('/'))}/"
        return head[:-1] in self.folders or any(file.startswith(head) for file in self.files)

    def exists(self, path: str) -> bool:
        return self._follow(path) in self.files or self.is_folder(path)

    def glob(self, pattern: str) -> list[str]:
        depth = pattern.count("/")
        start = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
        found = set()
        for path in (*self.files, *self._links, *self.folders):
            if not path.startswith(start):
                continue
            cut = "/".join(path.split("/")[: depth + 1])
            is_deep = cut.count("/") == depth
            if is_deep and _matches(cut, pattern):
                found.add(cut)
        return sorted(found)

    def resolve(self, path: str) -> str:
        return self._follow(path)

    def link(self, path: str) -> str:
        return self._links.get(path, "")

    @contextlib.contextmanager
    def lock(self, path: str) -> Iterator[None]:
        yield

    def has_command(self, name: str) -> bool:
        return name in COMMANDS

    def run(self, command: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        is_question = (command[0] == "ethtool" and command[1].islower()) or command[1:2] in (
            ["show"],
            ["is-active"],
        )
        if not is_question:
            self._change()
        return Machine(self, self.put, self.drop).run(command)

    def metadata(self, path: str) -> str | None:
        text = self.read(f"/metadata/{path}")
        return text.strip() if text else None

    def may_write(self) -> bool:
        return True


def _matches(path: str, pattern: str) -> bool:
    """Part by part: a star stops at a slash."""
    return all(
        fnmatch.fnmatchcase(part, wanted)
        for part, wanted in zip(path.split("/"), pattern.split("/"), strict=True)
    )
