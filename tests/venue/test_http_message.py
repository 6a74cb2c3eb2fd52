"""The bytes of a response, whole and mutilated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.venue.wire.http_message import Delivery, HttpResponse, front_page


def split(data: bytes) -> tuple[list[str], bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


def test_a_json_response_delimits_itself() -> None:
    lines, body = split(HttpResponse(200, b"[1]").encode(close=False))
    assert lines == ["HTTP/1.1 200 OK", "Content-Type: application/json", "Content-Length: 3"]
    assert body == b"[1]"


def test_an_empty_404_has_no_type() -> None:
    lines, body = split(HttpResponse(404).encode(close=False))
    assert lines == ["HTTP/1.1 404 Not Found", "Content-Length: 0"]
    assert body == b""


def test_closing_is_announced() -> None:
    lines, _ = split(HttpResponse(200, b"[]").encode(close=True))
    assert "Connection: close" in lines


def test_a_status_that_http_does_not_know_is_printed() -> None:
    lines, _ = split(HttpResponse(453, b"{}").encode(close=False))
    assert lines[0].startswith("HTTP/1.1 453 ")


@pytest.mark.parametrize("body", [b"", b"a", b"abcd", b"x" * 300])
def test_a_chunked_body_decodes_to_the_same(body: bytes) -> None:
    lines, rest = split(HttpResponse(200, body, delivery=Delivery.CHUNKED).encode(close=False))
    assert "Transfer-Encoding: chunked" in lines
    assert not any(line.startswith("Content-Length") for line in lines)
    decoded = b""
    while True:
        size_text, _, rest = rest.partition(b"\r\n")
        size = int(size_text, 16)
        if size == 0:
            break
        decoded += rest[:size]
        assert rest[size : size + 2] == b"\r\n"
        rest = rest[size + 2 :]
    assert decoded == body
    assert rest == b"\r\n"


def test_a_truncated_body_is_shorter_than_announced() -> None:
    response = HttpResponse(200, b"12345678", delivery=Delivery.TRUNCATED)
    lines, body = split(response.encode(close=True))
    assert "Content-Length: 8" in lines
    assert body == b"1234"


def test_front_pages_are_not_json() -> None:
    too_many, down = front_page(429), front_page(503)
    assert (too_many.status, too_many.body) == (429, b"Too Many Requests")
    assert too_many.content_type == down.content_type == "text/html"
    assert b"503 Service Unavailable" in down.body


@given(
    status=st.sampled_from((200, 400, 404, 422, 429, 453, 500, 503)),
    body=st.binary(max_size=50),
    delivery=st.sampled_from((Delivery.NORMAL, Delivery.CLOSE, Delivery.TRUNCATED)),
    close=st.booleans(),
)
def test_the_head_is_the_plain_list_of_its_lines(
    status: int, body: bytes, delivery: Delivery, close: bool
) -> None:
    lines, rest = split(HttpResponse(status, body, "text/x", delivery).encode(close=close))
    assert lines[0].split(" ", 2)[:2] == ["HTTP/1.1", str(status)]
    assert lines[0].split(" ", 2)[2]
    assert lines[1:] == [
        *(["Content-Type: text/x"] if body else []),
        f"Content-Length: {len(body)}",
        *(["Connection: close"] if close else []),
    ]
    assert rest == (body[: len(body) // 2] if delivery is Delivery.TRUNCATED else body)
