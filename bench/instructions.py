"""`python -m bench.instructions [--update]`: the instructions of each hot job, held to a baseline.

Owns: the inputs of the driver, counting under valgrind, the comparison. Must not know: what a job
does. Invariant: a count is compared only with one of the same compiler; another compiler's is
reported and judged by nobody.

Time on a shared machine says little about one per cent; instructions repeat exactly. valgrind
offers no AVX-512, so the core chooses its AVX2 kernels there; the others are for `bench.micro`.

Exit codes: 0 every job within a hundredth of its baseline, or a baseline of another compiler;
1 a job is not, in whichever direction; 2 something is missing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.micro.measure import CannotMeasureError
from bench.micro.native import build
from bench.micro.private import private_frames, responses
from bench.micro.stream import depth_frames, ticker_frames

__all__ = ["BASELINE", "TOLERANCE", "count", "drift", "main", "toolchain"]

BASELINE = Path(__file__).with_name("instructions.json")
TOLERANCE = 0.01
_JOB = "job_"


def toolchain() -> str:
    """The compiler, which decides how many instructions a job has.

    Raises:
        CannotMeasureError: there is none.
    """
    try:
        done = subprocess.run(["rustc", "-V"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotMeasureError(
            "rustc is missing; install Rust with rustup (rustup.rs)"
        ) from error
    return done.stdout.strip()


def _inputs() -> bytes:
    groups = (depth_frames(deltas=400), ticker_frames(400), private_frames(400), responses(200))
    parts = []
    for group in groups:
        parts.append(struct.pack(f"<{1 + len(group)}I", len(group), *map(len, group)))
        parts.extend(group)
    return b"".join(parts)


def _inclusive(profile: Path) -> dict[str, int]:
    """Instructions by job, with those of all that it calls.

    In a profile a function's own lines and, behind each `calls=`, those of what it called, are
    lines of two numbers: a place and a cost.
    """
    found: dict[str, int] = {}
    job = ""
    for line in profile.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("fn="):
            name = line[3:]
            job = name.removeprefix(_JOB) if name.startswith(_JOB) else ""
        elif job and line[:1].isdigit():
            found[job] = found.get(job, 0) + int(line.split()[1])
    return found


def count() -> dict[str, int]:
    """Builds the driver, runs it once under callgrind; instructions by job.

    Raises:
        CannotMeasureError: valgrind or cargo is missing, or the driver failed.
    """
    if shutil.which("valgrind") is None:
        raise CannotMeasureError(
            "valgrind is missing; install your distribution's package valgrind"
        )
    driver = build("instructions")
    with tempfile.TemporaryDirectory() as scratch:
        inputs, profile = Path(scratch) / "inputs", Path(scratch) / "profile"
        inputs.write_bytes(_inputs())
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}"]
        command += ["--compress-strings=no", "--compress-pos=no", str(driver), str(inputs)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CannotMeasureError(f"the driver failed under valgrind:\n{done.stderr}")
        return _inclusive(profile)


def drift(found: Mapping[str, int], wanted: Mapping[str, int]) -> dict[str, float]:
    """By how much each job's count differs from its baseline; infinite where either is missing."""
    names = sorted(found.keys() | wanted.keys())
    return {
        name: found[name] / wanted[name] - 1 if name in found and name in wanted else float("inf")
        for name in names
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.instructions", description=__doc__)
    parser.add_argument("--update", action="store_true", help="make what is counted the baseline")
    arguments = parser.parse_args(argv)
    try:
        compiler, found = toolchain(), count()
    except CannotMeasureError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    if arguments.update:
        document = {"compiler": compiler, "instructions": found}
        BASELINE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    drifts = drift(found, baseline["instructions"])
    for name, part in drifts.items():
        print(f"{name:<10} {found.get(name, 0):>12,} instructions  {part:+8.2%}")
    if compiler != baseline["compiler"]:
        print(f"not judged: the baseline is of {baseline['compiler']}, this is {compiler}")
        return 0
    # a hundredth itself is within, and dividing may make a little more of it
    far = [name for name, part in drifts.items() if abs(part) > TOLERANCE + 1e-9]
    if far:
        advice = "find out why, then python -m bench.instructions --update"
        print(f"more than {TOLERANCE:.0%} from the baseline: {', '.join(far)}; {advice}")
    return 1 if far else 0


if __name__ == "__main__":
    raise SystemExit(main())
