"""The figures in words: which way to choose, by how much, and how sure that is.

Owns: the sentences. Must not know: where figures come from. Invariant: a sentence claims a
difference only where its interval leaves no doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["duration", "times", "verdicts"]


def duration(us: float) -> str:
    """A time for people, from microseconds."""
    if abs(us) < 999.5:
        return f"{us:.0f} µs"
    return f"{us / 1e3:.3g} ms" if abs(us) < 999_500 else f"{us / 1e6:.3g} s"


def times(row: dict[str, Any]) -> str:
    """A ratio with its interval, as `8.1x (7.6-8.7)`."""
    low, middle, high = (_digits(row[name]) for name in ("ratio_low", "ratio", "ratio_high"))
    return f"{middle}x ({low}-{high})"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def verdicts(cells: Sequence[dict[str, Any]], comparisons: Sequence[dict[str, Any]]) -> list[str]:
    """One sentence for each number of legs, the largest first; then what weakens them."""
    numbers = sorted({cell["legs"] for cell in cells}, reverse=True)
    found = [_of_legs(number, cells, comparisons) for number in numbers]
    return [*filter(None, found), *_doubts(cells)]


def _of_legs(
    legs: int, cells: Sequence[dict[str, Any]], comparisons: Sequence[dict[str, Any]]
) -> str:
    words = {cell["transport"]: cell["words"] for cell in cells}
    mine = {cell["transport"]: cell for cell in cells if cell["legs"] == legs and cell["rounds"]}
    lasts = [row for row in comparisons if (row["legs"], row["which"]) == (legs, "last_us")]
    if not lasts:
        return ""
    best = lasts[0]["fast"]
    clear = [row for row in lasts if row["is_clear"]]
    equals = [best, *(row["slow"] for row in lasts if not row["is_clear"])]
    head = f"{legs} leg{'' if legs == 1 else 's'}: "
    if not clear:
        ways = _listed([words[name] for name in equals])
        return f"{head}no clear difference between {ways}; any will do."
    which = "it" if legs == 1 else "the last leg"
    # bulk is what this is mostly asked about
    clear.sort(key=lambda row: (row["slow"] != "bulk", row["ratio"]))
    beaten = [f"{times(row)} sooner than {words[row['slow']]}" for row in clear[:1]]
    beaten += [f"{times(row)} than {words[row['slow']]}" for row in clear[1:]]
    after = duration(mine[best]["last_us"]["p50"])
    text = f"{head}{words[best]} acknowledges {which} after {after}, {_listed(beaten)}"
    if len(equals) > 1:
        text += f", with no clear difference to {_listed([words[name] for name in equals[1:]])}"
    text += _first(legs, words, mine, comparisons)
    return f"{text}; choose {' or '.join(words[name] for name in equals)}."


def _first(
    legs: int,
    words: dict[str, str],
    mine: dict[str, dict[str, Any]],
    comparisons: Sequence[dict[str, Any]],
) -> str:
    """What is to say about the first answer, where there is more than one."""
    if legs == 1 or "bulk" not in mine:
        return ""
    for row in comparisons:
        is_it = (row["legs"], row["which"], row["slow"]) == (legs, "first_us", "bulk")
        if is_it and row["is_clear"]:
            soon, late = (mine[row[name]]["first_us"]["p50"] for name in ("fast", "slow"))
            return (
                f"; the first answer comes after {duration(soon)} with {words[row['fast']]} and "
                f"after {duration(late)} with bulk"
            )
    return ""


def _doubts(cells: Sequence[dict[str, Any]]) -> list[str]:
    """What a reader has to know before believing the rest."""
    found = []
    bursts = sum(cell["bursts"] for cell in cells)
    left_out = bursts - sum(cell["whole"] for cell in cells)
    late = sum(cell["late"] for cell in cells)
    unanswered = sum(cell["unanswered"] + cell["unknown"] for cell in cells)
    if left_out:
        found.append(f"{left_out} of {bursts} bursts had a refused leg and are left out.")
    if unanswered:
        found.append(
            f"{unanswered} legs had no usable answer; each counts as the patience with it."
        )
    if late * 50 > bursts:
        found.append(
            f"{late} of {bursts} bursts began late, as the one before was not cleaned up; their "
            "delay is part of the figures. Repeat with a longer --interval-ms or on a quieter host."
        )
    return found


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
