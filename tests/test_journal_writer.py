"""The writer: group commit, rotation, and what happens when the disk or the process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.journal_rig import fact, placed, start, writer
from whitewire.errors import JournalError, StartupError
from whitewire.journal.lock import Lock
from whitewire.journal.reader import frames, recover, segments
from whitewire.journal.records import Placed


def names(folder: Path) -> list[str]:
    """Client ids of the placements in a journal, in order."""
    return [
        record.client_id
        for _, frame in frames(folder)
        for record in frame.records
        if isinstance(record, Placed)
    ]


def test_what_is_flushed_is_durable_and_in_order(tmp_path: Path) -> None:
    book = writer(tmp_path)
    for i in range(5_000):
        book.append(placed(f"ww-{i}"))
    book.flush()
    assert names(tmp_path) == [f"ww-{i}" for i in range(5_000)]
    assert book.committed == 5_000
    assert book.commits < 100, "commits are shared"
    book.append(placed("ww-last"))
    book.close()
    assert names(tmp_path)[-1] == "ww-last"
    assert recover(tmp_path) == []
    book.close()


def test_a_long_segment_is_followed_by_another(tmp_path: Path) -> None:
    book = writer(tmp_path, 7, segment_bytes=300)
    for i in range(40):
        book.append(placed(f"ww-{i}"))
        book.flush()
    book.close()
    paths = segments(tmp_path)
    assert [path.name for path in paths] == [f"{7:016d}-{i:06d}.journal" for i in range(len(paths))]
    assert len(paths) > 4
    assert max(path.stat().st_size for path in paths) < 500
    assert names(tmp_path) == [f"ww-{i}" for i in range(40)]


def test_a_segment_is_never_written_over(tmp_path: Path) -> None:
    writer(tmp_path, 7).close()
    with pytest.raises(JournalError, match="File exists"):
        writer(tmp_path, 7)


def test_a_full_queue_is_a_breach_and_nothing_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, breaches = threading.Event(), []
    monkeypatch.setattr(os, "fdatasync", lambda file: stuck.wait(10))
    stuck.set()
    book = writer(tmp_path, queue_limit=100, on_breach=breaches.append)
    stuck.clear()
    for i in range(3_000):  # one commit takes some along into the disk that does not answer
        book.append(placed(f"ww-{i}"))
    assert breaches == ["100 records wait for the disk"]
    with pytest.raises(JournalError, match="wait for the disk"):
        book.flush(0.05)
    stuck.set()
    book.close()


def test_a_disk_that_does_not_answer_ends_a_flush(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = writer(tmp_path)
    stuck = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda file: stuck.wait(10))
    book.append(placed())
    with pytest.raises(JournalError, match=r"did not take the journal within 0\.05 s"):
        book.flush(0.05)
    stuck.set()
    book.close()


@pytest.mark.parametrize("what", ["write", "fdatasync", "open"])
def test_a_disk_error_is_a_breach_and_ends_the_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    breaches: list[str] = []
    book = writer(tmp_path, on_breach=breaches.append, segment_bytes=1)
    book.append(placed("ww-sound"))
    book.flush()

    def fail(*_: object, **__: object) -> int:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, what, fail)
        book.append(placed("ww-lost"))
        with pytest.raises(JournalError, match="Input/output error"):
            book.flush()
    assert breaches == ["the disk refused the journal: Input/output error"]
    book.append(placed("ww-late"))  # harmless, and never written
    book.close()
    recover(tmp_path)
    assert "ww-late" not in names(tmp_path)
    assert names(tmp_path)[0] == "ww-sound"


# ---- the end of the process -----------------------------------------------------------------

LOOP = """
import sys
from pathlib import Path
from tests.journal_rig import placed, writer

book = writer(Path(sys.argv[1]), int(sys.argv[2]), segment_bytes=20_000)
number = 0
while True:
    for _ in range(7):
        book.append(placed(f"ww-{sys.argv[2]}-{number}"))
        number += 1
    book.flush()
    print(number, flush=True)
"""
FULL = """
import resource, signal, sys
from pathlib import Path
from tests.journal_rig import placed, writer
from whitewire.errors import JournalError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
breaches = []
book = writer(Path(sys.argv[1]), on_breach=breaches.append)
number = 0
try:
    while True:
        book.append(placed(f"ww-{number}"))
        book.flush()
        number += 1
except JournalError as error:
    print(number, len(breaches), error)
"""


def child(program: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A Python process beside the tests."""
    root = Path(__file__).parent.parent
    path = os.pathsep.join([str(root), str(root / "python")])
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path} | environment,
    )


def test_after_kill_9_every_acknowledged_commit_is_there_once(tmp_path: Path) -> None:
    acknowledged: dict[int, int] = {}
    for session, commits in enumerate((1, 40, 200), 1):
        with child(LOOP, str(tmp_path), str(session)) as process:
            assert process.stdout is not None
            for _ in range(commits):
                acknowledged[session] = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            rest, _ = process.communicate()
        acknowledged[session] = max([acknowledged[session], *map(int, rest.split())])
        recover(tmp_path)
        for number, count in acknowledged.items():
            mine = [name for name in names(tmp_path) if name.startswith(f"ww-{number}-")]
            assert mine == [f"ww-{number}-{i}" for i in range(len(mine))]
            assert len(mine) >= count


@pytest.mark.parametrize("point", ["in_commit:9", "in_rotation"])
def test_a_death_within_a_commit_leaves_what_was_acknowledged(tmp_path: Path, point: str) -> None:
    with child(LOOP, str(tmp_path), "1", WHITEWIRE_FAILPOINT=point) as process:
        told, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, errors
    torn = recover(tmp_path)
    assert len(torn) == 1
    assert names(tmp_path) == [f"ww-1-{i}" for i in range(int(told.split()[-1]))]


def test_a_full_disk_is_a_breach_and_what_was_acknowledged_stays(tmp_path: Path) -> None:
    with child(FULL, str(tmp_path)) as process:
        told, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    acknowledged, breaches, reason = told.split(maxsplit=2)
    assert breaches == "1"
    assert "File too large" in reason
    (torn,) = recover(tmp_path)
    assert torn.size > 0
    assert names(tmp_path) == [f"ww-{i}" for i in range(int(acknowledged))]


# ---- the lock -------------------------------------------------------------------------------


def test_a_second_process_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    with pytest.raises(StartupError, match=f"by process {os.getpid()} ") as caught:
        Lock(tmp_path / "lock")
    assert caught.value.code == "already-running"
    lock.release()
    lock.release()
    Lock(tmp_path / "lock").release()


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from whitewire.journal.lock import Lock\n"
        "lock = Lock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    path = tmp_path / "lock"
    with child(program, str(path)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StartupError, match=f"by process {process.pid} "):
            Lock(path)
        process.kill()
        process.communicate()
    Lock(path).release()


def test_a_lock_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="No such file or directory; choose another"):
        Lock(tmp_path / "none" / "lock")


def test_the_records_of_a_session_are_as_small_as_they_look(tmp_path: Path) -> None:
    book = writer(tmp_path)
    for i in range(1_000):
        book.append(placed(f"ww-{i:030d}"))
        book.append(fact(f"ww-{i:030d}"))
    book.append(start(1))
    book.close()
    assert segments(tmp_path)[0].stat().st_size / 2_001 < 110
