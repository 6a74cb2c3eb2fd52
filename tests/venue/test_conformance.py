"""The conformance table, held against what the venue serves and against the tests that it names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from pathlib import Path

import pytest

from tests import source_tree as source
from whitewire.venue import Venue, WireOptions
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.faults.kinds import FAULTS
from whitewire.venue.options import RateLimit
from whitewire.venue.rest.app import Listener, RestApp
from whitewire.venue.values.reasons import Reason, VenueError
from whitewire.venue.values.ws_refusals import TEXTS, engine_refusal
from whitewire.venue.ws.orders import is_order_method

VENUE = source.PACKAGE / "venue"
TABLE = VENUE / "README.md"
COLOCATION = {"Spot": 15, "Collateral: margin and futures": 14, "Utility": 4}
PUBLIC_HOST = "Public-host endpoints"
CHANNELS = "WebSocket channels and service methods"
ORDER_METHODS = "WebSocket order methods"
OPTIONS = "Options: open questions and who decides them"
MISSING_PARTS = "Not implemented, or simpler than the real thing"

# Fields that decide no open question: documented cadences, limits and idle times that tests
# shorten, sizes of memories, first ids, the traders.
SIZES = {
    *("rate_scale", "ws_idle_s", "ws_place_requests", "ws_requests", "ws_connects"),
    *("margin_balance_interval_ms", "positions_interval_ms", "depth_interval_ms"),
    *("depth_keepalive_s", "balance_interval_ms", "lastprice_interval_ms"),
    *("market_interval_ms", "candles_interval_ms"),
    *("traded_markets", "traders", "history_limit", "trade_limit", "catch_up_limit_s"),
    *("first_order_id", "first_deal_id", "first_update_id"),
}

# How tests of the collateral account spell these paths, see `collateral.wire`.
WIRE_WORDS = {
    "order/collateral/limit": r"LIMIT\b|limit\(",
    "order/collateral/market": r"MARKET\b|market\(",
    "order/collateral/stop-limit": r"STOP_LIMIT\b",
    "order/collateral/trigger-market": r"TRIGGER_MARKET\b",
    "order/collateral/oco": r"OCO\b",
    "order/collateral/bulk": r"BULK\b",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        heading: the nearest heading above it.
        cells: by the name of the column.
    """

    heading: str
    cells: Mapping[str, str]

    def words(self, column: str) -> list[str]:
        """What is inline code in a cell."""
        return re.findall(r"`([^`]+)`", self.cells[column])

    @property
    def name(self) -> str:
        """The first word of the first column."""
        return self.words(next(iter(self.cells)))[0]


@cache
def rows() -> tuple[Row, ...]:
    """Every row of every table, in order."""

    def read() -> Iterator[Row]:
        heading, columns = "", []
        for line in source.text(TABLE).splitlines():
            if line.startswith("#"):
                heading = line.lstrip("# ")
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if not line.startswith("|"):
                columns = []
            elif not columns:
                columns = cells
            elif set(line) - set("|- "):
                assert len(cells) == len(columns), line
                yield Row(heading, dict(zip(columns, cells, strict=True)))

    return tuple(read())


def under(*headings: str) -> list[Row]:
    found = [row for row in rows() if row.heading in headings]
    assert {row.heading for row in found} == set(headings)
    return found


def once(names: list[str]) -> set[str]:
    """The names as a set; none may be there twice."""
    assert len(set(names)) == len(names), names
    return set(names)


# ---- what is served is listed, what is listed is served ---------------------------------------


class NoScope:
    """Nobody is told of requests."""

    def begin_request(self) -> None:
        """Nothing happens."""

    def end_request(self) -> None:
        """Nothing happens."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a default venue serves."""

    colocation: set[str]
    public: set[str]
    methods: set[str]


@pytest.fixture(scope="module")
def served() -> Served:
    with Venue(traders=False, tls=False) as venue:
        server = venue._server
        assert server._service is not None
        listeners = [
            {
                f"{method} {path}{'{market}' if path.endswith('/') else ''}"
                for method, path in RestApp(server.core, listener, NoScope()).routes()
            }
            for listener in (Listener.COLOCATION, Listener.PUBLIC)
        ]
        return Served(*listeners, set(server._service.methods.names()))


def test_the_33_colocation_endpoints(served: Served) -> None:
    listed = under(*COLOCATION)
    for heading, count in COLOCATION.items():
        assert len([row for row in listed if row.heading == heading]) == count
    assert len(listed) == 33
    assert once([row.name for row in listed]) == served.colocation


def test_the_endpoints_of_the_public_host(served: Served) -> None:
    assert served.colocation < served.public
    listed = once([row.name for row in under(PUBLIC_HOST)])
    assert listed == served.public - served.colocation


def test_the_methods_of_the_channels(served: Served) -> None:
    listed = once([name for row in under(CHANNELS) for name in row.words("methods")])
    assert listed == {name for name in served.methods if not is_order_method(name)}


def test_the_21_order_methods(served: Served) -> None:
    listed = once([row.name for row in under(ORDER_METHODS)])
    assert len(listed) == 21
    assert listed == {name for name in served.methods if is_order_method(name)}


def test_the_faults_and_their_arguments() -> None:
    listed = under("Faults")
    assert once([row.name for row in listed]) == set(FAULTS)
    for row in listed:
        kind = FAULTS[row.name]
        assert once(row.words("arguments")) == {*kind.values, *kind.facts}, row.name
        stated = dict(re.findall(r"`(\w+)` = ([\w.]+)", row.cells["arguments"]))
        assert stated == {key: str(value) for key, value in kind.values.items() if value != ""}


