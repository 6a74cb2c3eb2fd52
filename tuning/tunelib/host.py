"""The host that is read and changed.

Owns: every file access and every command of this package. Must not know: what they mean.
Invariant: a file that must outlive a crash is whole or as it was; a program gets no input and has
a time by which it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tunelib.errors import TuneError, Unsupported

METADATA = "http://169.254.169.254/latest"
METADATA_TIMEOUT_S = 0.3
COMMAND_TIMEOUT_S = 30


class Result(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str


class Host:
    """Files and commands of this machine."""

    root = "/"

    # ---- files ------------------------------------------------------------------------------

    def _at(self, path: str) -> str:
        """Where a path of the host is found."""
        return path

    def read(self, path: str) -> str | None:
        """The text of a file; None where there is none.

        Raises:
            Unsupported: it is there and cannot be read, with the reason.
        """
        try:
            with open(
                self._at(path), encoding="utf-8", errors="surrogateescape", newline=""
            ) as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Unsupported(f"{path} cannot be read: {error.strerror}") from error

    def write(self, path: str, text: str) -> None:
        """Writes into a file of the kernel, in one piece.

        Raises:
            OSError: the kernel refuses.
        """
        handle = os.open(self._at(path), os.O_WRONLY)
        try:
            os.write(handle, f"{text}\n".encode())
        finally:
            os.close(handle)

    def replace(self, path: str, text: str, mode: int = 0o644) -> None:
        """Makes a file durable under its name, whole or not at all; an existing mode stays."""
        place = self._at(path)
        with contextlib.suppress(FileNotFoundError):
            mode = os.stat(place).st_mode & 0o7777
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(place), prefix=".whitewire-")
        try:
            with open(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
                os.fchmod(file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, place)
        except BaseException:
            os.unlink(temporary)
            raise
        self._sync_folder(os.path.dirname(place))

    def remove(self, path: str) -> None:
        """Removes a file, durably."""
        os.unlink(self._at(path))
        self._sync_folder(os.path.dirname(self._at(path)))

    @staticmethod
    def _sync_folder(folder: str) -> None:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        """Makes one folder; it may be there."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(self._at(path), mode)

    def remove_folder(self, path: str) -> None:
        """Removes an empty folder.

        Raises:
            OSError: it is not empty.
        """
        os.rmdir(self._at(path))

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return os.path.exists(self._at(path))

    def is_folder(self, path: str) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(self._at(path))

    def glob(self, pattern: str) -> list[str]:
        """Paths that match, in order."""
        return sorted(glob.glob(pattern))

    def resolve(self, path: str) -> str:
        """The path without links, as the host sees it."""
        return os.path.realpath(path)

    def link(self, path: str) -> str:
        """Where a link points; empty where there is none."""
        try:
            return os.readlink(self._at(path))
        except OSError:
            return ""

    @contextlib.contextmanager
    def lock(self, path: str) -> Iterator[None]:
        """Holds a lock file, after those who hold it now."""
        handle = os.open(self._at(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    # ---- commands ---------------------------------------------------------------------------

    def has_command(self, name: str) -> bool:
        """Whether a program can be run here."""
        return shutil.which(name, path=_search_path()) is not None

    def run(self, command: Sequence[str], timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        """Runs a program.

        Raises:
            Unsupported: there is no such program here, or it does not end.
        """
        return run_program(command, dict(os.environ, LC_ALL="C", PATH=_search_path()), timeout_s)

    # ---- facts ------------------------------------------------------------------------------

    def metadata(self, path: str) -> str | None:
        """A word of the instance's metadata (IMDSv2); None where there is none."""
        token = _fetch(f"{METADATA}/api/token", "PUT", {"ttl": "60"})
        return token and _fetch(f"{METADATA}/meta-data/{path}", "GET", {"": token})

    def boot_id(self) -> str:
        """Differs from boot to boot."""
        return (self.read("/proc/sys/kernel/random/boot_id") or "unknown").strip()

    def may_write(self) -> bool:
        """Whether this user can change the host."""
        return os.geteuid() == 0

    def demand_linux(self) -> None:
        """Refuses to judge what is not Linux.

        Raises:
            TuneError: `not-linux`.
        """
        if not self.exists("/proc/version") or not self.exists("/sys/devices/system/cpu"):
            raise TuneError(
                "not-linux",
                f"{self.root} has no /proc/version or no /sys/devices/system/cpu",
                "run it on the Linux host itself",
            )


def run_program(command: Sequence[str], environment: Mapping[str, str], timeout_s: float) -> Result:
    """Runs a program to its end.

    Raises:
        Unsupported: there is no such program, or it does not end.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=timeout_s,
            check=False,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise Unsupported(f"{os.path.basename(command[0])} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise Unsupported(f"{' '.join(command)} did not end within {timeout_s} s") from error
    out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    return Result(done.returncode, out, err)


def _search_path() -> str:
    """Programs of administrators too: an ordinary user's path often lacks them."""
    return f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"


def _fetch(url: str, method: str, words: Mapping[str, str]) -> str | None:
    names = {"ttl": "X-aws-ec2-metadata-token-ttl-seconds", "": "X-aws-ec2-metadata-token"}
    headers = {names[word]: value for word, value in words.items()}
    request = urllib.request.Request(url, method=method, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=METADATA_TIMEOUT_S) as answer:
            return str(answer.read().decode("utf-8", "replace")).strip()
    except OSError:
        return None  # not on EC2, or metadata is switched off
