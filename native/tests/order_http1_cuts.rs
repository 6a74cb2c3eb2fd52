//! The response parser: no cut of a stream matters, whether the stream is sound or not.

#[path = "order_support/stream.rs"]
mod stream;

use proptest::prelude::*;
use stream::{pieces, run, Response, LIMITS};
use whitewire_core::http1::ResponseParser;

fn next_line(rest: &mut &[u8]) -> String {
    let end = rest.windows(2).position(|two| two == b"\r\n").expect("a line");
    let line = String::from_utf8(rest[..end].to_vec()).expect("ASCII");
    *rest = &rest[end + 2..];
    line
}

/// A response parser for whole, valid streams, written the obvious way.
fn twin(mut rest: &[u8]) -> Vec<Response> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        let head = String::from_utf8(rest[..end].to_vec()).expect("ASCII").to_lowercase();
        rest = &rest[end..];
        let status: u16 = head[9..12].parse().expect("a status");
        let value = |name: &str| {
            head.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
        };
        if status < 200 {
            continue;
        }
        let mut keep_alive = value("connection:").as_deref() != Some("close");
        let mut body = Vec::new();
        if status == 204 || status == 304 {
        } else if let Some(len) = value("content-length:") {
            let (taken, left) = rest.split_at(len.parse().expect("a length"));
            body.extend_from_slice(taken);
            rest = left;
        } else if value("transfer-encoding:").is_some() {
            loop {
                let line = next_line(&mut rest);
                let size = line.split(';').next().expect("a part");
                let size = usize::from_str_radix(size, 16).expect("a size");
                if size == 0 {
                    break;
                }
                body.extend_from_slice(&rest[..size]);
                rest = &rest[size + 2..];
            }
            while !next_line(&mut rest).is_empty() {}
        } else {
            body.extend_from_slice(rest);
            rest = &[];
            keep_alive = false;
        }
        found.push(Response { status, body, keep_alive });
    }
    found
}

fn body_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => Just(b'a'), 1 => Just(b'\r'), 1 => Just(b'\n'), 1 => any::<u8>()];
    proptest::collection::vec(byte, 0..60)
}

/// One response that leaves the connection open.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let extra = "(X-[A-Za-z]{1,8}: ?[ -~]{0,12}\r\n){0,4}";
    let chunk_sizes =
        proptest::collection::vec((1..20usize, "(;[a-z]{1,5}=[a-z0-9]{1,4}){0,2}"), 0..6);
    let status = prop_oneof![Just(200u16), Just(400), Just(422), Just(503), Just(204), Just(304)];
    (status, extra, body_bytes(), 0..3u8, chunk_sizes, "(T[a-z]{0,3}: [a-z]{0,5}\r\n){0,2}")
        .prop_map(|(status, extra, body, kind, sizes, trailers)| {
            let mut out = Vec::new();
            if kind == 2 {
                out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            }
            out.extend_from_slice(format!("HTTP/1.1 {status} Some Reason\r\n{extra}").as_bytes());
            if status == 204 || status == 304 {
                out.extend_from_slice(b"\r\n");
            } else if kind == 0 {
                out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                out.extend_from_slice(&body);
            } else {
                out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                let mut rest = &body[..];
                for (size, extension) in sizes {
                    let (chunk, left) = rest.split_at(size.min(rest.len()));
                    if chunk.is_empty() {
                        break;
                    }
                    out.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
                    out.extend_from_slice(chunk);
                    out.extend_from_slice(b"\r\n");
                    rest = left;
                }
                out.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
            }
            out
        })
}

fn last_response() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        body_bytes().prop_map(|body| [b"HTTP/1.0 502 Bad\r\n\r\n".to_vec(), body].concat()),
        Just(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi".to_vec()),
    ]
}

proptest! {
    #[test]
    fn any_split_of_any_stream_gives_what_the_twin_gives(
        responses in proptest::collection::vec(response(), 0..6),
        last in last_response(),
        cuts in proptest::collection::vec(1..64usize, 1..40),
    ) {
        let stream = [responses.concat(), last].concat();
        let expected = twin(&stream);
        let mut parser = ResponseParser::new(LIMITS);
        for sizes in [vec![stream.len().max(1)], vec![1], cuts] {
            let outcome = run(&mut parser, pieces(&stream, sizes));
            prop_assert!(outcome.end.is_ok(), "{:?}", outcome.end);
            prop_assert_eq!(&outcome.responses, &expected);
            parser.reset();
        }
    }
}

/// Marsaglia's xorshift: seeded, so that a failure repeats.
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("a byte")
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).expect("below a usize")
    }
}

const SEEDS: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n\
     {\"orderId\":1}",
    "HTTP/1.1 422 Unprocessable\r\nTransfer-Encoding: chunked\r\n\r\n\
     4\r\n{\"a\"\r\n3;x=y\r\n:1}\r\n0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    "HTTP/1.0 502 Bad Gateway\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nbad",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: yes\r\n\r\n",
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end",
];
const SPICES: &[&str] = &[
    "\r\n",
    "\n",
    "\r\n\r\n",
    "0\r\n\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    " ",
    ":",
    ";",
    "ffffffff",
    "HTTP/1.1 ",
    "\u{0}",
    "1",
];

fn mutate(random: &mut Random, stream: &mut Vec<u8>) {
    let at = random.below(stream.len() + 1);
    match random.below(25) {
        0..5 if at < stream.len() => stream[at] = random.byte(),
        5..10 => stream.truncate(at),
        10..15 => {
            let end = (at + random.below(8)).min(stream.len());
            stream.drain(at..end);
        }
        15..20 => {
            let spice = SPICES[random.below(SPICES.len())];
            stream.splice(at..at, spice.bytes());
        }
        20 => {
            // Long enough for every bound.
            let run = vec![random.byte(); random.below(2 * LIMITS.max_body)];
            stream.splice(at..at, run);
        }
        _ => {
            let other = SEEDS[random.below(SEEDS.len())].as_bytes();
            stream.truncate(at);
            stream.extend_from_slice(&other[random.below(other.len())..]);
        }
    }
}

#[test]
fn mutated_streams_mean_the_same_however_they_are_cut() {
    let iterations: u32 = std::env::var("WHITEWIRE_FUZZ_ITERS")
        .map_or(20_000, |text| text.parse().expect("a number of iterations"));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut parser = ResponseParser::new(LIMITS);
    let (mut accepted, mut refused) = (0u32, 0u32);
    for _ in 0..iterations {
        let mut stream = Vec::new();
        for _ in 0..=random.below(3) {
            stream.extend_from_slice(SEEDS[random.below(SEEDS.len())].as_bytes());
        }
        for _ in 0..random.below(4) {
            mutate(&mut random, &mut stream);
        }
        let sizes = (0..=random.below(5)).map(|_| 1 + random.below(20)).collect();
        parser.reset();
        let once = run(&mut parser, std::iter::once(&stream[..]));
        parser.reset();
        let cut = run(&mut parser, pieces(&stream, sizes));
        assert_eq!(once, cut, "{:?}", String::from_utf8_lossy(&stream));
        assert!(once.responses.iter().all(|response| response.body.len() <= LIMITS.max_body));
        *(if once.end.is_ok() { &mut accepted } else { &mut refused }) += 1;
    }
    let floor = iterations / 20;
    assert!(
        accepted >= floor && refused >= floor,
        "the corpus reaches both: {accepted}, {refused}"
    );
}
