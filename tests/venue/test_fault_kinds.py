"""The catalogue of faults: every row can be armed, and nonsense is refused in a sentence."""

from __future__ import annotations

import pytest

from whitewire.venue.faults.kinds import FAULTS, FaultValue, Strikes, check, did_you_mean


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_takes_its_own_arguments_and_facts(name: str) -> None:
    kind = FAULTS[name]
    args: dict[str, FaultValue] = {
        fact: "rest" if fact == "side" else "text" for fact in kind.facts
    }
    args |= {key: "BTC_USDT" if value == "" else value for key, value in kind.values.items()}
    assert check(name, args) is kind
    assert not kind.facts & kind.values.keys()


def test_what_lasts_says_how_long() -> None:
    states = {name for name, kind in FAULTS.items() if kind.strikes is Strikes.STATE}
    assert states == {"clock_skew", "maintenance"}
    assert all(FAULTS[name].lasts_s for name in states)


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("gaps", {}, "no fault is named 'gaps'; did you mean 'gap'"),
        ("zzzzzz", {}, "there are http_429"),
        ("slow_ack", {"mss": 5}, "does not take 'mss'; did you mean 'ms'"),
        ("gap", {"path": "/x"}, "does not take 'path'"),
        ("gap", {"market": 7}, "market of fault 'gap' was 7, not a text"),
        ("slow_ack", {"ms": "5"}, "ms of fault 'slow_ack' was '5', not a number"),
        ("slow_ack", {"ms": True}, "not a number"),
        ("slow_ack", {"ms": [5]}, "not a number"),
        ("slow_ack", {"ms": -1}, "ms of fault 'slow_ack' was -1"),
        ("clock_skew", {"by_s": float("nan")}, "was nan"),
        ("drop_rest", {"when": "during"}, "is before or after"),
        ("half_open", {"side": "both"}, "is rest or ws"),
        ("authorize_failed", {"code": 3}, "is 1 or 2 or 6 or 11"),
        ("ws_refused", {"error": 18}, "was 18, and is 1 or 2 or 3"),
        ("ws_timeout", {"when": "during"}, "is before or after"),
        ("drop_ws", {"when": "during"}, "is before or after"),
        ("late_order", {"path": "/x"}, "does not take 'path'"),
        ("market_delisted", {}, "needs market"),
    ],
)
def test_nonsense_is_refused(name: str, args: dict[str, FaultValue], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        check(name, args)


def test_a_clock_may_run_behind() -> None:
    assert check("clock_skew", {"by_s": -6}).values["by_s"] == 6.0


def test_the_nearest_name_is_suggested_or_all_are_listed() -> None:
    assert did_you_mean("clam", ("calm", "fast")) == "did you mean 'calm'?"
    assert did_you_mean("xyz", ("calm", "fast")) == "there are calm, fast"
