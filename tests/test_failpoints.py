"""Kill points do nothing without the variable, and kill where they should with it."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests import source_tree as source
from tests.test_journal_writer import child
from whitewire.journal import failpoints

PROGRAM = (
    "from whitewire.journal.failpoints import hit\n"
    "for i in range(5): print(i, flush=True); hit('after_ack')"
)


@pytest.mark.parametrize(
    ("value", "passed"),
    [("", 5), ("after_send", 5), ("after_ack", 1), ("after_ack:3", 3), ("after_ack:9", 5)],
)
def test_the_chosen_passage_is_the_last(value: str, passed: int) -> None:
    process: subprocess.Popen[str]
    with child(PROGRAM, WHITEWIRE_FAILPOINT=value) as process:
        told, _ = process.communicate(timeout=30)
    assert len(told.split()) == passed
    assert process.returncode == (0 if passed == 5 else -signal.SIGKILL)


def test_every_point_is_somewhere_and_guarded() -> None:
    text = {path: source.text(path) for path in source.modules().values()}
    everything = "".join(t for path, t in text.items() if path.name != "failpoints.py")
    for point in failpoints.POINTS:
        assert everything.count(f'"{point}"') == 1, point
    for path, program in text.items():
        if path.name == "failpoints.py":
            continue
        lines = program.splitlines()
        for number, line in enumerate(lines):
            if 'hit("' in line or "(hit, " in line:
                near = "\n".join(lines[max(0, number - 5) : number])
                assert "if FAILPOINT" in near, f"{source.relative(path)}:{number + 1}"
