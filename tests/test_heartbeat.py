"""The heartbeat: what a look means, the page in memory, the process behind it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway_rig import LIMITS
from whitewire.config import Config, VenueConfig, WatchdogConfig
from whitewire.errors import ConfigError, StartupError
from whitewire.protocol.heartbeat import (
    SIZE,
    Beat,
    BeatState,
    Verdict,
    Watch,
    Word,
    pack,
    unpack,
)
from whitewire.transport import heartbeat
from whitewire.transport.heartbeat import HeartbeatReader, HeartbeatWriter, heartbeat_path

MS = 1_000_000
BOOT, OTHER = b"b" * 16, b"o" * 16
FIRST = Beat(10, 20, 30, BOOT, "s1", 1, BeatState.ACTIVE, 4)


def watch(now_ns: int = 0, beat: Beat | None = FIRST) -> Watch:
    """One that has looked once."""
    new = Watch(BOOT, 250 * MS, 1_000 * MS)
    new.look(beat, now_ns, True)
    return new


def silence(new: Watch, until_ms: int, running: bool | None = True) -> list[Verdict]:
    """Verdicts of looks every 50 ms at a page that does not change."""
    looks = range(50, until_ms + 1, 50)
    return [new.look(FIRST, at * MS, running) for at in looks]


# ---- judgement ------------------------------------------------------------------------------


@pytest.mark.parametrize("state", BeatState)
@pytest.mark.parametrize("running", [True, False, None])
@pytest.mark.parametrize("handled", [False, True])
@pytest.mark.parametrize("boot", [BOOT, OTHER])
def test_every_state_of_a_page_at_the_first_look(
    state: BeatState, running: bool | None, handled: bool, boot: bytes
) -> None:
    beat = FIRST._replace(state=state, is_handled=handled, boot=boot)
    if boot == OTHER:
        expected = Verdict.OTHER_BOOT
    elif state is BeatState.ENDED:
        expected = Verdict.ENDED
    elif handled:
        expected = Verdict.HANDLED
    elif state is BeatState.ENDED_UNCLEAN or running is False:
        expected = Verdict.DEAD
    else:
        expected = Verdict.ALIVE
    assert Watch(BOOT, 250 * MS, 1_000 * MS).look(beat, 5_000 * MS, running) is expected


def test_no_page_is_no_alarm() -> None:
    new = watch(beat=None)
    assert silence(new, 0) == []
    assert new.look(None, 50 * MS, None) is Verdict.ABSENT
    assert new.look(None, 5_000 * MS, None) is Verdict.ABSENT


@pytest.mark.parametrize("running", [True, None])
def test_silence_is_late_then_dead(running: bool | None) -> None:
    verdicts = silence(watch(), 1_050, running)
    assert verdicts[:4] == [Verdict.ALIVE] * 4
    assert verdicts[4:19] == [Verdict.LATE] * 15
    assert verdicts[19:] == [Verdict.DEAD] * 2


def test_a_beat_ends_the_silence() -> None:
    new = watch()
    assert silence(new, 900)[-1] is Verdict.LATE
    assert new.look(FIRST._replace(beat_ns=2), 950 * MS, True) is Verdict.ALIVE
    assert new.look(FIRST._replace(beat_ns=2), 1_150 * MS, True) is Verdict.ALIVE
    assert new.look(FIRST._replace(beat_ns=2), 1_350 * MS, True) is Verdict.LATE


def test_a_watcher_that_was_away_itself_counts_anew() -> None:
    new = watch()
    assert silence(new, 200)[-1] is Verdict.ALIVE
    assert new.look(FIRST, 9_000 * MS, True) is Verdict.ALIVE
    assert new.look(FIRST, 9_240 * MS, True) is Verdict.ALIVE
    assert new.look(FIRST, 9_480 * MS, True) is Verdict.LATE


def test_a_new_session_counts_anew() -> None:
    new = watch()
    silence(new, 950)
    assert new.look(FIRST._replace(session="s2"), 1_000 * MS, True) is Verdict.ALIVE


@given(st.lists(st.integers(1, 249), max_size=200))
def test_a_gateway_that_beats_in_time_is_never_accused(gaps_ms: list[int]) -> None:
    new, now = watch(), 0
    for number, gap in enumerate(gaps_ms):
        now += gap * MS
        assert new.look(FIRST._replace(beat_ns=number + 2), now, True) is Verdict.ALIVE


@given(
    pid=st.integers(1, 2**22), beat_ns=st.integers(0, 2**62), count=st.integers(0, 10_000),
    state=st.sampled_from(BeatState), halt=st.booleans(), handled=st.booleans(),
)  # fmt: skip
def test_a_page_reads_as_it_was_written(
    pid: int, beat_ns: int, count: int, state: BeatState, halt: bool, handled: bool
) -> None:
    beat = Beat(pid, 7, 8, BOOT, "lk3j4h", beat_ns, state, count, halt, handled)
    assert unpack(pack(beat)) == beat


@given(st.binary(max_size=SIZE + 10))
def test_what_is_no_page_is_none(page: bytes) -> None:
    assert unpack(page) is None
    assert unpack(pack(FIRST)[:-1]) is None
    assert unpack(b"x" + pack(FIRST)[1:]) is None


def test_each_word_is_where_it_is_written() -> None:
    page = bytearray(pack(FIRST))
    for word in Word:
        memoryview(page).cast("q")[word] = 3
    read = unpack(bytes(page))
    assert read == FIRST._replace(
        beat_ns=3, state=BeatState.HALTED, open_orders=3, is_halt_asked=True, is_handled=True
    )


# ---- the page -------------------------------------------------------------------------------


def test_a_reader_sees_beats_and_the_goodbye(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "x.beat"
    reader = HeartbeatReader(path)
    assert reader.read() is None
    writer = HeartbeatWriter(path, "lk3j4h")
    beat = reader.read()
    assert beat is not None
    assert (beat.pid, beat.session, beat.state) == (os.getpid(), "lk3j4h", BeatState.STARTING)
    assert beat.boot == heartbeat.boot_id()
    assert heartbeat.is_running(beat) is True
    writer.beat(99, BeatState.ACTIVE, 3)
    assert reader.read() == beat._replace(beat_ns=99, state=BeatState.ACTIVE, open_orders=3)
    assert not writer.is_halt_asked
    reader.set(Word.HALT)
    assert writer.is_halt_asked
    writer.close(BeatState.ENDED)
    assert not path.exists()
    last = reader.read()
    assert last is not None
    assert last.state is BeatState.ENDED
    reader.close()
    assert reader.read() is None
    assert list(path.parent.iterdir()) == []


def test_an_unclean_end_leaves_the_page_and_a_new_session_replaces_it(tmp_path: Path) -> None:
    path = tmp_path / "x.beat"
    HeartbeatWriter(path, "one").close(BeatState.ENDED_UNCLEAN)
    reader = HeartbeatReader(path)
    old = reader.read()
    assert old is not None
    assert old.state is BeatState.ENDED_UNCLEAN
    second = HeartbeatWriter(path, "two")
    third = HeartbeatWriter(path, "three")
    second.close(BeatState.ENDED)  # the name is another's by now
    new = reader.read()
    assert new is not None
    assert new.session == "three"
    third.close(BeatState.ENDED)
    reader.close()


@pytest.mark.parametrize("content", [b"", b"short", b"x" * SIZE])
def test_another_file_is_no_page(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.beat"
    path.write_bytes(content)
    reader = HeartbeatReader(path)
    assert reader.read() is None
    reader.set(Word.HANDLED)
    reader.close()


def test_a_page_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match=r"cannot be made: .*; name another file as watchdog"):
        HeartbeatWriter(tmp_path / "file" / "x.beat", "s")


def test_a_page_that_may_not_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "x.beat", tmp_path / "folder"):
        with pytest.raises(ConfigError, match=r"cannot be read: .*; run as the gateway's user"):
            HeartbeatReader(path).read()


def config(**watchdog: str) -> Config:
    where = VenueConfig(rest="https://h", public_rest="https://p", ws="wss://w")
    return Config(venue=where, markets={"M": LIMITS}, watchdog=WatchdogConfig(**watchdog))


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert heartbeat_path(config(heartbeat="here.beat")) == Path("here.beat")
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}:second")
    path = heartbeat_path(config())
    assert (path.parent, path.suffix) == (tmp_path, ".beat")
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert heartbeat_path(config()) == tmp_path / "whitewire" / path.name
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert heartbeat_path(config()).parent.name == f"whitewire-{os.getuid()}"


# ---- the process ----------------------------------------------------------------------------


def test_only_the_very_process_is_killed() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with child:
        started = heartbeat._started(child.pid)
        assert started is not None
        beat = FIRST._replace(pid=child.pid, started=started, namespace=heartbeat._namespace())
        assert heartbeat.is_running(beat) is True
        assert heartbeat.is_running(beat._replace(namespace=1)) is None
        later = beat._replace(started=started + 1)
        assert heartbeat.is_running(later) is False
        assert not heartbeat.kill(later)
        assert not heartbeat.kill(beat._replace(namespace=1))
        assert child.poll() is None
        assert heartbeat.kill(beat)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert heartbeat.is_running(beat) is False  # though nobody has waited for it yet
        assert child.wait() == -9
    assert heartbeat.is_running(beat) is False
    assert not heartbeat.kill(beat)
