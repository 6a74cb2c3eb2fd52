//! Runs a stream of responses through the parser and keeps all that came of it.

use whitewire_core::http1::{HttpError, Limits, Progress, ResponseParser};

pub const LIMITS: Limits = Limits { max_head: 2_048, max_body: 4_096 };

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub body: Vec<u8>,
    pub keep_alive: bool,
}

/// Everything that came of one stream, its end included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub responses: Vec<Response>,
    pub end: Result<Option<u16>, HttpError>,
}

fn taken(parser: &ResponseParser) -> Response {
    Response {
        status: parser.status(),
        body: parser.body().to_vec(),
        keep_alive: parser.keep_alive(),
    }
}

/// Feeds the pieces, then ends the connection.
pub fn run<'a>(parser: &mut ResponseParser, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut responses = Vec::new();
    for mut piece in pieces {
        loop {
            match parser.advance(&mut piece) {
                Ok(Progress::Response) => responses.push(taken(parser)),
                Ok(Progress::NeedMore) => {
                    assert!(piece.is_empty(), "more is asked for only when all is used");
                    break;
                }
                Err(error) => {
                    assert_eq!(parser.advance(&mut piece), Err(error), "an error is final");
                    assert_eq!(parser.eof(), Err(error));
                    return Outcome { responses, end: Err(error) };
                }
            }
        }
    }
    let end = parser.eof();
    if let Ok(Some(_)) = end {
        responses.push(taken(parser));
    }
    Outcome { responses, end }
}

/// The stream in pieces of the given sizes, which repeat.
pub fn pieces(mut stream: &[u8], sizes: Vec<usize>) -> impl Iterator<Item = &[u8]> {
    let mut sizes = sizes.into_iter().cycle();
    std::iter::from_fn(move || {
        if stream.is_empty() {
            return None;
        }
        let (piece, rest) = stream.split_at(sizes.next()?.min(stream.len()));
        stream = rest;
        Some(piece)
    })
}
