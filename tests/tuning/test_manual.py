"""`tuning/README.md`: fresh, whole, and true of the catalogue, the profiles and the files."""

from __future__ import annotations

import re

import pytest

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tests.tuning.renew import FILES, README, example
from tests.tuning.test_files import RENEW
from tests.tuning.test_shipped_profiles import NAMES, VENUE
from tests.tuning.tuner import KNOWN, context, named
from tunelib import cli, manual, units
from tunelib.catalogue import Entry
from whitewire.config import parse

DOCUMENT = manual.render()
GUIDE = manual.GUIDE.read_text(encoding="utf-8")
ID = re.compile(r"\b[PNICKSVTO]\d{1,2}\b")


def rows_of(id: str) -> list[list[str]]:
    """The rows about an entry."""
    return [cells(line) for line in DOCUMENT.splitlines() if line.startswith(f"| {id} |")]


def cells(line: str) -> list[str]:
    """Of a row, without what Markdown needs."""
    parts = re.split(r"(?<!\\)\|", line.strip().strip("|"))
    return [part.strip().strip("`").replace("\\|", "|").replace("\\*", "*") for part in parts]


def test_the_document_is_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert README.read_text(encoding="utf-8") == DOCUMENT, f"stale: {RENEW}"
    assert cli.main(["docs"]) == 0
    assert capsys.readouterr().out == DOCUMENT


@pytest.mark.parametrize("entry", list(KNOWN), ids=lambda entry: entry.id)
def test_every_entry_is_there_once_with_everything(entry: Entry) -> None:
    found = rows_of(entry.id)
    sources = ", ".join(entry.sources)
    if entry.tier == "X":
        assert found == [[entry.id, entry.title, entry.risk, sources]]
        return
    why, how = found
    said = {text: manual.SHORT.get(text, text) for text in (entry.four, entry.revert)}
    assert why[1:2] + why[3:] == [entry.title, entry.why, entry.risk, said[entry.four]]
    assert how[1:4] == [entry.read, entry.write, said[entry.revert]]
    assert how[5] == sources
    assert (how[4] == "–") == (not entry.requires)


@pytest.mark.parametrize("entry", list(KNOWN), ids=lambda entry: entry.id)
def test_entries_stand_below_their_tier(entry: Entry) -> None:
    headings = re.findall(r"^## (.*)$", DOCUMENT[: DOCUMENT.index(f"\n| {entry.id} |")], re.M)
    assert headings[-1] == manual.TIERS[entry.tier][0]


def test_rows_are_as_wide_as_their_tables() -> None:
    widths: list[int] = []
    for line in [*DOCUMENT.splitlines(), ""]:
        if line.startswith("|"):
            widths.append(len(cells(line)))
        else:
            assert len(set(widths)) <= 1, line
            widths = []


def test_conditions_are_said_in_words() -> None:
    used = {re.split("[<>=]", text)[0] for entry in KNOWN for text in entry.requires}
    assert used == set(manual.CONDITIONS)
    assert manual.requires(KNOWN["K1"]) == ">=3 CPUs, two cores, kernel with NO_HZ_FULL"


def test_the_guide_names_entries_that_there_are() -> None:
    assert set(ID.findall(GUIDE)) <= set(KNOWN.entries)
    order = ["placement", "instance", "kernel", "receive", "network", "CPUs", "sysctls", "stop"]
    [tree] = re.findall(r"^placement .*?^stop", GUIDE, re.M | re.S)
    assert [line.split()[0] for line in tree.splitlines() if line[0] != " "] == order


def test_what_is_in_no_profile_is_named() -> None:
    used = {id for name in NAMES for id in named(name).entries}
    left = {entry.id for entry in KNOWN if entry.changes} - used
    [sentence] = re.findall(r"^In no profile: (.*?)\. ", GUIDE, re.M | re.S)
    assert {ID.findall(part)[0] for part in sentence.split(";")} == left


def test_the_layout_is_that_of_real_hosts() -> None:
    for name, profile in (("amd4", "latency"), ("amd4", "aggressive")):
        plan = context(MemoryHost(SPECS[name]), named(profile)).plan
        row = f"| {plan.nic} | {plan.hot} | {plan.strategy} | – | {plan.receive} |"
        assert row in DOCUMENT


def test_files_are_those_that_are_rendered() -> None:
    listed = {path for path, _ in map(cells, manual.other_files().splitlines()[2:])}
    assert not [path for path in listed if not (FILES.parent / path).exists()]
    script = "files/etc/tuned/whitewire/script.sh"
    rendered = {f"files/{path}" for path in example() if not path.startswith("optional/")}
    assert rendered - {script} == {path for path in listed if "optional" not in path}


def test_the_gateway_accepts_the_configuration_that_the_units_need() -> None:
    config = parse(manual.configuration() + VENUE)
    unit = example()[f"{units.FOLDER}/whitewire@.service"]
    assert f"LoadCredential={config.account.key_credential}:" in unit
    assert f"LoadCredential={config.account.secret_credential}:" in unit
    [state] = re.findall(r"^StateDirectory=(.*)$", unit, re.M)
    assert config.journal.path == f"/var/lib/{state.replace('%i', 'main')}"
