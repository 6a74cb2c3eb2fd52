"""What speaks against a pinning, on hosts of every kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.config_process import ProcessConfig
from whitewire.errors import ConfigError
from whitewire.protocol.pinning import Objection, PinFacts, objections


def cores(*siblings: tuple[int, ...], **more: Any) -> PinFacts:
    """A host of these cores."""
    by_cpu = {cpu: frozenset(core) - {cpu} for core in siblings for cpu in core}
    return PinFacts(frozenset(by_cpu), by_cpu, **more)


PLAIN4 = cores((0,), (1,), (2,), (3,))
PAIRED4 = cores((0, 2), (1, 3))
PAIRED2 = cores((0, 1))
SPIN = {"receive": "spin"}


def found(facts: PinFacts, **process: Any) -> list[Objection]:
    """Objections to a section of the configuration."""
    return objections(ProcessConfig(**process), facts)


@pytest.mark.parametrize(
    ("facts", "process"),
    [
        (PLAIN4, {}),
        (PLAIN4, {"cpu": 2}),
        (PLAIN4, {"cpu": 2, **SPIN}),
        (PLAIN4, {"cpu": 2, "housekeeping_cpus": (0, 1), **SPIN}),
        (PAIRED4, {"cpu": 1, "housekeeping_cpus": (0, 2), **SPIN}),
        (PAIRED4, {"housekeeping_cpus": (0,)}),
    ],
)
def test_good_places_have_none(facts: PinFacts, process: dict[str, Any]) -> None:
    assert found(facts, **process) == []


@pytest.mark.parametrize(
    ("facts", "process", "is_refusal", "what", "advice"),
    [
        (PAIRED4, {"cpu": 1, **SPIN}, True, "CPU 3", "housekeeping_cpus = [0, 2]"),
        (PAIRED4, {"cpu": 1}, False, "CPU 3", "housekeeping_cpus = [0, 2]"),
        (PAIRED4, {"cpu": 1, "housekeeping_cpus": (3,), **SPIN}, False, "CPU 3", "another core"),
        (PAIRED2, {"cpu": 1, **SPIN}, False, "CPU 0", "another core"),
        (PLAIN4, {"cpu": 0, **SPIN}, True, "housekeeping", "1, 2, 3"),
        (PLAIN4, {"cpu": 0}, False, "housekeeping", "1, 2, 3"),
        (cores((0,), (1,)), {"cpu": 0, **SPIN}, False, "housekeeping", "choose another: 1"),
        (cores((0,), (1,), (2,), card_cpus=frozenset({2})), {"cpu": 2, **SPIN}, False,
         "interrupts CPU 2", "measure"),
        (cores((0,), (1,), nodes={0: 0, 1: 1}, card_nodes=frozenset({0})), {"cpu": 1}, False,
         "memory node 1, the network card on 0", "near the card: 0"),
    ],
)  # fmt: skip
def test_rules(
    facts: PinFacts, process: dict[str, Any], is_refusal: bool, what: str, advice: str
) -> None:
    [one] = found(facts, **process)
    assert one.is_refusal is is_refusal
    assert what in one.what
    assert advice in one.advice


def test_the_card_may_interrupt_a_thread_that_sleeps() -> None:
    assert found(cores((0,), (1,), (2,), card_cpus=frozenset({2})), cpu=2) == []


def test_a_better_cpu_than_the_first_has_neither_sibling_nor_card() -> None:
    facts = cores((0, 2), (1, 3), card_cpus=frozenset({1}))
    refusal, *_ = found(facts, cpu=0, housekeeping_cpus=(1,), **SPIN)
    assert refusal.advice == "choose another: 3"


def test_places_that_are_not_allowed_are_errors_as_before() -> None:
    with pytest.raises(ConfigError, match="names CPU 9"):
        found(PLAIN4, cpu=9)


@given(
    st.integers(1, 8),
    st.integers(1, 2),
    st.data(),
    st.sampled_from(["block", "busy_poll", "spin"]),
)
def test_there_is_always_a_way_that_is_not_refused(
    count: int, threads: int, data: st.DataObject, receive: str
) -> None:
    facts = cores(*(tuple(range(core, count * threads, count)) for core in range(count)))
    if len(facts.allowed) == 1:
        return
    cpu = data.draw(st.sampled_from(sorted(facts.allowed)))
    refusals = [one for one in found(facts, cpu=cpu, receive=receive) if one.is_refusal]
    assert not refusals or receive == "spin"
    places = [
        {"cpu": one, "housekeeping_cpus": tuple(sorted(rest))}
        for one in facts.allowed
        if (rest := facts.allowed - {one} - facts.siblings[one] or facts.allowed - {one})
    ]
    assert any(
        not any(one.is_refusal for one in found(facts, **place, receive=receive))
        for place in places
    )
