"""CPU lists and masks, as the kernel writes them.

Owns: `0-1,3` and `0000000b` as sets of numbers. Must not know: which CPUs a host has. Invariant:
what is formatted parses to the same set, beyond 64 CPUs too.
"""

from __future__ import annotations

from collections.abc import Iterable

WORD_BITS = 32


def parse_list(text: str) -> frozenset[int]:
    """The CPUs of `0-1,3`; empty text is no CPU.

    Raises:
        ValueError: it is no list of CPUs.
    """
    cpus: set[int] = set()
    for part in filter(None, (piece.strip() for piece in text.strip().split(","))):
        first, dash, last = part.partition("-")
        low, high = int(first), int(last if dash else first)
        if not 0 <= low <= high:
            raise ValueError(f"{part!r} is no range of CPUs")
        cpus.update(range(low, high + 1))
    return frozenset(cpus)


def format_list(cpus: Iterable[int]) -> str:
    """`0-1,3` of some CPUs."""
    ranges: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if ranges and ranges[-1][1] == cpu - 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


def parse_mask(text: str) -> frozenset[int]:
    """The CPUs of `00000003,00000001`, the most significant word first.

    Raises:
        ValueError: it is no mask.
    """
    bits = 0
    for word in text.strip().split(","):
        bits = bits << WORD_BITS | int(word, 16)
    return frozenset(cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1)


def format_mask(cpus: Iterable[int]) -> str:
    """The mask of some CPUs, in words of 32 bits; no leading zeros in the first."""
    bits = sum(1 << cpu for cpu in set(cpus))
    words = []
    while bits >> WORD_BITS:
        words.append(f"{bits & 0xFFFFFFFF:08x}")
        bits >>= WORD_BITS
    return ",".join([f"{bits:x}", *reversed(words)])
