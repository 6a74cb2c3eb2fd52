"""The native programs: `bench/tick/native`, built on demand, and a C floor where somebody has one.

Owns: building. Must not know: what the programs do. Invariant: what runs was built from the sources
as they are now, optimised; nothing is written into the folder of a C floor.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from bench.micro.measure import CannotMeasureError

__all__ = ["Programs", "build", "build_c_floor"]

_MANIFEST = Path(__file__).parent / "native" / "Cargo.toml"
_C_FLOOR = Path("05_t2t", "t2t_c.c")
_COMPILE = ("gcc", "-O3", "-march=native", "-w")
_LINK = ("-lssl", "-Wl,-Bstatic", "-lcrypto", "-Wl,-Bdynamic", "-ldl", "-lpthread")

Programs = dict[str, Path]


def build(manifest: Path = _MANIFEST) -> Programs:
    """Builds where sources changed (cargo decides, and talks on stderr); the programs by name.

    Raises:
        CannotMeasureError: cargo is missing or failed.
    """
    command = ["cargo", "build", "--release", "--bins", "--manifest-path", str(manifest)]
    command.append("--message-format=json-render-diagnostics")
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    except FileNotFoundError as error:
        raise CannotMeasureError(
            "cargo is missing; install Rust with rustup (rustup.rs)"
        ) from error
    if done.returncode != 0:
        raise CannotMeasureError(f"cargo could not build {manifest.parent}; see above")
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return {m["target"]["name"]: Path(m["executable"]) for m in messages if m.get("executable")}


def build_c_floor(scratch: Path) -> Path | None:
    """The C client of the folder that `WHITEWIRE_FLOOR` names; None where it names none.

    Raises:
        CannotMeasureError: it does not compile here, for instance without AVX-512.
    """
    folder = os.environ.get("WHITEWIRE_FLOOR")
    if not folder:
        return None
    program = scratch / "c_floor"
    command = [*_COMPILE, "-o", str(program), str(Path(folder) / _C_FLOOR), *_LINK]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CannotMeasureError("gcc is missing, which builds the C floor") from error
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise CannotMeasureError(f"the C floor {_C_FLOOR} does not compile: {reason}")
    return program
