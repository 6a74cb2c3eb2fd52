//! Loops around the parser of HTTP responses, for a caller that times them.
//!
//! Owns: the bytes of responses as they come from a socket, many in one read. Must not know: what
//! they answer. Invariant: each response is read to its end, body included.

use std::hint::black_box;
use std::slice;

use whitewire_core::http1::{Limits, Progress, ResponseParser};

/// Responses and the parser that reads them.
pub struct Responses {
    parser: ResponseParser,
    bytes: Vec<u8>,
}

/// A parser, and the bytes of one pass.
///
/// # Safety
/// B2.
#[no_mangle]
pub unsafe extern "C" fn responses_new(bytes: *const u8, len: usize) -> *mut Responses {
    Box::into_raw(Box::new(Responses {
        parser: ResponseParser::new(Limits {
            max_head: 16_384,
            max_body: 1 << 20,
        }),
        // SAFETY: B2.
        bytes: unsafe { slice::from_raw_parts(bytes, len) }.to_vec(),
    }))
}

/// # Safety
/// B1; the pointer is not used again.
#[no_mangle]
pub unsafe extern "C" fn responses_free(responses: *mut Responses) {
    // SAFETY: B1.
    drop(unsafe { Box::from_raw(responses) });
}

/// Reads all of them `passes` times; the bytes of all bodies of status 200.
///
/// # Safety
/// B1.
#[no_mangle]
pub unsafe extern "C" fn responses_run(responses: *mut Responses, passes: u64) -> usize {
    // SAFETY: B1.
    let Responses { parser, bytes } = unsafe { &mut *responses };
    let mut bodies = 0;
    for _ in 0..passes {
        let mut rest = black_box(bytes.as_slice());
        while parser.advance(&mut rest) == Ok(Progress::Response) {
            if parser.status() == 200 {
                bodies += black_box(parser.body()).len();
            }
        }
    }
    bodies
}
