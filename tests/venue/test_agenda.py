"""Whose turn it is, against looking at everybody each time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from whitewire.venue.drivers.agenda import Agenda


@dataclass
class Worker:
    """Acts at given moments and notes it."""

    market: str
    moments: list[int]
    log: list[tuple[str, int]] = field(default_factory=list)

    def next_due(self) -> float:
        return self.moments[0] if self.moments else math.inf

    def act(self) -> None:
        self.log.append((self.market, self.moments.pop(0)))

    def skip_to(self, now: float) -> None:
        self.moments = sorted(max(moment, int(now)) for moment in self.moments)


CREWS = st.lists(st.lists(st.integers(0, 30), max_size=6).map(sorted), max_size=5)
STEPS = st.lists(
    st.tuples(st.sampled_from(("act", "skip", "drop")), st.integers(0, 30)), max_size=25
)


@given(crew=CREWS, steps=STEPS)
def test_turns_are_those_of_the_plain_way(
    crew: list[list[int]], steps: list[tuple[str, int]]
) -> None:
    log: list[tuple[str, int]] = []
    plain_log: list[tuple[str, int]] = []
    agenda = Agenda([Worker(str(n), list(moments), log) for n, moments in enumerate(crew)])
    plain = [Worker(str(n), list(moments), plain_log) for n, moments in enumerate(crew)]
    for step, number in steps:
        due = min((worker.next_due() for worker in plain), default=math.inf)
        assert agenda.next_due() == due
        if step == "act" and due < math.inf:
            agenda.act()
            min(plain, key=Worker.next_due).act()
        elif step == "skip":
            agenda.skip_to(number)
            for worker in plain:
                worker.skip_to(number)
        elif step == "drop":
            agenda.drop(str(number))
            plain = [worker for worker in plain if worker.market != str(number)]
    assert log == plain_log
