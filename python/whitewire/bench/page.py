"""A run as one page that needs nothing else: no network, no script, light and dark.

Owns: what stands on the page and in which order. Must not know: how figures came about, or how a
line is drawn (see `chart`). Invariant: every text that comes from a run is escaped; the page
refers to nothing outside of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from whitewire.bench.chart import Axis, Series, draw, log_ticks, swatch
from whitewire.bench.estimates import cumulative
from whitewire.bench.tables import end_sentence
from whitewire.bench.verdict import duration, times

__all__ = ["page"]

Cell = Mapping[str, Any]

NOTES = (
    "The schedule of bursts was fixed before the first one, and no answer moves it. Every time "
    "counts from the moment at which its burst was due, so that a slow answer delays nothing "
    "unseen (no coordinated omission).",
    "In each round every transport sends every number of legs once, in an order that is random in "
    "each round. So what disturbs the host for a while disturbs all of them.",
    "Orders are post-only bids far below the market. Each is canceled after its burst, and the "
    "venue's list of open orders is asked at the end.",
    "The orders take the gateway's own path: its risk gate, templates, signatures, connections. "
    "Sequential sends a leg when the one before it is acknowledged. Pipelined sends each leg as a "
    "request of its own at once, spread over its connections. Bulk sends one request; with one leg "
    "that is the same as pipelined.",
    "Ratios are of medians; their intervals of 99 % come from drawing whole rounds over and over "
    "(paired bootstrap, 1000 times). A difference is claimed where all of it is above 1 %.",
    "A burst with a refused leg is left out of the figures and counted. A leg that was never "
    "answered counts as the 5 s of patience with it.",
)


EMBEDDED_NOTE = (
    "The embedded venue is one process in Python: it takes 100 to 200 µs of its processor for each "
    "order, one after the other, whatever the model says. Where that is not much longer, "
    "parallel connections gain less here than at an exchange."
)


def page(data: Mapping[str, Any]) -> str:
    """The whole page, HTML."""
    styles = {name: f"s{i}" for i, name in enumerate(_first_seen(data["cells"]))}
    style = files("whitewire.bench").joinpath("page.css").read_text(encoding="utf-8")
    cells = [cell for cell in data["cells"] if cell["rounds"]]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>whitewire bench acks, {escape(data['machine']['when'])}</title>",
            f"<style>\n{style}</style></head><body>",
            *_head(data),
            *(_charts(cells, styles) if cells else ()),
            *_table(data["cells"]),
            *_comparisons(data["cells"], data["comparisons"]),
            *_facts(data),
            "</body></html>\n",
        ]
    )


def _head(data: Mapping[str, Any]) -> list[str]:
    endpoint = data["endpoint"]
    verdicts = data["verdicts"] or ["No burst was acknowledged: there is nothing to compare."]
    clean = not data["orders"]["resting_at_end"] and data["orders"]["clean_stop"]
    return [
        "<h1>Which order transport acknowledges a ladder soonest?</h1>",
        f'<p class="soft">{escape(endpoint["words"])} · {escape(data["run"]["market"])} · '
        f"{data['run']['rounds']} rounds · {escape(data['machine']['when'])}</p>",
        f'<div class="verdict{"" if clean else " bad"}">',
        *(f"<p>{_strong(escape(sentence))}</p>" for sentence in verdicts),
        f'<p class="soft">{escape(end_sentence(data["orders"]))}</p>',
        "</div>",
    ]


def _strong(sentence: str) -> str:
    """With what it advises in bold."""
    reason, choose, what = sentence.rpartition("; choose ")
    return f"{reason}; <b>choose {what}</b>" if choose else sentence


def _charts(cells: Sequence[Cell], styles: Mapping[str, str]) -> list[str]:
    numbers = sorted({cell["legs"] for cell in cells})
    most = numbers[-1]
    words = {cell["transport"]: cell["words"] for cell in cells}
    parts = [
        "<h2>When each leg is acknowledged</h2>",
        '<p class="soft">From when the burst was due. Line: median; area: from the 10th to the '
        "90th percentile of the rounds. The scale of time is logarithmic.</p>",
        _legend(words, styles),
    ]
    ladders = [number for number in reversed(numbers) if number > 1]
    parts += ['<div class="pair">', *(_legs_figure(n, cells, styles) for n in ladders), "</div>"]
    parts += ["<h2>The last leg</h2>", '<div class="pair">']
    if len(numbers) > 1:
        parts.append(_growth_figure(cells, styles))
    parts += [_shares_figure(most, cells, styles), "</div>"]
    return parts


def _legs_figure(legs: int, cells: Sequence[Cell], styles: Mapping[str, str]) -> str:
    mine = [cell for cell in cells if cell["legs"] == legs]
    rows = [(cell, list(enumerate(cell["leg_us"], 1))) for cell in mine]
    y = _time_axis(
        "time until the answer", [q[name] for _, row in rows for _, q in row for name in BAND]
    )
    numbers = range(1, legs + 1) if legs <= 10 else (1, *range(5, legs + 1, 5))
    x = Axis("leg of the ladder", 1, legs, numbers, _whole)
    series = [
        Series(
            cell["transport"],
            styles[cell["transport"]],
            [(i, q["p50"]) for i, q in row],
            [(i, q["p10"], q["p90"]) for i, q in row],
        )
        for cell, row in rows
    ]
    title = f"{legs} legs"
    return _figure(title, "", draw(f"{title}: time until each is acknowledged", x, y, series))


BAND = ("p10", "p90")


def _growth_figure(cells: Sequence[Cell], styles: Mapping[str, str]) -> str:
    numbers = sorted({cell["legs"] for cell in cells})
    y = _time_axis("last leg acknowledged", [cell["last_us"][n] for cell in cells for n in BAND])
    x = Axis("legs in the ladder", numbers[0], numbers[-1], numbers, _whole, is_log=True)
    series = []
    for name in _first_seen(cells):
        mine = [cell for cell in cells if cell["transport"] == name]
        points = [(cell["legs"], cell["last_us"]["p50"]) for cell in mine]
        band = [(cell["legs"], cell["last_us"]["p10"], cell["last_us"]["p90"]) for cell in mine]
        series.append(Series(name, styles[name], points, band))
    text = "Median and area as above, against the size of the ladder."
    title = "How it grows"
    return _figure(title, text, draw("last answer against the size of the ladder", x, y, series))


def _shares_figure(legs: int, cells: Sequence[Cell], styles: Mapping[str, str]) -> str:
    mine = [cell for cell in cells if cell["legs"] == legs]
    samples = {
        cell["transport"]: [row["last_us"] for row in cell["rounds"].values()] for cell in mine
    }
    x = _time_axis("last leg acknowledged", [value for row in samples.values() for value in row])
    y = Axis("share of the rounds", 0, 1, [0, 0.25, 0.5, 0.75, 1], lambda value: f"{value:.0%}")
    series = [
        Series(name, styles[name], [(min(row), 0), *cumulative(row)], is_step=True, has_marks=False)
        for name, row in samples.items()
    ]
    title = f"All rounds, {legs} leg{'' if legs == 1 else 's'}"
    text = "The share of the rounds in which the last answer had come by then. Steep is steady."
    words = f"{title}: share of the rounds by time of the last answer"
    return _figure(title, text, draw(words, x, y, series, has_names=False))


def _time_axis(label: str, values: Sequence[float]) -> Axis:
    """An axis of times, logarithmic; its ends are round numbers around all values."""
    low, high = min(values) * 0.9, max(values) * 1.1
    return Axis(label, low, high, log_ticks(low, high), duration, is_log=True)


def _figure(title: str, text: str, svg: str) -> str:
    caption = f"<figcaption><b>{escape(title)}</b>{escape(text)}</figcaption>"
    return f"<figure>{caption}{svg}</figure>"


def _legend(words: Mapping[str, str], styles: Mapping[str, str]) -> str:
    rows = (f"<li>{swatch(styles[name])}{escape(text)}</li>" for name, text in words.items())
    return f'<ul class="legend">{"".join(rows)}</ul>'


# ---- tables ---------------------------------------------------------------------------------

COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("first<br>p50", "first_us", "p50"),
    ("middle<br>p50", "median_us", "p50"),
    ("last<br>p50", "last_us", "p50"),
    ("last<br>p90", "last_us", "p90"),
    ("last<br>p99", "last_us", "p99"),
    ("any leg<br>p99.9", "any_us", "p99.9"),
    ("answer to<br>event, p50", "event_us", "p50"),
)


def _table(cells: Sequence[Cell]) -> list[str]:
    heads = [*(name for name, _, _ in COLUMNS), "bursts", "refused", "no answer"]
    parts = [
        "<h2>Every figure</h2>",
        '<p class="soft">Times count from when the burst was due; first, middle and last leg '
        "to be answered. Bold is the least. An event that precedes its answer is negative.</p>",
        '<div class="wide"><table><thead><tr><th>legs</th><th class="text">transport</th>',
        *(f"<th>{head}</th>" for head in heads),
        "</tr></thead><tbody>",
    ]
    previous = None
    for cell in cells:
        best = _best(cells, cell["legs"])
        is_first, previous = cell["legs"] != previous, cell["legs"]
        parts.append(_row(cell, best, is_first))
    return [*parts, "</tbody></table></div>"]


def _best(cells: Sequence[Cell], legs: int) -> dict[str, float]:
    """The least figure of each column."""
    mine = [cell for cell in cells if cell["legs"] == legs]
    found = {}
    for head, name, share in COLUMNS[:-1]:
        found[head] = min((cell[name][share] for cell in mine if cell[name]), default=0.0)
    return found


def _row(cell: Cell, best: Mapping[str, float], is_first: bool) -> str:
    figures = []
    for head, name, share in COLUMNS:
        value = cell[name][share] if cell[name] else None
        kind = ' class="best"' if value is not None and value == best.get(head) else ""
        figures.append(f"<td{kind}>{'–' if value is None else duration(value)}</td>")
    refused = ", ".join(f"{n} {escape(code)}" for code, n in cell["refused"].items()) or "0"
    lost = cell["unknown"] + cell["unanswered"]
    return (
        f"<tr{' class=first' if is_first else ''}><td>{cell['legs'] if is_first else ''}</td>"
        f'<td class="text">{escape(cell["words"])}</td>{"".join(figures)}'
        f"<td>{cell['whole']}</td><td>{refused}</td><td>{lost}</td></tr>"
    )


def _comparisons(cells: Sequence[Cell], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    words = {cell["transport"]: cell["words"] for cell in cells}
    parts = [
        "<h2>The soonest beside the others</h2>",
        '<div class="wide"><table><thead><tr><th>legs</th><th class="text">answer</th>'
        '<th class="text">soonest</th><th class="text">beside</th><th>times as late</th>'
        "<th>later by</th><th>is that clear?</th></tr></thead><tbody>",
    ]
    for row in rows:
        low, high = duration(row["difference_low"]), duration(row["difference_high"])
        parts.append(
            f"<tr><td>{row['legs']}</td><td class=text>{row['which'].removesuffix('_us')}</td>"
            f"<td class=text>{escape(words[row['fast']])}</td>"
            f"<td class=text>{escape(words[row['slow']])}</td><td>{escape(times(dict(row)))}</td>"
            f"<td>{duration(row['difference'])} ({low} to {high})</td>"
            f"<td>{'yes' if row['is_clear'] else 'no'}</td></tr>"
        )
    return [*parts, "</tbody></table></div>"]


def _facts(data: Mapping[str, Any]) -> list[str]:
    run, late = data["run"], data["sent_late_us"]
    notes = [*NOTES, EMBEDDED_NOTE] if data["endpoint"]["kind"] == "embedded" else NOTES
    rows = dict(data["machine"])
    rows["command"] = f"<code>{escape(rows['command'])}</code>"
    rows = {name: text if name == "command" else escape(text) for name, text in rows.items()}
    rows["endpoint"] = escape(data["endpoint"]["words"])
    rows["orders"] = escape(
        f"post-only bids of {run['amount']}, {run['distance_percent']} % below the best bid of "
        f"{run['best_bid']} and lower"
    )
    rows["receive mode"] = escape(run["receive"])
    rows["schedule"] = escape(
        f"a burst every {run['interval_ms']:g} ms or later, {run['rounds']} rounds, "
        f"seed {run['seed']}"
    )
    if late:
        rows["punctuality"] = escape(
            f"bursts left {duration(late['p50'])} after they were due (p50), "
            f"{duration(late['p99'])} (p99)"
        )
    return [
        "<h2>Machine and command</h2>",
        "<dl>",
        *(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows.items()),
        "</dl>",
        "<h2>How it was measured</h2>",
        f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>",
    ]


def _first_seen(cells: Iterable[Cell]) -> list[str]:
    return list(dict.fromkeys(cell["transport"] for cell in cells))


_whole: Callable[[float], str] = "{:.0f}".format
