"""What accounts share: a list that is asked for once, and a start that waits for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from tests.gateway_rig import live
from tests.test_config import GOOD
from whitewire.config import parse
from whitewire.errors import ConfigError, PeerError, StartupError
from whitewire.sharing import Shared

CONFIG = parse(GOOD)


class Line:
    """Answers `markets` with what was prepared; an answer is a turn of the loop away."""

    def __init__(self, answers: Iterable[tuple[int, bytes] | Exception]) -> None:
        self.answers = list(answers)

    async def call(self, name: str) -> tuple[int, bytes]:
        assert name == "markets"
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@live
async def test_the_market_list_is_asked_for_once() -> None:
    shared, first, second = Shared(CONFIG), Line([(200, b"[]")]), Line([])
    asked = [shared.market_list(line) for line in (first, second, second)]  # type: ignore[arg-type]
    assert await asyncio.gather(*asked) == [b"[]"] * 3


@pytest.mark.parametrize("failure", [(503, b""), PeerError("no-answer", "no answer")])
@live
async def test_an_account_that_cannot_get_it_leaves_it_to_the_next(
    failure: tuple[int, bytes] | Exception,
) -> None:
    shared, first, second = Shared(CONFIG), Line([failure]), Line([(200, b"[1]")])
    asked = [shared.market_list(line) for line in (first, second)]  # type: ignore[arg-type]
    told, got = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(told, StartupError | PeerError)
    assert got == b"[1]"


def test_there_is_one_tls_context(tmp_path: object) -> None:
    shared = Shared(CONFIG)
    assert shared.context() is shared.context()
    (tmp := tmp_path / "ca.pem").write_text("no certificate")  # type: ignore[operator]
    text = GOOD.replace("[markets", f'ca = "{tmp}"\n[markets', 1)
    with pytest.raises(ConfigError, match="not a PEM certificate"):
        Shared(parse(text)).context()


@live
async def test_everybody_waits_for_the_last_one_and_nobody_for_the_failed() -> None:
    shared, done = Shared(CONFIG, ("a", "b", "c")), []

    async def start(name: str) -> None:
        await shared.wait_for_all(name)
        done.append(name)

    tasks = [asyncio.create_task(start(name)) for name in "ab"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert done == []
    shared.arrived("c")  # it failed
    await asyncio.gather(*tasks)
    assert done == ["a", "b"]
    await Shared(CONFIG).wait_for_all("main")  # alone


@live
async def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whitewire.sharing.PATIENCE_S", 0.01)
    await Shared(CONFIG, ("a", "b")).wait_for_all("a")
