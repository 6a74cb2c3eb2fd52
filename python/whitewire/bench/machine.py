"""The machine and the command of a run, for whoever reads its figures later.

Owns: what is said about them. Must not know: the run. Invariant: nothing secret is said, so no
environment and no credentials.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from whitewire._core import __version__

__all__ = ["facts"]


def facts() -> dict[str, str]:
    """What the figures depend on, by name."""
    usable = len(os.sched_getaffinity(0))
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": shlex.join(["whitewire", *sys.argv[1:]]),
        "whitewire": __version__,
        "processor": f"{_processor()}, {usable} usable CPUs",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}, "
        f"uvloop {version('uvloop')}, aiofastnet {version('aiofastnet')}",
    }


def _processor() -> str:
    """The model's name; aarch64 kernels do not tell."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or "processor unknown"
