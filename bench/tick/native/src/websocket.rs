//! WebSocket frames of both directions, and the handshake's proof.
//!
//! Owns: RFC 6455 as far as small, whole messages need it. Must not know: what a message says.
//! Invariant: a frame that is not complete consumes nothing.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use ring::digest::{digest, SHA1_FOR_LEGACY_USE_ONLY};

/// A message of text.
pub const TEXT: u8 = 1;
/// The end of the connection.
pub const CLOSE: u8 = 8;
/// A question whether the peer lives.
pub const PING: u8 = 9;
/// Its answer.
pub const PONG: u8 = 10;

const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MASKED: u8 = 0x80;
/// Lengths that stand for two, and for eight, bytes of length.
const MEDIUM: u8 = 0x7e;
const LONG: u8 = 0x7f;

/// A whole frame at the start of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// What kind it is.
    pub opcode: u8,
    /// Where its payload starts.
    pub start: usize,
    /// Where it ends, and the frame with it.
    pub end: usize,
}

/// The value of `Sec-WebSocket-Accept` for a client's key.
#[must_use]
pub fn accept(key: &str) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
    STANDARD.encode(hash)
}

/// The first frame of `bytes`, its mask taken off; None as long as it is not complete.
pub fn next(bytes: &mut [u8]) -> Option<Frame> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (mut start, mut len) = (2, usize::from(second & !MASKED));
    if len == usize::from(MEDIUM) {
        len = usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
        start = 4;
    } else if len == usize::from(LONG) {
        len = usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?;
        start = 10;
    }
    let mask = (second & MASKED != 0).then(|| bytes.get(start..start + 4).map(<[u8]>::to_vec));
    start += if mask.is_some() { 4 } else { 0 };
    let end = start.checked_add(len)?;
    let payload = bytes.get_mut(start..end)?;
    if let Some(mask) = mask {
        for (byte, key) in payload.iter_mut().zip(mask?.into_iter().cycle()) {
            *byte ^= key;
        }
    }
    Some(Frame { opcode: first & 0x0f, start, end })
}

/// Appends a frame as a server sends it.
pub fn put(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_head(out, opcode, payload.len(), 0);
    out.extend_from_slice(payload);
}

/// Appends a frame as a client sends it, with a mask of zeros.
pub fn put_masked(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_head(out, opcode, payload.len(), MASKED);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

fn put_head(out: &mut Vec<u8>, opcode: u8, len: usize, mask: u8) {
    out.push(0x80 | opcode);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short), _) if short < MEDIUM => out.push(mask | short),
        (_, Ok(medium)) => {
            out.push(mask | MEDIUM);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(mask | LONG);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfc_s_handshake() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_frame_is_taken_whole_however_it_arrives() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload: Vec<u8> = (0..len).map(|i: u32| (i % 251) as u8).collect();
            for write in [put, put_masked] {
                let mut bytes = Vec::new();
                write(&mut bytes, TEXT, &payload);
                for cut in (0..bytes.len().min(20)).chain([bytes.len() - 1]) {
                    assert_eq!(next(&mut bytes.clone()[..cut]), None, "{cut} of {len}");
                }
                let frame = next(&mut bytes).expect("it is complete");
                assert_eq!((frame.opcode, frame.end), (TEXT, bytes.len()));
                assert_eq!(bytes[frame.start..frame.end], payload);
            }
        }
    }

    #[test]
    fn a_mask_is_taken_off() {
        // RFC 6455, 5.7: a masked "Hello"
        let mut bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58, 0x00];
        let frame = next(&mut bytes).expect("it is complete");
        assert_eq!(bytes[frame.start..frame.end], *b"Hello");
    }
}
