"""Charts: well-formed, within the picture, names apart, ticks round."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from whitewire.bench.chart import HEIGHT, WIDTH, Axis, Series, draw, log_ticks, spread, swatch

VALUES = st.floats(min_value=0.5, max_value=1e7)


@given(VALUES, st.floats(1.05, 1e5))
def test_ticks_are_few_round_and_between_the_ends(low: float, factor: float) -> None:
    high = low * factor
    ticks = log_ticks(low, high)
    assert len(ticks) <= 8
    assert ticks == sorted(ticks)
    assert all(low <= tick <= high for tick in ticks)
    if factor >= 10:
        assert len(ticks) >= 2
    for tick in ticks:
        digits = f"{tick:.6e}".split("e")[0].rstrip("0").rstrip(".")
        assert digits in {"1", "1.5", "2", "2.5", "3", "4", "5", "6", "7", "8"}


@given(st.lists(st.floats(0, 336), min_size=1, max_size=8))
def test_names_are_apart_in_order_and_as_near_as_can_be(wanted: list[float]) -> None:
    wanted.sort()
    places = spread(wanted, 16, 8, 328)
    assert len(places) == len(wanted)
    assert all(b - a >= 16 - 1e-6 for a, b in pairwise(places))
    assert places[0] >= 8 - 1e-6
    assert places[-1] <= 328 + 1e-6
    if all(b - a >= 16 for a, b in pairwise(wanted)) and wanted[0] >= 8 and wanted[-1] <= 328:
        assert places == wanted


@given(
    st.lists(st.lists(VALUES, min_size=1, max_size=20).map(sorted), min_size=1, max_size=5),
    st.booleans(),
)
def test_whatever_is_drawn_stays_within_the_picture(
    lines: list[list[float]], has_names: bool
) -> None:
    values = [value for line in lines for value in line]
    low, high = min(values), max(values)
    y = Axis("time <µs>", low, high, log_ticks(low, high), "{:.0f}".format, is_log=True)
    x = Axis("leg", 1, 20, [1, 10, 20], "{:.0f}".format)
    series = [
        Series(
            f"a&b{i}",
            f"s{i}",
            list(enumerate(line, 1)),
            [(at, value * 0.5, value * 2) for at, value in enumerate(line, 1)],
            is_step=i % 2 == 1,
        )
        for i, line in enumerate(lines)
    ]
    text = draw('who is "soonest"', x, y, series, has_names=has_names)
    root = ElementTree.fromstring(text)
    assert root.get("viewBox") == f"0 0 {WIDTH} {HEIGHT}"
    for path in root.iter("path"):
        if "mark" in path.get("class", ""):
            numbers = re.findall(r"-?[\d.]+", path.get("transform", ""))
            assert 0 <= float(numbers[0]) <= WIDTH
            assert 0 <= float(numbers[1]) <= HEIGHT
        else:
            for number in re.findall(r"-?[\d.]+", path.get("d", "")):
                assert 0 <= float(number) <= WIDTH
    names = [found for found in root.iter("text") if "name" in found.get("class", "")]
    assert len(names) == (len(lines) if has_names else 0)
    heights = sorted(float(found.get("y", "")) for found in names)
    assert all(b - a >= 15.9 for a, b in pairwise(heights))


def test_a_swatch_shows_line_and_mark() -> None:
    root = ElementTree.fromstring(swatch("s3"))
    assert [path.get("class") for path in root] == ["line s3", "mark s3"]
