"""Line charts as SVG text: axes with units, one line for each series, its name at its end.

Owns: scales, ticks and the drawing. Must not know: what the lines mean, colours (a page's style
sheet has them, by class). Invariant: the same input gives the same text; nothing is drawn outside
of the picture, and no two names at the ends of lines overlap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Axis", "Series", "draw", "log_ticks", "swatch"]

WIDTH = 640
HEIGHT = 400
LEFT, TOP, BOTTOM = 84, 14, 50
# Beside the plot: room for names, or for half of a number under the axis.
NAMED, BARE = 132, 26
FLOOR = HEIGHT - BOTTOM
ROW = 16
Point = tuple[float, float]


@dataclass(slots=True, frozen=True)
class Series:
    """One line.

    Attributes:
        name: written at its end.
        style: class of its colour and dashes, `s0` and so on.
        points: (x, y), by x.
        band: (x, low, high) of the area around it; empty for none.
        is_step: whether y holds until the next point.
        has_marks: whether each point is marked.
    """

    name: str
    style: str
    points: Sequence[Point]
    band: Sequence[tuple[float, float, float]] = ()
    is_step: bool = False
    has_marks: bool = True


@dataclass(slots=True, frozen=True)
class Axis:
    """A scale.

    Attributes:
        label: with the unit.
        low, high: its ends; positive where it is logarithmic.
        ticks: where numbers stand.
        words: a number as it is written there.
        is_log: whether it is logarithmic.
    """

    label: str
    low: float
    high: float
    ticks: Sequence[float]
    words: Callable[[float], str]
    is_log: bool = False

    def share(self, value: float) -> float:
        """Where a value is between the ends, 0 to 1; beyond them it is at the end."""
        low, high = self._of(self.low), self._of(self.high)
        return min(max((self._of(max(value, self.low)) - low) / ((high - low) or 1), 0.0), 1.0)

    def _of(self, value: float) -> float:
        return math.log10(value) if self.is_log else value


def log_ticks(low: float, high: float, most: int = 8) -> list[float]:
    """Round numbers between two positive ends, as many as there may be."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in (
        (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8),
        (1, 1.5, 2, 3, 4, 5, 7),
        (1, 2, 5),
        (1, 3),
        (1,),
    ):
        found = [d * 10.0**p for p in decades for d in digits if low <= d * 10.0**p <= high]
        if len(found) <= most:
            break
    return found


def draw(title: str, x: Axis, y: Axis, series: Sequence[Series], *, has_names: bool = True) -> str:
    """The picture as an SVG element.

    Args:
        title: for those who cannot see it.
        has_names: whether the lines' names stand at their ends.
    """
    plot = _Plot(x, y, WIDTH - (NAMED if has_names else BARE))
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        *plot.axes(),
        *(plot.band(one) for one in series if one.band),
        *(plot.line(one) for one in series),
        *(plot.names(series) if has_names else ()),
        "</svg>",
    ]
    return "\n".join(parts)


def swatch(style: str) -> str:
    """A short piece of a line with its mark, for a legend."""
    return (
        f'<svg class="swatch" viewBox="0 0 34 12" aria-hidden="true"><path class="line {style}" '
        f'd="M1 6H33"/>{_mark(style, 17, 6, "")}</svg>'
    )


