"""Segments: torn tails at every byte, damage in the middle, versions."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.journal_rig import MARKETS, fact, fill, placed, start, write
from whitewire.errors import JournalError
from whitewire.journal import layout
from whitewire.journal.layout import HEADER_SIZE, parse
from whitewire.journal.reader import frames, recover, replay, segments
from whitewire.journal.records import Record

COMMITS: tuple[list[Record], ...] = (
    [start(7), *MARKETS],
    [placed(), fact()],
    [fill(1, lots=5_000), fact(filled=5_000)],
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path, 7, *COMMITS)


def test_what_was_written_is_read(path: Path) -> None:
    data = path.read_bytes()
    segment = parse(data, "x")
    assert segment.header == (7, 0)
    assert [frame.records for frame in segment.frames] == list(COMMITS)
    assert [frame.utc_ns for frame in segment.frames] == [1_000, 1_001, 1_002]
    assert segment.sound == segment.size == len(data)
    since = segment.frames[1].offset
    assert parse(data, "x", since=since).frames == segment.frames[1:]


def test_a_tail_torn_at_any_byte_is_cut_off_and_reported(path: Path) -> None:
    whole = path.read_bytes()
    last = parse(whole, "x").frames[-1].offset
    for size in range(last + 1, len(whole)):
        path.write_bytes(whole[:size])
        (torn,) = recover(path.parent)
        assert (torn.offset, torn.size) == (last, size - last)
        assert str(last) in str(torn)
        assert path.read_bytes() == whole[:last]
        assert recover(path.parent) == []
    assert [frame.records for _, frame in frames(path.parent)] == list(COMMITS[:2])


def test_a_tail_of_zeros_is_torn(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(5_000))
    (torn,) = recover(path.parent)
    assert torn.size == 5_000
    assert len(list(frames(path.parent))) == 3


@pytest.mark.parametrize("size", range(HEADER_SIZE))
def test_a_torn_header_is_a_segment_that_never_was(tmp_path: Path, size: int) -> None:
    write(tmp_path, 7, *COMMITS)
    torn = tmp_path / f"{8:016d}-{0:06d}.journal"
    torn.write_bytes(layout.header(8, 0)[:size])
    assert [found.path for found in recover(tmp_path)] == [torn]
    assert len(segments(tmp_path)) == 1
    assert list(replay(tmp_path).orders) == ["ww-1"]


def test_a_flipped_bit_before_the_last_frame_is_corruption_and_names_its_place(path: Path) -> None:
    whole = path.read_bytes()
    read = parse(whole, "x").frames
    chance = random.Random(4)
    for position in range(HEADER_SIZE, read[-1].offset):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        where = max(frame.offset for frame in read if frame.offset <= position)
        with pytest.raises(JournalError, match=f"damaged at offset {where},") as caught:
            recover(path.parent)
        assert caught.value.code == "journal-corrupt"
        assert path.read_bytes() == damaged, "nothing is cut off"


def test_a_flipped_bit_in_the_last_frame_ends_the_journal_before_it(path: Path) -> None:
    whole = path.read_bytes()
    last = parse(whole, "x").frames[-1].offset
    for position in range(last, len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 4
        assert parse(bytes(damaged), "x").sound == last


def test_a_damaged_header_is_corruption_when_something_follows(path: Path) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[3] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(JournalError, match="damaged at offset 0, in the header"):
        recover(path.parent)


def test_a_torn_segment_that_is_not_the_newest_is_corruption(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    write(path.parent, 8, [start(8)])
    assert recover(path.parent) == []
    with pytest.raises(JournalError, match="other segments follow"):
        replay(path.parent)


def test_another_version_is_not_guessed_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "VERSION", 2)
    with pytest.raises(JournalError, match="has version 1, and this program reads 2"):
        recover(path.parent)


def test_a_renamed_segment_is_refused(path: Path) -> None:
    path.rename(path.with_name(f"{9:016d}-{0:06d}.journal"))
    with pytest.raises(JournalError, match="holds 0000000000000007-000000"):
        replay(path.parent)


def test_a_sound_frame_of_no_records_is_corruption(path: Path) -> None:
    with path.open("ab") as file:
        file.write(layout.frame_of(1, [b"\xc0"]))
    with pytest.raises(JournalError, match="though its checksum holds"):
        recover(path.parent)
