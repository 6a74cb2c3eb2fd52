"""The page of a run: one file, well-formed, escaped, and what a real browser makes of it."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.bench_data import data
from whitewire.bench.page import page

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
VOID = {"meta", "br"}


class Checker(HTMLParser):
    """Notes tags that are not closed in their order, and everything that is referred to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.counts: Counter[str] = Counter()
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1
        self.references += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")


def checked(text: str) -> Checker:
    """What the page consists of, after it was found well-formed."""
    checker = Checker()
    checker.feed(text)
    assert checker.wrong == []
    assert checker.open == []
    return checker


def test_the_page_is_well_formed_and_needs_nothing_else() -> None:
    text = page(data())
    found = checked(text)
    assert found.references == []
    assert not re.search(r"https?:|url\(|@import|<script", text)
    assert found.counts["figure"] == 4  # 5 and 20 legs, how it grows, all rounds
    assert found.counts["h1"] == 1


def test_what_comes_from_a_run_is_escaped() -> None:
    text = page(data())
    assert "200 µs for each order &lt;serial&gt;" in text
    assert "a&lt;b.html" in text
    assert "<serial>" not in text


def test_the_page_says_what_the_run_says() -> None:
    run = data()
    text = page(run)
    for sentence in run["verdicts"]:
        assert sentence.partition("; choose ")[0] in text
    assert text.count("<tr") == 2 + len(run["cells"]) + len(run["comparisons"])
    assert "prefers-color-scheme: dark" in text


def test_a_run_without_figures_has_a_page_too() -> None:
    run = data()
    for cell in run["cells"]:
        empty = dict.fromkeys(("first_us", "median_us", "last_us", "any_us", "event_us"))
        cell.update(empty, rounds={}, leg_us=[])
    found = checked(page({**run, "verdicts": [], "comparisons": [], "sent_late_us": None}))
    assert found.counts["figure"] == 0


def test_a_single_leg_has_its_page() -> None:
    assert checked(page(data(legs=(1,)))).counts["figure"] == 1


# ---- in a browser ---------------------------------------------------------------------------

# Tells what only a browser knows; it is put into a copy of the page, which has no script itself.
PROBE = """
<pre id="probe"></pre><script>
const wrong = [];
const round = (r) => [r.left, r.top, r.right, r.bottom].map(Math.round).join(" ");
if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is too wide");
for (const svg of document.querySelectorAll("figure svg")) {
  const all = svg.getBoundingClientRect();
  if (all.width < 200 || all.height < 100) wrong.push("a chart is too small: " + round(all));
  for (const text of svg.querySelectorAll("text")) {
    const box = text.getBoundingClientRect();
    if (box.left < all.left - 1 || box.right > all.right + 1 || box.top < all.top - 1
        || box.bottom > all.bottom + 1) wrong.push("outside: " + text.textContent);
  }
  const texts = [...svg.querySelectorAll("text")].map((t) => [t, t.getBoundingClientRect()]);
  for (const [i, [one, a]] of texts.entries()) for (const [other, b] of texts.slice(i + 1)) {
    if (a.left + 1 < b.right && b.left + 1 < a.right && a.top + 4 < b.bottom
        && b.top + 4 < a.bottom)
      wrong.push("on each other: " + one.textContent + " and " + other.textContent);
  }
}
document.getElementById("probe").textContent = JSON.stringify(wrong);
</script></body>"""


def browse(tmp_path: Path, file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Opens a file in a browser without a window, a profile or a network."""
    assert BROWSER is not None
    return subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}", *arguments, file.as_uri(),
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip


DARK = ["--blink-settings=preferredColorScheme=0"]

# Counts the pixels of each colour of a picture; the browser is its decoder, too.
COUNTER = """<pre id="probe"></pre><img id="shot" src="data:image/png;base64,{}"><script>
const shot = document.getElementById("shot");
addEventListener("load", () => {{
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [shot.naturalWidth, shot.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(shot, 0, 0);
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  const counts = {{}};
  for (let i = 0; i < data.length; i += 4) {{
    const code = (data[i] << 16 | data[i + 1] << 8 | data[i + 2]).toString(16).padStart(6, "0");
    counts[code] = (counts[code] || 0) + 1;
  }}
  document.getElementById("probe").textContent = JSON.stringify(counts);
}});
</script>"""


def probed(done: subprocess.CompletedProcess[str]) -> Any:
    """What the probe of a page found."""
    assert "CONSOLE" not in done.stderr
    probe = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert probe is not None
    return json.loads(probe[1])


@pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")
@pytest.mark.parametrize(("width", "height"), [(1240, 1900), (520, 1900)])
def test_a_browser_finds_nothing_outside_and_nothing_on_each_other(
    tmp_path: Path, width: int, height: int
) -> None:
    file = tmp_path / "page.html"
    file.write_text(page(data()).replace("</body>", PROBE), encoding="utf-8")
    done = browse(tmp_path, file, f"--window-size={width},{height}", "--dump-dom")
    assert probed(done) == []


@pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")
def test_screenshots_show_lines_of_every_colour_in_light_and_dark(tmp_path: Path) -> None:
    file, count = tmp_path / "page.html", tmp_path / "count.html"
    file.write_text(page(data()), encoding="utf-8")
    style = re.findall(r"--(paper|s\d): #(\w{6})", page(data()))
    assert len(style) == 12, "six colours, light and dark"
    for scheme, colours in (([], style[:6]), (DARK, style[6:])):
        shot = tmp_path / "page.png"
        browse(tmp_path, file, "--window-size=1240,1200", f"--screenshot={shot}", *scheme)
        count.write_text(COUNTER.format(base64.b64encode(shot.read_bytes()).decode()))
        pixels = probed(browse(tmp_path, count, "--dump-dom"))
        (_, paper), *lines = colours
        assert pixels[paper] > 100_000
        for name, colour in lines:
            assert pixels.get(colour, 0) > 100, f"{name} is not to be seen"
