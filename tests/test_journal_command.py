"""`whitewire journal`, and where a configuration puts the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journal_rig import MARKETS, fact, fill, placed, start, write
from whitewire.cli import main
from whitewire.config import load
from whitewire.errors import ConfigError

CONFIG = """
[venue]
rest = "https://127.0.0.1:1"
public_rest = "https://127.0.0.1:2"
ws = "wss://127.0.0.1:3"
[markets.BTC_USDT]
max_order_amount = "1"
max_order_notional = "100000"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The journal of one account, beside a configuration."""
    (tmp_path / "gateway.toml").write_text(CONFIG)
    folder = tmp_path / "state" / "0123456789abcdef"
    folder.mkdir(parents=True)
    write(folder, 1, [start(1), *MARKETS], [placed(), fact(), fill(4)])
    return folder


@pytest.mark.parametrize("where", ["config", "all", "one"])
def test_the_journal_is_found_by_configuration_or_path(
    folder: Path, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    arguments = {
        "config": ["--config", str(folder.parent.parent / "gateway.toml")],
        "all": ["--path", str(folder.parent)],
        "one": ["--path", str(folder)],
    }[where]
    assert main(["journal", "show", "--table", "fills", "--json", *arguments]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["journal"] == folder.name
    (row,) = told["rows"]
    assert (row["deal_id"], row["price"], row["role"]) == (4, "60000", "maker")


def test_verify_reads_every_segment_and_tells_of_a_torn_tail(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = write(folder, 2, [start(2)])
    with newest.open("ab") as file:
        file.write(b"half")
    assert main(["journal", "verify", "--path", str(folder), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["rows"]
    assert (first["commits"], first["records"], first["torn"]) == (2, 6, 0)
    assert (second["segment"], second["torn"]) == (newest.name, 4)
    assert newest.read_bytes().endswith(b"half"), "it is only read"


def test_verify_names_the_place_of_the_damage(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = folder.glob("*.journal")
    damaged = bytearray(path.read_bytes())
    damaged[50] ^= 1
    path.write_bytes(damaged)
    assert main(["journal", "verify", "--path", str(folder)]) == 1
    told = capsys.readouterr()
    assert f"{path.name} is damaged at offset 28" in told.err
    assert told.out == ""


def test_verify_reports_a_fill_that_is_recorded_twice(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, 2, [start(2), fill(4)])
    assert main(["journal", "verify", "--path", str(folder)]) == 1
    assert "1 fills more than once" in capsys.readouterr().err


def test_rebuild_and_show_print_tables(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "rebuild", "--path", str(folder)]) == 0
    assert "6" in capsys.readouterr().out
    for table in ("sessions", "orders", "incidents"):
        assert main(["journal", "show", "--path", str(folder), "--table", table]) == 0
        told = capsys.readouterr().out
        assert table in told
        assert ("nothing" in told) == (table == "incidents")


def test_where_there_is_no_journal_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["journal", "verify", "--path", str(tmp_path)]) == 2
    assert "there is no journal in" in capsys.readouterr().err
    path = tmp_path / "gateway.toml"
    path.write_text(f'{CONFIG}\n[journal]\npath = "none"\n')
    assert main(["journal", "show", "--config", str(path)]) == 2
    assert "keeps no journal; set journal.path" in capsys.readouterr().err


def test_a_journal_is_beside_its_configuration(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    for text, expected in (
        ("", str(tmp_path / "state")),
        ('[journal]\npath = "books"', str(tmp_path / "books")),
        (f'[journal]\npath = "{tmp_path / "x"}"', str(tmp_path / "x")),
        ('[journal]\npath = "none"', "none"),
    ):
        path.write_text(f"{CONFIG}\n{text}\n")
        assert load(path).journal.path == expected
    path.write_text(f"{CONFIG}\n[journal]\ndurable_ms = 0\n")
    with pytest.raises(ConfigError, match="durable_ms"):
        load(path)
