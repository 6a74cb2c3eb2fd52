//! One HTTP/1.1 request at the start of a buffer, and answers to it.
//!
//! Owns: framing of requests and answers. Must not know: what a request asks for. Invariant: a
//! request that is not complete consumes nothing.

use std::ops::Range;

/// More header fields than any client sends.
const MAX_FIELDS: usize = 64;

/// Where the parts of a request lie in its buffer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its target.
    pub path: Range<usize>,
    /// Value of `X-TXC-APIKEY`.
    pub key: Range<usize>,
    /// Value of `X-TXC-PAYLOAD`.
    pub payload: Range<usize>,
    /// Value of `X-TXC-SIGNATURE`.
    pub signature: Range<usize>,
    /// Value of `Sec-WebSocket-Key`; empty where no upgrade is asked for.
    pub upgrade: Range<usize>,
    /// Its body; the request ends with it.
    pub body: Range<usize>,
}

/// Bytes that are no HTTP/1.1 request.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

/// The first request of `bytes`; None as long as it is not complete.
pub fn next(bytes: &[u8]) -> Result<Option<Request>, Malformed> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let head = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(Malformed(error.to_string())),
    };
    let within = |part: &[u8]| {
        let start = part.as_ptr().addr() - bytes.as_ptr().addr();
        start..start + part.len()
    };
    let path = within(parsed.path.unwrap_or_default().as_bytes());
    let mut request = Request { path, ..Request::default() };
    let mut body_len = 0;
    for field in parsed.headers.iter() {
        let value = within(field.value);
        match field.name.to_ascii_lowercase().as_str() {
            "x-txc-apikey" => request.key = value,
            "x-txc-payload" => request.payload = value,
            "x-txc-signature" => request.signature = value,
            "sec-websocket-key" => request.upgrade = value,
            "content-length" => body_len = number(field.value)?,
            "transfer-encoding" => return Err(Malformed("a body in chunks".to_owned())),
            _ => {}
        }
    }
    request.body = head..head + body_len;
    Ok((bytes.len() >= request.body.end).then_some(request))
}

fn number(text: &[u8]) -> Result<usize, Malformed> {
    let text = String::from_utf8_lossy(text);
    text.trim().parse().map_err(|_| Malformed(format!("Content-Length was {text}")))
}

/// Appends an answer of JSON.
pub fn put_answer(out: &mut Vec<u8>, status: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: &[u8] = b"POST /api/v4/order/new HTTP/1.1\r\nHost: h\r\nx-txc-APIKEY: k\r\n\
        X-TXC-PAYLOAD: e30=\r\nX-TXC-SIGNATURE: ab\r\nContent-Length: 2\r\n\r\n{}";

    #[test]
    fn a_request_is_taken_whole_however_it_arrives() {
        for cut in 0..POST.len() {
            assert_eq!(next(&POST[..cut]), Ok(None), "{cut}");
        }
        let two = [POST, POST].concat();
        let request = next(&two).expect("well formed").expect("complete");
        assert_eq!(request.body.end, POST.len());
        for (part, text) in [
            (&request.path, "/api/v4/order/new"),
            (&request.key, "k"),
            (&request.payload, "e30="),
            (&request.signature, "ab"),
            (&request.upgrade, ""),
            (&request.body, "{}"),
        ] {
            assert_eq!(two[part.clone()], *text.as_bytes());
        }
    }

    #[test]
    fn what_cannot_be_framed_is_told() {
        for bytes in [
            &b"\x16\x03\x01 no HTTP"[..],
            b"POST / HTTP/1.1\r\nContent-Length: two\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            next(bytes).expect_err("it is no request of ours");
        }
    }

    #[test]
    fn an_answer_says_how_long_it_is() {
        let mut out = Vec::new();
        put_answer(&mut out, "200 OK", "[]");
        assert!(out.ends_with(b"Content-Length: 2\r\n\r\n[]"));
    }
}
