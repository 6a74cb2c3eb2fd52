"""Renews what is generated and committed: `python -m tests.tuning.renew`.

Owns: which host the example files are for. Must not know: what is in them. Invariant: what the
tests compare with is what this writes.
"""

from __future__ import annotations

import shutil

from tests.tuning import TUNING
from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tests.tuning.tuner import KNOWN, named
from tunelib import files, manual
from tunelib.context import Context

FILES = TUNING / "files"
README = TUNING / "README.md"
HOST, PROFILE = "amd4", "latency"


def example(host: str = HOST, profile: str = PROFILE) -> dict[str, str]:
    """The files for a fresh host."""
    seen = Context.of(MemoryHost(SPECS[host]), named(profile))
    return files.tree(seen, KNOWN)


def main() -> None:
    """Writes the files and the document."""
    shutil.rmtree(FILES, ignore_errors=True)
    files.write(example(), FILES)
    README.write_text(manual.render(), encoding="utf-8")


if __name__ == "__main__":
    main()
