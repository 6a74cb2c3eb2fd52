"""Fixed windows for each address and bucket, scopes, and the block of an address."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from whitewire.venue.access.rate_limits import SCOPES, FixedWindow, RateLimiter
from whitewire.venue.options import RateLimit, WireOptions

THREE = RateLimit(3, 10)
BASE = 1_700_000_000.0


def test_a_window_lets_its_limit_pass_and_starts_again_at_the_next() -> None:
    limiter = RateLimiter(WireOptions())
    answers = [limiter.allow("a", "/x", THREE, BASE + second) for second in range(5)]
    assert answers == [True, True, True, False, False]
    assert limiter.allow("a", "/x", THREE, BASE + 10)


def test_addresses_and_endpoints_do_not_share_a_bucket() -> None:
    limiter = RateLimiter(WireOptions())
    for _ in range(3):
        assert limiter.allow("a", "/x", THREE, BASE)
    assert not limiter.allow("a", "/x", THREE, BASE)
    assert limiter.allow("b", "/x", THREE, BASE)
    assert limiter.allow("a", "/y", THREE, BASE)


def test_a_scope_is_shared_by_its_endpoints() -> None:
    scope = "/api/v4/main-account/"
    limiter = RateLimiter(WireOptions(rate_scale=0.002))
    allowed = int(SCOPES[scope].limit * 0.002)
    wide = RateLimit(1_000_000, 10)
    answers = [limiter.allow("a", f"{scope}{n}", wide, BASE) for n in range(allowed + 1)]
    assert answers == [True] * allowed + [False]


def test_a_refused_request_is_not_counted() -> None:
    limiter = RateLimiter(WireOptions(rate_scale=0.002))
    narrow, wide = RateLimit(500, 10), RateLimit(1_000_000, 10)
    path = "/api/v4/main-account/"
    assert limiter.allow("a", path + "x", narrow, BASE)
    for _ in range(5):
        assert not limiter.allow("a", path + "x", narrow, BASE)
    assert limiter.allow("a", path + "y", wide, BASE)
    assert not limiter.allow("a", path + "y", wide, BASE)


def test_windows_may_have_different_lengths() -> None:
    limiter = RateLimiter(WireOptions())
    token = RateLimit(1, 60)
    start = BASE - BASE % 60
    assert limiter.allow("a", "/t", token, start)
    assert not limiter.allow("a", "/t", token, start + 59)
    assert limiter.allow("a", "/t", token, start + 60)


def test_ten_refused_windows_in_a_row_block_the_address_for_a_minute() -> None:
    limiter = RateLimiter(WireOptions())
    one = RateLimit(1, 10)
    for window in range(10):
        assert limiter.allow("a", "/x", one, BASE + 10 * window)
        assert not limiter.allow("a", "/x", one, BASE + 10 * window)
    blocked_from = BASE + 90
    assert not limiter.allow("a", "/x", one, blocked_from + 59)
    assert not limiter.allow("a", "/other", one, blocked_from + 59)
    assert limiter.allow("b", "/x", one, blocked_from + 59)
    assert limiter.allow("a", "/x", one, blocked_from + 60)


def test_when_an_address_is_blocked_and_how_long_are_options() -> None:
    limiter = RateLimiter(WireOptions(rate_block_after_windows=2, rate_block_s=25.0))
    one = RateLimit(1, 10)
    for window in range(2):
        assert limiter.allow("a", "/x", one, BASE + 10 * window)
        assert not limiter.allow("a", "/x", one, BASE + 10 * window)
    assert not limiter.allow("a", "/x", one, BASE + 10 + 24)
    assert limiter.allow("a", "/x", one, BASE + 10 + 25)


def test_a_quiet_window_interrupts_the_row() -> None:
    limiter = RateLimiter(WireOptions())
    one = RateLimit(1, 10)
    for window in [*range(9), *range(10, 19)]:
        assert limiter.allow("a", "/x", one, BASE + 10 * window)
        assert not limiter.allow("a", "/x", one, BASE + 10 * window)
    assert limiter.allow("a", "/x", one, BASE + 190)


def test_a_fixed_window_is_aligned_to_the_epoch() -> None:
    window = FixedWindow()
    one = RateLimit(1, 10)
    assert window.has_room(one, 19.9)
    window.count += 1
    assert not window.has_room(one, 19.99)
    assert window.has_room(one, 20.0)


CALLS = st.lists(
    st.tuples(
        st.sampled_from(("a", "b")),
        st.sampled_from(("/api/v4/public/x", "/api/v4/public/y", "/z")),
        st.integers(0, 3),
    ),
    max_size=60,
)


@given(CALLS)
def test_answers_are_those_of_counting_from_scratch(calls: list[tuple[str, str, int]]) -> None:
    limiter = RateLimiter(WireOptions(rate_scale=0.0005))
    limits = {"/api/v4/public/x": 8_000, "/api/v4/public/y": 16_000, "/z": 4_000}
    scope = "/api/v4/public/"
    passed: list[tuple[str, str, int]] = []
    now = 0
    for address, path, pause in calls:
        now += pause
        window = [each for each in passed if each[0] == address and each[2] // 10 == now // 10]
        own = sum(each[1] == path for each in window)
        together = sum(each[1].startswith(scope) for each in window)
        expected = own < limits[path] * 0.0005 and (
            not path.startswith(scope) or together < SCOPES[scope].limit * 0.0005
        )
        limit = RateLimit(limits[path], 10)
        assert limiter.allow(address, path, limit, float(now)) == expected
        if expected:
            passed.append((address, path, now))