def spelled(value: object) -> str:
    """A default as the table writes it."""
    match value:
        case Enum():
            return str(value.value)
        case bool():
            return str(value).lower()
        case RateLimit(limit=limit, per_s=seconds):
            return f"{limit} / {seconds} s"
        case None | frozenset() | dict():
            assert not value
            return "none"
    return str(value)


def test_the_options_and_their_defaults() -> None:
    defaults = {
        field.name: spelled(getattr(options, field.name))
        for options in (WireOptions(), ExchangeOptions())
        for field in fields(options)
    }
    assert set(defaults) >= SIZES
    listed = under(OPTIONS)
    assert once([row.name for row in listed]) == set(defaults) - SIZES
    for row in listed:
        assert row.cells["default"] == defaults[row.name], row.name
        assert row.cells["alternative"], row.name


def test_the_numbers_that_only_a_fault_produces() -> None:
    prose = source.text(TABLE).partition(f"## {MISSING_PARTS}")[2]
    [numbers] = re.findall(r"only the fault `ws_refused` produces\*\*:\s*([\d,\s]+)\.", prose)
    listed = {int(number) for number in numbers.split(",")}
    assert listed < set(TEXTS)
    by_engine = {
        engine_refusal(VenueError(422, 30, "", {}, reason=reason)).code for reason in Reason
    }
    by_name = {
        int(number)
        for path in VENUE.rglob("*.py")
        for number in re.findall(r"(?:\brefused|\bWsRefusal)\((\d+)", source.text(path))
    }
    by_methods = {1, 2, 3, 4, 5, 6, 7, 9, 10000, 10001}
    assert listed == set(TEXTS) - by_engine - by_name - by_methods


# ---- what the rows say can be looked up -------------------------------------------------------


def test_rules_are_where_they_are_said_to_be() -> None:
    listed = under("Rules")
    once([row.cells["module"] for row in listed])
    for row in listed:
        docstring = ast.get_docstring(source.tree(VENUE / row.words("module")[0])) or ""
        numbers = re.findall(rf"^\s*(?:\* +)?{row.cells['rules']}\d+ ", docstring, re.MULTILINE)
        assert numbers, row


def mentions(path: str, name: str) -> bool:
    """Whether a test module names an endpoint, method, fault or option, or its helper does."""
    text = source.text(source.ROOT / path)
    if " /api/v4/" in name:
        tail = name.partition(" /api/v4/")[2].removesuffix("/{market}").removeprefix("public/")
        if "collateral.wire import" in text and tail in WIRE_WORDS:
            return re.search(rf"\b(?:{WIRE_WORDS[tail]})", text) is not None
        return re.search(rf'["/]{re.escape(tail)}["/?]', text) is not None
    if is_order_method(name) and name.endswith("_place") and "order_socket import" in text:
        kind = name.removesuffix("_place").removeprefix("collateral_").removeprefix("order_")
        if re.search(rf'["(]{kind}"|\.{kind}\(', text):
            return True
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def names_of(row: Row) -> list[str]:
    return row.words("methods") if "methods" in row.cells else [row.name]


TESTED = [row for row in rows() if "tests" in row.cells]


@pytest.mark.parametrize("row", TESTED, ids=lambda row: next(iter(row.cells.values())))
def test_the_named_tests_show_it(row: Row) -> None:
    named = row.words("tests")
    assert named
    for path in once(named):
        assert (source.ROOT / path).is_file(), path
        assert re.search(r"^def test_", source.text(source.ROOT / path), re.MULTILINE), path
        assert any(mentions(path, name) for name in names_of(row)), path
    for name in names_of(row):
        assert any(mentions(path, name) for path in named), name


def test_a_module_that_does_not_mention_it_is_noticed() -> None:
    assert not mentions("tests/venue/test_tls.py", "POST /api/v4/orders")
    assert not mentions("tests/venue/test_rest_public.py", "POST /api/v4/order/market")
    assert not mentions("tests/venue/test_ws_orders.py", "collateral_order_oco_place")
    assert not mentions("tests/venue/test_rest.py", "gap")
    assert len(TESTED) > 150


# ---- sources ----------------------------------------------------------------------------------

SOURCES = [row for row in rows() if "source" in row.cells]


def test_every_row_has_a_source() -> None:
    for row in SOURCES:
        assert re.match(r"(PROTOCOL|WS-ORDERS) \d", row.cells["source"]), row


def shelf() -> Path | None:
    """The folder of the protocol notes, where they are at hand."""
    found = (folder / "shared" / "venue" for folder in source.ROOT.parents)
    return next((folder for folder in found if (folder / "PROTOCOL.md").is_file()), None)


SHELF = shelf()


@pytest.mark.skipif(SHELF is None, reason="the protocol notes are not here")
def test_sources_are_sections_of_the_notes() -> None:
    assert SHELF is not None
    headings = {
        name: set(re.findall(r"^#+ ([\d.]*\d)", source.text(SHELF / f"{name}.md"), re.MULTILINE))
        for name in ("PROTOCOL", "WS-ORDERS")
    }
    documents = {path.stem for path in (SHELF / "spec").rglob("*.yaml")}
    for row in SOURCES:
        for part in row.cells["source"].split("; "):
            name, _, sections = part.partition(" ")
            if not sections:
                assert name in documents, row
                continue
            for section in sections.split(", "):
                number = section.split(" #")[0]
                assert section.startswith("#") or number in headings[name], (row.name, section)
