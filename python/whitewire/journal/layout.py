"""The bytes of a segment: a header, then frames.

Owns: how a segment and its frames look, and the judgement on damaged ones. Must not know: files,
threads, what the records mean. Invariant: a frame is taken whole or not at all.

    header  magic 8s, version u16, zero u16, index u32, session u64, crc32 of these u32
    frame   magic u32, length u32, crc32 of length and payload u32, payload
    payload UTC of the commit u64 (epoch ns), then a MessagePack array of records

Rules
-----
1. A frame is written by one commit, and the next commit begins when it is durable. So a crash
   damages the last frame only.
2. A damaged frame with nothing sound behind it is a torn tail: cut off, and reported.
3. A damaged frame with a sound one behind it is corruption: an error that names the offset.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from whitewire.errors import JournalError
from whitewire.journal.records import Record, decode_batch, encode

__all__ = ["HEADER_SIZE", "Frame", "Header", "Segment", "frame", "header", "parse"]

VERSION = 1
_MAGIC = b"WWJOURNL"
_HEADER = struct.Struct("<8sHHIQ")
_FRAME = struct.Struct("<III")
_CRC = struct.Struct("<I")
_TIME = struct.Struct("<Q")
_COUNT = struct.Struct(">BI")  # MessagePack's array of 32 bits
_FRAME_MAGIC = 0x4D52_4657
_FRAME_MARK = _CRC.pack(_FRAME_MAGIC)
HEADER_SIZE = _HEADER.size + _CRC.size
MAX_PAYLOAD = 1 << 28


class Header(NamedTuple):
    """Which segment of which session this is."""

    session: int
    number: int


class Frame(NamedTuple):
    """One commit: where it begins and ends, when it was made (epoch ns), and its records."""

    offset: int
    end: int
    utc_ns: int
    records: list[Record]


class Segment(NamedTuple):
    """A segment as far as it is sound.

    Attributes:
        header: None where even that is torn.
        frames: the sound frames.
        sound: how many bytes are sound; the rest is a torn tail (rule 2).
        size: how many bytes there are.
    """

    header: Header | None
    frames: list[Frame]
    sound: int
    size: int


def header(session: int, index: int) -> bytes:
    """The bytes of a segment's header."""
    text = _HEADER.pack(_MAGIC, VERSION, 0, index, session)
    return text + _CRC.pack(zlib.crc32(text))


def frame(utc_ns: int, records: Iterable[Record]) -> bytes:
    """The bytes of a frame of `records`."""
    return frame_of(utc_ns, [encode(record) for record in records])


def frame_of(utc_ns: int, encoded: list[bytes]) -> bytes:
    """The bytes of a frame of records that are encoded already."""
    payload = b"".join((_TIME.pack(utc_ns), _COUNT.pack(0xDD, len(encoded)), *encoded))
    size = _CRC.pack(len(payload))
    return _FRAME_MARK + size + _CRC.pack(zlib.crc32(payload, zlib.crc32(size))) + payload


def parse(data: bytes, name: str, *, since: int = HEADER_SIZE) -> Segment:
    """Reads a segment.

    Args:
        data: the whole segment.
        name: for errors.
        since: the offset of the first frame that is wanted.

    Raises:
        JournalError: corruption (rule 3), or a version that this program cannot read.
    """
    found = _read_header(data, name)
    if found is None:
        return Segment(None, [], 0, len(data))
    frames: list[Frame] = []
    offset = since
    while offset < len(data):
        end = _end_of(data, offset)
        if end == 0:
            after = _next_sound(data, offset + 1)
            if after:
                raise _corrupt(name, offset, f"and a sound one follows at {after}")
            break
        frames.append(_decode(data, offset, end, name))
        offset = end
    return Segment(found, frames, offset, len(data))


def _read_header(data: bytes, name: str) -> Header | None:
    if len(data) < HEADER_SIZE:
        return None
    magic, version, _, index, session = _HEADER.unpack_from(data)
    (crc,) = _CRC.unpack_from(data, _HEADER.size)
    if magic != _MAGIC or crc != zlib.crc32(data[: _HEADER.size]):
        if len(data) > HEADER_SIZE:
            raise _corrupt(name, 0, "in the header")
        return None
    if version != VERSION:
        raise JournalError(
            "journal-version",
            f"{name} has version {version}, and this program reads {VERSION}",
            "run the version of whitewire that wrote it",
        )
    return Header(session, index)


def _end_of(data: bytes, offset: int) -> int:
    """Where the frame at `offset` ends, 0 when there is no sound one."""
    if offset + _FRAME.size > len(data):
        return 0
    magic, length, crc = _FRAME.unpack_from(data, offset)
    start = offset + _FRAME.size
    end = int(start + length)
    if magic != _FRAME_MAGIC or length > MAX_PAYLOAD or end > len(data):
        return 0
    expected = zlib.crc32(memoryview(data)[start:end], zlib.crc32(data[offset + 4 : offset + 8]))
    return end if crc == expected else 0


def _next_sound(data: bytes, offset: int) -> int:
    """Where a sound frame begins at or after `offset`, 0 when nowhere."""
    while (offset := data.find(_FRAME_MARK, offset)) >= 0:
        if _end_of(data, offset):
            return offset
        offset += 1
    return 0


def _decode(data: bytes, offset: int, end: int, name: str) -> Frame:
    start = offset + _FRAME.size
    (utc_ns,) = _TIME.unpack_from(data, start)
    try:
        records = decode_batch(memoryview(data)[start + _TIME.size : end])
    except msgspec.DecodeError as error:
        raise _corrupt(name, offset, f"though its checksum holds: {error}") from None
    return Frame(offset, end, utc_ns, records)


def _corrupt(name: str, offset: int, how: str) -> JournalError:
    return JournalError(
        "journal-corrupt",
        f"{name} is damaged at offset {offset}, {how}",
        "keep a copy, and restore the file; or move the folder away and reconcile by hand",
    )
