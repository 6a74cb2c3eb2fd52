"""`whitewire bench acks` from outside: a tiny run, its files, and what it refuses to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench_data import data
from tests.test_bench_page import checked
from whitewire.bench import acks
from whitewire.cli import main
from whitewire.venue import Venue

LIVE = ["bench", "acks", "--live"]
CAPS = ["--max-orders", "100", "--max-notional", "500", "--rate", "50"]
CONFIG = """
[venue]
rest = "{venue.rest}"
public_rest = "{venue.public_rest}"
ws = "{venue.ws}"
ca = "{venue.ca}"
[account]
key_env = "BENCH_KEY"
secret_env = "BENCH_SECRET"
[orders]
connections = 2
[journal]
path = "none"
[markets.BTC_USDT]
max_order_amount = "1"
max_order_notional = "1000"
collar_percent = "15"
"""


def bench(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a process of its own."""
    command = [sys.executable, "-m", "whitewire", "bench", "acks", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={**os.environ, **environment},
    )


def test_a_tiny_run_measures_every_way_and_leaves_nothing(tmp_path: Path) -> None:
    file, html = tmp_path / "acks.json", tmp_path / "acks.html"
    done = bench(
        "--rounds", "1", "--legs", "1,2", "--service-us", "5000", "--interval-ms", "20",
        "--json", str(file), "--html", str(html),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "choose" in done.stdout or "no clear difference" in done.stdout
    run = json.loads(file.read_text())
    orders = run["orders"]
    assert (orders["resting_at_end"], orders["clean_stop"], orders["whole_schedule"]) == (
        0,
        True,
        True,
    )
    ways = {cell["transport"] for cell in run["cells"]}
    assert ways == {"sequential", "pipelined-1", "pipelined-4", "bulk", "websocket"}
    assert orders["placed"] == 3 * (1 + 2) * len(ways)
    for cell in run["cells"]:
        assert (cell["whole"], cell["refused"], cell["unknown"]) == (1, {}, 0)
        first, last = cell["first_us"]["p50"], cell["last_us"]["p50"]
        # no leg is answered before its time of service is over
        assert first >= 5000
        assert last >= 5000 * (1 if cell["transport"] == "pipelined-4" else cell["legs"])
        assert first == last if cell["legs"] == 1 else first <= last
        assert cell["event_us"] is not None, "the private events came"
    assert run["endpoint"]["service"] == "serial"
    assert "bench acks --rounds 1" in run["machine"]["command"]
    assert checked(html.read_text(encoding="utf-8")).counts["figure"] == 3


def test_a_rehearsal_of_a_live_run_keeps_to_its_caps(tmp_path: Path) -> None:
    config, file = tmp_path / "gateway.toml", tmp_path / "acks.json"
    with Venue(scenario="calm") as venue:
        account = venue.accounts[0]
        config.write_text(CONFIG.format(venue=venue))
        done = bench(
            "--live", "--config", str(config), "--max-orders", "30", "--max-notional", "100",
            "--rate", "200", "--legs", "5", "--transport", "bulk", "--transport", "pipelined-2",
            "--rounds", "1", "--interval-ms", "10", "--json", str(file),
            BENCH_KEY=account.key, BENCH_SECRET=account.secret,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        finished = venue.call(lambda e: e.finished_orders_of(account.name, "BTC_USDT"))
        assert venue.call(lambda e: e.open_orders_of(account.name, "BTC_USDT")) == []
        assert venue.call(lambda e: e.kill_switch_status(account.name)) == []
    run = json.loads(file.read_text())
    assert run["orders"]["placed"] == len(finished) == 30
    assert [cell["refused"] for cell in run["cells"]] == [{}, {}]
    best_bid = float(run["run"]["best_bid"])
    for order in finished:
        assert order.post_only
        assert float(order.price or 0) < best_bid * 0.91
        assert not order.deal_stock


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (LIVE, "--max-orders, --max-notional, --rate"),
        ([*LIVE, "--config", "x.toml"], "--max-orders, --max-notional, --rate"),
        ([*LIVE, *CAPS[2:]], "no default for --max-orders"),
        ([*LIVE, *CAPS], "--config FILE"),
        ([*LIVE, *CAPS, "--config", "missing.toml"], "missing.toml"),
        ([*LIVE, *CAPS[:4], "--rate", "1001"], "the venue takes 1000 placements a second"),
        ([*LIVE, *CAPS[:2], "--max-notional", "much", *CAPS[4:]], "--max-notional was much"),
        (["bench", "acks", *CAPS[:2]], "--max-orders was given without --live"),
        (["bench", "acks", "--config", "x.toml"], "--config was given without --live"),
        (["bench", "acks", "--legs", "0,5"], "--legs was 0,5"),
        (["bench", "acks", "--legs", "21"], "from 1 to 20"),
        (["bench", "acks", "--rounds", "-1"], "--rounds was -1"),
        (["bench", "acks", "--transport", "pigeon"], "there is no transport pigeon"),
        (["bench", "acks", "--distance-percent", "0.5"], "nearer orders might be filled"),
        (["bench", "acks", "--html", "/no/such/folder/x"], "cannot write --html"),
    ],
    ids=lambda value: " ".join(value[2:]) if isinstance(value, list) else None,
)
def test_what_it_refuses_is_one_sentence_and_exit_code_2(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("whitewire: ")
    assert word in said.err
    assert said.err.count("\n") == 1


def test_a_real_venue_needs_its_limits_and_a_collar_that_allows_the_distance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gateway.toml"
    real = {"rest": "https://colo.example", "public_rest": "https://x.example"}
    text = CONFIG.replace('ca = "{venue.ca}"\n', "").replace("{venue.ws}", "wss://x.example/ws")
    for name, url in real.items():
        text = text.replace(f"{{venue.{name}}}", url)
    config.write_text(text)
    arguments = [*LIVE, *CAPS, "--config", str(config), "--legs", "1", "--rounds", "1"]
    assert main(arguments) == 2
    assert "live trading has no default for limits.max_open_orders" in capsys.readouterr().err
    local = text.replace("colo.example", "127.0.0.1").replace("x.example", "127.0.0.1")
    config.write_text(local)
    assert main([*arguments, "--distance-percent", "15"]) == 2
    assert "beyond the collar of 15 %" in capsys.readouterr().err
    assert main([*arguments[:-1], "99"]) == 2
    assert "--max-orders is 100" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"resting_at_end": 1}, 1),
        ({"clean_stop": False}, 1),
        ({"whole_schedule": False, "resting_at_end": None}, 1),
    ],
)
def test_the_exit_code_says_whether_all_was_sent_and_nothing_rests(
    changes: dict[str, object],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = data()
    found["orders"].update(changes)
    monkeypatch.setattr(acks, "_embedded", lambda options: found)
    assert main(["bench", "acks"]) == code
    said = capsys.readouterr().out
    assert ("NOT CLEAN" in said) == (
        changes.keys() == {"resting_at_end"} or "clean_stop" in changes
    )
