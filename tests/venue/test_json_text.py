"""The venue's two JSON styles, and reading numbers exactly."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.venue.wire import json_text

SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
VALUES = st.recursive(
    SCALARS.filter(lambda value: not isinstance(value, float) or abs(value) != float("inf")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_both_styles_say_the_same_as_the_standard_library_reads(value: Any) -> None:
    assert json.loads(json_text.spaced(value)) == value
    assert json.loads(json_text.compact(value)) == value


def test_spaced_style_is_the_captured_one() -> None:
    value = {"error": None, "result": {"status": "success", "rpi": False}, "id": 2000001}
    assert json_text.spaced(value) == (
        '{"error": null, "result": {"status": "success", "rpi": false}, "id": 2000001}'
    )
    assert json_text.spaced([1, ("a", True)]) == '[1, ["a", true]]'


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1785730136.2352009, "1785730136.2352009"),
        (1785730135.194067, "1785730135.194067"),
        (1785732678.2802551, "1785732678.2802551"),
        (1704067200.0, "1704067200.0"),
    ],
)
def test_times_have_up_to_seventeen_digits(seconds: float, text: str) -> None:
    assert json_text.real(seconds) == text


def test_compact_style_has_no_white_space_and_keeps_slashes() -> None:
    value = {"request": "/api/v4/orders", "list": [1, 2], "time": 1595792396.165973}
    assert json_text.compact(value) == (
        b'{"request":"/api/v4/orders","list":[1,2],"time":1595792396.165973}'
    )


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b'{ "b" : 1, "a":\n[1, 2] }', b'{"b":1,"a":[1,2]}'),
        (b'{"a":1,"a":2}', b'{"a":2}'),
        (b'{"a":1.50}', b'{"a":1.5}'),
        (b'{"a":"x  y"}', b'{"a":"x  y"}'),
    ],
)
def test_canonical_form(body: bytes, canonical: bytes) -> None:
    assert json_text.canonical(body) == canonical


def test_numbers_with_a_fraction_are_read_exactly() -> None:
    assert json_text.parse(b'{"a":0.1,"b":1e-5,"c":3}') == {
        "a": Decimal("0.1"),
        "b": Decimal("0.00001"),
        "c": 3,
    }
    assert isinstance(json_text.parse(b"0.1"), Decimal)


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b"[Infinity]", b"\xff"])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        json_text.parse(text)


@pytest.mark.parametrize("read", [json_text.parse, json_text.canonical, json_text.with_unknown])
def test_what_is_nested_too_deep_is_not_json(read: Callable[[bytes], object]) -> None:
    with pytest.raises(ValueError, match="deep"):
        read(b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize(
    ("body", "grown"),
    [
        (b'{"a":1.5}', b'{"unheardOf":{"nested":[null,true,1,"text"]},"a":1.5}'),
        (b"[{},[],7]", b'[{"unheardOf":{"nested":[null,true,1,"text"]}},[],7]'),
        (b'"text"', b'"text"'),
    ],
)
def test_with_unknown_adds_a_member_to_objects_only(body: bytes, grown: bytes) -> None:
    assert json_text.with_unknown(body) == grown


def test_a_value_without_a_json_form_is_refused() -> None:
    with pytest.raises(TypeError):
        json_text.spaced(Decimal(1))
    with pytest.raises(TypeError):
        json_text.compact(Decimal(1))


PIECES = st.sampled_from(
    [
        *("{", "}", "{}", "[]", ":", ",", " ", "\n", '"', '":"', '"a"', '"b"', '"a":', '"x:y"'),
        *("0", "1", "-0", "-1", "01", "1.0", "1e2", "true", "null"),
        *('"\\u0041"', '"/"', '"é"', '"b":"1"', '"a":"b"'),
    ]
)
MEMBERS = st.dictionaries(
    st.text("ab:, \\/", max_size=3),
    st.none()
    | st.booleans()
    | st.integers()
    | st.text('ab:,"\\é ')
    | st.floats(0, 9)
    | st.just([1]),
    min_size=1,
)


@given(
    st.lists(PIECES, max_size=9).map("".join) | MEMBERS.map(lambda v: json_text.compact(v).decode())
)
def test_what_is_evidently_canonical_is_canonical(text: str) -> None:
    body = text.encode()
    try:
        members = json_text.parse(body)
    except ValueError:
        members = {}
    if isinstance(members, dict) and json_text.is_evidently_canonical(body, members):
        assert json_text.canonical(body) == body


def test_a_plain_request_is_evidently_canonical_and_one_with_a_twist_is_not() -> None:
    plain = b'{"market":"BTC_USDT","price":"1.5","nonce":17,"ioc":false,"stp":null,"n":-3,"z":0}'
    assert json_text.is_evidently_canonical(plain, json_text.parse(plain))
    for twisted in (
        plain.replace(b",", b", ", 1),
        plain.replace(b"_", b"\\u005f"),
        plain.replace(b'"ioc"', b'"nonce"'),
        plain.replace(b"17", b"1.70"),
        plain.replace(b"17", b"-0"),
        plain.replace(b'"1.5"', b"[1]"),
    ):
        assert not json_text.is_evidently_canonical(twisted, json_text.parse(twisted))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_json_is_utf8_and_has_no_mark(encoding: str) -> None:
    with pytest.raises(ValueError):
        json_text.parse('{"a":1}'.encode(encoding))
