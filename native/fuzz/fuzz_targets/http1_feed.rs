//! Any bytes, cut anywhere: no panic, bounded memory, and the same meaning as uncut.
//!
//! The first byte of the input chooses the size of the pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use whitewire_core::http1::{HttpError, Limits, Progress, ResponseParser};

const LIMITS: Limits = Limits {
    max_head: 1_024,
    max_body: 4_096,
};

type Outcome = (Vec<(u16, Vec<u8>, bool)>, Result<Option<u16>, HttpError>);

fn run<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut parser = ResponseParser::new(LIMITS);
    let mut responses = Vec::new();
    let taken = |parser: &ResponseParser| {
        assert!(parser.body().len() <= LIMITS.max_body);
        (parser.status(), parser.body().to_vec(), parser.keep_alive())
    };
    for mut piece in pieces {
        loop {
            match parser.advance(&mut piece) {
                Ok(Progress::Response) => responses.push(taken(&parser)),
                Ok(Progress::NeedMore) => break,
                Err(error) => {
                    assert_eq!(parser.eof(), Err(error));
                    return (responses, Err(error));
                }
            }
        }
        assert!(piece.is_empty());
    }
    let end = parser.eof();
    if let Ok(Some(_)) = end {
        responses.push(taken(&parser));
    }
    (responses, end)
}

fuzz_target!(|input: &[u8]| {
    if let Some((&size, stream)) = input.split_first() {
        let whole = run(std::iter::once(stream));
        assert_eq!(whole, run(stream.chunks(usize::from(size).max(1))));
        assert_eq!(whole, run(stream.chunks(1)));
    }
});