@dataclass(slots=True, frozen=True)
class _Plot:
    """The rectangle between the axes; `right` is its end."""

    x: Axis
    y: Axis
    right: float

    def at(self, point: Point) -> Point:
        across, up = self.right - LEFT, HEIGHT - TOP - BOTTOM
        return LEFT + self.x.share(point[0]) * across, FLOOR - self.y.share(point[1]) * up

    def axes(self) -> list[str]:
        x, y, right = self.x, self.y, self.right
        parts = []
        for value in y.ticks:
            _, at = self.at((x.low, value))
            text = escape(y.words(value))
            parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{right}"/>')
            parts.append(f'<text class="end" x="{LEFT - 8}" y="{at + 4:.1f}">{text}</text>')
        for value in x.ticks:
            at, _ = self.at((value, y.low))
            text = escape(x.words(value))
            parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{FLOOR}"/>')
            parts.append(f'<text class="mid" x="{at:.1f}" y="{FLOOR + 18}">{text}</text>')
        parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{FLOOR}H{right}"/>')
        across, middle = (LEFT + right) / 2, (TOP + FLOOR) / 2
        words = f'<text class="label mid" x="{across:.1f}" y="{HEIGHT - 10}">{escape(x.label)}'
        parts.append(f"{words}</text>")
        turn = f'transform="translate(14 {middle:.1f}) rotate(-90)"'
        parts.append(f'<text class="label mid" {turn}>{escape(y.label)}</text>')
        return parts

    def band(self, one: Series) -> str:
        there = [self.at((at, high)) for at, _, high in one.band]
        back = [self.at((at, low)) for at, low, _ in reversed(one.band)]
        path = "L".join(f"{a:.1f} {b:.1f}" for a, b in [*there, *back])
        return f'<path class="band {one.style}" d="M{path}Z"/>'

    def line(self, one: Series) -> str:
        places = [self.at(point) for point in one.points]
        path = f"M{places[0][0]:.1f} {places[0][1]:.1f}"
        for a, b in places[1:]:
            path += f"H{a:.1f}V{b:.1f}" if one.is_step else f"L{a:.1f} {b:.1f}"
        marks = ""
        if one.has_marks:
            marks = "".join(
                _mark(one.style, a, b, f"{one.name}, {self.x.words(c)}: {self.y.words(d)}")
                for (a, b), (c, d) in zip(places, one.points, strict=True)
            )
        return f'<path class="line {one.style}" d="{path}"/>{marks}'

    def names(self, series: Sequence[Series]) -> list[str]:
        """The names beside the ends of the lines, pushed apart."""
        ends = sorted((self.at(one.points[-1])[::-1], one.name, one.style) for one in series)
        wanted = [end for (end, _), *_ in ends]
        places = spread(wanted, ROW, TOP + ROW / 2, FLOOR - ROW / 2)
        parts = []
        for ((end, across), name, style), at in zip(ends, places, strict=True):
            lead = f"M{across + 8:.1f} {end:.1f}H{self.right + 4}L{self.right + 14} {at:.1f}"
            place = f'x="{self.right + 18}" y="{at + 4:.1f}"'
            parts.append(f'<path class="lead" d="{lead}"/>')
            parts.append(f'<text class="name {style}" {place}>{escape(name)}</text>')
        return parts


# Shapes tell the lines apart where colours do not.
_SHAPES = {
    "s0": "M-4 -4H4V4H-4Z",
    "s1": "M0 -5L5 4H-5Z",
    "s2": "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z",
    "s3": "M0 -5L5 0L0 5L-5 0Z",
    "s4": "M0 5L5 -4H-5Z",
}


def _mark(style: str, a: float, b: float, words: str) -> str:
    title = f"<title>{escape(words)}</title>" if words else ""
    shape = _SHAPES[style]
    place = f'transform="translate({a:.1f} {b:.1f})"'
    return f'<path class="mark {style}" {place} d="{shape}">{title}</path>'


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near as can be to those wanted, in their order, with a gap between them.

    Where they do not fit between `low` and `high`, they begin at `low`.
    """
    groups: list[list[float]] = []  # of neighbours: first place, how many, sum of their wishes
    for wish in wanted:
        groups.append([wish, 1, wish])
        while len(groups) > 1 and groups[-2][0] + groups[-2][1] * gap > groups[-1][0]:
            _, count, total = groups.pop()
            before = groups[-1]
            total += before[2]
            count += before[1]
            # the middle of the group is where the middle of its wishes is
            groups[-1] = [total / count - (count - 1) * gap / 2, count, total]
    places = [first + i * gap for first, count, _ in groups for i in range(int(count))]
    return _within(places, gap, low, high)


def _within(places: list[float], gap: float, low: float, high: float) -> list[float]:
    found: list[float] = []
    for index, place in enumerate(places):
        most = high - (len(places) - 1 - index) * gap
        least = found[-1] + gap if found else low
        found.append(max(min(place, most), least))
    return found
