//! The response parser: what it accepts and what it refuses.

#[path = "order_support/stream.rs"]
mod stream;

use stream::{pieces, run, Outcome, Response, LIMITS};
use whitewire_core::http1::{HttpError, Progress, ResponseParser, MAX_HEADERS};

fn whole(stream: &[u8]) -> Outcome {
    run(&mut ResponseParser::new(LIMITS), std::iter::once(stream))
}

fn only(stream: &str) -> Response {
    let outcome = whole(stream.as_bytes());
    assert!(outcome.end.is_ok(), "{stream:?}: {:?}", outcome.end);
    assert_eq!(outcome.responses.len(), 1, "{stream:?}");
    outcome.responses[0].clone()
}

fn error(stream: &str) -> HttpError {
    let by_byte = run(&mut ResponseParser::new(LIMITS), pieces(stream.as_bytes(), vec![1]));
    let outcome = whole(stream.as_bytes());
    assert_eq!(outcome, by_byte, "{stream:?}");
    outcome.end.expect_err(stream)
}

fn head(lines: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{lines}\r\n")
}

#[test]
fn a_sized_body_is_taken_and_the_next_response_found() {
    let stream = head("Content-Length: 5\r\n") + "hello" + &head("content-length:0\r\n");
    let outcome = whole(stream.as_bytes());
    let response = |body: &[u8]| Response { status: 200, body: body.to_vec(), keep_alive: true };
    assert_eq!(outcome.responses, [response(b"hello"), response(b"")]);
    assert_eq!(outcome.end, Ok(None));
}

#[test]
fn chunks_are_joined_and_extensions_and_trailers_passed_over() {
    let stream = head("Transfer-Encoding: Chunked\r\n")
        + "5;name=\"va lue\"\r\nhello\r\n0A\r\n, worldly.\r\n000\r\nX-Sum: 1\r\nY:\r\n\r\n";
    assert_eq!(only(&stream).body, b"hello, worldly.");
    assert_eq!(only(&(head("transfer-encoding:chunked\r\n") + "0\r\n\r\n")).body, b"");
}

#[test]
fn headers_are_found_in_any_case() {
    let mut parser = ResponseParser::new(LIMITS);
    let stream =
        head("Retry-After: 7 \r\nX-Twice: a\r\nx-twice: b\r\nEmpty:\r\nContent-Length: 0\r\n");
    assert_eq!(parser.advance(&mut stream.as_bytes()), Ok(Progress::Response));
    assert_eq!(parser.header(b"retry-after"), Some(&b"7"[..]));
    assert_eq!(parser.header(b"X-TWICE"), Some(&b"a"[..]));
    assert_eq!(parser.header(b"empty"), Some(&b""[..]));
    assert_eq!(parser.header(b"absent"), None);
}

#[test]
fn interim_responses_are_skipped_but_not_for_ever() {
    let interim = "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n";
    let last = head("Content-Length: 1\r\n") + "x";
    assert_eq!(only(&(interim.repeat(8) + &last)).body, b"x");
    assert_eq!(error(&(interim.repeat(9) + &last)), HttpError::UnexpectedInterim);
    let switch = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    assert_eq!(error(switch), HttpError::UnexpectedInterim);
    assert_eq!(error(interim), HttpError::Truncated, "an interim response promises another");
}

#[test]
fn some_statuses_have_no_body_whatever_they_say() {
    for status in [204, 304] {
        let stream = format!("HTTP/1.1 {status} x\r\nContent-Length: 9\r\n\r\n");
        let stream = stream + &head("Content-Length: 0\r\n");
        let outcome = whole(stream.as_bytes());
        assert_eq!(outcome.responses.len(), 2);
        assert_eq!(outcome.responses[0].body, b"");
    }
}

#[test]
fn without_a_length_the_body_ends_with_the_connection() {
    let response = only(&(head("") + "to the end"));
    assert_eq!(response.body, b"to the end");
    assert!(!response.keep_alive);
    assert_eq!(only(&head("")).body, b"");
}

