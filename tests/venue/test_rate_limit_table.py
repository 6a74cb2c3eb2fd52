"""Every endpoint has the limit of the venue's own table; skipped where the table is not at hand."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests import source_tree as source
from tests.venue.naive import Nonces, RestClient
from whitewire.venue import Venue, WireOptions

FROZEN = 1_800_000_000.0
FEWER = 0.005
# The mining pool is none of a market maker's business.
NOT_SERVED = {"public/mining-pool"}


def rows() -> list[tuple[str, str, int]]:
    """Method, path below the API's root, and limit."""
    for folder in source.ROOT.parents:
        table = folder / Path("shared", "venue", "rate-limits.tsv")
        if table.is_file():
            with table.open(newline="") as lines:
                found = list(csv.DictReader(lines, delimiter="\t"))
            return [
                (row["method"], row["path"].removeprefix("/api/v4/"), int(row["limit"]))
                for row in found
                if row["method"] != "ANY"
            ]
    return []


TABLE = rows()


@pytest.mark.skipif(not TABLE, reason="the venue's table of rate limits is not here")
def test_the_table_is_read_whole() -> None:
    assert len(TABLE) > 40
    assert {path for _, path, _ in TABLE} >= NOT_SERVED


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [row for row in TABLE if row[1] not in NOT_SERVED],
    ids=lambda value: str(value),
)
def test_the_limit_of_an_endpoint(method: str, path: str, limit: int) -> None:
    place = path.replace("{market}", "BTC_PERP" if "funding" in path else "BTC_USDT")
    allowed = max(1, int(limit * FEWER))
    wire = WireOptions(rate_scale=FEWER)
    with (
        Venue(traders=False, tls=False, wire=wire, clock=lambda: FROZEN) as venue,
        RestClient(venue, nonces=Nonces(lambda: FROZEN)) as rest,
    ):

        def status() -> int:
            if method == "GET":
                return rest.get(place.removeprefix("public/"))[0]
            return rest.post(place)[0]

        answers = [status() for _ in range(allowed + 1)]
    assert set(answers[:-1]) <= {200, 422}, "the endpoint is not served"
    assert answers[-1] == 429
