"""Each channel has an age of its own; what is stale is told once, and remedied."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from whitewire.protocol.staleness import (
    DEPTH_AGE_NS,
    TICKER_AGE_NS,
    BookSample,
    Remedy,
    Staleness,
    Verdict,
)

SECOND = 1_000_000_000


def watch(
    judge: Staleness, start: int, seconds: float, sample: BookSample
) -> list[tuple[float, Verdict]]:
    """(seconds, verdict) of a market that stays as it is, looked at ten times a second."""
    found = []
    for tick in range(round(seconds * 10)):
        now = start + tick * SECOND // 10
        verdict = judge.check(sample, now)
        if verdict is not None:
            found.append((tick / 10, verdict))
    return found


def test_a_silent_book_is_subscribed_anew_and_then_given_up() -> None:
    judge = Staleness()
    judge.on_session(0)
    told = watch(judge, 0, 40, BookSample(0))
    assert [(at, v.channel, v.remedy) for at, v in told] == [
        (11.1, "depth", Remedy.RESUBSCRIBE),
        (21.2, "depth", Remedy.GIVE_UP),
        (31.3, "depth", Remedy.GIVE_UP),
    ]


def test_a_book_that_speaks_every_ten_seconds_is_fresh() -> None:
    judge = Staleness()
    for beat in range(10):
        assert watch(judge, beat * 10 * SECOND, 10.4, BookSample(beat * 10 * SECOND)) == []


def test_a_book_that_came_back_is_told_again_when_it_falls_silent_again() -> None:
    judge = Staleness()
    assert watch(judge, DEPTH_AGE_NS, 1, BookSample(0))
    assert watch(judge, 13 * SECOND, 1, BookSample(13 * SECOND)) == []
    ((_, verdict),) = watch(judge, 25 * SECOND, 1, BookSample(13 * SECOND))
    assert verdict.remedy is Remedy.RESUBSCRIBE


def test_the_markets_own_limit_counts_where_it_is_longer() -> None:
    assert watch(Staleness(30 * SECOND), 0, 29, BookSample(0)) == []
    assert watch(Staleness(1 * SECOND), 0, 10.9, BookSample(0)) == []


def test_a_new_session_has_its_time() -> None:
    judge = Staleness()
    judge.on_session(100 * SECOND)
    assert watch(judge, 100 * SECOND, 10.9, BookSample(5)) == []


def test_a_ticker_that_misses_what_the_book_shows_is_stale() -> None:
    judge = Staleness()
    sample = BookSample(20 * SECOND, 10 * SECOND, True)
    ((at, verdict),) = watch(judge, 20 * SECOND, 3, sample)
    assert at == TICKER_AGE_NS / 1e9 + 0.1
    assert (verdict.channel, verdict.remedy) == ("ticker", Remedy.GIVE_UP)


def test_a_ticker_may_be_silent_while_the_top_stands() -> None:
    assert watch(Staleness(), 0, 10, BookSample(10 * SECOND, 0, False)) == []


@given(st.lists(st.integers(0, 19), max_size=200))
def test_a_ticker_that_speaks_is_never_stale(pauses: list[int]) -> None:
    """However often tops differ: the ticker is the faster of the two."""
    judge, now = Staleness(), SECOND
    for pause in pauses:
        heard = now
        for _ in range(pause):
            now += SECOND // 10
            assert judge.check(BookSample(now, heard, True), now) is None
        judge.check(BookSample(now, now, True), now)