#[test]
fn who_keeps_the_connection() {
    let keeps = |version: &str, lines: &str| {
        only(&format!("HTTP/{version} 200 OK\r\nContent-Length: 0\r\n{lines}\r\n")).keep_alive
    };
    assert!(keeps("1.1", ""));
    assert!(keeps("1.1", "Connection: keep-alive\r\n"));
    assert!(!keeps("1.1", "Connection: close\r\n"));
    assert!(!keeps("1.1", "Connection: Foo , CLOSE\r\n"));
    assert!(!keeps("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
    assert!(!keeps("1.0", ""));
    assert!(keeps("1.0", "Connection: Keep-Alive\r\n"));
    assert!(!keeps("1.0", "Connection: closed\r\n"));
}

#[test]
fn nothing_may_follow_the_last_response() {
    let closed = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(whole(closed.as_bytes()).end, Ok(None));
    assert_eq!(error(&format!("{closed}H")), HttpError::AfterClose);
}

#[test]
fn lengths_that_lie_are_refused() {
    let sized = |lines: &str| error(&(head(lines) + "hello"));
    for value in
        ["", "-1", "+5", "5 5", "5,5", "0x5", "5.0", "five", "9999999999999999999999", "\t5\u{b}"]
    {
        let lines = format!("Content-Length: {value}\r\n");
        assert!(
            matches!(sized(&lines), HttpError::BadContentLength | HttpError::BadHead),
            "{value:?}"
        );
    }
    let twice = "Content-Length: 5\r\nContent-Length: 5\r\n";
    assert_eq!(sized(twice), HttpError::BadContentLength);
    let conflicting = "Content-Length: 5\r\nContent-Length: 6\r\n";
    assert_eq!(sized(conflicting), HttpError::BadContentLength);
    assert_eq!(sized("Content-Length: 6\r\n"), HttpError::Truncated);
    assert_eq!(sized("Content-Length: 4\r\n"), HttpError::NotHttp);
    assert_eq!(sized("Content-Length: 4097\r\n"), HttpError::BodyTooLong);
    assert_eq!(sized("Content-Length: 999999999999999\r\n"), HttpError::BodyTooLong);
}

#[test]
fn transfer_codings_other_than_chunked_are_refused() {
    let coded = |lines: &str| error(&(head(lines) + "0\r\n\r\n"));
    for lines in [
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
    ] {
        assert_eq!(coded(lines), HttpError::BadTransferEncoding, "{lines:?}");
    }
    let old = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(error(old), HttpError::BadTransferEncoding);
}

#[test]
fn malformed_chunks_are_refused() {
    let chunked = |body: &str| error(&(head("Transfer-Encoding: chunked\r\n") + body));
    let long_extension = format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(256));
    for body in [
        "\r\n",
        "x\r\n",
        "-1\r\n",
        "+1\r\nx",
        "0x1\r\nx",
        "1 \r\nx\r\n",
        " 1\r\nx\r\n",
        "1\nx\r\n",
        "1\r\nxx\r\n",
        "1\r\nx\n",
        "1\r\nx\rx",
        "1;\u{1}\r\nx\r\n",
        ";a\r\n",
        "1111111111111111\r\n",
        long_extension.as_str(),
    ] {
        assert_eq!(chunked(body), HttpError::BadChunk, "{body:?}");
    }
    assert_eq!(chunked("1001\r\n"), HttpError::BodyTooLong);
    assert_eq!(chunked("800\r\n"), HttpError::Truncated);
    assert_eq!(chunked("0\r\n"), HttpError::Truncated);
    assert_eq!(chunked("0\r\nX y\r\n\r\n"), HttpError::BadTrailer);
    assert_eq!(chunked("0\r\nX: y\r\n folded\r\n\r\n"), HttpError::BadTrailer);
    assert_eq!(chunked("0\r\nX: y\n\r\n"), HttpError::BadHead);
    let many = "T: 1\r\n".repeat(MAX_HEADERS + 1);
    assert_eq!(chunked(&format!("0\r\n{many}\r\n")), HttpError::BadTrailer);
    let long = format!("0\r\nX: {}\r\n\r\n", "y".repeat(LIMITS.max_head));
    assert_eq!(chunked(&long), HttpError::HeadTooLong);
}

#[test]
fn malformed_heads_are_refused() {
    for (stream, expected) in [
        ("ICY 200 OK\r\n\r\n", HttpError::NotHttp),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", HttpError::NotHttp),
        ("http/1.1 200 OK\r\n\r\n", HttpError::NotHttp),
        ("HTTP/2 200 OK\r\n\r\n", HttpError::NotHttp),
        ("HTTP/1.2 200 OK\r\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 20 OK\r\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 2000 OK\r\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 099 x\r\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 600 x\r\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 200 OK\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 200 OK\r\nA: b\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 200 OK\r\nA: \u{0}\r\n\r\n", HttpError::BadHead),
        ("HTTP/1.1 200 OK\r\nA: b", HttpError::Truncated),
    ] {
        assert_eq!(error(stream), expected, "{stream:?}");
    }
}

#[test]
fn heads_are_bounded() {
    let sized = |len: usize| {
        let frame = head("Content-Length: 0\r\nX: \r\n").len();
        head(&format!("Content-Length: 0\r\nX: {}\r\n", "y".repeat(len - frame)))
    };
    assert_eq!(only(&sized(LIMITS.max_head)).status, 200);
    assert_eq!(error(&sized(LIMITS.max_head + 1)), HttpError::HeadTooLong);
    assert_eq!(
        error(&format!("HTTP/1.1 200 {}", "x".repeat(LIMITS.max_head))),
        HttpError::HeadTooLong
    );
    assert_eq!(error(&"junk".repeat(LIMITS.max_head)), HttpError::NotHttp);
    let lines = |n: usize| head(&("A: b\r\n".repeat(n - 1) + "Content-Length: 0\r\n"));
    assert_eq!(only(&lines(MAX_HEADERS)).status, 200);
    assert_eq!(error(&lines(MAX_HEADERS + 1)), HttpError::TooManyHeaders);
}

#[test]
fn bodies_are_bounded_where_they_have_no_length() {
    let most = "x".repeat(LIMITS.max_body);
    assert_eq!(only(&(head("") + &most)).body.len(), LIMITS.max_body);
    assert_eq!(error(&(head("") + &most + "x")), HttpError::BodyTooLong);
}

#[test]
fn reset_makes_a_failed_parser_new() {
    let mut parser = ResponseParser::new(LIMITS);
    let good = head("Content-Length: 2\r\n") + "ok";
    for broken in
        ["junk", &good[..30], "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\nX"]
    {
        let outcome = run(&mut parser, std::iter::once(broken.as_bytes()));
        assert!(outcome.end.is_err());
        parser.reset();
        let outcome = run(&mut parser, std::iter::once(good.as_bytes()));
        assert_eq!(outcome.end, Ok(None));
        assert_eq!(outcome.responses.len(), 1);
    }
}
